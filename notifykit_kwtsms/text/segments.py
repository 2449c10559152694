"""How a text is split into segments: 3GPP TS 23.038 for the encodings, 23.040 for the parts of a long message.

The gateway bills 160 septets for a single GSM-7 segment and 153 for each of several; 70 and 67 UTF-16 units for Unicode
(gateway facts, section 3.3).
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from typing import Final

import attrs

from notifykit.models.capabilities import ForcedCharacter, Measurement
from notifykit_kwtsms.text.gsm7 import ALPHABET, EXTENSION, any_of, gsm7_text, nearest


@attrs.frozen
class Encoding:
    """How much one segment holds, and which characters take two units."""

    #: ``gsm7`` or ``ucs2``.
    name: str
    #: Units of a message that is one segment.
    single: int
    #: Units of each segment of a longer one, beside its header.
    part: int
    #: The pattern of characters of two units, which never cross a boundary.
    wide: re.Pattern[str] = attrs.field(repr=False)


GSM7: Final = Encoding("gsm7", 160, 153, re.compile(any_of(EXTENSION)))
UCS2: Final = Encoding("ucs2", 70, 67, re.compile("[\U00010000-\U0010ffff]"))
_ACCENTED: Final = re.compile("[A-Za-z][\u0300-\u036f]")


def encoding_of(text: str) -> Encoding:
    """Return the encoding in which a text is sent: one character that GSM-7 lacks makes the whole text Unicode."""
    return GSM7 if gsm7_text().fullmatch(text) else UCS2


def boundaries(text: str, encoding: Encoding | None = None) -> tuple[int, ...]:
    """Return the positions where the second, third, … segment of a text begins.

    :param encoding: its encoding, if known.
    """
    encoding = encoding or encoding_of(text)
    wide = [match.start() for match in encoding.wide.finditer(text)]
    if len(text) + len(wide) <= encoding.single:
        return ()
    if not wide:
        return tuple(range(encoding.part, len(text), encoding.part))

    def units_before(position: int) -> int:
        return position + bisect_left(wide, position)

    starts: list[int] = []
    start = 0
    full = encoding.part
    while units_before(len(text)) > full:
        # A segment holds at least half as many characters as units.
        candidates = range(start + encoding.part // 2, min(start + encoding.part, len(text)) + 1)
        start = candidates[bisect_right(candidates, full, key=units_before) - 1]
        starts.append(start)
        full = units_before(start) + encoding.part
    return tuple(starts)


def count_segments(text: str) -> int:
    """Return how many segments a text is billed for; 0 for an empty text."""
    return len(boundaries(text)) + 1 if text else 0


def measure(text: str) -> Measurement:
    """Return the encoding, the units and the segments of a text, and the characters that force Unicode."""
    encoding = encoding_of(text)
    units = len(text) + len(encoding.wide.findall(text))
    forced = () if encoding is GSM7 else _forced(text)
    if units <= encoding.single:
        return Measurement(encoding.name, units, 1 if text else 0, encoding.single - units, forced)
    starts = boundaries(text, encoding)
    free = encoding.part - (len(text) - starts[-1]) - len(encoding.wide.findall(text, starts[-1]))
    return Measurement(encoding.name, units, len(starts) + 1, free, forced)


def _forced(text: str) -> tuple[ForcedCharacter, ...]:
    # Backwards, so that of each character the first position stays.
    first = dict(zip(reversed(text), range(len(text) - 1, -1, -1), strict=True))
    return tuple(
        ForcedCharacter(first[one], one, unicodedata.name(one, f"U+{ord(one):04X}"), nearest(one))
        for one in sorted(first.keys() - ALPHABET, key=first.__getitem__)
    )


def to_gsm7(text: str) -> str:
    """Return the text with every character replaced that forces Unicode.

    The text comes back unchanged where a character has no replacement, and where the replacements would need more
    segments.
    """
    if encoding_of(text) is GSM7:
        return text
    replacements = {ord(character): nearest(character) for character in set(text) - ALPHABET}
    if None in replacements.values():
        return text
    replaced = _ACCENTED.sub(_composed, text).translate(replacements)
    return replaced if count_segments(replaced) <= count_segments(text) else text


def _composed(accented: re.Match[str]) -> str:
    """Return é for an e with an accent after it: GSM-7 has é, and no accents.

    In pairs: composing a whole text takes quadratic time in the accents on one letter.
    """
    composed = unicodedata.normalize("NFC", accented[0])
    return composed if composed in ALPHABET else accented[0]
