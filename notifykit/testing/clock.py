"""The time of a test: it stands still until a send waits, or the test moves it forward."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Callable
from typing import Final

from notifykit.pipeline.clock import VirtualClock

#: Noon in Kuwait on a Thursday: no quiet hours begin or end nearby.
NOON: Final = datetime.datetime(2026, 1, 1, 9, tzinfo=datetime.UTC)


class TestClock(VirtualClock):
    """A virtual clock that a test moves forward, and that other clocks can follow. Threads may share it.

    :param start: the time of day it begins at, UTC.
    """

    # pytest does not collect it.
    __test__ = False

    def __init__(self, start: datetime.datetime = NOON) -> None:
        super().__init__(start)
        self._lock = threading.Lock()
        self._followers: list[Callable[[float], object]] = []

    def advance(self, seconds: float) -> None:
        """Move forward by some seconds, at once.

        :raises ValueError: if the number is negative.
        """
        if not seconds >= 0:
            raise ValueError(f"time goes forward by a number of seconds, not by {seconds!r}")
        with self._lock:
            super().advance(seconds)
        for follow in tuple(self._followers):
            follow(seconds)

    def sleep(self, seconds: float) -> None:
        """Move forward by some seconds, and remember them in ``sleeps``."""
        self.sleeps.append(seconds)
        self.advance(max(0.0, seconds))

    def move_to(self, moment: datetime.datetime) -> None:
        """Move forward to a moment.

        :raises ValueError: if it is in the past, or has no time zone.
        """
        if moment.tzinfo is None:
            raise ValueError("the moment has no time zone: write datetime.datetime(…, tzinfo=…)")
        self.advance((moment - self.now()).total_seconds())

    def follow(self, follower: Callable[[float], object]) -> Callable[[], None]:
        """Call a function with all seconds that pass from now on, and return what ends that."""
        self._followers.append(follower)
        return lambda: self._followers.remove(follower)
