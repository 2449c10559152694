"""Who gets it: from arguments, from standard input, from a file of lines or a table."""

from __future__ import annotations

import csv
import pathlib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TextIO

import attrs
import click

from notifykit.cli.options import read_stdin, unreadable
from notifykit.suggest import did_you_mean

_BETWEEN: Final = re.compile(r"[,;\n]")
_TABLES: Final = (".csv", ".tsv")


@attrs.frozen
class Recipients:
    """Addresses that can be gone through more than once; those of a file are read again each time, never kept."""

    #: Addresses that were typed or piped in.
    given: tuple[str, ...] = attrs.field(default=(), repr=False)
    #: A file with more of them.
    file: pathlib.Path | None = None
    #: The column of the file; None for a file with one address a line.
    column: str | None = None

    def __iter__(self) -> Iterator[str]:
        yield from self.given
        if self.file is not None:
            yield from _rows(self.file, self.column)


def gather(words: Sequence[str], file: str | None, column: str | None) -> Recipients:
    """Return the recipients that a command line names.

    :param words: arguments; several addresses in one are separated by commas, and ``-`` reads standard input.
    :raises click.UsageError: where there are none, or the file can't be used.
    """
    if column and not file:
        raise click.UsageError("--column says which column of a file: give the file with --to-file.")
    given = [part.strip() for word in words for part in _parts(word)]
    path = None
    if file == "-":
        given += _lines(read_stdin())
    elif file is not None:
        path = pathlib.Path(file)
        next(iter(_rows(path, column)), None)  # what is wrong with it is said before anything is sent
    if not given and path is None:
        raise click.UsageError("There is nobody to send to: give numbers, - for standard input, or --to-file.")
    return Recipients(tuple(given), path, column)


def _parts(word: str) -> Iterable[str]:
    if word == "-":
        return _lines(read_stdin())
    parts = [part for part in _BETWEEN.split(word) if part.strip()]
    return parts or [word]


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _rows(file: pathlib.Path, column: str | None) -> Iterator[str]:
    try:
        with file.open(encoding="utf-8-sig", newline="" if column else None) as opened:
            if column is None and file.suffix.lower() in _TABLES:
                raise click.UsageError(
                    f"{file} is a table: say with --column which column has the numbers. There are: "
                    f"{', '.join(_header(opened))}."
                )
            yield from _column(file, opened, column) if column else (line.strip() for line in opened if line.strip())
    except OSError as error:
        raise unreadable(str(file), error) from None
    except UnicodeDecodeError:
        raise click.UsageError(f"{file} is not UTF-8 text: save it as UTF-8.") from None
    except csv.Error as error:
        raise click.UsageError(f"{file} is no table that can be read: {error}.") from None


def _column(file: pathlib.Path, opened: TextIO, column: str) -> Iterator[str]:
    delimiter = _delimiter(opened)
    table = csv.reader(opened, delimiter=delimiter)
    names = [name.strip() for name in next(table, [])]
    lowered = [name.lower() for name in names]
    if column.strip().lower() not in lowered:
        hint = did_you_mean(column, names, "", form=" Did you mean {}?")
        raise click.UsageError(f"{file} has no column {column!r}; there are: {', '.join(names) or 'none'}.{hint}")
    place = lowered.index(column.strip().lower())
    for row in table:
        if any(cell.strip() for cell in row):
            yield row[place].strip() if place < len(row) else ""


def _header(opened: TextIO) -> list[str]:
    return [name.strip() for name in next(csv.reader(opened, delimiter=_delimiter(opened)), [])]


def _delimiter(opened: TextIO) -> str:
    """Return what stands between the names in the first line: spreadsheets of half the world write semicolons."""
    first = opened.readline()
    opened.seek(0)
    return max((",", ";", "\t"), key=first.count)
