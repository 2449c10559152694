"""``notifykit sandbox wait``, ``otp`` and ``ready``: for scripts that go on when something is there."""

from __future__ import annotations

import time
from typing import Any, Final

import click

from notifykit.cli.exit_codes import Exit
from notifykit.cli.options import examples
from notifykit.cli.output import print_json, print_line
from notifykit_kwtsms.cli.inbox.lines import message_line
from notifykit_kwtsms.cli.inbox.remote import NotRunning, Refused, Remote, reaching, remote

#: Real seconds of one long poll; a longer wait is several.
_POLL: Final = 50.0
#: Real seconds between two looks at a sandbox that is not there yet.
_PAUSE: Final = 0.1

_to = click.option("--to", metavar="NUMBER", help="The number that it went to.")
_query = click.option("--query", metavar="QUERY", help="A search, as in the inbox: is:test has:otp.")
_timeout = click.option(
    "--timeout", type=click.FloatRange(min=0), default=10.0, show_default=True, help="Seconds to wait at most."
)


class NothingCame(click.ClickException):
    """What was waited for did not come."""

    exit_code = Exit.FAILED

    def __init__(self, words: str) -> None:
        super().__init__(words)
        #: What to type next.
        self.next_command = "notifykit sandbox tail -n 20"


@click.command(
    "wait",
    epilog=examples("notifykit sandbox wait --to 96598765432", "notifykit sandbox wait --text code --timeout 30"),
)
@_to
@click.option("--text", metavar="PART", help="A part of the text.")
@_query
@_timeout
@reaching
def wait(
    url: str, token: str | None, to: str | None, text: str | None, query: str | None, timeout: float, as_json: bool
) -> int:
    """Wait for an accepted message and show it; one that is there already is enough."""
    found = _poll(remote(url, token), "/sandbox/messages/wait", {"to": to, "text": text, "q": query}, timeout)
    if as_json:
        print_json("sandbox", found)
    else:
        print_line(message_line(found))
    return Exit.OK


@click.command("otp", epilog=examples("notifykit sandbox otp", "notifykit sandbox otp --to 96598765432 --timeout 30"))
@_to
@_query
@_timeout
@reaching
def otp(url: str, token: str | None, to: str | None, query: str | None, timeout: float, as_json: bool) -> int:
    """Wait for a code of 4 to 8 digits and show the newest."""
    found = _poll(remote(url, token), "/sandbox/otp", {"to": to, "q": query}, timeout)
    if as_json:
        print_json("sandbox", found)
    else:
        print_line(found["otp"])
    return Exit.OK


@click.command("ready", epilog=examples("notifykit sandbox ready", "notifykit sandbox ready --wait --timeout 60"))
@click.option("--wait", "waits", is_flag=True, help="Wait until it is there.")
@_timeout
@reaching
def ready(url: str, token: str | None, waits: bool, timeout: float, as_json: bool) -> int:
    """Say whether a sandbox is there and takes messages; for containers and pipelines."""
    sandbox = remote(url, token)
    until = time.monotonic() + timeout
    while True:
        try:
            sandbox.read(sandbox.open("GET", "/readyz"))
            break
        except (NotRunning, Refused) as problem:
            waiting = isinstance(problem, NotRunning) or problem.status == 503
            if not (waits and waiting and time.monotonic() < until):
                raise
        time.sleep(_PAUSE)
    if as_json:
        print_json("sandbox", {"ready": True, "url": sandbox.url})
    else:
        print_line(f"ready  {sandbox.url}")
    return Exit.OK


def _poll(sandbox: Remote, path: str, query: dict[str, str | None], timeout: float) -> Any:
    until = time.monotonic() + timeout
    while True:
        left = max(0.0, min(until - time.monotonic(), _POLL))
        try:
            return sandbox.ask("GET", path, {**query, "timeout": round(left, 3)}, patience=left + 10)
        except Refused as problem:
            if problem.status != 404:
                raise
            if time.monotonic() >= until:
                raise NothingCame(problem.message) from problem
