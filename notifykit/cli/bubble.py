"""A message as a phone shows it: a bubble, right-to-left lines on the right, codes kept in order."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

#: Columns inside the bubble: about what a phone shows.
_WIDTH: Final = 34
_LEFT_TO_RIGHT_MARK: Final = "\u200e"
_RIGHT_TO_LEFT, _LEFT_TO_RIGHT, _END = "\u2067", "\u2066", "\u2069"
#: A code, a number or a Latin name inside right-to-left text.
_CODE: Final = re.compile(r"[A-Za-z0-9](?:[\w.,:/+@#%&=?-]*[A-Za-z0-9])?", re.ASCII)


def bubble(text: str, *, isolated: bool = True) -> list[str]:
    """Return the lines of a bubble around a text.

    :param isolated: whether marks that nobody sees keep codes in order: for a terminal, and not for whoever searches.
    """
    # A line takes its direction from the paragraph, not from the word that it happens to begin with.
    lines = [
        (line, is_right_to_left(paragraph))
        for paragraph in text.splitlines() or [""]
        for line in _wrapped(_visible(paragraph))
    ]
    width = max((columns(line) for line, _ in lines), default=0)
    return [
        f" ╭{'─' * (width + 2)}╮",
        *(f" │ {_placed(line, width, right, isolated)} │" for line, right in lines),
        f" ╰{'─' * (width + 2)}╯",
    ]


def columns(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(_columns_of(character) for character in text)


def is_right_to_left(text: str) -> bool:
    """Return whether a text reads from the right: its first letter says so."""
    for character in text:
        direction = unicodedata.bidirectional(character)
        if direction in ("L", "R", "AL"):
            return direction != "L"
    return False


def _columns_of(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf", "Cc"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def _visible(paragraph: str) -> str:
    """Return a text without control characters: they would move the cursor, or worse."""
    return "".join(character for character in paragraph if unicodedata.category(character) != "Cc")


def _placed(line: str, width: int, right: bool, isolate: bool) -> str:
    padding = " " * (width - columns(line))
    if right and not isolate:
        return padding + line
    if right:
        isolated = _CODE.sub(lambda code: f"{_LEFT_TO_RIGHT}{code[0]}{_END}", line)
        return f"{_LEFT_TO_RIGHT_MARK}{padding}{_RIGHT_TO_LEFT}{isolated}{_END}{_LEFT_TO_RIGHT_MARK}"
    return line + padding


def _wrapped(paragraph: str) -> Iterator[str]:
    line = ""
    for word in re.findall(r"\s*\S+|\s+$", paragraph):
        if line and columns(line + word) > _WIDTH:
            yield line
            line = word.lstrip()
        else:
            line += word
        while columns(line) > _WIDTH:
            cut = _fitting(line)
            yield line[:cut]
            line = line[cut:]
    yield line


def _fitting(line: str) -> int:
    """Return how many characters of a line fit into the bubble."""
    taken = 0
    for position, character in enumerate(line):
        taken += _columns_of(character)
        if taken > _WIDTH:
            return position
    return len(line)
