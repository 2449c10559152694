"""``notifykit route test``: which transport a message would take, so that a change of the rules can't go unnoticed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import click

from notifykit.cli.envelope import answer
from notifykit.cli.exits import Exit
from notifykit.cli.manner import common, examples, manner
from notifykit.cli.terminal import answer_line, tell
from notifykit.models.message import Channel
from notifykit.models.receipt import Receipt
from notifykit.pipeline.notifier import Notifier
from notifykit.plugins import PluginHost


@attrs.frozen
class Way:
    """The way of one message to one recipient."""

    #: The recipient, redacted.
    to: str
    #: The transport that would make the request, without secrets; None where nobody would.
    transport: str | None
    #: Every name that it and the composites before it answer to: for ``--expect``.
    names: tuple[str, ...]
    #: Why nobody would; None where somebody would.
    reason: str | None = None
    #: What to do about that.
    advice: str | None = None


@click.group("route", invoke_without_command=True, epilog=examples("notifykit route test +96598765432"))
@common
@click.pass_context
def route(ctx: click.Context, as_json: bool) -> None:
    """See which transport a message would take."""
    if ctx.invoked_subcommand is None:
        raise click.UsageError("Say what to do: route test ADDRESS.")


@route.command(
    "test",
    epilog=examples(
        "notifykit route test +96598765432",
        "notifykit route test +96598765432 --tag otp --expect kuwait",
        "notifykit route test shop@example.com --channel email --expect smtp --json",
    ),
)
@click.argument("addresses", nargs=-1, required=True, metavar="ADDRESS...")
@click.option("--expect", metavar="NAME", help="Fail unless this transport would carry all of them.")
@click.option("--message", "text", default="Hello", metavar="TEXT", help="The text, for rules about its size.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="A label of the message; may be given again.")
@click.option("--sender", metavar="ID", help="The sender that the message names.")
@click.option("--channel", type=click.Choice([str(c) for c in Channel]), default="sms", help="The medium.")
@click.option("--via", metavar="NAME|DSN", help="Another transport than the settings say.")
@common
@click.pass_context
def test(
    ctx: click.Context,
    addresses: Sequence[str],
    expect: str | None,
    text: str,
    tags: Sequence[str],
    sender: str | None,
    channel: str,
    via: str | None,
    as_json: bool,
) -> int:
    """Say which transport a message would take to each address. Nothing is sent.

    NAME is a name of [tool.notifykit.transports], a transport's own name such as kwtsms, or its DSN without secrets;
    that of a composite counts too where the message goes through it.
    """
    host = ctx.ensure_object(PluginHost)
    options = {"tags": tags, "sender": sender, "channel": channel}
    with Notifier.from_settings(via, env_file=manner().env_file, host=host, log_file=None, sinks=()) as notifier:
        ways = [way for address in addresses for way in _ways(notifier, address, text, options)]
    lost = [way for way in ways if way.transport is None]
    elsewhere = [way for way in ways if expect is not None and way.transport is not None and expect not in way.names]
    if as_json:
        found = {"expected": expect, "ways": [attrs.asdict(way) for way in ways]}
        answer("route test", found, ok=not lost and not elsewhere)
    else:
        _show(ways, elsewhere, expect)
    return Exit.FAILED if elsewhere else Exit.PARTLY if lost else Exit.OK


def _ways(notifier: Notifier, address: str, text: str, options: dict[str, Any]) -> list[Way]:
    plan = notifier.plan([address], text, **options)
    if plan.excluded:
        return [_nobody(receipt) for receipt in plan.excluded]
    ways = []
    for request in notifier.predict_requests([address], text, **options):
        names = dict.fromkeys(name for transport in request.path for name in notifier.names(transport))
        ways += [Way(str(recipient), str(request.path[-1]), tuple(names)) for recipient in request.batch.recipients]
    return ways


def _nobody(receipt: Receipt) -> Way:
    why = str(receipt.error.detail if receipt.error else receipt.veto or receipt.skipped)
    return Way(str(receipt.recipient), None, (), why, receipt.advice)


def _show(ways: Sequence[Way], elsewhere: Sequence[Way], expect: str | None) -> None:
    for way in ways:
        if way.transport is None:
            answer_line(f"{way.to:<24} nobody: {way.reason}", "bad")
            answer_line(f"{'':<24} → {way.advice}")
        else:
            answer_line(f"{way.to:<24} {way.transport}", "bad" if way in elsewhere else "good")
            tell(f"{'':<24} also known as {', '.join(way.names)}") if way in elsewhere else None
    if elsewhere:
        tell(f"{len(elsewhere)} of {len(ways)} would not go through {expect}: look at the rules of the route.")
