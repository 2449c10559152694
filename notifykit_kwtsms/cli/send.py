"""``kwtsms send``: a text to one number or many. It never asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import click

from notifykit import InvalidRecipient, Outcome, Plan, Receipt, Report, Sink, TransportError
from notifykit.cli import output, signals
from notifykit.cli.exit_codes import Exit, for_receipts
from notifykit.cli.messages import describe_edits
from notifykit.cli.options import common, examples, global_options, read_text
from notifykit.cli.output import plural
from notifykit.cli.progress import ProgressSink
from notifykit.redaction import scrub
from notifykit_kwtsms.api.codes import CODES, error_for
from notifykit_kwtsms.api.facts import NUMBERS_PER_REQUEST
from notifykit_kwtsms.cli.account import load_account
from notifykit_kwtsms.cli.messages import read_numbers
from notifykit_kwtsms.cli.program import CommandResult, ResultCommand, next_command, points
from notifykit_kwtsms.client.base import PreparedSend
from notifykit_kwtsms.client.results import Mobile, Result, bulk_result
from notifykit_kwtsms.client.sync import KwtSMS

#: The errors of so many numbers are shown; a screen holds no more.
_SHOWN: Final = 10


class _Client(KwtSMS):
    """The documented client, with everything that is known of its send while it runs."""

    #: The send; None before it was planned.
    prepared: PreparedSend | None = None

    def _sinks(self) -> Sequence[Sink]:
        self.progress = ProgressSink()
        self.receipts: list[Receipt] = []
        return [self.progress]

    @property
    def report(self) -> Report | None:
        """The receipts that came; None where nothing was to be sent."""
        return self._report(self.prepared.plan) if self.prepared and self.prepared.plan.batches else None

    def _report(self, plan: Plan) -> Report:
        ordered = sorted(self.receipts, key=lambda receipt: receipt.position)
        return Report(tuple(ordered), plan.message, plan.edits, plan.measurement)

    @property
    def notices(self) -> tuple[str, ...]:
        return self._transport.capabilities.notices

    def shown(self, result: Result, message: str) -> Result:
        """Return a result with the gateway's words as a terminal may show them."""
        secrets = (message, self.username, self._own.password.reveal() if self._own.password else "")
        words = {"description": scrub(str(result["description"]), *secrets)} if "description" in result else {}
        errors = {"errors": [self.shown(each, message) for each in result["errors"]]} if "errors" in result else {}
        return {**result, **words, **errors}

    def send(self, mobile: Mobile, message: str, sender: str | None = None) -> Result:
        """Send as the documented client does, and keep each receipt as it comes."""
        self.prepared = prepared = self._prepare(mobile, message)
        if prepared.refusal:
            return prepared.refusal
        notifier = self._notifier(prepared)
        for receipt in notifier.stream(prepared.recipients, message, sender=sender or self.sender_id):
            if receipt.outcome is not Outcome.SKIPPED:  # as those are that still waited when a signal came
                self.receipts.append(receipt)
        return self._result(prepared, self._report(prepared.plan))

    def interrupted(self) -> Result:
        """Return what is known of a send that a signal ended: what was accepted, in flight, and not sent."""
        if self.prepared is None or self.report is None:
            return {"result": "ERROR", "interrupted": True, "in_flight": [], "not_sent": []}
        sent = {receipt.position for receipt in self.receipts if receipt.outcome is not Outcome.REJECTED}
        in_flight = {int(name.rpartition("-")[2].partition(".")[0]) for name in self.progress.interrupted}
        groups: dict[bool, list[str]] = {True: [], False: []}
        for batch in self.prepared.plan.batches:
            for position, recipient in zip(batch.positions, batch.recipients, strict=True):
                if position not in sent:
                    groups[batch.number in in_flight].append(recipient.address)
        result = bulk_result(self.report)
        result |= {"result": "PARTIAL" if self.report.accepted else "ERROR", "bulk": self.prepared.is_bulk}
        return result | {"interrupted": True, "in_flight": groups[True], "not_sent": groups[False]}


@click.command(
    "send",
    cls=ResultCommand,
    epilog=examples(
        'kwtsms send 96598765432 "Your OTP is: 123456"',
        'kwtsms send 96598765432,96598765433 "Hello!"',
        'kwtsms send 96598765432 "Hello" --sender MY-APP',
        'cat numbers.txt | kwtsms send - "Hello!"',
    ),
)
@click.argument("words", nargs=-1, required=True, metavar="NUMBERS... MESSAGE")
@click.option("--sender", metavar="ID", help="The sender ID for this message; capital letters count.")
@common
def send(words: Sequence[str], sender: str | None) -> CommandResult:
    """Send MESSAGE to NUMBERS, separated by commas or spaces.

    - reads the numbers, one a line, or the message from standard input. Where the configuration says test mode,
    nothing reaches a phone. A message that starts with - goes behind --.
    """
    to, message = _numbers_and_message(words)
    load_account()
    with _Client.from_env(global_options().env_file or ".env") as client:
        # Before the send, so that they are read even if the send takes long.
        notices = list(client.notices)
        if not global_options().json:
            for notice in notices:
                output.warn(f"kwtsms: {notice}")
        if len(to) > NUMBERS_PER_REQUEST:
            output.note(f"Sending to {len(to)} numbers, {NUMBERS_PER_REQUEST} a request ...")
        found: list[Result] = []
        interrupted = signals.interrupts(lambda: found.append(client.send(to, message, sender)))
        result = client.shown(client.interrupted() if interrupted else found[0], message)
    planned = client.prepared.plan.warnings if client.prepared else ()
    if interrupted:
        shown = [*(notices if global_options().json else ()), *planned]
        return _interrupted_result(result, client.report, shown, client.log_file)
    return _command_result(result, client.report, notices, planned)


def _interrupted_result(result: Result, report: Report | None, warnings: Sequence[str], log_file: str) -> CommandResult:
    """Return the summary of a send that a signal ended."""
    accepted = 0 if report is None else len(report.accepted)
    in_flight, not_sent = len(result["in_flight"]), len(result["not_sent"])
    requests = (
        f"{plural(in_flight, 'number')} in flight may have been sent" if in_flight else "no request was in flight"
    )
    sentence = f"Interrupted: {plural(accepted, 'number')} accepted; {requests}; {not_sent} not sent."
    if in_flight:
        log = f"{log_file} says which requests were made; " if log_file else ""
        sentence += f" {log}`kwtsms balance` says what is left."
    data, changed = _with_edits(result, report)
    lines = [*changed, *_lines(result, accepted)] if accepted else ()
    said = [*warnings, *_batch_errors(result)]
    return CommandResult(data, lines, said, Exit.INTERRUPTED, click.Abort(sentence), "kwtsms balance")


def _numbers_and_message(words: Sequence[str]) -> tuple[list[str], str]:
    *given, message = words
    if not given:
        raise click.UsageError('Give the numbers, and then the message in quotes: kwtsms send NUMBER "Hello".')
    strays = [word for word in given if word != "-" and not any(c.isdigit() or c in ",@" for c in word)]
    if strays:
        raise click.UsageError(f"{strays[0]!r} is no number; put quotes around the message. Nothing was sent.")
    if message == "-" and "-" in given:
        raise click.UsageError("Standard input is either the numbers or the message, not both.")
    return read_numbers(given), read_text("-") if message == "-" else message


def _command_result(
    result: Result, report: Report | None, notices: Sequence[str], planned: Sequence[str]
) -> CommandResult:
    invalid = [str(number["error"]) for number in result.get("invalid", ())]
    code = Exit.FAILED if report is None else for_receipts(report)
    receipts = () if report is None else report.receipts
    shown = [*(notices if global_options().json else ()), *planned]
    failed = next((receipt.error for receipt in receipts if receipt.error), None)
    if result["result"] == "ERROR" and not result.get("bulk"):
        error = failed or _local_error(result)
        others = [sentence for sentence in invalid if sentence != error.detail]
        return CommandResult(result, (), [*shown, *_first(others)], code, error, next_command(error, "send"))
    accepted = 0 if report is None else len(report.accepted)
    counted = result["numbers"] or accepted
    if code is Exit.OK and (invalid or counted < accepted):
        code = Exit.PARTLY
    warnings = [*shown, *_first(invalid)]
    if report is not None:
        said = dict.fromkeys(warning for submission in report.submissions for warning in submission.warnings)
        warnings += [warning for warning in said if warning not in {*notices, *warnings}]
    warnings += _batch_errors(result)
    following = next_command(failed, "send") if failed else "kwtsms validate NUMBER"
    data, changed = _with_edits(result, report)
    return CommandResult(
        data, [*changed, *_lines(result, accepted)], warnings, code, next="" if code is Exit.OK else following
    )


def _with_edits(result: Result, report: Report | None) -> tuple[Result, list[str]]:
    """Return a result with what was changed in the text, and the line that says so."""
    edits = () if report is None else report.edits
    return {**result, "edits": edits}, [f"changed: {describe_edits(edits)}"] if edits else []


def _batch_errors(result: Result) -> list[str]:
    return [f"batch {e['batch']}: {e['code']}: {e['description']} → {e['action']}" for e in result.get("errors", ())]


def _first(sentences: Sequence[str]) -> list[str]:
    """Return the sentences about the first numbers; the JSON document has all of them under ``invalid``."""
    more = len(sentences) - _SHOWN
    hint = (
        [f"{more} more numbers can't be sent to: --json has them under invalid, with the reasons."] if more > 0 else []
    )
    return [*sentences[:_SHOWN], *hint]


def _local_error(result: Result) -> TransportError:
    """Return the error of a result for which the gateway was not asked."""
    code, description = str(result["code"]), str(result["description"])
    return (
        error_for(code, description) if code in CODES else InvalidRecipient(description, action=str(result["action"]))
    )


def _lines(result: Result, accepted: int) -> list[str]:
    bulk = "msg-ids" in result
    ids: list[Any] = result["msg-ids"] if bulk else [result["msg-id"]]
    requests = f" in {plural(result['batches'], 'request')}" if bulk else ""
    cost = f"points charged: {points(result['points-charged'])}, balance: {points(result['balance-after'])}"
    of = f" of {accepted}" if (result["numbers"] or accepted) < accepted else ""
    summary = f"{result['result']}: {points(result['numbers'])}{of} accepted{requests}, {cost}"
    return [summary, *(f"msg-id: {message_id}" for message_id in ids if message_id)]
