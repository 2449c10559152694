"""The door of the ``kwtsms`` program: commands by name, errors as sentences that end with a command to type."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final

import click

from notifykit.cli import terminal
from notifykit.cli.envelope import failure
from notifykit.cli.exits import Exit
from notifykit.cli.manner import begin, common, manner

#: Where each command lives; it is loaded when it is asked for.
COMMANDS: Final = {
    "setup": "notifykit_kwtsms.program.setup",
    "verify": "notifykit_kwtsms.program.verify",
    "balance": "notifykit_kwtsms.program.balance",
    "send": "notifykit_kwtsms.program.send",
    "validate": "notifykit_kwtsms.program.validate",
    "senderid": "notifykit_kwtsms.program.senderid",
    "coverage": "notifykit_kwtsms.program.coverage",
    "status": "notifykit_kwtsms.program.status",
    "dlr": "notifykit_kwtsms.program.dlr",
    "errors": "notifykit_kwtsms.program.errors",
    "sandbox": "notifykit_kwtsms.cli.sandbox",
}

#: What the list of commands says of each, so that `--help` loads none of them.
SUMMARIES: Final = {
    "setup": "Ask for the account, check it, and write .env for it.",
    "verify": "Check the credentials; show the mode, TEST or LIVE, and the balance.",
    "balance": "Print the balance, in points: kwtsms balance --min 50.",
    "send": "Send MESSAGE to NUMBERS, separated by commas or spaces.",
    "validate": "Say of each number OK, ER (its form is wrong) or NR (no route to its country).",
    "senderid": "List the sender IDs of the account, one a line.",
    "coverage": "List the country codes that are active for the account, one a line.",
    "status": "Say where a message is: kwtsms status f4c841adee210f31307633ceaebff2ec.",
    "dlr": "Print the delivery reports of a message: kwtsms dlr f4c841adee210f31307633ceaebff2ec.",
    "errors": "List the gateway's error codes, or explain one: kwtsms errors ERR013.",
    "sandbox": "Run an imitation of the kwtSMS gateway on this machine until Ctrl-C, or talk to one that runs.",
}

_EXAMPLES: Final = """\b
Examples:
  kwtsms setup
  kwtsms send 96598765432 "Your OTP is: 123456"
  kwtsms balance --min 50
"""


class Program(click.Group):
    """A group whose commands are loaded one by one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order in which a newcomer needs them."""
        return list(COMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what each command is for, without loading it."""
        limit = formatter.width - 6 - max(map(len, COMMANDS))
        named = [(name, click.Command(name, help=words)) for name, words in SUMMARIES.items()]
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.get_short_help_str(limit)) for name, command in named])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by its name."""
        home = COMMANDS.get(cmd_name)
        if home is None:
            return None
        command: click.Command = getattr(import_module(home), cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that was typed, or guess which one was meant."""
        name = args[0]
        if name in COMMANDS:
            manner().command = name
        elif not name.startswith("-"):
            from notifykit.suggest import did_you_mean

            hint = did_you_mean(name, COMMANDS, "", form=" Did you mean `kwtsms {}`?")
            ctx.fail(f"There is no command {name!r}.{hint}")
        return super().resolve_command(ctx, args)


def _version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from importlib.metadata import version
        from platform import python_version

        terminal.answer_line(f"kwtsms {version('notifykit')} (Python {python_version()}, urllib3 {version('urllib3')})")
        ctx.exit()


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EXAMPLES)
@click.option("--version", is_flag=True, callback=_version, expose_value=False, is_eager=True, help="Show versions.")
@common
def program(as_json: bool) -> None:
    """Send SMS through the kwtSMS gateway of Kuwait."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program and exit."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    begin(given).command = "kwtsms"
    terminal.prepare()
    code = _run(given)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            terminal.hang_up(stream)
    sys.exit(code)


def _run(given: list[str]) -> int:
    try:
        result: Any = program.main(args=given, prog_name="kwtsms", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        _complain(error, error.format_message(), _help_for(error))
        return error.exit_code
    except click.Abort as error:
        if manner().json:
            failure(manner().command, error)
        terminal.warn("Interrupted.")
        return Exit.INTERRUPTED
    except Exception as error:
        # Nearly nobody comes here: `--help` and `--version` do without all of this.
        from notifykit.cli.endings import for_error
        from notifykit.errors import NotifyError
        from notifykit_kwtsms.program.advice import next_command

        if not isinstance(error, NotifyError):
            raise
        _complain(error, str(error), next_command(error, manner().command))
        return for_error(error)
    return int(result) if isinstance(result, int) else Exit.OK


def _complain(error: Exception, sentence: str, following: str) -> None:
    """Say what is wrong and what to type now; in the document too where one was asked for."""
    if manner().json:
        failure(manner().command, error, following)
    terminal.warn(f"kwtsms: {sentence}")
    terminal.warn(f"Next: {following}")


def _help_for(error: click.ClickException) -> str:
    ctx = error.ctx if isinstance(error, click.UsageError) else None
    return f"{ctx.command_path if ctx else 'kwtsms'} --help"
