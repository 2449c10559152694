"""``kwtsms balance``: the points that are left, as one number."""

from __future__ import annotations

import click

from notifykit.cli.exit_codes import Exit
from notifykit.cli.options import common
from notifykit.errors import OutOfCredit, ProviderUnavailable
from notifykit_kwtsms.program.account import account
from notifykit_kwtsms.program.command import Answer, Command, points
from notifykit_kwtsms.sandbox.gateway.service import Gateway


@click.command("balance", cls=Command)
@click.option("--min", "minimum", type=click.FloatRange(min=0), metavar="POINTS", help="Exit with 7 below this.")
@common
def balance(minimum: float | None) -> Answer:
    """Print the balance, in points: kwtsms balance --min 50."""
    mine = account()
    found = mine.ask(Gateway.balance)
    if found.available is None:
        raise ProviderUnavailable("The gateway answered without a balance.", action="Ask again in a minute.")
    data = {"available": found.available, "purchased": found.purchased, "minimum": minimum}
    lines = [points(found.available)]
    if minimum is None or found.available >= minimum:
        return Answer(data, lines)
    low = OutOfCredit(
        f"{points(found.available)} points are less than {points(minimum)}.", action="Top up at kwtsms.com."
    )
    return Answer(data, lines, exit=Exit.CREDIT, error=low, next="kwtsms errors ERR011")
