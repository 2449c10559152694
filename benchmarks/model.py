"""What a benchmark says: rows of a table."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from typing import Any


class DisagreementError(AssertionError):
    """Two sides did not do the same work, so comparing what it cost says nothing."""


@dataclasses.dataclass(frozen=True)
class Goal:
    """The number to reach."""

    #: ``<=``, ``<`` or ``>=``.
    sign: str
    #: The number.
    number: float
    #: What stands behind it, `` ms`` or `` ×``.
    unit: str = " ×"

    def met(self, value: float) -> bool:
        """Whether a value reaches it."""
        return {"<=": value <= self.number, "<": value < self.number, ">=": value >= self.number}[self.sign]

    def __str__(self) -> str:
        return f"{self.sign.replace('<=', '≤').replace('>=', '≥')} {self.number:g}{self.unit}"


@dataclasses.dataclass(frozen=True)
class Value:
    """What was measured, over several rounds: the median, and the quartiles on both sides of it."""

    #: The median.
    median: float
    #: The lower quartile.
    low: float
    #: The upper quartile.
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Value:
        """Summarise what several rounds gave."""
        if len(values) == 1:
            return cls.exactly(values[0])
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high)

    @classmethod
    def exactly(cls, value: float) -> Value:
        """Return a value that does not spread, a count."""
        return cls(value, value, value)

    @classmethod
    def ratio(cls, over: Sequence[float], under: Sequence[float]) -> Value:
        """Return the ratio of two sides, round by round."""
        return cls.of([first / second for first, second in zip(over, under, strict=True)])


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the table."""

    #: ``P1`` to ``P12``.
    benchmark: str
    #: What was done.
    what: str
    #: What it cost us, with its unit.
    ours: str
    #: What it cost the other side, with its unit; empty where there is none.
    peer: str
    #: The best that throw-away code reached, in the measure of the ratio: measured in this run, or as documented.
    limit: str
    #: What the goal is about.
    value: Value
    #: The goal; None where the row is there to be read.
    goal: Goal | None
    #: What was counted: ``instructions``, ``CPU``, ``time``, ``memory`` or ``count``.
    counted: str
    #: What a reader of the row should know.
    note: str = ""
    #: What stands behind the value where there is no goal that says it.
    unit: str = " ×"

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None where there is none."""
        return None if self.goal is None else self.goal.met(self.value.median)

    @property
    def spread(self) -> str:
        """The value with its quartiles, as text."""
        value = self.value
        unit = self.goal.unit if self.goal else self.unit
        if value.low == value.high:
            return f"{short(value.median)}{unit}"
        return f"{short(value.median)}{unit} ({short(value.low)} to {short(value.high)})"

    def cells(self) -> tuple[str, ...]:
        """Return the columns of the table."""
        reached = {True: "met", False: "not met", None: "–"}[self.met]
        return (
            self.benchmark,
            self.what,
            self.ours,
            self.peer or "–",
            self.limit or "–",
            self.spread,
            str(self.goal) if self.goal else "–",
            reached,
        )

    def as_json(self) -> dict[str, object]:
        """Return everything as plain values."""
        return {
            **dataclasses.asdict(self),
            "goal": None if self.goal is None else {**dataclasses.asdict(self.goal), "text": str(self.goal)},
            "met": self.met,
            "spread": self.spread,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Row:
        """Return the row that :meth:`as_json` wrote."""
        goal, value = document["goal"], document["value"]
        return cls(
            **{
                field.name: document[field.name]
                for field in dataclasses.fields(cls)
                if field.name not in ("goal", "value")
            },
            value=Value(**value),
            goal=goal and Goal(goal["sign"], goal["number"], goal["unit"]),
        )


#: The head of the table.
HEAD = ("", "What", "Ours", "Peer", "Limit", "Ratio or value (quartiles)", "Goal", "")


def short(number: float) -> str:
    """Write a number with as many places as mean something."""
    if number == 0 or number >= 100:
        return f"{number:.0f}"
    return f"{number:.1f}" if number >= 10 else f"{number:.3f}" if 0.9 < number < 1.1 or number < 1 else f"{number:.2f}"


def seconds(number: float) -> str:
    """Write a time."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if number >= size:
            return f"{short(number / size)} {unit}"
    return f"{short(number / 1e-9)} ns"


def count(number: float) -> str:
    """Write how many instructions."""
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{short(number / size)} {unit}"
    return short(number)


def same(what: str, *evidence: object) -> None:
    """Insist that both sides did the same work.

    :raises DisagreementError: with what each side says, shortened.
    """
    if any(each != evidence[0] for each in evidence):
        said = " / ".join(f"{each!r:.200}" for each in evidence)
        raise DisagreementError(f"{what}: the sides did not do the same work: {said}")
