"""``send --durable``: the send becomes a job on disk, sent by this process or by workers."""

from __future__ import annotations

import datetime
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import attrs
import click

from notifykit.cli.dry_run import load_settings
from notifykit.cli.exit_codes import Exit
from notifykit.cli.options import option_group
from notifykit.cli.output import ProgressBar, note, print_json, print_line, warn
from notifykit.cli.progress import watch_job
from notifykit.cli.results import SendResults, show_edits
from notifykit.models.capabilities import Capabilities
from notifykit.models.job import JobState, Progress
from notifykit.models.message import Edit
from notifykit.pipeline.notifier import Notifier
from notifykit.protocols.engine import Job
from notifykit.settings.dsn import Dsn
from notifykit.settings.fields import duration

_TIME_OF_DAY: Final = re.compile(r"(?:(today|tomorrow)\s+)?([01]?[0-9]|2[0-3]):([0-5][0-9])", re.IGNORECASE)
_DAY: Final = datetime.timedelta(days=1)
#: So many message ids of a job are shown: one whose texts differ has one for each recipient.
_MOST_IDS: Final = 20

#: The options that make a send a job.
durable_options: Final = option_group(
    click.option("--durable", is_flag=True, help="Keep the send on disk first, so that it outlives this process."),
    click.option("--key", metavar="KEY", help="Your name for the job: given again, it is the same job."),
    click.option("--at", metavar="TIME", help="When a job may begin: 2026-12-01T09:00+03:00, 09:00, tomorrow 9:00."),
    click.option("--expires-in", metavar="TIME", help="How long after that it may be sent: 90s, 30m, 2h, 1d."),
    click.option("--urgent", is_flag=True, help="Let a job go ahead of others; those of up to ten recipients do."),
)


@attrs.frozen
class JobOptions:
    """The options of a send that is a job."""

    #: The job's key.
    key: str
    #: When it may begin; None for now.
    at: datetime.datetime | None
    #: Seconds after that in which it may be sent; None for ever.
    expires_in: float | None
    #: Whether it goes ahead of others; None lets the number of recipients decide.
    urgent: bool | None

    def require_future(self) -> None:
        """Raise if the job should begin in the past: another day was meant.

        :raises click.UsageError: with what to write.
        """
        if self.at is not None and self.at <= datetime.datetime.now(datetime.UTC):
            raise click.UsageError(f"--at: {self.at:%Y-%m-%d %H:%M %z} is over: give a time to come, or leave it out.")


def job_options(
    options: Mapping[str, Any], now: datetime.datetime, zone: datetime.tzinfo | None = None
) -> JobOptions | None:
    """Return the options of the job; None if the send is no job.

    :param options: what was typed.
    :param now: the present moment, with a zone.
    :param zone: the zone of a time that names none; None for this machine's.
    :raises click.UsageError: if they don't go together, or can't be understood.
    """
    if not options["durable"]:
        given = [name for name in ("key", "at", "expires_in", "urgent") if options[name]]
        if given:
            names = " and ".join(f"--{name.replace('_', '-')}" for name in given)
            raise click.UsageError(f"{names} {'is' if len(given) == 1 else 'are'} about a job: add --durable.")
        return None
    if options["deadline"] is not None:
        raise click.UsageError("--deadline is for a send that ends with this process: a job has --expires-in.")
    if options["via"] is not None and not Dsn.parse(options["via"]).is_name:
        raise click.UsageError(
            "--via: a job keeps no address and no password of a transport. Give it a name below "
            "[tool.notifykit.transports] in the settings, and name that."
        )
    return JobOptions(
        key=options["key"] or f"{now.astimezone(datetime.UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}",
        at=None if options["at"] is None else parse_time(options["at"], now, zone),
        expires_in=read_duration("--expires-in", options["expires_in"]),
        urgent=options["urgent"] or None,
    )


def read_duration(option: str, text: str | None) -> float | None:
    """Return the seconds that an option says; None where it was not given.

    :raises click.UsageError: if it is no time.
    """
    try:
        return None if text is None else duration(text)
    except ValueError as error:
        raise click.UsageError(f"{option}: {text!r} {error}.") from None


def parse_time(text: str, now: datetime.datetime, zone: datetime.tzinfo | None = None) -> datetime.datetime:
    """Return a date with a time, the next time of day, or one of today or tomorrow.

    :param zone: the zone of a time that names none; None for this machine's.
    :raises click.UsageError: if it is none of them.
    """
    text = text.strip()
    local = now.astimezone(zone).replace(tzinfo=None)
    clock = _TIME_OF_DAY.fullmatch(text)
    if clock:
        day = (clock[1] or "").lower()
        found = local.replace(hour=int(clock[2]), minute=int(clock[3]), second=0, microsecond=0)
        later = day == "tomorrow" or (not day and found <= local)
        return _in_zone(found + _DAY if later else found, zone)
    try:
        found = datetime.datetime.fromisoformat(text)
        if len(text) <= len("2026-12-01"):
            raise ValueError("it is a day without a time")
    except ValueError:
        message = (
            f"--at: {text!r} is no time: write 2026-12-01T09:00+03:00, or 09:00 for the next one, or tomorrow 9:00."
        )
        raise click.UsageError(message) from None
    return found if found.tzinfo else _in_zone(found, zone)


def _in_zone(wall: datetime.datetime, zone: datetime.tzinfo | None) -> datetime.datetime:
    return wall.replace(tzinfo=zone) if zone else wall.astimezone()


def show_time(moment: datetime.datetime, zone: datetime.tzinfo | None = None) -> str:
    """Return a time in a zone, and behind it that of this machine where it is another one."""
    here, there = moment.astimezone(), moment.astimezone(zone)
    shown = f"{there:%Y-%m-%d %H:%M} {zone or there.tzname()}"
    return shown if here.utcoffset() == there.utcoffset() else f"{shown} (here {here:%Y-%m-%d %H:%M %Z})"


def earlier_progress(notifier: Notifier, options: JobOptions) -> Progress | None:
    """Return how far the job is, and say that it is there already; None where it is new.

    :raises click.UsageError: if a new one should begin in the past.
    """
    try:
        before = notifier.job(options.key).progress()
    except KeyError:
        options.require_future()
        return None
    created = f"{before.created:%Y-%m-%d %H:%M:%S} UTC"
    note(f"Job {options.key} already exists (created {created}): nothing is sent twice.")
    return before


def job_results(job: Job) -> SendResults:
    """Count the receipts of a job, in constant memory."""
    results = SendResults(most_ids=_MOST_IDS)
    latest: datetime.datetime | None = None
    balance: float | None = None
    for receipt in job.receipts():
        results.add(receipt)
        for attempt in receipt.attempts:
            reported = attempt.submission.balance if attempt.submission else None
            # Batches are sent concurrently: the latest answer has the balance, wherever it is in the list.
            if reported is not None and (latest is None or attempt.started > latest):
                latest, balance = attempt.started, reported
    results.cost, results.balance = job.progress().cost, balance
    return results


def finish_job(
    notifier: Notifier,
    job: Job,
    capabilities: Capabilities,
    *,
    clear: bool,
    show: bool,
    as_json: bool,
    edits: Sequence[Edit] = (),
    command: str = "send",
    more: Mapping[str, Any] | None = None,
    look: Callable[[Progress], None] | None = None,
) -> int:
    """Send a job here until it is finished, if this process may send, and show the results.

    :param notifier: has the job.
    :param capabilities: those of the transport that the job is sent through.
    :param edits: what cleaning changes in the text.
    :param clear: whether numbers are shown in clear.
    :param show: whether to show the progress.
    :param command: the name of the command in its JSON document.
    :param more: what else the document says.
    :param look: called with the progress while the job is followed.
    :return: the exit code.
    """
    from notifykit.durable.commands import document, embedded, exit_for

    progress, interrupted = job.progress(), False
    if progress.finished is None and embedded(notifier):
        if progress.state is JobState.SCHEDULED:
            start = show_time(progress.starts, load_settings().zone)
            # With --quiet too: who waits without a word is interrupted.
            warn(f"It begins at {start}, and is sent here: leave this running.")
        notifier.work()
        progress, interrupted = watch_job(job, ProgressBar(progress.total, show=show), look=look)
    results = job_results(job) if progress.finished is not None else None
    if results is not None and results.done < progress.total:
        results = None  # its addresses are deleted: only the totals are known
    code: int = Exit.INTERRUPTED if interrupted else results.exit_code if results else exit_for(progress)
    if as_json:
        data = document(progress) | {"interrupted": interrupted, "edits": edits} | dict(more or {})
        print_json(command, data, capabilities.notices, ok=code == Exit.OK, error=results.error if results else None)
    else:
        print_line(f"job       {progress}")
        show_edits(edits)
        if results:
            results.show(capabilities.unit, clear=clear)
    _show_next(progress, interrupted=interrupted)
    return code


def _show_next(progress: Progress, *, interrupted: bool) -> None:
    key = progress.key
    if progress.unknown:
        decide = f"notifykit jobs settle {key} --unknown as-sent|resend"
        note(f"Look at the provider's side for who may have been sent to, then: {decide}")
    if interrupted:
        warn(f"Interrupted: what is left is on disk. Next: notifykit jobs resume {key}")
    elif progress.state is JobState.PAUSED:
        why = f" by itself ({progress.reason})" if progress.reason else ""
        warn(f"It is paused{why}. Next: notifykit jobs resume {key}")
    elif progress.finished is None:
        note(f"Workers send it: `notifykit worker` runs one, `notifykit jobs {key}` says how far it is.")
