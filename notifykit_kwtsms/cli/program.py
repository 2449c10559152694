"""The ``kwtsms`` program: commands by name, their results, and errors that end with the next command to type.

Heavy modules load inside the commands that need them: ``--help`` and ``--version`` need none.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from notifykit.cli import output, signals
from notifykit.cli.exit_codes import Exit
from notifykit.cli.options import CommandGroup, LazyCommand, begin, common, examples, global_options, version_option
from notifykit.cli.output import print_json, print_json_error

if TYPE_CHECKING:
    from notifykit_kwtsms.api.codes import Code

#: The module of each command in this package, and its summary, in the order in which a newcomer needs them.
COMMANDS: Final = {
    "setup": ("setup", "Ask for the account, check it, and write .env for it."),
    "verify": ("account", "Check the credentials; show the mode, TEST or LIVE, and the balance."),
    "balance": ("account", "Print the balance, in points: kwtsms balance --min 50."),
    "send": ("send", "Send MESSAGE to NUMBERS, separated by commas or spaces."),
    "validate": ("messages", "Say of each number OK, ER (its form is wrong) or NR (no route to its country)."),
    "senderid": ("account", "List the sender IDs of the account, one a line."),
    "coverage": ("account", "List the country codes that are active for the account, one a line."),
    "status": ("messages", "Say where a message is: kwtsms status f4c841adee210f31307633ceaebff2ec."),
    "dlr": ("messages", "Print the delivery reports of a message: kwtsms dlr f4c841adee210f31307633ceaebff2ec."),
    "errors": ("program", "List the gateway's error codes, or explain one: kwtsms errors ERR013."),
    "sandbox": (
        "sandbox",
        "Run an imitation of the kwtSMS gateway on this machine until Ctrl-C, or talk to one that runs.",
    ),
}
_WRONG_PASSWORD: Final = "ERR003"  # noqa: S105 - a code


class CommandResult(NamedTuple):
    """What a command found, for people and for programs."""

    #: For ``--json``: any JSON value.
    data: Any
    #: For people: the lines on standard output.
    lines: Sequence[str] = ()
    #: On standard error, or in the JSON document.
    warnings: Sequence[str] = ()
    #: The exit code.
    exit: Exit = Exit.OK
    #: Why the command failed.
    error: BaseException | None = None
    #: The command to type now.
    next: str = ""


class ResultCommand(click.Command):
    """A command whose function returns a :class:`CommandResult`. It prints the result, also for ``--json``."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run it, print its result, and return its exit code."""
        as_json = ctx.params.pop("as_json", False)
        found: CommandResult = super().invoke(ctx)
        if as_json:
            print_json(self.name or "", found.data, found.warnings, ok=found.exit is Exit.OK, error=found.error)
            return int(found.exit)
        # Warnings first, so that the result comes last on a terminal.
        for warning in (*found.warnings, *filter(None, [found.error])):
            output.warn(f"kwtsms: {warning}")
        for line in found.lines:
            output.print_line(line)
        if found.next:
            output.warn(f"Next: {found.next}")
        return int(found.exit)


def points(number: float | None) -> str:
    """Return points for people: ``149``, ``149.5``."""
    return "unknown" if number is None else f"{number:.10g}"


def next_command(error: BaseException, command: str = "") -> str:
    """Return the command to type after an error of a command."""
    from notifykit import errors as kinds
    from notifykit_kwtsms.api.codes import CODES

    if command == "setup":
        no_answer = isinstance(error, kinds.NotReached | kinds.ProviderUnavailable)
        return "kwtsms setup --no-verify" if no_answer else "kwtsms setup --help"
    code = error.code if isinstance(error, kinds.TransportError) else None
    explained = f"kwtsms errors {code}" if code in CODES else ""
    if isinstance(error, kinds.AuthFailed):
        return explained if explained and code != _WRONG_PASSWORD else "kwtsms setup"
    by_error: tuple[tuple[type[BaseException], str], ...] = (
        (kinds.SenderNotAllowed, "kwtsms senderid"),
        (kinds.DestinationNotCovered, "kwtsms coverage"),
        (kinds.OutOfCredit, "kwtsms balance"),
        (kinds.OutcomeUnknown, "kwtsms balance"),  # fewer points mean that it was sent
        (kinds.InvalidRecipient, "kwtsms validate NUMBER"),
        (kinds.NotReached, "kwtsms verify"),
        (kinds.ProviderUnavailable, "kwtsms verify"),
        (kinds.ConfigError, "kwtsms setup"),
        (kinds.TransportError, explained),
        (kinds.NotReached, "notifykit doctor --online"),
        (kinds.ProviderUnavailable, "notifykit doctor --online"),
    )
    choices = [following for kind, following in by_error if following and isinstance(error, kind)]
    # The command that has just failed would fail again.
    others = (choice for choice in choices if choice.split()[1] != command)
    return next(others, f"kwtsms {command} --help".replace("  ", " "))


@click.command("errors", cls=ResultCommand)
@click.argument("code", required=False)
@common
def errors(code: str | None) -> CommandResult:
    """List the gateway's error codes, or explain one: kwtsms errors ERR013.

    Needs no account and no network.
    """
    from notifykit_kwtsms.api.codes import CODES

    if code is None:
        return CommandResult(
            [_code_data(c) for c in CODES.values()], [f"{c.name}  {c.meaning}" for c in CODES.values()]
        )
    word = code.strip().upper()
    digits = word.removeprefix("ERR")
    # ERR003 for err3 and 3.
    name = f"ERR{int(digits):03}" if digits.isascii() and digits.isdigit() and len(digits) <= 3 else word
    found = CODES.get(name)
    if found is None:
        from notifykit.cli.options import ALIKE_CODES
        from notifykit.suggest import did_you_mean

        hint = did_you_mean(name, CODES, "", form=" Did you mean `kwtsms errors {}`?", least=ALIKE_CODES)
        raise click.BadParameter(f"The gateway documents no code {code!r}.{hint}", param_hint="CODE")
    data = _code_data(found)
    waits = " and ".join(f"{wait:g}" for wait in found.waits)
    lines = [
        f"{found.name}  {found.meaning}",
        f"Do:      {found.action}",
        f"Again:   {f'after {waits} seconds' if waits else 'waiting does not help'}",
        f"Exit:    {data['exit']}",
    ]
    return CommandResult(data, lines)


def _code_data(code: Code) -> dict[str, Any]:
    from notifykit.cli.exit_codes import for_error

    return {
        "code": code.name,
        "meaning": code.meaning,
        "action": code.action,
        "about": code.scope.value,
        "waits": list(code.waits),
        "exit": int(for_error(code.as_error())),
    }


class Program(CommandGroup):
    """A group that imports a command when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by its name."""
        if cmd_name not in COMMANDS:
            return None
        module, summary = COMMANDS[cmd_name]
        return LazyCommand(cmd_name, f"notifykit_kwtsms.cli.{module}:{cmd_name}", summary)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that was typed, or suggest one."""
        name = args[0]
        if name in COMMANDS:
            global_options().command = name
        elif not name.startswith("-"):
            from notifykit.suggest import did_you_mean

            hint = did_you_mean(name, COMMANDS, "", form=" Did you mean `kwtsms {}`?")
            ctx.fail(f"There is no command {name!r}.{hint}")
        return super().resolve_command(ctx, args)


@click.group(
    cls=Program,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=examples("kwtsms setup", 'kwtsms send 96598765432 "Your OTP is: 123456"', "kwtsms balance --min 50"),
)
@version_option("kwtsms")
@common
def program(as_json: bool) -> None:
    """Send SMS through the kwtSMS gateway of Kuwait."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program and exit."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    begin(given).command = "kwtsms"
    output.prepare_streams()
    with signals.handled():
        code = signals.exit_code(_run(given))
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    sys.exit(code)


def _run(given: list[str]) -> int:
    try:
        result: Any = program.main(args=given, prog_name="kwtsms", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        ctx = error.ctx if isinstance(error, click.UsageError) else None
        _print_error(error, error.format_message(), f"{ctx.command_path if ctx else 'kwtsms'} --help")
        return error.exit_code
    except click.Abort as error:
        if global_options().json:
            print_json(global_options().command, None, ok=False, error=error)
        output.warn("Interrupted.")
        return Exit.INTERRUPTED
    except Exception as error:
        from notifykit.cli.exit_codes import for_error
        from notifykit.errors import NotifyError

        if not isinstance(error, NotifyError):
            raise
        _print_error(error, str(error), next_command(error, global_options().command))
        return for_error(error)
    return int(result) if isinstance(result, int) else Exit.OK


def _print_error(error: Exception, sentence: str, following: str) -> None:
    """Print what is wrong and what to type now; with ``--json`` also as a document."""
    if global_options().json:
        print_json_error(global_options().command, error, following)
    output.warn(f"kwtsms: {sentence}")
    output.warn(f"Next: {following}")
