"""The gateway of a run: a sandbox that answers late, and remembers every request with its time."""

from __future__ import annotations

import collections
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Final, Self

import attrs

from notifykit_kwtsms.sandbox import Delay, Rules, Sandbox

#: Requests in any second that the real gateway answers with a block.
MOST_IN_A_SECOND: Final = 5
#: Messages that are remembered: all of them.
_KEEP: Final = 1_000_000


@attrs.frozen
class Arrival:
    """One request that the gateway accepted."""

    #: When, in monotonic seconds, which all processes of a machine share.
    at: float
    #: Whom it was for.
    numbers: tuple[str, ...] = attrs.field(repr=lambda numbers: f"{len(numbers)} numbers")


class Gateway:
    """A sandbox in this process, asked by workers over its socket, in live mode.

    :param rate: requests a second that the workers are reported to make.
    :param slowest: seconds; each answer is late by up to so many.
    :param seed: makes the delays fall the same way again.
    """

    def __init__(self, rate: float, slowest: float, seed: int) -> None:
        # The limit is counted from the record of arrivals, and not kept: a block would hide what came after it.
        self._sandbox = Sandbox(rules=Rules(rate_limit=None, same_number_gap=0), seed=seed, keep=_KEEP)
        self._rate = rate
        self._slowest = slowest
        self._seed = seed

    def __enter__(self) -> Self:
        self._sandbox.start()
        self._sandbox.account.change(balance=100_000_000)
        self.delay(0.0, self._slowest)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._sandbox.stop()

    @property
    def dsn(self) -> str:
        """How a worker reaches it."""
        return self._sandbox.dsn.replace("test=1", "test=0") + f"&rate={self._rate:g}"

    def delay(self, least: float, most: float) -> None:
        """Have every answer come late: the request is accepted, and the sender does not know yet."""
        self._sandbox.calm()
        self._slow(least, most)

    def _slow(self, least: float, most: float) -> None:
        late = Delay("uniform", least, max(least, most))
        self._sandbox.chaos("slow", endpoint="send", times=None, seed=self._seed, delay=late)

    def fail(self, kinds: Sequence[tuple[str, str | None]], share: float) -> None:
        """Have a share of the requests fail, each kind as often as the others: its name, and when it happens."""
        self._sandbox.calm()
        for number, (kind, after) in enumerate(kinds):
            more = {"after": after} if after else {}
            self._sandbox.chaos(
                kind, endpoint="send", times=None, seed=self._seed + number, probability=share / len(kinds), **more
            )
        self._slow(0.0, self._slowest)  # the last: only the first fault that fires counts

    def failed(self) -> int:
        """Return how many requests had another fault than to be late."""
        return sum(bool(record.fault) and not str(record.fault).startswith("slow") for record in self._sandbox.requests)

    def texts(self) -> Mapping[str, Sequence[str]]:
        """Return the texts that were accepted for each number."""
        found: dict[str, list[str]] = {}
        for message in self._sandbox.messages:
            for number in message.numbers:
                found.setdefault(number, []).append(message.text)
        return found

    def arrivals(self) -> list[Arrival]:
        """Return every accepted request, in the order they came."""
        accepted = {message.msg_id: message.numbers for message in self._sandbox.messages}
        return [
            Arrival(record.started, accepted[record.msg_id])
            for record in self._sandbox.requests
            if record.msg_id in accepted
        ]

    def starts(self) -> list[float]:
        """Return when each request came, accepted or not, in monotonic seconds."""
        return [record.started for record in self._sandbox.requests]

    def count(self) -> int:
        """Return how many requests came so far."""
        return len(self._sandbox.requests)

    def answered(self) -> int:
        """Return how many requests were answered so far, read by a worker or not."""
        return sum(record.status is not None for record in self._sandbox.requests)

    def wait_for(self, requests: int, seconds: float) -> None:
        """Wait until so many requests came.

        :raises TimeoutError: where they did not.
        """
        ends = time.monotonic() + seconds
        while self.count() < requests:
            if time.monotonic() > ends:
                raise TimeoutError(f"{self.count()} of {requests} requests came within {seconds:g} s")
            time.sleep(0.05)


def most_in_a_second(starts: Sequence[float]) -> int:
    """Return the largest number of requests in any second, wherever it begins."""
    window: collections.deque[float] = collections.deque()
    most = 0
    for start in sorted(starts):
        window.append(start)
        while start - window[0] >= 1.0:
            window.popleft()
        most = max(most, len(window))
    return most
