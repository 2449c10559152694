"""Fifty readers of the event stream and many messages: nothing lost, nothing twice, everything in order."""

from __future__ import annotations

import concurrent.futures
import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Iterator

import attrs
import pytest

from notifykit_kwtsms.sandbox import Rules, Sandbox

pytestmark = pytest.mark.slow

LISTENERS = 50
MESSAGES = 500
SENDERS = 4
#: Real seconds after which a listener that still misses something is not waited for any more.
TIMEOUT = 300.0


@attrs.define
class Listener:
    """One reader of the stream, by a socket of its own; some disconnect in the middle and come back."""

    #: Where the sandbox listens.
    port: int
    #: The sequence to begin after.
    after: int
    #: How many new messages it receives before it disconnects once; None for one that stays.
    disconnects_after: int | None
    #: Every ``new`` event: its id, and the text of the message.
    received: list[tuple[int, str]] = attrs.field(factory=list)
    #: Every id it saw, of whatever event.
    ids: list[int] = attrs.field(factory=list)
    #: How many times it connected.
    connections: int = 0
    #: Set when it is connected for the first time.
    ready: threading.Event = attrs.field(factory=threading.Event)

    def run(self) -> None:
        """Read until every message was received."""
        while len(self.received) < MESSAGES:
            with socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT) as line:
                self.connections += 1
                last = f"Last-Event-ID: {self.ids[-1]}\r\n" if self.ids else ""
                line.sendall(
                    f"GET /sandbox/events?after={self.after} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
                    f"Accept: text/event-stream\r\n{last}\r\n".encode()
                )
                self._read(line)

    def _read(self, line: socket.socket) -> None:
        with line.makefile("rb") as stream:
            assert b" 200 " in stream.readline()
            chunked = False
            while (header := stream.readline()) not in (b"\r\n", b""):
                chunked = chunked or header.lower().startswith(b"transfer-encoding:")
            self.ready.set()
            rows = _unchunked(stream) if chunked else iter(stream.readline, b"")
            fields: dict[bytes, bytes] = {}
            for row in rows:
                name, _, value = row.rstrip(b"\r\n").partition(b": ")
                if name:
                    fields[name] = value
                    continue
                self._take(fields)
                fields = {}
                if len(self.received) >= MESSAGES:
                    return
                if self.connections == 1 and len(self.received) == self.disconnects_after:
                    return

    def _take(self, fields: dict[bytes, bytes]) -> None:
        if b"id" in fields:
            self.ids.append(int(fields[b"id"]))
        if fields.get(b"event") == b"new":
            self.received.append((int(fields[b"id"]), json.loads(fields[b"data"])["text"]))


def _unchunked(stream: object) -> Iterator[bytes]:
    """Take the rows out of a body in chunks, whatever the chunks cut."""
    kept = b""
    readline, read = stream.readline, stream.read  # type: ignore[attr-defined]
    while size := int(readline() or b"0", 16):
        *rows, kept = (kept + read(size + 2)[:-2]).split(b"\n")
        yield from (row + b"\n" for row in rows)


def _send(port: int, texts: range) -> None:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)) as line:
        for number in texts:
            body = {
                "username": "sandbox",
                "password": "sandboxpassword",
                "sender": "MY-APP",
                "mobile": str(96590000000 + number),
                "message": f"message {number}",
                "test": "0",
            }
            line.request("POST", "/API/send/", json.dumps(body), {"Content-Type": "application/json"})
            answer = json.load(line.getresponse())
            assert answer["result"] == "OK", answer


def test_fifty_readers_receive_every_message_once_and_in_order() -> None:
    """Also the ten that disconnect on the way and come back with the last id they saw."""
    with Sandbox(rules=Rules(rate_limit=None, same_number_gap=0)) as sandbox:
        sandbox.account.change(balance=10_000)
        after = sandbox.gateway.store.sequence
        listeners = [
            Listener(sandbox.port, after, 25 + 40 * place if place < 10 else None) for place in range(LISTENERS)
        ]
        readers = [threading.Thread(target=listener.run, daemon=True) for listener in listeners]
        for reader in readers:
            reader.start()
        assert all(listener.ready.wait(TIMEOUT) for listener in listeners)
        with concurrent.futures.ThreadPoolExecutor(SENDERS) as pool:
            shares = [range(place, MESSAGES, SENDERS) for place in range(SENDERS)]
            list(pool.map(_send, [sandbox.port] * SENDERS, shares))
        for reader in readers:
            reader.join(TIMEOUT)
        captured = [message.text for message in sandbox.messages]
    assert sorted(captured, key=lambda text: int(text.split()[1])) == [f"message {n}" for n in range(MESSAGES)]
    for listener in listeners:
        # What it received is what the inbox holds, in the order of the inbox: nothing lost, nothing twice, nothing moved.
        assert [text for _, text in listener.received] == captured
        numbers = [number for number, _ in listener.received]
        assert numbers == sorted(set(numbers))
        assert listener.ids == sorted(set(listener.ids))
        assert listener.connections == (1 if listener.disconnects_after is None else 2)
