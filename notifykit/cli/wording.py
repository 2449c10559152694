"""The same words for the same things in every command."""

from __future__ import annotations

import math
from typing import Final

from notifykit.models.message import Edit
from notifykit.models.receipt import Receipt, Veto

_ENCODINGS = {"gsm7": "GSM-7", "ucs2": "Unicode"}
#: How alike two codes are of which one may be a slip for the other: ERR999 is none for ERR029.
ALIKE_CODES: Final = 0.7


def counted(count: int, thing: str) -> str:
    """Return ``1 segment`` or ``2 segments``."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def many(amount: float, thing: str) -> str:
    """Return ``1 point``, ``2 points`` or ``0.5 points``."""
    return f"{amount:,g} {thing}{'' if amount == 1 else 's'}"


def span(seconds: float) -> str:
    """Return about how long something takes: ``12 s``, ``5 min``, ``9.5 h``."""
    if seconds < 100:
        return f"{math.ceil(seconds)} s"
    if seconds < 100 * 60:
        return f"{math.ceil(seconds / 60)} min"
    return f"{math.ceil(seconds / 360) / 10:g} h" if seconds < 100 * 3600 else f"{math.ceil(seconds / 86_400)} days"


def next_time(veto: Veto) -> str:
    """Return what a person does about a veto, and when it would be none any more."""
    when = "" if veto.retry_after is None else f" It would pass in {span(veto.retry_after)}."
    return f"{veto.action}{when}"


def encoding_name(encoding: str) -> str:
    """Return what people call an encoding."""
    return _ENCODINGS.get(encoding, encoding)


def quoted(text: str) -> str:
    """Return a short text between signs that it can't be mistaken for; what nobody sees as its code point."""
    if text.isprintable() and text.strip():
        return text
    return " ".join("space" if character == " " else f"U+{ord(character):04X}" for character in text)


def change_in_words(edit: Edit) -> str:
    """Return what was changed."""
    if not edit.before:
        return f"{quoted(edit.after)} put in"
    return f"{quoted(edit.before)} → {quoted(edit.after)}" if edit.after else f"{quoted(edit.before)} removed"


def edit_in_words(edit: Edit) -> str:
    """Return what was changed, and why."""
    return f"{change_in_words(edit)} ({edit.reason})"


def who(receipt: Receipt, *, clear: bool) -> str:
    """Return whom a receipt is about: in clear where the caller named one only, else redacted with its place."""
    return receipt.to if clear else f"{receipt.recipient} (no. {receipt.position + 1})"
