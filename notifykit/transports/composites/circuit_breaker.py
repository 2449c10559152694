"""Who is well enough to be asked: a circuit breaker for each part of a failover."""

from __future__ import annotations

import enum
import threading
from collections.abc import Callable, Iterable, Sequence

import attrs

from notifykit.errors import Scope
from notifykit.models.receipt import Outcome, Receipt
from notifykit.protocols import Transport


class Health(enum.StrEnum):
    """How a part is doing."""

    #: It is asked in its turn.
    CLOSED = "closed"
    #: It rests: it is asked only where nobody else is left.
    OPEN = "open"
    #: It has rested, and one batch is sent to find out whether it is well again.
    HALF_OPEN = "half-open"


@attrs.frozen
class State:
    """How one part is doing, for a person to look at."""

    #: The part, without secrets.
    transport: str
    #: How it is doing.
    health: Health
    #: Failures since it last worked.
    failures: int
    #: Seconds until it is tried again; 0 where it does not rest.
    rests: float
    #: What it said last; None where it never failed.
    last: str | None


@attrs.define(eq=False)
class _Part:
    transport: Transport
    failures: int = 0
    #: The monotonic time until which it rests; None where it does not.
    until: float | None = None
    #: Whether somebody is finding out right now.
    probing: bool = False
    last: str | None = None


class Asked(set[int]):
    """The parts that one batch has been at."""

    #: Whether one of them was asked only because all that were left rested.
    last_resort: bool = False


class Breakers:
    """The breakers of some parts. Safe to share between threads.

    A part that fails so many times in a row rests. After its rest one batch probes it; if that fails it rests again. An
    account that is refused rests at once: asking again would not change its password or its credit.

    :param parts: the transports, the preferred first.
    :param failures: how many failures in a row open a breaker.
    :param rest: seconds that a part rests.
    :param monotonic: the time, in seconds that only go forward.
    """

    def __init__(self, parts: Iterable[Transport], failures: int, rest: float, monotonic: Callable[[], float]) -> None:
        self._parts = [_Part(part) for part in parts]
        self._most = failures
        self._rest = rest
        self._monotonic = monotonic
        self._lock = threading.Lock()

    def next(self, asked: Asked) -> int | None:
        """Return the number of the part to ask now, leaving out those already asked; None where there is none left.

        Where all that are left rest, it is the one whose rest ends first; one is enough, so there is none after it.
        """
        with self._lock:
            now = self._monotonic()
            left = [(number, part) for number, part in enumerate(self._parts) if number not in asked]
            for number, part in left:
                if part.until is None:
                    return number
                if part.until <= now and not part.probing:
                    part.probing = True
                    return number
            if asked.last_resort:
                return None
            asked.last_resort = True
            return min(left, key=lambda pair: pair[1].until or now, default=(None, None))[0]

    def better(self, number: int, asked: Asked) -> bool:
        """Return whether a part rests, and another that has not been asked does not."""
        with self._lock:
            others = (part for n, part in enumerate(self._parts) if n not in asked)
            return self._parts[number].until is not None and any(part.until is None for part in others)

    def heard(self, number: int, receipts: Sequence[Receipt]) -> None:
        """Note how a part did. What was refused because of a recipient or a text says that it works."""
        tried = [receipt for receipt in receipts if receipt.attempts]
        with self._lock:
            part = self._parts[number]
            part.probing = False
            if not tried:
                return
            failures = [receipt for receipt in tried if failed(receipt)]
            if len(failures) < len(tried):
                part.failures, part.until = 0, None
                return
            error = failures[0].error
            part.failures += 1
            part.last = error.detail if error else None
            at_once = error is not None and error.scope is Scope.ACCOUNT and not error.retryable
            if at_once or part.until is not None or part.failures >= self._most:
                part.until = self._monotonic() + self._rest

    def let_go(self, number: int) -> None:
        """Note that a probe was broken off, so that somebody else may find out."""
        with self._lock:
            self._parts[number].probing = False

    @property
    def states(self) -> tuple[State, ...]:
        """How each part is doing."""
        with self._lock:
            now = self._monotonic()
            return tuple(
                State(
                    str(part.transport),
                    self._health(part, now),
                    part.failures,
                    max(0.0, (part.until or now) - now),
                    part.last,
                )
                for part in self._parts
            )

    def _health(self, part: _Part, now: float) -> Health:
        if part.until is None:
            return Health.CLOSED
        return Health.HALF_OPEN if part.until <= now or part.probing else Health.OPEN


def failed(receipt: Receipt) -> bool:
    """Return whether a part failed a recipient, so that another may do better: whose refusal is about neither person nor text."""
    if receipt.outcome is Outcome.UNKNOWN:
        return True
    return receipt.outcome is Outcome.REJECTED and receipt.error is not None and receipt.error.scope.moves_traffic
