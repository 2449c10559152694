"""The digits of a number, whatever script and punctuation they were typed in.

Which characters count as digits is Unicode's word: those with a decimal value (general category Nd).
"""

from __future__ import annotations

import re
from typing import Final

_SPACES: Final = " \t\u00a0\u2002\u2003\u2007\u2009\u202f\u3000"
_DASHES: Final = "-\u00ad\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d"
_MARKS: Final = "./()\u00b7\uff08\uff09\uff0e\uff0f"
#: Zero-width characters, the byte order mark, and the marks and isolates that steer right-to-left text.
_HIDDEN: Final = (
    "\u061c\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
)

_COMPACTING: Final[dict[int, int | None]] = {
    **dict.fromkeys(map(ord, _SPACES + _DASHES + _MARKS + _HIDDEN)),
    **{zero + value: ord("0") + value for zero in (0x0660, 0x06F0) for value in range(10)},
    ord("\uff0b"): ord("+"),
    # A character that is missing here costs an exception inside translate, so the usual ones stand for themselves.
    **{ord(usual): ord(usual) for usual in "+0123456789"},
}
#: The same within ASCII, where bytes are quicker.
_ASCII_PUNCTUATION: Final = "".join(filter(str.isascii, _SPACES + _DASHES + _MARKS)).encode()
_UNCHANGED: Final = bytes(range(256))  # saves translate from making one for every call
_NO_DIGITS: Final = re.compile(r"\D+")


def compact(raw: str) -> str:
    """Return a text without the spaces, dashes, dots, brackets, slashes and hidden characters that numbers are set in.

    Arabic-Indic and Persian digits become Latin. Everything else stays, so that a caller can still see it.
    """
    if raw.isascii():
        return raw.encode().translate(_UNCHANGED, _ASCII_PUNCTUATION).decode()
    return raw.translate(_COMPACTING)


def latin_digits(raw: str) -> str:
    """Return the digits of a text as Latin digits, and nothing else of it."""
    if raw.isascii() and raw.isdigit():
        return raw
    digits = _NO_DIGITS.sub("", compact(raw))
    return digits if digits.isascii() else "".join([str(int(digit)) for digit in digits])
