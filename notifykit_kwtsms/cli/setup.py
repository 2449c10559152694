"""``kwtsms setup``: asks for an account at kwtSMS, checks it, and writes ``.env``."""

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
from notifykit.cli import terminal
from notifykit.cli.manner import common, manner
from notifykit.cli.recipients import read_stdin
from notifykit.errors import AuthFailed, ConfigError, NotifyError, TransportError
from notifykit.redaction import Secret
from notifykit_kwtsms.api.client import ApiClient
from notifykit_kwtsms.api.facts import SHARED_SENDER
from notifykit_kwtsms.cli.env_file import EnvFile, add, exposing, quote, write_private
from notifykit_kwtsms.cli.program import Answer, Command, points
from notifykit_kwtsms.settings import FIELDS, SECTION

_NEW: Final = "# kwtSMS, written by `kwtsms setup`. It holds a password: keep it out of version control.\n"


@attrs.frozen
class Known:
    """What is set already."""

    #: The values by the fields' names; defaults where nothing is set.
    values: Mapping[str, Any] = attrs.field(repr=False)
    #: What is wrong with them.
    problems: tuple[str, ...]
    #: Seconds for one question to the gateway.
    timeout: float

    @classmethod
    def find(cls, path: pathlib.Path) -> Known:
        """Look at the environment, the file and the settings files.

        :raises ConfigError: where the gateway's address can't be used: nothing could be verified there.
        """
        settings = Settings.load(env_file=path)
        values, problems = settings.sources.resolve(FIELDS, SECTION)
        _, address = settings.sources.resolve([field for field in FIELDS if field.name == "base_url"], SECTION)
        if address:
            raise ConfigError(address)
        found = {name: value.value for name, value in values.items()}
        found["sender"] = found["sender"] or settings.sender or SHARED_SENDER
        return cls(found, tuple(problems), settings.timeout)


@attrs.frozen
class Verified:
    """What the gateway said to the credentials."""

    #: Points left.
    balance: float | None
    #: The sender IDs of the account.
    senders: tuple[str, ...]


@attrs.frozen
class Choices:
    """What will be written."""

    #: The API user.
    username: str
    #: The API password.
    password: Secret
    #: The sender ID.
    sender: str
    #: Whether messages are queued only.
    test: bool
    #: The log's path; empty for none.
    log_file: str

    def variables(self) -> dict[str, str]:
        """Return them under their names in the environment."""
        return {
            "KWTSMS_USERNAME": self.username,
            "KWTSMS_PASSWORD": self.password.reveal(),
            "KWTSMS_SENDER_ID": self.sender,
            "KWTSMS_TEST_MODE": "1" if self.test else "0",
            "KWTSMS_LOG_FILE": self.log_file,
        }


def check(username: str, password: Secret, known: Known) -> Verified:
    """Ask the gateway whether the credentials are right.

    :raises TransportError: where they are not, or where it can't be asked.
    """
    with contextlib.closing(ApiClient(username, password, known.values["base_url"])) as gateway:
        balance = gateway.balance(known.timeout)
        return Verified(balance.available, gateway.senderids(known.timeout))


def store(file: EnvFile, choices: Choices) -> None:
    """Write the file in one step, readable by its owner only; what else is in it stays.

    :raises NotifyError: where it can't be written; the old file is untouched then.
    """
    started = attrs.evolve(file, text=file.text or _NEW)
    content = started.with_values(choices.variables()).text
    try:
        write_private(file.path, content.encode())
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise NotifyError(f"{file.path} can't be written: {reason}. Nothing was changed.") from None


def overridden(choices: Choices) -> list[str]:
    """Return warnings about variables of the environment that say something else: they win over the file."""
    return [
        f"{name} is set in the environment too, and wins over the file: unset it."
        for name, value in choices.variables().items()
        if os.environ.get(name, value) != value
    ]


_INTRODUCTION: Final = """\
kwtSMS setup. Ctrl-C ends it and changes nothing.

You need the API user and the API password: kwtsms.com → Account → API.
They are not your mobile number, and not what you log in with at the website."""


_MODES: Final = """\
Mode:
  1  TEST  messages are queued at kwtSMS and reach no phone
  0  LIVE  messages are sent and paid for"""


_WORDS: Final = {"1": True, "test": True, "0": False, "live": False}


_NO_LOG: Final = "-"


@attrs.frozen
class Given:
    """What the command line says already, so that it is not asked for."""

    #: The API user.
    username: str | None = None
    #: The sender ID.
    sender: str | None = None
    #: Whether messages are queued only.
    test: bool | None = None
    #: The log's path.
    log_file: str | None = None
    #: Whether the gateway is asked.
    verify: bool = True
    #: Whether to keep the file out of git; None asks.
    ignore: bool | None = None


@attrs.frozen
class Done:
    """What came out of it."""

    #: Where it was written.
    path: pathlib.Path
    #: What was written.
    choices: Choices
    #: What the gateway said; None where it was not asked.
    verified: Verified | None
    #: Whether a line for the file was added to ``.gitignore``.
    ignored: bool


def run(given: Given | None = None) -> Done:
    """Ask, verify, and write the file.

    :raises click.Abort: after Ctrl-C; nothing is written then.
    """
    given = given or Given()
    path = pathlib.Path(manner().env_file or ".env")
    file = EnvFile.read(path)
    known = Known.find(path)
    _say(f"{_INTRODUCTION}\n")
    username, password, verified = _credentials(given, known)
    choices = Choices(
        username,
        password,
        given.sender or _sender(verified.senders if verified else (), known.values["sender"]),
        _mode() if given.test is None else given.test,
        _log_file(known.values["log_file"]) if given.log_file is None else given.log_file,
    )
    store(file, choices)
    return Done(path, choices, verified, _keep_from_git(path, given.ignore))


def _credentials(given: Given, known: Known) -> tuple[str, Secret, Verified | None]:
    """Ask until the gateway takes them."""
    username, password = given.username or known.values["username"], known.values["password"]
    while True:
        if not given.username:
            username = _ask("API user", username, _one_line)
        password = _password(password)
        if not given.verify:
            return username, password, None
        _say("Checking with kwtSMS …")
        try:
            verified = check(username, password, known)
        except TransportError as error:
            terminal.warn(f"kwtsms: {error}")
            password = None
            if not _is_typing_slip(error) and not click.confirm("Try again?", default=True, err=True):
                raise
            continue
        _say(f"The credentials are right. Balance: {points(verified.balance)} points.")
        return username, password, verified


def _is_typing_slip(error: TransportError) -> bool:
    return isinstance(error, AuthFailed) and error.code in (None, "ERR003")


def _password(kept: Secret | None) -> Secret:
    note = " (Enter keeps the one that is there)" if kept else ""
    typed: str = click.prompt(
        f"API password, not shown{note}",
        hide_input=True,
        default="" if kept else None,
        show_default=False,
        value_proc=_one_line if not kept else _one_line_or_nothing,
        err=True,
    )
    return Secret(typed) if typed or kept is None else kept


def _sender(senders: Sequence[str], configured: str) -> str:
    if not senders:
        typed: str = _ask("Sender ID", configured, _one_line)
        return typed
    _say("Sender ID:")
    for number, sender in enumerate(senders, 1):
        note = "  for testing only: slow, and blocked on some networks" if sender == SHARED_SENDER else ""
        _say(f"  {number}  {sender}{note}")
    preferred = (configured if configured != SHARED_SENDER else "", *(s for s in senders if s != SHARED_SENDER))
    default = next((sender for sender in preferred if sender in senders), senders[0])

    def read(typed: str) -> str:
        word = typed.strip()
        if word in senders:
            return word
        if word.isdecimal() and 0 < int(word) <= len(senders):
            return senders[int(word) - 1]
        raise click.UsageError(f"type a number from 1 to {len(senders)}")

    chosen: str = _ask("Which", str(senders.index(default) + 1), read)
    return chosen


def _mode() -> bool:
    def read(typed: str) -> bool:
        word = typed.strip().lower()
        if word in _WORDS:
            return _WORDS[word]
        raise click.UsageError("type 1 for TEST or 0 for LIVE")

    _say(_MODES)
    chosen: bool = _ask("Mode", "1", read)
    return chosen


def _log_file(configured: str) -> str:
    typed: str = _ask(f'Log file, "{_NO_LOG}" for none', configured or _NO_LOG, _one_line)
    return "" if typed == _NO_LOG else typed


def _keep_from_git(path: pathlib.Path, wanted: bool | None) -> bool:
    target = exposing(path)
    if target is None or wanted is False:
        return False
    if wanted or click.confirm(f"Git would take {path.name}. Add it to {target.name}?", default=True, err=True):
        add(target, path.name)
        return True
    return False


def _say(text: str) -> None:
    """Say what a question needs: it is part of the conversation, so that ``--quiet`` does not leave it out."""
    click.echo(terminal.fit(text, sys.stderr), err=True)


def _ask(question: str, default: str | None, read: Callable[[str], Any]) -> Any:
    shown = terminal.fit(question, sys.stderr)
    return click.prompt(shown, default=default, value_proc=read, err=True)


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


_EXAMPLES: Final = """\b
Examples:
  kwtsms setup
  kwtsms setup --non-interactive --username NAME --password-stdin < password.txt
"""


_TRY: Final = 'kwtsms send 96598765432 "Hello"'


@click.command("setup", cls=Command, epilog=_EXAMPLES)
@click.option("--non-interactive", is_flag=True, help="Ask nothing: take options, the environment and the file.")
@click.option("--username", metavar="NAME", help="The API user.")
@click.option("--password-stdin", is_flag=True, help="Read the API password from standard input.")
@click.option("--sender", metavar="ID", help="The sender ID; capital letters count.")
@click.option("--mode", type=click.Choice(["test", "live"]), help="test queues only; live sends.")
@click.option("--log-file", metavar="FILE", help='Where to log; "" for nowhere.')
@click.option("--verify/--no-verify", default=True, help="Ask the gateway whether the credentials are right.")
@click.option("--gitignore/--no-gitignore", "ignore", default=None, help="Add the file to .gitignore, or don't.")
@common
def setup(
    non_interactive: bool,
    username: str | None,
    password_stdin: bool,
    sender: str | None,
    mode: str | None,
    log_file: str | None,
    verify: bool,
    ignore: bool | None,
) -> Answer:
    """Ask for the account, check it, and write .env for it.

    Other lines of the file stay as they are. Scripts give --non-interactive.
    """
    test = None if mode is None else mode == "test"
    given = Given(username, sender, test, log_file, verify, ignore)
    if non_interactive:
        return _told(_without_questions(given, password_stdin=password_stdin))
    if password_stdin:
        raise click.UsageError("--password-stdin needs --non-interactive: questions are answered on a terminal.")
    if not terminal.somebody_there():
        raise click.UsageError(
            "setup asks questions, and there is no terminal to ask on. Give --non-interactive, and the account with "
            "KWTSMS_USERNAME and KWTSMS_PASSWORD in the environment, or with --username and --password-stdin."
        )
    return _told(run(given))


def _without_questions(given: Given, *, password_stdin: bool) -> Done:
    path = pathlib.Path(manner().env_file or ".env")
    file = EnvFile.read(path)
    known = Known.find(path)
    options = {"username": given.username, "sender": given.sender, "test": given.test, "log_file": given.log_file}
    values = {**known.values, **{name: value for name, value in options.items() if value is not None}}
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
    if missing or known.problems:
        raise ConfigError([*known.problems, *missing])
    choices = Choices(
        values["username"].strip(),
        values["password"],
        values["sender"].strip() or SHARED_SENDER,
        values["test"],
        values["log_file"],
    )
    verified = check(choices.username, choices.password, known) if given.verify else None
    store(file, choices)
    target = exposing(path) if given.ignore else None
    if target:
        add(target, path.name)
    return Done(path, choices, verified, ignored=target is not None)


def _told(done: Done) -> Answer:
    choices, verified = done.choices, done.verified
    mode = "TEST" if choices.test else "LIVE"
    warnings = overridden(choices)
    if verified and choices.sender not in verified.senders:
        there = ", ".join(verified.senders) or "none"
        warnings.append(f"The sender ID {choices.sender!r} is not registered for this account; there are: {there}.")
    exposed = exposing(done.path)
    if exposed:
        warnings.append(f"Git would take {done.path.name} with the password in it: add it to {exposed.name}.")
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
        return Answer(data, lines, warnings, next="kwtsms verify")
    if not terminal.somebody_there():
        lines.append(f"The credentials are right. Balance: {points(verified.balance)} points.")
    return Answer(data, lines, warnings, next=_TRY)
