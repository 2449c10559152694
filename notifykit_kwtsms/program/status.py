"""``kwtsms status``: where a message is inside the gateway."""

from __future__ import annotations

import click

from notifykit.cli.options import common
from notifykit_kwtsms.program.account import account
from notifykit_kwtsms.program.command import Answer, Command


@click.command("status", cls=Command)
@click.argument("message_id", metavar="ID")
@common
def status(message_id: str) -> Answer:
    """Say where a message is: kwtsms status f4c841adee210f31307633ceaebff2ec.

    ID is the msg-id that the send printed. A test message ends as ERR030; what a phone received is not known here.
    """
    found = account().ask(lambda gateway, timeout: gateway.status(message_id, timeout))
    line = f"{found.status}  {found.description}" if found.description else found.status
    return Answer({"msg-id": message_id, "status": found.status, "description": found.description}, [line])
