"""What is counted: facts about messages, and steps of deliveries and one-time codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import attrs

#: A number above this is damage and no cost, balance or time.
MOST: Final = 1e12
NUMBERS: Final = (int, float)


@attrs.frozen(eq=False)
class Kind:
    """What facts have in common. Two that say the same are counted apart, and their counts are added up later."""

    #: 1; -1 takes back a message that is tried again.
    sign: int
    #: ``accepted``, ``rejected``, ``unknown`` or ``skipped``.
    outcome: str
    #: Whether it was a test.
    test: bool
    #: The provider's code.
    code: str | None
    #: What the error is about, where the row says so.
    scope: str | None
    #: What happened, in words.
    error: str | None
    #: The transport.
    transport: str | None
    #: The sender's name.
    sender: str | None
    #: Its tags.
    tags: tuple[Any, ...]
    #: The country.
    country: str | None
    #: The encoding.
    encoding: str | None
    #: How many segments the text has.
    segments: int | None
    #: What forced Unicode.
    forced: tuple[Any, ...]
    #: The segments that Unicode costs.
    lost: int

    #: Whether a person was sent something, or may have been.
    live: bool = attrs.field(init=False)

    @live.default
    def _is_live(self) -> bool:
        return not self.test and self.outcome in ("accepted", "unknown")

    @property
    def about(self) -> str:
        """What an error is about: a scope, ``?`` and the code where the row has none, or ``none``."""
        if self.outcome in ("accepted", "skipped"):
            return "none"
        return str(self.scope or (f"?{self.code}" if self.code else "recipient"))


class Fact(NamedTuple):
    """How one message ended, or one request for several."""

    #: What it has in common with others.
    kind: Kind
    #: The time, as the row has it.
    ts: str
    #: How many recipients.
    numbers: int
    #: What it cost, in the provider's unit.
    cost: float
    #: The balance afterwards.
    balance: float | None
    #: How long the request took, in milliseconds.
    elapsed_ms: float | None
    #: Who: the hash or the number, each with what may be shown.
    people: Sequence[tuple[str, str]]
    #: The provider's id of the request.
    message_id: str | None


class Other(NamedTuple):
    """A step of a delivery or of a one-time code, or a balance that was asked for."""

    #: The time, as the row has it.
    ts: str
    #: ``delivery``, ``code`` or ``balance``.
    kind: str
    #: What is counted up; a delivery's state, a step of a code.
    name: str
    #: What is counted down: the state before.
    before: str | None = None
    #: The balance.
    amount: float = 0.0
    #: The provider's id of a request, or the country of a one-time code.
    about: str = ""
    #: When the provider says that it happened.
    happened: str | None = None


def amount(value: Any) -> float | None:
    """Return a number that may be added up; None for everything else, infinity and NaN among it."""
    if value.__class__ is str:
        try:
            value = float(value)
        except ValueError:
            return None
    return value if value.__class__ in NUMBERS and 0 <= value < MOST else None


def segments_lost(segments: int | None, units: int | None) -> int:
    """Return how many segments fewer a text would need without Unicode."""
    return max(0, segments - (1 if units <= 160 else -(-units // 153))) if segments and units else 0
