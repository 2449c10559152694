"""``kwtsms verify``: whether the credentials are right, and whether messages would reach a phone."""

from __future__ import annotations

import click

from notifykit.cli.options import common
from notifykit_kwtsms.api.facts import BASE_URL
from notifykit_kwtsms.program.account import account
from notifykit_kwtsms.program.command import Answer, Command, points
from notifykit_kwtsms.sandbox.gateway.service import Gateway


@click.command("verify", cls=Command)
@common
def verify() -> Answer:
    """Check the credentials; show the mode, TEST or LIVE, and the balance."""
    mine = account()
    found = mine.ask(Gateway.balance)
    mode = "TEST" if mine.own.test else "LIVE"
    meaning = "messages are queued and reach no phone" if mine.own.test else "messages are sent to phones"
    lines = [
        "The credentials are right.",
        f"User:     {mine.username}",
        f"Sender:   {mine.own.sender}",
        f"Mode:     {mode} ({meaning})",
        f"Balance:  {points(found.available)} points",
    ]
    if mine.own.base_url != BASE_URL:
        lines.append(f"Gateway:  {mine.own.base_url}")
    data = {
        "username": mine.username,
        "sender": mine.own.sender,
        "mode": mode,
        "available": found.available,
        "purchased": found.purchased,
        "base_url": mine.own.base_url,
    }
    return Answer(data, lines)
