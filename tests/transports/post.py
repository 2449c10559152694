"""A mail server that gives the answers of a test."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO

#: Says an answer instead of the usual one; None closes the connection.
Act = Callable[["Talk"], "bytes | None"]
Answer = bytes | Act

USUAL: dict[str, Answer] = {
    "greeting": b"220 post.example ESMTP\r\n",
    "EHLO": b"250-post.example\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n",
    "HELO": b"250 post.example\r\n",
    "MAIL": b"250 2.1.0 ok\r\n",
    "RCPT": b"250 2.1.5 ok\r\n",
    "DATA": b"354 go on\r\n",
    "text": b"250 2.0.0 Ok: queued as 4XyZ12abc\r\n",
    "RSET": b"250 2.0.0 ok\r\n",
    "QUIT": b"221 2.0.0 bye\r\n",
}


class Talk:
    """One connection, as an answer may use it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock


class Post:
    """What the server saw."""

    def __init__(self, said: Mapping[str, Answer], tls: ssl.SSLContext | None) -> None:
        self._said = said
        self._tls = tls
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.connections = 0
        #: Every command's first word, ``text`` for a whole message, in order.
        self.commands: list[str] = []
        #: The command lines as they came.
        self.lines: list[bytes] = []
        #: Every message that was completed, whatever was answered to it.
        self.messages: list[bytes] = []

    def count(self, word: str) -> int:
        """Return how often it was asked that."""
        return self.commands.count(word)

    def accept(self) -> None:
        """Take connections until the listener is closed."""
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        sock.settimeout(5)
        with contextlib.suppress(OSError):
            sock = self._tls.wrap_socket(sock, server_side=True) if self._tls else sock
        talk = Talk(sock)
        with sock, contextlib.suppress(OSError), sock.makefile("rb") as lines:
            if self._respond(talk, "greeting"):
                while self._exchange(talk, lines):
                    pass

    def _exchange(self, talk: Talk, lines: BinaryIO) -> bool:
        """Read one command, and the message after it; return whether the conversation goes on."""
        line = lines.readline()
        word = line.split()[0].decode("latin-1").upper() if line.split() else ""
        if not line:
            return False
        self.commands.append(word)
        self.lines.append(line)
        if not self._respond(talk, word) or word == "QUIT":
            return False
        if word != "DATA" or self._said["DATA"] != USUAL["DATA"]:
            return True
        message = b""
        while (part := lines.readline()) != b".\r\n":
            if not part:  # it broke off before the message was complete
                return False
            message += part
        self.commands.append("text")
        self.messages.append(message)
        return self._respond(talk, "text")

    def _respond(self, talk: Talk, word: str) -> bool:
        answer = self._said.get(word, b"502 5.5.1 what?\r\n")
        octets = answer if isinstance(answer, bytes) else answer(talk)
        if octets is not None:
            talk.sock.sendall(octets)
        return octets is not None


def reset(talk: Talk) -> None:
    """Reset the connection."""
    talk.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def close(talk: Talk) -> None:
    """Close the connection."""


def stall(talk: Talk) -> None:
    """Say nothing until the other side gives up."""
    talk.sock.recv(1)


def dribble_of(text: bytes) -> Act:
    """Say something a byte at a time, always fast enough for a timeout that starts anew with each byte."""

    def act(talk: Talk) -> None:
        pause = threading.Event()
        for index in range(len(text)):
            talk.sock.sendall(text[index : index + 1])
            pause.wait(0.02)

    return act


def in_turn(*answers: Answer) -> Act:
    """Say the first, then the second, …, and the last for ever."""
    rest = list(answers)

    def act(talk: Talk) -> bytes | None:
        answer = rest.pop(0) if len(rest) > 1 else rest[0]
        return answer if isinstance(answer, bytes) else answer(talk)

    return act


@contextlib.contextmanager
def post_office(answers: Mapping[str, Answer] | None = None, tls: ssl.SSLContext | None = None) -> Iterator[Post]:
    """Run a server for the length of a test; ``tls`` is what it uses from the start."""
    post = Post(USUAL | dict(answers or {}), tls)
    acceptor = threading.Thread(target=post.accept, daemon=True)
    acceptor.start()
    try:
        yield post
    finally:
        post.listener.shutdown(socket.SHUT_RDWR)
        post.listener.close()
        acceptor.join(30)
