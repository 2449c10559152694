"""How a text is packed into segments: 3GPP TS 23.038 for the encodings, 23.040 for the parts of a long message.

The gateway bills 160 septets for a single GSM-7 segment and 153 for each of several, 70 and 67 UTF-16 units for
Unicode (gateway facts, section 3.3).
"""

from __future__ import annotations

import functools
import re
from bisect import bisect_left, bisect_right
from typing import Final

import attrs

from notifykit_kwtsms.text.alphabet import BASIC, EXTENSION


@attrs.frozen
class Encoding:
    """How much one segment holds, and what takes two units of it."""

    #: ``gsm7`` or ``ucs2``.
    name: str
    #: Units of a message that is one segment.
    single: int
    #: Units of each segment of a longer one; the rest of it says which part it is.
    part: int
    #: Finds the characters of two units, which never stand astride two segments.
    wide: re.Pattern[str] = attrs.field(repr=False)

    def units(self, text: str) -> int:
        """Return how many septets or UTF-16 units a text has."""
        return len(text) + len(self.wide.findall(text))


def _any_of(characters: frozenset[str]) -> str:
    return f"[{''.join(map(re.escape, sorted(characters)))}]"


GSM7: Final = Encoding("gsm7", 160, 153, re.compile(_any_of(EXTENSION)))
UCS2: Final = Encoding("ucs2", 70, 67, re.compile("[\U00010000-\U0010ffff]"))


@functools.cache
def _gsm7_text() -> re.Pattern[str]:
    return re.compile(_any_of(BASIC | EXTENSION) + "*+")


def is_gsm7(text: str) -> bool:
    """Whether the cheap encoding has every character; one that it lacks makes the whole text Unicode."""
    return _gsm7_text().fullmatch(text) is not None


def encoding_of(text: str) -> Encoding:
    """Return the encoding that a text is sent in."""
    return GSM7 if is_gsm7(text) else UCS2


def boundaries(text: str) -> tuple[int, ...]:
    """Return the positions in the text where the second, third, … segment begins."""
    return boundaries_in(encoding_of(text), text)


def boundaries_in(encoding: Encoding, text: str) -> tuple[int, ...]:
    """Return the same for a text whose encoding is known."""
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
    """Return how many segments a text is billed for; none where there is no text."""
    return len(boundaries(text)) + 1 if text else 0
