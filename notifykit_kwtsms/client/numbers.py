"""The numbers that a caller gives: one, several in one text, or many."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, TypeAlias

#: What ``send`` and ``validate`` take.
Mobile: TypeAlias = str | int | Iterable[str | int]

_BETWEEN: Final = re.compile(r"[,;\n\u060c\u061b]")


def several(mobile: Mobile) -> list[str | int]:
    """Return each number as it was given; a text with commas is several of them.

    :raises TypeError: where there is nothing that could hold numbers.
    """
    if isinstance(mobile, bytes) or not isinstance(mobile, str | int | Iterable):
        raise TypeError(f"mobile is a {type(mobile).__name__}: give a number as a text, or a list of them")
    given = [mobile] if isinstance(mobile, str | int) else mobile
    return [number for item in given for number in (_split(item) if isinstance(item, str) else [item])]


def _split(text: str) -> list[str]:
    return [part.strip() for part in _BETWEEN.split(text) if part.strip()] or [text]
