"""``notifykit validate``: which numbers can be sent to, and why not the others."""

from __future__ import annotations

import contextlib
import csv
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

import click

from notifykit.cli.dry_run import dry_run_notifier, open_notifier
from notifykit.cli.exit_codes import Exit
from notifykit.cli.inputs import file_options, read_recipients, via_option
from notifykit.cli.options import common, examples
from notifykit.cli.output import note, plural, print_json, print_line
from notifykit.errors import TransportError
from notifykit.models.recipient import Recipient, Rejected
from notifykit.pipeline.capabilities import leaves
from notifykit.pipeline.notifier import Notifier
from notifykit.protocols import KnowsNumbers

#: How many numbers are asked about at once.
_CHUNK: Final = 200
#: So many rejected numbers are shown to a person; a screen holds no more.
_SHOWN: Final = 10
_REJECTED_COLUMNS: Final = ("given", "code", "reason", "advice", "suggestion")
#: A number as it was given, how it was read, and why it can't be sent to.
_Check = tuple[str, Recipient | Rejected, TransportError | None]


@click.command(
    "validate",
    epilog=examples(
        'notifykit validate 96598765432 "+965 9876 5433"',
        "notifykit validate --to-file people.csv --column mobile",
        "notifykit validate 96598765432 --remote --json",
    ),
)
@click.argument("numbers", nargs=-1, metavar="NUMBER...")
@file_options
@click.option("--rejected", metavar="FILE", help="Write all rejected numbers, with the reasons, to a table.")
@click.option("--remote", is_flag=True, help="Ask the provider too: form and route, not whether it is in use.")
@via_option
@common
def validate(
    numbers: Sequence[str],
    to_file: str | None,
    column: str | None,
    rejected: str | None,
    remote: bool,
    via: str | None,
    as_json: bool,
) -> int:
    """Check numbers by the rules of their countries; - reads them from standard input. Nothing is sent."""
    if not numbers and to_file is None:
        raise click.UsageError("There is nothing to validate: give numbers, - for standard input, or --to-file.")
    given = read_recipients(numbers, to_file, column)
    if rejected and to_file and os.path.realpath(rejected) == os.path.realpath(to_file):
        raise click.UsageError("--rejected would overwrite the file of --to-file: name another.")
    good = bad = 0
    documents = []
    with dry_run_notifier(via) as notifier, _table_of_rejected(rejected) as write:
        checks = _check(given, notifier)
        for document in map(_document, _ask_provider(checks, via) if remote else checks):
            good += document["ok"]
            if not document["ok"]:
                bad += 1
                write(document)
            if as_json:
                documents.append(document)
            elif document["ok"] or bad <= _SHOWN:
                _show(document)
    if as_json:
        print_json("validate", {"ok": good, "rejected": bad, "numbers": documents}, ok=not bad)
    elif bad > _SHOWN:
        where = f"all of them are in {rejected}" if rejected else "--rejected FILE writes all of them, with the reasons"
        note(f"{plural(good, 'number')} OK, {bad} rejected: the first {_SHOWN} are shown, {where}.")
    elif good + bad > 1:
        note(f"{plural(good, 'number')} OK, {bad} rejected")
    return Exit.PARTLY if bad else Exit.OK


@contextlib.contextmanager
def _table_of_rejected(file: str | None) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Return what writes one rejected number to a table; it holds numbers in clear, so only its owner can read it."""
    if file is None:
        yield lambda document: None
        return
    with contextlib.ExitStack() as stack:
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            opened = stack.enter_context(os.fdopen(descriptor, "w", encoding="utf-8-sig", newline=""))
        except OSError as error:
            raise click.UsageError(f"{file} can't be written: {error.strerror or type(error).__name__}.") from None
        table = csv.DictWriter(opened, _REJECTED_COLUMNS, extrasaction="ignore")
        table.writeheader()
        yield table.writerow


def _check(numbers: Iterable[str], notifier: Notifier) -> Iterator[_Check]:
    for number in numbers:
        plan = notifier.plan([number], "x")
        if plan.recipients:
            yield number, plan.recipients[0], None
        else:
            yield number, plan.excluded[0].recipient, plan.excluded[0].error


def _ask_provider(checks: Iterator[_Check], via: str | None) -> Iterator[_Check]:
    """Ask the provider about the numbers that pass here, some at a time; the others are not sent to it."""
    with open_notifier(via) as notifier:
        transport = next((leaf for leaf in leaves(notifier.transport) if isinstance(leaf, KnowsNumbers)), None)
        if transport is None:
            raise click.UsageError(f"{notifier.transport.name} can't be asked about numbers: leave out --remote.")
        while chunk := list(itertools.islice(checks, _CHUNK)):
            recipients = [found for _, found, error in chunk if isinstance(found, Recipient) and error is None]
            refused = transport.refusals(recipients, notifier.settings.timeout) if recipients else {}
            for number, found, error in chunk:
                address = found.address if isinstance(found, Recipient) else ""
                yield number, found, error or refused.get(address)


def _document(check: _Check) -> dict[str, Any]:
    number, recipient, error = check
    known = recipient if isinstance(recipient, Recipient) else None
    meant = recipient.suggestion if isinstance(recipient, Rejected) else None
    return {
        "given": number,
        "address": known.address if known else None,
        "country": known.country if known else None,
        "ok": error is None,
        "code": error.code if error else None,
        "reason": error.detail if error else None,
        "advice": error.action if error else None,
        "suggestion": meant.address if meant else None,
        "notices": list(known.notices) if known else [],
    }


def _show(check: dict[str, Any]) -> None:
    if check["ok"]:
        print_line(f"OK        {check['given']:<20} {check['address']}  {check['country'] or ''}".rstrip(), "good")
        for notice in check["notices"]:
            print_line(f"{'':<30} notice: {notice}", "care")
    else:
        code = f"{check['code']}: " if check["code"] else ""
        print_line(f"rejected  {check['given']:<20} {code}{check['reason']}", "bad")
        hint = f" Did you mean {check['suggestion']}?" if check["suggestion"] else ""
        print_line(f"{'':<30} → {check['advice']}{hint}")
