"""``notifykit validate``: which numbers can be sent to, and why not the others."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import attrs
import click

from notifykit.cli.dry_run import dry_run_notifier
from notifykit.cli.exit_codes import Exit
from notifykit.cli.inputs import file_options, read_recipients, via_option
from notifykit.cli.options import common, examples, global_options
from notifykit.cli.output import note, plural, print_json, print_line
from notifykit.errors import TransportError
from notifykit.models.recipient import Recipient, Rejected
from notifykit.pipeline.capabilities import leaves
from notifykit.pipeline.notifier import Notifier
from notifykit.plugins import PluginHost
from notifykit.protocols import KnowsNumbers

#: How many numbers are asked about at once.
_CHUNK: Final = 200


@attrs.frozen
class NumberCheck:
    """What was found about one number."""

    #: As it was given.
    given: str = attrs.field(repr=False)
    #: As it would be sent to; None if it can't be.
    address: str | None = attrs.field(default=None, repr=False)
    #: Its country, if it is known.
    country: str | None = None
    #: Why it can't be sent to; None if it can.
    error: TransportError | None = None
    #: Which number was probably meant; None if that is not clear.
    suggestion: str | None = attrs.field(default=None, repr=False)
    #: What to know about a number that can be sent to, each a sentence.
    notices: tuple[str, ...] = ()

    def as_document(self) -> dict[str, Any]:
        """Return it for ``--json``."""
        error = self.error
        return {
            "given": self.given,
            "address": self.address,
            "country": self.country,
            "ok": error is None,
            "code": error.code if error else None,
            "reason": error.detail if error else None,
            "advice": error.action if error else None,
            "suggestion": self.suggestion,
            "notices": list(self.notices),
        }

    def show(self) -> None:
        """Print it."""
        if self.error is None:
            print_line(f"OK        {self.given:<20} {self.address}  {self.country or ''}".rstrip(), "good")
            for notice in self.notices:
                print_line(f"{'':<30} notice: {notice}", "care")
        else:
            code = f"{self.error.code}: " if self.error.code else ""
            print_line(f"rejected  {self.given:<20} {code}{self.error.detail}", "bad")
            hint = f" Did you mean {self.suggestion}?" if self.suggestion else ""
            print_line(f"{'':<30} → {self.error.action}{hint}")


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
@click.option("--remote", is_flag=True, help="Ask the provider too: form and route, not whether somebody has it.")
@via_option
@common
@click.pass_context
def validate(
    ctx: click.Context,
    numbers: Sequence[str],
    to_file: str | None,
    column: str | None,
    remote: bool,
    via: str | None,
    as_json: bool,
) -> int:
    """Check numbers by the rules of their countries; - reads them from standard input. Nothing is sent."""
    if not numbers and to_file is None:
        raise click.UsageError("There is nothing to validate: give numbers, - for standard input, or --to-file.")
    given = read_recipients(numbers, to_file, column)
    counts = {True: 0, False: 0}
    documents = []
    with dry_run_notifier(ctx, via) as notifier:
        checks = (_check(number, notifier) for number in given)
        for check in _ask_provider(ctx, checks, via) if remote else checks:
            counts[check.error is None] += 1
            if as_json:
                documents.append(check.as_document())
            else:
                check.show()
    good, bad = counts[True], counts[False]
    if as_json:
        print_json("validate", {"ok": good, "rejected": bad, "numbers": documents}, ok=not bad)
    elif good + bad > 1:
        note(f"{plural(good, 'number')} OK, {bad} rejected")
    return Exit.PARTLY if bad else Exit.OK


def _check(number: str, notifier: Notifier) -> NumberCheck:
    plan = notifier.plan([number], "x")
    if plan.recipients:
        recipient = plan.recipients[0]
        return NumberCheck(number, recipient.address, recipient.country, notices=recipient.notices)
    receipt = plan.excluded[0]
    meant = receipt.recipient.suggestion if isinstance(receipt.recipient, Rejected) else None
    return NumberCheck(number, error=receipt.error, suggestion=meant.address if meant else None)


def _ask_provider(ctx: click.Context, checks: Iterable[NumberCheck], via: str | None) -> Iterator[NumberCheck]:
    """Ask the provider about the numbers that pass here, some at a time; the others are not sent to it."""
    env_file, host = global_options().env_file, ctx.ensure_object(PluginHost)
    with Notifier.from_settings(via, env_file=env_file, host=host) as notifier:
        transport = next((leaf for leaf in leaves(notifier.transport) if isinstance(leaf, KnowsNumbers)), None)
        if transport is None:
            raise click.UsageError(f"{notifier.transport.name} can't be asked about numbers: leave out --remote.")
        iterator = iter(checks)
        while chunk := list(itertools.islice(iterator, _CHUNK)):
            recipients = [Recipient(check.address) for check in chunk if check.address]
            refused = transport.refusals(recipients, notifier.settings.timeout) if recipients else {}
            for check in chunk:
                error = refused.get(check.address or "")
                yield attrs.evolve(check, error=error) if error else check
