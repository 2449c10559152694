"""What a campaign would do, in totals and bounded memory: texts, requests, segments, cost, and which rows can't be sent."""

from __future__ import annotations

import collections
import heapq
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

import attrs

from notifykit.campaigns.files import TableError, TextFile
from notifykit.campaigns.tables import Table
from notifykit.cli.exit_codes import Exit, for_veto
from notifykit.cli.messages import veto_advice
from notifykit.cli.output import format_duration, plural
from notifykit.errors import ConfigError
from notifykit.models.job import Row
from notifykit.models.receipt import Receipt
from notifykit.pipeline.capabilities import leaves
from notifykit.pipeline.notifier import Notifier
from notifykit.pipeline.rows import PlannedRow

#: Rows of each kind whose line numbers are kept.
_LINES: Final = 10
#: Rows that are named as the dearest ones.
_DEAREST: Final = 5
#: Rows that a dry run shows.
SHOWN: Final = 10
#: Different reasons that are kept apart.
_REASONS: Final = 50
#: Different texts that are counted one by one.
_TEXTS: Final = 250_000
_BAR: Final = 20


@attrs.define
class Lines:
    """How many rows there are of one kind, and the lines of the first."""

    #: How many.
    count: int = 0
    #: The lines of the first.
    first: list[int] = attrs.field(factory=list)

    def add(self, line: int) -> None:
        """Add a row."""
        self.count += 1
        if len(self.first) < _LINES:
            self.first.append(line)

    def __str__(self) -> str:
        more = f" and {self.count - len(self.first):,} more" if self.count > len(self.first) else ""
        return f"line{'s' * (self.count > 1)} {', '.join(map(str, self.first))}{more}"


@attrs.define
class CampaignPlan:
    """The totals of a campaign."""

    #: How many requests may start in a second; None for no limit.
    rate: float | None = None
    #: Seconds over which the requests begin evenly; None for as fast as they can.
    spread: float | None = None
    #: When it may begin, in words; None for now.
    starts: str | None = None
    #: What is on the account; None if that is not known.
    balance: float | None = None
    #: The provider's name for one unit of cost.
    unit: str = "unit"
    #: Rows in all.
    rows: int = 0
    #: Rows that would be sent.
    recipients: int = 0
    #: Rows that can't be sent, by reason and what to do.
    rejected: dict[tuple[str, str], Lines] = attrs.field(factory=dict)
    #: Rows whose address was there before.
    duplicates: Lines = attrs.field(factory=Lines)
    #: Rows that guards hold back, by the veto's words and what to do.
    held_back: dict[tuple[str, str], Lines] = attrs.field(factory=dict)
    #: Rows that wait for a guard.
    waits: dict[tuple[str, str], Lines] = attrs.field(factory=dict)
    #: What a person should know about rows.
    notices: dict[tuple[str, str], Lines] = attrs.field(factory=dict)
    #: Requests that would be made.
    requests: int = 0
    #: What it costs at most; None if that is not known.
    cost: float | None = 0.0
    #: Rows that the balance is enough for, from the first; None if that is not known.
    affordable: int | None = None
    #: How many rows have so many segments.
    segments: collections.Counter[int] = attrs.field(factory=collections.Counter)
    #: The first rows that would be sent, with their lines.
    first: list[tuple[int, PlannedRow]] = attrs.field(factory=list)
    #: The row with the longest text.
    longest: tuple[int, PlannedRow] | None = None
    #: The exit codes of vetoes.
    _codes: set[Exit] = attrs.field(factory=set, init=False)
    #: The largest texts: segments, units, and the line below zero, so that the first of equal ones stays.
    _dearest: list[tuple[int, int, int]] = attrs.field(factory=list, init=False)
    _texts: set[int] = attrs.field(factory=set, init=False)

    def add(self, line: int, planned: PlannedRow, *, duplicate: bool) -> bool:
        """Count a row, and return whether it would be sent."""
        self.rows += 1
        for notice in planned.notices:
            _add(self.notices, (notice, ""), line)
        receipt = planned.receipt
        if duplicate:
            self.duplicates.add(line)
        elif receipt is not None:
            self._exclude(line, receipt)
        else:
            self._include(line, planned)
        return receipt is None and not duplicate

    def _exclude(self, line: int, receipt: Receipt) -> None:
        if receipt.veto is not None:
            where = self.waits if receipt.veto.postpone else self.held_back
            _add(where, (str(receipt.veto), veto_advice(receipt.veto)), line)
            if not receipt.veto.postpone:
                self._codes.add(for_veto(receipt.veto))
        elif receipt.error is not None:
            _add(self.rejected, (receipt.error.detail, receipt.error.action), line)

    def _include(self, line: int, planned: PlannedRow) -> None:
        self.recipients += 1
        if len(self.first) < SHOWN:
            self.first.append((line, planned))
        if self.longest is None or _size(planned) > _size(self.longest[1]):
            self.longest = (line, planned)
        if len(self._texts) <= _TEXTS:
            self._texts.add(hash((planned.row.text, planned.row.subject)))
        size = planned.measurement
        if size is not None:
            self.segments[size.segments] += 1
            heapq.heappush(self._dearest, (size.segments, size.units, -line))
            if len(self._dearest) > _DEAREST:
                heapq.heappop(self._dearest)
        self.cost = None if self.cost is None or planned.cost is None else self.cost + planned.cost
        if self.cost is not None and self.balance is not None and self.cost <= self.balance:
            self.affordable = self.recipients

    @property
    def dearest(self) -> list[tuple[int, int]]:
        """The lines of the largest texts with their segments, the largest first; empty where all are alike."""
        if len(self.segments) < 2:
            return []
        return [(-line, segments) for segments, _, line in sorted(self._dearest, reverse=True) if segments > 1]

    @property
    def seconds(self) -> float | None:
        """About how long the requests take; None where nothing limits them."""
        shortest = self.requests / self.rate if self.rate else None
        return max(filter(None, (shortest, self.spread)), default=None)

    @property
    def exit_code(self) -> Exit:
        """The exit code that a dry run has."""
        if not self.rejected and not self.held_back:
            return Exit.OK
        if self.recipients or self.waits:
            return Exit.PARTLY
        return next(iter(self._codes)) if len(self._codes) == 1 and not self.rejected else Exit.FAILED

    def texts(self) -> str:
        """Return how many different texts there are."""
        if len(self._texts) > _TEXTS:
            return f"more than {_TEXTS:,} different texts"
        return "one text" if len(self._texts) == 1 else f"{len(self._texts):,} different texts"

    def sentence(self) -> str:
        """Return texts, requests and time in one sentence."""
        parts = [self.texts(), plural(self.requests, "request")]
        if self.seconds:
            rate = f" at {self.rate:g}/s" if self.rate and not self.spread else ""
            parts.append(f"{format_duration(self.seconds)}{rate}")
        return ", ".join(parts)

    def lines(self) -> Iterator[tuple[str, str, str | None]]:
        """Yield the label, the text and the style of each line."""
        counts = [(self.recipients, "to send"), (_sum(self.rejected), "rejected"), (self.duplicates.count, "repeated")]
        counts += [(_sum(self.held_back), "held back"), (_sum(self.waits), "waiting")]
        yield "rows", f"{self.rows:,}: {', '.join(f'{count:,} {word}' for count, word in counts if count)}", None
        if self.recipients:
            yield "would send", self.sentence(), None
        if self.starts:
            yield "begins", self.starts, None
        if self.cost is not None and self.recipients:
            yield "cost", f"{plural(self.cost, self.unit)} at most", None
        if self.balance is not None and self.cost is not None:
            enough = self.cost <= self.balance
            fits = "enough" if enough else f"enough for the first {self.affordable or 0:,} of {self.recipients:,} rows"
            yield "account", f"{plural(self.balance, self.unit)}: {fits}", None if enough else "bad"
        yield from self._histogram()
        yield from self._reasons("rejected", self.rejected, "bad")
        if self.duplicates.count:
            yield "repeated", f"{self.duplicates}: the same recipient is above, and gets one message", "care"
        yield from self._reasons("held back", self.held_back, "care")
        yield from self._reasons("waits", self.waits, "care")
        for (notice, _), lines in self.notices.items():
            yield "notice", f"{notice} ({plural(lines.count, 'row')}: {lines})", "care"

    def _histogram(self) -> Iterator[tuple[str, str, str | None]]:
        most = max(self.segments.values(), default=0)
        for number, (segments, count) in enumerate(sorted(self.segments.items())):
            bar = "█" * max(1, round(_BAR * count / most))
            yield "" if number else "segments", f"{segments:>2} {bar:<{_BAR}} {plural(count, 'row')}", None
        if self.dearest:
            yield "dearest", ", ".join(f"line {line} ({segments} segments)" for line, segments in self.dearest), None

    @staticmethod
    def _reasons(
        label: str, reasons: Mapping[tuple[str, str], Lines], style: str
    ) -> Iterator[tuple[str, str, str | None]]:
        for (reason, action), lines in reasons.items():
            yield label, f"{plural(lines.count, 'row')}: {reason}", style
            yield "", f"{lines} → {action}", None

    def as_document(self) -> dict[str, Any]:
        """Return it for ``--json``, without texts and addresses."""

        def reasons(found: Mapping[tuple[str, str], Lines]) -> list[dict[str, Any]]:
            return [
                {"reason": reason, "action": action, "rows": lines.count, "lines": lines.first}
                for (reason, action), lines in found.items()
            ]

        return {
            **{
                name: getattr(self, name)
                for name in ("rows", "recipients", "requests", "cost", "balance", "affordable")
            },
            "seconds": self.seconds,
            "texts": len(self._texts) if len(self._texts) <= _TEXTS else None,
            "segments": {str(segments): count for segments, count in sorted(self.segments.items())},
            "dearest": [{"line": line, "segments": segments} for line, segments in self.dearest],
            **{name: reasons(getattr(self, name)) for name in ("rejected", "held_back", "waits")},
            "duplicates": {"rows": self.duplicates.count, "lines": self.duplicates.first},
            "notices": [
                {"notice": notice, "rows": n.count, "lines": n.first} for (notice, _), n in self.notices.items()
            ],
        }


def plan_campaign(notifier: Notifier, table: Table, plan: CampaignPlan, **arguments: Any) -> None:
    """Plan every row of a table, and add the totals to a plan.

    :param arguments: those of ``Notifier.plan_rows``.
    :raises ConfigError: with every variable and column that does not fit; also if jobs can't be stored at all.
    """
    try:
        from notifykit.durable.grouping import AddressSet, batches_of_rows
    except ImportError:
        raise ConfigError("a campaign is kept on disk: pip install 'notifykit[durable]'") from None
    source = _LinedRows(table)

    def sent(addresses: AddressSet) -> Iterator[Row]:
        for position, planned in enumerate(notifier.plan_rows(source, **arguments)):
            row = planned.row
            duplicate = addresses.exclude(position, row.recipient) is not None
            if plan.add(source.lines.popleft(), planned, duplicate=duplicate):
                yield row

    with AddressSet() as addresses:
        unique = cast("AddressSet", _Unique())
        size = notifier.transport.capabilities.batch_size
        plan.requests = sum(1 for _ in batches_of_rows(sent(addresses), size, unique))


def rate_of(notifier: Notifier) -> float | None:
    """Return how many requests may start in a second, of the slowest transport; None for no limit."""
    limits = [leaf.capabilities.rate_limit for leaf in leaves(notifier.transport)]
    return min((limit.per_second for limit in limits if limit is not None), default=None)


class _LinedRows:
    """The cells of a table's rows, as the notifier takes them; the line of each is kept until it is asked for."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.columns = table.columns
        self.lines: collections.deque[int] = collections.deque()

    def __iter__(self) -> Iterator[Mapping[str, str]]:
        for row in self._table.rows():
            self.lines.append(row.line)
            yield row.cells


def state_of(file: TextFile) -> tuple[int, ...]:
    """Return what changes when a file does.

    :raises OSError: if it can't be read.
    """
    found = file.path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


@attrs.frozen
class PlannedTable:
    """The rows of a table that was planned: what is sent is what was shown.

    Reading it raises a :class:`TableError` where the file has changed since, before its first row or behind its last one.
    """

    #: The table.
    table: Table
    #: What :func:`state_of` said before it was read for the plan.
    state: tuple[int, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Its columns."""
        return self.table.columns

    def __iter__(self) -> Iterator[Mapping[str, str]]:
        """Yield the cells of each row."""
        self._require_same()
        yield from self.table
        self._require_same()

    def _require_same(self) -> None:
        if state_of(self.table.file) != self.state:
            raise TableError(
                f"{self.table.name} has changed since it was planned, so nothing was submitted: give the command again."
            )


class _Unique:
    """Stands for a set of addresses where none comes twice."""

    def exclude(self, position: int, recipient: object) -> None:
        """Exclude nobody."""


def _add(found: dict[tuple[str, str], Lines], key: tuple[str, str], line: int) -> None:
    if key not in found and len(found) >= _REASONS:
        key = ("Other reasons.", "Mend the rows above first.")
    found.setdefault(key, Lines()).add(line)


def _size(planned: PlannedRow) -> tuple[int, int]:
    size = planned.measurement
    return (size.segments, size.units) if size else (0, len(planned.text))


def _sum(found: Mapping[tuple[str, str], Lines]) -> int:
    return sum(lines.count for lines in found.values())
