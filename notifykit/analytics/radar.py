"""Where suddenly many messages go: each hour of a destination against the hours of the same destination before and after.

Somebody who pumps messages through a form makes them go to numbers that pay him: a country or a network that had few
messages has many, and few of the codes are typed.
"""

from __future__ import annotations

import collections
import datetime
import statistics
from typing import Final

import attrs

#: Hours of destinations that are kept.
_MOST_HOURS: Final = 50_000
#: So far from the median, in median absolute deviations, an hour is remarkable.
DEVIATIONS: Final = 5
#: With fewer messages an hour is never remarkable.
LEAST: Final = 20


@attrs.frozen
class Destination:
    """What one destination was sent, by the hour."""

    #: Country and first digits: ``KW 965``.
    name: str
    #: The country, where it is known.
    country: str
    #: All messages.
    messages: int
    #: Messages of each hour that has some, UTC: ``2026-06-01T09``.
    hours: dict[str, int]
    #: The median of all hours of the log.
    median: float
    #: Above it an hour is remarkable.
    limit: float
    #: The hours that are remarkable, those with most messages first.
    alarms: list[str]


@attrs.define
class Radar:
    """Live messages by destination and hour, in bounded memory."""

    #: By destination and hour, UTC.
    counts: collections.Counter[tuple[str, str]] = attrs.field(factory=collections.Counter)
    #: Whether the oldest hours were left out.
    full: bool = False

    def add(self, country: str | None, prefix: str, hour: str, count: int) -> None:
        """Note messages.

        :param prefix: the first digits of the number; what is no digit is left out.
        :param hour: ``2026-06-01T09``, UTC.
        """
        name = " ".join(filter(None, (str(country or ""), prefix if prefix.isdigit() else "")))
        if name and hour:
            self._add((name, hour), count)

    def _add(self, key: tuple[str, str], count: int) -> None:
        if key not in self.counts and len(self.counts) >= _MOST_HOURS:
            self.full = True
            for old in sorted(self.counts, key=lambda key: key[1])[: _MOST_HOURS // 4]:
                del self.counts[old]
        self.counts[key] += count

    def merge(self, other: Radar) -> None:
        """Add the counts of another part of the log."""
        self.full |= other.full
        for key, count in other.counts.items():
            self._add(key, count)

    def destinations(self, span: tuple[str, str] | None) -> list[Destination]:
        """Return all destinations, those with the most remarkable hour first.

        :param span: the first and the last time of the log, UTC.
        """
        found: dict[str, dict[str, int]] = {}
        for (name, hour), count in sorted(self.counts.items()):
            if count > 0:
                found.setdefault(name, {})[hour] = count
        if not found or span is None:
            return []
        whole = _hours(span[0][:13], span[1][:13])
        named = [_destination(name, hours, whole) for name, hours in found.items()]
        return sorted(named, key=lambda one: (-_excess(one), -one.messages, one.name))


def _destination(name: str, hours: dict[str, int], whole: int) -> Destination:
    # Hours without a message count: a destination that never had one before has a median of 0.
    counts = [*hours.values(), *[0] * (whole - len(hours))]
    median = statistics.median(counts)
    deviation = max(1.0, statistics.median(abs(count - median) for count in counts))
    limit = max(float(LEAST), median + DEVIATIONS * deviation)
    alarms = sorted((hour for hour, count in hours.items() if count > limit), key=lambda hour: (-hours[hour], hour))
    country = name.split(" ", 1)[0]
    return Destination(
        name, "" if country.isdigit() else country, sum(hours.values()), hours, median, round(limit, 1), alarms
    )


def _excess(one: Destination) -> float:
    return one.hours[one.alarms[0]] / one.limit if one.alarms else 0.0


def _hours(first: str, last: str) -> int:
    start, end = (datetime.datetime.fromisoformat(f"{hour}:00") for hour in (first, last))
    return round((end - start).total_seconds() / 3600) + 1
