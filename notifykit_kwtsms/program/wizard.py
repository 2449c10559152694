"""The conversation of ``kwtsms setup`` on a terminal. Nothing is written before the last answer."""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final

import attrs
import click
from notifykit_kwtsms.program.choices import Known, Verified, store

from notifykit.cli import output
from notifykit.cli.options import global_options
from notifykit.errors import AuthFailed, TransportError
from notifykit.redaction import Secret
from notifykit_kwtsms.api.facts import SHARED_SENDER
from notifykit_kwtsms.cli.env_file import EnvFile, quote
from notifykit_kwtsms.cli.setup import Choices
from notifykit_kwtsms.program import gitignore
from notifykit_kwtsms.program.command import points
from notifykit_kwtsms.text.cleaning import check

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
    path = pathlib.Path(global_options().env_file or ".env")
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
            output.warn(f"kwtsms: {error}")
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
    target = gitignore.exposing(path)
    if target is None or wanted is False:
        return False
    if wanted or click.confirm(f"Git would take {path.name}. Add it to {target.name}?", default=True, err=True):
        gitignore.add(target, path.name)
        return True
    return False


def _say(text: str) -> None:
    """Say what a question needs: it is part of the conversation, so that ``--quiet`` does not leave it out."""
    click.echo(output.encodable(text, sys.stderr), err=True)


def _ask(question: str, default: str | None, read: Callable[[str], Any]) -> Any:
    shown = output.encodable(question, sys.stderr)
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
