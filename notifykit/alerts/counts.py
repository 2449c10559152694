"""What alerts count, over all processes that share a state folder."""

from __future__ import annotations

import datetime
import logging
import math
from collections.abc import Callable
from typing import Final, TypeVar

import attrs

from notifykit.counters import (
    CounterStore,
    CounterStoreUnavailable,
    MemoryCounterStore,
    Reservation,
    bucket_of,
    open_counter_store,
)
from notifykit.protocols import Clock

_Result = TypeVar("_Result")

_log = logging.getLogger("notifykit.alerts")
#: Parts of a window that the store counts in.
_BUCKETS: Final = 60


@attrs.frozen
class Count:
    """How many there were, and since when."""

    #: How many.
    amount: float
    #: When the first of them was, UTC, to a sixtieth of the window.
    since: datetime.datetime
    #: The seconds that were looked back over.
    window: float
    #: Whether there may have been others before the window.
    longer: bool = False


class Counts:
    """Counts under keys in the counter store of the guards; in memory where that can't be used.

    :param clock: the time.
    :param state_dir: the folder of the store; None for the user's own.
    """

    def __init__(self, clock: Clock, state_dir: str | None) -> None:
        self._clock = clock
        self._store = open_counter_store(clock, state_dir)
        self._memory = MemoryCounterStore(clock)
        self._said = False

    def add(self, key: str, amount: float, window: float) -> Count:
        """Count an amount, and return what there was in the last ``window`` seconds."""

        def add(store: CounterStore) -> Count:
            store.reserve(key, amount, math.inf, window)
            now = self._clock.now()
            rows = [row for row in store.rows(key, window) if row.last + window > now.timestamp()]
            total = sum(row.amount for row in rows)
            first = min((row.bucket for row in rows), default=bucket_of(now.timestamp(), window))
            begun = now.timestamp() if total <= amount else first * window / _BUCKETS
            longer = begun <= now.timestamp() - window * (1 - 2 / _BUCKETS)
            return Count(total, datetime.datetime.fromtimestamp(begun, datetime.UTC), window, longer)

        return self._use(add)

    def once(self, key: str, window: float) -> Reservation | None:
        """Return a reservation for the one who may do something now; None where it was done in the last ``window`` seconds."""
        found = self._use(lambda store: store.reserve(key, 1, 1, window))
        return found if isinstance(found, Reservation) else None

    def release(self, reservation: Reservation) -> None:
        """Let it be done again: it failed."""
        self._use(lambda store: store.release([reservation]))

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    def _use(self, ask: Callable[[CounterStore], _Result]) -> _Result:
        try:
            return ask(self._store)
        except CounterStoreUnavailable as error:
            if not self._said:
                self._said = True
                _log.warning("alerts are counted in this process alone: %s %s", error.detail, error.action)
            return ask(self._memory)
