"""``kwtsms dlr``: what networks outside Kuwait say about a message."""

from __future__ import annotations

import click

from notifykit.cli.options import common
from notifykit_kwtsms.program.account import account
from notifykit_kwtsms.program.command import Answer, Command


@click.command("dlr", cls=Command)
@click.argument("message_id", metavar="ID")
@common
def dlr(message_id: str) -> Answer:
    """Print the delivery reports of a message: kwtsms dlr f4c841adee210f31307633ceaebff2ec.

    Kuwait's networks give none; others need five minutes.
    """
    found = account().ask(lambda gateway, timeout: gateway.delivery_reports(message_id, timeout))
    reports = [{"number": report.number, "status": report.status} for report in found]
    return Answer(
        {"msg-id": message_id, "report": reports}, [f"{report['number']}  {report['status']}" for report in reports]
    )
