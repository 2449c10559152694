"""One HTTP request with one deadline, and an honest answer to "was it sent?".

For transports of any provider. Policy lives in the road: nothing here retries, follows a redirect or believes a status.
A connection that did not come about is :class:`~notifykit.errors.NotReached`; everything that goes wrong after the
request may have left is :class:`~notifykit.errors.OutcomeUnknown`.
"""

from __future__ import annotations

import functools
import http.client
import io
import os
import socket
import ssl
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import attrs

from notifykit.departing import departed
from notifykit.errors import ConfigError, NotReached, OutcomeUnknown, without_frames
from notifykit.masking import SecretBytes

if TYPE_CHECKING:
    import urllib3

#: The most that is read of an answer, in bytes.
BODY_LIMIT: Final = 1 << 20
#: Seconds after which an idle connection is not trusted any more: common servers drop theirs after five.
IDLE_LIMIT: Final = 4.0
#: Seconds for a connection to come about, where the deadline leaves that much.
CONNECT_LIMIT: Final = 5.0
#: Seconds before the second and third try where a server is busy and does not say for how long.
_BUSY_WAITS: Final = (2.0, 10.0)
_CONNECTIONS: Final = 32
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


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


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine, without asking DNS."""
    return host.strip("[]").lower() in _LOOPBACK


class HttpClient:
    """Posts to one host over one pool of connections. Safe to share between threads.

    :param url: where to, ``https://host[:port]/path``; the path of each request is appended.
    :param idle_limit: seconds after which an idle connection is closed instead of used.
    :raises ConfigError: where the URL is none.
    """

    def __init__(self, url: str, *, idle_limit: float = IDLE_LIMIT) -> None:
        parts = urlsplit(url)
        try:
            self._port = parts.port
        except ValueError:
            raise ConfigError("the URL's port is not a number between 0 and 65535") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError("a URL starts with https:// or http:// and names a host")
        self._https = parts.scheme == "https"
        self._host = parts.hostname
        self._path = parts.path
        self._query = f"?{parts.query}" if parts.query else ""
        self._idle_limit = idle_limit
        self._pools: dict[int, urllib3.HTTPConnectionPool] = {}
        self._closed = False

    @property
    def _pool(self) -> urllib3.HTTPConnectionPool:
        """The connections of this process: a forked child that used its parent's would read its parent's answers."""
        process = os.getpid()
        if process not in self._pools:
            self._pools[process] = _make_pool(self._https, self._host, self._port, self._idle_limit)
        return self._pools[process]

    def post(self, path: str, body: bytes, headers: Mapping[str, str], timeout: float) -> HttpAnswer:
        """Post a body and read the whole answer.

        :param path: appended to the client's URL.
        :param body: sent with its ``Content-Length``.
        :param headers: besides those that every request has.
        :param timeout: seconds for everything: connecting, sending, and reading to the last byte. Only the look-up of
            the host's name, which the operating system does, is not counted.
        :raises NotReached: where no connection came about; nothing was sent.
        :raises OutcomeUnknown: where the request may have arrived and no whole answer came back.
        """
        import urllib3

        if self._closed:
            raise NotReached(
                "The transport is closed.", "closed", action="Send before you close the notifier.", waits=()
            )
        _check_headers(headers)
        try:
            response = self._pool.urlopen(
                "POST",
                f"{self._path}{path}{self._query}",
                body=SecretBytes(body),
                headers={**headers, "Content-Length": str(len(body)), "Accept-Encoding": "identity"},
                retries=False,
                redirect=False,
                preload_content=False,
                timeout=urllib3.Timeout(total=timeout, connect=min(timeout, CONNECT_LIMIT)),
            )
            content = _read(response)
            return HttpAnswer(response.status, {k.lower(): v for k, v in response.headers.items()}, content)
        except NotReached as error:
            raise NotReached(error.detail, error.code) from error.__cause__ and without_frames(error.__cause__)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise _unknown(error) from without_frames(error)

    def close(self) -> None:
        """Close the connections."""
        self._closed = True
        pool = self._pools.pop(os.getpid(), None)
        if pool is not None:
            pool.close()


def _check_headers(headers: Mapping[str, str]) -> None:
    """Refuse what can't be a header before anything is sent."""
    for name, value in headers.items():
        if not (value.isprintable() and value.isascii()):
            raise NotReached(f"The header {name} can't be sent: it has characters that no header may have.", waits=())


def _read(response: urllib3.BaseHTTPResponse) -> bytes:
    """Read to the end, which gives the connection back to the pool."""
    pieces: list[bytes] = []
    size = 0
    while piece := response.read(65536, decode_content=True):
        pieces.append(piece)
        size += len(piece)
        if size > BODY_LIMIT:
            response.close()
            raise OutcomeUnknown(f"The answer is longer than {BODY_LIMIT} bytes.", code="oversized")
    return b"".join(pieces)


def _unknown(error: Exception) -> OutcomeUnknown:
    from urllib3 import exceptions

    if isinstance(error, exceptions.ReadTimeoutError | TimeoutError):
        return OutcomeUnknown("No whole answer came before the deadline.", code="timeout")
    if isinstance(error, exceptions.DecodeError):
        return OutcomeUnknown("The answer's compression can't be undone.", code="unreadable")
    if isinstance(error, exceptions.IncompleteRead) or "IncompleteRead" in repr(error):
        return OutcomeUnknown("The connection broke off in the middle of the answer.", code="incomplete")
    return OutcomeUnknown("The connection broke off before the answer.", code="connection_lost")


@functools.cache
def _tls_context() -> ssl.SSLContext:
    """Return the process's one TLS context: reading the system's certificates costs more than a request."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _make_pool(https: bool, host: str, port: int | None, idle_limit: float) -> urllib3.HTTPConnectionPool:
    from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
    from urllib3.connection import HTTPConnection, HTTPSConnection

    class Watched(HTTPConnection):
        """A connection that tells "never came about" from "broke", and whose answer has one deadline."""

        _used = 0.0

        def _new_conn(self) -> socket.socket:
            return _connected(self._dns_host, self.port, self.timeout, self.socket_options)

        def connect(self) -> None:
            try:
                super().connect()
            except Exception as error:
                why = _why(error)
                detail = f"No connection to {host} came about: {why.replace('_', ' ')}."
                raise NotReached(detail, why, action=_CURES[why]) from error

        @property
        def is_connected(self) -> bool:
            return super().is_connected and time.monotonic() - self._used < idle_limit

        def request(self, *args: Any, **options: Any) -> None:
            self._used = time.monotonic()
            super().request(*args, **options)
            departed()

        def getresponse(self) -> Any:
            # The pool has set self.timeout to what is left of the total.
            ends = time.monotonic() + self.timeout if isinstance(self.timeout, int | float) else None
            self.response_class = functools.partial(_Response, ends=ends)  # type: ignore[assignment]
            response = super().getresponse()
            self._used = time.monotonic()
            return response

    options: dict[str, Any] = {"maxsize": _CONNECTIONS, "retries": False}
    if not https:
        plain = HTTPConnectionPool(host, port, **options)
        plain.ConnectionCls = Watched
        return plain
    secure = HTTPSConnectionPool(host, port, ssl_context=_tls_context(), **options)
    secure.ConnectionCls = type("WatchedTls", (Watched, HTTPSConnection), {})
    return secure


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


_SAFE: Final = "Nothing was sent, so sending again is safe."
#: What to do, by why no connection came about.
_CURES: Final = {
    "name_not_found": f"Check how the host is spelled, and the DNS of this machine. {_SAFE}",
    "tls_failed": f"Check that the host speaks HTTPS on this port, and the certificates of this machine. {_SAFE}",
    "connection_refused": f"Check host and port: nothing listens there, or a firewall refuses. {_SAFE}",
    "connect_timeout": f"Check the firewall of this machine, and whether the host is up. {_SAFE}",
    "connect_failed": f"Check the network of this machine. {_SAFE}",
}


def _why(error: Exception) -> str:
    if isinstance(error, socket.gaierror):
        return "name_not_found"
    if isinstance(error, ssl.SSLError):
        return "tls_failed"
    if isinstance(error, ConnectionRefusedError):
        return "connection_refused"
    return "connect_timeout" if isinstance(error, TimeoutError) else "connect_failed"


class _Response(http.client.HTTPResponse):
    """An answer whose every read counts against one deadline: a timeout for each read lets a server dribble for ever."""

    def __init__(self, sock: socket.socket, *args: Any, ends: float | None, **options: Any) -> None:
        super().__init__(_Reader(sock, ends), *args, **options)  # type: ignore[arg-type]


class _Reader:
    """The one thing that an answer asks of its socket: a file to read from."""

    def __init__(self, sock: socket.socket, ends: float | None) -> None:
        self._sock = sock
        self._ends = ends

    def makefile(self, mode: str) -> io.BufferedReader:
        """Return the file."""
        raw = self._sock.makefile("rb", buffering=0)
        return io.BufferedReader(_Timed(raw, self._sock, self._ends))


class _Timed(io.RawIOBase):
    """Reads from a socket's file until a deadline."""

    def __init__(self, raw: Any, sock: socket.socket, ends: float | None) -> None:
        self._raw = raw
        self._sock = sock
        self._ends = ends

    def readable(self) -> bool:
        """Say yes."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read what is there before the deadline.

        :raises TimeoutError: where nothing came.
        """
        if self._ends is not None:
            left = self._ends - time.monotonic()
            if left <= 0:
                raise TimeoutError("the deadline for the whole answer has passed")
            self._sock.settimeout(left)
        count: int | None = self._raw.readinto(buffer)
        return count

    def close(self) -> None:
        """Give the socket back."""
        if not self.closed:
            self._raw.close()
        super().close()
