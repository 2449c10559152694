"""Counting what a log says: messages by how they ended, and what they cost."""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterable
from typing import Any, Final

import attrs

from notifykit.cli.logbook import Entry
from notifykit.models.receipt import Outcome

#: What entries can be counted by.
KEYS: Final[dict[str, Callable[[Entry], str]]] = {
    "day": lambda entry: entry.at.astimezone().date().isoformat() if entry.at else "no date",
    "sender": lambda entry: entry.sender or "default",
    "code": lambda entry: entry.code or entry.outcome or "none",
    "country": lambda entry: entry.country or "unknown",
}


@attrs.define
class Tally:
    """Messages that are counted together. Tests are counted apart: they never count as cost."""

    #: How many ended how.
    outcomes: collections.Counter[str] = attrs.field(factory=collections.Counter)
    #: How many of them were tests.
    tests: int = 0
    #: What the others cost, in the provider's unit.
    cost: float = 0.0

    @property
    def messages(self) -> int:
        """How many there are."""
        return self.outcomes.total()

    def add(self, entry: Entry, sign: int = 1) -> None:
        """Count one entry, or take it back."""
        self.outcomes[str(entry.outcome)] += sign * entry.recipients
        self.tests += sign * entry.recipients if entry.test else 0
        if entry.cost is not None and not entry.test:
            self.cost += sign * entry.cost

    def as_document(self) -> dict[str, Any]:
        """Return it for ``--json``."""
        counts = {outcome.value: self.outcomes[outcome.value] for outcome in Outcome}
        return {"messages": self.messages, **counts, "test": self.tests, "cost": round(self.cost, 4)}


def tally(entries: Iterable[Entry], key: Callable[[Entry], str]) -> dict[str, Tally]:
    """Count entries by a key, and return the counts in order of the key.

    A try that was repeated is not counted: what became of it is told by a later try.
    """
    found: dict[str, Tally] = collections.defaultdict(Tally)
    open_tries: dict[tuple[str | None, int | None], list[tuple[str, Entry]]] = {}
    for entry in entries:
        if entry.event == "retry_scheduled":
            for name, counted in open_tries.pop((entry.batch, entry.attempt), ()):
                found[name].add(counted, -1)
        elif entry.event == "send_finished":
            open_tries = {place: tries for place, tries in open_tries.items() if tries[0][1].id != entry.id}
        elif entry.outcome is not None:
            name = key(entry)
            found[name].add(entry)
            if entry.outcome == Outcome.REJECTED and entry.batch:
                open_tries.setdefault((entry.batch, entry.attempt), []).append((name, entry))
    return {name: found[name] for name in sorted(found) if found[name].messages}
