"""What could stand in place of a character that makes a text Unicode, and so more than twice as dear."""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import Final

from notifykit_kwtsms.text.alphabet import BASIC, EXTENSION
from notifykit_kwtsms.text.packing import count_segments, is_gsm7

_CHEAP: Final = BASIC | EXTENSION
_ACCENTED: Final = re.compile("[A-Za-z][\u0300-\u036f]")

#: What looks or reads most alike, where Unicode's own decompositions do not say it.
_TABLE: Final = {
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
    if character in _CHEAP:
        return character
    if character in _TABLE:
        return _TABLE[character]
    composed = unicodedata.normalize("NFC", character)
    if composed in _CHEAP:
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


def cheapest(text: str) -> str:
    """Return the text with every character replaced that makes it Unicode; itself where one has no replacement.

    It is also itself where the replacements are so long that they cost more than they save.
    """
    if is_gsm7(text):
        return text
    replacements = {ord(character): nearest(character) for character in set(text) - _CHEAP}
    if None in replacements.values():
        return text
    replaced = _ACCENTED.sub(_composed, text).translate(replacements)
    return replaced if count_segments(replaced) <= count_segments(text) else text


def _composed(accented: re.Match[str]) -> str:
    """Return é for an e with an accent after it: GSM-7 has that, and no accents.

    By twos, because to compose a whole text takes Unicode quadratic time in the accents on one letter.
    """
    composed = unicodedata.normalize("NFC", accented[0])
    return composed if composed in _CHEAP else accented[0]


def saving(text: str) -> int:
    """Return how many segments a recipient :func:`cheapest` saves."""
    return count_segments(text) - count_segments(cheapest(text))
