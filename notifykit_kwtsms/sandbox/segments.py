"""The sandbox's own count of segments."""

from __future__ import annotations

import unicodedata
from typing import Final, Literal

import attrs

from notifykit_kwtsms.sandbox.models import show_count
from notifykit_kwtsms.text.gsm7 import BASIC, EXTENSION

#: Units of a text that fits into one segment, and of each segment of a longer one (gateway facts, section 3.3).
ROOM: Final = {"gsm7": (160, 153), "ucs2": (70, 67)}


@attrs.frozen
class Forced:
    """A character that GSM-7 does not have."""

    #: Where it stands in the text.
    position: int
    #: The character.
    character: str
    #: Its Unicode name.
    name: str


@attrs.frozen
class Count:
    """What a text takes up on the air."""

    #: The alphabet it needs.
    encoding: Literal["gsm7", "ucs2"]
    #: Septets or UTF-16 units of the text, without what is lost at the boundaries.
    units: int
    #: Where each segment starts in the text; the first is 0.
    starts: tuple[int, ...]
    #: Units that still fit into the last segment.
    units_left: int
    #: The characters that forced UCS-2.
    forced: tuple[Forced, ...] = attrs.field(repr=show_count)

    @property
    def segments(self) -> int:
        """Segments the text is cut into; an empty text is one."""
        return len(self.starts)


def count_text(text: str) -> Count:
    """Count a text: 160 or 70 units in one segment, else 153 or 67 in each, pairs never split over a boundary."""
    forced = tuple(
        Forced(position, character, unicodedata.name(character, f"U+{ord(character):04X}"))
        for position, character in enumerate(text)
        if character not in BASIC and character not in EXTENSION
    )
    encoding: Literal["gsm7", "ucs2"] = "ucs2" if forced else "gsm7"
    whole, part = ROOM[encoding]
    sizes = [_units_of(character, encoding) for character in text]
    units = sum(sizes)
    if units <= whole:
        return Count(encoding, units, (0,), whole - units, forced)
    starts = [0]
    used = 0
    for position, size in enumerate(sizes):
        if used + size > part:
            starts.append(position)
            used = 0
        used += size
    return Count(encoding, units, tuple(starts), part - used, forced)


def _units_of(character: str, encoding: str) -> int:
    if encoding == "gsm7":
        return 2 if character in EXTENSION else 1
    return 2 if ord(character) > 0xFFFF else 1
