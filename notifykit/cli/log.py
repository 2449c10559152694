"""``notifykit log``: the entries of the JSONL log, newest at the end, and counts of them."""

from __future__ import annotations

import collections
import datetime
import pathlib
import shlex
import sys
import time
from typing import Final

import click

from notifykit.analytics.totals import DIMENSIONS
from notifykit.cli.dry_run import load_settings, plugin_host
from notifykit.cli.exit_codes import Exit
from notifykit.cli.log_reader import LogEntry, LogReader
from notifykit.cli.log_report import write_report
from notifykit.cli.log_stats import count, show_stats
from notifykit.cli.options import command_group, common, examples, global_options, option_group
from notifykit.cli.output import (
    CommandError,
    is_read,
    note,
    plural,
    print_answer,
    print_json,
    print_json_line,
    print_line,
    warn,
)
from notifykit.report.words import LANGUAGES
from notifykit.settings.fields import duration
from notifykit.settings.files import STREAMS

#: Seconds between two looks at a file that is followed.
_POLL: Final = 0.25


def _since(ctx: click.Context, param: click.Parameter, value: str | None) -> datetime.datetime | None:
    """Return the time that ``1h``, ``7d`` or a date means."""
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
_file_option: Final = click.option("--file", "file", metavar="FILE", help="The log; else the one of the settings.")
_total_options: Final = option_group(
    _since_option,
    click.option(
        "--file", "files", multiple=True, metavar="FILE", help="A log; may be repeated. Else that of the settings."
    ),
)


log: Final = command_group(
    "log",
    "Read the JSONL log, and that of the kwtSMS client. Numbers are redacted, texts are not shown.",
    "Say what to read: log tail, log show ID, log stats, log report or log prune.",
    examples("notifykit log tail", "notifykit log stats", "notifykit log report -o june.html"),
)


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
def tail(
    follow: bool, lines: int, errors: bool, since: datetime.datetime | None, file: str | None, as_json: bool
) -> int:
    """Show the last entries; with -f those that are being written, one JSON object a line with --json.

    Only what became of messages, unless -v or --json asks for every row.
    """
    reader = _reader(file, may_be_missing=follow)
    every = as_json or global_options().verbose

    def wanted(entry: LogEntry) -> bool:
        return _is_recent(entry, since) and (entry.is_error or not errors) and (every or entry.is_result)

    found = filter(wanted, reader.entries())
    last = found if since else collections.deque(found, lines)
    if as_json and not follow:
        print_json("log", [entry.as_document() for entry in last], _warnings(reader))
        return Exit.OK
    for entry in last:
        _show(entry, as_json=as_json)
    for warning in _warnings(reader):
        warn(f"warning: {warning}")
    while follow and is_read(sys.stdout):
        time.sleep(_POLL)
        for entry in filter(wanted, reader.new_entries()):
            _show(entry, as_json=as_json)
    return Exit.OK


@log.command("show", epilog=examples("notifykit log show f4c841adee210f31", "notifykit log show f4c841ad --json"))
@click.argument("id", metavar="ID")
@_file_option
@common
def show(id: str, file: str | None, as_json: bool) -> int:
    """Show everything about one message; ID is the message's, or the provider's, or its first characters."""
    reader = _reader(file)
    named = [
        entry for entry in reader.entries() if any(str(i).startswith(id) for i in (entry.id, entry.message_id) if i)
    ]
    ids = {entry.id or entry.message_id for entry in named}
    # Delivery reports have the provider's id only.
    provider_ids = {entry.message_id for entry in named if entry.message_id}
    found = [
        entry
        for entry in reader.entries()
        if (entry.id or entry.message_id) in ids or (entry.state is not None and entry.message_id in provider_ids)
    ]
    if not found:
        then = "notifykit log tail" + (f" --file {shlex.quote(file)}" if file else "")
        raise CommandError(f"No entry has the id {id!r}.", Exit.FAILED, then)
    documents = [entry.as_document() for entry in found]
    return print_answer("log", documents, map(_line, found), _warnings(reader) if as_json else (), as_json=as_json)


@log.command(
    "stats",
    epilog=examples(
        "notifykit log stats",
        "notifykit log stats --by code --since 7d",
        "notifykit log stats --by sender --csv > june.csv",
    ),
)
@click.option("--by", type=click.Choice(DIMENSIONS), default="day", show_default=True, help="What to count by.")
@click.option("--csv", "as_csv", is_flag=True, help="Print a table for spreadsheets.")
@click.option("--xlsx", metavar="FILE", help="Write an Excel workbook instead.")
@_total_options
@common
def stats(
    by: str,
    as_csv: bool,
    xlsx: str | None,
    since: datetime.datetime | None,
    files: tuple[str, ...],
    as_json: bool,
) -> int:
    """Count messages by how they ended, and what they cost. Tests are counted apart.

    Days and hours are those of the setting zone. A message that was tried again is counted once.
    """
    if as_json + as_csv + bool(xlsx) > 1:
        raise click.UsageError("Choose one of --json, --csv and --xlsx.")
    counted = count([_reader(file).path for file in files or (None,)], load_settings().zone, since)
    return show_stats(counted, by, as_json=as_json, as_csv=as_csv, workbook=xlsx)


@log.command(
    "report",
    epilog=examples(
        "notifykit log report -o june.html --since 2026-06-01", "notifykit log report -o june.html --lang ar"
    ),
)
@click.option("-o", "--output", metavar="FILE", required=True, help="The HTML file to write; - is standard output.")
@click.option("--lang", type=click.Choice(LANGUAGES), default="en", show_default=True, help="The language of the page.")
@click.option("--show-numbers", is_flag=True, help="Show numbers as the log has them.")
@_total_options
@common
def report(
    output: str,
    lang: str,
    show_numbers: bool,
    since: datetime.datetime | None,
    files: tuple[str, ...],
    as_json: bool,
) -> int:
    """Write a report of the log: one HTML file without scripts, for the screen and for paper."""
    counted = count([_reader(file).path for file in files or (None,)], load_settings().zone, since)
    return write_report(counted, output, lang, show_numbers=show_numbers, as_json=as_json)


@log.command("prune", epilog=examples("notifykit log prune --older 90d --dry-run", "notifykit log prune --older 90d"))
@click.option("--older", metavar="AGE", required=True, callback=_since, help="30d, 12w, or a date.")
@click.option("--dry-run", is_flag=True, help="Only say which files would be deleted.")
@_file_option
@common
def prune(older: datetime.datetime, dry_run: bool, file: str | None, as_json: bool) -> int:
    """Delete renamed log files whose last row is older than that. The file that is written to is never touched."""
    reader = _reader(file)
    found = [path for path in reader.files() if path != reader.path and _modified(path) < older]
    if not dry_run:
        for path in found:
            path.unlink(missing_ok=True)
    lines = [f"{'would delete' if dry_run else 'deleted'} {path}" for path in found] or ["nothing to delete"]
    print_answer("log", {"deleted": list(map(str, found)), "dry_run": dry_run}, lines, as_json=as_json)
    first = None if as_json else next((entry.at for entry in reader.entries() if entry.at), None)
    if first is not None and first < older:
        note("Older rows are left: files are deleted whole. Set NOTIFYKIT_LOG_SIZE to have smaller ones.")
    return Exit.OK


def _modified(path: pathlib.Path) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(path.stat().st_mtime, datetime.UTC)


def _reader(file: str | None, *, may_be_missing: bool = False) -> LogReader:
    """Return the reader of the log: the one that was named, that of the settings, or that of a plugin's settings."""
    readers = [LogReader(pathlib.Path(name)) for name in ([file] if file else _log_files())]
    for reader in readers:
        if reader.files():
            return reader
    if readers and may_be_missing:
        return readers[0]
    missing = f"{', '.join(str(reader.path) for reader in readers)} is not there" if readers else "no log is set up"
    raise click.UsageError(f"{missing}: give --file, or set NOTIFYKIT_LOG_FILE to have one written.")


def _log_files() -> list[str]:
    settings = load_settings()
    names = [settings.log_file]
    for about in plugin_host().about().values():
        fields = [field for field in about.fields if field.name == "log_file"]
        values, _ = settings.sources.resolve(fields, about.section)
        names += [value.value for value in values.values()]
    return [name for name in names if name and name not in STREAMS]


def _is_recent(entry: LogEntry, since: datetime.datetime | None) -> bool:
    return since is None or (entry.at is not None and entry.at >= since)


def _show(entry: LogEntry, *, as_json: bool) -> None:
    if as_json:
        print_json_line(entry.as_document())
    else:
        print_line(*_line(entry))


def _line(entry: LogEntry) -> tuple[str, str | None]:
    return str(entry), "bad" if entry.is_error else None


def _warnings(reader: LogReader) -> list[str]:
    return [f"{plural(reader.torn, 'line')} could not be read"] if reader.torn else []
