"""``notifykit suppress``: who is on the suppression list, since when, by whom and why; in a file or in a table."""

from __future__ import annotations

import contextlib
import datetime
import functools
import getpass
import io
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import click

from notifykit.campaigns.files import TableError
from notifykit.campaigns.results import write_csv, write_results
from notifykit.cli.dry_run import dry_run_notifier, load_settings
from notifykit.cli.exit_codes import Exit
from notifykit.cli.options import command_group, common, examples, read_stdin, read_text
from notifykit.cli.output import CommandError, Line, note, print_answer
from notifykit.cli.tables import is_table, read_cells
from notifykit.guards.addresses import Normalize
from notifykit.people.suppressions import ListUnavailable, Suppressed, SuppressionList, canonical, open_list
from notifykit.plugins.registry import normalize
from notifykit.redaction import redact_address

_COLUMNS: Final = ("address", "added", "by", "reason")
#: Other names of the column with the addresses.
_ADDRESS: Final = ("address", "number", "mobile", "phone", "email", "to")
#: So many problems of one file are listed.
_LISTED: Final = 50

_numbers = click.argument("addresses", nargs=-1, metavar="ADDRESS...")
_by = click.option("--by", metavar="NAME", help="Who puts them there; else the user of this machine.")
_reason = click.option("--reason", metavar="TEXT", default="", help="Why.")
_show_numbers = click.option("--show-numbers", is_flag=True, help="Show numbers in clear; a single one always is.")


suppress: Final = command_group(
    "suppress",
    "Change the suppression list, and see who is on it.",
    "Say what to do: suppress add, remove, import, export or check.",
    examples('notifykit suppress add +96598765432 --reason "asked by phone"', "notifykit suppress check 96598765432"),
)


@contextlib.contextmanager
def _list() -> Iterator[tuple[SuppressionList, Normalize]]:
    """Give the list of the settings, and what reads an address as a send does."""
    settings = load_settings()
    with dry_run_notifier() as notifier:
        registry = notifier._components.registry  # noqa: SLF001 - the notifier is this package's
        read = functools.partial(normalize, registry.normalizers)
        found = open_list(settings, read)
        try:
            yield found, read
        except ListUnavailable as error:
            raise CommandError(str(error), Exit.USAGE) from None
        finally:
            getattr(found, "close", lambda: None)()


def _read(addresses: Sequence[str], read: Normalize) -> list[str]:
    """Return the addresses that were typed, as the list has them.

    :raises click.UsageError: with each that is none.
    """
    given = [line.strip() for word in addresses for line in (read_stdin().splitlines() if word == "-" else [word])]
    found, problems = [], []
    for number, written in enumerate(filter(None, given), 1):
        try:
            found.append(canonical(written, read))
        except ValueError as error:
            problems.append(f"no. {number}: {error}")
    if problems:
        raise click.UsageError("These are no addresses, so nothing is done:\n" + _listed(problems))
    if not found:
        raise click.UsageError("There is no address: give some, or - for standard input.")
    return found


def _listed(problems: Sequence[str]) -> str:
    more = [f"and {len(problems) - _LISTED} more"] if len(problems) > _LISTED else []
    return "\n".join(f"  - {problem}" for problem in [*problems[:_LISTED], *more])


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC).replace(microsecond=0)


def _user(given: str | None) -> str:
    if given is not None:
        return given
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container may run a user that has no name
        return ""


@suppress.command("add", epilog=examples('notifykit suppress add "+965 9876 5432" --reason "asked by phone"'))
@_numbers
@_by
@_reason
@common
def add(addresses: Sequence[str], by: str | None, reason: str, as_json: bool) -> int:
    """Put addresses on the list; - reads them from standard input. One that is there keeps its date and reason."""
    with _list() as (found, read):
        wanted = dict.fromkeys(_read(addresses, read))
        added = found.add([Suppressed(address, _now(), _user(by), reason) for address in wanted])
    return _show_change("add", "added", "was there before", added, len(wanted), as_json=as_json)


@suppress.command("remove", epilog=examples("notifykit suppress remove 96598765432"))
@_numbers
@common
def remove(addresses: Sequence[str], as_json: bool) -> int:
    """Take addresses off the list; - reads them from standard input."""
    with _list() as (found, read):
        wanted = dict.fromkeys(_read(addresses, read))
        removed = found.remove(list(wanted))
    code = Exit.OK if removed else Exit.FAILED
    return _show_change("remove", "removed", "was not on the list", removed, len(wanted), as_json=as_json, code=code)


def _addresses(count: int) -> str:
    return f"{count:,} address{'' if count == 1 else 'es'}"


def _show_change(
    command: str, done: str, not_done: str, changed: int, total: int, *, as_json: bool, code: int = Exit.OK
) -> int:
    rest = f", {total - changed} {not_done if total - changed == 1 else not_done.replace('was', 'were')}"
    line = f"{_addresses(changed)} {done}{rest if total > changed else ''}.", "good" if changed else "care"
    data = {done: changed, "unchanged": total - changed}
    return print_answer(f"suppress {command}", data, [line], as_json=as_json, code=code, ok=True)


@suppress.command("check", epilog=examples("notifykit suppress check 96598765432 && echo may be sent to"))
@_numbers
@_show_numbers
@common
def check(addresses: Sequence[str], show_numbers: bool, as_json: bool) -> int:
    """Say who is on the list.

    The exit code is 0 if nobody is, 1 if all are, 3 if some are, and 2 where the list can't be read.
    """
    with _list() as (found, read):
        wanted = list(dict.fromkeys(_read(addresses, read)))
        entries = {address: found.find(address) for address in wanted}
    clear = show_numbers or len(wanted) == 1
    documents = [
        {**_document(entry or Suppressed(address), clear=clear), "suppressed": entry is not None}
        for address, entry in entries.items()
    ]
    lines: list[Line] = [
        (f"{document['address']}  {_words(entry)}", "bad" if entry else "good")
        for document, entry in zip(documents, entries.values(), strict=True)
    ]
    count = sum(entry is not None for entry in entries.values())
    code = Exit.OK if not count else Exit.FAILED if count == len(wanted) else Exit.PARTLY
    return print_answer("suppress check", {"addresses": documents}, lines, as_json=as_json, code=code, ok=True)


def _words(entry: Suppressed | None) -> str:
    if entry is None:
        return "is not on the list"
    since = f" since {entry.added:%Y-%m-%d %H:%M} UTC" if entry.added else ""
    return f"is suppressed{since}{f' by {entry.by}' if entry.by else ''}{f': {entry.reason}' if entry.reason else ''}"


def _document(entry: Suppressed, *, clear: bool) -> dict[str, Any]:
    return {
        "address": entry.address if clear else redact_address(entry.address),
        "added": entry.added and entry.added.isoformat(),
        "by": entry.by,
        "reason": entry.reason,
    }


@suppress.command("import", epilog=examples("notifykit suppress import opted-out.csv --column mobile"))
@click.argument("file", metavar="FILE")
@click.option(
    "--column", metavar="NAME", help="The column with the addresses; else address, number, mobile, phone or email."
)
@_by
@_reason
@common
def import_(file: str, column: str | None, by: str | None, reason: str, as_json: bool) -> int:
    """Put all addresses of a file on the list, or none: an address a line, or a table with the columns of an export."""
    with _list() as (found, read):
        path = pathlib.Path(file)
        problems: list[str] = []
        make = functools.partial(_entry, read=read, by=_user(by), reason=reason)
        rows = (
            _table_rows(path, column, problems.append) if file != "-" and is_table(path) else _line_rows(file, column)
        )
        entries = []
        for line, cells in rows:
            try:
                entries.append(make(cells))
            except ValueError as error:
                problems.append(f"line {line}: {error}")
        if problems:
            raise click.UsageError(f"{file} can't be imported, so nothing is:\n{_listed(problems)}\nMend these lines.")
        if not entries:
            raise click.UsageError(f"{file} has no addresses.")
        total = len({entry.address for entry in entries})
        added = found.add(entries)
    return _show_change("import", "added", "was there before", added, total, as_json=as_json)


def _line_rows(file: str, column: str | None) -> Iterator[tuple[int, dict[str, str]]]:
    if column:
        raise click.UsageError(f"{file} is no table by its name, so it has no columns: leave --column out.")
    for number, line in enumerate(read_text(file).splitlines(), 1):
        address, _, comment = line.partition("#")
        if address := address.strip().rstrip(",;"):
            yield number, {"address": address, "comment": comment}


def _table_rows(
    file: pathlib.Path, column: str | None, report: Callable[[str], None]
) -> Iterator[tuple[int, dict[str, str]]]:
    place: str | None = None
    for line, cells in read_cells(file, report):
        if place is None:
            wanted = (column.strip().lower(),) if column else _ADDRESS
            place = next((name for name in wanted if name in cells), None)
            if place is None:
                there = ", ".join(cells) or "none"
                raise click.UsageError(f"{file} has no column {' or '.join(wanted)}; there are: {there}. Use --column.")
        yield line, {**{name: cells.get(name, "") for name in _COLUMNS}, "address": cells.get(place, "")}


def _entry(cells: dict[str, str], *, read: Normalize, by: str, reason: str) -> Suppressed:
    address = canonical(cells["address"], read)
    if "comment" in cells:
        entry = Suppressed.of_comment(address, cells["comment"])
        return Suppressed(address, entry.added or _now(), entry.by or by, entry.reason or reason)
    try:
        added = datetime.datetime.fromisoformat(cells["added"]) if cells["added"] else _now()
    except ValueError:
        raise ValueError("added is no date: write 2026-12-31 or 2026-12-31T09:30:00Z.") from None
    added = added if added.tzinfo else added.replace(tzinfo=datetime.UTC)
    return Suppressed(address, added, cells["by"] or by, cells["reason"] or reason)


@suppress.command("export", epilog=examples("notifykit suppress export -o opted-out.csv"))
@click.option("-o", "--output", metavar="FILE", default="-", help="The file; - is standard output.")
@common
def export(output: str, as_json: bool) -> int:
    """Write the list as CSV, with numbers in clear: address, added, by, reason. Only its owner can read the file."""
    with _list() as (found, _):
        entries = [_document(entry, clear=True) for entry in found.entries()]
    rows: list[Sequence[Any]] = [_COLUMNS, *([entry[name] for name in _COLUMNS] for entry in entries)]
    if output == "-":
        text = io.StringIO()
        write_csv(text, rows)
        return print_answer("suppress export", {"entries": entries}, text.getvalue().splitlines(), as_json=as_json)
    try:
        write_results(pathlib.Path(output), rows)
    except (OSError, TableError) as error:
        raise click.UsageError(f"{output} can't be written: {getattr(error, 'strerror', None) or error}.") from None
    if not as_json:
        note(f"{output}: {_addresses(len(entries))}", "good")
    return print_answer("suppress export", {"file": output, "count": len(entries)}, as_json=as_json)
