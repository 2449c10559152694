"""Everything that is counted of a log, in one pass and in constant memory. Totals of parts add up to those of the whole."""

from __future__ import annotations

import collections
import datetime
import functools
import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import attrs

from notifykit.analytics.balance import Balance
from notifykit.analytics.counts import Counts, Table
from notifykit.analytics.deliveries import Deliveries
from notifykit.analytics.facts import FactReader
from notifykit.analytics.latency import Latency
from notifykit.analytics.people import People
from notifykit.analytics.radar import Radar
from notifykit.analytics.records import Fact, Kind, Other

#: What messages can be counted by.
DIMENSIONS: Final = ("day", "code", "sender", "tag", "country", "encoding", "hour", "transport")
#: Counted for the report besides.
_MORE: Final = ("heat", "segments", "forced", "scope")
#: Facts that are alike are counted together until there are so many kinds of them.
_MOST_CELLS: Final = 4000
#: Or until there are so many facts.
_MOST_FACTS: Final = 20_000
#: Steps of one-time codes by country.
_MOST_COUNTRIES: Final = 2000
NO_DATE: Final = "no date"
#: Where a time as a text is cut to name its hour or its minute: minutes are needed where a zone is off by half an hour.
_HOUR: Final = 13
_MINUTE: Final = 16
_ZERO: Final = datetime.timedelta(0)

#: A local day, and the hour and weekday of it; -1 without a date.
_Slot = tuple[str, int, int]


class _Cell:
    """Facts of one hour that are alike."""

    __slots__ = ("facts", "hour", "kind", "slot")

    def __init__(self, hour: str, slot: _Slot, kind: Kind) -> None:
        self.hour = hour
        self.slot = slot
        self.kind = kind
        self.facts: list[Fact] = []


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
        factory=lambda: {name: Table(10_000 if name in ("day", "scope") else 2000) for name in (*DIMENSIONS, *_MORE)}
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
    #: One-time codes by country and step: ``sent`` and ``verified``.
    countries: collections.Counter[tuple[str, str]] = attrs.field(factory=collections.Counter)
    #: Where how many messages went in each hour.
    radar: Radar = attrs.field(factory=Radar)
    #: How long deliveries took.
    deliveries: Deliveries = attrs.field(factory=Deliveries)
    #: Tries that were repeated.
    retries: int = 0
    #: Rows, those that are left out among them.
    rows: int = 0
    #: JSON objects that are no row of a log that is known.
    foreign: int = 0
    #: The first and the last time, UTC, without the sign of the zone.
    span: tuple[str, str] | None = None
    _reader: FactReader = attrs.field(factory=FactReader)
    _cells: dict[tuple[str, Kind], _Cell] = attrs.field(factory=dict, repr=False)
    #: Facts that may come until they are put into the tables.
    _room: int = _MOST_FACTS
    _slots: dict[str, _Slot] = attrs.field(factory=dict)
    #: So many characters of a time say in which hour it is.
    _cut: int = _HOUR

    def add(self, row: Mapping[str, Any]) -> None:
        """Count one row, whatever it is."""
        self.rows += 1
        try:
            fact = self._reader.read(row)
            if fact is True:
                return
            if fact is False:
                self.foreign += 1
                return
            ts, slot = fact.ts, None
            if ts.__class__ is str and ts[-1:] == "Z":
                slot = self._slots.get(ts[: self._cut])
            if slot is None:
                ts, slot = self._slot(ts)
                fact = fact._replace(ts=ts)
            if self.since is not None and (not ts or ts[:19] < self._since):
                return
            if isinstance(fact, Fact):
                kind = fact.kind
                key = (ts[: self._cut], kind)
                cell = self._cells.get(key)
                if cell is None or self._room <= 0:
                    cell = self._new_cell(key, slot)
                self._room -= 1
                cell.facts.append(fact)
            else:
                self._note(fact)
        except (TypeError, ValueError, KeyError, AttributeError):
            # A value of a kind that no row of ours has.
            self.foreign += 1

    @functools.cached_property
    def _since(self) -> str:
        assert self.since is not None
        return self.since.astimezone(datetime.UTC).isoformat()[:19]

    def _new_cell(self, key: tuple[str, Kind], slot: _Slot) -> _Cell:
        if self._room <= 0 or len(self._cells) >= _MOST_CELLS:
            self._flush()
        cell = self._cells[key] = _Cell(key[0], slot, key[1])
        return cell

    def _note(self, other: Other) -> None:
        ts = other.ts
        if other.kind == "balance":
            self.balance.add(other.name, ts[:-1], other.amount)
        elif other.kind == "code":
            self.codes[other.name] += 1
            if len(self.countries) < _MOST_COUNTRIES or (other.about, other.name) in self.countries:
                self.countries[other.about, other.name] += 1
        else:
            self.delivery[other.name] += 1
            if other.before is not None:
                self.delivery[other.before] -= 1
            if ts and other.about:
                ended = self._slot(other.happened)[0] if other.happened else ts
                self.deliveries.report(other.about, other.before, other.name, ended or ts)
        self._stretch(ts[:-1])

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
        """Return a time in UTC, with a ``Z`` at its end, and its day and hour; "" where it is none."""
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
        utc = f"{at.isoformat(timespec='milliseconds')[:-6]}Z"
        if ts[-1:] == "Z" and ts[:_HOUR] == utc[:_HOUR]:
            utc = ts
        slot = self._slots[utc[: self._cut]] = (local.date().isoformat(), local.hour, local.weekday())
        return utc, slot

    def _flush(self) -> None:
        """Put the cells into the tables."""
        for cell in self._cells.values():
            try:
                self._put(cell)
            except (TypeError, ValueError, AttributeError):
                self.foreign += len(cell.facts)
        self._cells.clear()
        self._room = _MOST_FACTS

    def _put(self, cell: _Cell) -> None:
        kind = cell.kind
        _, times, numbers, costs, balances, elapsed, people, requests = zip(*cell.facts, strict=True)
        recipients = sum(numbers)
        count, cost = kind.sign * recipients, sum(costs)
        size = kind.segments if isinstance(kind.segments, int) else 0
        for table, name in _names(cell, size):
            self.tables[table].at(name).add(kind.outcome, count, cost, size, test=kind.test)
        if kind.lost and not kind.test and kind.outcome == "accepted":
            for name in map(str, kind.forced):
                if name in self.lost or len(self.lost) < 2000:
                    self.lost[name] += kind.lost * count
        self._explain(kind)
        self.latency.add(cell.slot[1], [time for time in elapsed if time is not None])
        self.retries += recipients if kind.sign < 0 else 0
        if kind.live:
            self._put_people(cell, list(itertools.chain.from_iterable(people)))
        if not cell.hour:
            return
        moments = [ts[:-1] for ts in times]
        self._stretch(min(moments))
        self._stretch(max(moments))
        if kind.live and kind.outcome == "accepted":
            self.deliveries.accept({str(request): ts for request, ts in zip(requests, times, strict=True) if request})
        known = [(ts, -balance) for ts, balance in zip(moments, balances, strict=True) if balance is not None]
        self._put_balance(cell, known, cost, recipients if kind.outcome == "unknown" and not kind.test else 0)

    def _put_balance(self, cell: _Cell, known: list[tuple[str, float]], cost: float, unknown: int) -> None:
        if known or cost or unknown:
            # Of two rows of one moment the lower balance came later.
            last, balance = max(known, default=(cell.hour, None))
            account = str(cell.kind.transport).split("?", 1)[0]
            self.balance.add(account, last, None if balance is None else -balance, cost, unknown)

    def _put_people(self, cell: _Cell, people: list[tuple[str, str]]) -> None:
        kind = cell.kind
        for (who, shown), number in collections.Counter(people).items():
            self.people.add(who, shown, kind.sign * number)
        for prefix, number in collections.Counter([shown[:3] for _, shown in people]).items():
            self.radar.add(kind.country, prefix, cell.hour[:_HOUR], kind.sign * number)

    def _explain(self, kind: Kind) -> None:
        """Note what a code means."""
        if kind.error is None:
            return
        code = str(kind.code or kind.outcome)
        error, known = (kind.error, str(kind.scope or "")), self.errors.get(code)
        if (known is None and len(self.errors) < 500) or (known is not None and error < known):
            self.errors[code] = error

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
        self.radar.merge(other.radar)
        self.deliveries.merge(other.deliveries)
        for code, error in other.errors.items():
            self.errors[code] = min(error, self.errors.get(code, error))
        for mine, theirs in (
            (self.lost, other.lost),
            (self.delivery, other.delivery),
            (self.codes, other.codes),
            (self.countries, other.countries),
        ):
            mine.update(theirs)  # type: ignore[arg-type]  # counters of texts, and one of pairs
        self.retries += other.retries
        self.rows += other.rows
        self.foreign += other.foreign
        for ts in other.span or ():
            self._stretch(ts)
        return self

    @property
    def days(self) -> dict[str, Counts]:
        """The counts of each day, in order; rows without a date are left out."""
        return {day: counts for day, counts in self.tables["day"].sorted().items() if day[:1].isdigit()}

    @property
    def whole(self) -> Counts:
        """The counts of all messages, those without a date among them."""
        whole = Counts()
        for counts in self.tables["day"].rows.values():
            whole.merge(counts)
        return whole

    @property
    def bounds(self) -> list[str]:
        """What was counted together because there was too much of it, in words."""
        full = [name for name, table in self.tables.items() if table.full]
        words = [f"more different values of {name} than are kept: the rest is counted as (others)" for name in full]
        parts = (
            (self.people, "recipients than are kept: those with one message were left out of the list of who got most"),
            (self.balance, "hours than are kept: the oldest balances were left out"),
            (self.radar, "hours of destinations than are kept: the oldest were left out of the radar"),
            (self.deliveries, "requests than are kept: late reports of old ones were left out of the time to delivery"),
        )
        return words + [f"more {what}" for part, what in parts if part.full]


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


def _names(cell: _Cell, size: int) -> Iterator[tuple[str, str]]:
    """Yield the rows of the tables that a cell is counted in."""
    (day, hour, weekday), kind = cell.slot, cell.kind
    yield "day", day
    yield "code", str(kind.code or kind.outcome)
    yield "sender", str(kind.sender or "default")
    yield "country", str(kind.country or "unknown")
    yield "encoding", str(kind.encoding or "unknown")
    yield "hour", f"{hour:02}" if hour >= 0 else NO_DATE
    yield "transport", str(kind.transport or "none")
    yield "segments", f"{kind.encoding or 'unknown'} {size}"
    yield "heat", f"{weekday} {hour:02}"
    yield "scope", f"{day} {kind.about}"
    for tag in kind.tags or ("none",):
        yield "tag", str(tag)
    for name in kind.forced:
        yield "forced", str(name)
