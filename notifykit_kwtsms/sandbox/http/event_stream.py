"""The event stream: every entry of the change log as a server-sent event, from where a reader was, without a gap."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from typing import Any, Final

from notifykit_kwtsms.sandbox.gateway.service import Gateway
from notifykit_kwtsms.sandbox.http import views
from notifykit_kwtsms.sandbox.http.stats import SandboxInfo, stats, version
from notifykit_kwtsms.sandbox.inbox.change_log import Change
from notifykit_kwtsms.sandbox.models import encode

#: Real seconds of silence before a comment shows that the connection works.
HEARTBEAT: Final = 10.0
#: Real seconds that a stream pauses after a write: what comes meanwhile is written together.
REST: Final = 0.04
#: Real seconds between two ``stats``.
STATS_EVERY: Final = 1.0
#: Readers at once; each has a thread.
READERS: Final = 256
#: Changes in one write.
_AT_ONCE: Final = 500
#: Encoded changes that are kept, so that fifty readers cost one encoding.
_ENCODED: Final = 4096
_OF_MESSAGES: Final = frozenset({"new", "update", "dlr"})


class EventStreams:
    """The streams of one sandbox. A reader never holds up the gateway: each reads the change log at its own speed."""

    def __init__(self, gateway: Gateway, info: SandboxInfo, stopping: threading.Event) -> None:
        self._gateway = gateway
        self._info = info
        self._stopping = stopping
        self._lock = threading.Lock()
        self._readers = 0
        self._encode = functools.lru_cache(_ENCODED)(self._make)

    @property
    def readers(self) -> int:
        """How many streams are open."""
        with self._lock:
            return self._readers

    def reserve(self) -> bool:
        """Reserve a place for a reader, if there is one. :meth:`stream` releases it when it ends."""
        with self._lock:
            if self._readers >= READERS:
                return False
            self._readers += 1
            return True

    def stream(self, after: int | None) -> Generator[bytes, None, None]:
        """Return the events after a number, or from now on, until the sandbox stops."""
        events = self._in_place(after)
        # It has begun, so that closing it releases the place also where nothing was read.
        next(events)
        return events

    def _in_place(self, after: int | None) -> Generator[bytes, None, None]:
        try:
            yield b""
            yield from self._events(after)
        finally:
            with self._lock:
                self._readers -= 1

    def _events(self, after: int | None) -> Iterator[bytes]:
        store = self._gateway.store
        place = store.sequence if after is None else after
        yield b"retry: 500\n\n" + self._hello()
        written, counted = time.monotonic(), 0.0
        moved = True
        while not self._stopping.is_set() and not store.closed:
            now = time.monotonic()
            if moved and now - counted >= STATS_EVERY:
                figures = stats(self._gateway, self._info, self.readers)
                yield _event("stats", figures)
                # Until the rate has fallen they go on changing.
                counted, moved = now, figures["rate"]["now"] > 0
            # While something moves the figures follow; in silence nothing but the heartbeat does.
            most = HEARTBEAT - (now - written)
            changes = store.changes(place, max(0.0, min(most, counted + STATS_EVERY - now) if moved else most))
            if place < store.floor or place > store.sequence:
                place = store.sequence
                yield _event("reload", {"sequence": place}, place)
                written, moved = time.monotonic(), True
            elif changes:
                for start in range(0, len(changes), _AT_ONCE):
                    yield b"".join(map(self._encode, changes[start : start + _AT_ONCE]))
                place = changes[-1].sequence
                written, moved = time.monotonic(), True
                self._stopping.wait(REST)
            elif time.monotonic() - written >= HEARTBEAT:
                yield b": heartbeat\n\n"
                written = time.monotonic()

    def _hello(self) -> bytes:
        store = self._gateway.store
        facts = {"sequence": store.sequence, "history": store.history, "version": version(), "label": self._info.label}
        return _event("hello", facts)

    def _make(self, change: Change) -> bytes:
        if change.kind in _OF_MESSAGES:
            message = self._gateway.store.get(change.message)
            if message is None:
                # It is deleted already, and its own change follows.
                return f"id: {change.sequence}\n\n".encode()
            account = self._gateway.accounts.get(message.account)
            return _event(change.kind, views.SUMMARY(message, account), change.sequence)
        if change.kind in ("delete", "restore"):
            return _event(change.kind, {"ids": list(change.messages)}, change.sequence)
        facts = dict(change.facts)
        if change.kind == "fault":
            facts["message"] = change.message or None
        return _event(change.kind, facts, change.sequence)


def _event(kind: str, facts: Mapping[str, Any], sequence: int | None = None) -> bytes:
    # JSON in ASCII has no line ends of its own, so one data line is always enough.
    name = "" if sequence is None else f"id: {sequence}\n"
    return f"{name}event: {kind}\ndata: {encode(facts)}\n\n".encode()
