"""The ``notifykit`` program, a file a command. As a plugin it brings the framework's own commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import click

#: What each command is for. Each is in the module of its name and is imported on first use.
COMMANDS: Final = {
    "send": "Send a text, and say what happened to each recipient.",
    "campaign": "Send each row of a table its own text, and write what became of each row.",
    "preview": "Show a message as a phone does, with its encoding, segments and cost.",
    "explain": "Explain a text, a number or an error code: each edit, each step, each cure.",
    "validate": "Check numbers by the rules of their countries; - reads them from standard input.",
    "route": "See which transport a message would take.",
    "verify": "Send one-time codes, check them, and see how many are verified.",
    "suppress": "Change the suppression list, and see who is on it.",
    "log": "Read the JSONL log, and that of the kwtSMS client.",
    "plugins": "List plugins: what works, what is switched off, what is broken and why.",
    "config": "Show every setting with its value and where it comes from.",
    "balance": "Ask what is left on the account, or on each account of a composite.",
    "doctor": "Look at versions, settings, files, plugins and the account.",
    "completion": "Print the completion script of a shell.",
    "new": "Write the beginning of something of your own.",
    "help": "Show a page of help, or list the pages.",
}


def notifykit_commands(register: Callable[[click.Command], None]) -> None:
    """Bring the framework's own commands."""
    from notifykit.cli.options import LazyCommand

    for name, sentence in COMMANDS.items():
        register(LazyCommand(name, f"{__name__}.{name}:{name}", sentence))
