"""``notifykit sandbox tail``: what arrives, as it arrives."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from typing import Any, Final

import click

from notifykit.cli.exit_codes import Exit
from notifykit.cli.options import examples
from notifykit.cli.output import is_read, note, print_json_line, print_line
from notifykit_kwtsms.cli.inbox.lines import message_line
from notifykit_kwtsms.cli.inbox.remote import NotRunning, Refused, Remote, reaching, remote

#: Real seconds of silence after which the line is taken for dead: the sandbox speaks every ten.
_SILENCE: Final = 30.0
#: Real seconds before a broken line is tried again, and tries in a row.
_PAUSE: Final = 0.5
_TRIES: Final = 20


@click.command(
    "tail",
    epilog=examples("notifykit sandbox tail", "notifykit sandbox tail -n 20", "notifykit sandbox tail --json | jq ."),
)
@click.option(
    "-n", "--lines", type=click.IntRange(0, 1000), default=0, show_default=True, help="How many to begin with."
)
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="End after so many messages.")
@reaching
def tail(url: str, token: str | None, lines: int, count: int | None, as_json: bool) -> int:
    """Show what arrives until Ctrl-C; with --json every event as one JSON object a line.

    Nothing is lost where the connection breaks: it is taken up again where it was.
    """
    sandbox = remote(url, token)
    inbox = sandbox.ask("GET", "/sandbox/messages", {"limit": max(lines, 1)})
    for message in reversed(inbox["messages"][:lines]):
        _show("new", message, message["id"], as_json=as_json)
    seen = 0
    for kind, place, facts in events(sandbox, inbox["sequence"]):
        _show(kind, facts, place, as_json=as_json)
        seen += kind == "new"
        if seen == count or not is_read(sys.stdout):
            break
    return Exit.OK


def events(sandbox: Remote, place: int) -> Iterator[tuple[str, int, Any]]:
    """Yield the events after a number, over as many connections as it takes."""
    tries, told = 0, False
    while True:
        try:
            for kind, number, facts in _connection(sandbox, place):
                place, tries, told = number, 0, False
                yield kind, number, facts
        except NotRunning:
            tries += 1
            if tries >= _TRIES:
                raise
        if not told:
            note("The sandbox went away; waiting for it.", "faint")
            told = True
        time.sleep(_PAUSE)


def _connection(sandbox: Remote, place: int) -> Iterator[tuple[str, int, Any]]:
    import urllib3

    headers = {"Last-Event-ID": str(place), "Accept": "text/event-stream"}
    said = sandbox.open("GET", "/sandbox/events", headers=headers, patience=_SILENCE)
    if said.status != 200:
        sandbox.read(said)
        raise Refused(said.status, "The sandbox has no events.")
    fields: dict[str, str] = {}
    try:
        for line in _lines(said):
            name, _, value = line.partition(": ")
            if line:
                fields[name] = value
            else:
                # What has no number is about the moment, and not about what happened.
                if "id" in fields and "event" in fields:
                    yield fields["event"], int(fields["id"]), json.loads(fields["data"])
                fields = {}
    except urllib3.exceptions.HTTPError as problem:
        raise NotRunning(sandbox.url) from problem
    finally:
        said.close()


def _lines(said: Any) -> Iterator[str]:
    rest = b""
    while data := said.read1(65536):
        *whole, rest = (rest + data).split(b"\n")
        yield from (line.decode() for line in whole)


def _show(kind: str, facts: Any, place: int, *, as_json: bool) -> None:
    if as_json:
        print_json_line({"event": kind, "id": place, "data": facts})
    elif kind == "new":
        print_line(message_line(facts))
    elif kind == "dlr":
        print_line(f"{'':10}{facts['state']:<13}  no. {facts['id']}", "faint")
    elif kind == "reload":
        note("Some of what happened is no longer on record; the list has it: notifykit sandbox tail -n 1000", "care")
