"""``notifykit jobs`` and ``notifykit worker``: follow jobs, decide about them, and send them."""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import click

from notifykit.campaigns.results import ResultColumns, columns_of, result_rows, row_facts, write_csv
from notifykit.cli.dry_run import load_settings, open_notifier, plugin_host
from notifykit.cli.exit_codes import Exit
from notifykit.cli.options import CommandGroup, common, examples, global_options
from notifykit.cli.output import (
    ProgressBar as Bar,
    format_duration,
    note,
    print_json,
    print_json_line,
    print_line,
    warn,
)
from notifykit.cli.progress import watch_job
from notifykit.cli.results_file import ResultsFile, results_path, row_cost
from notifykit.durable.metrics_server import metrics_server, read_address
from notifykit.durable.notification_store import notification_key
from notifykit.errors import ConfigError
from notifykit.models.job import JobState, Progress, Settlement
from notifykit.models.receipt import Outcome
from notifykit.pipeline.notifier import Notifier
from notifykit.protocols.engine import Job

_Command = TypeVar("_Command", bound=Callable[..., int])
_Option = Callable[[Callable[..., Any]], Callable[..., Any]]

#: What the example of a command has after the key.
_EXAMPLES: Final = {
    "wait": " --timeout 600",
    "receipts": " --outcome unknown",
    "settle": " --unknown resend",
    "results": " --output out.csv",
}


#: The table of jobs.
_COLUMNS: Final = ("state", "total", "left", "accepted", "rejected", "unknown")
_ROW: Final = "{:<34} {:<10} {:>9} {:>9} {:>9} {:>9} {:>8}"


class Jobs(CommandGroup):
    """A group whose first word may be a job's key."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Read a word that is no command as the key of a job to show."""
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
    """Follow sends that are kept on disk, and decide about them. Numbers are redacted."""
    if ctx.invoked_subcommand is not None:
        return Exit.OK
    with open_notifier() as notifier:
        found = notifier.jobs()
    if as_json:
        print_json("jobs", [document(progress) for progress in found])
    elif not found:
        note("There are no jobs: notifykit send … --durable makes one.")
    else:
        print_line(_ROW.format("job", *_COLUMNS))
        for progress in found:
            bad = progress.unknown or progress.rejected
            print_line(
                _ROW.format(progress.key, *(getattr(progress, name) for name in _COLUMNS)), "bad" if bad else None
            )
    return Exit.OK


def _command(*options: _Option) -> Callable[[_Command], _Command]:
    """Register a command about one job, under its function's name and with its docstring as help.

    :param options: what it takes besides the key. The function gets the notifier, the job and the options.
    """

    def register(function: _Command) -> _Command:
        def run(ctx: click.Context, /, key: str, **given: Any) -> int:
            with open_notifier() as notifier:
                try:
                    job = notifier.job(key)
                except KeyError as error:
                    raise ConfigError(str(error.args[0])) from None
                return function(notifier, job, **given)

        name = function.__name__
        command: Any = common(click.pass_context(run))
        for option in reversed((click.argument("key"), *options)):
            command = option(command)
        example = examples(f"notifykit jobs {name} ramadan-2026{_EXAMPLES.get(name, '')}")
        jobs.command(name, epilog=example, help=function.__doc__)(command)
        return function

    return register


@_command()
def show(notifier: Notifier, job: Job, as_json: bool) -> int:
    """Show how far one job is, and what to do about it."""
    code = _shown(job.progress(), as_json=as_json)
    key = notification_key(job.key)
    if key is not None and not as_json:
        with contextlib.suppress(KeyError):
            receipt = notifier.notification(key).receipt()
            print_line(f"{'of':<9} notification {receipt.key}: {receipt.verdict}")
            note(receipt.advice)
    return code


@_command(
    click.option("--timeout", type=float, metavar="SECONDS", help="The most seconds to wait; else as long as it takes.")
)
def wait(notifier: Notifier, job: Job, timeout: float | None, as_json: bool) -> int:
    """Wait until every recipient has an outcome."""
    try:
        return _shown(job.wait(timeout), as_json=as_json)
    except TimeoutError as error:
        raise click.ClickException(str(error)) from None


@_command(
    click.option("--outcome", type=click.Choice([str(o) for o in Outcome]), help="Only those that ended like this."),
    click.option("--numbers", is_flag=True, help="Show the addresses in clear: anyone who reads this can see them."),
)
def receipts(notifier: Notifier, job: Job, outcome: str | None, numbers: bool, as_json: bool) -> int:
    """Show what became of each recipient, one a line; with --json one document a line."""
    for receipt in job.receipts():
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


@_command(click.option("--output", metavar="FILE", help="Write it to this file; else it is printed."))
def results(notifier: Notifier, job: Job, output: str | None, as_json: bool) -> int:
    """Write the table that came in, with what became of each row, as CSV; with --json one document a line."""
    cost = row_cost(notifier)
    if output is not None:
        ResultsFile(results_path(output), notifier).finish(job)
    elif as_json:
        for row in job.rows():
            print_json_line({"position": row.position, "cells": dict(row.cells), **row_facts(row, cost)})
    else:
        columns = ResultColumns.beside(columns_of(job.rows()))
        for warning in columns.warnings:
            warn(warning)
        write_csv(sys.stdout, result_rows(job.rows(), columns, cost))
    return exit_for(job.progress())


@_command()
def resume(notifier: Notifier, job: Job, as_json: bool) -> int:
    """Resume a job that was paused or interrupted, and send it here unless workers do."""
    return _followed(notifier, job, job.resume(), as_json=as_json)


@_command()
def pause(notifier: Notifier, job: Job, as_json: bool) -> int:
    """Send nothing more of a job until it is resumed."""
    return _shown(job.pause(), as_json=as_json)


@_command()
def cancel(notifier: Notifier, job: Job, as_json: bool) -> int:
    """Cancel a job between two requests; recipients that have not been sent to are skipped."""
    # A process that was interrupted may have left a request behind: it is settled here unless workers do.
    return _followed(notifier, job, job.cancel(), as_json=as_json)


@_command(
    click.option(
        "--unknown",
        "decision",
        type=click.Choice([str(s) for s in Settlement]),
        required=True,
        help="as-sent: they got it. resend: send to them again; they may get it twice.",
    )
)
def settle(notifier: Notifier, job: Job, decision: str, as_json: bool) -> int:
    """Decide about recipients who may have been sent to: look at the provider's side first."""
    return _followed(notifier, job, job.settle(decision), as_json=as_json)


@click.command(
    "worker",
    epilog=examples(
        "notifykit worker",
        "notifykit worker --metrics 127.0.0.1:9464",
        "NOTIFYKIT_DATABASE_URL=postgresql://… notifykit worker",
    ),
)
@click.option(
    "--metrics",
    "address",
    metavar="HOST:PORT",
    callback=read_address,
    help="Serve /metrics for Prometheus, /healthz and /readyz here.",
)
@common
@click.pass_context
def worker(ctx: click.Context, address: tuple[str, int] | None, as_json: bool) -> int:
    """Send jobs until SIGTERM or Ctrl-C. Any number of workers may run, on any number of machines.

    It finishes the requests in flight before it ends, within the timeout of a request and five seconds.
    """
    stop = threading.Event()
    with (
        metrics_server(address) as server,
        Notifier(None, settings=load_settings(), host=plugin_host(), sinks=server.sinks) as notifier,
    ):
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        logging.getLogger("notifykit.durable").addHandler(_PrintHandler(logging.WARNING))
        notifier.work()
        server.follow(notifier)
        if "opentelemetry" in (notifier.settings.sinks or ()):
            from notifykit.integrations.opentelemetry import observe_jobs

            observe_jobs(notifier.backlog)
        note(f"Sending through {notifier.transport}; SIGTERM or Ctrl-C ends it.")
        stop.wait()
        server.stop_following()
        note("Finishing the requests in flight.")
    if as_json:
        print_json("worker", {"stopped": True})
    return Exit.OK


class _PrintHandler(logging.Handler):
    """Prints the engine's warnings: dead workers, batches that are retried."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one."""
        note(record.getMessage())


def embedded(notifier: Notifier) -> bool:
    """Return whether this process may send what it submits."""
    from notifykit.durable.database import DurableSettings

    return DurableSettings.of(notifier.settings).embedded


def _followed(notifier: Notifier, job: Job, progress: Progress, *, as_json: bool) -> int:
    """Send a job here unless workers do, show its progress, and return the exit code; Ctrl-C leaves it on disk."""
    if progress.finished is not None or not embedded(notifier):
        return _shown(progress, as_json=as_json)
    notifier.work()
    progress, interrupted = watch_job(job, Bar(progress.total, show=not as_json and not global_options().quiet))
    code = _shown(progress, as_json=as_json)
    if interrupted:
        note(f"Interrupted. The rest is on disk: notifykit jobs resume {job.key}")
    return Exit.INTERRUPTED if interrupted else code


def exit_for(progress: Progress) -> int:
    """Return the exit code that a job's state stands for."""
    if progress.unknown:
        return Exit.UNKNOWN
    if progress.finished is None:
        return Exit.OK
    bad = progress.rejected + progress.skipped
    return Exit.OK if not bad else Exit.PARTLY if progress.accepted else Exit.FAILED


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
    if progress.reason:
        facts.append(("reason", progress.reason))
    if progress.cost is not None:
        facts.append(("cost", f"{progress.cost:g}"))
    if progress.state is JobState.SCHEDULED:
        facts.append(("starts", f"{progress.starts:%Y-%m-%d %H:%M:%S} UTC"))
    if progress.seconds_left:
        facts.append(("ends in", f"about {format_duration(progress.seconds_left)}, at {progress.rate:.1f} a second"))
    return facts


def document(progress: Progress) -> dict[str, Any]:
    """Return a job's progress for ``--json``."""
    times = {name: getattr(progress, name) for name in ("created", "starts", "expires", "finished")}
    return {
        "key": progress.key,
        "state": progress.state.value,
        **{n: getattr(progress, n) for n in ("total", "left", "accepted", "rejected", "unknown", "skipped")},
        "reason": progress.reason,
        "cost": progress.cost,
        "rate": progress.rate,
        "seconds_left": progress.seconds_left,
        **{name: moment.isoformat() if moment else None for name, moment in times.items()},
    }
