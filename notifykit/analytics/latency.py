"""How long requests took: counts in logarithmic buckets, from which every quantile can be read within 3 %."""

from __future__ import annotations

import collections
import math
from collections.abc import Iterable
from typing import Final

import attrs

#: Buckets for each factor of e; the middle of one is within 2.5 % of all that is in it.
_FINENESS: Final = 20
_SHORTEST: Final = 0.001


@attrs.define
class Latency:
    """Times in milliseconds, by hour of the day. Each message counts with the time of its request."""

    #: How many, by hour and bucket.
    buckets: collections.Counter[tuple[int, int]] = attrs.field(factory=collections.Counter)

    def add(self, hour: int, times: Iterable[float]) -> None:
        """Note times.

        :param hour: 0 to 23, or -1 where that is not known.
        """
        for number, count in collections.Counter(map(bucket, times)).items():
            self.buckets[hour, number] += count

    def merge(self, other: Latency) -> None:
        """Add the times of another part of the log."""
        for key, count in other.buckets.items():
            self.buckets[key] += count

    def quantile(self, share: float, hour: int | None = None) -> float | None:
        """Return the time that a share of the messages needed at most, in milliseconds; None where there is none.

        :param share: 0.5 for the median.
        :param hour: an hour of the day; None for all of them.
        """
        counts: collections.Counter[int] = collections.Counter()
        for (at, number), count in self.buckets.items():
            if hour is None or at == hour:
                counts[number] += count
        wanted = share * counts.total()
        seen = 0
        for number in sorted(counts):
            seen += counts[number]
            if seen >= wanted:
                return middle(number)
        return None

    def hours(self) -> list[int]:
        """Return the hours that have times."""
        return sorted({hour for hour, _ in self.buckets if hour >= 0})


def bucket(milliseconds: float) -> int:
    """Return the number of the bucket of a time."""
    return math.floor(math.log(max(milliseconds, _SHORTEST)) * _FINENESS)


def middle(number: int) -> float:
    """Return the time in the middle of a bucket, in milliseconds."""
    return math.exp((number + 0.5) / _FINENESS)
