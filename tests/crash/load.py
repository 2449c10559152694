"""What a run sends: campaigns, small jobs, and one-time codes that are waited for meanwhile."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

import attrs

from notifykit import Notifier
from notifykit.protocols.engine import Job
from tests.crash.gateway import Gateway

#: Recipients in one request of this gateway.
_BATCH: Final = 200
#: Seconds between two one-time codes.
_CODES: Final = 1.5


@attrs.define
class Load:
    """Everything that was submitted.

    :param notifier: submits, and sends nothing itself.
    :param gateway: where it arrives.
    :param seed: makes the same jobs again.
    """

    notifier: Notifier
    gateway: Gateway
    seed: int
    #: The jobs, in the order they were submitted.
    jobs: list[Job] = attrs.field(factory=list)
    #: Every address that was submitted.
    addresses: list[str] = attrs.field(factory=list)
    #: When each one-time code was submitted, in monotonic seconds, by its address.
    codes: dict[str, float] = attrs.field(factory=dict)
    #: Requests that were asked for.
    requests: int = 0
    #: What went wrong while submitting.
    failures: list[str] = attrs.field(factory=list)
    _numbers: Iterator[int] = attrs.field(factory=lambda: itertools.count(1))
    _guard: threading.Lock = attrs.field(factory=threading.Lock)

    def campaign(self, recipients: int) -> Job:
        """Submit a job of so many recipients, behind everything that is urgent."""
        numbers = [f"9655{next(self._numbers):07d}" for _ in range(recipients)]
        return self._submit(numbers, f"Campaign {len(self.jobs)}", -(-recipients // _BATCH), urgent=False)

    def code(self) -> Job:
        """Submit a one-time code."""
        number = f"9656{next(self._numbers):07d}"
        self.codes[number] = time.monotonic()
        return self._submit([number], "Your code is 493027", 1, urgent=True)

    def mixed(self, requests: int) -> None:
        """Submit campaigns and small jobs that make about so many requests."""
        dice = random.Random(self.seed + self.requests)
        target = self.requests + requests
        while self.requests < target:
            left = target - self.requests
            wanted = min(left, dice.choice((1, 1, 1, 2, 5, 10)))
            self.campaign(dice.randint(1, 4) if wanted == 1 else _BATCH * wanted - dice.randint(0, _BATCH - 1))

    def kept_up(self, until: threading.Event, waiting: int) -> list[threading.Thread]:
        """Keep so many requests waiting and send a code now and then, in the background, until an event."""
        threads = [
            threading.Thread(target=self._feed, args=(until, waiting), daemon=True),
            threading.Thread(target=self._send_codes, args=(until,), daemon=True),
        ]
        for thread in threads:
            thread.start()
        return threads

    def wait(self, seconds: float) -> float | None:
        """Wait until every job is over; return the seconds that took, or None where they were not enough."""
        began = time.monotonic()
        waiting = list(self.jobs)
        while waiting and time.monotonic() - began < seconds:
            waiting = [job for job in waiting if _over(job) is not True]
            time.sleep(0.25)
        return None if waiting else time.monotonic() - began

    def code_times(self) -> list[float]:
        """Return the seconds from submitting each one-time code to its arrival."""
        arrived = {number: arrival.at for arrival in reversed(self.gateway.arrivals()) for number in arrival.numbers}
        return sorted(arrived[number] - began for number, began in self.codes.items() if number in arrived)

    def _submit(self, numbers: list[str], text: str, requests: int, *, urgent: bool) -> Job:
        job = self.notifier.submit(numbers, text, urgent=urgent)
        with self._guard:
            self.jobs.append(job)
            self.addresses += numbers
            self.requests += requests
        return job

    def _feed(self, until: threading.Event, wanted: int) -> None:
        while not until.wait(1.0):
            if self.requests - self.gateway.count() < wanted:
                self._guarded(lambda: self.mixed(-(-wanted // 2)))

    def _send_codes(self, until: threading.Event) -> None:
        while not until.wait(_CODES):
            self._guarded(self.code)

    def _guarded(self, work: Callable[[], object]) -> None:
        try:
            work()
        except Exception as error:
            self.failures.append(f"{type(error).__name__}: {error}")


def _over(job: Job) -> bool:
    try:
        return job.progress().finished is not None
    except Exception:  # the database may be on its way back
        return False
