"""The cleaners in their order, and the check that the gateway would accept a text."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, cast

import attrs

from notifykit.errors import ContentRejected
from notifykit.models.message import Channel, Cleaned, Edit
from notifykit_kwtsms.api.codes import error_for
from notifykit_kwtsms.api.facts import MAX_SEGMENTS
from notifykit_kwtsms.text.characters import (
    ARABIC_DIGITS,
    ASTRAL,
    HIDDEN,
    LINE_ENDS,
    PICTOGRAPH_PARTS,
    PICTOGRAPHS,
    SPACES,
    Change,
    Range,
    apply,
    outside,
)
from notifykit_kwtsms.text.segments import count_segments

if TYPE_CHECKING:
    from notifykit.models.message import Message
from notifykit_kwtsms.text.characters import find_digits, find_emoji, find_hidden, strip_digits, strip_emoji
from notifykit_kwtsms.text.html import find_tags, strip_tags


@attrs.frozen
class TextCleaner:
    """One step of cleaning, for SMS only."""

    #: The name it goes by in settings and in the edits it makes.
    name: str
    #: Says what has to change in a text, in order of position and without overlap.
    find: Callable[[str], Sequence[Change]] = attrs.field(repr=False)
    #: Returns the cleaned text alone, where there is a faster way than by the changes.
    strip: Callable[[str], str] = attrs.field(repr=False)

    @strip.default
    def _strip(self) -> Callable[[str], str]:
        return functools.partial(_stripped, self.find)  # unlike a function made here, it pickles

    def clean(self, text: str, channel: Channel = Channel.SMS) -> Cleaned:
        """Return the cleaned text and the edits; the same text, and none, where there is nothing to do."""
        changes = self.find(text) if channel is Channel.SMS else ()
        return Cleaned(apply(text, changes), self.edits(text, changes)) if changes else Cleaned(text)

    def edits(self, text: str, changes: Sequence[Change]) -> tuple[Edit, ...]:
        """Return changes of a text as edits by this cleaner."""
        return tuple(
            Edit(start, end, text[start:end], after, reason, self.name) for start, end, after, reason in changes
        )


def _stripped(find: Callable[[str], Sequence[Change]], text: str) -> str:
    return apply(text, find(text))


#: Removes emoji, each whole sequence as one edit, and keeps the key of a keycap.
EMOJI: Final = TextCleaner("kwtsms-emoji", find_emoji, strip_emoji)


#: Removes hidden characters, and writes line ends and spaces in the way that every phone and encoding has.
HIDDEN_CHARACTERS: Final = TextCleaner("kwtsms-hidden", find_hidden)


#: Writes Arabic-Indic and Persian digits as Latin ones, a number as one edit.
DIGITS: Final = TextCleaner("kwtsms-digits", find_digits, strip_digits)


#: Removes HTML and XML tags, and leaves signs of comparison alone.
TAGS: Final = TextCleaner("kwtsms-html", find_tags, strip_tags)


#: Emoji first: joiners and selectors belong to them, and some of them turn into letters. Tags last: a hidden character
#: must not protect a tag. No step brings about what an earlier one removes, so cleaning twice changes nothing more.
CLEANERS: Final[tuple[TextCleaner, ...]] = (EMOJI, HIDDEN_CHARACTERS, DIGITS, TAGS)


_LESS_THAN: Final[tuple[Range, ...]] = ((ord("<"), ord("<")),)


#: Everything in which a cleaner may find something.
_SUSPECT: Final[tuple[Range, ...]] = (
    *PICTOGRAPHS,
    *PICTOGRAPH_PARTS,
    *HIDDEN,
    *LINE_ENDS,
    *SPACES,
    *ARABIC_DIGITS,
    *ASTRAL,
    *_LESS_THAN,
)


_SUSPECT_ASCII: Final = bytes(code for first, last in _SUSPECT for code in range(first, min(last, 0x7F) + 1))


def clean(text: str) -> Cleaned:
    """Return the text as the gateway can carry it, and every edit in order of the cleaners."""
    if _is_clean(text):
        return Cleaned(text)
    edits: list[Edit] = []
    for cleaner in CLEANERS:
        changes = cleaner.find(text)
        if changes:
            edits += cleaner.edits(text, changes)
            text = apply(text, changes)
    return Cleaned(text, tuple(edits))


def clean_message(text: str) -> str:
    """Return a text without emoji, hidden characters and HTML tags, and with Latin digits only.

    ``send`` does this itself. A text of nothing else becomes empty. This is :func:`clean` without the list of edits.
    """
    if _is_clean(text):
        return text
    for cleaner in CLEANERS:
        text = cleaner.strip(text)
    return text


def _is_clean(text: str) -> bool:
    if text.isascii():
        return len(text.encode().translate(None, _SUSPECT_ASCII)) == len(text)
    return _is_innocent(text) is not None


def _is_innocent(text: str) -> object:
    """Return a match for a text in which no cleaner finds anything: faster than a search for what is wrong.

    The pattern is made for the first text that needs it, and takes this function's place.
    """
    global _is_innocent  # noqa: PLW0603 - start-up is spared a pattern of a thousand characters
    _is_innocent = re.compile(f"[{outside(_SUSPECT)}]*+").fullmatch  # type: ignore[assignment]
    return _is_innocent(text)


_EMPTY = "ERR009"


_TOO_LONG = "ERR012"


def check(message: Message) -> ContentRejected | None:
    """Return the error that the gateway would answer a cleaned message with; None where it would take it."""
    if not message.text.strip():
        return _refusal(_EMPTY)
    if count_segments(message.text) > MAX_SEGMENTS:
        return _refusal(_TOO_LONG)
    return None


def _refusal(code: str) -> ContentRejected:
    return cast("ContentRejected", error_for(code))
