"""The changes of a sandbox: each has a number that only grows, and the newest are kept to be read again."""

from __future__ import annotations

import collections
import itertools
from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs

#: Changes that are kept; a reader that missed more reads everything again.
KEPT: Final = 10_000


@attrs.frozen(eq=False)
class Change:
    """One change, for whatever shows the inbox live."""

    #: Counts up from 1, without a gap.
    sequence: int
    #: ``new``, ``update``, ``dlr``, ``delete`` or ``restore`` of messages; ``fault``, ``account``, ``chaos``, ``clock``,
    #: ``reset`` of the gateway.
    kind: str
    #: The messages it is about.
    messages: tuple[int, ...] = ()
    #: More about it.
    facts: Mapping[str, Any] = attrs.field(factory=dict, repr=False)

    @property
    def message(self) -> int:
        """The one message it is about; 0 if it is about none."""
        return self.messages[0] if self.messages else 0


class ChangeLog:
    """Changes in order. It has no lock of its own: the store's is held when it is used."""

    def __init__(self, sequence: int = 0, kept: int = KEPT) -> None:
        #: The number of the newest change.
        self.sequence = sequence
        self._changes: collections.deque[Change] = collections.deque(maxlen=kept)

    @property
    def floor(self) -> int:
        """The number after which every change is still here."""
        return self.sequence - len(self._changes)

    def append(self, kind: str, messages: Iterable[int] = (), facts: Mapping[str, Any] | None = None) -> None:
        """Log a change."""
        self.sequence += 1
        self._changes.append(Change(self.sequence, kind, tuple(messages), facts or {}))

    def since(self, sequence: int) -> tuple[Change, ...]:
        """Return the changes after a number, as far as they are here."""
        wanted = min(max(self.sequence - sequence, 0), len(self._changes))
        # From the end, so that asking costs what is new and not what is kept.
        return tuple(reversed(list(itertools.islice(reversed(self._changes), wanted))))
