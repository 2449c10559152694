"""``kwtsms status``, ``dlr`` and ``validate``: queries about messages and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import attrs
import click

from notifykit import Channel, Recipient, Rejected
from notifykit.cli.exit_codes import Exit
from notifykit.cli.options import common, read_stdin
from notifykit_kwtsms.api.client import ApiClient
from notifykit_kwtsms.api.facts import NUMBERS_PER_REQUEST
from notifykit_kwtsms.cli.account import load_account
from notifykit_kwtsms.cli.program import CommandResult, ResultCommand
from notifykit_kwtsms.client.base import DocumentedNormalizer
from notifykit_kwtsms.client.results import split_numbers
from notifykit_kwtsms.phone.documented import validate_phone_input
from notifykit_kwtsms.phone.normalizer import KwtSmsNormalizer

_NO_ROUTE: Final = "no route: this country is not active for the account"
_MALFORMED: Final = "the gateway says that this is no number"


def read_numbers(words: Sequence[str]) -> list[str]:
    """Return the numbers of command-line arguments: commas separate them, ``-`` reads standard input.

    :raises click.UsageError: without any number.
    """
    found: list[str] = []
    for word in words:
        text = read_stdin() if word == "-" else word
        found += [str(number) for number in split_numbers(text) if str(number).strip()]
    if not found:
        raise click.UsageError("There is no number: give some, or - to read them from standard input, one a line.")
    return found


@click.command("status", cls=ResultCommand)
@click.argument("message_id", metavar="ID")
@common
def status(message_id: str) -> CommandResult:
    """Say where a message is: kwtsms status f4c841adee210f31307633ceaebff2ec.

    ID is the msg-id that the send printed. A test message ends as ERR030; what a phone received is not known here.
    """
    found = load_account().query(lambda api, timeout: api.status(message_id, timeout))
    line = f"{found.status}  {found.description}" if found.description else found.status
    return CommandResult({"msg-id": message_id, "status": found.status, "description": found.description}, [line])


@click.command("dlr", cls=ResultCommand)
@click.argument("message_id", metavar="ID")
@common
def dlr(message_id: str) -> CommandResult:
    """Print the delivery reports of a message: kwtsms dlr f4c841adee210f31307633ceaebff2ec.

    Kuwait's networks give none; others need five minutes.
    """
    found = load_account().query(lambda api, timeout: api.delivery_reports(message_id, timeout))
    reports = [{"number": report.number, "status": report.status} for report in found]
    lines = [f"{report.number}  {report.status}" for report in found]
    return CommandResult({"msg-id": message_id, "report": reports}, lines)


@attrs.frozen
class CheckedNumber:
    """One number, and the gateway's check of it."""

    #: As it was given.
    input: str
    #: In the gateway's form; empty where it is no number.
    number: str
    #: ``OK``, ``ER`` or ``NR``.
    status: str
    #: Why it is not OK.
    reason: str | None = None

    def __str__(self) -> str:
        shown = self.input if self.number in ("", self.input) else f"{self.number} ({self.input})"
        return f"{self.status}  {shown}" + (f"  {self.reason}" if self.reason else "")


@click.command("validate", cls=ResultCommand)
@click.argument("words", nargs=-1, required=True, metavar="NUMBERS...")
@common
def validate(words: Sequence[str]) -> CommandResult:
    """Say of each number OK, ER (its form is wrong) or NR (no route to its country).

    - reads numbers from standard input, one a line. What is no number at all is not asked about. Exits with 3 where
    one is not OK.
    """
    given = read_numbers(words)
    account = load_account()
    normalizer = DocumentedNormalizer(account.own.default_country)
    numbers = [_address(normalizer.normalize(raw.strip(), Channel.SMS)) for raw in given]
    unique = tuple(dict.fromkeys(filter(None, numbers)))
    statuses = account.query(lambda api, timeout: _statuses(api, unique, timeout))
    checked = [_check(raw, number, statuses) for raw, number in zip(given, numbers, strict=True)]
    # The documented lists, and each number with its reason.
    data: dict[str, Any] = {
        "ok": list(dict.fromkeys(one.number for one in checked if one.status == "OK")),
        "er": [one.number or one.input for one in checked if one.status == "ER"],
        "nr": [one.number for one in checked if one.status == "NR"],
        "rejected": [{"input": one.input, "error": one.reason} for one in checked if not one.number],
        "numbers": checked,
    }
    failed = any(one.status != "OK" for one in checked)
    return CommandResult(data, list(map(str, checked)), exit=Exit.PARTLY if failed else Exit.OK)


def _statuses(api: ApiClient, numbers: Sequence[str], timeout: float) -> dict[str, str]:
    """Return the gateway's status of each number."""
    statuses: dict[str, str] = {}
    for start in range(0, len(numbers), NUMBERS_PER_REQUEST):
        found = api.validate(numbers[start : start + NUMBERS_PER_REQUEST], timeout)
        for status, group in (("OK", found.ok), ("ER", found.error), ("NR", found.no_route)):
            statuses |= dict.fromkeys(group, status)
    return statuses


def _address(found: Recipient | Rejected | None) -> str:
    return found.address if isinstance(found, Recipient) else ""


def _check(raw: str, number: str, statuses: dict[str, str]) -> CheckedNumber:
    if not number:
        return CheckedNumber(raw, "", "ER", validate_phone_input(raw)[1] or _MALFORMED)
    status = statuses.get(number, "ER")
    reasons = {"OK": None, "NR": _NO_ROUTE}
    return CheckedNumber(raw, number, status, reasons[status] if status in reasons else _malformed_reason(raw))


def _malformed_reason(raw: str) -> str:
    """Return the reason by the rules of the number's country; the gateway gives none."""
    strict = KwtSmsNormalizer().normalize(raw, Channel.SMS)
    if not isinstance(strict, Rejected):
        return strict.notices[0] if strict and strict.notices else _MALFORMED
    if strict.suggestion is None:
        return strict.error.detail
    return f"{strict.error.detail} Did you mean {strict.suggestion.address} (Kuwait)?"
