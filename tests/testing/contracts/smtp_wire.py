"""SMTP as a contract sees it: a mail server that behaves until it has the whole message."""

from __future__ import annotations

import socket
from collections.abc import Callable

from notifykit.testing.contracts import Behaviour, HttpWire
from notifykit.testing.contracts.http_server import breaking_off, dribbling, flooding, silent

_USUAL = {
    b"EHLO": b"250-post.example\r\n250 8BITMIME\r\n",
    b"DATA": b"354 go on\r\n",
    b"QUIT": b"221 2.0.0 bye\r\n",
}


class SmtpWire(HttpWire):
    """Plain SMTP on loopback; a request is a message that was completed by its last line."""

    def url(self, port: int) -> str:
        return f"smtp://127.0.0.1:{port}"

    def talk(self, connection: socket.socket, answer: Callable[[bytes], bool]) -> None:
        connection.settimeout(30)
        connection.sendall(b"220 post.example ESMTP\r\n")
        with connection.makefile("rb") as lines:
            while line := lines.readline():
                word = line[:4].upper()
                connection.sendall(_USUAL.get(word, b"250 2.0.0 ok\r\n"))
                if word == b"QUIT":
                    return
                if word == b"DATA":
                    message = b""
                    while (part := lines.readline()) != b".\r\n":
                        if not part:
                            return
                        message += part
                    if not answer(message):
                        return

    def lost(self, yes: bytes) -> dict[str, Behaviour]:
        return {
            "closes": breaking_off(),
            "resets": breaking_off(reset=True),
            "half a code": breaking_off(b"25"),
            "half an answer": breaking_off(b"250-2.0.0 Ok\r\n"),
        }

    def late(self, yes: bytes) -> dict[str, Behaviour]:
        return {
            "silence": silent,
            "a dribbled line": dribbling(b"250 2.0.0 ", then=b"slow "),
            "endless lines": flooding(b"", b"250-more\r\n" * 100),
        }

    def unreadable(self) -> dict[str, bytes]:
        return {"no code": b"banana\r\n", "a code that is none": b"999 2.0.0 Ok\r\n", "go on": b"354 more\r\n"}

    def polite(self) -> dict[str, bytes]:
        return {}

    def refused(self, port: int) -> dict[str, bytes]:
        return {"later": b"451 4.7.1 later\r\n", "elsewhere": b"551 5.1.6 try mail.example.org\r\n"}

    def interim(self, yes: bytes) -> dict[str, bytes]:
        return {"two lines": b"250-2.0.0 Ok\r\n" + yes}

    def quoting(self, request: bytes) -> dict[str, bytes]:
        said = b" ".join(request.split())[:400]
        return {"a refusal with the message in it": b"554 5.7.1 spam: " + said + b"\r\n"}
