"""``notifykit completion``: the script with which a shell completes commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from notifykit.cli.options import common, examples
from notifykit.cli.output import print_answer

_PROGRAM = "notifykit"


@click.command(
    "completion",
    epilog=examples(
        "notifykit completion bash >> ~/.bashrc",
        "notifykit completion zsh >> ~/.zshrc",
        "notifykit completion fish > ~/.config/fish/completions/notifykit.fish",
    ),
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@common
@click.pass_context
def completion(ctx: click.Context, shell: str, as_json: bool) -> int:
    """Print the completion script of a shell.

    The script asks the program itself, so that commands of plugins are completed too.
    """
    kind = get_completion_class(shell)
    assert kind is not None, "click brings all three"
    made = kind(ctx.find_root().command, {}, _PROGRAM, f"_{_PROGRAM.upper()}_COMPLETE")
    # Not source(): for bash it runs a shell to check its version.
    script = made.source_template % made.source_vars()
    return print_answer("completion", {"shell": shell, "script": script}, script.split("\n"), as_json=as_json)
