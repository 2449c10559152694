"""One request over a connection that is there, and its whole answer.

What is not whole is no answer: everything that goes wrong here is :class:`~notifykit.errors.OutcomeUnknown`.
"""

from __future__ import annotations

import http.client
import io
import re
import socket
import time
from collections.abc import Mapping
from typing import IO, Any, Final

import attrs

from notifykit.departing import departed
from notifykit.errors import OutcomeUnknown, without_frames

#: The most that is read of an answer, in bytes.
BODY_LIMIT: Final = 1 << 20
#: Seconds before the second and third try where a server is busy and does not say for how long.
_BUSY_WAITS: Final = (2.0, 10.0)
#: Seconds that a timeout has at least: none at all would mean another thing to a socket.
_LEAST: Final = 0.001
#: Bytes of a header of an answer, and how many of them there may be.
_LONGEST_HEADER: Final = 1 << 16
_MOST_HEADERS: Final = 100
#: The status of an answer that comes before the answer, and those of answers that have no body.
_CONTINUE: Final = 100
_BODILESS: Final = (204, 304)
_LENGTH: Final = re.compile(r"[0-9]{1,18}")


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
        return _exchanged(sock, request, ends)
    except (http.client.HTTPException, OSError) as error:
        raise _unknown(error) from without_frames(error)


def _exchanged(sock: socket.socket, request: bytes, ends: float) -> tuple[HttpAnswer, bool]:
    sock.settimeout(max(ends - time.monotonic(), _LEAST))
    sock.sendall(request)
    departed()
    with _Response(_Arriving(sock, ends)) as response:
        response.begin()
        content = response.read(BODY_LIMIT + 1)
        if len(content) > BODY_LIMIT:
            raise _oversized()
        if response.length:
            raise http.client.IncompleteRead(content, response.length)
        if response.fields.get("content-encoding", "identity").lower() != "identity":
            content = _decoded(content, response.fields)
        return HttpAnswer(response.status, response.fields, content), not response.will_close


class _Response(http.client.HTTPResponse):
    """An answer whose headers are not read as those of an e-mail: that would take as long as all the rest of a request.

    :param arriving: what comes; all that an answer asks of a socket is a file to read from.
    """

    def __init__(self, arriving: _Arriving) -> None:
        super().__init__(arriving, method="POST")  # type: ignore[arg-type]
        #: The headers, names in lower case; one that came twice with both values.
        self.fields: dict[str, str] = {}

    def begin(self) -> None:
        """Read up to where the body begins, and find out where it ends."""
        status = _CONTINUE
        while status == _CONTINUE:
            version, status, self.reason = self._read_status()  # type: ignore[attr-defined]
            self.headers = self.fields = _fields(self.fp)  # type: ignore[assignment]
        self.status = status
        self.version = 10 if version in ("HTTP/1.0", "HTTP/0.9") else 11
        self.chunked = self.fields.get("transfer-encoding", "").lower() == "chunked"
        self.chunk_left = None
        length = self.fields.get("content-length", "")
        if status < 200 or status in _BODILESS:
            self.length = 0
        else:
            self.length = int(length) if _LENGTH.fullmatch(length) and not self.chunked else None
        endless = self.length is None and not self.chunked
        self.will_close = endless or self._check_close()  # type: ignore[attr-defined]


def _fields(file: IO[bytes]) -> dict[str, str]:
    """Read the headers of an answer.

    :raises IncompleteRead: where they break off.
    :raises HTTPException: where there is no end of them.
    """
    fields: dict[str, str] = {}
    name = ""
    for _ in range(_MOST_HEADERS):
        line = file.readline(_LONGEST_HEADER)
        if line in (b"\r\n", b"\n"):
            return fields
        if not line.endswith(b"\n"):
            raise http.client.IncompleteRead(line)
        text = line.decode("iso-8859-1")
        if text[0] in " \t":  # the one before goes on
            fields[name] = f"{fields.get(name, '')} {text.strip()}"
            continue
        name, _, value = text.partition(":")
        name, value = name.strip().lower(), value.strip()
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    raise http.client.HTTPException("the headers of the answer have no end")


class _Arriving(io.RawIOBase):
    """What comes over a socket before a deadline: a timeout for each read would let a server dribble for ever."""

    def __init__(self, sock: socket.socket, ends: float) -> None:
        self._sock = sock
        self._ends = ends

    def makefile(self, mode: str) -> io.BufferedReader:
        """Return the file. Closing it does not close the socket."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """Say yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what is there before the deadline.

        :raises TimeoutError: where nothing came.
        """
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline for the whole answer has passed")
        self._sock.settimeout(left)
        return self._sock.recv_into(buffer)


def _decoded(content: bytes, headers: Mapping[str, str]) -> bytes:
    """Undo the encoding of a body; we asked for none, and read it if it comes."""
    import urllib3

    response = urllib3.HTTPResponse(io.BytesIO(content), headers, preload_content=False)
    pieces: list[bytes] = []
    size = 0
    try:
        while piece := response.read(65536, decode_content=True):
            pieces.append(piece)
            size += len(piece)
            if size > BODY_LIMIT:
                raise _oversized()
    except urllib3.exceptions.DecodeError as error:
        raise OutcomeUnknown("The answer's compression can't be undone.", code="unreadable") from without_frames(error)
    return b"".join(pieces)


def _oversized() -> OutcomeUnknown:
    return OutcomeUnknown(f"The answer is longer than {BODY_LIMIT} bytes.", code="oversized")


def _unknown(error: Exception) -> OutcomeUnknown:
    if isinstance(error, TimeoutError):
        return OutcomeUnknown("No whole answer came before the deadline.", code="timeout")
    if isinstance(error, http.client.IncompleteRead):
        return OutcomeUnknown("The connection broke off in the middle of the answer.", code="incomplete")
    return OutcomeUnknown("The connection broke off before the answer.", code="connection_lost")
