"""The commands of the ``notifykit`` program. Each is imported when it is used, and so may be those of plugins."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

import click

#: What each command of the framework's own is for. It is in the module of its name, in this package.
OWN: Final = {
    "send": "Send a text, and say what happened to each recipient.",
    "preview": "Show a message as a phone does, with its encoding, segments and cost.",
    "explain": "Explain a text, a number or an error code: each edit, each step, each cure.",
    "validate": "Check numbers by the rules of their countries; - reads them from standard input.",
    "route": "See which transport a message would take.",
    "log": "Read the JSONL log, and that of the kwtSMS client.",
    "plugins": "List plugins: what works, what is switched off, what is broken and why.",
    "config": "Show every setting with its value and where it comes from.",
    "doctor": "Look at versions, settings, files, plugins and the account.",
    "completion": "Print the completion script of a shell.",
    "new": "Write the beginning of something of your own.",
    "help": "Show a page of help, or list the pages.",
}


class LazyCommand(click.Command):
    """A command that is imported when it is used: until then its name and what it is for are enough.

    :param name: what people type.
    :param target: the command itself: ``package.module:attribute``.
    :param help: what the list of commands says of it.
    """

    def __init__(self, name: str, target: str, help: str) -> None:
        super().__init__(name, help=help)
        self._target = target

    def load(self) -> click.Command:
        """Import the command and return it."""
        module, _, attribute = self._target.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def make_context(self, *arguments: Any, **more: Any) -> click.Context:
        """Make the context of the command itself: click runs, helps and completes what that is about."""
        return self.load().make_context(*arguments, **more)


def notifykit_commands(register: Callable[[click.Command], None]) -> None:
    """Bring the framework's own commands."""
    for name, words in OWN.items():
        register(LazyCommand(name, f"notifykit.cli.{name}:{name}", words))
