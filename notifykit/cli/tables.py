"""Files of recipients: an address a line, or a table whose first row has the names of its columns."""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Callable, Iterator

import click

from notifykit.campaigns.files import Problems, TableError, not_text, text_file, unreadable_rows
from notifykit.campaigns.tables import TABLES, Report, open_table, plain
from notifykit.cli.options import unreadable
from notifykit.cli.output import warn


@contextlib.contextmanager
def table_errors(file: str) -> Iterator[None]:
    """Raise what is wrong with a table as an error of the command line."""
    try:
        yield
    except TableError as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise unreadable(file, error) from None
    except UnicodeError:
        raise click.UsageError(str(not_text(file))) from None


def check_addresses(file: pathlib.Path, column: str | None) -> None:
    """Read a file to its end, so that what is wrong with it is said before anything is sent.

    A guessed encoding is said too.

    :raises click.UsageError: with each line that can't be read, or if there is no recipient.
    """
    problems = Problems()
    with table_errors(str(file)):
        count = sum(1 for _ in _addresses(file, column, problems, warn))
        if problems.count:
            raise unreadable_rows(str(file), problems.first, problems.count)
    if not count:
        raise click.UsageError(f"{file} has no recipients: write a number a line, or rows below the names of columns.")


def read_addresses(
    file: pathlib.Path, column: str | None, warned: Callable[[str], None] | None = None
) -> Iterator[str]:
    """Yield the addresses of a file: its lines, or the cells of one column.

    :param warned: is given what a person should know about how it is read.
    :raises click.UsageError: if it can't be read.
    """

    def refuse(problem: str) -> None:
        raise TableError(f"{file}: {problem}")

    with table_errors(str(file)):
        yield from _addresses(file, column, refuse, warned)


def _addresses(
    file: pathlib.Path, column: str | None, report: Report, warned: Callable[[str], None] | None
) -> Iterator[str]:
    found = text_file(file)
    if not column and found.suffix not in TABLES:
        found = found.decoded()
        if warned and found.warning:
            warned(found.warning)
        with found.open() as opened:
            yield from (line.strip() for line in opened if line.strip())
        return
    table = open_table(found, (column,) if column else ())
    if not column:
        raise TableError(
            f"{file} is a table: say with --column which column has the numbers. There are: "
            f"{', '.join(table.names) or 'none'}."
        )
    name = table.column(column)
    for warning in table.warnings if warned else ():
        warned and warned(warning)
    yield from (row.cells.get(name, "").strip() for row in table.rows(report))


def is_table(file: pathlib.Path) -> bool:
    """Return whether a file is a table by its name."""
    return file.suffix.lower() in TABLES


def read_cells(file: pathlib.Path, report: Report) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each row of a table that is not empty: its line, and its cells by the names of the columns in small letters.

    :param report: gets each problem with a line of it.
    :raises click.UsageError: if it can't be read.
    """
    with table_errors(str(file)):
        for row in open_table(text_file(file)).rows(report):
            yield row.line, {name.lower(): plain(cell) for name, cell in row.cells.items()}
