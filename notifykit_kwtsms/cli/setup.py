"""``kwtsms setup``: asks for an account at kwtSMS, checks it, and writes ``.env``. Nothing is written before the end."""

from __future__ import annotations

import contextlib
import os
import pathlib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import attrs
import click

from notifykit import Settings
from notifykit.cli import output
from notifykit.cli.options import common, examples, global_options, read_stdin
from notifykit.errors import AuthFailed, ConfigError, NotifyError, TransportError
from notifykit.redaction import Secret
from notifykit_kwtsms.api.client import ApiClient
from notifykit_kwtsms.api.facts import SHARED_SENDER
from notifykit_kwtsms.cli.env_file import EnvFile, add_to_gitignore, exposing_gitignore, quote, write_private
from notifykit_kwtsms.cli.program import CommandResult, ResultCommand, points
from notifykit_kwtsms.settings import FIELDS, SECTION

_INTRODUCTION: Final = """\
kwtSMS setup. Ctrl-C ends it and changes nothing.

You need the API user and the API password: kwtsms.com → Account → API.
They are not your mobile number, and not what you log in with at the website."""
_MODES: Final = """\
Mode:
  1  TEST  messages are queued at kwtSMS and reach no phone
  0  LIVE  messages are sent and paid for"""
_MODE_WORDS: Final = {"1": True, "test": True, "0": False, "live": False}
_NO_LOG: Final = "-"
_NEW_FILE: Final = "# kwtSMS, written by `kwtsms setup`. It holds a password: keep it out of version control.\n"


@attrs.frozen
class SetupOptions:
    """The options of the command line, which are not asked for."""

    #: The API user.
    username: str | None = None
    #: The sender ID.
    sender: str | None = None
    #: Whether messages are queued and not delivered.
    test: bool | None = None
    #: The log's path.
    log_file: str | None = None
    #: Whether to check the credentials at the gateway.
    verify: bool = True
    #: Whether to add the file to ``.gitignore``; None asks.
    ignore: bool | None = None


@attrs.frozen
class Choices:
    """The settings to write."""

    #: The API user.
    username: str
    #: The API password.
    password: Secret
    #: The sender ID.
    sender: str
    #: Whether messages are queued and not delivered.
    test: bool
    #: The log's path; empty for none.
    log_file: str

    def variables(self) -> dict[str, str]:
        """Return them by the names of their environment variables."""
        return {
            "KWTSMS_USERNAME": self.username,
            "KWTSMS_PASSWORD": self.password.reveal(),
            "KWTSMS_SENDER_ID": self.sender,
            "KWTSMS_TEST_MODE": "1" if self.test else "0",
            "KWTSMS_LOG_FILE": self.log_file,
        }


@attrs.frozen
class VerifiedAccount:
    """The gateway's answer to the credentials."""

    #: Points left.
    balance: float | None
    #: The sender IDs of the account.
    senders: tuple[str, ...]


@attrs.frozen
class Setup:
    """The file to write, and the settings of today."""

    #: The ``.env`` file.
    file: EnvFile
    #: Today's values by the fields' names; defaults where nothing is set.
    values: Mapping[str, Any] = attrs.field(repr=False)
    #: What is wrong with them.
    problems: tuple[str, ...]
    #: Seconds for one query of the gateway.
    timeout: float

    @classmethod
    def load(cls) -> Setup:
        """Read the file, the environment and the settings files.

        :raises ConfigError: if the file or the gateway's address can't be used.
        """
        path = pathlib.Path(global_options().env_file or ".env")
        file = EnvFile.read(path)
        settings = Settings.load(env_file=path)
        values, problems = settings.sources.resolve(FIELDS, SECTION)
        _, address = settings.sources.resolve([field for field in FIELDS if field.name == "base_url"], SECTION)
        if address:
            raise ConfigError(address)
        found = {name: value.value for name, value in values.items()}
        found["sender"] = found["sender"] or settings.sender or SHARED_SENDER
        return cls(file, found, tuple(problems), settings.timeout)

    def verify(self, username: str, password: Secret) -> VerifiedAccount:
        """Return what the gateway says to the credentials.

        :raises TransportError: if they are wrong, or there is no answer.
        """
        with contextlib.closing(ApiClient(username, password, self.values["base_url"])) as api:
            return VerifiedAccount(api.balance(self.timeout).available, api.senderids(self.timeout))

    def write(self, choices: Choices) -> None:
        """Write the file in one step, readable by its owner only; everything else in it stays.

        :raises NotifyError: if it can't be written; the old file is unchanged then.
        """
        file = attrs.evolve(self.file, text=self.file.text or _NEW_FILE)
        try:
            write_private(file.path, file.with_values(choices.variables()).text.encode())
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise NotifyError(f"{file.path} can't be written: {reason}. Nothing was changed.") from None


@attrs.frozen
class SetupResult:
    """What was written."""

    #: The file.
    path: pathlib.Path
    #: Its settings.
    choices: Choices
    #: The gateway's answer; None where it was not asked.
    verified: VerifiedAccount | None
    #: Whether a line was added to ``.gitignore``.
    ignored: bool


@click.command(
    "setup",
    cls=ResultCommand,
    epilog=examples("kwtsms setup", "kwtsms setup --non-interactive --username NAME --password-stdin < password.txt"),
)
@click.option("--non-interactive", is_flag=True, help="Ask nothing: take options, the environment and the file.")
@click.option("--username", metavar="NAME", help="The API user.")
@click.option("--password-stdin", is_flag=True, help="Read the API password from standard input.")
@click.option("--sender", metavar="ID", help="The sender ID; capital letters count.")
@click.option("--mode", type=click.Choice(["test", "live"]), help="test queues only; live sends.")
@click.option("--log-file", metavar="FILE", help='Where to log; "" for nowhere.')
@click.option("--verify/--no-verify", default=True, help="Ask the gateway whether the credentials are right.")
@click.option("--gitignore/--no-gitignore", "ignore", default=None, help="Add the file to .gitignore, or don't.")
@common
def setup(non_interactive: bool, password_stdin: bool, mode: str | None, **options: Any) -> CommandResult:
    """Ask for the account, check it, and write .env for it.

    Other lines of the file stay as they are. Scripts give --non-interactive.
    """
    given = SetupOptions(test=None if mode is None else mode == "test", **options)
    if non_interactive:
        return _command_result(_run_unattended(given, password_stdin=password_stdin))
    if password_stdin:
        raise click.UsageError("--password-stdin needs --non-interactive: questions are answered on a terminal.")
    if not output.can_ask():
        raise click.UsageError(
            "setup asks questions, and there is no terminal to ask on. Give --non-interactive, and the account with "
            "KWTSMS_USERNAME and KWTSMS_PASSWORD in the environment, or with --username and --password-stdin."
        )
    return _command_result(run_wizard(given))


def _run_unattended(given: SetupOptions, *, password_stdin: bool) -> SetupResult:
    now = Setup.load()
    options = {name: getattr(given, name) for name in ("username", "sender", "test", "log_file")}
    values = {**now.values, **{name: value for name, value in options.items() if value is not None}}
    if password_stdin:
        values["password"] = Secret(read_stdin().strip())
    missing = [
        f"{name} is missing: {how}"
        for name, how in (
            ("username", "give --username or KWTSMS_USERNAME; it is the API user, not your mobile number"),
            ("password", "give --password-stdin or KWTSMS_PASSWORD; it is the API password, not the website's"),
        )
        if not values[name]
    ]
    if missing or now.problems:
        raise ConfigError([*now.problems, *missing])
    sender = values["sender"].strip() or SHARED_SENDER
    choices = Choices(values["username"].strip(), values["password"], sender, values["test"], values["log_file"])
    verified = now.verify(choices.username, choices.password) if given.verify else None
    now.write(choices)
    path = now.file.path
    target = exposing_gitignore(path) if given.ignore else None
    if target:
        add_to_gitignore(target, path.name)
    return SetupResult(path, choices, verified, ignored=target is not None)


def _command_result(done: SetupResult) -> CommandResult:
    choices, verified = done.choices, done.verified
    mode = "TEST" if choices.test else "LIVE"
    warnings = [
        f"{name} is set in the environment too, and wins over the file: unset it."
        for name, value in choices.variables().items()
        if os.environ.get(name, value) != value
    ]
    if verified and choices.sender not in verified.senders:
        there = ", ".join(verified.senders) or "none"
        warnings.append(f"The sender ID {choices.sender!r} is not registered for this account; there are: {there}.")
    exposing = exposing_gitignore(done.path)
    if exposing:
        warnings.append(f"Git would take {done.path.name} with the password in it: add it to {exposing.name}.")
    who = "" if os.name == "nt" else ", readable by you only"
    lines = [f"Written: {done.path}{who}. Mode: {mode}. Sender: {choices.sender}."]
    if done.ignored:
        lines.append(f"Added {done.path.name} to .gitignore.")
    data = {
        "file": str(done.path),
        "username": choices.username,
        "sender": choices.sender,
        "mode": mode,
        "log_file": choices.log_file,
        "verified": verified is not None,
        "balance": verified.balance if verified else None,
        "senderids": list(verified.senders) if verified else None,
        "gitignore": done.ignored,
    }
    if verified is None:
        return CommandResult(data, lines, warnings, next="kwtsms verify")
    if not output.can_ask():
        lines.append(f"The credentials are right. Balance: {points(verified.balance)} points.")
    # A command to paste must not send a paid message to a stranger.
    following = 'kwtsms send 96598765432 "Hello"' if choices.test else "kwtsms verify"
    return CommandResult(data, lines, warnings, next=following)


def run_wizard(given: SetupOptions | None = None) -> SetupResult:
    """Ask on a terminal, verify, and write the file.

    :raises click.Abort: after Ctrl-C; nothing is written then.
    """
    given = given or SetupOptions()
    now = Setup.load()
    _print(f"{_INTRODUCTION}\n")
    username, password, verified = _ask_credentials(given, now)
    sender = given.sender or _ask_sender(verified.senders if verified else (), now.values["sender"])
    test = _ask_mode() if given.test is None else given.test
    log_file = given.log_file
    if log_file is None:
        typed: str = _ask(f'Log file, "{_NO_LOG}" for none', now.values["log_file"] or _NO_LOG, _one_line)
        log_file = "" if typed == _NO_LOG else typed
    choices = Choices(username, password, sender, test, log_file)
    now.write(choices)
    path = now.file.path
    return SetupResult(path, choices, verified, _ask_gitignore(path, given.ignore))


def _ask_credentials(given: SetupOptions, now: Setup) -> tuple[str, Secret, VerifiedAccount | None]:
    """Ask until the gateway accepts them."""
    username, password = given.username or now.values["username"], now.values["password"]
    while True:
        if not given.username:
            username = _ask("API user", username, _one_line)
        password = _ask_password(password)
        if not given.verify:
            return username, password, None
        _print("Checking with kwtSMS …")
        try:
            verified = now.verify(username, password)
        except TransportError as error:
            output.warn(f"kwtsms: {error}")
            password = None
            mistyped = isinstance(error, AuthFailed) and error.code in (None, "ERR003")
            if not mistyped and not click.confirm("Try again?", default=True, err=True):
                raise
            continue
        _print(f"The credentials are right. Balance: {points(verified.balance)} points.")
        return username, password, verified


def _ask_password(kept: Secret | None) -> Secret:
    hint = " (Enter keeps the one that is there)" if kept else ""
    typed: str = click.prompt(
        f"API password, not shown{hint}",
        hide_input=True,
        default="" if kept else None,
        show_default=False,
        value_proc=_one_line if not kept else _one_line_or_nothing,
        err=True,
    )
    return Secret(typed) if typed or kept is None else kept


def _ask_sender(senders: Sequence[str], configured: str) -> str:
    if not senders:
        return str(_ask("Sender ID", configured, _one_line))
    _print("Sender ID:")
    for number, sender in enumerate(senders, 1):
        hint = "  for testing only: slow, and blocked on some networks" if sender == SHARED_SENDER else ""
        _print(f"  {number}  {sender}{hint}")
    preferred = (configured if configured != SHARED_SENDER else "", *(s for s in senders if s != SHARED_SENDER))
    default = next((sender for sender in preferred if sender in senders), senders[0])

    def read(typed: str) -> str:
        word = typed.strip()
        if word in senders:
            return word
        if word.isdecimal() and 0 < int(word) <= len(senders):
            return senders[int(word) - 1]
        raise click.UsageError(f"type a number from 1 to {len(senders)}")

    return str(_ask("Which", str(senders.index(default) + 1), read))


def _ask_mode() -> bool:
    def read(typed: str) -> bool:
        word = typed.strip().lower()
        if word in _MODE_WORDS:
            return _MODE_WORDS[word]
        raise click.UsageError("type 1 for TEST or 0 for LIVE")

    _print(_MODES)
    return bool(_ask("Mode", "1", read))


def _ask_gitignore(path: pathlib.Path, wanted: bool | None) -> bool:
    target = exposing_gitignore(path)
    if target is None or wanted is False:
        return False
    if wanted or click.confirm(f"Git would take {path.name}. Add it to {target.name}?", default=True, err=True):
        add_to_gitignore(target, path.name)
        return True
    return False


def _print(text: str) -> None:
    """Print a part of a question, so that ``--quiet`` does not hide it."""
    click.echo(output.encodable(text, sys.stderr), err=True)


def _ask(question: str, default: str | None, read: Callable[[str], Any]) -> Any:
    return click.prompt(output.encodable(question, sys.stderr), default=default, value_proc=read, err=True)


def _one_line(typed: str) -> str:
    if not typed.strip():
        raise click.UsageError("type something")
    return _one_line_or_nothing(typed)


def _one_line_or_nothing(typed: str) -> str:
    word = typed.strip()
    try:
        quote(word)
    except ValueError as error:
        raise click.UsageError(f"it {error}") from None
    return word
