"""Connections that come about in time, or an error that says why not, and that nothing was sent."""

from __future__ import annotations

import functools
import socket
import ssl
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from notifykit.errors import NotReached, without_frames

if TYPE_CHECKING:
    from urllib3.connection import HTTPConnection

#: Seconds for a connection to come about, where the deadline leaves that much.
CONNECT_LIMIT: Final = 5.0
_SAFE: Final = "nothing was sent, so sending again is safe."
#: What to do, by why no connection came about.
_CURES: Final = {
    "name_not_found": f"Check how the host is spelled, and the DNS of this machine; {_SAFE}",
    "tls_failed": f"Check that the host speaks HTTPS on this port, and the certificates of this machine; {_SAFE}",
    "connection_refused": f"Check host and port: nothing listens there, or a firewall refuses; {_SAFE}",
    "connect_timeout": f"Check the firewall of this machine, and whether the host is up; {_SAFE}",
    "connect_failed": f"Check the network of this machine; {_SAFE}",
}


def connect(host: str, port: int, *, https: bool, ends: float) -> HTTPConnection:
    """Return a new connection.

    :param https: whether it speaks TLS, with a certificate that this machine trusts.
    :param ends: the monotonic time at which it must have come about.
    :raises NotReached: where it does not; nothing was sent.
    """
    options: dict[str, Any] = {"ssl_context": tls_context()} if https else {}
    left = ends - time.monotonic()
    connection = _connections()[https](host, port, timeout=min(left, CONNECT_LIMIT), **options)
    try:
        connection.connect()
        left_until(ends)
    except Exception as error:
        connection.close()
        why = _why(error)
        detail = f"No connection to {host} came about: {why.replace('_', ' ')}."
        raise NotReached(detail, why, action=_CURES[why]) from without_frames(error)
    except BaseException:
        connection.close()
        raise
    return connection


@functools.cache
def tls_context() -> ssl.SSLContext:
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
            seconds = self.timeout if isinstance(self.timeout, int | float) else CONNECT_LIMIT
            return connected(self._dns_host, self.port, seconds, self.socket_options or ())

    return Plain, type("Tls", (Plain, HTTPSConnection), {})


def connected(host: str, port: int, seconds: float, options: Iterable[Any]) -> socket.socket:
    """Connect to the first address of a host that answers: so many seconds for all of its addresses together.

    Each has its share of what is left, so that one that swallows packets does not hide the others. The timeout of the
    connection is then what is left for a TLS handshake.

    :param options: of the socket, each as ``setsockopt`` takes it.
    :raises OSError: where none answers; a TimeoutError where none did in time.
    """
    ends = time.monotonic() + seconds
    failure: OSError = OSError("the host has no address")
    addresses = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
    for before, (family, kind, protocol, _, address) in enumerate(addresses):
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as error:  # a family that this machine has not
            failure = error
            continue
        try:
            for option in options:
                sock.setsockopt(*option)
            sock.settimeout(left_until(ends) / (len(addresses) - before))
            sock.connect(address)
            sock.settimeout(left_until(ends))
        except OSError as error:
            sock.close()
            failure = error
        else:
            return sock
    raise failure


def left_until(ends: float) -> float:
    """Return the seconds before a deadline, a monotonic time.

    :raises TimeoutError: where none is left.
    """
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError("the deadline has passed")
    return left


def _why(error: Exception) -> str:
    if isinstance(error, socket.gaierror | UnicodeError):  # the latter for a name that none can have
        return "name_not_found"
    if isinstance(error, ssl.SSLError):
        return "tls_failed"
    if isinstance(error, ConnectionRefusedError):
        return "connection_refused"
    return "connect_timeout" if isinstance(error, TimeoutError) else "connect_failed"
