"""HTTP as a contract sees it: reading requests whole, and every way of answering them badly."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Final

from notifykit.testing.contracts.server import Act, Exchange, breaking_off, dribbling, flooding, silent

_PAGE: Final = b"<!DOCTYPE html><html><body><h1>We are working on it</h1></body></html>"
_HTML: Final = ("Content-Type: text/html",)


def http_answer(body: bytes | str = b"", status: str = "200 OK", *headers: str) -> bytes:
    """Return an HTTP answer as it goes over the wire.

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


class HttpWire:
    """Plain HTTP/1.1 on loopback, with connections that are kept."""

    def url(self, port: int) -> str:
        """Return the address that a transport is given."""
        return f"http://127.0.0.1:{port}"

    def talk(self, connection: socket.socket, answer: Callable[[bytes], bool]) -> None:
        """Read requests by their Content-Length or their chunks, and have each answered."""
        connection.settimeout(30)
        rest = b""
        while True:
            request, rest = _request(connection, rest)
            if not request or not answer(request):
                return

    def lost(self, yes: bytes) -> dict[str, Act]:
        """Return the ways in which no readable answer comes."""
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

    def late(self, yes: bytes) -> dict[str, Act]:
        """Return the ways in which an answer takes for ever."""
        head, _, body = yes.partition(b"\r\n\r\n")
        endless = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
        return {
            "silence": silent,
            "a dribbled head": dribbling(head + b"\r\nX-Slow: ", then=b"slow "),
            "endless headers": dribbling(head + b"\r\n", seconds=0.005, then=b"X-More: 1\r\n"),
            "a dribbled body": _after(endless, dribbling(body or b" ", then=b" ")),
            "an endless body": flooding(endless, b" " * 65536),
            "endless interim answers": flooding(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 50),
        }

    def unreadable(self) -> dict[str, bytes]:
        """Return answers of something between the two, which may have passed the request on."""
        return {
            "500 with a page": http_answer(_PAGE, "500 Internal Server Error", *_HTML),
            "502 with a page": http_answer(_PAGE, "502 Bad Gateway", *_HTML),
            "503 with a page": http_answer(_PAGE, "503 Service Unavailable", *_HTML),
            "504 with a page": http_answer(_PAGE, "504 Gateway Timeout", *_HTML),
            "500 with nothing": http_answer(b"", "500 Internal Server Error"),
        }

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
        """Return redirects, and refusals without the provider's word in them."""
        there = f"Location: http://127.0.0.1:{port}/elsewhere"
        return {
            **{
                f"{status} redirect": http_answer(b"", f"{status} Moved", there) for status in (301, 302, 303, 307, 308)
            },
            "400 with a page": http_answer(_PAGE, "400 Bad Request", *_HTML),
            "401 with a page": http_answer(_PAGE, "401 Unauthorized", "WWW-Authenticate: Basic realm=x", *_HTML),
            "403 with a page": http_answer(_PAGE, "403 Forbidden", *_HTML),
            "404 with a page": http_answer(_PAGE, "404 Not Found", *_HTML),
            "413 with a page": http_answer(_PAGE, "413 Content Too Large", *_HTML),
            "429 with nothing": http_answer(b"", "429 Too Many Requests", "Retry-After: 1"),
            "503 with nothing": http_answer(b"", "503 Service Unavailable", "Retry-After: 1"),
        }

    def interim(self, yes: bytes) -> dict[str, bytes]:
        """Return a yes behind answers that are not the last (RFC 9110, section 15.2)."""
        return {
            "100, then yes": b"HTTP/1.1 100 Continue\r\n\r\n" + yes,
            "102, then yes": b"HTTP/1.1 102 Processing\r\n\r\n" + yes,
            "103, then yes": b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n" + yes,
        }

    def quoting(self, request: bytes) -> dict[str, bytes]:
        """Return answers that repeat what was sent: test servers, proxies and error pages do."""
        body = body_of(request)
        return {
            f"{status} that quotes the {part}": http_answer(quoted, f"{status} Quoted", "Content-Type: text/plain")
            for status in (200, 400, 422, 500)
            for part, quoted in (("body", body), ("whole request", request))
        }


def _after(head: bytes, act: Act) -> Act:
    def both(exchange: Exchange) -> bool:
        exchange.connection.sendall(head)
        return act(exchange)

    return both


def _request(connection: socket.socket, rest: bytes) -> tuple[bytes, bytes]:
    """Return one whole request, and what was read behind it; nothing where the other side is gone before."""
    while b"\r\n\r\n" not in rest:
        piece = connection.recv(65536)
        if not piece:
            return b"", b""
        rest += piece
    head, _, body = rest.partition(b"\r\n\r\n")
    fields = dict(_field(line) for line in head.split(b"\r\n")[1:])
    if b"chunked" in fields.get(b"transfer-encoding", b""):
        while b"0\r\n\r\n" not in body:
            piece = connection.recv(65536)
            if not piece:
                return b"", b""
            body += piece
        return head + b"\r\n\r\n" + body, b""
    length = int(fields.get(b"content-length", b"0"))
    while len(body) < length:
        piece = connection.recv(65536)
        if not piece:
            return b"", b""
        body += piece
    return head + b"\r\n\r\n" + body[:length], body[length:]


def _field(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b":")
    return name.strip().lower(), value.strip()
