"""The commands of the notifykit program as management commands: the same options, output and exit codes.

What differs is where the settings come from: ``NOTIFYKIT`` in Django's settings, ``--using`` says which notifier.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Sequence
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError, CommandParser

from notifykit.errors import ConfigError
from notifykit.integrations.django.apps import command_settings
from notifykit.integrations.django.configuration import DEFAULT


class _WordParser(CommandParser):  # type: ignore[misc]
    """Reads the options that every command of Django has, and leaves the other words to notifykit."""

    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> argparse.Namespace:
        words = list(sys.argv[1:] if args is None else args)
        end = words.index("--") if "--" in words else len(words)
        found: argparse.Namespace
        found, others = self.parse_known_args(words[:end], namespace)
        found.args = [*others, *words[end:]]
        return found


class ProgramCommand(BaseCommand):  # type: ignore[misc]
    """Runs one command of the notifykit program."""

    #: The command's name there.
    command: ClassVar[str]
    # The command itself says what is wrong with its settings, with its own exit code.
    requires_system_checks: ClassVar[list[str]] = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Return a parser of Django's options; ``-v`` and ``-h`` are notifykit's."""
        parser = _WordParser(prog=f"{prog_name} {subcommand}", add_help=False, allow_abbrev=False, **kwargs)
        parser.add_argument("--using", default=DEFAULT, help="The notifier's name in NOTIFYKIT.")
        parser.add_argument("--settings")
        parser.add_argument("--pythonpath")
        for flag in ("--traceback", "--no-color", "--force-color", "--skip-checks"):
            parser.add_argument(flag, action="store_true")
        return parser

    def print_help(self, prog_name: str, subcommand: str) -> None:
        """Print the help of notifykit's command."""
        self.handle("--help", using=DEFAULT)

    def handle(self, *words: str, using: str, **options: Any) -> None:
        """Run the command; an exit code other than 0 ends the process with it.

        :raises CommandError: where ``NOTIFYKIT`` can't be read.
        """
        from notifykit.cli.main import run

        try:
            settings = command_settings(using)
        except ConfigError as error:
            raise CommandError(str(error), returncode=2) from None
        flags = {"no_color": "--color=never", "force_color": "--color=always"}
        color = [flag for name, flag in flags.items() if options.get(name)]
        with contextlib.ExitStack() as stack:
            # Where call_command was given other streams.
            if self.stdout._out is not sys.stdout:  # noqa: SLF001 - the wrapper adds a line end to each write
                stack.enter_context(contextlib.redirect_stdout(self.stdout._out))  # noqa: SLF001
            if self.stderr._out is not sys.stderr:  # noqa: SLF001
                stack.enter_context(contextlib.redirect_stderr(self.stderr._out))  # noqa: SLF001
            code = run([self.command, *color, *words], settings)
        if code:
            sys.exit(code)
