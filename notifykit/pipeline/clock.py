"""The clock of the machine, and a virtual one for tests."""

from __future__ import annotations

import datetime
import functools
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from notifykit.protocols import Clock

# What freezes the time in tests replaces time.monotonic, and not this.
_monotonic: Callable[[], float] = (
    functools.partial(time.clock_gettime, time.CLOCK_MONOTONIC) if hasattr(time, "CLOCK_MONOTONIC") else time.monotonic
)


class SystemClock:
    """The machine's own clock."""

    #: Every process of the machine reads the same monotonic time.
    shared = True

    def monotonic(self) -> float:
        """Return seconds since the machine started, also where a test froze the time: who waits must get on."""
        return _monotonic()

    def now(self) -> datetime.datetime:
        """Return the time of day, UTC."""
        return datetime.datetime.now(datetime.UTC)

    def sleep(self, seconds: float) -> None:
        """Sleep for that many seconds."""
        time.sleep(seconds)


class PlannedClock:
    """The clock of a plan for a later moment: what guards would say then.

    :param clock: the clock for everything but the time of day.
    :param at: the moment, with a zone.
    """

    def __init__(self, clock: Clock, at: datetime.datetime) -> None:
        self._at = at.astimezone(datetime.UTC)
        self.shared, self.monotonic, self.sleep = clock.shared, clock.monotonic, clock.sleep

    def now(self) -> datetime.datetime:
        """Return the moment, UTC."""
        return self._at


class VirtualClock:
    """A clock for tests: time passes only by sleeping, and then at once.

    :param start: the time of day it begins at, UTC.
    """

    #: No other process has this time.
    shared = False

    def __init__(self, start: datetime.datetime | None = None) -> None:
        self._start = start or datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
        self._passed = 0.0
        #: Every sleep that was asked for, in seconds, in order.
        self.sleeps: list[float] = []

    def monotonic(self) -> float:
        """Return the seconds that have passed."""
        return self._passed

    def now(self) -> datetime.datetime:
        """Return the time of day, UTC."""
        return self._start + datetime.timedelta(seconds=self._passed)

    def sleep(self, seconds: float) -> None:
        """Let time pass without waiting for it."""
        self.sleeps.append(seconds)
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Let time pass without a sleep."""
        self._passed += max(0.0, seconds)
