"""The inbox: every captured message, thread-safe, with a way to wait for one, an undo and a log of changes."""

from __future__ import annotations

import collections
import heapq
import logging
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

import attrs

from notifykit_kwtsms.sandbox.clock import Clock, as_utc
from notifykit_kwtsms.sandbox.inbox.archive import Archive
from notifykit_kwtsms.sandbox.inbox.change_log import Change, ChangeLog
from notifykit_kwtsms.sandbox.inbox.message import CapturedMessage, Event
from notifykit_kwtsms.sandbox.models import NotFoundError

#: Real seconds that a deleted set can be restored.
UNDO_SECONDS: Final = 30.0


#: Sets that are held at most.
_UNDO_SETS: Final = 20


@attrs.frozen
class Deletion:
    """A set of messages that was deleted at once."""

    #: How many they were.
    count: int
    #: What brings them back; None where there was nothing to delete.
    undo: str | None = attrs.field(repr=False)


class DeletedMessages:
    """Deletion sets, each for some seconds. It has no lock of its own: its owner's is held whenever it is touched."""

    def __init__(self, seconds: float = UNDO_SECONDS) -> None:
        self._seconds = seconds
        self._sets: collections.OrderedDict[str, tuple[float, tuple[CapturedMessage, ...]]] = collections.OrderedDict()

    def put(self, messages: Iterable[CapturedMessage]) -> Deletion:
        """Take a set and return what brings it back."""
        kept = tuple(messages)
        self.sweep()
        if not kept:
            return Deletion(0, None)
        name = secrets.token_hex(8)
        self._sets[name] = (time.monotonic() + self._seconds, kept)
        while len(self._sets) > _UNDO_SETS:
            self._sets.popitem(last=False)
        return Deletion(len(kept), name)

    def take(self, name: str) -> tuple[CapturedMessage, ...]:
        """Return a set and forget it; one that is too old or was never there is :class:`NotThere`."""
        self.sweep()
        if name not in self._sets:
            raise NotFoundError("there is nothing to restore by that name any more")
        return self._sets.pop(name)[1]

    def sweep(self) -> None:
        """Forget what is too old."""
        now = time.monotonic()
        for name in [name for name, (until, _) in self._sets.items() if until <= now]:
            del self._sets[name]

    def empty(self) -> None:
        """Forget everything."""
        self._sets.clear()


Matches = Callable[[CapturedMessage], bool]


_log = logging.getLogger(__name__)


@attrs.frozen
class Snapshot:
    """The inbox at one moment."""

    #: Every message, oldest first.
    messages: tuple[CapturedMessage, ...] = attrs.field(repr=False)
    #: The number of the newest change that is in it.
    sequence: int


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
        self._trouble: str | None = None
        self._closed = False
        self._load()
        clock.watch(self._jumped)

    def _load(self) -> None:
        archive = self._archive
        with self._changed:
            self._messages: dict[int, CapturedMessage] = {}
            self._by_msg_id: dict[str, int] = {}
            # When something is to happen next to a message; an entry may have been overtaken by a person.
            self._due: list[tuple[float, int]] = []
            # What the archive doesn't know yet.
            self._touched: dict[int, CapturedMessage | None] = {}
            #: Names this history of changes: who comes with the number of another one reads everything again.
            self.history = archive.history if archive else secrets.token_hex(8)
            self._highest = archive.highest if archive else 0
            self._log = ChangeLog(archive.sequence if archive else 0)
            for message in archive.messages() if archive else ():
                self._place(message)
                self._highest = max(self._highest, message.id)
            self._prune()
            self._commit()

    def add(self, build: Callable[[int], CapturedMessage]) -> CapturedMessage:
        """Keep the message that ``build`` makes of a fresh id, drop the oldest beyond ``keep``, and return it."""
        with self._changed:
            message = build(self._highest + 1)
            self._highest += 1
            self._place(message)
            self._touched[message.id] = message
            self._log.note("new", (message.id,))
            self._prune()
            self._commit()
            return message

    def all(self) -> tuple[CapturedMessage, ...]:
        """Return every message, accepted or not, oldest first."""
        return self.snapshot().messages

    def snapshot(self) -> Snapshot:
        """Return every message together with the number of the change that they are as new as."""
        with self._changed:
            self._settle()
            return Snapshot(tuple(self._messages.values()), self._log.sequence)

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
            self._change(message, unread, lambda before: before if tags is None else tuple(tags))
            self._commit()

    def update_all(
        self,
        matches: Matches,
        *,
        unread: bool | None = None,
        retag: Callable[[tuple[str, ...]], tuple[str, ...]] = lambda tags: tags,
    ) -> int:
        """Mark and tag every message that matches, and return how many changed by it."""
        with self._changed:
            self._settle()
            found = [message for message in self._messages.values() if matches(message)]
            changed = sum(self._change(message, unread, retag) for message in found)
            self._commit()
            return changed

    def force(self, name: int | str, state: str, number: str | None = None) -> CapturedMessage:
        """Bring a message, or one number of it, into a state now; what was planned for it is given up."""
        with self._changed:
            self._settle()
            message = self._named(name)
            if number is not None and number not in message.numbers:
                raise NotFoundError("this message was not for that number")
            planned = tuple(step for step in message.planned if number is not None and step.number != number)
            event = Event(self._clock.utc(), state, number, forced=True)
            forced = attrs.evolve(message, planned=planned, timeline=(*message.timeline, event))
            self._put(forced, "dlr")
            self._commit()
            return forced

    def delete(self, matches: Matches) -> int:
        """Delete the messages that match for good and return how many they were."""
        with self._changed:
            count = len(self._take_out(matches))
            self._deleted.empty()
            self._commit()
            return count

    def discard(self, matches: Matches) -> Deletion:
        """Delete the messages that match in a way that :meth:`restore` can undo for some seconds."""
        with self._changed:
            deleted = self._deleted.put(self._take_out(matches))
            self._commit()
            return deleted

    def restore(self, undo: str) -> int:
        """Bring back a discarded set with its ids and return how many are back. Too late is :class:`NotThere`."""
        with self._changed:
            returned = self._deleted.take(undo)
            for message in returned:
                self._place(message)
                self._touched[message.id] = message
            # Order is by id everywhere, and a dictionary keeps the order of arrival.
            self._messages = dict(sorted(self._messages.items()))
            self._log.note("restore", (message.id for message in returned))
            self._prune()
            self._commit()
            return len(returned)

    def adopt(self, messages: Iterable[CapturedMessage]) -> tuple[CapturedMessage, ...]:
        """Take in messages of another inbox under new ids; those whose msg-id is here already are left out."""
        taken = []
        with self._changed:
            for message in messages:
                if message.msg_id is not None and message.msg_id in self._by_msg_id:
                    continue
                self._highest += 1
                # What was to happen to it there belongs to another clock.
                own = attrs.evolve(message, id=self._highest, planned=())
                self._place(own)
                self._touched[own.id] = own
                self._log.note("new", (own.id,))
                taken.append(own)
            self._prune()
            self._commit()
        return tuple(taken)

    def wait(self, matches: Matches, timeout: float) -> CapturedMessage | None:
        """Return the newest message that matches, waiting real seconds for one; None if none came in time."""
        deadline = time.monotonic() + timeout
        seen = -1
        with self._changed:
            while True:
                self._settle()
                if self._log.sequence != seen:
                    seen = self._log.sequence
                    for message in reversed(self._messages.values()):
                        if matches(message):
                            return message
                left = deadline - time.monotonic()
                if left <= 0 or self._closed:
                    return None
                self._changed.wait(self._until_due(left))

    def note(self, kind: str, messages: Iterable[int] = (), **facts: Any) -> None:
        """Write a line into the journal about something that is no message."""
        with self._changed:
            self._log.note(kind, messages, facts)
            self._commit()

    def changes(self, after: int = 0, timeout: float = 0.0) -> tuple[Change, ...]:
        """Return the journal after a sequence number, waiting real seconds for the first line of it."""
        deadline = time.monotonic() + timeout
        with self._changed:
            self._settle()
            while self._log.sequence <= after and not self._closed:
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(self._until_due(left))
                self._settle()
            return self._log.since(after)

    @property
    def sequence(self) -> int:
        """The sequence number of the newest change."""
        with self._changed:
            return self._log.sequence

    @property
    def floor(self) -> int:
        """The sequence number after which no change is forgotten yet."""
        with self._changed:
            return self._log.floor

    @property
    def trouble(self) -> str | None:
        """Why the file could not be written the last time; None where all is well."""
        with self._changed:
            return self._trouble

    @property
    def stored(self) -> bool:
        """Whether it survives a restart."""
        return self._archive is not None

    @property
    def closed(self) -> bool:
        """Whether readers are being sent home."""
        with self._changed:
            return self._closed

    def open(self) -> None:
        """Let readers wait again after :meth:`close`."""
        with self._changed:
            self._closed = False
            if self._archive is not None and self._archive.closed:
                self._archive.open()
                self._load()

    def close(self) -> None:
        """Send everybody home who waits."""
        with self._changed:
            self._closed = True
            if self._archive is not None:
                self._archive.close()
            self._changed.notify_all()

    def _named(self, name: int | str) -> CapturedMessage:
        number = self._number(name)
        if number is None or number not in self._messages:
            raise NotFoundError("there is no such message")
        return self._messages[number]

    def _number(self, name: int | str) -> int | None:
        if isinstance(name, int):
            return name
        if name in self._by_msg_id:
            return self._by_msg_id[name]
        return int(name) if len(name) < 16 and name.isascii() and name.isdigit() else None

    def _place(self, message: CapturedMessage) -> None:
        """Have a message, without a word to anybody."""
        self._messages[message.id] = message
        if message.msg_id is not None:
            self._by_msg_id[message.msg_id] = message.id
        self._plan(message)

    def _plan(self, message: CapturedMessage) -> None:
        if message.planned:
            heapq.heappush(self._due, (message.planned[0].due, message.id))

    def _change(
        self,
        message: CapturedMessage,
        unread: bool | None,
        retag: Callable[[tuple[str, ...]], tuple[str, ...]],
    ) -> bool:
        changed = attrs.evolve(message, unread=message.unread if unread is None else unread, tags=retag(message.tags))
        if (changed.unread, changed.tags) == (message.unread, message.tags):
            return False
        self._put(changed, "update")
        return True

    def _put(self, message: CapturedMessage, kind: str) -> None:
        self._messages[message.id] = message
        self._touched[message.id] = message
        self._log.note(kind, (message.id,))

    def _take_out(self, matches: Matches) -> list[CapturedMessage]:
        self._settle()
        doomed = [message for message in self._messages.values() if matches(message)]
        self._remove(doomed)
        return doomed

    def _remove(self, doomed: Iterable[CapturedMessage]) -> None:
        ids = []
        for message in doomed:
            del self._messages[message.id]
            if message.msg_id is not None:
                self._by_msg_id.pop(message.msg_id, None)
            self._touched[message.id] = None
            ids.append(message.id)
        if ids:
            self._log.note("delete", ids)

    def _prune(self) -> None:
        """Forget what is too much and what is too old."""
        doomed: list[CapturedMessage] = []
        spare = len(self._messages) - self.keep
        oldest = None if self.keep_for is None else self._clock.utc().timestamp() - self.keep_for
        for message in self._messages.values():
            if len(doomed) >= spare and (oldest is None or message.at.timestamp() >= oldest):
                break
            doomed.append(message)
        self._remove(doomed)

    def _commit(self) -> None:
        """Bring the file up to date, and wake those who wait."""
        if self._archive is not None and not self._archive.closed:
            try:
                self._archive.write(self._touched, self._log.sequence, self._highest)
            except sqlite3.Error as problem:
                # The gateway goes on without its disk; what could not be written is tried again with the next change.
                if self._trouble is None:
                    _log.warning("the store %s can't be written: %s", self._archive.path, problem)
                self._trouble = str(problem)
            else:
                self._trouble = None
                self._touched.clear()
        else:
            self._touched.clear()
        self._changed.notify_all()

    def _jumped(self) -> None:
        """See what a jump of the clock brought about."""
        with self._changed:
            self._log.note("clock", facts={"time": self._clock.utc().isoformat(), "offset": self._clock.offset})
            self._settle()
            self._commit()

    def _until_due(self, most: float) -> float:
        """Return for how many real seconds nothing can happen by itself."""
        return min(most, max(0.001, self._due[0][0] - self._clock.time())) if self._due else most

    def _settle(self) -> None:
        """Let happen what is due by the virtual clock."""
        before = self._log.sequence
        now = self._clock.time()
        while self._due and self._due[0][0] <= now:
            message = self._messages.get(heapq.heappop(self._due)[1])
            due = tuple(step for step in message.planned if step.due <= now) if message else ()
            if message and due:
                happened = (Event(as_utc(step.due), step.state, step.number) for step in due)
                settled = attrs.evolve(
                    message, timeline=(*message.timeline, *happened), planned=message.planned[len(due) :]
                )
                self._put(settled, "dlr")
                self._plan(settled)
        if self.keep_for is not None:
            self._prune()
        if self._log.sequence != before:
            self._commit()
