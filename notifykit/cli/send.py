"""``notifykit send``: one text to one number or a million, and what happened to each."""

from __future__ import annotations

import contextlib
import datetime
import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import attrs
import click

from notifykit.cli import inputs
from notifykit.cli.dry_run import load_settings, open_notifier, provider_codes
from notifykit.cli.durable_send import JobOptions, durable_options, earlier_progress, finish_job, job_options
from notifykit.cli.exit_codes import Exit
from notifykit.cli.live import balances, command_notifier, confirm_cost, require_live, show_mode
from notifykit.cli.messages import describe_edits, next_command, recipient_name, veto_advice
from notifykit.cli.options import common, examples, read_text
from notifykit.cli.output import (
    ProgressBar,
    encoding_name,
    note,
    plural,
    print_json,
    print_line,
    print_text,
    warn,
)
from notifykit.cli.plan_summary import PlanSummary, summarize
from notifykit.cli.progress import ProgressSink
from notifykit.cli.results import SendResults, attempts_document, receipt_document, show_edits
from notifykit.cli.signals import interrupts
from notifykit.models.message import Channel
from notifykit.normalizers.phone import compact
from notifykit.pipeline.capabilities import leaves
from notifykit.pipeline.notifier import Notifier
from notifykit.protocols import ShowsRequests, Sink
from notifykit.settings.files import STREAMS

#: A number with its country code: longer than the codes that people send.
_NUMBER: Final = re.compile(r"\+?[0-9]{10,15}")
_USAGE: Final = "Give the numbers and then the text: notifykit send 965XXXXXXXX 'Hello'"


@attrs.frozen
class SendOptions:
    """What the command line asks for."""

    #: Who gets it.
    to: inputs.Recipients
    #: The text; empty until the template is rendered.
    text: str = attrs.field(repr=False)
    #: The template that makes the text; None if the text was given.
    template: inputs.FilledTemplate | None
    #: The other options of the command, by their names.
    options: Mapping[str, Any] = attrs.field(repr=False)
    #: Whether to answer with one JSON document.
    as_json: bool

    @property
    def clear(self) -> bool:
        """Whether numbers are shown in clear: on request, or if a single one was typed."""
        return self.options["show_numbers"] or (self.to.file is None and len(self.to.given) == 1)

    @property
    def show_progress(self) -> bool:
        """Whether to show the progress."""
        return not self.options["no_progress"] and not self.as_json

    def keywords(self, *more: str) -> dict[str, Any]:
        """Return the options of the message, and others by their names, as the notifier takes them."""
        return {name: self.options[name] for name in ("sender", "tags", "channel", "subject", *more)}


@click.command(
    "send",
    epilog=examples(
        'notifykit send 96598765432 "Your code is 123456"',
        'notifykit send --to-file people.csv --column mobile "We open at nine" --dry-run',
        'cut -f2 people.tsv | notifykit send - "We open at nine" --live --yes',
        "notifykit send 96598765432 --template otp --var code=123456 --language ar",
        'notifykit send --to-file people.txt "We open at nine" --durable --key opening-2026',
    ),
)
@click.argument("words", nargs=-1, metavar="TO... MESSAGE")
@inputs.sending_options
@click.option("--subject", metavar="TEXT", help="What stands above the text, for channels that have such a line.")
@inputs.file_options
@inputs.message_file_option
@inputs.template_options
@click.option("--dry-run", is_flag=True, help="Say what would be done, and send nothing.")
@click.option("--offline", is_flag=True, help="Show the first request as it would be sent, and send nothing.")
@click.option("--live", is_flag=True, help="Send for real, although the settings say test.")
@inputs.confirm_options("send")
@click.option("--idempotency-key", metavar="KEY", help="Your name for this send, for transports that can use it.")
@inputs.tag_option
@inputs.move_unknown_option
@click.option("--deadline", type=click.FloatRange(min=0, min_open=True), help="Seconds for the whole send.")
@durable_options
@click.option("--show-numbers", is_flag=True, help="Show numbers in clear; a single one always is.")
@inputs.no_progress_option
@common
def send(words: Sequence[str], as_json: bool, **options: Any) -> int:
    """Send a text, and say what happened to each recipient.

    The last word is the text, unless --template names one. A - reads the numbers, or the text, from standard input.
    """
    template = inputs.filled_template(options)
    job = job_options(options, datetime.datetime.now(datetime.UTC), load_settings().zone)
    to, text = _recipients_and_text(words, options, template)
    send_options = SendOptions(to, text, template, options, as_json)
    sink = ProgressSink()
    with command_notifier(options["via"], sink, live=options["live"] and job is None) as notifier:
        if job and options["live"]:
            require_live(notifier)
        if template:
            text, title = template.render(notifier, Channel(options["channel"]))
            options["subject"] = title if options["subject"] is None else options["subject"]
            send_options = attrs.evolve(send_options, text=text)
        at = job.at if job else None
        summary = summarize(notifier, to, send_options.text, job=job is not None, at=at, **send_options.keywords())
        show_mode(notifier)
        for warning in summary.warnings:
            warn(warning)
        if options["dry_run"] or options["offline"]:
            return _show_plan(notifier, send_options, summary)
        if job:
            return _submit(notifier, send_options, job, summary, sink)
        if notifier.transport.capabilities.live:
            _ask(notifier, send_options, summary)
        return _send(notifier, send_options, summary, sink)


def _recipients_and_text(
    words: Sequence[str], options: Mapping[str, Any], template: inputs.FilledTemplate | None
) -> tuple[inputs.Recipients, str]:
    to, text, piped = list(words), "", False
    if template:
        if options["message_file"] or any(map(_is_text, to)):
            raise click.UsageError("The template is the text: leave the other text out, or --template.")
    elif options["message_file"]:
        piped = options["message_file"] == "-"
        text = "" if piped else read_text(options["message_file"])
    else:
        if not words or (len(words) == 1 and words[0] != "-" and not options["to_file"]):
            raise click.UsageError(_USAGE)
        *to, text = words
        if to and to[-1] != "-" and _NUMBER.fullmatch(compact(text)) and not any(map(str.isdigit, to[-1])):
            raise click.UsageError("The text comes last, behind the numbers.")
        piped = text == "-"
    if piped:
        if "-" in to or options["to_file"] == "-":
            raise click.UsageError("Standard input is either the numbers or the text: give one of them in a file.")
        text = read_text("-")
    return inputs.read_recipients(to, options["to_file"], options["column"]), text


def _is_text(word: str) -> bool:
    """Return whether a word is no address: it has letters, and no sign as in ``a@example.com`` or ``staff:fatima``."""
    return any(map(str.isalpha, word)) and not any(sign in word for sign in "@:")


# --- the dry run and the question ---


def _show_plan(notifier: Notifier, send_options: SendOptions, summary: PlanSummary) -> int:
    transport, code, clear = notifier.transport, summary.exit_code, send_options.clear
    offline, request = send_options.options["offline"], None
    if offline and summary.first is not None:
        first = next((leaf for leaf in leaves(transport) if str(leaf) == summary.first.transport), transport)
        if not isinstance(first, ShowsRequests):
            raise click.UsageError(f"{first.name} can't show its requests: --dry-run shows the plan.")
        request = first.describe(summary.first)
    if send_options.as_json:
        data = summary.as_document() | {"transport": str(transport), "live": transport.capabilities.live}
        data["excluded"] = [receipt_document(receipt, clear=clear) for receipt in summary.examples]
        if send_options.template:
            data |= send_options.template.as_document(notifier, Channel(send_options.options["channel"]))
        data |= {"request": request} if offline else {}
        error = next((receipt.error for receipt in summary.examples), None)
        notices = (*transport.capabilities.notices, *summary.warnings, *summary.notices)
        print_json("send", data, notices, ok=code is Exit.OK, error=error)
    elif request is not None:
        print_text(request)
    else:
        for label, text, style in _plan_lines(summary, transport.capabilities.unit, clear=clear):
            print_line(f"{label:<11} {text}", style)
        note("Nothing was sent: this was a dry run.")
    return code


def _plan_lines(summary: PlanSummary, unit: str, *, clear: bool) -> Iterator[tuple[str, str, str | None]]:
    """Yield the label, the text and the style of each line of a dry run."""
    yield "would send", summary.sentence(unit), None
    yield "text", summary.message.text, None
    if summary.edits:
        yield "changed", describe_edits(summary.edits), None
    size = summary.measurement
    if size and size.forced:
        yield "encoding", f"{encoding_name(size.encoding)}; `notifykit preview` says why", None
    for notice in summary.notices:
        yield "notice", notice, "care"
    if summary.duplicates:
        yield "duplicates", f"{summary.duplicates}, each sent to once only", None
    for veto, count in summary.vetoes.values():
        yield "held back", f"{plural(count, 'recipient')} by {veto}", "care"
        yield "", f"→ {veto_advice(veto)}", None
    for veto, count in summary.waits.values():
        yield (
            "waits",
            f"{plural(count, 'recipient')} for {veto.guard}: {veto.reason} What they cost is not counted here.",
            "care",
        )
    if summary.refusal:
        yield "refused", str(summary.refusal), "bad"
        return
    for receipt in summary.examples:
        yield "invalid", f"{recipient_name(receipt, clear=clear)}: {receipt.error}", "bad"
    if summary.rejected > len(summary.examples):
        yield "", f"and {summary.rejected - len(summary.examples)} more", None


def _ask(notifier: Notifier, send_options: SendOptions, summary: PlanSummary) -> None:
    """Let a person confirm a send that reaches phones and is paid for."""
    options = send_options.options
    if options["yes"] or not summary.recipients:
        return
    unit = notifier.transport.capabilities.unit
    note(f"LIVE: {summary.sentence(unit)}.")
    if summary.rejected or summary.vetoes:
        note(f"{plural(summary.rejected + summary.held_back, 'recipient')} will be left out: --dry-run says why.")
    for line in (*summary.notices, *dict.fromkeys(balances(notifier, summary.cost))):
        note(line)
    question = f"Send to {plural(summary.recipients, 'recipient')} for real?"
    confirm_cost(question, summary.cost, unit, options["max_cost"])


# --- sending ---


def _send(notifier: Notifier, send_options: SendOptions, summary: PlanSummary, sink: ProgressSink) -> int:
    capabilities, as_json, clear = notifier.transport.capabilities, send_options.as_json, send_options.clear
    sink.bar = ProgressBar(summary.given, show=send_options.show_progress)
    results = SendResults()
    documents: list[dict[str, Any]] = []
    work = functools.partial(_stream, notifier, send_options, results, sink.bar, documents)
    try:
        interrupted = interrupts(work)
    finally:
        sink.bar.end()
    code = Exit.INTERRUPTED if interrupted else results.exit_code
    if as_json:
        data = results.as_document() | {"interrupted": interrupted, "under_way": bool(sink.interrupted)}
        data["receipts"] = sorted(documents, key=lambda document: document["position"])
        data["test"] = results.test or not capabilities.live
        data["edits"] = summary.edits
        notices = (*capabilities.notices, *summary.warnings)
        print_json("send", data, notices, ok=code is Exit.OK, error=results.error)
    else:
        show_edits(summary.edits)
        results.show(capabilities.unit, clear=clear)
    if results.moved or len(results.accepted_by) > 1:
        counts = (f"{name}: {plural(count, 'recipient')}" for name, count in results.accepted_by.items())
        note(f"Taken by {'; '.join(counts)}.")
    if interrupted:
        request = "the request in flight may have been sent" if sink.interrupted else "no request was in flight"
        done = f"Interrupted: {results.done} done, {results.accepted} accepted"
        warn(f"{done}; {request}. The rest was not sent.")
    elif results.failed and results.error and not as_json:
        address, logged = (
            results.failed.to,
            bool(notifier.settings.log_file) and notifier.settings.log_file not in STREAMS,
        )
        then = next_command(results.error, "send", provider_codes(), logged=logged, address=address, clear=clear)
        note(f"Next: {then}")
    return code


def _stream(
    notifier: Notifier,
    send_options: SendOptions,
    results: SendResults,
    bar: ProgressBar,
    documents: list[dict[str, Any]],
) -> None:
    """Send, and add each receipt to the results, and to the documents if JSON is wanted."""
    requested, size = 0, notifier.transport.capabilities.batch_size
    keywords = send_options.keywords("idempotency_key", "move_unknown", "deadline")
    for receipt in notifier.stream(send_options.to, send_options.text, **keywords):
        results.add(receipt)
        if send_options.as_json:
            document = receipt_document(receipt, clear=send_options.clear)
            documents.append(document | {"tries": attempts_document(receipt)})
        requested += receipt.batch is not None
        # Receipts come a request at a time: the bar moves after each request.
        if requested % size == 0 or results.done == bar.total:
            bar.advance(results.done, results.accepted, pause=receipt.batch is not None)


def _submit(
    notifier: Notifier, send_options: SendOptions, job_options: JobOptions, summary: PlanSummary, sink: Sink
) -> int:
    """Make a job of the send, and send it here if this process may.

    :param notifier: the one that the summary was made with; the job goes through its transport.
    """
    capabilities = notifier.transport.capabilities
    with contextlib.ExitStack() as stack:
        # With --via, the job needs a notifier as every worker has it: this process may send other jobs as well.
        via = send_options.options["via"]
        jobs = notifier if via is None else stack.enter_context(open_notifier(sinks=[sink]))
        before = earlier_progress(jobs, job_options)
        if capabilities.live and (before is None or before.finished is None):
            _ask(notifier, send_options, summary)
        keywords = send_options.keywords("idempotency_key", "move_unknown", "via") | attrs.asdict(job_options)
        try:
            job = jobs.submit(send_options.to, send_options.text, **keywords)
        except KeyboardInterrupt:
            warn(
                f"Interrupted while the job was written: `notifykit jobs {job_options.key}` says whether it was taken."
            )
            return Exit.INTERRUPTED
        show, as_json = send_options.show_progress, send_options.as_json
        return finish_job(
            jobs, job, capabilities, edits=summary.edits, clear=send_options.clear, show=show, as_json=as_json
        )
