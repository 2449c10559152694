"""One request over a connection that is there, and its whole answer.

What is not whole is no answer: everything that goes wrong here is :class:`~notifykit.errors.OutcomeUnknown`.
"""

from __future__ import annotations

import re
import socket
import ssl
import zlib
from collections.abc import Mapping
from typing import Final, NamedTuple

import attrs

from notifykit.connecting import left_until
from notifykit.departing import departed
from notifykit.errors import OutcomeUnknown, without_frames

#: The most that is read of an answer, in bytes.
BODY_LIMIT: Final = 1 << 20
#: Seconds before the second and third try where a server is busy and does not say for how long.
_BUSY_WAITS: Final = (2.0, 10.0)
#: Bytes that are read at once: as many as a TLS record holds.
_PIECE: Final = 1 << 14
#: Bytes of a line of an answer, how many headers there may be, and encodings around each other.
_LONGEST_LINE: Final = 1 << 16
_MOST_HEADERS: Final = 100
_MOST_ENCODINGS: Final = 5
#: The statuses below it come before the answer, but for the one that ends HTTP.
_FIRST_FINAL: Final = 200
_SWITCHING: Final = 101
#: The statuses of answers that have no body.
_BODILESS: Final = (_SWITCHING, 204, 304)
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.([0-9])[ \t]+([1-9][0-9]{2})(?:\s.*)?", re.DOTALL)
#: The first bytes of what gzip made.
_GZIP: Final = b"\x1f\x8b"
_LENGTH: Final = re.compile(r"[0-9]{1,18}")
_CHUNK: Final = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?", re.DOTALL)


@attrs.frozen
class HttpAnswer:
    """What came back, read to its end."""

    #: The status, which is not believed before the body is read.
    status: int
    #: The headers, names in lower case.
    headers: Mapping[str, str] = attrs.field(repr=False)
    #: The body, with its transfer and content encodings undone.
    body: bytes = attrs.field(repr=lambda body: f"<{len(body)} bytes>")

    @property
    def retry_after(self) -> float | None:
        """Seconds from the ``Retry-After`` header; None where there are none, or where it names a date."""
        value = self.headers.get("retry-after", "")
        return float(value) if value.isdecimal() and value.isascii() else None

    @property
    def turned_away(self) -> bool:
        """Whether a 429 or 503 says by its form that the request was not taken; one with a page may be a proxy's."""
        return self.status in (429, 503) and (self.retry_after is not None or not self.body.strip())

    @property
    def waits(self) -> tuple[float, ...]:
        """Seconds before the second and third try, by ``Retry-After`` where it is there."""
        return _BUSY_WAITS if self.retry_after is None else (self.retry_after,) * len(_BUSY_WAITS)


def exchange(sock: socket.socket, request: bytes, ends: float) -> tuple[HttpAnswer, bool]:
    """Make one request, and return its answer and whether the connection may be used again.

    :param ends: the monotonic time at which the whole answer must be there.
    :raises OutcomeUnknown: where it is not.
    """
    try:
        whole = _sent(sock, request, ends)
        departed()
        answer, kept = _read(_Arriving(sock, ends))
    except OutcomeUnknown as error:
        raise without_frames(error)  # noqa: B904 - it is the same error, without the variables that hold the answer
    except OSError as error:
        raise _broken(error) from without_frames(error)
    return answer, kept and whole


def _sent(sock: socket.socket, request: bytes, ends: float) -> bool:
    """Send a request, and return whether all of it left: who refuses it early may close before, and has answered.

    Piece by piece, because the ``sendall`` of a TLS socket begins its timeout anew with each.
    """
    rest = memoryview(request)
    try:
        while rest:
            sock.settimeout(left_until(ends))
            rest = rest[sock.send(rest) :]
    except (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
        return False
    return True


class _Arriving:
    """What comes over a socket before a deadline: a timeout for each read would let a server dribble for ever."""

    def __init__(self, sock: socket.socket, ends: float) -> None:
        self._sock = sock
        self._ends = ends
        self._come = bytearray()
        #: Whether it is not known where the answer ends.
        self.spoilt = False

    @property
    def left_over(self) -> bool:
        """Whether more has come than was taken; it would be read as the answer to the next request."""
        return self.spoilt or bool(self._come) or (isinstance(self._sock, ssl.SSLSocket) and self._sock.pending() > 0)

    def more(self) -> bool:
        """Wait until something comes; return False where the server has closed instead."""
        self._sock.settimeout(left_until(self._ends))
        piece = self._sock.recv(_PIECE)
        self._come += piece
        return bool(piece)

    def line(self) -> bytearray:
        """Take a line, without its end."""
        seen = 0
        while (end := self._come.find(b"\n", seen)) < 0:
            seen = len(self._come)
            if seen > _LONGEST_LINE or not self.more():
                raise _incomplete()
        if end > _LONGEST_LINE:
            raise _incomplete()
        line = self._come[:end]
        del self._come[: end + 1]
        return line[:-1] if line.endswith(b"\r") else line

    def take(self, size: int) -> bytes:
        """Take so many bytes."""
        while len(self._come) < size:
            if not self.more():
                raise _incomplete()
        taken = bytes(self._come[:size])
        del self._come[:size]
        return taken

    def rest(self) -> bytes:
        """Take all that comes until the server closes."""
        while self.more():
            if len(self._come) > BODY_LIMIT:
                raise _oversized()
        return self.take(len(self._come))


class _Framing(NamedTuple):
    """How the body of an answer ends: where it has neither chunks nor a length, with the connection."""

    chunked: bool
    length: int | None


def _read(arriving: _Arriving) -> tuple[HttpAnswer, bool]:
    """Read an answer to its end, and return it and whether its connection may be used again."""
    status = 0
    while status < _FIRST_FINAL and status != _SWITCHING:  # 100, 102 and 103 come before the answer
        minor, status = _status(arriving)
        fields = _fields(arriving)
    framing = _Framing(False, 0) if status in _BODILESS else _framing(fields)
    content = _body(arriving, framing)
    encodings = fields.get("content-encoding")
    if encodings:
        content = _decoded(content, encodings)
    connection = fields.get("connection", "").lower()
    kept = "keep-alive" in connection if minor == 0 else "close" not in connection
    ended = framing.chunked or framing.length is not None
    return HttpAnswer(status, fields, content), kept and ended and status != _SWITCHING and not arriving.left_over


def _status(arriving: _Arriving) -> tuple[int, int]:
    """Read the first line of an answer: the minor version of HTTP, and the status."""
    if not arriving.left_over and not arriving.more():
        raise _lost()
    found = _STATUS_LINE.fullmatch(arriving.line())
    if found is None:
        raise _lost()
    return int(found[1]), int(found[2])


def _fields(arriving: _Arriving) -> dict[str, str]:
    """Read headers: names in lower case, one that came twice with both values."""
    fields: dict[str, str] = {}
    name = ""
    for _ in range(_MOST_HEADERS):
        line = arriving.line()
        if not line:
            return fields
        text = line.decode("iso-8859-1")
        if text[0] in " \t":  # the one before goes on
            fields[name] = f"{fields.get(name, '')} {text.strip()}"
            continue
        name, _, value = text.partition(":")
        name, value = name.strip().lower(), value.strip()
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    raise _lost()


def _framing(fields: Mapping[str, str]) -> _Framing:
    """Find out how a body ends. What is said twice counts once; what contradicts itself can't be read."""
    transfer = _said(fields.get("transfer-encoding", "identity").lower())
    if transfer == "chunked":
        return _Framing(True, None)
    if transfer != "identity":
        raise _unreadable(f"The answer is sent in an unknown way: {transfer[:40]!r}.")
    length = fields.get("content-length", "")
    if not _LENGTH.fullmatch(length):
        length = _said(length)
        if "," in length:
            raise _unreadable("The answer has more than one length.")
    return _Framing(False, int(length) if _LENGTH.fullmatch(length) else None)


def _said(value: str) -> str:
    """Return the value of a header that came more than once as it would be if it had come once."""
    return ",".join(dict.fromkeys(part.strip() for part in value.split(","))) if "," in value else value


def _body(arriving: _Arriving, framing: _Framing) -> bytes:
    if framing.chunked:
        return _chunks(arriving)
    if framing.length is None:
        return arriving.rest()
    if framing.length > BODY_LIMIT:
        raise _oversized()
    return arriving.take(framing.length)


def _chunks(arriving: _Arriving) -> bytes:
    """Read a body that comes in chunks, each behind its size, and what comes behind the last."""
    pieces: list[bytes] = []
    total = 0
    while True:
        found = _CHUNK.fullmatch(arriving.line())
        if found is None:
            raise _incomplete()
        size = int(found[1], 16)
        if not size:
            # The last chunk is the end of the body (RFC 9112, section 7.1); what comes behind it may be missing.
            try:
                _fields(arriving)
            except OutcomeUnknown:
                arriving.spoilt = True
            return b"".join(pieces)
        total += size
        if total > BODY_LIMIT:
            raise _oversized()
        pieces.append(arriving.take(size))
        if arriving.line():
            raise _incomplete()


def _decoded(content: bytes, encodings: str) -> bytes:
    """Undo the encodings of a body, the last first; we asked for none, and read what every server has."""
    names = encodings.lower().split(",")
    if len(names) > _MOST_ENCODINGS:
        raise _unreadable("The answer is compressed too many times.")
    for name in reversed(names):
        if name.strip() in ("gzip", "x-gzip", "deflate"):
            try:
                content = _decompressed(content)
            except zlib.error as error:
                raise _unreadable("The answer's compression can't be undone.") from without_frames(error)
    return content


def _decompressed(content: bytes) -> bytes:
    """Undo gzip, of which several may stand behind each other, or deflate with its frame or without."""
    pieces: list[bytes] = []
    room = BODY_LIMIT + 1
    while content:
        undone, content = _member(content, room)
        room -= len(undone)
        if not room:
            raise _oversized()
        pieces.append(undone)
        if not content.startswith(_GZIP):  # what else stands behind the end is nothing
            break
    return b"".join(pieces)


def _member(content: bytes, room: int) -> tuple[bytes, bytes]:
    """Undo what was compressed at once, to ``room`` bytes at most; return it and what stands behind it."""
    undoing = zlib.decompressobj(zlib.MAX_WBITS | 32)  # gzip or deflate
    try:
        undone = undoing.decompress(content, room)
    except zlib.error:
        if content.startswith(_GZIP):
            raise
        undoing = zlib.decompressobj(-zlib.MAX_WBITS)
        undone = undoing.decompress(content, room)
    if not undoing.eof and len(undone) < room:
        raise zlib.error("the end is missing")
    return undone, undoing.unused_data


def _lost() -> OutcomeUnknown:
    return OutcomeUnknown("The connection broke off before the answer.", code="connection_lost")


def _incomplete() -> OutcomeUnknown:
    return OutcomeUnknown("The connection broke off in the middle of the answer.", code="incomplete")


def _oversized() -> OutcomeUnknown:
    return OutcomeUnknown(f"The answer is longer than {BODY_LIMIT} bytes.", code="oversized")


def _unreadable(detail: str) -> OutcomeUnknown:
    return OutcomeUnknown(detail, code="unreadable")


def _broken(error: OSError) -> OutcomeUnknown:
    if isinstance(error, TimeoutError):
        return OutcomeUnknown("No whole answer came before the deadline.", code="timeout")
    return _lost()
