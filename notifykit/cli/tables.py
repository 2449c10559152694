"""Files of recipients: an address a line, or a table (CSV, TSV, Excel) whose first row has the names of its columns.

A table is read strictly: where a row may be read in two ways, somebody would get another person's message.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import importlib
import io
import pathlib
import re
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, Final, TextIO, TypeAlias

import click

from notifykit.cli.options import unreadable
from notifykit.normalizers.phone import compact
from notifykit.suggest import did_you_mean

#: A row with the line on which it begins.
_Row: TypeAlias = tuple[int, list[str]]

_WORKBOOKS: Final = (".xlsx", ".xlsm")
_TABLES: Final = (".csv", ".tsv", *_WORKBOOKS)
_DELIMITERS: Final = (",", ";", "\t")
#: The line with which Excel says what separates the cells.
_DELIMITER_LINE: Final = re.compile(r"sep=(.)\s*", re.IGNORECASE)
_BOMS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ADDRESS: Final = re.compile(r"\+?\d{7,15}")
#: So many problems of one file are listed.
_LISTED: Final = 10


def check_addresses(file: pathlib.Path, column: str | None) -> None:
    """Read a file to its end, so that what is wrong with it is said before anything is sent.

    :raises click.UsageError: with each line that can't be read, or if there is no recipient.
    """
    problems: list[str] = []
    count = sum(1 for _ in _addresses(file, column, problems.append))
    if problems:
        more = [f"and {len(problems) - _LISTED} more"] if len(problems) > _LISTED else []
        lines = "\n".join(f"  - {problem}" for problem in [*problems[:_LISTED], *more])
        raise click.UsageError(f"{file} can't be read as a table, so nothing is done:\n{lines}\nMend these lines.")
    if not count:
        raise click.UsageError(f"{file} has no recipients: write a number a line, or rows below the names of columns.")


def read_addresses(file: pathlib.Path, column: str | None) -> Iterator[str]:
    """Yield the addresses of a file: its lines, or the cells of one column.

    :raises click.UsageError: if it can't be read.
    """

    def refuse(problem: str) -> None:
        raise click.UsageError(f"{file}: {problem}")

    return _addresses(file, column, refuse)


def is_table(file: pathlib.Path) -> bool:
    """Return whether a file is a table by its name."""
    return file.suffix.lower() in _TABLES


def read_cells(file: pathlib.Path, report: Callable[[str], None]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each row of a table that is not empty: its line, and its cells by the names of the columns in small letters.

    :param report: gets each problem with a line of it.
    :raises click.UsageError: if it can't be read.
    """
    try:
        with contextlib.closing(_rows(file, report)) as rows:
            names = [name.lower() for name in _names(file, next(rows, (0, []))[1], "")]
            for line, row in rows:
                if any(cell.strip() for cell in row):
                    yield line, dict(zip(names, (cell.strip() for cell in row), strict=False))
    except OSError as error:
        raise unreadable(str(file), error) from None
    except UnicodeError:
        raise _not_text(file) from None


def _addresses(file: pathlib.Path, column: str | None, report: Callable[[str], None]) -> Iterator[str]:
    try:
        if column:
            yield from _cells(file, column, report)
        elif file.suffix.lower() in _TABLES:
            with contextlib.closing(_rows(file, report)) as rows:
                names = ", ".join(_names(file, next(rows, (0, []))[1], ""))
            raise click.UsageError(
                f"{file} is a table: say with --column which column has the numbers. There are: {names or 'none'}."
            )
        else:
            with _open(file) as opened:
                yield from (line.strip() for line in opened if line.strip())
    except OSError as error:
        raise unreadable(str(file), error) from None
    except UnicodeError:
        raise _not_text(file) from None


def _cells(file: pathlib.Path, column: str, report: Callable[[str], None]) -> Iterator[str]:
    with contextlib.closing(_rows(file, report)) as rows:
        names = _names(file, next(rows, (0, []))[1], column)
        lowered = [name.lower() for name in names]
        wanted = column.strip().lower()
        if wanted not in lowered:
            hint = did_you_mean(column, names, "", form=" Did you mean {}?")
            raise click.UsageError(f"{file} has no column {column!r}; there are: {', '.join(names) or 'none'}.{hint}")
        if lowered.count(wanted) > 1:
            raise click.UsageError(
                f"{file} has {lowered.count(wanted)} columns {column!r}: give each a name of its own."
            )
        place = lowered.index(wanted)
        for line, row in rows:
            if not any(cell.strip() for cell in row):
                continue
            if len(row) < len(names) or any(cell.strip() for cell in row[len(names) :]):
                report(f"line {line} has {len(row)} cells, and the first row has {len(names)}")
            else:
                yield row[place].strip()


def _names(file: pathlib.Path, row: Sequence[str], column: str) -> list[str]:
    """Return the names of the columns; an error without them if they may be a person's."""
    names = [name.strip() for name in row]
    addresses = [name for name in names if "@" in name or _ADDRESS.fullmatch(compact(name))]
    if addresses and (column.strip() not in names or column.strip() in addresses):
        raise click.UsageError(
            f"The first row of {file} holds an address and not the names of columns: write their names above it."
        )
    return names


def _rows(file: pathlib.Path, report: Callable[[str], None]) -> Generator[_Row, None, None]:
    """Yield the rows of a table; what can't be read of it is reported, and ends it."""
    if file.suffix.lower() in _WORKBOOKS:
        yield from _workbook_rows(file)
        return
    with _open(file, newline="") as opened:
        first = opened.readline()
        given = _DELIMITER_LINE.fullmatch(first.strip("\r\n"))
        before = 1 if given else 0
        lines = opened if given else _with_first(first, opened)
        delimiter = given[1] if given else max(_DELIMITERS, key=first.count)
        table = csv.reader(lines, delimiter=delimiter, strict=True)
        while True:
            line = before + table.line_num + 1
            try:
                row = next(table)
            except StopIteration:
                return
            except csv.Error as error:
                open_quote = "unexpected end" in str(error) or "field larger" in str(error)
                what = (
                    "a quote is opened and not closed" if open_quote else f"a quote is not closed at its end ({error})"
                )
                report(f"line {line}: {what}, so the rest of the table can't be read")
                return
            yield line, row


def _with_first(first: str, rest: TextIO) -> Iterator[str]:
    yield first
    yield from rest


def _workbook_rows(file: pathlib.Path) -> Iterator[_Row]:
    try:
        openpyxl: Any = importlib.import_module("openpyxl")
    except ImportError:
        raise click.UsageError(
            f"{file} is an Excel workbook: pip install 'notifykit[xlsx]' reads it, or save it as CSV UTF-8."
        ) from None
    file.open("rb").close()  # what is wrong with the file's path is an OSError with its reason
    try:
        workbook: Any = openpyxl.load_workbook(file, read_only=True, data_only=True)
    except Exception as error:  # openpyxl has no error of its own for damaged files: zipfile's, KeyError, ValueError, …
        raise click.UsageError(
            f"{file} is no Excel workbook that can be read ({type(error).__name__}): save it as CSV UTF-8."
        ) from None
    with contextlib.closing(workbook):
        width = 0
        for line, values in enumerate(workbook.active.iter_rows(values_only=True), 1):
            width = width or len(values)
            row = ["" if value is None else str(value) for value in values]
            yield line, row + [""] * (width - len(row))


def _open(file: pathlib.Path, newline: str | None = None) -> TextIO:
    """Open a text file in UTF-8, or in the encoding of its byte order mark."""
    binary = file.open("rb")
    try:
        start = binary.peek(4)
        encoding = next((name for bom, name in _BOMS if start.startswith(bom)), None)
        if encoding is None and b"\0" in start:
            raise _not_text(file)
        return io.TextIOWrapper(binary, encoding or "utf-8-sig", newline=newline)
    except BaseException:
        binary.close()
        raise


def _not_text(file: pathlib.Path) -> click.UsageError:
    return click.UsageError(f"{file} is not UTF-8 text: save it as UTF-8 (in Excel: CSV UTF-8).")
