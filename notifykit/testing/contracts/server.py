"""A server on loopback that says, byte by byte, what a contract tells it to."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from typing import Protocol, Self

from notifykit.testing.rules import trusting


class Exchange:
    """One request that was read whole, and the connection that it came by."""

    def __init__(self, connection: socket.socket, request: bytes, stopped: threading.Event) -> None:
        #: The connection.
        self.connection = connection
        #: The request, as it came.
        self.request = request
        self._stopped = stopped

    def pause(self, seconds: float) -> bool:
        """Wait, and return whether the server still runs."""
        return not self._stopped.wait(seconds)

    def reset(self) -> None:
        """Let the connection be reset, not closed, when the answer is over."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


#: Answers a request that was read whole, and returns whether the connection is kept for the next.
Act = Callable[[Exchange], bool]


class Wire(Protocol):
    """How requests are read from a connection, and how they can be answered badly."""

    def url(self, port: int) -> str:
        """Return the address that a transport is given."""
        ...

    def talk(self, connection: socket.socket, answer: Callable[[bytes], bool]) -> None:
        """Read requests and have each answered, until that says that it was the last or the other side goes."""
        ...

    def lost(self, yes: bytes) -> dict[str, Act]:
        """Return the ways in which no readable answer comes, though the request was read whole."""
        ...

    def late(self, yes: bytes) -> dict[str, Act]:
        """Return the ways in which an answer takes for ever."""
        ...

    def unreadable(self) -> dict[str, bytes]:
        """Return answers that are whole, and by which nobody can tell whether the provider took the request."""
        ...

    def polite(self) -> dict[str, bytes]:
        """Return answers that look like a yes from afar, and are not the provider's word."""
        ...

    def refused(self, port: int) -> dict[str, bytes]:
        """Return answers that are no yes, whoever gives them."""
        ...

    def interim(self, yes: bytes) -> dict[str, bytes]:
        """Return a yes behind answers that are not the last."""
        ...

    def quoting(self, request: bytes) -> dict[str, bytes]:
        """Return answers that repeat what was sent."""
        ...


class Server:
    """Listens on a free port of this machine until it is closed. Use it as a context manager.

    Tests may send to it for real, whatever they may not: see :func:`~notifykit.testing.trusting`.

    :param wire: reads the requests.
    :param act: answers them.
    """

    def __init__(self, wire: Wire, act: Act) -> None:
        self._wire = wire
        self._act = act
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._trusted = contextlib.ExitStack()
        #: The port that it listens on.
        self.port: int = self._listener.getsockname()[1]
        #: Where it is.
        self.url: str = wire.url(self.port)
        #: Every request that was read whole, in the order in which they came.
        self.requests: list[bytes] = []

    def __enter__(self) -> Self:
        self._trusted.enter_context(trusting(self.url))
        self._run(self._accept)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening, end every conversation, and wait until all of it is over."""
        self._trusted.close()
        self._stopped.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)

    def _run(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._open.add(connection)
            self._run(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        def answer(request: bytes) -> bool:
            with self._lock:
                self.requests.append(request)
            return self._act(Exchange(connection, request, self._stopped)) and not self._stopped.is_set()

        try:
            with contextlib.suppress(OSError):
                self._wire.talk(connection, answer)
        finally:
            with self._lock:
                self._open.discard(connection)
                connection.close()


def slammed(*, reset: bool) -> Server:
    """Return a server that takes connections, and closes or resets each before it has read a byte."""

    class Door:
        def url(self, port: int) -> str:
            return f"http://127.0.0.1:{port}"

        def talk(self, connection: socket.socket, answer: Callable[[bytes], bool]) -> None:
            if reset:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return Server(Door(), lambda exchange: False)  # type: ignore[arg-type]  # it never gets to an answer


def saying(octets: bytes, *, keep: bool = True) -> Act:
    """Answer with these octets.

    :param keep: whether the connection stays open for the next request.
    """

    def act(exchange: Exchange) -> bool:
        exchange.connection.sendall(octets)
        return keep

    return act


def breaking_off(octets: bytes = b"", *, reset: bool = False) -> Act:
    """Say the beginning of an answer, and close or reset the connection."""

    def act(exchange: Exchange) -> bool:
        if octets:
            exchange.connection.sendall(octets)
        if reset:
            exchange.pause(0.01)  # a reset overtakes what was sent just before it
            exchange.reset()
        return False

    return act


def silent(exchange: Exchange) -> bool:
    """Say nothing until the other side gives up."""
    exchange.connection.recv(1)
    return False


def dribbling(octets: bytes, *, seconds: float = 0.03, then: bytes = b"") -> Act:
    """Say something a byte at a time, always fast enough for a timeout that starts anew with each byte.

    :param then: what is repeated a byte at a time when that is over; nothing lets the answer end.
    """

    def act(exchange: Exchange) -> bool:
        rest = octets
        while rest:
            for place in range(len(rest)):
                exchange.connection.sendall(rest[place : place + 1])
                if not exchange.pause(seconds):
                    return False
            rest = then
        return False

    return act


def flooding(octets: bytes, then: bytes) -> Act:
    """Begin an answer, and say the same for ever, as fast as the other side reads."""

    def act(exchange: Exchange) -> bool:
        exchange.connection.sendall(octets)
        while exchange.pause(0.001):
            exchange.connection.sendall(then)
        return False

    return act
