"""``notifykit route test``: which transport a message would take, so that changed rules are noticed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import attrs
import click

from notifykit.cli.exit_codes import Exit
from notifykit.cli.inputs import via_option
from notifykit.cli.options import common, examples, global_options
from notifykit.cli.output import note, print_json, print_line
from notifykit.models.message import Channel
from notifykit.pipeline.notifier import Notifier
from notifykit.plugins import PluginHost


@attrs.frozen
class RouteResult:
    """The transport of one message to one recipient."""

    #: The recipient, redacted.
    to: str
    #: The transport that would make the request, without secrets; None if none would.
    transport: str | None
    #: The names of it and of the composites around it, for ``--expect``.
    names: tuple[str, ...] = ()
    #: Why no transport would; None if one would.
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
@via_option
@common
@click.pass_context
def test(
    ctx: click.Context,
    /,
    addresses: Sequence[str],
    expect: str | None,
    text: str,
    via: str | None,
    as_json: bool,
    **message: Any,
) -> int:
    """Say which transport a message would take to each address. Nothing is sent.

    NAME is a name of [tool.notifykit.transports], a transport's own name such as kwtsms, or its DSN without secrets;
    that of a composite counts too where the message goes through it.
    """
    env_file, host = global_options().env_file, ctx.ensure_object(PluginHost)
    with Notifier.from_settings(via, env_file=env_file, host=host, log_file=None, sinks=()) as notifier:
        results = [result for address in addresses for result in _results(notifier, address, text, message)]
    missing = [result for result in results if result.transport is None]
    other = [r for r in results if expect is not None and r.transport is not None and expect not in r.names]
    if as_json:
        data = {"expected": expect, "ways": [attrs.asdict(result) for result in results]}
        print_json("route test", data, ok=not missing and not other)
        return Exit.FAILED if other else Exit.PARTLY if missing else Exit.OK
    for result in results:
        if result.transport is None:
            print_line(f"{result.to:<24} no transport: {result.reason}", "bad")
            print_line(f"{'':<24} → {result.advice}")
            continue
        print_line(f"{result.to:<24} {result.transport}", "bad" if result in other else "good")
        if result in other:
            note(f"{'':<24} also known as {', '.join(result.names)}")
    if other:
        note(f"{len(other)} of {len(results)} would not go through {expect}: look at the rules of the route.")
    return Exit.FAILED if other else Exit.PARTLY if missing else Exit.OK


def _results(notifier: Notifier, address: str, text: str, message: dict[str, Any]) -> Iterator[RouteResult]:
    excluded = notifier.plan([address], text, **message).excluded
    for receipt in excluded:
        why = str(receipt.error.detail if receipt.error else receipt.veto or receipt.skipped)
        yield RouteResult(str(receipt.recipient), None, reason=why, advice=receipt.advice)
    for request in () if excluded else notifier.expected([address], text, **message):
        names = dict.fromkeys(name for transport in request.path for name in notifier.names(transport))
        for recipient in request.batch.recipients:
            yield RouteResult(str(recipient), str(request.path[-1]), tuple(names))
