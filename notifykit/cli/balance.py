"""``notifykit balance``: ask the provider what is left on the account, for people, cron and Nagios."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import click

from notifykit.cli.dry_run import open_notifier
from notifykit.cli.exit_codes import Exit
from notifykit.cli.nagios import NagiosState, nagios_option, print_state
from notifykit.cli.options import common, examples, global_options
from notifykit.cli.output import plural, print_json, print_line, warn
from notifykit.errors import OutOfCredit, ProviderUnavailable
from notifykit.pipeline.capabilities import leaves
from notifykit.protocols import KnowsBalance


@attrs.frozen
class AccountBalance:
    """What is left on one account."""

    #: The transport, without secrets.
    transport: str
    #: Its name.
    name: str
    #: What is left.
    balance: float
    #: The unit.
    unit: str

    def __str__(self) -> str:
        return f"{self.name} {plural(self.balance, self.unit)}"


@click.command(
    "balance",
    epilog=examples(
        "notifykit balance", "notifykit balance --min 50", "notifykit balance --min 50 --warn 200 --nagios"
    ),
)
@click.option("--min", "minimum", type=click.FloatRange(min=0), metavar="AMOUNT", help="Exit with 7 below this.")
@click.option("--warn", "warning", type=click.FloatRange(min=0), metavar="AMOUNT", help="Warn below this.")
@click.option("--via", metavar="TRANSPORT", help="Another transport than the settings say: a name or a DSN.")
@nagios_option
@common
def balance(minimum: float | None, warning: float | None, via: str | None, nagios: bool, as_json: bool) -> int:
    """Ask what is left on the account, or on each account of a composite."""
    accounts = _ask(via)
    low = [one for one in accounts if minimum is not None and one.balance < minimum]
    near = [one for one in accounts if one not in low and warning is not None and one.balance < warning]
    if nagios:
        state = NagiosState.CRITICAL if low else NagiosState.WARNING if near else NagiosState.OK
        data = [f"{one.name}={one.balance:g};{_range(warning)};{_range(minimum)};0" for one in accounts]
        return print_state("balance", state, ", ".join(map(str, accounts)), data)
    error = None
    if low:
        sentence = f"{' and '.join(map(str, low))}: less than {minimum:g}."
        error = OutOfCredit(sentence)
    warnings = [f"{one}: less than {warning:g}." for one in near]
    if as_json:
        rows = [{"transport": one.transport, "balance": one.balance, "unit": one.unit} for one in accounts]
        answer = {"accounts": rows, "minimum": minimum}
        print_json("balance", answer, warnings, ok=not low, error=error)
    else:
        if not global_options().quiet:
            for one in accounts:
                print_line(str(one))
        for line in (*warnings, *([f"notifykit: {error}"] if error else [])):
            warn(line)
    return Exit.CREDIT if low else Exit.OK


def _ask(via: str | None) -> Sequence[AccountBalance]:
    """Return the balance of each account that can be asked.

    :raises click.UsageError: where none can be.
    :raises TransportError: where one does not answer.
    """
    found = []
    with open_notifier(via) as notifier:
        for leaf in leaves(notifier.transport):
            if isinstance(leaf, KnowsBalance):
                left = leaf.balance(notifier.settings.timeout)
                if left is None:
                    raise ProviderUnavailable(
                        f"{leaf.name} answered without a balance.", action="Ask again in a minute."
                    )
                found.append(AccountBalance(str(leaf), leaf.name, left, leaf.capabilities.unit))
        if not found:
            raise click.UsageError(f"{notifier.transport.name} has no account that can be asked for its balance.")
    return found


def _range(least: float | None) -> str:
    """Return a threshold that a value must not be below, as monitoring plugins write it."""
    return "" if least is None else f"{least:g}:"
