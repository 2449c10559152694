"""The door of the ``kwtsms`` program: commands by name, errors as sentences that end with a command to type."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, Final

import click

from notifykit.cli import output
from notifykit.cli.exit_codes import Exit
from notifykit.cli.options import LazyCommand, begin, common, global_options
from notifykit.cli.output import print_json_error

#: Where each command lives, and what the list of commands says of it. It is imported when it is used.
COMMANDS: Final = {
    "setup": ("notifykit_kwtsms.program.setup", "Ask for the account, check it, and write .env for it."),
    "verify": (
        "notifykit_kwtsms.program.verify",
        "Check the credentials; show the mode, TEST or LIVE, and the balance.",
    ),
    "balance": ("notifykit_kwtsms.program.balance", "Print the balance, in points: kwtsms balance --min 50."),
    "send": ("notifykit_kwtsms.program.send", "Send MESSAGE to NUMBERS, separated by commas or spaces."),
    "validate": (
        "notifykit_kwtsms.program.validate",
        "Say of each number OK, ER (its form is wrong) or NR (no route to its country).",
    ),
    "senderid": ("notifykit_kwtsms.program.senderid", "List the sender IDs of the account, one a line."),
    "coverage": (
        "notifykit_kwtsms.program.coverage",
        "List the country codes that are active for the account, one a line.",
    ),
    "status": (
        "notifykit_kwtsms.program.status",
        "Say where a message is: kwtsms status f4c841adee210f31307633ceaebff2ec.",
    ),
    "dlr": (
        "notifykit_kwtsms.program.dlr",
        "Print the delivery reports of a message: kwtsms dlr f4c841adee210f31307633ceaebff2ec.",
    ),
    "errors": (
        "notifykit_kwtsms.program.errors",
        "List the gateway's error codes, or explain one: kwtsms errors ERR013.",
    ),
    "sandbox": (
        "notifykit_kwtsms.cli.sandbox",
        "Run an imitation of the kwtSMS gateway on this machine until Ctrl-C, or talk to one that runs.",
    ),
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

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by its name."""
        if cmd_name not in COMMANDS:
            return None
        module, words = COMMANDS[cmd_name]
        return LazyCommand(cmd_name, f"{module}:{cmd_name}", words)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that was typed, or guess which one was meant."""
        name = args[0]
        if name in COMMANDS:
            global_options().command = name
        elif not name.startswith("-"):
            from notifykit.suggest import did_you_mean

            hint = did_you_mean(name, COMMANDS, "", form=" Did you mean `kwtsms {}`?")
            ctx.fail(f"There is no command {name!r}.{hint}")
        return super().resolve_command(ctx, args)


def _version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from importlib.metadata import version
        from platform import python_version

        output.print_line(f"kwtsms {version('notifykit')} (Python {python_version()}, urllib3 {version('urllib3')})")
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
    output.prepare_streams()
    code = _run(given)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            output.discard(stream)
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
        if global_options().json:
            print_json_error(global_options().command, error)
        output.warn("Interrupted.")
        return Exit.INTERRUPTED
    except Exception as error:
        # Nearly nobody comes here: `--help` and `--version` do without all of this.
        from notifykit.cli.exit_codes import for_error
        from notifykit.errors import NotifyError
        from notifykit_kwtsms.cli.program import next_command

        if not isinstance(error, NotifyError):
            raise
        _complain(error, str(error), next_command(error, global_options().command))
        return for_error(error)
    return int(result) if isinstance(result, int) else Exit.OK


def _complain(error: Exception, sentence: str, following: str) -> None:
    """Say what is wrong and what to type now; in the document too where one was asked for."""
    if global_options().json:
        print_json_error(global_options().command, error, following)
    output.warn(f"kwtsms: {sentence}")
    output.warn(f"Next: {following}")


def _help_for(error: click.ClickException) -> str:
    ctx = error.ctx if isinstance(error, click.UsageError) else None
    return f"{ctx.command_path if ctx else 'kwtsms'} --help"
