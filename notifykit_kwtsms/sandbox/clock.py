"""A clock that tests can push forward: real time plus an offset."""

from __future__ import annotations

import datetime
import threading
import time
from collections.abc import Callable


class Clock:
    """Virtual UTC time. It runs as fast as real time and :meth:`advance` jumps ahead.

    Everything that a test would otherwise sleep for reads this clock: the 15 seconds between two sends to one number,
    the length of an IP block, delivery, the expiry of a fault. Only requests a second are counted in real time.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Monotonic underneath, so that an adjusted system clock can't run the sandbox backwards.
        self._base = time.time() - time.monotonic()
        self._offset = 0.0
        self._watchers: tuple[Callable[[], None], ...] = ()

    @property
    def offset(self) -> float:
        """Seconds that this clock is ahead of real time."""
        with self._lock:
            return self._offset

    def time(self) -> float:
        """Return the virtual time in seconds since 1970, UTC."""
        return self._base + time.monotonic() + self.offset

    def utc(self) -> datetime.datetime:
        """Return the virtual time as an aware UTC datetime."""
        return as_utc(self.time())

    def advance(self, seconds: float) -> None:
        """Jump ahead by so many seconds; only :meth:`reset` goes back."""
        if not 0 <= seconds < float("inf"):
            raise ValueError(f"a clock goes forward by a finite number of seconds, not by {seconds!r}")
        with self._lock:
            self._offset += seconds
        self._notify()

    def reset(self) -> None:
        """Return to real time."""
        with self._lock:
            self._offset = 0.0
        self._notify()

    def watch(self, jumped: Callable[[], None]) -> None:
        """Call a function after each jump."""
        with self._lock:
            self._watchers += (jumped,)

    def _notify(self) -> None:
        # Without the lock: the functions ask for the time.
        for jumped in self._watchers:
            jumped()


def as_utc(seconds: float) -> datetime.datetime:
    """Return seconds since 1970 as an aware UTC datetime."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
