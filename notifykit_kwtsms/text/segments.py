"""What a text takes up on the air, and which characters make it dear."""

from __future__ import annotations

import unicodedata

from notifykit.models.capabilities import ForcedCharacter, Measurement
from notifykit_kwtsms.text.alphabet import BASIC, EXTENSION
from notifykit_kwtsms.text.packing import GSM7, boundaries, boundaries_in, encoding_of
from notifykit_kwtsms.text.replacements import nearest

__all__ = ["boundaries", "measure"]

_CHEAP = BASIC | EXTENSION


def measure(text: str) -> Measurement:
    """Return the encoding, the units and the segments of a text. An empty one has no segment, and room for one."""
    encoding = encoding_of(text)
    units = encoding.units(text)
    forced = () if encoding is GSM7 else _forced(text)
    if units <= encoding.single:
        return Measurement(encoding.name, units, 1 if text else 0, encoding.single - units, forced)
    starts = boundaries_in(encoding, text)
    left = encoding.part - encoding.units(text[starts[-1] :])
    return Measurement(encoding.name, units, len(starts) + 1, left, forced)


def _forced(text: str) -> tuple[ForcedCharacter, ...]:
    # Backwards, so that of each character the first position stays.
    first = dict(zip(reversed(text), range(len(text) - 1, -1, -1), strict=True))
    return tuple(
        ForcedCharacter(first[character], character, _name(character), nearest(character))
        for character in sorted(first.keys() - _CHEAP, key=first.__getitem__)
    )


def _name(character: str) -> str:
    return unicodedata.name(character, f"U+{ord(character):04X}")
