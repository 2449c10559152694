"""``send --durable``: the send becomes a job on disk, which is sent here or by workers."""

from __future__ import annotations

import datetime
import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import attrs
import click

from notifykit.cli.envelope import answer
from notifykit.cli.exits import Exit
from notifykit.cli.outcomes import Outcomes
from notifykit.cli.terminal import Progress as Bar, answer_line, tell, warn
from notifykit.cli.watching import watch
from notifykit.models.capabilities import Capabilities
from notifykit.models.job import JobState, Progress
from notifykit.pipeline.notifier import Notifier
from notifykit.protocols import Job
from notifykit.settings.dsn import Dsn
from notifykit.settings.fields import duration

_Function = TypeVar("_Function", bound=Callable[..., Any])

_TIME_OF_DAY: Final = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")

_OPTIONS: Final = (
    click.option("--durable", is_flag=True, help="Keep the send on disk first, so that it outlives this process."),
    click.option("--key", metavar="KEY", help="Your name for the job: given again, it is the same job."),
    click.option("--at", metavar="TIME", help="When a job may begin: 2026-12-01T09:00+03:00, or the next 09:00."),
    click.option("--expires-in", metavar="TIME", help="How long after that it may be sent: 90s, 30m, 2h, 1d."),
    click.option("--urgent", is_flag=True, help="Let a job go ahead of others; those of up to ten recipients do."),
)


@attrs.frozen
class Wish:
    """What makes a send a job."""

    #: Its name.
    key: str
    #: When it may begin; None for now.
    at: datetime.datetime | None
    #: Seconds after that in which it may be sent; None for ever.
    expires_in: float | None
    #: Whether it goes ahead of others; None lets the number of recipients decide.
    urgent: bool | None

    def insist_on_future(self, now: datetime.datetime) -> None:
        """Raise where it should begin in the past: somebody meant another day.

        :raises click.UsageError: with what to write.
        """
        if self.at is not None and self.at <= now:
            raise click.UsageError(f"--at: {self.at:%Y-%m-%d %H:%M %z} is over: give a time to come, or leave it out.")


def durable_options(function: _Function) -> _Function:
    """Give a command the options that make its send a job."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def wish_of(options: Mapping[str, Any], now: datetime.datetime) -> Wish | None:
    """Return what the options say; None where the send is no job.

    :param options: what was typed.
    :param now: the present moment, with a zone.
    :raises click.UsageError: where they don't go together, or can't be understood.
    """
    if not options["durable"]:
        given = [name for name in ("key", "at", "expires_in", "urgent") if options[name]]
        if given:
            names = " and ".join(f"--{name.replace('_', '-')}" for name in given)
            raise click.UsageError(f"{names} {'is' if len(given) == 1 else 'are'} about a job: add --durable.")
        return None
    if options["deadline"] is not None:
        raise click.UsageError("--deadline is for a send that ends with this process: a job has --expires-in.")
    if options["via"] is not None and not _is_name(options["via"]):
        raise click.UsageError(
            "--via: a job keeps no address and no password of a transport. Give it a name below "
            "[tool.notifykit.transports] in the settings, and name that."
        )
    return Wish(
        key=options["key"] or f"{now.astimezone(datetime.UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}",
        at=None if options["at"] is None else moment(options["at"], now),
        expires_in=None if options["expires_in"] is None else _seconds(options["expires_in"]),
        urgent=options["urgent"] or None,
    )


def moment(words: str, now: datetime.datetime) -> datetime.datetime:
    """Read a moment: a date with a time, or the next time of day. Without a zone it is this machine's time.

    :raises click.UsageError: where it is neither.
    """
    local = now.astimezone().replace(tzinfo=None)
    clock = _TIME_OF_DAY.fullmatch(words.strip())
    if clock:
        found = local.replace(hour=int(clock[1]), minute=int(clock[2]), second=0, microsecond=0)
        return (found if found > local else found + datetime.timedelta(days=1)).astimezone()
    try:
        found = datetime.datetime.fromisoformat(words.strip())
        if len(words.strip()) <= len("2026-12-01"):
            raise ValueError("it is a day without a time")
    except ValueError:
        raise click.UsageError(
            f"--at: {words!r} is no time: write 2026-12-01T09:00+03:00, or 09:00 for the next one."
        ) from None
    return found if found.tzinfo else found.astimezone()


def job_there(notifier: Notifier, key: str) -> Job | None:
    """Return the job that has a key already.

    :raises ConfigError: where jobs can't be kept, with what is missing.
    """
    try:
        return notifier.job(key)
    except KeyError:
        return None


def outcomes_of(job: Job) -> Outcomes:
    """Count what became of each recipient, in memory that grows with the requests only."""
    outcomes = Outcomes()
    heard: datetime.datetime | None = None
    balance: float | None = None
    for receipt in job.receipts():
        outcomes.add(receipt)
        for attempt in receipt.attempts:
            said = attempt.submission.balance if attempt.submission else None
            # Batches are sent side by side: what is left is what was said last, wherever it stands in the list.
            if said is not None and (heard is None or attempt.started > heard):
                heard, balance = attempt.started, said
    progress = job.progress()
    outcomes.cost, outcomes.balance = progress.cost, balance
    return outcomes


def see_through(
    notifier: Notifier, job: Job, capabilities: Capabilities, *, clear: bool, show: bool, as_json: bool
) -> int:
    """Send a job here until it is over, where this process may send, and say what became of it.

    :param notifier: keeps the job.
    :param capabilities: what the transport can do that the job goes through.
    :param clear: whether numbers are shown in clear.
    :param show: whether to show how far it is.
    :return: the exit code.
    """
    from notifykit.durable.commands import document, embedded, exit_for

    progress, interrupted = job.progress(), False
    if progress.finished is None and embedded(notifier):
        if progress.state is JobState.SCHEDULED:
            tell(
                f"It begins at {progress.starts.astimezone():%Y-%m-%d %H:%M %Z}, and is sent here: leave this running."
            )
        notifier.work()
        progress, interrupted = watch(job, Bar(progress.total, show=show))
    outcomes = outcomes_of(job) if progress.finished is not None else None
    if outcomes is not None and outcomes.done < progress.total:
        outcomes = None  # its addresses are forgotten: only the sums are known
    code: int = Exit.INTERRUPTED if interrupted else outcomes.exit_code if outcomes else exit_for(progress)
    if as_json:
        data = document(progress) | {"interrupted": interrupted}
        error = outcomes.error if outcomes else None
        answer("send", data, capabilities.notices, ok=code == Exit.OK, error=error)
    else:
        answer_line(f"job       {progress}")
        if outcomes:
            outcomes.show(capabilities.unit, clear=clear)
    _say_next(progress, interrupted=interrupted)
    return code


def _say_next(progress: Progress, *, interrupted: bool) -> None:
    key = progress.key
    if progress.unknown:
        decide = f"notifykit jobs settle {key} --unknown as-sent|resend"
        tell(f"Look at the provider's side for who may have been sent to, then: {decide}")
    if interrupted:
        warn(f"Interrupted: what is left is on disk. Next: notifykit jobs resume {key}")
    elif progress.state is JobState.PAUSED:
        warn(f"It is paused. Next: notifykit jobs resume {key}")
    elif progress.finished is None:
        tell(f"Workers send it: `notifykit worker` runs one, `notifykit jobs {key}` says how far it is.")


def _is_name(via: str) -> bool:
    return Dsn.parse(via).is_name


def _seconds(words: str) -> float:
    try:
        return duration(words)
    except ValueError as error:
        raise click.UsageError(f"--expires-in: {words!r} {error}.") from None
