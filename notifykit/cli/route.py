"""``notifykit route test``: which transport a message would take, so that changed rules are noticed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import click

from notifykit.cli.dry_run import open_notifier
from notifykit.cli.exit_codes import Exit
from notifykit.cli.inputs import via_option
from notifykit.cli.options import command_group, common, examples
from notifykit.cli.output import note, print_json, print_line
from notifykit.models.message import Channel
from notifykit.pipeline.notifier import Notifier

route: Final = command_group(
    "route",
    "See which transport a message would take.",
    "Say what to do: route test ADDRESS.",
    examples("notifykit route test +96598765432"),
)


@route.command(
    "test",
    epilog=examples(
        "notifykit route test +96598765432",
        "notifykit route test +96598765432 --tag otp --expect kuwait",
        "notifykit route test shop@example.com --channel email --expect smtp --json",
    ),
)
@click.argument("addresses", nargs=-1, required=True, metavar="ADDRESS...")
@click.option("--expect", metavar="NAME", help="Fail unless this transport would send all of them.")
@click.option("--message", "text", default="Hello", metavar="TEXT", help="The text, for rules about its size.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="A label of the message; may be given again.")
@click.option("--sender", metavar="ID", help="The sender that the message names.")
@click.option("--channel", type=click.Choice([str(c) for c in Channel]), default="sms", help="The medium.")
@via_option
@common
def test(
    addresses: Sequence[str], expect: str | None, text: str, via: str | None, as_json: bool, **message: Any
) -> int:
    """Say which transport a message would take to each address. Nothing is sent.

    NAME is a name of [tool.notifykit.transports], a transport's own name such as kwtsms, or its DSN without secrets;
    that of a composite counts too where the message goes through it.
    """
    with open_notifier(via, log_file=None, sinks=()) as notifier:
        routes = [found for address in addresses for found in _routes(notifier, address, text, message)]
    missing = [found for found in routes if found["transport"] is None]
    other = [r for r in routes if expect is not None and r["transport"] is not None and expect not in r["names"]]
    code = Exit.FAILED if other else Exit.PARTLY if missing else Exit.OK
    if as_json:
        print_json("route test", {"expected": expect, "ways": routes}, ok=code is Exit.OK)
        return code
    for found in routes:
        if found in missing:
            print_line(f"{found['to']:<24} no transport: {found['reason']}", "bad")
            print_line(f"{'':<24} → {found['advice']}")
        else:
            print_line(f"{found['to']:<24} {found['transport']}", "bad" if found in other else "good")
        if found in other:
            note(f"{'':<24} also known as {', '.join(found['names'])}")
    if other:
        note(f"{len(other)} of {len(routes)} would not go through {expect}: look at the rules of the route.")
    return code


def _routes(notifier: Notifier, address: str, text: str, message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the transport that would make the request for each recipient, or why none would, for ``--json``."""
    no_route: dict[str, Any] = {"transport": None, "names": (), "reason": None, "advice": None}
    excluded = notifier.plan([address], text, **message).excluded
    for receipt in excluded:
        reason = str(receipt.error.detail if receipt.error else receipt.veto or receipt.skipped)
        yield {"to": str(receipt.recipient), **no_route, "reason": reason, "advice": receipt.advice}
    for request in () if excluded else notifier.predict_requests([address], text, **message):
        # The names of the transport and of the composites around it.
        names = tuple(dict.fromkeys(name for transport in request.path for name in notifier.names(transport)))
        for recipient in request.batch.recipients:
            yield {"to": str(recipient), **no_route, "transport": str(request.path[-1]), "names": names}
