"""``kwtsms send``: a text to one number or many. It never asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import click
from notifykit_kwtsms.client.face import Errand
from notifykit_kwtsms.client.shapes import Shape

from notifykit import InvalidRecipient, Report, TransportError
from notifykit.cli import output
from notifykit.cli.exit_codes import Exit, for_receipts
from notifykit.cli.options import common, global_options, read_text
from notifykit_kwtsms.api.codes import CODES, error_for
from notifykit_kwtsms.api.facts import NUMBERS_PER_REQUEST
from notifykit_kwtsms.cli.program import next_command
from notifykit_kwtsms.client.sync import KwtSMS
from notifykit_kwtsms.program.account import account
from notifykit_kwtsms.program.command import Answer, Command, points
from notifykit_kwtsms.program.words import numbers

_EXAMPLES: Final = """\b
Examples:
  kwtsms send 96598765432 "Your OTP is: 123456"
  kwtsms send 96598765432,96512345678 "Hello!"
  kwtsms send 96598765432 "Hello" --sender MY-APP
  cat numbers.txt | kwtsms send - "Hello!"
"""


class _Client(KwtSMS):
    """The documented client, which keeps what happened to each number."""

    report: Report | None = None

    @property
    def notices(self) -> tuple[str, ...]:
        """What one should know before sending."""
        return self._transport.capabilities.notices

    def _answer(self, errand: Errand, report: Report) -> Shape:
        self.report = report
        return super()._answer(errand, report)


@click.command("send", cls=Command, epilog=_EXAMPLES)
@click.argument("words", nargs=-1, required=True, metavar="NUMBERS... MESSAGE")
@click.option("--sender", metavar="ID", help="The sender ID for this message; capital letters count.")
@common
def send(words: Sequence[str], sender: str | None) -> Answer:
    """Send MESSAGE to NUMBERS, separated by commas or spaces.

    - reads the numbers, one a line, or the message from standard input. Where the configuration says test mode,
    nothing reaches a phone. A message that starts with - goes behind --.
    """
    to, message = _read(words)
    account()
    with _Client.from_env(global_options().env_file or ".env") as client:
        # Before the send, so that it is read even where the send takes long.
        notices = list(client.notices)
        if not global_options().json:
            for notice in notices:
                output.warn(f"kwtsms: {notice}")
        if len(to) > NUMBERS_PER_REQUEST:
            output.note(f"Sending to {len(to)} numbers, {NUMBERS_PER_REQUEST} a request ...")
        try:
            result = client.send(to, message, sender)
        except KeyboardInterrupt:
            log = f"{client.log_file} says which requests were made; " if client.log_file else ""
            output.warn(f"kwtsms: interrupted in the middle of a send: {log}`kwtsms balance` says what is left.")
            raise
    return _told(result, client.report, notices if global_options().json else [])


def _read(words: Sequence[str]) -> tuple[list[str], str]:
    """Return numbers and message."""
    *given, message = words
    if not given:
        raise click.UsageError('Give the numbers, and then the message in quotes: kwtsms send 96598765432 "Hello".')
    strays = [word for word in given if word != "-" and not any(c.isdigit() or c in ",@" for c in word)]
    if strays:
        raise click.UsageError(f"{strays[0]!r} is no number; put quotes around the message. Nothing was sent.")
    if message == "-" and "-" in given:
        raise click.UsageError("Standard input is either the numbers or the message, not both.")
    return numbers(given), read_text("-") if message == "-" else message


def _told(result: Shape, report: Report | None, notices: Sequence[str]) -> Answer:
    invalid = [str(number["error"]) for number in result.get("invalid", ())]
    code = Exit.FAILED if report is None else for_receipts(report)
    if result["result"] == "ERROR" and not result.get("bulk"):
        error = _error(result, report)
        others = [sentence for sentence in invalid if sentence != error.detail]
        return Answer(result, (), [*notices, *others], code, error, next_command(error, "send"))
    taken = 0 if report is None else len(report.accepted)
    if code is Exit.OK and (invalid or (result["numbers"] or taken) < taken):
        code = Exit.PARTLY
    warnings = [*notices, *invalid, *_remarks(report)]
    warnings += [
        f"batch {e['batch']}: {e['code']}: {e['description']} → {e['action']}" for e in result.get("errors", ())
    ]
    return Answer(result, _lines(result, taken), warnings, code, next=_next(code, report))


def _error(result: Shape, report: Report | None) -> TransportError:
    """Return what went wrong as an error: the gateway's, or ours in its place."""
    found = _first_error(report)
    if found:
        return found
    code, description = str(result["code"]), str(result["description"])
    if code in CODES:
        return error_for(code, description)
    return InvalidRecipient(description, action=str(result["action"]))


def _remarks(report: Report | None) -> list[str]:
    if report is None:
        return []
    remarks = list(dict.fromkeys(warning for said in report.submissions for warning in said.warnings))
    if report.edits:
        remarks.append("The text was cleaned: emoji, hidden characters, tags or digits are not as you typed them.")
    return remarks


def _lines(result: Shape, taken: int) -> list[str]:
    ids: list[Any] = result["msg-ids"] if result.get("bulk") else [result["msg-id"]]
    requests = f" in {result['batches']} requests" if result.get("bulk") else ""
    spent = f"points charged: {points(result['points-charged'])}, balance: {points(result['balance-after'])}"
    counted = points(result["numbers"])
    of = f" of {taken}" if (result["numbers"] or taken) < taken else ""
    summary = f"{result['result']}: {counted}{of} accepted{requests}, {spent}"
    return [summary, *(f"msg-id: {message_id}" for message_id in ids if message_id)]


def _next(code: Exit, report: Report | None) -> str:
    if code is Exit.OK:
        return ""
    error = _first_error(report)
    return next_command(error, "send") if error else "kwtsms validate NUMBER"


def _first_error(report: Report | None) -> TransportError | None:
    receipts = () if report is None else report.receipts
    return next((receipt.error for receipt in receipts if receipt.error), None)
