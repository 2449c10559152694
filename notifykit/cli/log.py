"""``notifykit log``: what the JSONL log says, newest at the end."""

from __future__ import annotations

import collections
import datetime
import pathlib
import shlex
import sys
import time
from collections.abc import Iterable
from typing import Final

import click

from notifykit.cli.envelope import answer, row
from notifykit.cli.exits import Exit
from notifykit.cli.logbook import Entry, Logbook
from notifykit.cli.manner import common, examples, manner
from notifykit.cli.rehearsal import load_settings
from notifykit.cli.stats import KEYS, Tally, tally
from notifykit.cli.terminal import answer_line, is_read, warn
from notifykit.cli.wording import counted
from notifykit.plugins import PluginHost
from notifykit.settings.fields import duration

#: Seconds between two looks at a file that is followed.
_PAUSE: Final = 0.25
_BAR: Final = 20

_file_option: Final = click.option("--file", "file", metavar="FILE", help="The log; else the one of the settings.")


def _since(ctx: click.Context, param: click.Parameter, value: str | None) -> datetime.datetime | None:
    """Read ``1h``, ``7d`` or a date as the moment from when on."""
    if value is None:
        return None
    try:
        if value[-1:].isalpha() and value[-1:] not in "zZ":
            return datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=duration(value))
        moment = datetime.datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is no age like 1h or 7d, and no date like 2026-03-04") from None
    return moment if moment.tzinfo else moment.astimezone()


_since_option: Final = click.option(
    "--since", callback=_since, metavar="AGE", help="From then on: 30m, 1h, 7d, or a date."
)


class NoSuchEntry(click.ClickException):
    """No entry of the log has this id."""

    exit_code = Exit.FAILED

    def __init__(self, id: str, file: str | None) -> None:
        super().__init__(f"No entry has the id {id!r}.")
        #: What to type next.
        self.following = "notifykit log tail" + (f" --file {shlex.quote(file)}" if file else "")


@click.group("log", invoke_without_command=True, epilog=examples("notifykit log tail", "notifykit log stats"))
@common
@click.pass_context
def log(ctx: click.Context, as_json: bool) -> None:
    """Read the JSONL log, and that of the kwtSMS client. Numbers are redacted, texts are not shown."""
    if ctx.invoked_subcommand is None:
        raise click.UsageError("Say what to read: log tail, log show ID or log stats.")


@log.command(
    "tail", epilog=examples("notifykit log tail", "notifykit log tail -f --errors", "notifykit log tail --since 1h")
)
@click.option("-f", "--follow", is_flag=True, help="Wait for more, until Ctrl-C.")
@click.option(
    "-n", "--lines", type=click.IntRange(min=1), default=20, show_default=True, help="How many to begin with."
)
@click.option("--errors", is_flag=True, help="Only what went wrong.")
@_since_option
@_file_option
@common
@click.pass_context
def tail(
    ctx: click.Context,
    follow: bool,
    lines: int,
    errors: bool,
    since: datetime.datetime | None,
    file: str | None,
    as_json: bool,
) -> int:
    """Show the last entries; with -f those that are being written, one JSON object a line with --json.

    Only what became of messages, unless -v or --json asks for every row.
    """
    book = _book(ctx, file, may_come=follow)
    every = as_json or manner().verbose
    wanted = (entry for entry in book.entries() if _fits(entry, since, errors=errors) and (every or entry.matters))
    last = wanted if since else collections.deque(wanted, lines)
    if as_json and not follow:
        answer("log", [entry.as_document() for entry in last], _torn(book))
        return Exit.OK
    for entry in last:
        _show(entry, as_json=as_json)
    _warn(book)
    while follow and is_read(sys.stdout):
        time.sleep(_PAUSE)
        for entry in book.news():
            if _fits(entry, since, errors=errors) and (every or entry.matters):
                _show(entry, as_json=as_json)
    return Exit.OK


@log.command("show", epilog=examples("notifykit log show f4c841adee210f31", "notifykit log show f4c841ad --json"))
@click.argument("id", metavar="ID")
@_file_option
@common
@click.pass_context
def show(ctx: click.Context, id: str, file: str | None, as_json: bool) -> int:
    """Show everything about one message; ID is the message's, or the provider's, or its first characters."""
    book = _book(ctx, file)
    about = [entry for entry in book.entries() if _is_about(entry, id)]
    ids = {entry.id or entry.message_id for entry in about}
    # What was heard later knows the provider's id only.
    theirs = {entry.message_id for entry in about if entry.message_id}
    found = [
        entry
        for entry in book.entries()
        if (entry.id or entry.message_id) in ids or (entry.state is not None and entry.message_id in theirs)
    ]
    if not found:
        raise NoSuchEntry(id, file)
    if as_json:
        answer("log", [entry.as_document() for entry in found], _torn(book))
    for entry in found if not as_json else ():
        _show(entry, as_json=False)
    return Exit.OK


@log.command("stats", epilog=examples("notifykit log stats", "notifykit log stats --by code --since 7d"))
@click.option("--by", type=click.Choice(sorted(KEYS)), default="day", show_default=True, help="What to count by.")
@_since_option
@_file_option
@common
@click.pass_context
def stats(ctx: click.Context, by: str, since: datetime.datetime | None, file: str | None, as_json: bool) -> int:
    """Count messages by how they ended, and what they cost. Tests are counted apart."""
    book = _book(ctx, file)
    entries: Iterable[Entry] = (entry for entry in book.entries() if _fits(entry, since, errors=False))
    tallies = tally(entries, KEYS[by])
    if as_json:
        rows = [{by: name, **counts.as_document()} for name, counts in tallies.items()]
        answer("log", {"by": by, "rows": rows}, _torn(book))
        return Exit.OK
    _table(by, tallies)
    _warn(book)
    return Exit.OK


def _table(by: str, tallies: dict[str, Tally]) -> None:
    if not tallies:
        answer_line("nothing was sent")
        return
    most = max(counts.messages for counts in tallies.values())
    width = max(len(by), *map(len, tallies))
    head = ("messages", "accepted", "rejected", "unknown", "skipped", "test", "cost")
    answer_line(f"{by.ljust(width)}  {'  '.join(name.rjust(8) for name in head)}", "strong")
    for name, counts in tallies.items():
        document = counts.as_document()
        cells = "  ".join(f"{document[column]:>8g}" for column in head)
        bar = "█" * max(1, round(_BAR * counts.messages / most))
        answer_line(f"{name.ljust(width)}  {cells}  {bar}")


def _book(ctx: click.Context, file: str | None, *, may_come: bool = False) -> Logbook:
    """Return the log: the one that was named, that of the settings, or that of a plugin's settings."""
    candidates = [pathlib.Path(file)] if file else [pathlib.Path(name) for name in _log_files(ctx)]
    for path in candidates:
        book = Logbook(path)
        if book.files():
            return book
    if candidates and may_come:
        return Logbook(candidates[0])
    named = f"{', '.join(map(str, candidates))} is not there" if candidates else "no log is set up"
    raise click.UsageError(f"{named}: give --file, or set NOTIFYKIT_LOG_FILE to have one written.")


def _log_files(ctx: click.Context) -> list[str]:
    settings = load_settings()
    names = [settings.log_file]
    for about in ctx.ensure_object(PluginHost).about().values():
        fields = [field for field in about.fields if field.name == "log_file"]
        values, _ = settings.sources.resolve(fields, about.section)
        names += [value.value for value in values.values()]
    return [name for name in names if name]


def _fits(entry: Entry, since: datetime.datetime | None, *, errors: bool) -> bool:
    recent = since is None or (entry.at is not None and entry.at >= since)
    return recent and (not errors or entry.is_error)


def _is_about(entry: Entry, id: str) -> bool:
    return any(name is not None and name.startswith(id) for name in (entry.id, entry.message_id))


def _show(entry: Entry, *, as_json: bool) -> None:
    if as_json:
        row(entry.as_document())
    else:
        answer_line(str(entry), "bad" if entry.is_error else None)


def _torn(book: Logbook) -> list[str]:
    return [f"{counted(book.torn, 'line')} could not be read"] if book.torn else []


def _warn(book: Logbook) -> None:
    for warning in _torn(book):
        warn(f"warning: {warning}")
