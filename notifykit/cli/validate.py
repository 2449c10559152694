"""``notifykit validate``: which numbers can be sent to, and why not the others."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import attrs
import click

from notifykit.cli.exit_codes import Exit
from notifykit.cli.options import common, examples, global_options
from notifykit.cli.output import note, plural, print_json, print_line
from notifykit.cli.recipients import Recipients, gather
from notifykit.cli.rehearsal import rehearsal
from notifykit.errors import TransportError
from notifykit.models.recipient import Recipient, Rejected
from notifykit.pipeline.capabilities import leaves
from notifykit.pipeline.notifier import Notifier
from notifykit.plugins import PluginHost
from notifykit.protocols import KnowsNumbers

_CHUNK = 200


@attrs.frozen
class Verdict:
    """What is thought of one number."""

    #: As it was given.
    given: str = attrs.field(repr=False)
    #: As it would be sent to; None where it would not.
    address: str | None = attrs.field(repr=False)
    #: Its country where it is known.
    country: str | None
    #: Why it can't be sent to; None where it can.
    error: TransportError | None
    #: Which number was probably meant; None where nobody can tell.
    suggestion: str | None = attrs.field(default=None, repr=False)
    #: What to know about the number where it can be sent to, each a sentence.
    notices: tuple[str, ...] = ()

    def as_document(self) -> dict[str, Any]:
        """Return it for ``--json``."""
        return {
            "given": self.given,
            "address": self.address,
            "country": self.country,
            "ok": self.error is None,
            "code": self.error.code if self.error else None,
            "reason": self.error.detail if self.error else None,
            "advice": self.error.action if self.error else None,
            "suggestion": self.suggestion,
            "notices": list(self.notices),
        }


@click.command(
    "validate",
    epilog=examples(
        'notifykit validate 96598765432 "+965 9876 5433"',
        "notifykit validate --to-file people.csv --column mobile",
        "notifykit validate 96598765432 --remote --json",
    ),
)
@click.argument("numbers", nargs=-1, metavar="NUMBER...")
@click.option("--to-file", metavar="FILE", help="A file with a number a line, or a table; - is standard input.")
@click.option("--column", metavar="NAME", help="The column of the table that has the numbers.")
@click.option("--remote", is_flag=True, help="Ask the provider too: form and route, not whether somebody has it.")
@click.option("--via", metavar="NAME|DSN", help="Another transport than the settings say.")
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
    given = gather(numbers, to_file, column)
    with rehearsal(ctx, via) as notifier:
        if remote:
            return _report(_remotely(ctx, given, notifier, via), as_json=as_json)
        return _report(_locally(given, notifier), as_json=as_json)


def _locally(given: Iterable[str], notifier: Notifier) -> Iterator[Verdict]:
    for chunk in _chunks(given):
        for number in chunk:
            plan = notifier.plan([number], "x")
            if plan.recipients:
                recipient = plan.recipients[0]
                yield Verdict(number, recipient.address, recipient.country, None, notices=recipient.notices)
            else:
                yield Verdict(number, None, None, plan.excluded[0].error, suggestion(plan.excluded[0].recipient))


def suggestion(recipient: Recipient | Rejected) -> str | None:
    """Return whom the normalizer thinks was meant."""
    meant = recipient.suggestion if isinstance(recipient, Rejected) else None
    return meant.address if meant else None


def _remotely(ctx: click.Context, given: Recipients, local: Notifier, via: str | None) -> Iterator[Verdict]:
    """Ask the provider about the numbers that pass here; the others it need not see."""
    with Notifier.from_settings(
        via, env_file=global_options().env_file, host=ctx.ensure_object(PluginHost)
    ) as notifier:
        transport = next((leaf for leaf in leaves(notifier.transport) if isinstance(leaf, KnowsNumbers)), None)
        if transport is None:
            raise click.UsageError(f"{notifier.transport.name} can't be asked about numbers: leave out --remote.")
        for verdicts in _chunks(_locally(given, local)):
            asked = [Recipient(verdict.address) for verdict in verdicts if verdict.address]
            refused = transport.refusals(asked, notifier.settings.timeout) if asked else {}
            for verdict in verdicts:
                error = refused.get(verdict.address or "")
                yield attrs.evolve(verdict, error=error) if error else verdict


def _chunks(items: Iterable[Any]) -> Iterator[list[Any]]:
    iterator = iter(items)
    while chunk := list(itertools.islice(iterator, _CHUNK)):
        yield chunk


def _report(verdicts: Iterator[Verdict], *, as_json: bool) -> int:
    good = bad = 0
    documents = []
    for verdict in verdicts:
        good += verdict.error is None
        bad += verdict.error is not None
        if as_json:
            documents.append(verdict.as_document())
        elif verdict.error is None:
            print_line(f"OK        {verdict.given:<20} {verdict.address}  {verdict.country or ''}".rstrip(), "good")
            for notice in verdict.notices:
                print_line(f"{'':<30} notice: {notice}", "care")
        else:
            code = f"{verdict.error.code}: " if verdict.error.code else ""
            print_line(f"rejected  {verdict.given:<20} {code}{verdict.error.detail}", "bad")
            meant = f" Did you mean {verdict.suggestion}?" if verdict.suggestion else ""
            print_line(f"{'':<30} → {verdict.error.action}{meant}")
    if as_json:
        print_json("validate", {"ok": good, "rejected": bad, "numbers": documents}, ok=not bad)
    elif good + bad > 1:
        note(f"{plural(good, 'number')} OK, {bad} rejected")
    return Exit.PARTLY if bad else Exit.OK
