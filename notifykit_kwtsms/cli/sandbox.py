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

if TYPE_CHECKING:
    from notifykit_kwtsms.sandbox import Sandbox

_PORT = 8965


@click.command("sandbox")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=_PORT, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option("--chaos", metavar="PRESET", help="Start with the faults of a preset.")
@click.option("--seed", type=int, help="Makes message ids and chance the same in every run.")
@click.option("--keep", default=2000, show_default=True, type=click.IntRange(min=1), help="Messages to keep.")
@click.option("--token", envvar="NOTIFYKIT_SANDBOX_TOKEN", help="Guards everything but the gateway itself.")
@click.option("--allow-remote", is_flag=True, help="Listen beyond this machine; needs a token.")
@click.option("--json", "as_json", is_flag=True, help="Print the address and the environment as one JSON document.")
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
            running.chaos(chaos)
        if as_json:
            answer("sandbox", {"url": running.url, "api_url": running.api_url, "dsn": running.dsn, "env": running.env})
        else:
            _announce(running)
        stopped.wait()
    return 0


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
