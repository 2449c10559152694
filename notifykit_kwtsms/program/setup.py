"""``kwtsms setup``: from an account at kwtSMS to a ``.env`` that works."""

from __future__ import annotations

import os
import pathlib
from typing import Final

import click
from notifykit_kwtsms.program.choices import Known, overridden, store

from notifykit.cli import output
from notifykit.cli.options import common, global_options, read_stdin
from notifykit.errors import ConfigError
from notifykit.redaction import Secret
from notifykit_kwtsms.api.facts import SHARED_SENDER
from notifykit_kwtsms.cli.env_file import EnvFile
from notifykit_kwtsms.cli.setup import Choices
from notifykit_kwtsms.program import gitignore, wizard
from notifykit_kwtsms.program.command import Answer, Command, points
from notifykit_kwtsms.program.wizard import Done, Given
from notifykit_kwtsms.text.cleaning import check

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
    if not output.can_ask():
        raise click.UsageError(
            "setup asks questions, and there is no terminal to ask on. Give --non-interactive, and the account with "
            "KWTSMS_USERNAME and KWTSMS_PASSWORD in the environment, or with --username and --password-stdin."
        )
    return _told(wizard.run(given))


def _without_questions(given: Given, *, password_stdin: bool) -> Done:
    path = pathlib.Path(global_options().env_file or ".env")
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
    target = gitignore.exposing(path) if given.ignore else None
    if target:
        gitignore.add(target, path.name)
    return Done(path, choices, verified, ignored=target is not None)


def _told(done: Done) -> Answer:
    choices, verified = done.choices, done.verified
    mode = "TEST" if choices.test else "LIVE"
    warnings = overridden(choices)
    if verified and choices.sender not in verified.senders:
        there = ", ".join(verified.senders) or "none"
        warnings.append(f"The sender ID {choices.sender!r} is not registered for this account; there are: {there}.")
    exposed = gitignore.exposing(done.path)
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
    if not output.can_ask():
        lines.append(f"The credentials are right. Balance: {points(verified.balance)} points.")
    return Answer(data, lines, warnings, next=_TRY)
