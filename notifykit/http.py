"""One HTTP request with one deadline, and an honest answer to "was it sent?".

For transports of any provider. Policy lives in the road: nothing here retries, follows a redirect or believes a status.
A connection that did not come about is :class:`~notifykit.errors.NotReached`; everything that goes wrong after the
request may have left is :class:`~notifykit.errors.OutcomeUnknown`.
"""

from __future__ import annotations

import collections
import functools
import http.client
import io
import os
import re
import socket
import ssl
import time
import weakref
from collections.abc import Mapping
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote, urlsplit

import attrs

from notifykit.departing import departed
from notifykit.errors import ConfigError, NotReached, OutcomeUnknown, without_frames
from notifykit.masking import SecretBytes

if TYPE_CHECKING:
    from urllib3.connection import HTTPConnection

#: The most that is read of an answer, in bytes.
BODY_LIMIT: Final = 1 << 20
#: Seconds after which an idle connection is not trusted any more: common servers drop theirs after five.
IDLE_LIMIT: Final = 4.0
#: Seconds for a connection to come about, where the deadline leaves that much.
CONNECT_LIMIT: Final = 5.0
#: Seconds before the second and third try where a server is busy and does not say for how long.
_BUSY_WAITS: Final = (2.0, 10.0)
#: Idle connections that are kept.
_CONNECTIONS: Final = 32
#: Seconds that a timeout has at least: none at all would mean another thing to a socket.
_LEAST: Final = 0.001
#: Bytes of a header of an answer, and how many of them there may be.
_LONGEST_HEADER: Final = 1 << 16
_MOST_HEADERS: Final = 100
#: The status of an answer that comes before the answer, and those of answers that have no body.
_CONTINUE: Final = 100
_BODILESS: Final = (204, 304)
_LENGTH: Final = re.compile(r"[0-9]{1,18}")
_PORTS: Final = {"http": 80, "https": 443}
#: What stands in a path as it is.
_PATH: Final = "/%:@!$&'()*+,;=~"
_PLAIN: Final = re.compile(r"[\w/.-]*", re.ASCII)
_AGENT: Final = "User-Agent: notifykit\r\n"
#: A header as it may be sent besides those that every request has.
_HEADER: Final = re.compile(
    r"(?!(?i:host|accept-encoding|content-length|transfer-encoding|connection):)"
    r"[!#$%&'*+.^_`|~0-9A-Za-z-]+: [ -~]*\r\n"
)


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


class HttpClient:
    """Posts to one host over connections that it keeps. Safe to share between threads.

    urllib3 makes the connections, and :mod:`http.client` reads the answers. What lies between is done here, because it
    decides what is known of a message: a request is one write, its answer has one deadline, and a connection that may
    have been dropped is not used.

    :param url: where to, ``https://host[:port]/path``; the path of each request is appended.
    :param idle_limit: seconds after which an idle connection is closed instead of used.
    :raises ConfigError: where the URL is none.
    """

    def __init__(self, url: str, *, idle_limit: float = IDLE_LIMIT) -> None:
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            raise ConfigError("the URL's port is not a number between 0 and 65535") from None
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ConfigError("a URL starts with https:// or http:// and names a host")
        self._https = parts.scheme == "https"
        self._host = parts.hostname
        self._port = port or _PORTS[parts.scheme]
        self._own = f"Host: {_named(parts.hostname, port)}\r\nAccept-Encoding: identity\r\n"
        self._path = quote(parts.path, _PATH)
        self._query = quote(f"?{parts.query}", f"{_PATH}?") if parts.query else ""
        self._idle_limit = idle_limit
        self._idle: collections.deque[_Idle] = collections.deque()
        self._closed = False
        # Whoever forgets a client has nothing to close.
        weakref.finalize(self, _close, self._idle)

    def post(self, path: str, body: bytes, headers: Mapping[str, str], timeout: float) -> HttpAnswer:
        """Post a body and read the whole answer.

        :param path: appended to the client's URL.
        :param body: sent with its ``Content-Length``.
        :param headers: besides the host, the encodings and the length, which every request has.
        :param timeout: seconds for everything: connecting, sending, and reading to the last byte. Only the look-up of
            the host's name, which the operating system does, is not counted.
        :raises NotReached: where no connection came about; nothing was sent.
        :raises OutcomeUnknown: where the request may have arrived and no whole answer came back.
        """
        if self._closed:
            raise NotReached(
                "The transport is closed.", "closed", action="Send before you close the notifier.", waits=()
            )
        request = self._request(path, body, headers)
        ends = time.monotonic() + timeout
        connection = self._reused() or self._opened(ends)
        reusable = False
        try:
            answer, reusable = _exchanged(connection.sock, request, ends)
        except (http.client.HTTPException, OSError) as error:
            raise _unknown(error) from without_frames(error)
        finally:
            if not reusable:
                connection.close()
        self._keep(connection)
        return answer

    def close(self) -> None:
        """Close the connections."""
        self._closed = True
        _close(self._idle)

    def _request(self, path: str, body: bytes, headers: Mapping[str, str]) -> SecretBytes:
        """Return the whole request.

        :raises NotReached: where something can't be a header; nothing was sent.
        """
        target = f"{self._path}{path if _PLAIN.fullmatch(path) else quote(path, _PATH)}{self._query}"
        lines = "" if "User-Agent" in headers else _AGENT
        for name, value in headers.items():
            line = f"{name}: {value}\r\n"
            if not _HEADER.fullmatch(line):
                raise NotReached(
                    f"The header {name} can't be sent: every request has its own, or it has characters that no header "
                    "may have.",
                    waits=(),
                )
            lines += line
        head = f"POST {target} HTTP/1.1\r\n{self._own}{lines}Content-Length: {len(body)}\r\n\r\n"
        return SecretBytes(head.encode() + body)

    def _reused(self) -> HTTPConnection | None:
        """Return a connection that was used a moment ago; None where there is none that can be trusted."""
        while self._idle:
            try:
                idle = self._idle.pop()
            except IndexError:  # another thread was faster
                break
            # A forked child that used its parent's connection would read its parent's answers.
            of_this_process = idle.process == os.getpid()
            if of_this_process and time.monotonic() - idle.since < self._idle_limit and idle.connection.is_connected:
                return idle.connection
            idle.connection.close()
        return None

    def _opened(self, ends: float) -> HTTPConnection:
        """Return a new connection.

        :raises NotReached: where it does not come about.
        """
        left = ends - time.monotonic()
        kind = _connections()[self._https]
        options: dict[str, Any] = {"ssl_context": _tls_context()} if self._https else {}
        connection = kind(self._host, self._port, timeout=min(left, CONNECT_LIMIT), **options)
        try:
            connection.connect()
            if time.monotonic() >= ends:
                raise TimeoutError("nothing is left for the request")
        except Exception as error:
            connection.close()
            why = _why(error)
            detail = f"No connection to {self._host} came about: {why.replace('_', ' ')}."
            raise NotReached(detail, why, action=_CURES[why]) from without_frames(error)
        except BaseException:
            connection.close()
            raise
        return connection

    def _keep(self, connection: HTTPConnection) -> None:
        if self._closed or len(self._idle) >= _CONNECTIONS:
            connection.close()
        else:
            self._idle.append(_Idle(connection, time.monotonic(), os.getpid()))


class _Idle(NamedTuple):
    """A connection that nobody uses at the moment."""

    connection: HTTPConnection
    since: float
    process: int


def _close(idle: collections.deque[_Idle]) -> None:
    while idle:
        idle.pop().connection.close()


def _named(host: str, port: int | None) -> str:
    """Return a host as the header of a request names it."""
    name = f"[{host}]" if ":" in host else host.encode("idna").decode() if not host.isascii() else host
    return name if port is None else f"{name}:{port}"


def _exchanged(sock: socket.socket, request: bytes, ends: float) -> tuple[HttpAnswer, bool]:
    """Make one request, and return its answer and whether the connection may be used again."""
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


@functools.cache
def _tls_context() -> ssl.SSLContext:
    """Return the process's one TLS context: reading the system's certificates costs more than a request."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


@functools.cache
def _connections() -> tuple[type[HTTPConnection], type[HTTPConnection]]:
    """Return the kinds of connections: without TLS, and with."""
    from urllib3.connection import HTTPConnection, HTTPSConnection

    class Plain(HTTPConnection):
        """A connection with one timeout for all addresses of its host together."""

        def _new_conn(self) -> socket.socket:
            return _connected(self._dns_host, self.port, self.timeout, self.socket_options)

    return Plain, type("Tls", (Plain, HTTPSConnection), {})


def _connected(host: str, port: int, timeout: Any, options: Any) -> socket.socket:
    """Connect to the first address of a host that answers: one timeout for all of its addresses together."""
    ends = time.monotonic() + (timeout if isinstance(timeout, int | float) else CONNECT_LIMIT)
    failure: OSError = OSError("the host has no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM):
        left = ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("no address of the host answered in time") from failure
        sock = socket.socket(family, kind, protocol)
        try:
            for option in options or ():
                sock.setsockopt(*option)
            sock.settimeout(left)
            sock.connect(address)
        except OSError as error:
            sock.close()
            failure = error
        else:
            return sock
    raise failure


_SAFE: Final = "nothing was sent, so sending again is safe."
#: What to do, by why no connection came about.
_CURES: Final = {
    "name_not_found": f"Check how the host is spelled, and the DNS of this machine; {_SAFE}",
    "tls_failed": f"Check that the host speaks HTTPS on this port, and the certificates of this machine; {_SAFE}",
    "connection_refused": f"Check host and port: nothing listens there, or a firewall refuses; {_SAFE}",
    "connect_timeout": f"Check the firewall of this machine, and whether the host is up; {_SAFE}",
    "connect_failed": f"Check the network of this machine; {_SAFE}",
}


def _why(error: Exception) -> str:
    if isinstance(error, socket.gaierror):
        return "name_not_found"
    if isinstance(error, ssl.SSLError):
        return "tls_failed"
    if isinstance(error, ConnectionRefusedError):
        return "connection_refused"
    return "connect_timeout" if isinstance(error, TimeoutError) else "connect_failed"
