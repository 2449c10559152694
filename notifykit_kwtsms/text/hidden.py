"""Hidden characters: the gateway takes them and never delivers, or calls it spam (gateway facts, section 3.6)."""

from __future__ import annotations

import functools
import re
from typing import Final

from notifykit_kwtsms.text.codepoints import ARABIC, ASTRAL, HIDDEN, LINE_ENDS, SPACES, inside
from notifykit_kwtsms.text.steps import Change, TextCleaner

_NON_JOINER: Final = "\u200c"


@functools.cache
def _run() -> re.Pattern[str]:
    """Return what finds a run of one kind: with group 1 it is line ends, with group 2 spaces.

    The pattern starts with a set, so that the search for it runs in C, and looks back to see what it found.
    """
    hidden, space, line_end = (f"[{inside(table)}]" for table in (HIDDEN, SPACES, LINE_ENDS))
    return re.compile(
        f"[{inside(HIDDEN, LINE_ENDS, SPACES, ASTRAL)}]"
        f"(?:(?<={hidden}){hidden}*+|(?<={line_end})((?:(?<=\r)\n|{line_end})*+)|(?<={space})({space}*+))"
    )


@functools.cache
def _arabic() -> re.Pattern[str]:
    return re.compile(f"[{inside(ARABIC)}]")


def _find(text: str) -> list[Change]:
    if text.isascii() and text.isprintable():
        return []
    changes: list[Change] = []
    for match in _run().finditer(text):
        start, end = match.span()
        if match.lastindex is None:
            if _separates(text, start, end):
                changes.append((start, end, " ", "zero-width non-joiner"))
            else:
                changes.append((start, end, "", "hidden character"))
        elif match.lastindex == 1:
            changes.append((start, end, "\n" * (end - start - match[0].count("\r\n")), "line end"))
        else:
            changes.append((start, end, " " * (end - start), "unusual space"))
    return changes


def _separates(text: str, start: int, end: int) -> bool:
    """Whether hidden characters hold a word's parts apart, as Persian writes them: without them it reads wrong."""
    return (
        _NON_JOINER in text[start:end]
        and start > 0
        and _arabic().match(text, start - 1) is not None
        and _arabic().match(text, end) is not None
    )


#: Removes hidden characters, and writes line ends and spaces in the way that every phone and encoding has.
HIDDEN_CHARACTERS: Final = TextCleaner("kwtsms-hidden", _find)
