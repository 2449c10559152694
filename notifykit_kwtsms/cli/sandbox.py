"""``notifykit sandbox``: the imitation of the gateway as a program."""

from __future__ import annotations

import collections
import contextlib
import re
from typing import TYPE_CHECKING, Any

import click

from notifykit.cli.options import CommandGroup, common, examples
from notifykit.cli.output import print_json, print_line
from notifykit_kwtsms.cli import sandbox_client

if TYPE_CHECKING:
    from notifykit_kwtsms.sandbox import Sandbox

_PORT = 8965
#: Seconds for which a new message is waited for at a time.
_POLL = 0.2
_AGE = re.compile(r"([0-9]{1,6})([smhdw])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def _age(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """Return the seconds of ``12h``."""
    if value is None:
        return None
    found = _AGE.fullmatch(value)
    if found is None or not int(found[1]):
        raise click.BadParameter(f"{value!r} is no age like 30m, 12h or 7d")
    return float(int(found[1]) * _SECONDS[found[2]])


@click.group(
    "sandbox",
    cls=CommandGroup,
    invoke_without_command=True,
    epilog=examples(
        "notifykit sandbox", "notifykit sandbox --store inbox.sqlite3 --keep-for 7d", "notifykit sandbox tail"
    ),
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=_PORT, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option("--chaos", metavar="PRESET", help="Start with the faults of a preset.")
@click.option("--demo", is_flag=True, help="Start with the messages of `notifykit demo` in the inbox.")
@click.option("--seed", type=int, help="Makes message ids and chance the same in every run.")
@click.option("--keep", default=2000, show_default=True, type=click.IntRange(min=1), help="Messages to keep.")
@click.option("--keep-for", callback=_age, metavar="AGE", help="Forget messages that are older: 30m, 12h, 7d.")
@click.option("--store", metavar="FILE", help="Keep the inbox in a file, so that it survives a restart.")
@click.option("--label", help="A name that the page shows, where there are several.")
@click.option("--token", envvar="NOTIFYKIT_SANDBOX_TOKEN", help="Guards everything but the gateway itself.")
@click.option("--allow-remote", is_flag=True, help="Listen beyond this machine; needs a token.")
@common
@click.pass_context
def sandbox(ctx: click.Context, /, chaos: str | None, demo: bool, as_json: bool, **options: Any) -> int:
    """Run an imitation of the kwtSMS gateway on this machine until Ctrl-C, or talk to one that runs."""
    if ctx.invoked_subcommand is not None:
        _refuse_misplaced(ctx, ["chaos", "demo", *options])
        return 0
    from notifykit_kwtsms.cli.demo import run_examples
    from notifykit_kwtsms.sandbox import Sandbox

    prepared = Sandbox(options.pop("host"), options.pop("port"), **options)
    with contextlib.suppress(KeyboardInterrupt), prepared as running:
        if demo:
            collections.deque(run_examples(running, None, shown=False), 0)
        if chaos:
            _apply_preset(running, chaos)
        if as_json:
            print_json(
                "sandbox", {"url": running.url, "api_url": running.api_url, "dsn": running.dsn, "env": running.env}
            )
        else:
            _print_addresses(running, has_token=bool(options["token"]))
        _print_messages(running, quiet=as_json)
    return 0


for _command in sandbox_client.COMMANDS:
    sandbox.add_command(_command)


def _refuse_misplaced(ctx: click.Context, options: list[str]) -> None:
    """Refuse options that would start another sandbox: options of a command go behind its name."""
    typed = click.core.ParameterSource.COMMANDLINE
    misplaced = ["--" + name.replace("_", "-") for name in options if ctx.get_parameter_source(name) is typed]
    if misplaced:
        raise click.UsageError(
            f"{', '.join(misplaced)} stands before {ctx.invoked_subcommand!r}, where it starts a new sandbox."
        )


def _apply_preset(running: Sandbox, chaos: str) -> None:
    from notifykit_kwtsms.sandbox import PRESETS

    if chaos.lower() not in {preset.lower() for preset in PRESETS}:
        raise click.BadParameter(f"there is no preset {chaos!r}: there are {', '.join(PRESETS)}", param_hint="--chaos")
    running.chaos(chaos)


def _print_addresses(running: Sandbox, *, has_token: bool) -> None:
    click.echo(
        f"A sandbox of the kwtSMS gateway on {running.url}: it charges, queues and refuses, and reaches no phone.\n"
    )
    click.echo("Paste into the terminal of your program:\n")
    for name, value in running.env.items():
        click.echo(f"  export {name}={value}")
    click.echo(f"\nor use the transport {running.dsn}")
    click.echo(f"The inbox: {running.url}/{'?token=…' if has_token else ''}")
    click.echo(f"What arrived: curl {running.url}/sandbox/messages    The newest code: curl {running.url}/sandbox/otp")
    click.echo("Ctrl-C ends it.")


def _print_messages(running: Sandbox, *, quiet: bool) -> None:
    """Print each new message until Ctrl-C."""
    store = running.gateway.store
    last = store.floor
    while True:
        for change in store.changes(last, _POLL):
            last = change.sequence
            message = store.get(change.message)
            if change.kind == "new" and message and not quiet:
                names = ("at", "test", "accepted", "code", "sender", "points", "text")
                facts = {name: getattr(message, name) for name in names}
                print_line(sandbox_client.message_line({**facts, "to": message.numbers, "fault": None}))
