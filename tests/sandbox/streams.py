"""A reader of server-sent events over a socket of its own, as a browser is one."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final, Self

import attrs

#: Seconds that a reader waits for what it was promised, however many heartbeats come meanwhile.
PATIENCE: Final = 30.0


@attrs.frozen
class ReceivedEvent:
    """One event, or a comment."""

    kind: str
    id: int | None
    data: Any


class Listener:
    """One connection to the event stream."""

    def __init__(self, port: int, path: str = "/sandbox/events", headers: Mapping[str, str] | None = None) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.connection.request("GET", path, headers=dict(headers or {}))
        self.answer = self.connection.getresponse()
        self._rest = b""
        self._ends = time.monotonic() + PATIENCE
        self._events = self._read()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.answer.close()
        self.connection.close()

    def events(self, *kinds: str) -> Iterator[ReceivedEvent]:
        """Yield events, of some kinds only, until the stream ends."""
        return (received for received in self._events if received.kind in kinds or not kinds)

    def next(self, *kinds: str) -> ReceivedEvent:
        """Return the next one."""
        return next(self.events(*kinds))

    def _read(self) -> Iterator[ReceivedEvent]:
        while data := self.answer.read1(65536):
            *blocks, self._rest = (self._rest + data).split(b"\n\n")
            if time.monotonic() > self._ends:
                raise TimeoutError(f"the stream is open and did not bring what was waited for; last: {blocks}")
            for block in blocks:
                fields = dict(line.split(": ", 1) for line in block.decode().split("\n"))
                if "event" in fields:
                    number = int(fields["id"]) if "id" in fields else None
                    yield ReceivedEvent(fields["event"], number, json.loads(fields["data"]))
                elif "" in fields:
                    yield ReceivedEvent("comment", None, fields[""])
