"""urllib3's pool of connections to one host, with what urllib3 leaves open.

A connection is made before a request is written, within one limit for DNS answers, proxy and TLS together. Nothing is read
after the deadline of the request, whatever the server does. What is not a whole answer is an error. A connection is not
used again where it may have been dropped, belongs to another process, or has received what nobody asked for.
"""

from __future__ import annotations

import http.client
import os
import re
import socket
import ssl
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import (
    ClosedPoolError,
    ConnectTimeoutError,
    DecodeError,
    HTTPError,
    IncompleteRead,
    InvalidChunkLength,
    InvalidHeader,
    NameResolutionError,
    ReadTimeoutError,
)
from urllib3.util.retry import Retry

from notifykit.connecting import CONNECT_LIMIT, DeadlineSocket, ReceivedFile, connect_socket, seconds_until
from notifykit.errors import NotReached, OutcomeUnknown, without_frames
from notifykit.network import EXCHANGE_PROBLEMS, Network, Proxy, basic_authorization, not_reached, tls_context

if TYPE_CHECKING:
    from urllib3._base_connection import BaseHTTPConnection, BaseHTTPSConnection


class NotWhole(http.client.HTTPException):
    """The headers of an answer don't say, or say twice, where it ends."""


#: Idle connections that are kept for one host.
_MAX_IDLE: Final = 100
_SWITCHING_PROTOCOLS: Final = 101
_TUNNEL_FAILED: Final = re.compile(r"Tunnel connection failed: (\d{3})")

_NEVER: Final = Retry(False)
#: What a broken exchange means, by the kinds of errors among its causes: the first that fits counts.
_FAULTS: Final[tuple[tuple[tuple[type[BaseException], ...], str], ...]] = (
    ((TimeoutError, ReadTimeoutError), "timeout"),
    ((NotWhole, InvalidHeader, DecodeError), "unreadable"),
    ((IncompleteRead, InvalidChunkLength, http.client.IncompleteRead, http.client.LineTooLong), "incomplete"),
    ((BaseException,), "connection_lost"),
)


class Timeouts(urllib3.Timeout):
    """urllib3's timeouts, where connecting, sending and receiving end at one time together.

    :param deadline: a monotonic time.
    """

    def __init__(self, deadline: float) -> None:
        super().__init__()
        self._ends = deadline

    def clone(self) -> Timeouts:
        """Return itself: it does not change."""
        return self

    @property
    def connect_timeout(self) -> float:
        """The seconds that are left."""
        return max(0.0, self._ends - time.monotonic())

    read_timeout = connect_timeout


class WholeAnswer(http.client.HTTPResponse):
    """An answer to this request and no other, whose end is known."""

    def begin(self) -> None:
        """Read status and headers.

        :raises IncompleteRead: where the connection was closed before the headers ended.
        :raises NotWhole: where they can't be read or contradict each other.
        """
        super().begin()
        # http.client skips only 100; every other 1xx comes before the answer too (RFC 9110, section 15.2).
        while self.status < 200 and self.status != _SWITCHING_PROTOCOLS:
            self.headers = self.msg = None  # type: ignore[assignment]  # so that the next answer is read
            super().begin()
        if isinstance(self.fp, ReceivedFile) and self.fp.at_end:
            raise http.client.IncompleteRead(b"")
        if self.msg.defects or self.msg.get_payload():  # what could not be read as a header is its payload
            raise NotWhole("The answer's headers can't be read.")
        lengths = ",".join(self.headers.get_all("Content-Length", ())).replace(" ", "").split(",")
        if len(set(lengths)) > 1:
            raise NotWhole("The answer has more than one length.")
        if not self.chunked and lengths[0] and not (lengths[0].isascii() and lengths[0].isdigit()):
            raise NotWhole("The answer's length is no number.")
        if not self.chunked and self.headers.get("Transfer-Encoding", "identity").lower() != "identity":
            raise NotWhole("The answer is sent in an unknown transfer encoding.")
        if self.status == _SWITCHING_PROTOCOLS:
            self.will_close = True

    def _read_next_chunk_size(self) -> int:
        """Return the size of the next chunk; http.client takes ``-1`` for one, and then reads without end."""
        size: int = super()._read_next_chunk_size()  # type: ignore[misc]
        if size < 0:
            raise ValueError("a chunk has no negative size")
        return size


class _DeadlineConnection(HTTPConnection):
    """A connection over a socket with one deadline."""

    response_class = WholeAnswer
    #: The monotonic time after which it is not used again.
    usable_until = 0.0
    #: The process that made it.
    process = 0

    def connect(self) -> None:
        super().connect()
        self.process = os.getpid()
        self.sock = DeadlineSocket(self.sock)

    @property
    def is_connected(self) -> bool:
        """Whether a request may be sent over it. A forked child that used its parent's would read its answers."""
        return (
            isinstance(self.sock, DeadlineSocket)
            and self.process == os.getpid()
            and time.monotonic() < self.usable_until
            and self.sock.is_silent()
        )

    def _tunnel(self) -> None:
        """Ask the proxy to connect, within the limit for the connection."""
        sock = self.sock
        limited = DeadlineSocket(sock, sock.gettimeout())
        self.sock = limited
        super()._tunnel()
        limited.limit_next_call()  # the TLS handshake comes next
        self.sock = sock


class _Connection(_DeadlineConnection):
    """A connection without TLS."""

    def _new_conn(self) -> socket.socket:
        seconds = self.timeout if isinstance(self.timeout, int | float) else CONNECT_LIMIT
        return connect_socket(self._dns_host, self.port, seconds, self.socket_options or ())


class _TlsConnection(_Connection, HTTPSConnection):
    """A connection with TLS."""


class Pool(HTTPConnectionPool):
    """Connections to one host."""

    connection_class: type[HTTPConnection] = _Connection
    #: Seconds after which an idle connection is not used any more.
    idle_limit: float
    #: The most that is read of an answer, in bytes.
    body_limit: int
    #: The proxy that it connects through; None for none.
    through: Proxy | None = None
    #: Where TLS gets its certificates from.
    network = Network()

    @property
    def ConnectionCls(self) -> type[BaseHTTPConnection]:  # type: ignore[override]  # noqa: N802 - urllib3's name
        """The class of its connections: that of a library that records or imitates requests, else ours."""
        current = super().ConnectionCls
        return self.connection_class if current in (HTTPConnection, HTTPSConnection) else current

    def open(self, timeout: float) -> None:
        """Open a connection for the next request, unless one is idle.

        :raises NotReached: where no connection could be made.
        """
        conn = None
        try:
            conn = self._get_conn(timeout)
        finally:
            self._put_conn(conn)

    def post(
        self, target: str, body: bytes, headers: dict[str, str], timeout: float
    ) -> tuple[int, dict[str, str], bytes]:
        """Post a body, and return the status, the headers with names in lower case, and the body of the answer.

        :param target: the path and the query; for a proxy without a tunnel the whole URL.
        :param timeout: seconds for everything.
        :raises NotReached: where no connection could be made.
        :raises OutcomeUnknown: where the request may have arrived and no whole answer came back.
        """
        response = None
        try:
            response = self.urlopen(
                "POST",
                target,
                body=body,
                headers=headers,
                retries=_NEVER,
                redirect=False,
                assert_same_host=False,
                timeout=Timeouts(time.monotonic() + timeout),
                pool_timeout=timeout,  # type: ignore[arg-type]  # urllib3 says int, and passes it on
                preload_content=False,
            )
            content = response.read(self.body_limit + 1)
        except (HTTPError, http.client.HTTPException, OSError) as error:
            raise _unknown(error) from None  # its words may be the server's
        finally:
            if response is not None:
                response.close()  # where it was read to its end, its connection is in the pool by now
                response.release_conn()
        if len(content) > self.body_limit:
            raise OutcomeUnknown(EXCHANGE_PROBLEMS["oversized"], code="oversized")
        return response.status, {name.lower(): value for name, value in response.headers.itermerged()}, content

    def _get_conn(self, timeout: float | None = None) -> BaseHTTPConnection:
        """Return a connection over which a request can be written at once.

        :raises NotReached: where no connection could be made.
        """
        try:
            conn = super()._get_conn()
        except ClosedPoolError:
            raise NotReached(
                "The transport is closed.", "closed", action="Send before you close the notifier.", waits=()
            ) from None
        if isinstance(conn, _DeadlineConnection) and conn.is_closed:
            self._connect(conn, CONNECT_LIMIT if timeout is None else timeout)
        return conn

    def _connect(self, conn: _DeadlineConnection, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        conn.timeout = min(timeout, CONNECT_LIMIT)
        try:
            if self.proxy is not None and self.scheme == "https":
                self._prepare_proxy(conn)
            else:
                conn.connect()
            seconds_until(deadline)
        except Exception as error:
            failure = self._not_reached(conn, error)
            conn.close()
            raise failure from without_frames(error)
        except BaseException:
            conn.close()
            raise

    def _put_conn(self, conn: BaseHTTPConnection | None) -> None:
        if isinstance(conn, _DeadlineConnection):
            conn.usable_until = time.monotonic() + self.idle_limit
        super()._put_conn(conn)

    def _not_reached(self, conn: _DeadlineConnection, error: Exception) -> NotReached:
        code = _connect_problem(error)
        if self.through is not None:
            if self.proxy is not None and not conn.has_connected_to_proxy:
                code = "proxy_not_reached"
            refusal = _TUNNEL_FAILED.match(str(error))
            if refusal:
                code = "proxy_auth_failed" if refusal[1] == "407" else "proxy_refused"
        via = f" through the proxy {self.through}" if self.through else ""
        why = error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else ""
        return not_reached(f"Cannot connect to {self.host}{via}", code, why)


class TlsPool(Pool, HTTPSConnectionPool):  # type: ignore[misc]  # the property ConnectionCls
    """Connections to one host with TLS."""

    connection_class = _TlsConnection

    def _new_conn(self) -> BaseHTTPSConnection:
        # Not before it is needed: reading the certificates of a machine takes longer than a request.
        self.conn_kw["ssl_context"] = tls_context(self.network)
        return super()._new_conn()


_POOLS: Final = {"http": Pool, "https": TlsPool}


def make_pool(
    scheme: str, host: str, port: int, network: Network, proxy: Proxy | None, *, idle_limit: float, body_limit: int
) -> Pool:
    """Return a pool for a host, through a proxy or not.

    :param idle_limit: seconds after which an idle connection is not used any more.
    :param body_limit: the most that is read of an answer, in bytes.
    """
    options: dict[str, Any] = {"maxsize": _MAX_IDLE, "socket_options": HTTPConnection.default_socket_options}
    pool: Pool
    if proxy is None:
        pool = _POOLS[scheme](host, port, **options)
    else:
        manager = _socks_manager(proxy, options) if proxy.is_socks else _proxy_manager(proxy, network, options)
        pool = manager.connection_from_host(host, port, scheme)  # type: ignore[assignment]
    pool.network, pool.through = network, proxy
    pool.idle_limit, pool.body_limit = idle_limit, body_limit
    return pool


def _proxy_manager(proxy: Proxy, network: Network, options: dict[str, Any]) -> urllib3.PoolManager:
    headers = {}
    if proxy.credentials:
        headers["Proxy-Authorization"] = basic_authorization(proxy.credentials.reveal())
    context = tls_context(network) if proxy.scheme == "https" else None
    manager = urllib3.ProxyManager(proxy.url, proxy_headers=headers, proxy_ssl_context=context, **options)
    manager.pool_classes_by_scheme = _POOLS
    return manager


def _socks_manager(proxy: Proxy, options: dict[str, Any]) -> urllib3.PoolManager:
    from urllib3.contrib.socks import SOCKSConnection, SOCKSHTTPSConnection, SOCKSProxyManager

    plain = type("SocksConnection", (_DeadlineConnection, SOCKSConnection), {})
    tls = type("SocksTlsConnection", (_DeadlineConnection, SOCKSHTTPSConnection), {})
    user, _, password = proxy.credentials.reveal().partition(":") if proxy.credentials else (None, None, None)
    manager = SOCKSProxyManager(proxy.url, username=user, password=password, **options)
    manager.pool_classes_by_scheme = {
        "http": type("SocksPool", (Pool,), {"connection_class": plain}),
        "https": type("SocksTlsPool", (TlsPool,), {"connection_class": tls}),
    }
    return manager


def _connect_problem(error: BaseException) -> str:
    """Return the code for why no connection was made."""
    # A UnicodeError is raised for a name that no host can have.
    if isinstance(error, socket.gaierror | UnicodeError | NameResolutionError):
        return "name_not_found"
    if isinstance(error, ssl.SSLError | ssl.CertificateError):
        return "tls_failed"
    if isinstance(error, ConnectionRefusedError):
        return "connection_refused"
    return "connect_timeout" if isinstance(error, TimeoutError | ConnectTimeoutError) else "connect_failed"


def _unknown(error: BaseException) -> OutcomeUnknown:
    """Return what an exception means that came after the connection was made."""
    causes = list(_causes(error))
    code = next(code for kinds, code in _FAULTS if any(isinstance(cause, kinds) for cause in causes))
    return OutcomeUnknown(EXCHANGE_PROBLEMS[code], code=code)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
