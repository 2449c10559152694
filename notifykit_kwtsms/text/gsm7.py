"""The GSM 7-bit alphabet (3GPP TS 23.038, section 6.2.1), and replacements for characters that it lacks."""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import Final

#: Characters of one septet. The escape code is not among them: it is no character.
BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
#: Characters of two septets: an escape and a code.
EXTENSION: Final = frozenset("\f^{}\\[~]|€")
ALPHABET: Final = BASIC | EXTENSION

#: The nearest replacement, and the characters that it replaces, where Unicode has no decomposition for them.
_BY_REPLACEMENT: Final = {
    " ": "\t",
    "'": "‘’‚‛′‵‹›`´ʹʻʼʽˈ",
    '"': "“”„‟″‶«»¨",
    "-": "‐‑‒–—―−⁃•‣◦●○▪▫■□",
    ".": "·∙⋅٫",
    "...": "…",
    ",": "¸،٬",
    ";": "؛",
    "?": "؟",
    "%": "٪",
    "/": "⁄∕÷",
    "|": "¦",
    "x": "×",
    "~": "≈",
    "!=": "≠",
    "<=": "≤⇐",
    ">=": "≥",
    "=>": "⇒",
    "<-": "←",
    "->": "→",
    "TM": "™",
    "(c)": "©",
    "(r)": "®",
    "(p)": "℗",
    "No": "№",
    "c": "¢",
    "u": "µμ",
    "SS": "ẞ",
    "OE": "Œ",
    "oe": "œ",
    "Th": "Þ",
    "th": "þ",
    **dict(zip("DdHhikLlNnTtfEe", ("ÐĐ", "ðđ", *"ĦħıĸŁłŊŋŦŧƒƏə"), strict=True)),
}
_REPLACEMENTS: Final = {
    **{character: replacement for replacement, characters in _BY_REPLACEMENT.items() for character in characters},
    **dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX", strict=True)),  # Greek capitals that the alphabet lacks
}


def any_of(characters: frozenset[str]) -> str:
    """Return a regular expression for one of these characters."""
    return f"[{''.join(map(re.escape, sorted(characters)))}]"


@functools.cache
def gsm7_text() -> re.Pattern[str]:
    """Return the pattern of a text in GSM-7."""
    return re.compile(any_of(ALPHABET) + "*+")


@functools.lru_cache(maxsize=1024)
def nearest(character: str) -> str | None:
    """Return the GSM-7 replacement of a character: itself if it is in the alphabet, None if there is none.

    A combining accent becomes nothing: its letter stays. Letters of other scripts have no replacement.
    """
    if character in ALPHABET:
        return character
    if character in _REPLACEMENTS:
        return _REPLACEMENTS[character]
    composed = unicodedata.normalize("NFC", character)
    if composed in ALPHABET:
        return composed
    if "\u0300" <= character <= "\u036f" and unicodedata.combining(character):
        return ""
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    return _decomposed(character)


def _decomposed(character: str) -> str | None:
    """Return the compatibility decomposition with each part replaced; None if one has no replacement."""
    parts = unicodedata.normalize("NFKD", character)
    if parts == character:
        return None
    if not parts[0].isalpha() and any(map(unicodedata.combining, parts)):
        # Without the stroke ``≮`` would mean the opposite, and an accent alone would be a space.
        return None
    replacements = [nearest(part) for part in parts]
    return None if None in replacements else "".join(filter(None, replacements))
