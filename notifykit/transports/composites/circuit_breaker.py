"""A circuit breaker for each part of a failover."""

from __future__ import annotations

import collections
import enum
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import attrs

from notifykit.errors import Scope
from notifykit.models.receipt import Outcome, Receipt
from notifykit.protocols import OpenedCircuit, Transport

#: So many circuits that opened are kept for whoever takes them.
_MOST_OPENED: Final = 100


class Health(enum.StrEnum):
    """The state of the circuit breaker of a part."""

    #: The part is asked in its turn.
    CLOSED = "closed"
    #: The part rests: it is asked only if all others have been asked.
    OPEN = "open"
    #: The part has rested, and one batch probes it.
    HALF_OPEN = "half-open"


@attrs.frozen
class State:
    """The state of one part, for a person to look at."""

    #: The part, without secrets.
    transport: str
    #: The state of its circuit breaker.
    health: Health
    #: Failures since its last success.
    failures: int
    #: Seconds until it is probed; 0 if it does not rest.
    rests: float
    #: The detail of its last error; None if it never failed.
    last: str | None


@attrs.define(eq=False)
class _Part:
    transport: Transport
    failures: int = 0
    #: The monotonic time until which it rests; None if it does not.
    until: float | None = None
    #: Whether a batch probes it right now.
    probing: bool = False
    last: str | None = None

    def state(self, now: float) -> State:
        health = Health.CLOSED
        if self.until is not None:
            health = Health.HALF_OPEN if self.until <= now or self.probing else Health.OPEN
        rests = max(0.0, (self.until or now) - now)
        return State(str(self.transport), health, self.failures, rests, self.last)


class Asked(set[int]):
    """The numbers of the parts that one batch has been sent to."""

    #: Whether one of them was asked although it rested, because no other was left.
    last_resort: bool = False


class CircuitBreakers:
    """The circuit breakers of the parts of a failover. Safe to share between threads.

    A part that fails so many times in a row rests. After its rest one batch probes it; if that fails it rests again. An
    account that is refused rests at once: another try would not change its password or its credit.

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
        #: Bounded: outside of a pipeline nobody takes them.
        self._opened: collections.deque[OpenedCircuit] = collections.deque(maxlen=_MOST_OPENED)

    def next(self, asked: Asked) -> int | None:
        """Return the number of the part to ask now, or None if there is none.

        If all remaining parts rest, it is the one whose rest ends first, and there is none after it.
        """
        with self._lock:
            now = self._monotonic()
            remaining = [(number, part) for number, part in enumerate(self._parts) if number not in asked]
            for number, part in remaining:
                if part.until is None:
                    return number
                if part.until <= now and not part.probing:
                    part.probing = True
                    return number
            if asked.last_resort:
                return None
            asked.last_resort = True
            return min(remaining, key=lambda pair: pair[1].until or now, default=(None, None))[0]

    def should_leave(self, number: int, asked: Asked) -> bool:
        """Return whether a part rests while one that has not been asked does not."""
        with self._lock:
            others = (part for n, part in enumerate(self._parts) if n not in asked)
            return self._parts[number].until is not None and any(part.until is None for part in others)

    def record(self, number: int, receipts: Sequence[Receipt]) -> None:
        """Record what a part did. A refusal because of a recipient or a text counts as a success."""
        tried = [receipt for receipt in receipts if receipt.attempts]
        with self._lock:
            part = self._parts[number]
            part.probing = False
            if not tried:
                return
            failures = [receipt for receipt in tried if is_transport_failure(receipt)]
            if len(failures) < len(tried):
                part.failures, part.until = 0, None
                return
            error = failures[0].error
            part.failures += 1
            part.last = error.detail if error else None
            at_once = error is not None and error.scope is Scope.ACCOUNT and not error.retryable
            if at_once or part.until is not None or part.failures >= self._most:
                part.until = self._monotonic() + self._rest
                self._opened.append(OpenedCircuit(part.transport, part.failures, self._rest, error))

    def take_opened(self) -> Sequence[OpenedCircuit]:
        """Return the circuits that opened since the last call, each once."""
        if not self._opened:
            return ()
        with self._lock:
            opened = tuple(self._opened)
            self._opened.clear()
            return opened

    def cancel_probe(self, number: int) -> None:
        """Record that a probe was broken off, so that another batch may probe."""
        with self._lock:
            self._parts[number].probing = False

    @property
    def states(self) -> tuple[State, ...]:
        """The state of each part."""
        with self._lock:
            now = self._monotonic()
            return tuple(part.state(now) for part in self._parts)


def is_transport_failure(receipt: Receipt) -> bool:
    """Return whether a part failed, so that another may do better: the error is not about the recipient or the text."""
    if receipt.outcome is Outcome.UNKNOWN:
        return True
    return receipt.outcome is Outcome.REJECTED and receipt.error is not None and receipt.error.scope.allows_failover
