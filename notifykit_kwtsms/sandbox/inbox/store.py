"""The inbox: every captured message, thread-safe, with a way to wait for one and a journal of changes."""

from __future__ import annotations

import collections
import itertools
import threading
import time
from collections.abc import Callable, Iterable

import attrs

from notifykit_kwtsms.sandbox.clock import Clock, as_utc
from notifykit_kwtsms.sandbox.inbox.captured import CapturedMessage, Event
from notifykit_kwtsms.sandbox.problems import NotThere

Matches = Callable[[CapturedMessage], bool]

#: Changes that the journal keeps; who was away longer reads the list again.
_JOURNAL = 10_000


@attrs.frozen
class Change:
    """One line of the journal, for whoever shows the inbox live."""

    #: Counts up from 1.
    sequence: int
    #: ``new``, ``update`` or ``delete``.
    kind: str
    #: The message it is about.
    message: int


class Store:
    """Messages in the order they came, the ``keep`` newest of them."""

    def __init__(self, clock: Clock, keep: int = 2000) -> None:
        if keep < 1:
            raise ValueError("an inbox keeps at least one message")
        self._clock = clock
        self._keep = keep
        self._changed = threading.Condition()
        self._messages: dict[int, CapturedMessage] = {}
        self._by_msg_id: dict[str, int] = {}
        # The messages that something is still to happen to; the others need no look at the clock.
        self._moving: set[int] = set()
        self._ids = itertools.count(1)
        self._sequence = 0
        self._journal: collections.deque[Change] = collections.deque(maxlen=_JOURNAL)
        self._closed = False

    def add(self, build: Callable[[int], CapturedMessage]) -> CapturedMessage:
        """Keep the message that ``build`` makes of a fresh id, drop the oldest beyond ``keep``, and return it."""
        with self._changed:
            message = build(next(self._ids))
            self._messages[message.id] = message
            if message.msg_id is not None:
                self._by_msg_id[message.msg_id] = message.id
            if message.planned:
                self._moving.add(message.id)
            self._note("new", message.id)
            while len(self._messages) > self._keep:
                self._remove(next(iter(self._messages)))
            return message

    def all(self) -> tuple[CapturedMessage, ...]:
        """Return every message, accepted or not, oldest first."""
        with self._changed:
            self._settle()
            return tuple(self._messages.values())

    def get(self, name: int | str) -> CapturedMessage | None:
        """Return a message by the store's id or by the gateway's msg-id."""
        with self._changed:
            self._settle()
            number = self._number(name)
            return None if number is None else self._messages.get(number)

    def update(self, name: int | str, *, unread: bool | None = None, tags: Iterable[str] | None = None) -> None:
        """Mark a message read or unread, or give it other tags."""
        with self._changed:
            message = self._named(name)
            self._put(
                attrs.evolve(
                    message,
                    unread=message.unread if unread is None else unread,
                    tags=message.tags if tags is None else tuple(tags),
                )
            )

    def force(self, name: int | str, state: str, number: str | None = None) -> CapturedMessage:
        """Bring a message, or one number of it, into a state now; what was planned for it is given up."""
        with self._changed:
            self._settle()
            message = self._named(name)
            if number is not None and number not in message.numbers:
                raise NotThere("this message was not for that number")
            planned = tuple(step for step in message.planned if number is not None and step.number != number)
            event = Event(self._clock.utc(), state, number, forced=True)
            return self._put(attrs.evolve(message, planned=planned, timeline=(*message.timeline, event)))

    def delete(self, matches: Matches) -> int:
        """Delete the messages that match and return how many they were."""
        with self._changed:
            self._settle()
            doomed = [message.id for message in self._messages.values() if matches(message)]
            for number in doomed:
                self._remove(number)
            return len(doomed)

    def wait(self, matches: Matches, timeout: float) -> CapturedMessage | None:
        """Return the newest message that matches, waiting real seconds for one; None if none came in time."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                self._settle()
                for message in reversed(self._messages.values()):
                    if matches(message):
                        return message
                left = deadline - time.monotonic()
                if left <= 0 or self._closed:
                    return None
                self._changed.wait(left)

    def changes(self, after: int = 0, timeout: float = 0.0) -> tuple[Change, ...]:
        """Return the journal after a sequence number, waiting real seconds for the first line of it."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while self._sequence <= after and not self._closed:
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            return tuple(change for change in self._journal if change.sequence > after)

    @property
    def sequence(self) -> int:
        """The sequence number of the newest change."""
        with self._changed:
            return self._sequence

    def open(self) -> None:
        """Let readers wait again after :meth:`close`."""
        with self._changed:
            self._closed = False

    def close(self) -> None:
        """Send everybody home who waits."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _named(self, name: int | str) -> CapturedMessage:
        number = self._number(name)
        if number is None or number not in self._messages:
            raise NotThere("there is no such message")
        return self._messages[number]

    def _number(self, name: int | str) -> int | None:
        if isinstance(name, int):
            return name
        if name in self._by_msg_id:
            return self._by_msg_id[name]
        return int(name) if len(name) < 16 and name.isascii() and name.isdigit() else None

    def _put(self, message: CapturedMessage) -> CapturedMessage:
        self._messages[message.id] = message
        if not message.planned:
            self._moving.discard(message.id)
        self._note("update", message.id)
        return message

    def _remove(self, number: int) -> None:
        message = self._messages.pop(number)
        self._moving.discard(number)
        if message.msg_id is not None:
            del self._by_msg_id[message.msg_id]
        self._note("delete", number)

    def _note(self, kind: str, number: int) -> None:
        self._sequence += 1
        self._journal.append(Change(self._sequence, kind, number))
        self._changed.notify_all()

    def _settle(self) -> None:
        """Let happen what is due by the virtual clock."""
        if not self._moving:
            return
        now = self._clock.time()
        for number in sorted(self._moving):
            message = self._messages[number]
            due = tuple(step for step in message.planned if step.due <= now)
            if due:
                happened = (Event(as_utc(step.due), step.state, step.number) for step in due)
                self._put(
                    attrs.evolve(message, timeline=(*message.timeline, *happened), planned=message.planned[len(due) :])
                )
