"""What to type next: every error ends with it."""

from __future__ import annotations

from collections.abc import Container

import click

from notifykit.errors import ConfigError, InvalidRecipient, NotReached, OutcomeUnknown, PluginError, TransportError


def following(error: BaseException, command: str, codes: Container[str] = ()) -> str:
    """Return the command to type next.

    :param error: what went wrong.
    :param command: the command that it went wrong in.
    :param codes: the codes that `notifykit explain` knows.
    """
    if isinstance(error, click.ClickException):
        return getattr(error, "following", None) or _help(command)
    if isinstance(error, PluginError):
        return "notifykit plugins -v"
    if isinstance(error, TransportError):
        return _after(error, codes)
    return "notifykit doctor" if isinstance(error, ConfigError) else "notifykit doctor --online"


def _help(command: str) -> str:
    return "notifykit --help" if command == "notifykit" else f"notifykit {command} --help"


def _after(error: TransportError, codes: Container[str]) -> str:
    if isinstance(error, OutcomeUnknown):
        return "notifykit log tail --errors"
    if isinstance(error, InvalidRecipient) and not error.code:
        return "notifykit explain NUMBER"
    if error.code and error.code in codes:
        return f"notifykit explain {error.code}"
    return "notifykit doctor --online" if isinstance(error, NotReached) else "notifykit doctor"
