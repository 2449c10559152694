"""``kwtsms validate``: what the gateway thinks of numbers, and what is wrong with those that it is not asked about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import attrs
import click

from notifykit import Channel, Recipient, Rejected
from notifykit.cli.exit_codes import Exit
from notifykit.cli.options import common
from notifykit_kwtsms.api.client import Validation
from notifykit_kwtsms.api.facts import NUMBERS_PER_REQUEST
from notifykit_kwtsms.client.base import DocumentedNormalizer
from notifykit_kwtsms.phone.documented import validate_phone_input
from notifykit_kwtsms.phone.normalizer import KwtSmsNormalizer
from notifykit_kwtsms.program.account import account
from notifykit_kwtsms.program.command import Answer, Command
from notifykit_kwtsms.program.words import numbers
from notifykit_kwtsms.sandbox.gateway.service import Gateway

_NO_ROUTE: Final = "no route: this country is not active for the account"
_MALFORMED: Final = "the gateway says that this is no number"


@attrs.frozen
class Judged:
    """One number, and what was said about it."""

    #: As it was given.
    input: str
    #: As the gateway wants it; empty where it is no number.
    number: str
    #: ``OK``, ``ER`` or ``NR``.
    status: str
    #: Why it is not OK.
    reason: str | None = None

    def __str__(self) -> str:
        shown = self.input if self.number in ("", self.input) else f"{self.number} ({self.input})"
        return f"{self.status}  {shown}" + (f"  {self.reason}" if self.reason else "")


@click.command("validate", cls=Command)
@click.argument("words", nargs=-1, required=True, metavar="NUMBERS...")
@common
def validate(words: Sequence[str]) -> Answer:
    """Say of each number OK, ER (its form is wrong) or NR (no route to its country).

    - reads numbers from standard input, one a line. What is no number at all is not asked about. Exits with 3 where
    one is not OK.
    """
    given = numbers(words)
    mine = account()
    normalizer = DocumentedNormalizer(mine.own.default_country)
    read = [_address(normalizer.normalize(raw.strip(), Channel.SMS)) for raw in given]
    asked = tuple(dict.fromkeys(filter(None, read)))
    said = [
        mine.ask(_question(asked[start : start + NUMBERS_PER_REQUEST]))
        for start in range(0, len(asked), NUMBERS_PER_REQUEST)
    ]
    status = dict(_statuses(said))
    judged = [_judged(raw, number, status) for raw, number in zip(given, read, strict=True)]
    bad = any(one.status != "OK" for one in judged)
    return Answer(_data(judged), list(map(str, judged)), exit=Exit.PARTLY if bad else Exit.OK)


def _question(some: Sequence[str]) -> Any:
    return lambda gateway, timeout: Gateway.validate(gateway, some, timeout)


def _statuses(said: Iterable[Validation]) -> Iterable[tuple[str, str]]:
    for answer in said:
        for status, found in (("OK", answer.ok), ("ER", answer.error), ("NR", answer.no_route)):
            yield from ((number, status) for number in found)


def _address(found: Recipient | Rejected | None) -> str:
    return found.address if isinstance(found, Recipient) else ""


def _judged(raw: str, number: str, status: dict[str, str]) -> Judged:
    if not number:
        return Judged(raw, "", "ER", validate_phone_input(raw)[1] or _MALFORMED)
    found = status.get(number, "ER")
    reasons = {"OK": None, "NR": _NO_ROUTE}
    return Judged(raw, number, found, reasons[found] if found in reasons else _why(raw))


def _why(raw: str) -> str:
    """Return what the rules of the number's country say; the gateway itself gives no reason."""
    strict = KwtSmsNormalizer().normalize(raw, Channel.SMS)
    if not isinstance(strict, Rejected):
        return strict.notices[0] if strict and strict.notices else _MALFORMED
    if strict.suggestion is None:
        return strict.error.detail
    return f"{strict.error.detail} Did you mean {strict.suggestion.address} (Kuwait)?"


def _data(judged: Sequence[Judged]) -> dict[str, Any]:
    """Return the documented lists, and beside them each number with its reason."""
    return {
        "ok": list(dict.fromkeys(one.number for one in judged if one.status == "OK")),
        "er": [one.number or one.input for one in judged if one.status == "ER"],
        "nr": [one.number for one in judged if one.status == "NR"],
        "rejected": [{"input": one.input, "error": one.reason} for one in judged if not one.number],
        "numbers": [attrs.asdict(one) for one in judged],
    }
