"""Proxies on loopback: CONNECT, plain forwarding and SOCKS5, with the faults that proxies have."""

from __future__ import annotations

import base64
import contextlib
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from typing import Self


class Proxy:
    """A proxy that connects to any port of this machine, whatever host it is asked for.

    :param user_and_password: what it asks for; None for nothing.
    :param refusal: the status line with which it answers each CONNECT, ``403 Forbidden``.
    :param dies: whether it closes the connection instead of answering CONNECT.
    :param tls: its certificate, where it speaks TLS itself.
    """

    def __init__(
        self,
        user_and_password: str | None = None,
        refusal: str | None = None,
        *,
        dies: bool = False,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._tls = tls
        self._wanted = user_and_password and base64.b64encode(user_and_password.encode()).decode()
        self._refusal = refusal
        self._dies = dies
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        #: The first line of each request to the proxy itself.
        self.asked: list[str] = []
        self._clients: list[socket.socket] = []

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join(30)

    def die(self) -> None:
        """Break off every connection."""
        for client in self._clients:
            client.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._clients.append(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        client.settimeout(5)
        with (
            contextlib.suppress(OSError),
            self._tls.wrap_socket(client, server_side=True) if self._tls else client as client,
        ):
            if self._tls is None and client.recv(1, socket.MSG_PEEK) == b"\x05":
                self._socks(client)
                return
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.recv(65536)
            self.asked.append(head.partition(b"\r\n")[0].decode())
            lines = head.decode("latin-1").lower().split("\r\n")
            if self._wanted and f"proxy-authorization: basic {self._wanted.lower()}" not in lines:
                client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            elif self._refusal:
                client.sendall(f"HTTP/1.1 {self._refusal}\r\nContent-Length: 0\r\n\r\n".encode())
            elif not self._dies:
                self._connect(client, head)

    def _connect(self, client: socket.socket, head: bytes) -> None:
        method, target, _ = head.split(b" ", 2)
        address = target if method == b"CONNECT" else target.split(b"/")[2]
        with socket.create_connection(("127.0.0.1", int(address.rpartition(b":")[2])), 5) as server:
            if method == b"CONNECT":
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                server.sendall(head)
            self._pass_on(client, server)

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        """Pass on what both sides say, until one of them closes; in one thread, as OpenSSL wants it."""
        others = {client: server, server: client}
        with contextlib.suppress(OSError):
            while True:
                decrypted = isinstance(client, ssl.SSLSocket) and client.pending()
                for side in [client] if decrypted else select.select(list(others), [], [])[0]:
                    piece = side.recv(65536)
                    if not piece:
                        client.shutdown(socket.SHUT_RDWR)
                        return
                    others[side].sendall(piece)

    def _socks(self, client: socket.socket) -> None:
        """Speak SOCKS5 (RFC 1928), with a user and a password (RFC 1929) where they are wanted."""
        client.recv(2)
        client.recv(255)
        client.sendall(b"\x05\x02" if self._wanted else b"\x05\x00")
        if self._wanted:
            client.recv(1)
            user = client.recv(client.recv(1)[0])
            password = client.recv(client.recv(1)[0])
            right = base64.b64encode(user + b":" + password).decode() == self._wanted
            client.sendall(b"\x01\x00" if right else b"\x01\x01")
            if not right:
                return
        kind = client.recv(4)[3]
        host = client.recv(4 if kind == 1 else client.recv(1)[0])
        port = int.from_bytes(client.recv(2), "big")
        self.asked.append(f"SOCKS5 {host.decode('latin-1') if kind == 3 else socket.inet_ntoa(host)}:{port}")
        with socket.create_connection(("127.0.0.1", port), 5) as server:
            client.sendall(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
            self._pass_on(client, server)


@contextlib.contextmanager
def dribbling(start: bytes) -> Iterator[int]:
    """Run a server that answers with this and then a byte at a time, without end; the value is its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve() -> None:
        with contextlib.suppress(OSError):
            client, _ = listener.accept()
            with client:
                client.recv(65536)
                client.sendall(start)
                while not over.wait(0.02):
                    client.sendall(b"x")

    server = threading.Thread(target=serve, daemon=True)
    server.start()
    try:
        yield listener.getsockname()[1]
    finally:
        over.set()
        listener.close()
        server.join(30)
