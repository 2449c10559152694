"""Counts of messages, and tables of them that never grow beyond a bound."""

from __future__ import annotations

import collections
from typing import Any, Final

import attrs

OUTCOMES: Final = ("accepted", "rejected", "unknown", "skipped")
#: The name of what a full table has no row for.
REST: Final = "(others)"


@attrs.define
class Counts:
    """How messages ended. Tests are counted apart and never cost anything."""

    #: Messages that were sent to people, by outcome.
    live: collections.Counter[str] = attrs.field(factory=collections.Counter)
    #: Tests, by outcome.
    tests: collections.Counter[str] = attrs.field(factory=collections.Counter)
    #: What the live ones cost, in the provider's unit.
    cost: float = 0.0
    #: Segments of the live ones that were accepted.
    segments: int = 0

    @property
    def messages(self) -> int:
        """How many there are, tests among them."""
        return self.live.total() + self.tests.total()

    def add(self, outcome: str, count: int, cost: float, segments: int, *, test: bool) -> None:
        """Count messages that ended alike."""
        if test:
            self.tests[outcome] += count
            return
        self.live[outcome] += count
        self.cost += cost
        if outcome == "accepted":
            self.segments += count * segments

    def merge(self, other: Counts) -> None:
        """Add the counts of another part of the log."""
        for mine, theirs in ((self.live, other.live), (self.tests, other.tests)):
            for name, count in theirs.items():
                mine[name] += count
        self.cost += other.cost
        self.segments += other.segments

    def as_document(self) -> dict[str, Any]:
        """Return them for ``--json``: all messages by outcome, and how many of them were tests."""
        both = {name: self.live[name] + self.tests[name] for name in OUTCOMES}
        return {"messages": self.messages, **both, "test": self.tests.total(), "cost": round(self.cost, 4)}


@attrs.define
class Table:
    """Counts by a name, in bounded memory: a name that comes when the table is full is counted among the others."""

    #: So many names are kept.
    bound: int = 2000
    #: The counts.
    rows: dict[str, Counts] = attrs.field(factory=dict)
    #: Whether the bound was reached.
    full: bool = False

    def at(self, name: str) -> Counts:
        """Return the counts of a name."""
        found = self.rows.get(name)
        if found is None:
            if len(self.rows) >= self.bound:
                self.full = True
                return self.rows.setdefault(REST, Counts())
            found = self.rows[name] = Counts()
        return found

    def merge(self, other: Table) -> None:
        """Add the rows of another part of the log."""
        self.full |= other.full
        for name, counts in other.rows.items():
            self.at(name).merge(counts)

    def sorted(self) -> dict[str, Counts]:
        """Return the rows that are not empty, in the order of their names."""
        return {name: self.rows[name] for name in sorted(self.rows) if self.rows[name].messages}
