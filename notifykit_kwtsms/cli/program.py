"""The ``kwtsms`` program: commands by name, answers, and errors that end with the next command to type."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, Final

import attrs
import click

from notifykit.cli import terminal
from notifykit.cli.commands import LazyCommand
from notifykit.cli.endings import for_error
from notifykit.cli.envelope import answer, failure
from notifykit.cli.exits import Exit
from notifykit.cli.manner import begin, common, manner
from notifykit.cli.wording import ALIKE_CODES
from notifykit.errors import (
    AuthFailed,
    ConfigError,
    ContentRejected,
    DestinationNotCovered,
    InvalidRecipient,
    NotReached,
    OutcomeUnknown,
    OutOfCredit,
    ProviderUnavailable,
    SenderNotAllowed,
    TransportError,
)
from notifykit.suggest import did_you_mean
from notifykit_kwtsms.api.codes import CODES, Code


@attrs.frozen(eq=False)
class Answer:
    """What a command found, for people and for programs."""

    #: For ``--json``: anything that JSON knows.
    data: Any
    #: For people: the lines on standard output.
    lines: Sequence[str] = ()
    #: What else one should know; on standard error, or in the document.
    warnings: Sequence[str] = ()
    #: How it ended.
    exit: Exit = Exit.OK
    #: Why it did not end well.
    error: BaseException | None = None
    #: The command to type now.
    next: str = ""


class Command(click.Command):
    """A command whose function returns an :class:`Answer`. ``--json`` is seen to here."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run it, print what it found, and return its exit code."""
        as_json = ctx.params.pop("as_json", False)
        found: Answer = super().invoke(ctx)
        if as_json:
            answer(self.name or "", found.data, found.warnings, ok=found.exit is Exit.OK, error=found.error)
        else:
            # Warnings first: where both go to one terminal, the answer stands last.
            for warning in found.warnings:
                terminal.warn(f"kwtsms: {warning}")
            if found.error:
                terminal.warn(f"kwtsms: {found.error}")
            for line in found.lines:
                terminal.answer_line(line)
        if found.next and not as_json:
            terminal.warn(f"Next: {found.next}")
        return int(found.exit)


def points(number: float | None) -> str:
    """Return points as people write them: ``149``, ``149.5``."""
    return "unknown" if number is None else f"{number:.10g}"


_BY_ERROR: Final = (
    (SenderNotAllowed, "kwtsms senderid"),
    (DestinationNotCovered, "kwtsms coverage"),
    (OutOfCredit, "kwtsms balance"),
    (OutcomeUnknown, "kwtsms balance"),  # points that are gone say that it was sent
    (InvalidRecipient, "kwtsms validate NUMBER"),
    (ContentRejected, "kwtsms send --help"),
    (NotReached, "kwtsms verify"),
    (ProviderUnavailable, "kwtsms verify"),
    (ConfigError, "kwtsms setup"),
)


_WRONG_PASSWORD: Final = "ERR003"  # noqa: S105 - a code


def next_command(error: BaseException, command: str = "") -> str:
    """Return the command to type after an error of a command."""
    if command == "setup":
        unheard = isinstance(error, NotReached | ProviderUnavailable)
        return "kwtsms setup --no-verify" if unheard else "kwtsms setup --help"
    code = error.code if isinstance(error, TransportError) else None
    if isinstance(error, AuthFailed):
        return f"kwtsms errors {code}" if code in CODES and code != _WRONG_PASSWORD else "kwtsms setup"
    found = next((following for kind, following in _BY_ERROR if isinstance(error, kind)), None)
    return found or (f"kwtsms errors {code}" if code in CODES else f"kwtsms {command} --help".replace("  ", " "))


#: Where each command lives, and what the list of commands says of it. It is imported when it is used.
COMMANDS: Final = {
    "setup": ("notifykit_kwtsms.cli.setup", "Ask for the account, check it, and write .env for it."),
    "verify": (
        "notifykit_kwtsms.cli.account",
        "Check the credentials; show the mode, TEST or LIVE, and the balance.",
    ),
    "balance": ("notifykit_kwtsms.cli.account", "Print the balance, in points: kwtsms balance --min 50."),
    "send": ("notifykit_kwtsms.cli.send", "Send MESSAGE to NUMBERS, separated by commas or spaces."),
    "validate": (
        "notifykit_kwtsms.cli.messages",
        "Say of each number OK, ER (its form is wrong) or NR (no route to its country).",
    ),
    "senderid": ("notifykit_kwtsms.cli.account", "List the sender IDs of the account, one a line."),
    "coverage": (
        "notifykit_kwtsms.cli.account",
        "List the country codes that are active for the account, one a line.",
    ),
    "status": (
        "notifykit_kwtsms.cli.messages",
        "Say where a message is: kwtsms status f4c841adee210f31307633ceaebff2ec.",
    ),
    "dlr": (
        "notifykit_kwtsms.cli.messages",
        "Print the delivery reports of a message: kwtsms dlr f4c841adee210f31307633ceaebff2ec.",
    ),
    "errors": (
        "notifykit_kwtsms.cli.program",
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
        # SELF

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


@click.command("errors", cls=Command)
@click.argument("code", required=False)
@common
def errors(code: str | None) -> Answer:
    """List the gateway's error codes, or explain one: kwtsms errors ERR013.

    Needs no account and no network.
    """
    if code is None:
        return Answer([_data(known) for known in CODES.values()], [f"{c.name}  {c.meaning}" for c in CODES.values()])
    name = _name(code)
    found = CODES.get(name)
    if found is None:
        hint = did_you_mean(name, CODES, "", form=" Did you mean `kwtsms errors {}`?", least=ALIKE_CODES)
        raise click.BadParameter(f"The gateway documents no code {code!r}.{hint}", param_hint="CODE")
    return Answer(_data(found), _lines(found))


def _name(code: str) -> str:
    """Return ``ERR003`` for ``ERR003``, ``err3`` and ``3``."""
    word = code.strip().upper()
    digits = word.removeprefix("ERR")
    return f"ERR{int(digits):03}" if digits.isascii() and digits.isdigit() and len(digits) <= 3 else word


def _lines(code: Code) -> list[str]:
    waits = " and ".join(f"{wait:g}" for wait in code.waits)
    return [
        f"{code.name}  {code.meaning}",
        f"Do:      {code.action}",
        f"Again:   {f'after {waits} seconds' if waits else 'waiting does not help'}",
        f"Exit:    {int(for_error(code.as_error()))}",
    ]


def _data(code: Code) -> dict[str, Any]:
    return {
        "code": code.name,
        "meaning": code.meaning,
        "action": code.action,
        "about": code.scope.value,
        "waits": list(code.waits),
        "exit": int(for_error(code.as_error())),
    }
