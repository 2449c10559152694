"""The cleaners in their order, and all of them at once."""

from __future__ import annotations

import re
from typing import Final

from notifykit.models.message import Cleaned, Edit
from notifykit_kwtsms.text.codepoints import (
    ARABIC_DIGITS,
    ASTRAL,
    HIDDEN,
    LINE_ENDS,
    PICTOGRAPH_PARTS,
    PICTOGRAPHS,
    SPACES,
    Range,
    outside,
)
from notifykit_kwtsms.text.digits import DIGITS
from notifykit_kwtsms.text.emoji import EMOJI
from notifykit_kwtsms.text.hidden import HIDDEN_CHARACTERS
from notifykit_kwtsms.text.steps import TextCleaner, apply
from notifykit_kwtsms.text.tags import TAGS

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


def clean_text(text: str) -> str:
    """Return only the text of :func:`clean`, without the trouble of listing the edits."""
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
