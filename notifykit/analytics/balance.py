"""The balance hour by hour, what changed it besides our own messages, and how long it lasts."""

from __future__ import annotations

import datetime
import statistics
from collections.abc import Iterator, Mapping
from typing import Final

import attrs

#: Hours that are kept: more than four years of one account.
_MOST_HOURS: Final = 40_000
#: Changes below this come from the order in which concurrent requests are logged, or from rounding.
_LEAST: Final = 0.5
#: Days that a forecast looks back on.
FORECAST_DAYS: Final = 14


@attrs.define
class _Hour:
    """One hour of one account."""

    #: The time of the last row with a balance.
    last: str = ""
    #: The balance that it has.
    balance: float | None = None
    #: What our messages cost in this hour, tests too: the gateway holds their points.
    cost: float = 0.0
    #: Messages of which nobody knows whether they were charged.
    unknown: int = 0


@attrs.frozen
class BalanceStep:
    """What the balance was at the end of an hour, and what changed it."""

    #: The account: the transport's name.
    account: str
    #: The hour, UTC: ``2026-06-01T09``.
    hour: str
    #: The balance at its end.
    balance: float
    #: What our own messages cost since the step before.
    cost: float
    #: Points that were added: a refill, or tests that were deleted from the queue.
    refill: float
    #: Points that are gone and were not charged for messages of this log: somebody else spends on this account.
    foreign: float
    #: Whether messages with an unknown outcome may explain them.
    uncertain: bool


@attrs.frozen
class Forecast:
    """How long the balance lasts."""

    #: The balance now.
    balance: float
    #: Points a day: the median of the last days, and the quarter and three quarters of them.
    daily: float
    #: A quarter of the days needed no more than this.
    low: float
    #: A quarter of the days needed at least this.
    high: float
    #: How many days were looked at.
    days: int

    def lasts(self, daily: float) -> float | None:
        """Return the days that the balance lasts at so many points a day; None for ever."""
        return self.balance / daily if daily > 0 else None


@attrs.define
class Balance:
    """The balance of each account by the hour."""

    #: By account and hour.
    hours: dict[tuple[str, str], _Hour] = attrs.field(factory=dict)
    #: Whether the oldest hours were left out.
    full: bool = False

    def add(self, account: str, ts: str, balance: float | None, cost: float = 0.0, unknown: int = 0) -> None:
        """Note what one row says.

        :param ts: its time, UTC.
        """
        hour = self._at(account, ts[:13])
        hour.cost += cost
        hour.unknown += unknown
        # Of two rows of one moment the lower balance came later.
        if balance is not None and (hour.balance is None or (ts, -balance) >= (hour.last, -hour.balance)):
            hour.last, hour.balance = ts, balance

    def _at(self, account: str, name: str) -> _Hour:
        found = self.hours.get((account, name))
        if found is None:
            if len(self.hours) >= _MOST_HOURS:
                self.full = True
                for old in sorted(self.hours, key=lambda key: key[1])[: _MOST_HOURS // 4]:
                    del self.hours[old]
            found = self.hours[account, name] = _Hour()
        return found

    def merge(self, other: Balance) -> None:
        """Add what another part of the log says."""
        self.full |= other.full
        for (account, name), hour in other.hours.items():
            self.add(account, hour.last or name, hour.balance, hour.cost, hour.unknown)

    def steps(self) -> Iterator[BalanceStep]:
        """Yield the steps of each account, oldest first."""
        for account in sorted({account for account, _ in self.hours}):
            yield from self._steps(account)

    def _steps(self, account: str) -> Iterator[BalanceStep]:
        before: float | None = None
        cost, unknown = 0.0, 0
        for _, name in sorted(key for key in self.hours if key[0] == account):
            hour = self.hours[account, name]
            cost += hour.cost
            unknown += hour.unknown
            if hour.balance is None:
                continue
            gap = 0.0 if before is None else hour.balance - before + cost
            refill, foreign = max(0.0, gap), max(0.0, -gap)
            yield BalanceStep(
                account,
                name,
                hour.balance,
                round(cost, 4),
                round(refill, 4) if refill >= _LEAST else 0.0,
                round(foreign, 4) if foreign >= _LEAST else 0.0,
                bool(unknown),
            )
            before, cost, unknown = hour.balance, 0.0, 0


def forecast(balance: float, costs: Mapping[str, float], days: int = FORECAST_DAYS) -> Forecast | None:
    """Return how long a balance lasts, by the costs of the last days before the newest, which may not be over.

    :param costs: points by day, ``2026-06-01``; a day that is missing cost nothing.
    """
    if not costs:
        return None
    last = datetime.date.fromisoformat(max(costs))
    first = datetime.date.fromisoformat(min(costs))
    window = [last - datetime.timedelta(days=back) for back in range(1, days + 1)]
    spent = [costs.get(day.isoformat(), 0.0) for day in window if day >= first] or [costs[max(costs)]]
    low, _, high = statistics.quantiles(spent, n=4, method="inclusive") if len(spent) > 1 else [spent[0]] * 3
    return Forecast(balance, statistics.median(spent), low, high, len(spent))
