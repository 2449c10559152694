"""``kwtsms senderid``: the names that this account may send under."""

from __future__ import annotations

from collections.abc import Sequence

import click

from notifykit.cli.options import common
from notifykit_kwtsms.api.facts import SHARED_SENDER
from notifykit_kwtsms.program.account import account
from notifykit_kwtsms.program.command import Answer, Command
from notifykit_kwtsms.sandbox.gateway.service import Gateway


@click.command("senderid", cls=Command)
@common
def senderid() -> Answer:
    """List the sender IDs of the account, one a line."""
    mine = account()
    found = mine.ask(Gateway.senderids)
    used = mine.own.sender
    return Answer(
        {"senderids": list(found), "configured": used, "registered": used in found}, found, _warnings(found, used)
    )


def _warnings(found: Sequence[str], used: str) -> list[str]:
    if used not in found:
        alike = next((sender for sender in found if sender.lower() == used.lower()), None)
        hint = f" Capital letters count: did you mean {alike}?" if alike else " Set KWTSMS_SENDER_ID to one that is."
        return [f"KWTSMS_SENDER_ID is {used!r}, which is not registered for this account.{hint}"]
    if used == SHARED_SENDER:
        return [f"{SHARED_SENDER} is in use: it is for testing only, slow, and blocked on some networks."]
    return []
