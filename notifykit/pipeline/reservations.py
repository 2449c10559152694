"""What the guards of one send have written in their counter store, until it is known what was sent."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Sequence
from typing import Final

from notifykit.counters import CounterStore, CounterStoreUnavailable, Reservation
from notifykit.models.receipt import Outcome, Receipt
from notifykit.protocols import Clock

_log = logging.getLogger("notifykit.guards")

#: Seconds for which a counter store that could not be used is not asked again: each question may take one.
_PATIENCE: Final = 5.0


class GuardCounters:
    """The counter store as guards see it while they look at one envelope: what they write is noted.

    :param store: the counter store.
    :param fuse: keeps a counter store that could not be used from being asked again and again.
    """

    def __init__(self, store: CounterStore, breaker: StoreBreaker) -> None:
        self._store = store
        self._breaker = breaker
        #: What was written.
        self.entries: list[Reservation] = []

    def reserve(self, key: str, amount: float, most: float, window: float) -> float:
        """Write an amount down under a key, or return the seconds until there may be room for it.

        :raises ValueError: where the window is no length of time, or the amount no number of zero or more.
        :raises CounterStoreUnavailable: where the counter store can't be used.
        """
        if not 0 < window < math.inf:
            raise ValueError("a window is a number of seconds above zero")
        if not 0 <= amount < math.inf:
            raise ValueError("an amount is a number of zero or more")
        self._breaker.check()
        try:
            entered = self._store.reserve(key, amount, most, window)
        except CounterStoreUnavailable as error:
            self._breaker.trip(error)
            raise
        if isinstance(entered, Reservation):
            self.entries.append(entered)
            return 0.0
        return entered


class StoreBreaker:
    """Remembers for a moment that the counter store can't be used, so that a long list does not wait for it each time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failure: CounterStoreUnavailable | None = None
        self._until = 0.0

    def trip(self, failure: CounterStoreUnavailable) -> None:
        """Note that the counter store could not be used."""
        self._failure = failure
        self._until = self._clock.monotonic() + _PATIENCE

    def check(self) -> None:
        """Raise what the counter store raised a moment ago.

        :raises CounterStoreUnavailable: where it did.
        """
        if self._failure and self._clock.monotonic() < self._until:
            raise self._failure.with_traceback(None)


class Reservations:
    """What one send has written down; what is certainly not sent is taken out again.

    :param store: the counter store.
    :param clock: the time.
    """

    def __init__(self, store: CounterStore, clock: Clock) -> None:
        self._store = store
        self._breaker = StoreBreaker(clock)
        self._open: dict[int, tuple[Reservation, ...]] = {}
        self._begun: dict[int, tuple[Reservation, ...]] = {}
        self._told: set[tuple[str, type[BaseException]]] = set()

    def page(self) -> GuardCounters:
        """Return the counter store for one envelope."""
        return GuardCounters(self._store, self._breaker)

    def keep(self, position: int, page: GuardCounters) -> None:
        """Keep what was written for a recipient until its receipt is there."""
        if page.entries:
            self._open[position] = tuple(page.entries)

    def drop(self, page: GuardCounters) -> None:
        """Take out what was written for somebody who will not be sent to."""
        self._release(page.entries)

    def settle(self, receipts: Iterable[Receipt]) -> None:
        """Hear how recipients ended: what was certainly not sent does not count. Never raises."""
        for receipt in receipts if self._open or self._begun else ():
            entries = self._begun.pop(receipt.position, None) or self._open.pop(receipt.position, ())
            if receipt.outcome in (Outcome.REJECTED, Outcome.SKIPPED):
                self._release(entries)

    def begin(self, positions: Iterable[int]) -> None:
        """Hear that these recipients may be sent to from now on: they count until a receipt says otherwise."""
        if self._open:
            for position in positions:
                entries = self._open.pop(position, None)
                if entries is not None:
                    self._begun[position] = entries

    def abandon(self) -> None:
        """Take out what was written for whoever may not have been sent to: none of it will be sent."""
        for entries in self._open.values():
            self._release(entries)
        self._open.clear()

    def first(self, name: str, error: BaseException) -> bool:
        """Return whether a guard fails in this way for the first time in this send: nobody reads it a thousand times."""
        seen = (name, type(error)) in self._told
        self._told.add((name, type(error)))
        return not seen

    def _release(self, entries: Sequence[Reservation]) -> None:
        if not entries:
            return
        try:
            self._store.release(entries)
        except CounterStoreUnavailable as error:
            _log.warning("what was not sent goes on counting: %s %s", error.detail, error.action)
