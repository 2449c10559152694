"""Connecting within a time limit, and sockets with one deadline for everything that is sent and received.

The timeout of a plain socket begins again with each read, so urllib3 and smtplib would wait without end for a server that
sends a byte now and then.
"""

from __future__ import annotations

import contextlib
import io
import math
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

from notifykit.errors import raise_interrupt

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

    from notifykit.http.network import Proxy


class IdleConnectionLost(ConnectionError):  # noqa: N818 - it says what happened
    """A connection that was kept was of no use: the other side had closed it, or had sent what nobody asked for."""

    #: Whether a request was written over it, or a part of one.
    written: bool

    def __init__(self, *, written: bool) -> None:
        super().__init__("the kept connection was lost")
        self.written = written


class NothingSent(TimeoutError):  # noqa: N818 - it says what happened
    """The deadline passed before the first byte of a request was sent."""


#: Seconds for a connection to be made, where the deadline leaves that much.
CONNECT_LIMIT: Final = 5.0


def seconds_until(deadline: float) -> float:
    """Return the seconds before a deadline, a monotonic time.

    :raises TimeoutError: if none are left.
    """
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("the deadline has passed")
    return seconds


def connect_socket(
    host: str,
    port: int,
    timeout: float,
    options: Iterable[Any] = (),
    new_socket: Callable[[int, int, int], socket.socket] = socket.socket,
) -> socket.socket:
    """Connect to the first address of a host that answers.

    Each address gets its share of the time, so that one that drops packets does not hide the others.

    :param timeout: seconds for all addresses together; what is left of it becomes the socket's timeout.
    :param options: socket options, each as ``setsockopt`` takes it.
    :param new_socket: makes a socket from its family, kind and protocol.
    :raises OSError: if no address answers; a TimeoutError where none did in time.
    """
    deadline = time.monotonic() + timeout
    failure: OSError = OSError("the host has no address")
    addresses = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
    outer = sys.exception()
    for index, (family, kind, protocol, _, address) in enumerate(addresses):
        try:
            sock = new_socket(family, kind, protocol)
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
            raise_interrupt(error, outer)
            failure = error
        else:
            return sock
    raise failure


def connect_through_socks(
    proxy: Proxy, host: str, port: int, timeout: float, options: Iterable[Any] = ()
) -> socket.socket:
    """Connect to a host through a SOCKS proxy, as :func:`connect_socket` does without one.

    :raises OSError: if the proxy does not connect; a ``socks.ProxyConnectionError`` where it can't be reached.
    """
    import socks  # type: ignore[import-untyped]

    user, _, password = proxy.credentials.reveal().partition(":") if proxy.credentials else (None, "", None)
    version = socks.SOCKS5 if proxy.scheme.startswith("socks5") else socks.SOCKS4
    asks_proxy_for_dns = proxy.scheme in ("socks5h", "socks4a")

    class LimitedSocket(socks.socksocket):  # type: ignore[misc]  # PySocks has no types
        """PySocks begins its timeout again with each piece that it receives; here it counts once."""

        def settimeout(self, timeout: float | None) -> None:
            self._deadline = math.inf if timeout is None else time.monotonic() + timeout
            super().settimeout(timeout)

        def connect(self, address: tuple[Any, ...]) -> None:
            self.set_proxy(version, *address[:2], asks_proxy_for_dns, user, password)
            super().connect((host, port))

        def recv_into(self, *args: Any) -> int:
            super().settimeout(seconds_until(self._deadline))
            return cast("int", super().recv_into(*args))

        def send(self, *args: Any) -> int:
            super().settimeout(seconds_until(self._deadline))
            return cast("int", super().send(*args))

    sock = connect_socket(proxy.host, proxy.port, timeout, options, LimitedSocket)
    seconds = sock.gettimeout()
    plain = socket.socket(fileno=sock.detach())
    plain.settimeout(seconds)
    return plain


class DeadlineSocket:
    """A connected socket whose timeout counts once for all that is sent and received after it was set.

    ``http.client``, ``smtplib`` and TLS inside TLS use it as they use a socket. Attributes that it does not define are
    those of the socket inside, which may be a TLS socket over another of these.
    """

    def __init__(self, sock: Any, timeout: float | None = None) -> None:
        self._sock = sock
        self._file: ReceivedFile | None = None
        self._is_closed = False
        #: Whether the other side closed the connection.
        self.at_end = False
        #: Whether it did so without the closing message of TLS, so that the end may be missing.
        self.is_cut = False
        #: Whether nothing more is received.
        self.paused = False
        #: Whether something was sent.
        self.used = False
        #: Whether it was kept for the next request; then it is looked at again right before that is sent.
        self.kept = False
        #: Whether it was, and the request is being sent.
        self.is_checked = False
        #: Whether the other side sent what nobody had asked for.
        self.has_unasked = False
        self.settimeout(timeout)

    def settimeout(self, timeout: float | None) -> None:
        """Set the seconds for everything that follows; None for no limit, 0 to wait for nothing."""
        if timeout is None or timeout == 0:
            self._deadline = -math.inf if timeout == 0 else math.inf
        else:
            self._deadline = time.monotonic() + timeout

    def limit_next_call(self) -> None:
        """Set the timeout of the socket to the remaining time.

        :raises TimeoutError: if there is none.
        """
        if math.isinf(self._deadline):
            self._sock.settimeout(0 if self._deadline < 0 else None)
        else:
            self._sock.settimeout(seconds_until(self._deadline))

    def send(self, data: ReadableBuffer) -> int:
        """Send a part of it, and return how many bytes."""
        self.limit_next_call()
        return cast("int", self._sock.send(data))

    def sendall(self, data: ReadableBuffer) -> None:
        """Send all of it. In pieces: the ``sendall`` of a TLS socket begins its timeout again with each.

        :raises IdleConnectionLost: if it was kept, and can't be used any more; nothing was sent.
        :raises NothingSent: if the deadline passed before; nothing was sent.
        """
        if not (self.is_checked if self.kept else self.used):
            if self.kept and not self.is_silent():
                raise IdleConnectionLost(written=False)
            if self._deadline <= time.monotonic():  # this process may have been stopped for a while
                raise NothingSent
        self.is_checked = self.used = True
        rest = memoryview(data)
        while rest:
            self.limit_next_call()
            rest = rest[self._sock.send(rest) :]

    def recv(self, size: int) -> bytes:
        """Receive at most so many bytes; none where the other side closed the connection."""
        self.limit_next_call()
        return cast("bytes", self._sock.recv(size))

    def recv_into(self, buffer: WriteableBuffer) -> int:
        """Receive into a buffer, and return how many bytes."""
        if self.paused:
            return 0
        self.limit_next_call()
        try:
            count = cast("int", self._sock.recv_into(buffer))
        except ssl.SSLEOFError:
            count, self.is_cut = 0, True
        self.at_end = count == 0
        return count

    def makefile(self, mode: str = "rb", buffering: int = -1) -> BinaryIO:
        """Return a file that reads from the socket until the deadline."""
        self._file = ReceivedFile(socket.SocketIO(cast("socket.socket", self), "r"))
        self._file.sock = self
        return cast("BinaryIO", self._file)

    def close(self) -> None:
        """Close the socket, once its file is closed too."""
        self._is_closed = True
        self._decref_socketios()

    def _decref_socketios(self) -> None:
        """Close the socket where :meth:`close` was called and its file is closed. The standard library's name."""
        if self._is_closed and (self._file is None or self._file.closed):
            self._sock.close()

    def is_silent(self) -> bool:
        """Return whether the other side has neither closed the connection nor sent anything after its last answer."""
        if self._file is not None and self._file.has_more:
            self.has_unasked = True
            return False
        outer = sys.exception()
        try:
            self._sock.settimeout(0)
            # Unlike polling, this sees what a TLS socket has decrypted, and is not misled by session tickets.
            self.has_unasked = bool(self._sock.recv(1))
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError as error:
            raise_interrupt(error, outer)
        return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


class ReceivedFile(io.BufferedReader):
    """What is received over a socket, as a file."""

    #: The socket.
    sock: DeadlineSocket
    #: Whether more had been received than was read, when it was closed.
    has_more = False

    def close(self) -> None:
        """Close it, and note whether its buffer has more."""
        if not self.closed:
            self.sock.paused = True  # so that looking waits for nothing
            with contextlib.suppress(OSError):  # after a timeout it can't be read any more
                self.has_more = bool(self.peek(1))
            self.sock.paused = False
        super().close()
