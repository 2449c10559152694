"""What the gateway finds in a text: tags, words, characters that it never sends, codes, links."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

_TAG = re.compile(r"<[a-zA-Z/!][^<>]*>")
_CODE = re.compile(r"(?<!\d)\d{4,8}(?!\d)")
_LINK = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
_KEPT_CONTROLS = frozenset("\n\r\t")
_HIDDEN = frozenset("\u200b\u200c\u200d\u2060\u00ad\ufeff\ufffc")
#: Blocks of pictures; a text with one is taken, charged and never sent (gateway facts, section 3.6).
_PICTURES: Final = (
    range(0x1F000, 0x1FB00),
    range(0x2600, 0x27C0),
    range(0xFE00, 0xFE10),
    range(0x20E3, 0x20E4),
    range(0xE0000, 0xE0080),
)


def has_tags(text: str) -> bool:
    """Whether HTML tags are in it (ERR027)."""
    return _TAG.search(text) is not None


def has_word(text: str, words: Iterable[str]) -> bool:
    """Whether one of the words is in it, without regard to case."""
    folded = text.casefold()
    return any(word.casefold() in folded for word in words if word)


def gets_stuck(text: str) -> bool:
    """Whether it holds pictures or hidden characters: accepted and charged, then ERR030 for ever."""
    return any(_is_stuck(character) for character in text)


def _is_stuck(character: str) -> bool:
    if character in _KEPT_CONTROLS:
        return False
    if character in _HIDDEN or unicodedata.category(character) in ("Cc", "Cf"):
        return True
    return any(ord(character) in block for block in _PICTURES)


def find_code(text: str) -> str | None:
    """Return the first run of 4 to 8 digits, in Latin digits, or None."""
    found = _CODE.search(text)
    return "".join(str(unicodedata.digit(digit)) for digit in found[0]) if found else None


def find_links(text: str) -> tuple[str, ...]:
    """Return the addresses in it, for a person to look at; the sandbox never fetches one."""
    return tuple(match.rstrip(".,;:!?)") for match in _LINK.findall(text))


def is_right_to_left(text: str) -> bool:
    """Whether the first letter with a direction is written from the right, as ``dir="auto"`` decides."""
    for character in text:
        direction = unicodedata.bidirectional(character)
        if direction in ("R", "AL", "L"):
            return direction != "L"
    return False
