"""Loaded by the interpreter of every worker of a run: its log goes to standard error, and its clock may be wrong."""

from __future__ import annotations

import logging
import os
import random
import time

logging.getLogger("notifykit").addHandler(logging.StreamHandler())


class _WrongClock:
    """A time of day that jumps by up to an hour, either way, every few seconds.

    :param seed: makes the same jumps again in a process of the same id.
    """

    def __init__(self, seed: str) -> None:
        self._right = time.time
        self._seed = seed
        self._begin()
        os.register_at_fork(after_in_child=self._begin)

    def _begin(self) -> None:
        self._dice = random.Random(f"{self._seed}-{os.getpid()}")
        self._until = 0.0
        self._shift = 0.0

    def time(self) -> float:
        """Return seconds since 1970, more or less."""
        if time.monotonic() > self._until:
            self._until = time.monotonic() + self._dice.uniform(1.0, 5.0)
            self._shift = self._dice.choice((-3600.0, 0.0, 3600.0, self._dice.uniform(-3600.0, 3600.0)))
        return self._right() + self._shift


if "CRASH_CLOCK_SEED" in os.environ:
    time.time = _WrongClock(os.environ["CRASH_CLOCK_SEED"]).time
if "CRASH_RATE" in os.environ:
    from notifykit_kwtsms import settings

    setattr(settings, "_MOST_PER_SECOND", float(os.environ["CRASH_RATE"]))  # noqa: B010 - a constant everywhere else
