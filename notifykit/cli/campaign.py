"""``notifykit campaign``: a table, each row its own text, kept on disk and sent as one job."""

from __future__ import annotations

import contextlib
import datetime
import pathlib
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs
import click

from notifykit.campaigns.bindings import BindingError
from notifykit.campaigns.files import TextFile, copied, text_file
from notifykit.campaigns.results import ResultColumns
from notifykit.campaigns.tables import Table, open_table
from notifykit.cli import inputs
from notifykit.cli.campaign_plan import CampaignPlan, PlannedTable, plan_campaign, rate_of, state_of
from notifykit.cli.dry_run import load_settings, open_notifier
from notifykit.cli.durable_send import (
    JobOptions,
    earlier_progress,
    finish_job,
    job_options,
    read_duration,
    show_time,
)
from notifykit.cli.exit_codes import Exit, for_receipts
from notifykit.cli.live import command_notifier, confirm_cost, require_live, show_mode
from notifykit.cli.options import common, examples
from notifykit.cli.output import note, plural, print_json, print_line, warn
from notifykit.cli.plan_summary import full_queue
from notifykit.cli.preview import phone_lines
from notifykit.cli.progress import ProgressSink
from notifykit.cli.results import SendResults
from notifykit.cli.results_file import ResultsFile, results_path
from notifykit.cli.tables import table_errors
from notifykit.errors import ConfigError, TransportError
from notifykit.models.job import StopRule
from notifykit.models.receipt import Receipt
from notifykit.pipeline.capabilities import leaves
from notifykit.pipeline.notifier import Notifier
from notifykit.pipeline.rows import PlannedRow
from notifykit.protocols import KnowsBalance, Sink
from notifykit.redaction import redact_address
from notifykit.templates.template import TemplateError

_STDIN: Final = "standard input"
#: More rows than this take some seconds to plan.
_LONG: Final = 20_000


@attrs.frozen
class Campaign:
    """What the command line asks for."""

    #: The table.
    table: Table
    #: Its rows as they are submitted.
    rows: PlannedTable
    #: The job.
    job: JobOptions
    #: The arguments of ``plan_rows`` and ``submit_rows`` about texts and the message.
    message: Mapping[str, Any] = attrs.field(repr=False)
    #: Seconds over which the requests begin evenly.
    spread: float | None
    #: When it pauses by itself.
    stop_if: StopRule | None
    #: Where the results go; None for nowhere.
    results: pathlib.Path | None
    #: The other options of the command, by their names.
    options: Mapping[str, Any] = attrs.field(repr=False)
    #: Whether to answer with one JSON document.
    as_json: bool


@click.command(
    "campaign",
    epilog=examples(
        "notifykit campaign people.xlsx --to Mobile --template eid --var name=@Name --language @Lang --dry-run",
        "notifykit campaign people.csv --to Mobile --text 'Dear {Name}, we open at nine' --proof 96598765432",
        "notifykit campaign people.csv --to Mobile --template eid --key eid-2026 --at 'tomorrow 9:00' --results out.csv",
        "query-customers | notifykit campaign - --to mobile --template eid --yes --spread 2h --stop-if 'rejected > 5%'",
    ),
)
@click.argument("table")
@click.option("--to", metavar="COLUMN", required=True, help="The column of the addresses.")
@click.option("--template", metavar="NAME", help="A template of the settings file.")
@click.option("--text", metavar="TEXT", help="A text with {Column} in it, instead of a template.")
@click.option(
    "--var",
    "variables",
    metavar="NAME=VALUE",
    multiple=True,
    help="A value: @Column, @Column|default where a cell is empty, or a word for all. May be repeated.",
)
@click.option("--language", metavar="@COLUMN|TAG", help="The language of each row, or of all rows.")
@inputs.sending_options
@click.option("--subject", metavar="TEXT", help="What stands above the text; it may have the same variables.")
@inputs.tag_option
@click.option("--key", metavar="KEY", help="Your name for the campaign: given again, it is the same one.")
@click.option("--at", metavar="TIME", help="When it may begin: 2026-12-01T09:00+03:00, 09:00, tomorrow 9:00.")
@click.option("--expires-in", metavar="TIME", help="How long after that it may be sent: 90s, 30m, 2h, 1d.")
@click.option("--spread", metavar="TIME", help="Begin the requests evenly over this time: 30m, 2h.")
@click.option("--stop-if", metavar="RULE", help="Pause by itself: 'rejected > 5%', 'unknown > 20'.")
@click.option("--urgent", is_flag=True, help="Let it go ahead of other jobs.")
@click.option("--results", metavar="FILE", help="Write the table with what became of each row, as CSV.")
@click.option("--proof", metavar="NUMBER", help="Send row 1, row 2 and the longest text here first, and ask again.")
@click.option("--dry-run", is_flag=True, help="Show the plan and ten messages, and send nothing.")
@click.option("--live", is_flag=True, help="Refuse unless the settings send for real.")
@inputs.confirm_options("campaign")
@inputs.move_unknown_option
@click.option("--show-numbers", is_flag=True, help="Show numbers in clear.")
@inputs.no_progress_option
@common
def campaign(table: str, as_json: bool, **options: Any) -> int:
    """Send each row of a table its own text, and write what became of each row.

    TABLE is CSV, an Excel workbook or JSON Lines; a - reads it from standard input. It becomes a job on disk.
    """
    asked = _read_options(table, options, as_json=as_json)
    sink = ProgressSink()
    with command_notifier(options["via"], sink, live=False) as notifier:
        if options["live"]:
            require_live(notifier)
        proof = _proof_address(notifier, options["proof"], options["channel"])
        plan = _planned(notifier, asked)
        show_mode(notifier)
        for warning in _warnings(notifier, asked, plan):
            warn(warning)
        if options["dry_run"]:
            return _show_dry_run(notifier, asked, plan)
        return _submit(notifier, asked, plan, proof, sink)


def _read_options(name: str, options: Mapping[str, Any], *, as_json: bool) -> Campaign:
    if (options["template"] is None) == (options["text"] is None):
        raise click.UsageError("Give --template, or --text with {Column} in it.")
    job = job_options(
        {**options, "durable": True, "deadline": None}, datetime.datetime.now(datetime.UTC), load_settings().zone
    )
    assert job is not None, "it is durable"
    spread = read_duration("--spread", options["spread"])
    try:
        stop_if = None if options["stop_if"] is None else StopRule.parse(options["stop_if"])
    except ValueError as error:
        raise click.UsageError(f"--stop-if: {error}.") from None
    variables, to = inputs.read_variables(options["variables"]), options["to"].removeprefix("@")
    with table_errors(name):
        file = _from_stdin() if name == "-" else text_file(name)
        state = state_of(file)
        table = open_table(file, (to,))
        if table.names.count(to) > 1:
            table.column(to)
        count = table.check()
    if count > _LONG:
        note(f"Planning {count:,} rows.")
    names = ("to", "template", "text", "sender", "channel", "subject", "tags", "language")
    message = {**{name: options[name] for name in names}, "variables": variables}
    results = None if options["results"] is None else results_path(options["results"], file.path)
    return Campaign(table, PlannedTable(table, state), job, message, spread, stop_if, results, options, as_json)


def _from_stdin() -> TextFile:
    if sys.stdin is None:
        raise click.UsageError("There is no standard input to read from: it is closed.")
    raw = getattr(sys.stdin, "buffer", None)
    if raw is None:  # a program that runs commands in its own process may put a text there
        import io

        raw = io.BytesIO(sys.stdin.read().encode())
    return copied(raw, _STDIN)


def _planned(notifier: Notifier, asked: Campaign) -> CampaignPlan:
    at = asked.job.at
    starts = None if at is None else show_time(at, load_settings().zone)
    unit = notifier.transport.capabilities.unit
    plan = CampaignPlan(rate_of(notifier), asked.spread, starts, _balance(notifier), unit)
    try:
        with table_errors(asked.table.name):
            plan_campaign(notifier, asked.table, plan, at=at, **asked.message)
    except (BindingError, TemplateError) as error:
        raise click.UsageError(str(error)) from None
    return plan


def _balance(notifier: Notifier) -> float | None:
    """Return what is on the account; None where there are several, it is not known, or the provider does not answer."""
    accounts = [leaf for leaf in leaves(notifier.transport) if isinstance(leaf, KnowsBalance)]
    try:
        return accounts[0].balance(notifier.settings.timeout) if len(accounts) == 1 else None
    except TransportError:
        return None


def _warnings(notifier: Notifier, asked: Campaign, plan: CampaignPlan) -> Iterator[str]:
    yield from asked.table.warnings
    if full := full_queue(notifier, plan.recipients):
        yield full
    if asked.results is not None:
        yield from ResultColumns.beside(asked.table.columns).warnings


# --- the dry run ---


def _show_dry_run(notifier: Notifier, asked: Campaign, plan: CampaignPlan) -> int:
    code = plan.exit_code
    if asked.as_json:
        data = plan.as_document() | {"transport": str(notifier.transport), "live": notifier.transport.capabilities.live}
        data["messages"] = [
            {"line": line, "text": planned.text, "segments": planned.measurement and planned.measurement.segments}
            for line, planned in plan.first
        ]
        notices = (*notifier.transport.capabilities.notices, *_warnings(notifier, asked, plan))
        print_json("campaign", data, notices, ok=code is Exit.OK)
        return code
    for line, planned in plan.first:
        _show_message(line, planned, clear=asked.options["show_numbers"])
    for label, text, style in plan.lines():
        print_line(f"{label:<11} {text}", style)
    note("Nothing was sent: this was a dry run.")
    return code


def _show_message(line: int, planned: PlannedRow, *, clear: bool) -> None:
    recipient = planned.row.recipient
    shown = getattr(recipient, "address", "") if clear else str(recipient)
    size = planned.measurement
    parts = [f"line {line}", f"to {shown}", *([plural(size.segments, "segment")] if size else [])]
    print_line(f" {' · '.join(parts)}", "strong")
    if planned.row.subject:
        print_line(f" {planned.row.subject}")
    for bubble in phone_lines(planned.text, isolated=sys.stdout.isatty()):
        print_line(bubble)


# --- the proof and the question ---


def _proof_address(notifier: Notifier, number: str | None, channel: str) -> str | None:
    """Return the address of the proof, checked before anything is sent."""
    if number is None:
        return None
    wrong = [receipt.error for receipt in notifier.plan([number], "x", channel=channel).excluded if receipt.error]
    if wrong:
        raise click.UsageError(f"--proof: {wrong[0]}")
    return number


def _send_proof(notifier: Notifier, asked: Campaign, plan: CampaignPlan, number: str) -> int:
    """Send the first two messages and the longest one to a number of one's own, and return the exit code."""
    chosen = [*plan.first[:2], *([plan.longest] if plan.longest else [])]
    texts = dict.fromkeys((planned.row.text, planned.row.subject) for _, planned in chosen)
    gap = max((leaf.capabilities.spacing for leaf in leaves(notifier.transport)), default=0.0)
    results = SendResults()
    receipts: list[Receipt] = []
    for place, (text, subject) in enumerate(texts):
        if place and gap:
            note(f"The provider wants {gap:g} s between two messages to one number: waiting.")
            time.sleep(gap)
        report = notifier.send(
            [number],
            text,
            sender=asked.message["sender"],
            channel=asked.message["channel"],
            tags=(*asked.message["tags"], "proof"),
            subject=subject,
        )
        receipts += report.receipts
        results.add(report.receipts[0])
    code = for_receipts(receipts)
    if not asked.as_json or code is not Exit.OK:
        note(f"Proof: {plural(len(texts), 'message')} to {redact_address(number)}.")
        if not asked.as_json:
            results.show(notifier.transport.capabilities.unit, clear=asked.options["show_numbers"])
    return code


def _ask(notifier: Notifier, asked: Campaign, plan: CampaignPlan) -> None:
    """Let a person confirm a campaign."""
    for label, text, style in plan.lines():
        note(f"{label:<11} {text}", style)
    if asked.options["yes"] or not plan.recipients:
        return
    live, unit = notifier.transport.capabilities.live, notifier.transport.capabilities.unit
    question = f"Send {plural(plan.recipients, 'message')}{' for real' if live else ', as a test'}?"
    confirm_cost(question, plan.cost if live else None, unit, asked.options["max_cost"])


# --- sending ---


def _submit(notifier: Notifier, asked: Campaign, plan: CampaignPlan, proof: str | None, sink: Sink) -> int:
    key, via = asked.job.key, asked.options["via"]
    with contextlib.ExitStack() as stack:
        # With --via, the job needs a notifier as every worker has it: this process may send other jobs as well.
        jobs = notifier if via is None else stack.enter_context(open_notifier(sinks=[sink]))
        before = earlier_progress(jobs, asked.job)
        if before is None or before.finished is None:
            if proof is not None and before is None and plan.recipients:
                code = _send_proof(notifier, asked, plan, proof)
                if code is not Exit.OK:
                    warn("The proof was not accepted, so the campaign was not begun.")
                    return code
            _ask(notifier, asked, plan)
        try:
            with table_errors(asked.table.name):
                job = jobs.submit_rows(
                    asked.rows,
                    **asked.message,
                    **attrs.asdict(asked.job),
                    via=via,
                    move_unknown=asked.options["move_unknown"],
                    spread=asked.spread,
                    stop_if=asked.stop_if,
                )
        except KeyboardInterrupt:
            warn(f"Interrupted while the job was written: `notifykit jobs {key}` says whether it was taken.")
            return Exit.INTERRUPTED
        results = ResultsFile(asked.results, notifier, asked.table.columns) if asked.results else None
        code = finish_job(
            jobs,
            job,
            notifier.transport.capabilities,
            clear=asked.options["show_numbers"],
            show=not asked.options["no_progress"] and not asked.as_json,
            as_json=asked.as_json,
            command="campaign",
            more={"plan": plan.as_document()},
            look=(lambda progress: results.follow(job, progress)) if results else None,
        )
        if results:
            try:
                results.finish(job)
            except (click.ClickException, ConfigError) as error:
                # The exit code stays that of the messages: a script must not send them again because of this.
                warn(str(error.message if isinstance(error, click.ClickException) else error))
        return code
