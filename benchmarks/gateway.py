"""A gateway on this machine in a process of its own: it says OK to everything, so that only the clients cost anything.

As a program it serves until its standard input ends. With ``smtp`` it is a mail server. As ``relay`` it passes on bytes
to another port, late in both directions, as a network does.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import json
import pathlib
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

#: The path that says what has been served.
_STATISTICS = "/statistics"
#: How many of the last bodies are kept.
_BODIES: Final = 100
#: What a mail server answers to a command; 250 to every other.
_ANSWERS: Final = {
    b"EHLO": b"250-gateway\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n250-ENHANCEDSTATUSCODES\r\n250 8BITMIME\r\n",
    b"DATA": b"250 2.0.0 Ok: queued as 4VxR7T3Kz1z9sK2\r\n",
    b"QUIT": b"221 2.0.0 Bye\r\n",
}


class Gateway:
    """A running gateway, or a relay before one.

    :param options: ``certificate``, a file with certificate and key, where it speaks TLS; ``latency``, seconds before
        an answer; ``smtp``, whether it is a mail server; or ``relay``, the port to pass on to, with ``delay``, seconds
        for each direction.
    """

    def __init__(self, **options: Any) -> None:
        command = [sys.executable, str(pathlib.Path(__file__)), json.dumps(options)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        said = json.loads(self._process.stdout.readline())
        #: Where it listens.
        self.port: int = said["port"]
        self._statistics: int = said.get("statistics", 0)
        scheme = "https" if options.get("certificate") or options.get("tls") else "http"
        #: The address for clients.
        self.url = f"{scheme}://127.0.0.1:{self.port}/API/"

    def statistics(self) -> dict[str, Any]:
        """Return what was served since the last call.

        ``connections``, ``requests`` (messages of a mail server), ``arrivals`` in monotonic seconds, the last ``body``
        and the last ``bodies``.
        """
        with urllib.request.urlopen(f"http://127.0.0.1:{self._statistics}{_STATISTICS}") as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def close(self) -> None:
        """Stop it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(10)


@contextlib.contextmanager
def running(**options: Any) -> Iterator[Gateway]:
    """Run a gateway for as long as the block lasts."""
    with contextlib.closing(Gateway(**options)) as gateway:
        yield gateway


class _Server:
    def __init__(self, certificate: str | None = None, latency: float = 0.0) -> None:
        self._latency = latency
        self._context: ssl.SSLContext | None = None
        if certificate:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(certificate)
        self._lock = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self._connections = 0
        self._arrivals: list[float] = []
        self._bodies: collections.deque[bytes] = collections.deque(maxlen=_BODIES)

    def listen(self, *, statistics: bool) -> int:
        """Serve in the background and return the port."""
        listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        threading.Thread(target=self._accept, args=(listener, statistics), daemon=True).start()
        port: int = listener.getsockname()[1]
        return port

    def _accept(self, listener: socket.socket, statistics: bool) -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=self._serve, args=(connection, statistics), daemon=True).start()

    def _serve(self, connection: socket.socket, statistics: bool) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not statistics:
            with self._lock:
                self._connections += 1
            if self._context:
                try:
                    connection = self._context.wrap_socket(connection, server_side=True)
                except OSError:
                    return
        received = b""
        with connection, contextlib.suppress(OSError):
            while True:
                while b"\r\n\r\n" not in received:
                    piece = connection.recv(65536)
                    if not piece:
                        return
                    received += piece
                head, _, received = received.partition(b"\r\n\r\n")
                lower = head.lower()
                length = int(lower.partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
                while len(received) < length:
                    received += connection.recv(65536)
                body, received = received[:length], received[length:]
                connection.sendall(self._statistics_answer() if statistics else self._answer(body))
                if b"connection: close" in lower:
                    return

    def _received(self, body: bytes) -> float:
        """Keep what came, and return when."""
        arrived = time.monotonic()
        with self._lock:
            self._arrivals.append(arrived)
            self._bodies.append(body)
        return arrived

    def _answer(self, body: bytes) -> bytes:
        arrived = self._received(body)
        fields = json.loads(body)
        if "mobile" not in fields:  # it is no request of kwtSMS
            return _response({"id": "f4c841adee210f31307633ceaebff2ec"})
        numbers = fields["mobile"].count(",") + 1
        if self._latency:
            time.sleep(max(0.0, arrived + self._latency - time.monotonic()))
        return _response(
            {
                "result": "OK",
                "msg-id": "f4c841adee210f31307633ceaebff2ec",
                "numbers": numbers,
                "points-charged": numbers,
                "balance-after": 180,
                "unix-timestamp": 1684763355,
            }
        )

    def _statistics_answer(self) -> bytes:
        with self._lock:
            document = {
                "connections": self._connections,
                "requests": len(self._arrivals),
                "arrivals": self._arrivals,
                "body": self._bodies[-1].decode() if self._bodies else "",
                "bodies": [body.decode() for body in self._bodies],
            }
            self._forget()
        return _response(document)


class _MailServer(_Server):
    """Takes every mail, as Postfix does where nothing is checked."""

    def _serve(self, connection: socket.socket, statistics: bool) -> None:
        if statistics:
            super()._serve(connection, statistics)
            return
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._connections += 1
        with connection, connection.makefile("rb") as lines, contextlib.suppress(OSError):
            connection.sendall(b"220 gateway ESMTP\r\n")
            for line in lines:
                command = line[:4].upper().strip()
                if command == b"DATA":
                    connection.sendall(b"354 End data with <CR><LF>.<CR><LF>\r\n")
                    self._received(_mail(lines))
                connection.sendall(_ANSWERS.get(command, b"250 2.0.0 Ok\r\n"))
                if command == b"QUIT":
                    return


def _mail(lines: BinaryIO) -> bytes:
    """Read a mail to the dot that ends it.

    :raises ConnectionError: where the connection ends before.
    """
    found: list[bytes] = []
    for line in lines:
        if line == b".\r\n":
            return b"".join(found)
        found.append(line)
    raise ConnectionError


def _response(fields: dict[str, Any]) -> bytes:
    body = json.dumps(fields).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class _Late(asyncio.Protocol):
    """What a client sends goes on later, and what comes back does too.

    The loopback answers the handshake of TCP at once, so the first bytes of a connection wait one round trip more.
    """

    def __init__(self, port: int, delay: float) -> None:
        self._port = port
        self._delay = delay

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._client = transport
        self._loop = asyncio.get_running_loop()
        self._earliest = self._loop.time() + 3 * self._delay
        self._onward = asyncio.ensure_future(self._connected())

    async def _connected(self) -> asyncio.Transport:
        back = _Back(self._client, self._delay)
        transport, _ = await self._loop.create_connection(lambda: back, "127.0.0.1", self._port)
        return transport

    def data_received(self, data: bytes) -> None:
        # What waits for the handshake stays in front of what comes after it: equal times keep their order.
        self._earliest = max(self._earliest, self._loop.time() + self._delay)
        self._loop.call_at(self._earliest, lambda: self._onward.result().write(data))

    def connection_lost(self, exc: Exception | None) -> None:
        self._loop.call_at(max(self._earliest, self._loop.time() + self._delay), self._close)

    def _close(self) -> None:
        if self._onward.done() and not self._onward.exception():
            self._onward.result().close()


class _Back(asyncio.Protocol):
    def __init__(self, client: Any, delay: float) -> None:
        self._client = client
        self._delay = delay

    def data_received(self, data: bytes) -> None:
        asyncio.get_running_loop().call_later(self._delay, self._client.write, data)

    def connection_lost(self, exc: Exception | None) -> None:
        asyncio.get_running_loop().call_later(self._delay, self._client.close)


async def _relay(port: int, delay: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Late(port, delay), "127.0.0.1", 0)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


def main() -> None:
    """Serve until standard input ends."""
    options = json.loads(sys.argv[1])
    if "relay" in options:
        asyncio.run(_relay(options["relay"], options["delay"]))
        return
    server = _MailServer() if options.get("smtp") else _Server(options.get("certificate"), options.get("latency", 0.0))
    ports = {"port": server.listen(statistics=False), "statistics": server.listen(statistics=True)}
    print(json.dumps(ports), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
