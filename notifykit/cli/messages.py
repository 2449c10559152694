"""Sentences that several commands share: edits, characters and vetoes in words, and the command to type next."""

from __future__ import annotations

import collections
import shlex
from collections.abc import Container, Sequence
from typing import Final

import click

from notifykit.cli.output import format_duration
from notifykit.errors import (
    ConfigError,
    InvalidRecipient,
    MissingCredentials,
    NotReached,
    OutcomeUnknown,
    PluginError,
    TransportError,
)
from notifykit.models.message import Edit
from notifykit.models.receipt import Receipt, Veto

#: How many different changes of a text are named in one line.
_MOST_EDITS: Final = 5
#: A longer address can't be typed again.
_LONGEST: Final = 40
#: More digits may be a number of a person.
_MOST_DIGITS: Final = 5


def veto_advice(veto: Veto) -> str:
    """Return what a person does about a veto, and when the guard would let the message pass."""
    when = "" if veto.retry_after is None else f" It would pass in {format_duration(veto.retry_after)}."
    return f"{veto.action}{when}"


def quoted(text: str) -> str:
    """Return a short text as it is, or by its code points where it is invisible."""
    if text.isprintable() and text.strip():
        return text
    return " ".join("space" if character == " " else f"U+{ord(character):04X}" for character in text)


def describe_change(edit: Edit) -> str:
    """Return what an edit changed."""
    if not edit.before:
        return f"{quoted(edit.after)} put in"
    return f"{quoted(edit.before)} → {quoted(edit.after)}" if edit.after else f"{quoted(edit.before)} removed"


def describe_edit(edit: Edit) -> str:
    """Return what an edit changed, and why."""
    return f"{describe_change(edit)} ({edit.reason})"


def describe_edits(edits: Sequence[Edit]) -> str:
    """Return in one line what the edits changed, each change once, and why."""
    counts = collections.Counter(map(describe_edit, edits))
    shown = [f"{change} × {count}" if count > 1 else change for change, count in counts.most_common(_MOST_EDITS)]
    more = len(counts) - len(shown)
    return ", ".join(shown) + (f", and {more} more" if more else "")


def recipient_name(receipt: Receipt, *, clear: bool) -> str:
    """Return the recipient of a receipt: in clear, or redacted with the position in the list."""
    return receipt.to if clear else f"{receipt.recipient} (no. {receipt.position + 1})"


def next_command(
    error: BaseException,
    command: str,
    codes: Container[str] = (),
    *,
    logged: bool = False,
    address: str | None = None,
    clear: bool = False,
) -> str:
    """Return the command to type after an error of a command.

    :param codes: the codes that ``notifykit explain`` knows.
    :param logged: whether a log is written.
    :param address: the address that the error is about, as it was given.
    :param clear: whether addresses are shown in clear.
    """
    if isinstance(error, click.ClickException):
        ctx = error.ctx if isinstance(error, click.UsageError) and command != "notifykit" else None
        path = ctx.command_path if ctx else command if command == "notifykit" else f"notifykit {command}"
        return getattr(error, "next_command", None) or f"{path} --help"
    code = getattr(error, "code", None)
    choices = (
        (isinstance(error, PluginError), "notifykit plugins -v"),
        (isinstance(error, MissingCredentials), "notifykit help environment"),
        (isinstance(error, ConfigError), "notifykit doctor"),
        (isinstance(error, OutcomeUnknown) and logged, "notifykit log tail --errors"),
        (isinstance(error, InvalidRecipient) and not code, _explain_address(address, clear=clear)),
        (code in codes, f"notifykit explain {code}"),
        (isinstance(error, OutcomeUnknown), "notifykit help exit-codes"),
        (isinstance(error, TransportError) and not isinstance(error, NotReached), "notifykit doctor"),
    )
    return next((then for applies, then in choices if applies), "notifykit doctor --online")


def _explain_address(address: str | None, *, clear: bool) -> str:
    """Return the command that explains a bad address, without showing one that is redacted elsewhere."""
    secret = address is None or not address.strip() or (not clear and sum(map(str.isdigit, address)) > _MOST_DIGITS)
    if address is None or secret or len(address) > _LONGEST or not address.isprintable():
        return "the same command with --dry-run --show-numbers"
    return f"notifykit explain --as number {'-- ' if address.startswith('-') else ''}{shlex.quote(address)}"
