"""Emoji: the gateway takes them, charges for them, and never delivers (gateway facts, section 3.6)."""

from __future__ import annotations

import functools
import re
from typing import Final

from notifykit_kwtsms.text.codepoints import ASTRAL, FLAG_LETTERS, PICTOGRAPH_PARTS, PICTOGRAPHS, inside
from notifykit_kwtsms.text.steps import Change, TextCleaner, apply

#: Emoji that stand for letters or marks, which are kept.
_SPELT: Final = {"‼": "!!", "⁉": "!?", "ℹ": "i", "Ⓜ": "M"}
#: What a keycap can show.
_KEYS: Final = frozenset("0123456789#*")
_BOX: Final = "\u20e3"
_KEYCAP_ENDS: Final = (_BOX, "\ufe0f" + _BOX)
_LEAVES_SOMETHING: Final = (*_SPELT, _BOX)


@functools.cache
def _sequence() -> re.Pattern[str]:
    """Return what finds a whole sequence as people see it (UTS #51, section 1.4.9).

    That is a pictograph or a pair of flag letters, its parts, and whatever is joined to it. The pattern starts with a
    set, so that the search for it runs in C; it is compiled when it is needed, because that takes milliseconds.
    """
    parts = f"[{inside(PICTOGRAPH_PARTS)}]*+"
    one = f"[{inside(PICTOGRAPHS, PICTOGRAPH_PARTS)}]"
    flag = f"[{inside(FLAG_LETTERS)}]"
    return re.compile(
        f"[{inside(PICTOGRAPHS, PICTOGRAPH_PARTS, ASTRAL)}](?<={one})"
        f"(?:(?<={flag}){flag})?+{parts}(?:\u200d++(?:{one}{parts})?+)*+"
    )


def _find(text: str) -> list[Change]:
    if text.isascii():
        return []
    changes: list[Change] = []
    done = 0
    for match in _sequence().finditer(text):
        start, end = match.span()
        first = text[start]
        # Losing the key would lose a digit of somebody's code.
        if start > done and text[start - 1] in _KEYS and text.startswith(_KEYCAP_ENDS, start):
            start -= 1
            changes.append((start, end, text[start], "keycap emoji"))
        else:
            changes.append((start, end, _SPELT.get(first, ""), "emoji"))
        done = end
    return changes


def _strip(text: str) -> str:
    if text.isascii():
        return text
    if any(character in text for character in _LEAVES_SOMETHING):
        return apply(text, _find(text))
    return _sequence().sub("", text)


#: Removes emoji, each whole sequence as one edit, and keeps the key of a keycap.
EMOJI: Final = TextCleaner("kwtsms-emoji", _find, _strip)
