"""What was deleted a moment ago, so that it can be brought back."""

from __future__ import annotations

import collections
import secrets
import time
from collections.abc import Iterable
from typing import Final

import attrs

from notifykit_kwtsms.sandbox.inbox.captured import CapturedMessage
from notifykit_kwtsms.sandbox.problems import NotThere

#: Real seconds that a deleted set can be restored.
SECONDS: Final = 30.0
#: Sets that are held at most.
SETS: Final = 20


@attrs.frozen
class Deleted:
    """A set of messages that was deleted at once."""

    #: How many they were.
    count: int
    #: What brings them back; None where there was nothing to delete.
    undo: str | None = attrs.field(repr=False)


class Trash:
    """Deleted sets, each for some seconds. It has no lock of its own: its owner's is held whenever it is touched."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._sets: collections.OrderedDict[str, tuple[float, tuple[CapturedMessage, ...]]] = collections.OrderedDict()

    def put(self, messages: Iterable[CapturedMessage]) -> Deleted:
        """Take a set and return what brings it back."""
        kept = tuple(messages)
        self.sweep()
        if not kept:
            return Deleted(0, None)
        name = secrets.token_hex(8)
        self._sets[name] = (time.monotonic() + self._seconds, kept)
        while len(self._sets) > SETS:
            self._sets.popitem(last=False)
        return Deleted(len(kept), name)

    def take(self, name: str) -> tuple[CapturedMessage, ...]:
        """Return a set and forget it; one that is too old or was never there is :class:`NotThere`."""
        self.sweep()
        if name not in self._sets:
            raise NotThere("there is nothing to restore by that name any more")
        return self._sets.pop(name)[1]

    def sweep(self) -> None:
        """Forget what is too old."""
        now = time.monotonic()
        for name in [name for name, (until, _) in self._sets.items() if until <= now]:
            del self._sets[name]

    def empty(self) -> None:
        """Forget everything."""
        self._sets.clear()
