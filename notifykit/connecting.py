"""Connecting within a time limit, and sockets with one deadline for everything that goes over them.

The timeout of a plain socket begins again with each read, so urllib3 and smtplib would wait without end for a server that
sends a byte now and then.
"""

from __future__ import annotations

import functools
import io
import math
import socket
import ssl
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

from notifykit.errors import NotReached, without_frames

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer
    from urllib3.connection import HTTPConnection

#: Seconds for a connection to be made, where the deadline leaves that much.
CONNECT_LIMIT: Final = 5.0


def seconds_until(deadline: float) -> float:
    """Return the seconds before a deadline, a monotonic time.

    :raises TimeoutError: where none are left.
    """
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("the deadline has passed")
    return seconds


def connect_socket(host: str, port: int, timeout: float, options: Iterable[Any] = ()) -> socket.socket:
    """Connect to the first address of a host that answers.

    Each address gets its share of the time, so that one that drops packets does not hide the others.

    :param timeout: seconds for all addresses together; what is left of it becomes the socket's timeout.
    :param options: socket options, each as ``setsockopt`` takes it.
    :raises OSError: where no address answers; a TimeoutError where none did in time.
    """
    deadline = time.monotonic() + timeout
    failure: OSError = OSError("the host has no address")
    addresses = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
    for index, (family, kind, protocol, _, address) in enumerate(addresses):
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as error:  # an address family that this machine does not have
            failure = error
            continue
        try:
            for option in options:
                sock.setsockopt(*option)
            sock.settimeout(seconds_until(deadline) / (len(addresses) - index))
            sock.connect(address)
            sock.settimeout(seconds_until(deadline))
        except OSError as error:
            sock.close()
            failure = error
        else:
            return sock
    raise failure


class DeadlineSocket:
    """A connected socket whose timeout counts once for all that is sent and received after it was set.

    ``http.client`` and ``smtplib`` use it as they use a socket. What it does not define is the socket's own.
    """

    def __init__(self, sock: socket.socket, timeout: float | None = None) -> None:
        self._sock = sock
        #: What was received last; None before the first.
        self.received: ReceivedFile | None = None
        self.settimeout(timeout)

    def settimeout(self, timeout: float | None) -> None:
        """Set the seconds for everything that follows; None for no limit."""
        self._deadline = math.inf if timeout is None else time.monotonic() + timeout

    def limit_next_call(self) -> None:
        """Give the socket what is left of the time.

        :raises TimeoutError: where nothing is left.
        """
        self._sock.settimeout(None if self._deadline == math.inf else seconds_until(self._deadline))

    def sendall(self, data: ReadableBuffer) -> None:
        """Send all of it. In pieces: the ``sendall`` of a TLS socket begins its timeout again with each."""
        rest = memoryview(data)
        while rest:
            self.limit_next_call()
            rest = rest[self._sock.send(rest) :]

    def makefile(self, mode: str = "rb", buffering: int = -1) -> BinaryIO:
        """Return a file that reads from the socket until the deadline."""
        raw = cast("io.RawIOBase", self._sock.makefile("rb", buffering=0))
        self.received = ReceivedFile(_DeadlineReader(raw, self))
        return cast("BinaryIO", self.received)

    def is_silent(self) -> bool:
        """Return whether the other side has neither closed the connection nor sent anything that nobody asked for."""
        if self.received is not None and self.received.has_more:
            return False
        try:
            self._sock.settimeout(0)
            # Unlike polling, this sees what lies decrypted in a TLS socket, and takes session tickets for what they are.
            self._sock.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError:
            return False
        return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


class ReceivedFile(io.BufferedReader):
    """What came over a socket, as a file."""

    raw: _DeadlineReader

    #: Whether more had been received than was read, when it was closed.
    has_more = False

    @property
    def at_end(self) -> bool:
        """Whether the other side closed the connection."""
        return self.raw.at_end

    def close(self) -> None:
        """Close it, and look at what is left in the buffer."""
        if not self.closed:
            self.raw.stopped = True  # so that looking waits for nothing
            self.has_more = bool(self.peek(1))
        super().close()


class _DeadlineReader(io.RawIOBase):
    """The unbuffered file of a socket, which reads until the socket's deadline."""

    def __init__(self, raw: io.RawIOBase, sock: DeadlineSocket) -> None:
        self._raw = raw
        self._sock = sock
        #: Whether the other side closed the connection.
        self.at_end = False
        #: Whether nothing more is to be received.
        self.stopped = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        if self.stopped:
            return 0
        self._sock.limit_next_call()
        count = cast("int | None", self._raw.readinto(buffer))
        self.at_end = count == 0
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


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
