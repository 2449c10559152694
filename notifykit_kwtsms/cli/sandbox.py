"""``notifykit sandbox``: the imitation of the gateway as a program."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING

import click

from notifykit.cli.envelope import answer
from notifykit.cli.manner import common

if TYPE_CHECKING:
    from notifykit_kwtsms.sandbox import CapturedMessage, Sandbox

_PORT = 8965
#: Seconds after which a stop is noticed at the latest.
_PATIENCE = 0.2


@click.command("sandbox")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=_PORT, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option("--chaos", metavar="PRESET", help="Start with the faults of a preset.")
@click.option("--seed", type=int, help="Makes message ids and chance the same in every run.")
@click.option("--keep", default=2000, show_default=True, type=click.IntRange(min=1), help="Messages to keep.")
@click.option("--token", envvar="NOTIFYKIT_SANDBOX_TOKEN", help="Guards everything but the gateway itself.")
@click.option("--allow-remote", is_flag=True, help="Listen beyond this machine; needs a token.")
@common
def sandbox(
    host: str,
    port: int,
    chaos: str | None,
    seed: int | None,
    keep: int,
    token: str | None,
    allow_remote: bool,
    as_json: bool,
) -> int:
    """Run an imitation of the kwtSMS gateway on this machine until Ctrl-C."""
    from notifykit_kwtsms.sandbox import Sandbox

    prepared = Sandbox(host, port, seed=seed, keep=keep, token=token, allow_remote=allow_remote)
    with stop_signal() as stopped, prepared as running:
        if chaos:
            _arm(running, chaos)
        if as_json:
            answer("sandbox", {"url": running.url, "api_url": running.api_url, "dsn": running.dsn, "env": running.env})
        else:
            _announce(running)
        _follow(running, stopped, quiet=as_json)
    return 0


def _arm(running: Sandbox, chaos: str) -> None:
    from notifykit_kwtsms.sandbox import PRESETS

    if chaos.lower() not in {preset.lower() for preset in PRESETS}:
        raise click.BadParameter(f"there is no preset {chaos!r}: there are {', '.join(PRESETS)}", param_hint="--chaos")
    running.chaos(chaos)


def _announce(running: Sandbox) -> None:
    click.echo(
        f"A sandbox of the kwtSMS gateway on {running.url}: it charges, queues and refuses, and reaches no phone.\n"
    )
    click.echo("Paste into the terminal of your program:\n")
    for name, value in running.env.items():
        click.echo(f"  export {name}={value}")
    click.echo(f"\nor use the transport {running.dsn}")
    click.echo(f"What arrived: curl {running.url}/sandbox/messages    The newest code: curl {running.url}/sandbox/otp")
    click.echo("Ctrl-C ends it.")


def _follow(running: Sandbox, stopped: threading.Event, *, quiet: bool) -> None:
    """Say what arrives, until somebody ends it."""
    seen = 0
    while not stopped.is_set():
        for change in running.gateway.store.changes(seen, _PATIENCE):
            seen = change.sequence
            message = running.gateway.store.get(change.message)
            if change.kind == "new" and message and not quiet:
                click.echo(_line(message))


def _line(message: CapturedMessage) -> str:
    """Return one request to send as a line for its developer, who wants to see number and text."""
    how = (
        "queued (test)" if message.test and message.accepted else "sent" if message.accepted else message.code or "cut"
    )
    to = message.numbers[0] if len(message.numbers) == 1 else f"{len(message.numbers)} numbers"
    return f"{message.at:%H:%M:%S}  {how:<13}  {message.sender} → {to}  {message.points:g} points  {message.text!r}"


@contextlib.contextmanager
def stop_signal() -> Iterator[threading.Event]:
    """Give an event that Ctrl-C or a polite kill sets, so that either ends the server properly."""
    stopped = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.set()

    before = {name: signal.signal(name, stop) for name in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
