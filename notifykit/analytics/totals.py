"""Everything that is counted of a log, in one pass and in constant memory. Totals of parts add up to those of the whole."""

from __future__ import annotations

import collections
import datetime
import functools
from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs

from notifykit.analytics.balance import Balance
from notifykit.analytics.counts import Table
from notifykit.analytics.facts import Fact, Other, read_fact
from notifykit.analytics.latency import Latency
from notifykit.analytics.people import People

#: What messages can be counted by.
DIMENSIONS: Final = ("day", "code", "sender", "tag", "country", "encoding", "hour", "transport")
#: Counted for the report besides.
_MORE: Final = ("heat", "segments", "forced")
#: Facts that are alike are counted together until there are so many kinds of them.
_MOST_CELLS: Final = 4000
NO_DATE: Final = "no date"
#: Where a time as a text is cut to name its hour or its minute: minutes are needed where a zone is off by half an hour.
_HOUR: Final = 13
_MINUTE: Final = 16
_ZERO: Final = datetime.timedelta(0)

#: A local day, and the hour and weekday of it; -1 without a date.
_Slot = tuple[str, int, int]


@attrs.define(slots=False)
class Totals:
    """What a log says in numbers.

    :param zone: the zone of days and hours; None for this machine's.
    :param since: rows before this moment are left out.
    """

    #: The zone of days and hours.
    zone: datetime.tzinfo | None = None
    #: Rows before it are left out, and those without a time.
    since: datetime.datetime | None = None
    #: Counts by each dimension.
    tables: dict[str, Table] = attrs.field(
        factory=lambda: {name: Table(10_000 if name == "day" else 2000) for name in (*DIMENSIONS, *_MORE)}
    )
    #: The balance by the hour.
    balance: Balance = attrs.field(factory=Balance)
    #: How long requests took.
    latency: Latency = attrs.field(factory=Latency)
    #: Who was sent how much.
    people: People = attrs.field(factory=People)
    #: What each code means, in the words of the log, and what it is about.
    errors: dict[str, tuple[str, str]] = attrs.field(factory=dict)
    #: The points that each name of a character costs, and the messages that it is in.
    lost: collections.Counter[str] = attrs.field(factory=collections.Counter)
    #: Messages by the state of their delivery.
    delivery: collections.Counter[str] = attrs.field(factory=collections.Counter)
    #: Steps of one-time codes.
    codes: collections.Counter[str] = attrs.field(factory=collections.Counter)
    #: Tries that were repeated.
    retries: int = 0
    #: Rows, those that are left out among them.
    rows: int = 0
    #: JSON objects that are no row of a log that is known.
    foreign: int = 0
    #: The first and the last time, UTC, without the sign of the zone.
    span: tuple[str, str] | None = None
    _cells: dict[tuple[Any, ...], list[float]] = attrs.field(factory=dict)
    _slots: dict[str, _Slot] = attrs.field(factory=dict)
    #: So many characters of a time say in which hour it is.
    _cut: int = _HOUR

    def add(self, row: Mapping[str, Any]) -> None:
        """Count one row, whatever it is."""
        self.rows += 1
        try:
            fact = read_fact(row)
            if fact is True:
                return
            if fact is False:
                self.foreign += 1
                return
            ts, slot = fact.ts, None
            if ts.__class__ is str and (ts[-1:] == "Z" or ts[-6:] == "+00:00"):
                slot = self._slots.get(ts[: self._cut])
            if slot is not None:
                ts = _without_zone(ts)
            else:
                ts, slot = self._slot(ts)
            if self.since is not None and (not ts or ts[:19] < self._since):
                return
            if isinstance(fact, Fact):
                self._count(fact, ts, slot)
            else:
                self._note(fact, ts)
        except (TypeError, ValueError, KeyError, AttributeError):
            # A value of a kind that no row of ours has.
            self.foreign += 1

    @functools.cached_property
    def _since(self) -> str:
        assert self.since is not None
        return self.since.astimezone(datetime.UTC).isoformat()[:19]

    def _count(self, fact: Fact, ts: str, slot: _Slot) -> None:
        key = (slot, fact.outcome, fact.test, fact.by)
        cell = self._cells.get(key)
        if cell is None:
            if len(self._cells) >= _MOST_CELLS:
                self._flush()
            cell = self._cells[key] = [0, 0.0]
        sign = fact.sign
        cell[0] += sign * fact.numbers
        cell[1] += fact.cost
        self.retries += sign < 0
        if ts and (fact.balance is not None or fact.cost):
            account = str(fact.by[1]).split("?", 1)[0]
            self.balance.add(account, ts, fact.balance, fact.cost)
        if fact.outcome == "unknown" and ts and not fact.test:
            self.balance.add(str(fact.by[1]).split("?", 1)[0], ts, None, 0.0, fact.numbers)
        if fact.elapsed_ms is not None:
            self.latency.add(slot[1], fact.elapsed_ms, fact.numbers)
        if not fact.test and fact.outcome != "rejected":
            for who, shown in fact.people:
                self.people.add(who, shown, sign)
        if fact.error is not None:
            code = str(fact.by[0] or fact.outcome)
            known = self.errors.get(code)
            if (known is None and len(self.errors) < 500) or (known is not None and fact.error < known):
                self.errors[code] = fact.error
        self._stretch(ts)

    def _note(self, other: Other, ts: str) -> None:
        if other.kind == "balance":
            self.balance.add(other.name, ts, other.amount)
        elif other.kind == "code":
            self.codes[other.name] += 1
        else:
            self.delivery[other.name] += 1
            if other.before is not None:
                self.delivery[other.before] -= 1
        self._stretch(ts)

    def _stretch(self, ts: str) -> None:
        if ts:
            span = self.span
            if span is None:
                self.span = (ts, ts)
            elif ts > span[1]:
                self.span = (span[0], ts)
            elif ts < span[0]:
                self.span = (ts, span[1])

    def _slot(self, ts: Any) -> tuple[str, _Slot]:
        """Return a time in UTC, in a form that can be compared as a text, and its day and hour; "" where it is none."""
        try:
            at = datetime.datetime.fromisoformat(ts)
            at = at.replace(tzinfo=datetime.UTC) if at.tzinfo is None else at.astimezone(datetime.UTC)
            local = at.astimezone(self.zone)
        except (TypeError, ValueError, OverflowError):
            return "", (NO_DATE, -1, -1)
        if (local.utcoffset() or _ZERO).seconds % 3600 and self._cut == _HOUR:
            self._cut = _MINUTE
            self._slots.clear()
        if len(self._slots) >= _MOST_CELLS:
            self._slots.clear()
        utc = at.isoformat(timespec="milliseconds")[:-6]
        if ts[:_HOUR] == utc[:_HOUR] and (ts[-1:] == "Z" or ts[-6:] == "+00:00"):
            utc = _without_zone(ts)
        slot = self._slots[utc[: self._cut]] = (local.date().isoformat(), local.hour, local.weekday())
        return utc, slot

    def _flush(self) -> None:
        """Put the cells into the tables."""
        tables = self.tables
        for (slot, outcome, test, by), (amount, cost) in self._cells.items():
            count = int(amount)
            day, hour, weekday = slot
            code, transport, sender, tags, country, encoding, segments, forced, lost = by
            size = segments if isinstance(segments, int) else 0
            names: list[tuple[str, str]] = [
                ("day", day),
                ("code", str(code or outcome)),
                ("sender", str(sender or "default")),
                ("country", str(country or "unknown")),
                ("encoding", str(encoding or "unknown")),
                ("hour", f"{hour:02}" if hour >= 0 else NO_DATE),
                ("transport", str(transport or "none")),
                ("segments", f"{encoding or 'unknown'} {size}"),
                ("heat", f"{weekday} {hour:02}"),
                *(("tag", str(tag)) for tag in tags or ("none",)),
                *(("forced", str(name)) for name in forced),
            ]
            for table, name in names:
                tables[table].at(name).add(outcome, count, cost, size, test=test)
            if lost and not test and outcome == "accepted":
                for name in forced:
                    if str(name) in self.lost or len(self.lost) < 2000:
                        self.lost[str(name)] += lost * count
        self._cells.clear()

    def done(self) -> Totals:
        """Finish counting and return itself; more may be added afterwards."""
        self._flush()
        return self

    def merge(self, other: Totals) -> Totals:
        """Add the totals of another part of the log, in whatever order, and return itself."""
        self._flush()
        other.done()
        for name, table in other.tables.items():
            self.tables[name].merge(table)
        self.balance.merge(other.balance)
        self.latency.merge(other.latency)
        self.people.merge(other.people)
        for code, error in other.errors.items():
            self.errors[code] = min(error, self.errors.get(code, error))
        for mine, theirs in (
            (self.lost, other.lost),
            (self.delivery, other.delivery),
            (self.codes, other.codes),
        ):
            for key, count in theirs.items():
                mine[key] += count
        self.retries += other.retries
        self.rows += other.rows
        self.foreign += other.foreign
        for ts in other.span or ():
            self._stretch(ts)
        return self

    @property
    def bounds(self) -> list[str]:
        """What was counted together because there was too much of it, in words."""
        full = [name for name, table in self.tables.items() if table.full]
        words = [f"more different values of {name} than are kept: the rest is counted as (others)" for name in full]
        if self.people.full:
            words.append(
                "more recipients than are kept: those with one message were left out of the list of who got most"
            )
        if self.balance.full:
            words.append("more hours than are kept: the oldest balances were left out")
        return words


def read_totals(
    rows: Iterable[Mapping[str, Any]], zone: datetime.tzinfo | None = None, since: datetime.datetime | None = None
) -> Totals:
    """Count the rows of a log.

    :param rows: the rows, as JSON has them; :class:`~notifykit.analytics.files.LogFiles` yields them.
    :param zone: the zone of days and hours; None for this machine's.
    :param since: rows before it are left out.
    """
    totals = Totals(zone, since)
    add = totals.add
    for row in rows:
        add(row)
    return totals.done()


def _without_zone(ts: str) -> str:
    """Return a time in UTC without the sign of its zone, so that two of them can be compared as texts."""
    return ts[:-1] if ts[-1] == "Z" else ts[:-6]
