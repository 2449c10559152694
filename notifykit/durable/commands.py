"""``notifykit jobs`` and ``notifykit worker``: looking after sends that are kept on disk, and sending them."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from notifykit.cli.exit_codes import Exit
from notifykit.cli.options import common, examples, global_options
from notifykit.cli.output import ProgressBar as Bar, format_duration, note, print_json, print_json_line, print_line
from notifykit.cli.progress import watch_job
from notifykit.errors import ConfigError
from notifykit.models.job import JobState, Progress, Settlement
from notifykit.models.receipt import Outcome
from notifykit.pipeline.notifier import Notifier
from notifykit.plugins import PluginHost
from notifykit.protocols import Job


class Jobs(click.Group):
    """A group whose first word may be a job's key."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Take a word that is no command for the key of a job that is to be shown."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["show", *args]
        return super().resolve_command(ctx, args)


@click.group(
    "jobs",
    cls=Jobs,
    invoke_without_command=True,
    epilog=examples(
        "notifykit jobs",
        "notifykit jobs ramadan-2026",
        "notifykit jobs cancel ramadan-2026",
        "notifykit jobs settle ramadan-2026 --unknown as-sent",
    ),
)
@common
@click.pass_context
def jobs(ctx: click.Context, as_json: bool) -> int:
    """Look after sends that are kept on disk: how far each is, and what becomes of it. Numbers are redacted."""
    if ctx.invoked_subcommand is not None:
        return Exit.OK
    with _notifier(ctx) as notifier:
        found = notifier.jobs()
    if as_json:
        print_json("jobs", [document(progress) for progress in found])
    elif not found:
        note("There are no jobs: notifykit send … --durable makes one.")
    else:
        print_line(f"{'job':<34} {'state':<10} {'total':>9} {'left':>9} {'accepted':>9} {'rejected':>9} {'unknown':>8}")
        for progress in found:
            print_line(_line(progress), _mood(progress))
    return Exit.OK


@jobs.command("show", epilog=examples("notifykit jobs show ramadan-2026"))
@click.argument("key")
@common
@click.pass_context
def show(ctx: click.Context, key: str, as_json: bool) -> int:
    """Show how far one job is, and what to do about it."""
    with _notifier(ctx) as notifier:
        return _shown(_job(notifier, key).progress(), as_json=as_json)


@jobs.command("wait", epilog=examples("notifykit jobs wait ramadan-2026 --timeout 600"))
@click.argument("key")
@click.option("--timeout", type=float, metavar="SECONDS", help="The most seconds to wait; else as long as it takes.")
@common
@click.pass_context
def wait(ctx: click.Context, key: str, timeout: float | None, as_json: bool) -> int:
    """Wait until every recipient has an outcome."""
    with _notifier(ctx) as notifier:
        try:
            progress = _job(notifier, key).wait(timeout)
        except TimeoutError as error:
            raise click.ClickException(str(error)) from None
        return _shown(progress, as_json=as_json)


@jobs.command("receipts", epilog=examples("notifykit jobs receipts ramadan-2026 --outcome unknown"))
@click.argument("key")
@click.option("--outcome", type=click.Choice([str(o) for o in Outcome]), help="Only those that ended like this.")
@click.option("--numbers", is_flag=True, help="Show the addresses in clear: whoever reads this can see them.")
@common
@click.pass_context
def receipts(ctx: click.Context, key: str, outcome: str | None, numbers: bool, as_json: bool) -> int:
    """Show what became of each recipient, one a line; with --json one document a line."""
    with _notifier(ctx) as notifier:
        for receipt in _job(notifier, key).receipts():
            if outcome is not None and receipt.outcome != outcome:
                continue
            to = receipt.to if numbers else str(receipt.recipient)
            if as_json:
                facts = {"outcome": receipt.outcome, "code": receipt.code, "message_id": receipt.message_id}
                print_json_line({"position": receipt.position, "to": to, **facts, "advice": receipt.advice})
            else:
                why = str(receipt.error.detail if receipt.error else receipt.veto or receipt.skipped or "")
                print_line(f"{to:<24} {receipt.outcome:<9} {receipt.message_id or ''} {why}".rstrip())
    return Exit.OK


@jobs.command("resume", epilog=examples("notifykit jobs resume ramadan-2026"))
@click.argument("key")
@common
@click.pass_context
def resume(ctx: click.Context, key: str, as_json: bool) -> int:
    """Go on with a job that was paused, and send it here until it is over where no worker does."""
    with _notifier(ctx) as notifier:
        job = _job(notifier, key)
        return _followed(notifier, job, job.resume(), as_json=as_json)


@jobs.command("pause", epilog=examples("notifykit jobs pause ramadan-2026"))
@click.argument("key")
@common
@click.pass_context
def pause(ctx: click.Context, key: str, as_json: bool) -> int:
    """Send nothing more of a job until it is resumed."""
    with _notifier(ctx) as notifier:
        return _shown(_job(notifier, key).pause(), as_json=as_json)


@jobs.command("cancel", epilog=examples("notifykit jobs cancel ramadan-2026"))
@click.argument("key")
@common
@click.pass_context
def cancel(ctx: click.Context, key: str, as_json: bool) -> int:
    """Stop a job between two requests; whoever has not been sent to is skipped."""
    with _notifier(ctx) as notifier:
        return _shown(_job(notifier, key).cancel(), as_json=as_json)


@jobs.command("settle", epilog=examples("notifykit jobs settle ramadan-2026 --unknown resend"))
@click.argument("key")
@click.option(
    "--unknown",
    "decision",
    type=click.Choice([str(s) for s in Settlement]),
    required=True,
    help="as-sent: they got it. resend: send to them again; they may get it twice.",
)
@common
@click.pass_context
def settle(ctx: click.Context, key: str, decision: str, as_json: bool) -> int:
    """Decide about recipients who may have been sent to: look at the provider's side first."""
    with _notifier(ctx) as notifier:
        job = _job(notifier, key)
        return _followed(notifier, job, job.settle(decision), as_json=as_json)


@click.command("worker", epilog=examples("notifykit worker", "NOTIFYKIT_DATABASE_URL=postgresql://… notifykit worker"))
@common
@click.pass_context
def worker(ctx: click.Context, as_json: bool) -> int:
    """Send what jobs have to be sent, until SIGTERM or Ctrl-C. Any number of them may run, on any number of machines.

    It finishes the requests that are out before it ends, within the timeout of a request and five seconds.
    """
    stop = threading.Event()
    with _notifier(ctx) as notifier:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        logging.getLogger("notifykit.durable").addHandler(_Told(logging.WARNING))
        notifier.work()
        note(f"Sending through {notifier.transport}; SIGTERM or Ctrl-C ends it.")
        stop.wait()
        note("Finishing what is out.")
    if as_json:
        print_json("worker", {"stopped": True})
    return Exit.OK


class _Told(logging.Handler):
    """Says what the engine warns of: workers that died, batches that are begun again."""

    def emit(self, record: logging.LogRecord) -> None:
        """Say one thing."""
        note(record.getMessage())


def embedded(notifier: Notifier) -> bool:
    """Return whether this process may send what it submits."""
    from notifykit.durable.settings import DurableSettings

    return DurableSettings.of(notifier.settings).embedded


def _followed(notifier: Notifier, job: Job, progress: Progress, *, as_json: bool) -> int:
    """Send a job here where no worker does, show how far it is, and say how it ended; Ctrl-C leaves it on disk."""
    if progress.finished is not None or not embedded(notifier):
        return _shown(progress, as_json=as_json)
    notifier.work()
    progress, interrupted = watch_job(job, Bar(progress.total, show=not as_json and not global_options().quiet))
    code = _shown(progress, as_json=as_json)
    if interrupted:
        note(f"Interrupted. What is left is on disk: notifykit jobs resume {job.key}")
    return Exit.INTERRUPTED if interrupted else code


def exit_for(progress: Progress) -> int:
    """Return the exit code that a job's state stands for."""
    if progress.unknown:
        return Exit.UNKNOWN
    if progress.finished is None:
        return Exit.OK
    bad = progress.rejected + progress.skipped
    return Exit.OK if not bad else Exit.PARTLY if progress.accepted else Exit.FAILED


@contextmanager
def _notifier(ctx: click.Context) -> Iterator[Notifier]:
    host = ctx.ensure_object(PluginHost)
    with Notifier.from_settings(env_file=global_options().env_file, host=host) as notifier:
        yield notifier


def _job(notifier: Notifier, key: str) -> Job:
    try:
        return notifier.job(key)
    except KeyError as error:
        raise ConfigError(str(error.args[0])) from None


def _shown(progress: Progress, *, as_json: bool) -> int:
    code = exit_for(progress)
    if as_json:
        print_json("jobs", document(progress), ok=code == Exit.OK)
        return code
    for name, value in _facts(progress):
        print_line(f"{name:<9} {value}")
    if progress.unknown:
        note(
            f"{progress.unknown} may have been sent. Look at the provider's side, then: notifykit jobs settle "
            f"{progress.key} --unknown as-sent|resend"
        )
    if progress.state is JobState.PAUSED:
        note(f"It is paused: notifykit jobs resume {progress.key}")
    return code


def _facts(progress: Progress) -> Sequence[tuple[str, Any]]:
    facts: list[tuple[str, Any]] = [("job", progress.key), ("state", progress.state), ("total", progress.total)]
    counts = ("accepted", "rejected", "unknown", "skipped", "left")
    facts += [(name, getattr(progress, name)) for name in counts if getattr(progress, name)]
    if progress.cost is not None:
        facts.append(("cost", f"{progress.cost:g}"))
    if progress.state is JobState.SCHEDULED:
        facts.append(("starts", f"{progress.starts:%Y-%m-%d %H:%M:%S} UTC"))
    if progress.seconds_left:
        facts.append(("ends in", f"about {format_duration(progress.seconds_left)}, at {progress.rate:.1f} a second"))
    return facts


def _line(progress: Progress) -> str:
    counts = (
        f"{progress.total:>9} {progress.left:>9} {progress.accepted:>9} {progress.rejected:>9} {progress.unknown:>8}"
    )
    return f"{progress.key:<34} {progress.state:<10} {counts}"


def _mood(progress: Progress) -> str | None:
    return "bad" if progress.unknown or progress.rejected else None


def document(progress: Progress) -> dict[str, Any]:
    """Return how far a job is for ``--json``."""
    times = {name: getattr(progress, name) for name in ("created", "starts", "expires", "finished")}
    return {
        "key": progress.key,
        "state": progress.state.value,
        **{n: getattr(progress, n) for n in ("total", "left", "accepted", "rejected", "unknown", "skipped")},
        "cost": progress.cost,
        "rate": progress.rate,
        "seconds_left": progress.seconds_left,
        **{name: moment.isoformat() if moment else None for name, moment in times.items()},
    }
