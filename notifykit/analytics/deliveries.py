"""How long deliveries took: from the moment a request was accepted until its delivery was reported."""

from __future__ import annotations

import collections
import datetime
from collections.abc import Mapping
from typing import Final

import attrs

from notifykit.analytics.latency import bucket, middle

#: Requests whose reports are waited for; each is about 300 bytes.
_MOST_REQUESTS: Final = 50_000
#: States after which there is another report.
_SENT: Final = "sent"
_DELIVERED: Final = "delivered"
_FAILED: Final = ("undelivered", "expired")


@attrs.frozen
class Curve:
    """Which share of the messages was delivered after how long."""

    #: Seconds and the share that was delivered until then, from 0 to 1.
    points: list[tuple[float, float]]
    #: Messages that are known to be delivered, and when.
    delivered: int
    #: Messages that are known to have failed.
    failed: int
    #: Messages that were sent on and have no final report.
    waiting: int

    def quantile(self, share: float) -> float | None:
        """Return the seconds after which a share of the messages was delivered; None where it never was."""
        return next((seconds for seconds, reached in self.points if reached >= share), None)


@attrs.define
class Deliveries:
    """Times of deliveries, in bounded memory. A report is matched by the provider's id of the request."""

    #: When each request was accepted, UTC, by the provider's id.
    accepted: dict[str, str] = attrs.field(factory=dict)
    #: When messages were delivered whose request is not known yet.
    early: dict[str, list[str]] = attrs.field(factory=dict)
    #: Messages of a request that were sent on and have no final report yet.
    waiting: collections.Counter[str] = attrs.field(factory=collections.Counter)
    #: Messages by the bucket of their time.
    times: collections.Counter[int] = attrs.field(factory=collections.Counter)
    #: Messages that failed.
    failed: int = 0
    #: Whether requests were left out.
    full: bool = False

    def accept(self, requests: Mapping[str, str]) -> None:
        """Note when requests were accepted, UTC, by the provider's id of each."""
        known = {
            request: min(requests[request], self.accepted[request])
            for request in requests.keys() & self.accepted.keys()
        }
        self.accepted.update(requests)
        self.accepted.update(known)
        for request in requests.keys() & self.early.keys():
            for ended in self.early.pop(request):
                self._time(self.accepted[request], ended)
        if len(self.accepted) > _MOST_REQUESTS:
            self.full = True
            _shorten(self.accepted, _MOST_REQUESTS // 2)

    def report(self, request: str, before: str | None, state: str, ts: str) -> None:
        """Note what a report says about one message of a request."""
        for name, step in ((before, -1), (state, 1)):
            if name == _SENT:
                self._wait(request, step)
            elif name in _FAILED:
                self.failed += step
        if state != _DELIVERED:
            return
        accepted = self.accepted.get(request)
        if accepted is not None:
            self._time(accepted, ts)
            return
        if len(self.early) >= _MOST_REQUESTS:
            self.full = True
            _shorten(self.early, _MOST_REQUESTS // 2)
        self.early.setdefault(request, []).append(ts)

    def _wait(self, request: str, step: int) -> None:
        self.waiting[request] += step
        if not self.waiting[request]:
            del self.waiting[request]
        elif len(self.waiting) > _MOST_REQUESTS:
            self.full = True
            _shorten(self.waiting, _MOST_REQUESTS // 2)

    def _time(self, accepted: str, ended: str) -> None:
        self.times[bucket(1000 * _seconds(accepted, ended))] += 1

    def merge(self, other: Deliveries) -> None:
        """Add what another part of the log says."""
        self.full |= other.full
        self.failed += other.failed
        for number, count in other.times.items():
            self.times[number] += count
        # Reports first: accepting more may leave out the requests that they belong to.
        for request, ends in other.early.items():
            for ended in ends:
                self.report(request, None, _DELIVERED, ended)
        self.accept(other.accepted)
        for request, step in other.waiting.items():
            self._wait(request, step)

    def curve(self, until: str) -> Curve | None:
        """Return how the share of delivered messages grew, by the estimate of Kaplan and Meier.

        Messages that failed are never delivered. What has no final report yet counts for as long as it is known.

        :param until: the end of the log, UTC.
        """
        delivered = self.times.total()
        if delivered <= 0:
            return None
        left: collections.Counter[int] = collections.Counter()
        for request, count in self.waiting.items():
            if count > 0 and request in self.accepted:
                left[bucket(1000 * _seconds(self.accepted[request], until))] += count
        waiting, failed = left.total(), max(0, self.failed)
        at_risk, share, points = delivered + failed + waiting, 1.0, []
        for number in sorted({*self.times, *left}):
            if self.times[number]:
                share *= 1 - self.times[number] / at_risk
                points.append((middle(number) / 1000, 1 - share))
            at_risk -= self.times[number] + left[number]
        return Curve(points, delivered, failed, waiting)


def _seconds(start: str, end: str) -> float:
    """Return the seconds between two times in UTC; providers' clocks may be behind, so none is negative."""
    begun, ended = datetime.datetime.fromisoformat(start), datetime.datetime.fromisoformat(end)
    return max(0.0, (ended - begun).total_seconds())


def _shorten(table: dict[str, str] | dict[str, list[str]] | collections.Counter[str], kept: int) -> None:
    """Leave out the oldest."""
    for request in list(table)[: len(table) - kept]:
        del table[request]
