"""The inbox: every captured message, thread-safe, with a way to wait for one, an undo and a log of changes."""

from __future__ import annotations

import collections
import contextlib
import heapq
import logging
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Literal

import attrs

from notifykit_kwtsms.sandbox.clock import Clock, as_utc
from notifykit_kwtsms.sandbox.inbox.archive import Archive
from notifykit_kwtsms.sandbox.inbox.change_log import Change, ChangeLog
from notifykit_kwtsms.sandbox.inbox.message import CapturedMessage, Event
from notifykit_kwtsms.sandbox.models import NotFoundError

Matches = Callable[[CapturedMessage], bool]
Tags = tuple[str, ...]
#: Real seconds that a deleted set can be restored.
UNDO_SECONDS: Final = 30.0
#: Deleted sets that are kept at most.
_UNDO_SETS: Final = 20
_log = logging.getLogger(__name__)


@attrs.frozen
class Deletion:
    """A set of messages that was deleted at once."""

    #: How many they were.
    count: int
    #: What restores them; None where there was nothing to delete.
    undo: str | None = attrs.field(repr=False)


class DeletedMessages:
    """Deleted sets, each kept for some seconds. It has no lock of its own: the store's is held when it is used."""

    def __init__(self, seconds: float = UNDO_SECONDS) -> None:
        self._seconds = seconds
        self._sets: collections.OrderedDict[str, tuple[float, tuple[CapturedMessage, ...]]] = collections.OrderedDict()

    def add(self, messages: Iterable[CapturedMessage]) -> Deletion:
        """Keep a set and return what restores it."""
        kept = tuple(messages)
        self._expire()
        if not kept:
            return Deletion(0, None)
        name = secrets.token_hex(8)
        self._sets[name] = (time.monotonic() + self._seconds, kept)
        while len(self._sets) > _UNDO_SETS:
            self._sets.popitem(last=False)
        return Deletion(len(kept), name)

    def take(self, name: str) -> tuple[CapturedMessage, ...]:
        """Return a set and forget it; one that is too old or was never there is a :class:`NotFoundError`."""
        self._expire()
        if name not in self._sets:
            raise NotFoundError("there is nothing to restore by that name any more")
        return self._sets.pop(name)[1]

    def clear(self) -> None:
        """Forget everything."""
        self._sets.clear()

    def _expire(self) -> None:
        now = time.monotonic()
        for name in [name for name, (until, _) in self._sets.items() if until <= now]:
            del self._sets[name]


@attrs.define
class Totals:
    """Sums over the messages of an inbox, kept with each change: a large inbox takes too long to add up."""

    #: Messages.
    messages: int = 0
    #: Messages that were accepted.
    accepted: int = 0
    #: Messages that are unread.
    unread: int = 0
    #: Messages that need UCS-2.
    ucs2: int = 0
    #: Segments of the accepted ones, for each number.
    segments: int = 0
    #: Points of the accepted ones.
    points: float = 0
    #: The number of the newest change that is in them.
    sequence: int = 0

    def count(self, message: CapturedMessage, by: Literal[1, -1]) -> None:
        """Count a message in, or with -1 out."""
        self.messages += by
        self.unread += by * message.unread
        self.ucs2 += by * (message.encoding == "ucs2")
        if message.accepted:
            self.accepted += by
            self.segments += by * message.segments * len(message.numbers)
            self.points = round(self.points + by * message.points, 4)


@attrs.frozen
class Snapshot:
    """The inbox at one moment."""

    #: Every message, oldest first.
    messages: tuple[CapturedMessage, ...] = attrs.field(repr=False)
    #: Sums over them.
    totals: Totals


class Store:
    """Messages in the order they came: the ``keep`` newest of them, none older than ``keep_for`` virtual seconds."""

    def __init__(
        self, clock: Clock, keep: int = 2000, keep_for: float | None = None, archive: Archive | None = None
    ) -> None:
        if keep < 1:
            raise ValueError("an inbox keeps at least one message")
        if keep_for is not None and not 0 < keep_for < float("inf"):
            raise ValueError("an inbox keeps messages for a number of seconds above 0")
        self.keep = keep
        self.keep_for = keep_for
        self._clock = clock
        self._changed = threading.Condition()
        self._archive = archive
        self._deleted = DeletedMessages()
        #: Why the file could not be written the last time; None where all is well.
        self.trouble: str | None = None
        #: Whether waiting has ended, until :meth:`open`.
        self.closed = False
        self._load()
        clock.watch(self._jumped)

    def _load(self) -> None:
        archive = self._archive
        with self._changed:
            self._messages: dict[int, CapturedMessage] = {}
            self._totals = Totals()
            self._by_msg_id: dict[str, int] = {}
            # When something is to happen next to a message; an entry may be out of date after a change by a person.
            self._due: list[tuple[float, int]] = []
            # What the archive doesn't have yet.
            self._touched: dict[int, CapturedMessage | None] = {}
            #: Names this history of changes: a reader with the number of another one reads everything again.
            self.history = archive.history if archive else secrets.token_hex(8)
            self._highest = archive.highest if archive else 0
            self._changes = ChangeLog(archive.sequence if archive else 0)
            for message in archive.messages() if archive else ():
                self._index(message)
                self._highest = max(self._highest, message.id)
            self._prune()
            self._commit()

    def add(self, build: Callable[[int], CapturedMessage]) -> CapturedMessage:
        """Keep the message that ``build`` makes of a fresh id, drop the oldest beyond ``keep``, and return it."""
        with self._changing():
            message = self._insert(build(self._highest + 1))
            self._prune()
            return message

    def adopt(self, messages: Iterable[CapturedMessage]) -> tuple[CapturedMessage, ...]:
        """Take in messages of another inbox under new ids, without those whose msg-id is here already."""
        with self._changing():
            # What was to happen to it there belongs to another clock.
            taken = tuple(
                self._insert(attrs.evolve(message, id=self._highest + 1, planned=()))
                for message in messages
                if message.msg_id is None or message.msg_id not in self._by_msg_id
            )
            self._prune()
            return taken

    def all(self) -> tuple[CapturedMessage, ...]:
        """Return every message, accepted or not, oldest first."""
        return self.snapshot().messages

    def snapshot(self) -> Snapshot:
        """Return every message together with the number of the newest change in them."""
        with self._changed:
            self._settle()
            return Snapshot(tuple(self._messages.values()), self.totals())

    def totals(self) -> Totals:
        """Return the sums over every message as they are now."""
        with self._changed:
            self._settle()
            return attrs.evolve(self._totals, sequence=self._changes.sequence)

    def get(self, name: int | str) -> CapturedMessage | None:
        """Return a message by the store's id or by the gateway's msg-id."""
        with self._changed:
            self._settle()
            return self._find(name)

    def update(
        self, name: int | str, *, unread: bool | None = None, retag: Callable[[Tags], Tags] = lambda tags: tags
    ) -> CapturedMessage:
        """Mark a message read or unread, or give it other tags, and return it."""
        with self._changing():
            message = self._named(name)
            self._change(message, unread, retag)
            return self._messages[message.id]

    def update_all(
        self, matches: Matches, *, unread: bool | None = None, retag: Callable[[Tags], Tags] = lambda tags: tags
    ) -> int:
        """Mark and tag every message that matches, and return how many changed by it."""
        with self._changing():
            return sum(self._change(message, unread, retag) for message in self._matching(matches))

    def force(self, name: int | str, state: str, number: str | None = None) -> CapturedMessage:
        """Bring a message, or one number of it, into a state now, in place of what was planned for it."""
        with self._changing():
            message = self._named(name)
            if number is not None and number not in message.numbers:
                raise NotFoundError("this message was not for that number")
            planned = tuple(step for step in message.planned if number is not None and step.number != number)
            event = Event(self._clock.utc(), state, number, forced=True)
            forced = attrs.evolve(message, planned=planned, timeline=(*message.timeline, event))
            self._put(forced, "dlr")
            return forced

    def delete(self, matches: Matches) -> int:
        """Delete the messages that match for good and return how many they were."""
        with self._changing():
            found = self._matching(matches)
            self._remove(found)
            self._deleted.clear()
            return len(found)

    def discard(self, matches: Matches) -> Deletion:
        """Delete the messages that match in a way that :meth:`restore` can undo for some seconds."""
        with self._changing():
            found = self._matching(matches)
            self._remove(found)
            return self._deleted.add(found)

    def restore(self, undo: str) -> int:
        """Bring back a discarded set with its ids and return how many are back. Too late is a :class:`NotFoundError`."""
        with self._changing():
            returned = self._deleted.take(undo)
            for message in returned:
                self._index(message)
                self._touched[message.id] = message
            # Order is by id everywhere, and a dictionary keeps the order of arrival.
            self._messages = dict(sorted(self._messages.items()))
            self._changes.append("restore", (message.id for message in returned))
            self._prune()
            return len(returned)

    def wait(self, matches: Matches, timeout: float) -> CapturedMessage | None:
        """Return the newest message that matches, waiting real seconds for one; None if none came in time."""
        searched = -1
        with self._changed:
            for sequence in self._until(timeout):
                if sequence != searched:
                    searched = sequence
                    for message in reversed(self._messages.values()):
                        if matches(message):
                            return message
        return None

    def changes(self, after: int = 0, timeout: float = 0.0) -> tuple[Change, ...]:
        """Return the changes after a sequence number, waiting real seconds for the first of them."""
        with self._changed:
            for sequence in self._until(timeout):
                if sequence > after:
                    break
            return self._changes.since(after)

    def note(self, kind: str, messages: Iterable[int] = (), **facts: Any) -> None:
        """Log a change of something that is no message."""
        with self._changing():
            self._changes.append(kind, messages, facts)

    @property
    def sequence(self) -> int:
        """The sequence number of the newest change."""
        with self._changed:
            return self._changes.sequence

    @property
    def floor(self) -> int:
        """The sequence number after which no change is forgotten yet."""
        with self._changed:
            return self._changes.floor

    @property
    def stored(self) -> bool:
        """Whether it survives a restart."""
        return self._archive is not None

    def open(self) -> None:
        """Let readers wait again after :meth:`close`."""
        with self._changed:
            self.closed = False
            if self._archive is not None and self._archive.closed:
                self._archive.open()
                self._load()

    def close(self) -> None:
        """End every wait, and close the file."""
        with self._changed:
            self.closed = True
            if self._archive is not None:
                self._archive.close()
            self._changed.notify_all()

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        """Hold the lock; let happen what is due before a change, and commit after it."""
        with self._changed:
            self._settle()
            yield
            self._commit()

    def _matching(self, matches: Matches) -> list[CapturedMessage]:
        return [message for message in self._messages.values() if matches(message)]

    def _until(self, timeout: float) -> Iterator[int]:
        """Yield the sequence number now and after each change, for so many real seconds or until it closes."""
        deadline = time.monotonic() + timeout
        while True:
            self._settle()
            yield self._changes.sequence
            rest = deadline - time.monotonic()
            if rest <= 0 or self.closed:
                return
            if self._due:
                rest = min(rest, max(0.001, self._due[0][0] - self._clock.time()))
            self._changed.wait(rest)

    def _find(self, name: int | str) -> CapturedMessage | None:
        if isinstance(name, str):
            plain = int(name) if len(name) < 16 and name.isascii() and name.isdigit() else 0
            name = self._by_msg_id.get(name, plain)
        return self._messages.get(name)

    def _named(self, name: int | str) -> CapturedMessage:
        message = self._find(name)
        if message is None:
            raise NotFoundError("there is no such message")
        return message

    def _index(self, message: CapturedMessage) -> None:
        self._messages[message.id] = message
        self._totals.count(message, 1)
        if message.msg_id is not None:
            self._by_msg_id[message.msg_id] = message.id
        self._plan(message)

    def _insert(self, message: CapturedMessage) -> CapturedMessage:
        self._highest = message.id
        self._index(message)
        self._touched[message.id] = message
        self._changes.append("new", (message.id,))
        return message

    def _plan(self, message: CapturedMessage) -> None:
        if message.planned:
            heapq.heappush(self._due, (message.planned[0].due, message.id))

    def _change(self, message: CapturedMessage, unread: bool | None, retag: Callable[[Tags], Tags]) -> bool:
        changed = attrs.evolve(message, unread=message.unread if unread is None else unread, tags=retag(message.tags))
        if (changed.unread, changed.tags) == (message.unread, message.tags):
            return False
        self._put(changed, "update")
        return True

    def _put(self, message: CapturedMessage, kind: str) -> None:
        self._totals.count(self._messages[message.id], -1)
        self._totals.count(message, 1)
        self._messages[message.id] = message
        self._touched[message.id] = message
        self._changes.append(kind, (message.id,))

    def _remove(self, messages: list[CapturedMessage]) -> None:
        for message in messages:
            del self._messages[message.id]
            self._totals.count(message, -1)
            self._by_msg_id.pop(message.msg_id or "", None)
            self._touched[message.id] = None
        if messages:
            self._changes.append("delete", [message.id for message in messages])

    def _prune(self) -> None:
        """Forget what is too much and what is too old."""
        old: list[CapturedMessage] = []
        excess = len(self._messages) - self.keep
        oldest = None if self.keep_for is None else self._clock.utc().timestamp() - self.keep_for
        for message in self._messages.values():
            if len(old) >= excess and (oldest is None or message.at.timestamp() >= oldest):
                break
            old.append(message)
        self._remove(old)

    def _commit(self) -> None:
        """Bring the file up to date, and wake those who wait."""
        if self._archive is None or self._archive.closed:
            self._touched.clear()
        else:
            try:
                self._archive.write(self._touched, self._changes.sequence, self._highest)
            except sqlite3.Error as error:
                # The gateway works on without its disk; the next change writes what is missing in the file.
                if self.trouble is None:
                    _log.warning("the store %s can't be written: %s", self._archive.path, error)
                self.trouble = str(error)
            else:
                self.trouble = None
                self._touched.clear()
        self._changed.notify_all()

    def _jumped(self) -> None:
        with self._changed:
            self._changes.append("clock", facts={"time": self._clock.utc().isoformat(), "offset": self._clock.offset})
            self._settle()
            self._commit()

    def _settle(self) -> None:
        """Let happen what is due by the virtual clock."""
        before = self._changes.sequence
        now = self._clock.time()
        while self._due and self._due[0][0] <= now:
            message = self._messages.get(heapq.heappop(self._due)[1])
            due = tuple(step for step in message.planned if step.due <= now) if message else ()
            if message and due:
                happened = (Event(as_utc(step.due), step.state, step.number) for step in due)
                timeline = (*message.timeline, *happened)
                settled = attrs.evolve(message, timeline=timeline, planned=message.planned[len(due) :])
                self._put(settled, "dlr")
                self._plan(settled)
        if self.keep_for is not None:
            self._prune()
        if self._changes.sequence != before:
            self._commit()
