"""Arabic-Indic and Persian digits: phones show them inconsistently (gateway facts, section 3.6)."""

from __future__ import annotations

import functools
import re
from typing import Final

from notifykit_kwtsms.text.codepoints import ARABIC_DIGITS, inside
from notifykit_kwtsms.text.steps import Change, TextCleaner

_PERSIAN_ZERO: Final = "\u06f0"
_LATIN: Final = {first + value: ord("0") + value for first, _ in ARABIC_DIGITS for value in range(10)}
_PAIRS: Final = tuple((chr(digit), chr(latin)) for digit, latin in _LATIN.items())


@functools.cache
def _number() -> re.Pattern[str]:
    """Return what finds digits in a row. It starts with a set, not a repetition, so that the search runs in C."""
    return re.compile(f"[{inside(ARABIC_DIGITS)}][{inside(ARABIC_DIGITS)}]*+")


def _find(text: str) -> list[Change]:
    if text.isascii():
        return []
    return [
        (
            match.start(),
            match.end(),
            match[0].translate(_LATIN),
            "Persian digits" if match[0][0] >= _PERSIAN_ZERO else "Arabic-Indic digits",
        )
        for match in _number().finditer(text)
    ]


def _strip(text: str) -> str:
    if not text.isascii():
        for digit, latin in _PAIRS:
            text = text.replace(digit, latin)
    return text


#: Writes Arabic-Indic and Persian digits as Latin ones, a number as one edit.
DIGITS: Final = TextCleaner("kwtsms-digits", _find, _strip)
