"""The table of results: the rows that came in, in their order, and beside each what became of it.

A workbook keeps every cell as it is. CSV is written so that spreadsheets open it without an import: UTF-8 with a byte order
mark, so that Arabic is shown. A spreadsheet would drop leading zeros and the digits of long numbers, so such a cell is written
``="00123"``, which Excel shows as 00123. A cell that it would run as a formula gets an apostrophe in front. Reading the file as
a table takes both away again.
"""

from __future__ import annotations

import contextlib
import csv
import importlib
import os
import pathlib
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, TextIO

import attrs

from notifykit.campaigns.tables import WORKBOOK, workbook_library
from notifykit.models.job import JobRow
from notifykit.models.message import Channel
from notifykit.models.receipt import Outcome, Receipt
from notifykit.models.recipient import Recipient
from notifykit.settings.files import replaced

#: What stands beside each row.
FACTS: Final = ("outcome", "code", "message_id", "segments", "cost", "delivery", "advice")
#: The outcome of a row that has none yet.
_WAITING: Final = "waiting"
#: A number or a code that a spreadsheet changes: leading zeros, a plus sign, more digits than it shows, an exponent.
_CHANGED: Final = re.compile(r"0\d[\d .()-]*|\+\d[\d .()-]*|\d{12,}|\d+(?:\.\d+)?[eE][+-]?\d+")
#: A number that it shows as it is, or that somebody wrote so that it does.
_UNCHANGED: Final = re.compile(r'-?\d{1,11}(?:\.\d{1,6})?|="[\w+ .-]*"')
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")


@attrs.frozen
class ResultColumns:
    """The columns of a table of results."""

    #: Those of the table that came in.
    table: tuple[str, ...]
    #: Those of the results, as they are called here.
    facts: tuple[str, ...]

    @classmethod
    def beside(cls, table: Iterable[str]) -> ResultColumns:
        """Return the columns of the results of a table; one whose name the table has gets another."""
        table = tuple(table)
        taken = {name.casefold() for name in table}
        return cls(table, tuple(_free(name, taken) for name in FACTS))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know about the names, each a sentence."""
        return tuple(
            f"The table has a column {name}: in the results, that of notifykit is called {new!r}."
            for name, new in zip(FACTS, self.facts, strict=True)
            if name != new
        )


def _free(name: str, taken: set[str]) -> str:
    new, number = name, 2
    while new.casefold() in taken:
        new = f"{name} (notifykit)" if number == 2 else f"{name} (notifykit {number - 1})"
        number += 1
    return new


@attrs.frozen
class RowCost:
    """What texts take up and cost, as the transport of the job says."""

    #: The segments of a text in a channel; None where they are not known.
    segments: Callable[[str, Channel], int | None]
    #: The cost of a recipient for so many segments; None where there is no price.
    price: Callable[[Recipient, int], float | None] | None = None


def columns_of(rows: Iterable[JobRow]) -> tuple[str, ...]:
    """Return the columns of stored rows, in the order in which they come up."""
    found: dict[str, None] = {}
    for row in rows:
        if not found.keys() >= row.cells.keys():
            found.update(dict.fromkeys(row.cells))
    return tuple(found)


def result_rows(rows: Iterable[JobRow], columns: ResultColumns, cost: RowCost) -> Iterator[list[Any]]:
    """Yield the names of the columns, then the cells of each row: texts, numbers, and None for what is not known."""
    yield [*columns.table, *columns.facts]
    for row in rows:
        facts = row_facts(row, cost)
        yield [*(row.cells.get(name, "") for name in columns.table), *(facts[name] for name in FACTS)]


def row_facts(row: JobRow, cost: RowCost) -> dict[str, Any]:
    """Return what became of a row, by the names of the columns; None for what is not known."""
    receipt = row.receipt
    recipient = receipt.recipient if receipt else None
    channel = recipient.channel if isinstance(recipient, Recipient) else Channel.SMS
    segments = cost.segments(row.text, channel) if row.text else None
    return {
        "outcome": receipt.outcome.value if receipt else _WAITING,
        "code": (receipt.code or (receipt.veto.guard if receipt.veto else receipt.skipped)) if receipt else None,
        "message_id": receipt.message_id if receipt else None,
        "segments": segments,
        "cost": _cost(receipt, segments, cost) if receipt else None,
        "delivery": row.delivery.state.value if row.delivery else None,
        "advice": _advice(row) if receipt else None,
    }


def _cost(receipt: Receipt, segments: int | None, cost: RowCost) -> float | None:
    """Return the share of a row in what the provider charged: its price, for a row that was accepted."""
    recipient = receipt.recipient
    if receipt.outcome is not Outcome.ACCEPTED or not isinstance(recipient, Recipient) or not segments:
        return None
    return cost.price(recipient, segments) if cost.price else None


def _advice(row: JobRow) -> str:
    receipt = row.receipt
    assert receipt is not None, "the others have no advice"
    if row.delivery is not None and receipt.outcome is Outcome.ACCEPTED:
        return row.delivery.advice
    if receipt.error:
        return f"{receipt.error.detail} {receipt.error.action}"
    return f"{receipt.veto.reason} {receipt.veto.action}" if receipt.veto else receipt.advice


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def guarded(cell: str) -> str:
    """Return a cell that a spreadsheet shows as it is, and runs nothing of; ``plain`` of a table gives it back."""
    if _UNCHANGED.fullmatch(cell) and not re.match(r"-?0\d", cell):
        return cell
    if _CHANGED.fullmatch(cell):
        return f'="{cell}"'
    return f"'{cell}" if _FORMULA.match(cell) else cell


def write_csv(stream: TextIO, rows: Iterable[Sequence[Any]]) -> None:
    """Write rows to a stream, which is opened with ``newline=""``, as a spreadsheet shows them and runs nothing of them."""
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerows([guarded("" if cell is None else _shown(cell)) for cell in row] for row in rows)


def write_results(file: pathlib.Path, rows: Iterable[Sequence[Any]]) -> None:
    """Write rows to a file, in CSV or as an Excel workbook by the end of its name, and put it in its place when it is whole.

    A new file can be read by this user only: it has addresses. One that is there keeps its permissions.

    :raises OSError: if it can't be written.
    :raises TableError: without the library for workbooks.
    """
    # Nothing can take the place of a pipe or a device.
    is_stream = file.exists() and not file.is_file()
    with contextlib.nullcontext(file) if is_stream else replaced(file) as target:
        if file.suffix.lower() == WORKBOOK:
            write_workbook(target, rows)
            return
        with target.open("w", encoding="utf-8-sig", errors="replace", newline="") as stream:
            write_csv(stream, rows)


def write_workbook(file: pathlib.Path, rows: Iterable[Sequence[Any]], *, name: str = "results") -> None:
    """Write rows to an Excel workbook in constant memory: a text is a text, whatever it begins with.

    :param name: the name of its sheet, whose first row stays in sight.
    :raises OSError: if it can't be written.
    :raises TableError: without the library for workbooks.
    """
    openpyxl, cells = workbook_library(str(file)), importlib.import_module("openpyxl.cell.cell")
    workbook = openpyxl.Workbook(write_only=True)
    sheet = workbook.create_sheet(name)
    sheet.freeze_panes = "A2"

    def as_text(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        cell = cells.WriteOnlyCell(sheet, cells.ILLEGAL_CHARACTERS_RE.sub("", value))
        cell.data_type = "s"
        return cell

    with file.open("wb") as stream:  # where that fails, no workbook is left half written
        for row in rows:
            sheet.append([as_text(value) for value in row])
        workbook.save(stream)


def require_writable(file: pathlib.Path) -> None:
    """Raise where a table of results can't be written, without touching one that is there.

    :raises OSError: with the reason.
    """
    if file.is_dir():
        raise IsADirectoryError(21, "Is a directory", str(file))
    if not file.exists() or file.is_file():
        descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.resolve().parent)
        os.close(descriptor)
        pathlib.Path(name).unlink()
