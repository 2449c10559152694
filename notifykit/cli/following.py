"""What to type next: every error ends with it."""

from __future__ import annotations

import shlex
from collections.abc import Container
from typing import Final

import click

from notifykit.errors import (
    ConfigError,
    InvalidRecipient,
    MissingCredentials,
    NotReached,
    OutcomeUnknown,
    PluginError,
    TransportError,
)

#: An address that is longer can't be typed again.
_LONGEST: Final = 40
#: More digits than this may be somebody's number.
_MOST_DIGITS: Final = 5


def following(
    error: BaseException,
    command: str,
    codes: Container[str] = (),
    *,
    logged: bool = False,
    address: str | None = None,
    clear: bool = False,
) -> str:
    """Return the command to type next.

    :param error: what went wrong.
    :param command: the command that it went wrong in.
    :param codes: the codes that `notifykit explain` knows.
    :param logged: whether there is a log to look into.
    :param address: the address that the error is about, as it was given.
    :param clear: whether addresses are shown in clear.
    """
    if isinstance(error, click.ClickException):
        return getattr(error, "following", None) or _help(error, command)
    if isinstance(error, PluginError):
        return "notifykit plugins -v"
    if isinstance(error, TransportError):
        return _after(error, codes, logged, _again(address, clear=clear))
    if isinstance(error, MissingCredentials):
        return "notifykit help environment"
    return "notifykit doctor" if isinstance(error, ConfigError) else "notifykit doctor --online"


def _help(error: click.ClickException, command: str) -> str:
    if isinstance(error, click.UsageError) and error.ctx is not None and command != "notifykit":
        return f"{error.ctx.command_path} --help"
    return "notifykit --help" if command == "notifykit" else f"notifykit {command} --help"


def _again(address: str | None, *, clear: bool) -> str:
    """Return what explains an address that is no good, without showing one that is redacted elsewhere."""
    secret = address is None or (not clear and sum(map(str.isdigit, address)) > _MOST_DIGITS)
    if address is None or secret or len(address) > _LONGEST or not address.isprintable():
        return "the same command with --dry-run --show-numbers"
    dashed = "-- " if address.startswith("-") else ""
    return f"notifykit explain --as number {dashed}{shlex.quote(address)}"


def _after(error: TransportError, codes: Container[str], logged: bool, again: str) -> str:
    if isinstance(error, OutcomeUnknown) and logged:
        return "notifykit log tail --errors"
    if isinstance(error, InvalidRecipient) and not error.code:
        return again
    if isinstance(error, OutcomeUnknown) and error.code not in codes:
        return "notifykit help exit-codes"
    if error.code and error.code in codes:
        return f"notifykit explain {error.code}"
    return "notifykit doctor --online" if isinstance(error, NotReached) else "notifykit doctor"
