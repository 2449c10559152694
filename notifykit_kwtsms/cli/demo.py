"""``notifykit demo``: everything at once, without an account, a configuration or a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from notifykit import PluginHost
from notifykit.cli.options import common
from notifykit.cli.output import print_json
from notifykit_kwtsms.cli.sandbox import stop_signal

if TYPE_CHECKING:
    from notifykit_kwtsms.sandbox import Sandbox


@click.command("demo")
@click.option("--stay", is_flag=True, help="Leave the gateway running at the end, and say how to use it.")
@common
@click.pass_context
def demo(ctx: click.Context, as_json: bool, stay: bool) -> int:
    """Send six messages to a sandbox gateway on this machine. Needs no account and no network."""
    from notifykit_kwtsms.demo import screen, story
    from notifykit_kwtsms.sandbox import Sandbox

    host = ctx.find_object(PluginHost)
    with Sandbox() as sandbox:
        if not as_json:
            click.echo(f"A sandbox gateway on {sandbox.url}, in test mode. Nothing leaves this machine.\n")
        performances = []
        for performance in story.perform(sandbox, host, shown=not as_json):
            performances.append(performance)
            if not as_json:
                screen.show(performance)
        twice = story.double_sends(sandbox, performances)
        if as_json:
            messages = [story.as_document(performance) for performance in performances]
            print_json("demo", {"gateway": sandbox.url, "messages": messages, "sent_twice": len(twice)}, ok=not twice)
        else:
            screen.close(performances, twice)
        if stay:
            _stay(sandbox)
    return 1 if twice else 0


def _stay(sandbox: Sandbox) -> None:
    with stop_signal() as stopped:
        click.echo(f"\nThe gateway stays on {sandbox.url} until Ctrl-C. Use it from another terminal:\n", err=True)
        for name, value in sandbox.env.items():
            click.echo(f"  export {name}={value}", err=True)
        stopped.wait()
