"""``notifykit log stats``: what became of messages and what they cost, on one screen, or as JSON, CSV or Excel."""

from __future__ import annotations

import collections
import csv
import datetime
import io
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import click

from notifykit.analytics import LogFiles, Totals, find_files
from notifykit.analytics.counts import OUTCOMES, Counts
from notifykit.analytics.parallel import count_files
from notifykit.analytics.totals import NO_DATE
from notifykit.campaigns.files import TableError
from notifykit.campaigns.results import write_workbook
from notifykit.cli.dry_run import provider_codes
from notifykit.cli.exit_codes import Exit
from notifykit.cli.options import unreadable
from notifykit.cli.output import note, plural, print_json, print_line, print_text, table_lines, warn
from notifykit.redaction import one_line

_BAR: Final = 24
#: Rows of a table that one screen shows; --json, --csv and --xlsx have all of them.
_SHOWN: Final = 40
#: Destinations with sudden traffic that one screen shows.
_ALARMS: Final = 3
_COLUMNS: Final = ("messages", *OUTCOMES, "test", "cost")
#: With these a spreadsheet takes a cell for a formula.
_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")


def count(paths: Sequence[pathlib.Path], zone: datetime.tzinfo | None, since: datetime.datetime | None) -> Counted:
    """Count the logs, each with its rotated files.

    :raises click.UsageError: where a file can't be read.
    """
    files = LogFiles(list(dict.fromkeys(file for path in paths for file in find_files(path))))
    try:
        return Counted(count_files(files, zone, since), files)
    except OSError as error:
        raise unreadable(str(error.filename or paths[0]), error) from None


class Counted:
    """The totals of logs, and what could not be read of them."""

    def __init__(self, totals: Totals, files: LogFiles) -> None:
        #: What was counted.
        self.totals = totals
        #: The files that were read.
        self.files = files

    @property
    def warnings(self) -> list[str]:
        """What is missing from the totals, in words."""
        words = [f"{plural(self.files.torn, 'line')} could not be read"] if self.files.torn else []
        if self.totals.foreign:
            words.append(f"{plural(self.totals.foreign, 'row')} of another program left out")
        return words + self.totals.bounds


def show_stats(counted: Counted, by: str, *, as_json: bool, as_csv: bool, workbook: str | None) -> int:
    """Print the counts, or write them to a workbook.

    :raises click.UsageError: where the workbook can't be written.
    """
    totals = counted.totals
    rows = totals.tables[by].sorted()
    if as_json:
        print_json("log", document(totals, by, rows), counted.warnings)
        return Exit.OK
    table = [(by, *_COLUMNS), *((name, *counts.as_document().values()) for name, counts in rows.items())]
    if workbook:
        try:
            write_workbook(pathlib.Path(workbook), table, name="log")
        except TableError:
            message = "An Excel workbook needs openpyxl: pip install 'notifykit[xlsx]', or use --csv."
            raise click.UsageError(message) from None
        except OSError as error:
            raise unwritable(workbook, error) from None
        note(f"{workbook}: {plural(len(rows), 'row')}")
    elif as_csv:
        print_text(_csv(table))
    else:
        _show(totals, by, rows)
    for warning in counted.warnings:
        warn(f"warning: {warning}")
    return Exit.OK


def document(totals: Totals, by: str, rows: Mapping[str, Counts]) -> dict[str, Any]:
    """Return what ``--json`` prints."""
    latency = {f"p{share}": totals.latency.quantile(share / 100) for share in (50, 95, 99)}
    return {
        "by": by,
        "rows": [{by: name, **counts.as_document()} for name, counts in rows.items()],
        "codes": {name: totals.codes[name] for name in ("sent", "resent", "verified", "blocked", "failed")},
        "delivery": {state: count for state, count in sorted(totals.delivery.items()) if count},
        "retries": totals.retries,
        "latency_ms": {name: value and round(value, 1) for name, value in latency.items()},
        "delivery_seconds": _delivery_seconds(totals),
        "scopes": _scopes(totals),
        "radar": [
            {
                "destination": one.name,
                "messages": one.messages,
                "median": one.median,
                "limit": one.limit,
                "alarms": [{"hour": f"{hour}:00Z", "messages": one.hours[hour]} for hour in one.alarms],
            }
            for one in totals.radar.destinations(totals.span)
        ],
        "from": totals.span and f"{totals.span[0]}Z",
        "to": totals.span and f"{totals.span[1]}Z",
    }


def _delivery_seconds(totals: Totals) -> dict[str, float | None]:
    curve = totals.deliveries.curve(f"{totals.span[1]}Z") if totals.span else None
    found = {share: curve.quantile(share / 100) if curve else None for share in (50, 90, 95)}
    return {f"p{share}": seconds and round(seconds, 2) for share, seconds in found.items()}


def _scopes(totals: Totals) -> dict[str, int]:
    """Return how many live messages failed, by what the errors are about; ``other`` where rows do not say."""
    known = provider_codes()
    found: collections.Counter[str] = collections.Counter()
    for name, counts in totals.tables["scope"].rows.items():
        about = name[len(NO_DATE if name.startswith(NO_DATE) else "2026-06-01") + 1 :]
        if about.startswith("?"):
            about = known[about[1:]].scope.value if about[1:] in known else "other"
        if about != "none":
            found[about] += counts.live.total()
    return {about: count for about, count in sorted(found.items()) if count}


def _show(totals: Totals, by: str, counts: Mapping[str, Counts]) -> None:
    if not counts:
        print_line("nothing was sent")
        return
    shown = dict(list(counts.items())[-_SHOWN:])
    most = max(1, *(group.messages for group in shown.values()))
    rows = [(by, *(f"{name:>8}" for name in _COLUMNS), "")]
    for name, group in shown.items():
        figures = group.as_document()
        bar = "█" * round(_BAR * group.messages / most) or "▏"
        rows.append((name, *(f"{figures[column]:>8g}" for column in _COLUMNS), bar))
    head, *lines = table_lines(rows)
    print_line(head, "strong")
    for line in lines:
        print_line(line)
    if len(shown) < len(counts):
        note(f"{len(counts) - len(shown)} rows before these are left out: --csv and --json have all of them.")
    _show_rest(totals)
    if by == "tag":
        note("A message with several tags is in several rows.")


def _show_rest(totals: Totals) -> None:
    if sent := totals.codes["sent"]:
        verified = totals.codes["verified"]
        print_line(f"one-time codes: {sent} sent, {verified} verified ({verified / sent:.0%})")
    if totals.retries:
        print_line(f"tried again: {plural(totals.retries, 'message')}, each counted once")
    half, most = totals.latency.quantile(0.5), totals.latency.quantile(0.95)
    if half is not None and most is not None:
        print_line(f"the requests of the messages took {half:.0f} ms (median), {most:.0f} ms (95 %)")
    if scopes := _scopes(totals):
        print_line(f"errors about: {', '.join(f'{about} {count}' for about, count in scopes.items())}")
    times = _delivery_seconds(totals)
    if times["p50"] is not None:
        late = "" if times["p95"] is None else f", {times['p95']:g} s (95 %)"
        print_line(f"delivered within {times['p50']:g} s (median){late}")
    for one in totals.radar.destinations(totals.span)[:_ALARMS]:
        for hour in one.alarms[:1]:
            more = f", and {plural(len(one.alarms) - 1, 'hour')} more" if len(one.alarms) > 1 else ""
            what = f"{plural(one.hours[hour], 'message')} at {hour.replace('T', ' ')}:00 UTC"
            print_line(f"sudden traffic to {one.name}: {what}, where {one.limit:g} are usual at most{more}", "bad")


def safe_cell(value: Any) -> Any:
    """Return a value of a table so that no spreadsheet takes it for a formula."""
    if not isinstance(value, str):
        return value
    return f"'{one_line(value)}" if value.startswith(_FORMULAS) else one_line(value)


def _csv(table: Sequence[Sequence[Any]]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows([[safe_cell(cell) for cell in row] for row in table])
    return written.getvalue().removesuffix("\n")


def unwritable(file: str, error: OSError) -> click.UsageError:
    """Return the error for a file that can't be written."""
    reason = error.strerror or type(error).__name__
    return click.UsageError(f"{file} can't be written ({reason}): name a file in a folder that exists.")
