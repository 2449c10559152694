"""A server on loopback that answers, byte by byte, as a contract wants, and the ways in which HTTP can go wrong."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import struct
import threading
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final, Self

from notifykit.testing.rules import trusting


class ServerRequest:
    """One request that was read whole, and its connection."""

    def __init__(self, connection: socket.socket, octets: bytes, stopped: threading.Event) -> None:
        #: The connection.
        self.connection = connection
        #: The request.
        self.octets = octets
        self._stopped = stopped

    def pause(self, seconds: float) -> bool:
        """Wait, and return whether the server still runs."""
        return not self._stopped.wait(seconds)


#: Answers a request that was read whole, and returns whether the connection is kept for the next.
Behaviour = Callable[[ServerRequest], bool]


class Server(socketserver.ThreadingTCPServer):
    """Listens on a free port of this machine in its ``with`` block. Sends to it are not live.

    :param wire: reads the requests.
    :param behaviour: answers them.
    """

    request_queue_size = 128

    def __init__(self, wire: HttpWire, behaviour: Behaviour) -> None:
        super().__init__(("127.0.0.1", 0), socketserver.BaseRequestHandler)
        self._wire = wire
        self._behaviour = behaviour
        self._stopped = threading.Event()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._trusted = contextlib.ExitStack()
        #: The port that it listens on.
        self.port: int = self.server_address[1]
        #: Its address.
        self.url: str = wire.url(self.port)
        #: Every request that was read whole, in order.
        self.requests: list[bytes] = []

    def __enter__(self) -> Self:
        self._trusted.enter_context(trusting(self.url))
        threading.Thread(target=self.serve_forever, args=(0.002,), daemon=True).start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._trusted.close()
        self._stopped.set()
        self.shutdown()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start the thread of a connection."""
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Answer the requests of a connection."""

        def answer(octets: bytes) -> bool:
            self.requests.append(octets)
            return self._behaviour(ServerRequest(request, octets, self._stopped)) and not self._stopped.is_set()

        with contextlib.suppress(OSError):
            self._wire.talk(request, answer)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection: a reset must not begin with a regular end."""
        with self._lock:
            self._open.discard(request)
            request.close()


def closing_server(*, reset: bool) -> Server:
    """Return a server that closes or resets each connection before it has read a byte."""

    class ClosingWire(HttpWire):
        def talk(self, connection: socket.socket, answer: Callable[[bytes], bool]) -> None:
            if reset:
                _reset_on_close(connection)

    return Server(ClosingWire(), lambda request: False)


def saying(octets: bytes) -> Behaviour:
    """Answer with these octets, and keep the connection."""

    def say(request: ServerRequest) -> bool:
        request.connection.sendall(octets)
        return True

    return say


def breaking_off(octets: bytes = b"", *, reset: bool = False) -> Behaviour:
    """Send the beginning of an answer, and close or reset the connection."""

    def break_off(request: ServerRequest) -> bool:
        if octets:
            request.connection.sendall(octets)
        if reset:
            request.pause(0.01)  # a reset overtakes what was sent just before it
            _reset_on_close(request.connection)
        return False

    return break_off


def silent(request: ServerRequest) -> bool:
    """Send nothing until the other side closes."""
    request.connection.recv(1)
    return False


def dribbling(octets: bytes, *, before: bytes = b"", seconds: float = 0.03, then: bytes = b"") -> Behaviour:
    """Send an answer a byte at a time, always fast enough for a timeout that starts anew with each byte.

    :param before: what is sent at once before it.
    :param then: what is repeated after it; nothing lets the answer end.
    """

    def dribble(request: ServerRequest) -> bool:
        request.connection.sendall(before)
        rest = octets
        while rest:
            for place in range(len(rest)):
                request.connection.sendall(rest[place : place + 1])
                if not request.pause(seconds):
                    return False
            rest = then
        return False

    return dribble


def flooding(octets: bytes, then: bytes) -> Behaviour:
    """Begin an answer, and repeat the same without end, as fast as the other side reads."""

    def flood(request: ServerRequest) -> bool:
        request.connection.sendall(octets)
        while request.pause(0.001):
            request.connection.sendall(then)
        return False

    return flood


def _reset_on_close(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


# --- HTTP ---

_PAGE: Final = b"<!DOCTYPE html><html><body><h1>We are working on it</h1></body></html>"
_HTML: Final = ("Content-Type: text/html",)


def http_answer(body: bytes | str = b"", status: str = "200 OK", *headers: str) -> bytes:
    """Return an HTTP answer in bytes.

    :param body: the body.
    :param status: the status line behind the version.
    :param headers: header lines besides the length; JSON is the type where they name none.
    """
    octets = body.encode() if isinstance(body, str) else body
    lines = list(headers)
    if not any(line.lower().startswith("content-type:") for line in lines):
        lines.append("Content-Type: application/json")
    head = "\r\n".join((f"HTTP/1.1 {status}", f"Content-Length: {len(octets)}", *lines))
    return f"{head}\r\n\r\n".encode("latin-1") + octets


def body_of(request: bytes) -> bytes:
    """Return the body of an HTTP request."""
    return request.partition(b"\r\n\r\n")[2]


def _pages(*codes: int) -> dict[str, bytes]:
    return {f"{code} with a page": http_answer(_PAGE, f"{code} {HTTPStatus(code).phrase}", *_HTML) for code in codes}


class HttpWire:
    """Plain HTTP/1.1 on loopback: how requests are read, and how answers can go wrong, each under a name.

    For another protocol, override all of it in a subclass.
    """

    def url(self, port: int) -> str:
        """Return the address that a transport is given."""
        return f"http://127.0.0.1:{port}"

    def talk(self, connection: socket.socket, answer: Callable[[bytes], bool]) -> None:
        """Read requests and have each answered, until the last or until the other side closes."""
        connection.settimeout(30)
        rest = b""
        while True:
            request, rest = _request(connection, rest)
            if not request or not answer(request):
                return

    def lost(self, yes: bytes) -> dict[str, Behaviour]:
        """Return the ways in which no readable answer comes, though the request was read whole."""
        head, _, body = yes.partition(b"\r\n\r\n")
        longer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (len(body) + 40)
        chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        return {
            "closes": breaking_off(),
            "resets": breaking_off(reset=True),
            "half a status line": breaking_off(b"HTTP/1.1 20"),
            "half a head": breaking_off(head[:-2]),
            "half a body": breaking_off(longer + body),
            "half a body, then a reset": breaking_off(longer + body, reset=True),
            "chunks without an end": breaking_off(chunked + b"%x\r\n%b\r\n" % (max(1, len(body)), body or b"x")),
            "chunks that are none": breaking_off(chunked + b"banana\r\n" + body),
            "octets that are no HTTP": breaking_off(bytes(range(128, 256)) * 4),
            "another protocol": breaking_off(b"SSH-2.0-OpenSSH_9.2\r\n"),
            "a status that is no number": breaking_off(b"HTTP/1.1 yes OK\r\n\r\n"),
            "compression that can't be undone": breaking_off(
                http_answer(b"\x1f\x8b\x08not gzip at all", "200 OK", "Content-Encoding: gzip")
            ),
        }

    def late(self, yes: bytes) -> dict[str, Behaviour]:
        """Return the ways in which an answer never ends."""
        head, _, body = yes.partition(b"\r\n\r\n")
        endless = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
        return {
            "silence": silent,
            "a dribbled head": dribbling(head + b"\r\nX-Slow: ", then=b"slow "),
            "endless headers": dribbling(head + b"\r\n", seconds=0.005, then=b"X-More: 1\r\n"),
            "a dribbled body": dribbling(body or b" ", before=endless, then=b" "),
            "an endless body": flooding(endless, b" " * 65536),
            "endless interim answers": flooding(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 50),
        }

    def unreadable(self) -> dict[str, bytes]:
        """Return whole answers that do not say whether the provider accepted the request."""
        return {**_pages(500, 502, 503, 504), "500 with nothing": http_answer(b"", "500 Internal Server Error")}

    def polite(self) -> dict[str, bytes]:
        """Return successes without the provider's word in them."""
        return {
            "200 with a page": http_answer(_PAGE, "200 OK", *_HTML),
            "200 with nothing": http_answer(),
            "204": b"HTTP/1.1 204 No Content\r\n\r\n",
            "200 with broken JSON": http_answer(b'{"result": "O'),
            "200 with a JSON list": http_answer(b"[1, 2]"),
            "200 with deep JSON": http_answer(b"[" * 50_000),
            "200 with octets that are no text": http_answer(b"\xff\xfe\x00\x80"),
        }

    def refused(self, port: int) -> dict[str, bytes]:
        """Return redirects to a port, and refusals without the provider's word in them."""
        there = f"Location: http://127.0.0.1:{port}/elsewhere"
        return {
            **{f"{code} redirect": http_answer(b"", f"{code} Moved", there) for code in (301, 302, 303, 307, 308)},
            **_pages(400, 403, 404, 413),
            "401 with a page": http_answer(_PAGE, "401 Unauthorized", "WWW-Authenticate: Basic realm=x", *_HTML),
            "429 with nothing": http_answer(b"", "429 Too Many Requests", "Retry-After: 1"),
            "503 with nothing": http_answer(b"", "503 Service Unavailable", "Retry-After: 1"),
        }

    def interim(self, yes: bytes) -> dict[str, bytes]:
        """Return a yes after answers that are not the last (RFC 9110, section 15.2)."""
        return {
            "100, then yes": b"HTTP/1.1 100 Continue\r\n\r\n" + yes,
            "102, then yes": b"HTTP/1.1 102 Processing\r\n\r\n" + yes,
            "103, then yes": b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n" + yes,
        }

    def quoting(self, request: bytes) -> dict[str, bytes]:
        """Return answers that repeat the request, as test servers, proxies and error pages do."""
        body = body_of(request)
        return {
            f"{status} that quotes the {part}": http_answer(quoted, f"{status} Quoted", "Content-Type: text/plain")
            for status in (200, 400, 422, 500)
            for part, quoted in (("body", body), ("whole request", request))
        }


def _request(connection: socket.socket, rest: bytes) -> tuple[bytes, bytes]:
    """Return one whole request, and what was read after it; nothing where the other side closes before."""

    def read_until(octets: bytes, enough: Callable[[bytes], bool]) -> bytes:
        while not enough(octets):
            piece = connection.recv(65536)
            if not piece:
                raise ConnectionAbortedError
            octets += piece
        return octets

    try:
        head, _, body = read_until(rest, lambda octets: b"\r\n\r\n" in octets).partition(b"\r\n\r\n")
        fields = dict(line.lower().replace(b" ", b"").split(b":", 1) for line in head.split(b"\r\n")[1:])
        if b"chunked" in fields.get(b"transfer-encoding", b""):
            return head + b"\r\n\r\n" + read_until(body, lambda octets: b"0\r\n\r\n" in octets), b""
        length = int(fields.get(b"content-length", b"0"))
        body = read_until(body, lambda octets: len(octets) >= length)
    except ConnectionAbortedError:
        return b"", b""
    return head + b"\r\n\r\n" + body[:length], body[length:]
