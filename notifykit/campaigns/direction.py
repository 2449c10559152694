"""Names in Arabic and Latin inside one text: what keeps them readable, and where it can be used.

A phone decides on the direction of a paragraph by its first letter, and moves signs and numbers beside a name of the
other script (Unicode Standard Annex 9). Two invisible characters around the name prevent both: U+2068, first strong isolate,
and U+2069. What is known about them:

* In an SMS they don't arrive: the cleaner ``kwtsms-hidden`` removes them with everything invisible, because the gateway keeps
  a text that has them in its queue. So SMS texts get none. They cost nothing, and a plan counts the rows
  that a phone may show in the wrong direction.
* In a GSM-7 text each would force Unicode, and take 2 of 70 units in an Arabic one.
* E-mail and push have no segments, and show them properly. There a value gets them, where they change what is seen.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

#: What marks a value inside a rendered text until it is decided about. Private use, so no text needs them.
_START, _END = "\ue000", "\ue001"
_MARKS: Final = re.compile(f"[{_START}{_END}]")
_ISOLATE, _POP = "\u2068", "\u2069"
_LATIN, _ARABIC = "L", "R"
_NUMBER: Final = "N"
_CLASSES: Final = {"L": _LATIN, "R": _ARABIC, "AL": _ARABIC, "EN": _NUMBER, "AN": _NUMBER}


def first_direction(text: str) -> str | None:
    """Return ``L`` or ``R``, the direction of the first letter that has one; None where none has."""
    for character in text:
        found = _CLASSES.get(unicodedata.bidirectional(character))
        if found in (_LATIN, _ARABIC):
            return found
    return None


def marked(value: str) -> str:
    """Return a value with marks around it, so that :func:`isolated` finds it in the text."""
    return f"{_START}{_MARKS.sub('', value)}{_END}"


def isolated(text: str) -> str:
    """Return a text whose values were marked, with isolates around those that would be misread, and without the marks."""
    pieces = _MARKS.split(text)  # words, a value, words, a value, …, words
    base = first_direction("".join(pieces[::2]))
    result = []
    for index, piece in enumerate(pieces):
        if index % 2 and base and _needs_isolates(piece, "".join(pieces[:index]), "".join(pieces[index + 1 :]), base):
            piece = f"{_ISOLATE}{piece}{_POP}"  # noqa: PLW2901 - it is the piece that follows
        result.append(piece)
    return "".join(result)


def is_turned(words: str | None, text: str) -> bool:
    """Return whether a value in front turns a text around.

    :param words: the direction of the template's own words.
    :param text: the text with its values.
    """
    return words is not None and first_direction(text) not in (words, None)


def _needs_isolates(value: str, before: str, after: str, base: str) -> bool:
    """Return whether a value of the other script is misread: it stands first, has signs at an edge, or meets its like."""
    classes = [_CLASSES.get(unicodedata.bidirectional(character)) for character in value]
    other = _ARABIC if base == _LATIN else _LATIN
    if other not in classes:
        return False
    line = before.rpartition("\n")[2]
    if first_direction(line) is None or classes[0] != other or classes[-1] != other:
        return True
    neighbours = (_nearest(reversed(line)), _nearest(after.partition("\n")[0]))
    return any(neighbour in (other, _NUMBER) for neighbour in neighbours)


def _nearest(characters: Iterable[str]) -> str | None:
    found = (_CLASSES.get(unicodedata.bidirectional(character)) for character in characters)
    return next(filter(None, found), None)
