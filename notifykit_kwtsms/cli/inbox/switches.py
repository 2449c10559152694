"""``notifykit sandbox chaos`` and ``account``: what a running sandbox does, and what its accounts have."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click

from notifykit.cli.exit_codes import Exit
from notifykit.cli.options import examples
from notifykit.cli.output import print_json, print_line
from notifykit_kwtsms.cli.inbox.remote import reaching, remote

_CHAOS = "/sandbox/chaos"
_ACCOUNT = "/sandbox/account"


@click.command(
    "chaos",
    epilog=examples(
        "notifykit sandbox chaos flaky-wi-fi --seed 7",
        """notifykit sandbox chaos '{"do": "reset", "after": "accept", "times": 2}'""",
        "notifykit sandbox chaos clear",
    ),
)
@click.argument("what", metavar="PRESET|JSON|show|clear", default="show")
@click.option("--seed", type=int, help="Makes chance the same in every run.")
@reaching
def chaos(url: str, token: str | None, what: str, seed: int | None, as_json: bool) -> int:
    """Arm a preset or a fault in place of what is armed, show what is armed, or clear it."""
    sandbox = remote(url, token)
    if what == "show":
        now = sandbox.ask("GET", _CHAOS)
    elif what == "clear":
        now = sandbox.ask("DELETE", _CHAOS)
    else:
        now = sandbox.ask("PUT", _CHAOS, body=_armament(what, seed))
    if as_json:
        print_json("sandbox", now)
        return Exit.OK
    print_line(f"preset  {now['preset'] or 'a mixture'}")
    for fault in now["armed"]:
        left = "for ever" if fault["times"] is None else f"{fault['times'] - fault['fired']} times more"
        chance = "" if fault["probability"] == 1 else f", chance {fault['probability']:g}"
        match = "".join(f" {name}={value}" for name, value in fault["match"].items())
        print_line(f"no. {fault['id']:<4} {fault['do']}{match}  {left}{chance}, fired {fault['fired']}")
    if what == "show" and not now["armed"]:
        print_line(f"presets {', '.join(now['presets'])}", "faint")
    return Exit.OK


def _armament(what: str, seed: int | None) -> dict[str, Any]:
    if not what.lstrip().startswith(("{", "[")):
        return {"preset": what} | ({} if seed is None else {"seed": seed})
    try:
        given = json.loads(what)
    except ValueError as problem:
        raise click.BadParameter(f"this is not JSON: {problem}", param_hint="PRESET|JSON") from problem
    if isinstance(given, list):
        given = {"faults": given}
    return given if seed is None else {"seed": seed, **given}


@click.command(
    "account",
    epilog=examples(
        "notifykit sandbox account",
        "notifykit sandbox account --balance 0",
        "notifykit sandbox account --set 'senders=[\"MY-APP\"]' --set blocked=true",
    ),
)
@click.option("--username", help="Another account than the default one.")
@click.option("--balance", type=click.FloatRange(min=0), help="Set the points that are left.")
@click.option("--set", "settings", metavar="NAME=JSON", multiple=True, help="Set anything else. May be repeated.")
@click.option("--env", "with_env", is_flag=True, help="Show the lines to paste into an .env file, and nothing else.")
@reaching
def account(
    url: str,
    token: str | None,
    username: str | None,
    balance: float | None,
    settings: Sequence[str],
    with_env: bool,
    as_json: bool,
) -> int:
    """Show an account of the sandbox, or change it: balance, senders, prefixes, dnd, ip_list, blocked and more."""
    sandbox = remote(url, token)
    changes = dict(map(_setting, settings)) | ({} if balance is None else {"balance": balance})
    query = {"username": username}
    now = sandbox.ask("PUT", _ACCOUNT, query, changes) if changes else sandbox.ask("GET", _ACCOUNT, query)
    if as_json:
        # The password opens nothing but a sandbox; it is shown all the same only where it is asked for.
        print_json("sandbox", now if with_env else {name: now[name] for name in now if name not in ("env", "dsn")})
    elif with_env:
        for line in now["env"].splitlines():
            print_line(line)
    else:
        for name, value in now["account"].items():
            shown = ", ".join(map(str, value)) if isinstance(value, list) else value
            print_line(f"{name:<12} {shown}")
        print_line(f"{'queue':<12} {now['queue']} of {now['queue-limit']}")
        print_line(f"{'rate':<12} {now['rate']['now']} a second, limit {now['rate']['limit'] or 'none'}")
    return Exit.OK


def _setting(pair: str) -> tuple[str, Any]:
    name, sign, value = pair.partition("=")
    if not (name and sign):
        raise click.BadParameter(f"{pair!r} is no NAME=JSON", param_hint="--set")
    try:
        return name, json.loads(value)
    except ValueError:
        # A word without quotation marks, as a shell leaves it.
        return name, value
