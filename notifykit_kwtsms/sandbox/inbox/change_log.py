"""The journal of a sandbox: every change with a number that only grows, the newest of them kept to be read again."""

from __future__ import annotations

import collections
import itertools
from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs

#: Changes that are kept; who was away longer reads everything again.
KEPT: Final = 10_000


@attrs.frozen
class Change:
    """One line of the journal, for whoever shows the inbox live."""

    #: Counts up from 1, without a gap.
    sequence: int
    #: ``new``, ``update``, ``dlr``, ``delete`` or ``restore`` of messages; ``fault``, ``account``, ``chaos``, ``clock``,
    #: ``reset`` of the gateway.
    kind: str
    #: The messages it is about.
    messages: tuple[int, ...] = ()
    #: What there is to say besides.
    facts: Mapping[str, Any] = attrs.field(factory=dict, repr=False)

    @property
    def message(self) -> int:
        """The one message it is about; 0 if it is about none."""
        return self.messages[0] if self.messages else 0


class ChangeLog:
    """Changes in order. It has no lock of its own: its owner's is held whenever it is touched."""

    def __init__(self, sequence: int = 0, kept: int = KEPT) -> None:
        self._sequence = sequence
        self._changes: collections.deque[Change] = collections.deque(maxlen=kept)

    @property
    def sequence(self) -> int:
        """The number of the newest change."""
        return self._sequence

    @property
    def floor(self) -> int:
        """The number after which every change is still here."""
        return self._sequence - len(self._changes)

    def note(self, kind: str, messages: Iterable[int] = (), facts: Mapping[str, Any] | None = None) -> Change:
        """Write a line."""
        self._sequence += 1
        change = Change(self._sequence, kind, tuple(messages), facts or {})
        self._changes.append(change)
        return change

    def since(self, sequence: int) -> tuple[Change, ...]:
        """Return the changes after a number, as far as they are here."""
        wanted = min(max(self._sequence - sequence, 0), len(self._changes))
        # From the end, so that asking costs what is new and not what is kept.
        newest = list(itertools.islice(reversed(self._changes), wanted))
        return tuple(reversed(newest))
