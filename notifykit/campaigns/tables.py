"""Tables as rows: CSV and TSV as spreadsheets write them, Excel workbooks, JSON Lines.

A table is read strictly: where a row may be read in two ways, somebody would get another person's message.
"""

from __future__ import annotations

import contextlib
import csv
import datetime
import decimal
import importlib
import itertools
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

import attrs

from notifykit.campaigns.files import Problems, TableError, TextFile, not_text, text_file, unreadable_rows
from notifykit.normalizers.phone import compact
from notifykit.suggest import did_you_mean

#: A row with the line on which it begins.
_Row: TypeAlias = tuple[int, list[str]]
#: Takes a problem of a table, in a sentence without cells.
Report: TypeAlias = Callable[[str], None]

#: The end of the name of Excel's own files.
WORKBOOK: Final = ".xlsx"
_WORKBOOKS: Final = (WORKBOOK, ".xlsm")
_JSON_LINES: Final = (".jsonl", ".ndjson")
#: The ends of names of files that are tables.
TABLES: Final = (".csv", ".tsv", *_JSON_LINES, *_WORKBOOKS)
_DELIMITERS: Final = (",", ";", "\t")
#: The line with which Excel says what separates the cells.
_DELIMITER_LINE: Final = re.compile(r"sep=(.)\s*", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"\+?\d{7,15}")
#: A cell that a spreadsheet keeps as text: ``="00123"``.
_TEXT_FORMULA: Final = re.compile(r'="((?:[^"]|"")*)"', re.DOTALL)
#: What a table of results puts in front of what would run as a formula.
_GUARDED: Final = re.compile(r"'+[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")
#: Above this a float no longer holds every whole number.
_EXACT: Final = 10**15
#: The most different keys in the lines of one file.
_MOST_KEYS: Final = 1_000
#: The most columns of a table: those of an Excel sheet.
_MOST_COLUMNS: Final = 16_384


@attrs.frozen
class TableRow:
    """One row of a table."""

    #: The line on which it begins, from 1; in a workbook its row.
    line: int
    #: Its cells by the names of their columns, as they are in the file.
    cells: Mapping[str, str] = attrs.field(repr=lambda cells: f"<{len(cells)} cells>")


@attrs.frozen
class Table:
    """A table whose columns are known. It can be read any number of times, and is never in memory."""

    #: The file.
    file: TextFile
    #: The columns, each with a name of its own, in order.
    columns: tuple[str, ...]
    #: The names that the first row gives them, of which two may be the same.
    names: tuple[str, ...]
    #: What a person should know about how it is read, each a sentence.
    warnings: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What errors call it."""
        return self.file.name

    def column(self, wanted: str) -> str:
        """Return the column of a name; upper and lower case do not count.

        :raises TableError: if there is none, or more than one.
        """
        lowered = [name.lower() for name in self.names]
        word = wanted.strip().lower()
        if word not in lowered:
            hint = did_you_mean(wanted, self.names, "", form=" Did you mean {}?")
            raise TableError(
                f"{self.name} has no column {wanted!r}; there are: {', '.join(self.names) or 'none'}.{hint}"
            )
        if lowered.count(word) > 1:
            raise TableError(f"{self.name} has {lowered.count(word)} columns {wanted!r}: give each a name of its own.")
        return self.columns[lowered.index(word)]

    def __iter__(self) -> Iterator[Mapping[str, str]]:
        """Yield the cells of each row, as ``submit_rows`` takes them."""
        return (row.cells for row in self.rows())

    def rows(self, report: Report | None = None) -> Iterator[TableRow]:
        """Yield the rows that are not empty.

        :param report: is given each problem; without it the first one is raised.
        :raises TableError: if the file can't be read.
        :raises OSError: so too.
        """
        report = report or self._refuse
        with _as_text(self.name):
            if self.file.suffix in _JSON_LINES:
                yield from _objects(self.file, report)
                return
            for line, row in self._cells(report):
                yield TableRow(line, dict(zip(self.columns, row, strict=False)))

    def check(self) -> int:
        """Read the table to its end, and return the number of its rows.

        :raises TableError: with each line that can't be read, or if there is no row.
        """
        problems = Problems()
        count = sum(1 for _ in self.rows(problems))
        if problems.count:
            raise unreadable_rows(self.name, problems.first, problems.count)
        if not count:
            raise TableError(f"{self.name} has no rows below the names of columns.")
        return count

    def _refuse(self, problem: str) -> None:
        raise TableError(f"{self.name}: {problem}")

    def _cells(self, report: Report) -> Iterator[_Row]:
        with contextlib.closing(_rows(self.file, report)) as rows:
            next(rows, None)
            for line, row in rows:
                if not any(cell.strip() for cell in row):
                    continue
                if len(row) < len(self.columns) or any(cell.strip() for cell in row[len(self.columns) :]):
                    report(f"line {line} has {len(row)} cells, and the first row has {len(self.names)}")
                else:
                    yield line, row


def open_table(file: TextFile | str | os.PathLike[str], wanted: Sequence[str] = ()) -> Table:
    """Return a table with the names of its columns.

    :param file: a path that ends in ``.csv``, ``.tsv``, ``.xlsx`` or ``.jsonl``; any other is CSV.
    :param wanted: columns that somebody named: with them, the first row is certain to hold names.
    :raises TableError: if it can't be read, or its first row holds an address and not the names of columns.
    :raises OSError: if the file can't be read.
    """
    if not isinstance(file, TextFile):
        file = text_file(file)
    if file.suffix not in _WORKBOOKS:
        file = file.decoded()
    warnings = [file.warning] if file.warning else []
    with _as_text(file.name):
        if file.suffix in _JSON_LINES:
            columns = _keys(file)
            return Table(file, columns, columns, tuple(warnings))
        with contextlib.closing(_rows(file, _ignore)) as rows:
            names = _names(file.name, next(rows, (0, []))[1], wanted)
    columns, renamed = _distinct(names)
    return Table(file, columns, tuple(names), (*warnings, *renamed))


def _ignore(problem: str) -> None:
    """Leave a problem to those who read the rows."""


@contextlib.contextmanager
def _as_text(name: str) -> Iterator[None]:
    try:
        yield
    except UnicodeError:
        raise not_text(name) from None


def _names(name: str, row: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """Return the names of the columns; an error without them if they may be a person's."""
    names = [cell.strip() for cell in row]
    addresses = [cell for cell in names if "@" in cell or _ADDRESS.fullmatch(compact(cell))]
    known = {cell.lower() for cell in names if cell not in addresses}
    if addresses and not (wanted and {word.strip().lower() for word in wanted} <= known):
        raise TableError(
            f"The first row of {name} holds an address and not the names of columns: write their names above it."
        )
    while len(names) > 1 and not names[-1]:
        names.pop()
    if len(names) > _MOST_COLUMNS:
        raise TableError(f"{name} has {len(names):,} columns, and a table has {_MOST_COLUMNS:,} at most.")
    return names


def _distinct(names: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    """Return a different name for each column, and a sentence about each that got another one."""
    found: dict[str, None] = {}
    said: list[str] = []
    given = Counter(names)
    for position, name in enumerate(names, 1):
        new, number = name or f"column {position}", 2
        while new in found or (new != name and new in given):
            new, number = f"{name or f'column {position}'} ({number})", number + 1
        found[new] = None
        if name and new != name:
            said.append(f"There are {given[name]} columns {name}: the one at place {position} is called {new} here.")
    return tuple(found), said


# --- CSV ---


def _rows(file: TextFile, report: Report) -> Generator[_Row, None, None]:
    """Yield the rows of a table, the names of its columns first; what can't be read is reported, and ends it."""
    if file.suffix in _WORKBOOKS:
        yield from _workbook_rows(file)
        return
    with file.open(newline="") as opened:
        first = opened.readline()
        given = _DELIMITER_LINE.fullmatch(first.strip("\r\n"))
        before = 1 if given else 0
        lines = opened if given else itertools.chain([first], opened)
        delimiter = given[1] if given else max(_DELIMITERS, key=first.count)
        table = csv.reader(lines, delimiter=delimiter, strict=True)
        while True:
            line = before + table.line_num + 1
            try:
                row = next(table)
            except StopIteration:
                return
            except csv.Error as error:
                if "field larger" in str(error):
                    what = f"a cell has more than {csv.field_size_limit():,} characters, or a quote is opened and not closed"
                elif "unexpected end" in str(error):
                    what = "a quote is opened and not closed"
                else:
                    what = f"a quote is not closed at its end ({error})"
                report(f"line {line}: {what}, so the rest of the table can't be read")
                return
            yield line, row


# --- workbooks ---


def workbook_library(name: str) -> Any:
    """Return the library that reads and writes workbooks.

    :param name: what an error calls the file.
    :raises TableError: if it is not installed.
    """
    try:
        return importlib.import_module("openpyxl")
    except ImportError:
        raise TableError(
            f"{name} is an Excel workbook: pip install 'notifykit[xlsx]' for it, or save it as CSV UTF-8."
        ) from None


def _workbook_rows(file: TextFile) -> Iterator[_Row]:
    openpyxl = workbook_library(file.name)
    with file.path.open("rb") as binary:  # what is wrong with the file's path is an OSError with its reason
        try:
            workbook: Any = openpyxl.load_workbook(binary, read_only=True, data_only=True)
        except (
            Exception
        ) as error:  # openpyxl has no error of its own for damaged files: zipfile's, KeyError, ValueError, …
            raise TableError(
                f"{file.name} is no Excel workbook that can be read ({type(error).__name__}): save it as CSV UTF-8."
            ) from None
        with contextlib.closing(workbook):
            width = 0
            for line, cells in enumerate(workbook.active.iter_rows(), 1):
                width = width or len(cells)
                row = [_workbook_cell(cell) for cell in cells]
                yield line, row + [""] * (width - len(row))


def _workbook_cell(cell: Any) -> str:
    value = cell.value
    if isinstance(value, int) and not isinstance(value, bool):
        # A column that shows leading zeros has the number without them, and a format such as 00000000.
        shown = str(cell.number_format or "")
        return f"{value:0{len(shown)}d}" if shown and not shown.strip("0") else str(value)
    return "" if value is None else cell_text(value)


# --- JSON Lines ---


def _keys(file: TextFile) -> tuple[str, ...]:
    """Return the keys of all lines, in the order in which they come up."""
    found: dict[str, None] = {}
    for row in _objects(file, _ignore):
        found.update(dict.fromkeys(row.cells))
        if len(found) > _MOST_KEYS:
            raise TableError(f"{file.name} has more than {_MOST_KEYS:,} different keys: it is no table.")
    return tuple(found)


def _objects(file: TextFile, report: Report) -> Iterator[TableRow]:
    with file.open() as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                # Numbers stay as they are written: 96598765432 is no float here.
                pairs = json.loads(line, object_pairs_hook=_Pairs, parse_int=str, parse_float=str)
            except (ValueError, RecursionError):
                report(f"line {number} is no JSON: write one object a line")
                continue
            if not isinstance(pairs, _Pairs):
                report(f'line {number} is no object: write {{"column": "cell", …}}')
                continue
            names = [name for name, _ in pairs]
            if len(set(names)) < len(names):
                report(f"line {number} has two values for one key")
                continue
            try:
                cells = {name: cell_text(value) for name, value in pairs}
            except TypeError:
                report(f"line {number} has a list or an object for a cell: write a text or a number")
                continue
            if any(cell.strip() for cell in cells.values()):
                yield TableRow(number, cells)


class _Pairs(list[tuple[str, Any]]):
    """The pairs of an object."""


# --- cells ---


def cell_text(value: object) -> str:
    """Return a cell as text, as a spreadsheet shows it: whole numbers without a fraction, dates as ``2026-12-31``.

    :raises TypeError: if it is nothing that a cell can hold.
    """
    for kinds, write in _WRITTEN:
        if isinstance(value, kinds):
            return write(value)
    raise TypeError(f"a cell is a {type(value).__name__}: give a text, a number or a date")


def _float(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < _EXACT else f"{value:.15g}"


def _moment(value: datetime.datetime) -> str:
    midnight = value.time() == datetime.time()
    return f"{value:%Y-%m-%d}" if midnight else value.isoformat(" ", "seconds" if value.second else "minutes")


#: How a value is written, by its type; the first that fits.
_WRITTEN: Final[tuple[tuple[type | tuple[type, ...], Callable[[Any], str]], ...]] = (
    (str, str),
    (type(None), lambda _: ""),
    (bool, lambda value: "TRUE" if value else "FALSE"),
    (int, str),
    (float, _float),
    (decimal.Decimal, lambda value: f"{value:f}" if value.is_finite() else str(value)),
    (datetime.datetime, _moment),
    ((datetime.date, datetime.time), lambda value: value.isoformat()),
)


def plain(cell: str) -> str:
    """Return what a cell says, without spaces around it and without what keeps a spreadsheet from changing it."""
    if _GUARDED.match(cell):
        return cell[1:].strip()
    cell = cell.strip()
    found = _TEXT_FORMULA.fullmatch(cell)
    return found[1].replace('""', '"') if found else cell
