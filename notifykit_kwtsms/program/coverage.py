"""``kwtsms coverage``: the countries that this account can send to."""

from __future__ import annotations

import click

from notifykit.cli.options import common
from notifykit_kwtsms.phone.documented import RULES
from notifykit_kwtsms.program.account import account
from notifykit_kwtsms.program.command import Answer, Command
from notifykit_kwtsms.sandbox.gateway.service import Gateway


@click.command("coverage", cls=Command)
@common
def coverage() -> Answer:
    """List the country codes that are active for the account, one a line."""
    mine = account()
    found = mine.ask(Gateway.coverage)
    lines = [f"{prefix:<5} {RULES[prefix].name}" if prefix in RULES else prefix for prefix in found]
    return Answer({"prefixes": list(found)}, lines)
