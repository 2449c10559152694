"""urllib3's pool of connections to one host, with stricter rules than urllib3's.

A connection is made before a request is written, within one limit for proxy and TLS together. Nothing is read after the
deadline of the request. An answer that is not whole is an error. A connection is not used again where it may have been
dropped, belongs to another process, or has received more than the answer.
"""

from __future__ import annotations

import contextlib
import gzip
import http.client
import io
import math
import os
import re
import socket
import ssl
import sys
import time
import weakref
import zlib
from typing import TYPE_CHECKING, Any, Final

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import (
    ClosedPoolError,
    DecodeError,
    HTTPError,
    IncompleteRead,
    InvalidChunkLength,
    InvalidHeader,
    ReadTimeoutError,
)
from urllib3.util.retry import Retry
from urllib3.util.ssltransport import SSLTransport

from notifykit.errors import ConfigError, NotReached, OutcomeUnknown, causes, raise_interrupt, without_frames
from notifykit.http.network import (
    EXCHANGE_PROBLEMS,
    SAFE,
    Network,
    Proxy,
    basic_authorization,
    connect_problem,
    not_reached,
    tls_context,
)
from notifykit.http.sockets import (
    CONNECT_LIMIT,
    DeadlineSocket,
    IdleConnectionLost,
    NothingSent,
    ReceivedFile,
    connect_socket,
    connect_through_socks,
    seconds_until,
)

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse
    from urllib3._base_connection import BaseHTTPConnection, BaseHTTPSConnection


class NotWhole(http.client.HTTPException):
    """The answer does not say where it ends, says it twice, or ends before."""


#: Seconds for which no connection is kept where one that was kept was lost with a request.
_FRESH: Final = 300.0
#: Idle connections that are kept for one host.
_MAX_IDLE: Final = 100
_SWITCHING_PROTOCOLS: Final = 101
_TUNNEL_FAILED: Final = re.compile(r"Tunnel connection failed: (\d{3})")

_NEVER: Final = Retry(False)
#: What a broken exchange means, by the kinds of errors among its causes: the first match counts.
_FAULTS: Final[tuple[tuple[tuple[type[BaseException], ...], str], ...]] = (
    ((TimeoutError, ReadTimeoutError), "timeout"),
    ((NotWhole, InvalidHeader, DecodeError), "unreadable"),
    ((IncompleteRead, InvalidChunkLength, http.client.IncompleteRead), "incomplete"),
    ((http.client.RemoteDisconnected,), "connection_lost"),
    ((http.client.BadStatusLine, http.client.UnknownProtocol), "not_http"),
    ((http.client.HTTPException,), "unreadable"),  # more or longer headers than http.client reads
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
        """The remaining seconds; never 0, which makes a socket not wait instead of time out."""
        return max(1e-6, self._ends - time.monotonic())

    read_timeout = connect_timeout


class WholeAnswer(http.client.HTTPResponse):
    """An answer to this request and no other, whose end is known."""

    def begin(self) -> None:
        """Read status and headers.

        :raises IncompleteRead: if the connection was closed before the headers ended.
        :raises NotWhole: if they can't be read or contradict each other.
        """
        try:
            super().begin()
        except (http.client.RemoteDisconnected, ConnectionError) as error:
            if isinstance(self.fp, ReceivedFile) and self.fp.sock.kept:
                raise IdleConnectionLost(written=True) from error
            raise
        # http.client skips only 100; every other 1xx comes before the answer too (RFC 9110, section 15.2).
        while self.status < 200 and self.status != _SWITCHING_PROTOCOLS:
            self.headers = self.msg = None  # type: ignore[assignment]  # so that the next answer is read
            super().begin()
        if isinstance(self.fp, ReceivedFile) and self.fp.sock.at_end:
            raise http.client.IncompleteRead(b"")
        if self.msg.defects or self.msg.get_payload():  # what could not be read as a header is its payload
            raise NotWhole("The answer's headers can't be read.")
        lengths = ",".join(self.headers.get_all("Content-Length", ())).replace(" ", "").split(",")
        if len(set(lengths)) > 1:
            raise NotWhole("The answer has more than one length.")
        if not self.chunked and lengths[0] and not (lengths[0].isascii() and lengths[0].isdigit()):
            raise NotWhole("The answer's length is no number.")
        if {value.lower() for value in self.headers.get_all("Transfer-Encoding", ())} - {"chunked"}:
            raise NotWhole("The answer is sent in an unknown transfer encoding.")
        if self.status == _SWITCHING_PROTOCOLS:
            self.will_close = True

    def read(self, amt: int | None = None) -> bytes:
        """Read the body, or a part of it.

        :raises IncompleteRead: if only the end of the connection ends it, and TLS was cut off.
        """
        file = self.fp
        content = super().read(amt)
        if not self.chunked and self.length is None and isinstance(file, ReceivedFile) and file.sock.is_cut:
            raise http.client.IncompleteRead(content)
        return content

    def _read_next_chunk_size(self) -> int:
        """Return the size of the next chunk; http.client takes ``-1`` for one, and then reads without end."""
        size: int = super()._read_next_chunk_size()  # type: ignore[misc]
        if size < 0:
            raise ValueError("a chunk has no negative size")
        return size


class _Connection(HTTPConnection):
    """A connection over a socket with one deadline."""

    response_class = WholeAnswer
    #: The monotonic time at which it has to be made.
    deadline = math.inf
    #: The SOCKS proxy that it goes through; None for none.
    socks: Proxy | None = None
    #: The monotonic time after which it is not used again.
    usable_until = 0.0
    #: Whether the other side sent what nobody had asked for.
    has_unasked = False

    def connect(self) -> None:
        super().connect()
        if isinstance(self.sock, ssl.SSLSocket | SSLTransport):
            self.sock.suppress_ragged_eofs = False  # type: ignore[union-attr]  # typeshed does not know it
        if not isinstance(self.sock, DeadlineSocket):  # it is one already where the proxy speaks TLS
            self.sock = DeadlineSocket(self.sock)

    @property
    def is_connected(self) -> bool:
        """Whether a request may be sent over it."""
        if not isinstance(self.sock, DeadlineSocket):
            return False
        is_usable = time.monotonic() < self.usable_until and self.sock.is_silent()
        self.has_unasked = self.has_unasked or self.sock.has_unasked
        return is_usable

    def _new_conn(self) -> socket.socket:
        seconds = min(CONNECT_LIMIT, seconds_until(self.deadline))
        options = self.socket_options or ()
        if self.socks:
            return connect_through_socks(self.socks, self._dns_host, self.port, seconds, options)
        return connect_socket(self._dns_host, self.port, seconds, options)

    def _tunnel(self) -> None:
        """Ask the proxy to connect, within the limit for the connection."""
        sock = self.sock
        self.sock = limited = DeadlineSocket(sock, seconds_until(self.deadline))
        super()._tunnel()
        limited.limit_next_call()  # the TLS handshake comes next
        self.sock = sock


class _TlsConnection(_Connection, HTTPSConnection):
    """A connection with TLS."""

    def _connect_tls_proxy(self, hostname: str, sock: socket.socket) -> Any:
        # TLS inside this TLS reads from it in pieces, each of which would begin the timeout again.
        secured = super()._connect_tls_proxy(hostname, sock)
        secured.suppress_ragged_eofs = False  # type: ignore[attr-defined]  # typeshed does not know it
        return DeadlineSocket(secured, seconds_until(self.deadline))


class Pool(HTTPConnectionPool):
    """Connections to one host."""

    connection_class: type[HTTPConnection] = _Connection
    #: Seconds after which an idle connection is not used any more.
    idle_limit: float
    #: The most that is read of an answer, in bytes.
    body_limit: int
    #: The proxy that it connects through; None for none.
    through: Proxy | None = None
    #: Whether that proxy is asked to connect to the host, so that it sees nothing of what is sent.
    uses_tunnel = False
    #: Where TLS gets its certificates from.
    network = Network()
    #: The monotonic time until which each request gets a connection of its own.
    fresh_until = 0.0

    @property
    def ConnectionCls(self) -> type[BaseHTTPConnection]:  # type: ignore[override]  # noqa: N802 - urllib3's name
        """The class of its connections: that of a library that records or imitates requests, else ours."""
        current = super().ConnectionCls
        return self.connection_class if current in (HTTPConnection, HTTPSConnection) else current

    def open(self, timeout: float) -> None:
        """Open a connection for the next request, unless one is idle.

        :raises NotReached: if no connection could be made.
        """
        conn = None
        try:
            conn = self._get_conn(timeout)
        finally:
            self._put_conn(conn)

    def post(
        self, target: str, body: bytes, headers: dict[str, str], timeout: float, *, idempotent: bool = False
    ) -> tuple[int, dict[str, str], bytes]:
        """Post a body, and return the status, the headers with names in lower case, and the body of the answer.

        :param target: the path and the query; for a proxy without a tunnel the whole URL.
        :param timeout: seconds for everything.
        :param idempotent: whether the same request may arrive twice: it is made again where a kept connection was lost.
        :raises NotReached: if no connection could be made, or the deadline came before the first byte was sent.
        :raises OutcomeUnknown: if the request may have arrived and no whole answer came back.
        """
        lost: IdleConnectionLost | None = None
        response, outer, ends = None, sys.exception(), time.monotonic() + timeout
        try:
            response = self.urlopen(
                "POST",
                target,
                body=body,
                headers=headers,
                retries=_NEVER,
                redirect=False,
                assert_same_host=False,
                timeout=Timeouts(ends),
                pool_timeout=timeout,  # type: ignore[arg-type]  # urllib3 says int, and passes it on
                preload_content=False,
            )
            is_gzip = response.headers.get("Content-Encoding", "").strip().lower() in ("gzip", "x-gzip")
            limit = self.body_limit + 1
            content = _gunzip(response, limit) if is_gzip else response.read(limit)
            status, answered = response.status, {n.lower(): value for n, value in response.headers.itermerged()}
        except (HTTPError, http.client.HTTPException, OSError) as error:
            raise_interrupt(error, outer)
            if any(isinstance(cause, NothingSent) for cause in causes(error)):
                raise NotReached("The deadline came before the request was sent.", "deadline") from None
            lost = next((cause for cause in causes(error) if isinstance(cause, IdleConnectionLost)), None)
            if lost is not None:
                self._distrust()
            if lost is None or (lost.written and not idempotent):
                raise _unknown(error) from None  # its words may be the server's
        finally:
            if response is not None:
                response.close()  # where it was read to its end, its connection is in the pool by now
                response.release_conn()
        if lost is not None:
            return self._post_again(lost, target, body, headers, ends - time.monotonic())
        if len(content) > self.body_limit:
            raise OutcomeUnknown(EXCHANGE_PROBLEMS["oversized"], code="oversized")
        return status, answered, content

    def _post_again(
        self, lost: IdleConnectionLost, target: str, body: bytes, headers: dict[str, str], timeout: float
    ) -> tuple[int, dict[str, str], bytes]:
        """Make a request again, over a new connection: its first one is not kept, so this happens once."""
        try:
            return self.post(target, body, headers, timeout)
        except NotReached:
            if lost.written:
                raise _unknown(lost) from None
            raise

    def _distrust(self) -> None:
        """Give each request a connection of its own for a while: this server ends or spoils those that are kept."""
        self.fresh_until = time.monotonic() + _FRESH
        for conn in filter(None, list(self.pool.queue) if self.pool else ()):
            if isinstance(conn, _Connection):
                conn.usable_until = 0.0

    def _get_conn(self, timeout: float | None = None) -> BaseHTTPConnection:
        """Return a connection over which a request can be written at once.

        :raises NotReached: if no connection could be made.
        """
        try:
            conn = super()._get_conn()
        except ClosedPoolError:
            raise NotReached(
                "The transport is closed.", "closed", action="Send before you close the notifier.", waits=()
            ) from None
        if isinstance(conn, _Connection) and conn.is_closed:
            if conn.has_unasked:
                conn.has_unasked = False
                self._distrust()
            self._connect(conn, CONNECT_LIMIT if timeout is None else timeout)
        return conn

    def _connect(self, conn: _Connection, timeout: float) -> None:
        conn.timeout = min(timeout, CONNECT_LIMIT)
        conn.deadline = time.monotonic() + conn.timeout
        conn.socks = self.through if self.through and self.through.is_socks else None
        outer = sys.exception()
        try:
            if isinstance(conn, _TlsConnection):
                conn.ssl_context = tls_context(self.network)  # it may have been read again
            if self.uses_tunnel:
                self._prepare_proxy(conn)
            else:
                conn.connect()
            seconds_until(conn.deadline)
        except Exception as error:
            failure = self._not_reached(conn, error)
            conn.close()
            raise_interrupt(error, outer)
            raise failure from without_frames(error)
        except BaseException:
            conn.close()
            raise

    def _put_conn(self, conn: BaseHTTPConnection | None) -> None:
        if isinstance(conn, _Connection):
            conn.usable_until = now = time.monotonic()
            if isinstance(conn.sock, DeadlineSocket):
                conn.sock.kept, conn.sock.is_checked = True, False
                if not conn.sock.used or now >= self.fresh_until:
                    conn.usable_until += self.idle_limit
        super()._put_conn(conn)

    def _not_reached(self, conn: _Connection, error: Exception) -> NotReached:
        code = connect_problem(error)
        if self.through is not None:
            if self.through.is_socks:
                from socks import ProxyConnectionError  # type: ignore[import-untyped]

                unreached = isinstance(error, ProxyConnectionError)
            else:
                unreached = not conn.has_connected_to_proxy
            if unreached:
                code = "proxy_not_reached"
            refusal = _TUNNEL_FAILED.match(str(error))
            if refusal:
                code = "proxy_auth_failed" if refusal[1] == "407" else "proxy_refused"
        via = f" through the proxy {self.through}" if self.through else ""
        what = f"Cannot connect to {self.host}{via}"
        if isinstance(error, ConfigError):  # a file of certificates that was there before
            return NotReached(f"{what}: {error}.", "tls_failed", action=f"Correct that first; {SAFE}", waits=())
        return not_reached(what, code, error if code == "tls_failed" else None, self.network)


class TlsPool(Pool, HTTPSConnectionPool):  # type: ignore[misc]  # the property ConnectionCls
    """Connections to one host with TLS."""

    connection_class = _TlsConnection

    def _new_conn(self) -> BaseHTTPSConnection:
        # Not before it is needed: reading the certificates of a machine takes longer than a request.
        with contextlib.suppress(ConfigError):  # connecting says what is wrong
            self.conn_kw["ssl_context"] = tls_context(self.network)
        return super()._new_conn()


_POOLS: Final = {"http": Pool, "https": TlsPool}
#: Every pool of this process.
_ALL_POOLS: Final[weakref.WeakSet[Pool]] = weakref.WeakSet()


def make_pool(
    scheme: str, host: str, port: int, network: Network, proxy: Proxy | None, *, idle_limit: float, body_limit: int
) -> Pool:
    """Return a pool for a host, through a proxy or not.

    :param idle_limit: seconds after which an idle connection is not used any more.
    :param body_limit: the most that is read of an answer, in bytes.
    """
    options: dict[str, Any] = {"maxsize": _MAX_IDLE, "socket_options": HTTPConnection.default_socket_options}
    pool: Pool
    if proxy is None or proxy.is_socks:
        pool = _POOLS[scheme](host, port, **options)
    else:
        manager = _proxy_manager(proxy, network, options)
        pool = manager.connection_from_host(host, port, scheme)  # type: ignore[assignment]
        pool.uses_tunnel = scheme == "https"
    pool.network, pool.through = network, proxy
    pool.idle_limit, pool.body_limit = idle_limit, body_limit
    _ALL_POOLS.add(pool)
    return pool


def _proxy_manager(proxy: Proxy, network: Network, options: dict[str, Any]) -> urllib3.PoolManager:
    headers = {}
    if proxy.credentials:
        headers["Proxy-Authorization"] = basic_authorization(proxy.credentials.reveal())
    context = tls_context(network) if proxy.scheme == "https" else None
    manager = urllib3.ProxyManager(proxy.url, proxy_headers=headers, proxy_ssl_context=context, **options)
    manager.pool_classes_by_scheme = _POOLS
    return manager


def _forget_connections() -> None:
    """Empty the pools of a forked child.

    It would read answers to its parent, and a thread that it does not have may hold a pool's lock for ever.
    """
    for pool in list(_ALL_POOLS):
        if pool.pool is not None:
            for conn in filter(None, pool.pool.queue):
                conn.close()
            pool.pool.__init__(pool.pool.maxsize)  # type: ignore[misc]  # makes new locks too


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_connections)


def _gunzip(response: BaseHTTPResponse, limit: int) -> bytes:
    """Return at most so many bytes of the content of a compressed answer.

    :raises NotWhole: if the compressed content does not end, which urllib3 does not notice.
    """
    content = response.read(limit, decode_content=False)
    if len(content) == limit:
        return content
    response.read(1, decode_content=False)  # raises where the answer's length says that there is more
    try:
        return gzip.GzipFile(fileobj=io.BytesIO(content)).read(limit)
    except (EOFError, OSError, zlib.error):
        raise NotWhole("The answer's content can't be decompressed to its end.") from None


def _unknown(error: BaseException) -> OutcomeUnknown:
    """Return what an exception means that came after the connection was made."""
    found = list(causes(error))
    code = next(code for kinds, code in _FAULTS if any(isinstance(cause, kinds) for cause in found))
    return OutcomeUnknown(EXCHANGE_PROBLEMS[code], code=code)
