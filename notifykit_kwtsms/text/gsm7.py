"""The GSM 7-bit alphabet (3GPP TS 23.038, section 6.2.1), and what can replace a character that it lacks."""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import Final

#: Characters of one septet. The escape code itself is no character and is not among them.
BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)


#: Characters of two septets: an escape and a code.
EXTENSION: Final = frozenset("\f^{}\\[~]|€")
#: Every character that GSM-7 has.
ALPHABET: Final = BASIC | EXTENSION


def any_of(characters: frozenset[str]) -> str:
    """Return a regular expression for one of these characters."""
    return f"[{''.join(map(re.escape, sorted(characters)))}]"


@functools.cache
def _gsm7_text() -> re.Pattern[str]:
    return re.compile(any_of(BASIC | EXTENSION) + "*+")


def is_gsm7(text: str) -> bool:
    """Whether the cheap encoding has every character; one that it lacks makes the whole text Unicode."""
    return _gsm7_text().fullmatch(text) is not None


#: What looks or reads most alike, where Unicode's own decompositions do not say it.
_REPLACEMENTS: Final = {
    "\t": " ",
    # Quotation marks.
    **dict.fromkeys("‘’‚‛′‵‹›`´ʹʻʼʽˈ", "'"),
    **dict.fromkeys("“”„‟″‶«»¨", '"'),
    # Dashes, bullets, dots.
    **dict.fromkeys("‐‑‒–—―−⁃", "-"),
    **dict.fromkeys("•‣◦●○▪▫■□", "-"),
    **dict.fromkeys("·∙⋅", "."),
    "…": "...",
    "⁄": "/",
    "∕": "/",
    "¦": "|",
    "¸": ",",
    # Signs.
    "×": "x",
    "÷": "/",
    "™": "TM",
    "©": "(c)",
    "®": "(r)",
    "℗": "(p)",
    "№": "No",
    "¢": "c",
    "µ": "u",
    "μ": "u",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "≈": "~",
    "←": "<-",
    "→": "->",
    "⇐": "<=",
    "⇒": "=>",
    # Latin letters without a decomposition.
    "ẞ": "SS",
    "Œ": "OE",
    "œ": "oe",
    "Þ": "Th",
    "þ": "th",
    "Ð": "D",
    "ð": "d",
    "Đ": "D",
    "đ": "d",
    "Ħ": "H",
    "ħ": "h",
    "ı": "i",
    "ĸ": "k",
    "Ł": "L",
    "ł": "l",
    "Ŋ": "N",
    "ŋ": "n",
    "Ŧ": "T",
    "ŧ": "t",
    "ƒ": "f",
    "Ə": "E",
    "ə": "e",
    # Greek capitals that the alphabet leaves to the Latin ones.
    **dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX", strict=True)),
    # Arabic punctuation, which turns up in Latin text.
    "،": ",",
    "؛": ";",
    "؟": "?",
    "٪": "%",
    "٫": ".",
    "٬": ",",
}


@functools.lru_cache(maxsize=1024)
def nearest(character: str) -> str | None:
    """Return what GSM-7 has nearest to a character, itself where it has it; None where nothing is near.

    A combining accent becomes nothing: the letter under it stays. Letters of other scripts have nothing near.
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
    """Return a character's compatibility decomposition with each part replaced, where all have a replacement."""
    parts = unicodedata.normalize("NFKD", character)
    if parts == character:
        return None
    if not parts[0].isalpha() and any(map(unicodedata.combining, parts)):
        # Without the stroke ``≮`` would say the opposite, and an accent alone would be a space.
        return None
    replacements = [nearest(part) for part in parts]
    return None if None in replacements else "".join(filter(None, replacements))
