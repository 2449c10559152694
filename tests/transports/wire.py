"""A server that says, byte by byte, what a test sets."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator

#: Gets the connection and what was read of the request; True keeps the connection for the next one.
Script = Callable[[socket.socket, bytes], bool | None]


class Wire:
    """What a scripted server saw."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.requests: list[bytes] = []
        self.connections = 0
        self._changed = threading.Condition()
        self._ended = 0

    def accepted(self) -> None:
        """Count a connection."""
        with self._changed:
            self.connections += 1
            self._changed.notify_all()

    def ended(self) -> None:
        """Count a connection that is over."""
        with self._changed:
            self._ended += 1
            self._changed.notify_all()

    def wait_for_connections(self, count: int) -> bool:
        """Wait until so many connections were made."""
        with self._changed:
            return self._changed.wait_for(lambda: self.connections >= count, 5)

    def wait_for_end(self) -> bool:
        """Wait until every connection is over."""
        with self._changed:
            return self._changed.wait_for(lambda: self._ended == self.connections, 4)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"


@contextlib.contextmanager
def scripted(script: Script, tls: ssl.SSLContext | None = None) -> Iterator[Wire]:
    """Run a server for the length of a test."""
    listener = socket.create_server(("127.0.0.1", 0))
    wire = Wire(listener.getsockname()[1])

    def serve(connection: socket.socket) -> None:
        connection.settimeout(5)
        try:
            with (
                contextlib.suppress(OSError),
                tls.wrap_socket(connection, server_side=True) if tls else connection as spoken,
            ):
                while request := _request(spoken):
                    wire.requests.append(request)
                    if not script(spoken, request):
                        return
        finally:
            wire.ended()

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            wire.accepted()
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield wire
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        acceptor.join(30)


def _request(connection: socket.socket) -> bytes:
    request = b""
    while b"\r\n\r\n" not in request:
        piece = connection.recv(65536)
        if not piece or piece.startswith(b"\x16"):  # the end, or a handshake that nobody here understands
            return b""
        request += piece
    head, _, body = request.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    while len(body) < int(lengths[0] if lengths else 0):
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def answer(body: bytes = b"{}", status: str = "200 OK", headers: str = "") -> Script:
    """Answer every request on the connection the same way."""

    def script(connection: socket.socket, request: bytes) -> bool:
        connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body)
        return True

    return script


def reset(connection: socket.socket, request: bytes) -> None:
    """Reset the connection instead of answering."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def close(connection: socket.socket, request: bytes) -> None:
    """Close the connection instead of answering."""


def half(connection: socket.socket, request: bytes) -> None:
    """Break off in the middle of the body."""
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"half"')


def stall(connection: socket.socket, request: bytes) -> None:
    """Say nothing until the other side gives up."""
    connection.recv(1)


def dribble_of(text: bytes) -> Script:
    """Send an answer a byte at a time, always just fast enough for a timeout that starts anew with each byte."""

    def script(connection: socket.socket, request: bytes) -> None:
        pause = threading.Event()
        for index in range(len(text)):
            connection.sendall(text[index : index + 1])
            pause.wait(0.02)

    return script
