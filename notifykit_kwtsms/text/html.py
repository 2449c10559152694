"""HTML tags: the gateway refuses a text that has them (ERR027; gateway facts, section 3.6).

A tag is ``<``, perhaps ``/``, then a letter, ``!`` or ``?``, and everything up to the next ``>``; so ``a < b``, ``<3``
and ``1<2>1`` are none. Removing tags can bring a new one about, ``<<b>b>``, and a text written by an enemy can have
thousands inside each other. Therefore two passes, both linear: the first takes the tags that have no bracket inside,
which in honest text are all; the second takes what is left from the outside, so that nothing can come about.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Final, TypeAlias

from notifykit_kwtsms.text.characters import Change

_Span: TypeAlias = tuple[int, int]


#: Neighbours go together. It starts with a character and not with a repetition, so that the search for it runs in C.
_INNER: Final = re.compile(r"</?+[A-Za-z!?][^<>]*+>(?:</?+[A-Za-z!?][^<>]*+>)*+")


#: With every ``<`` and ``</`` that touches it from the left, so that none of them can open a tag afterwards. It looks
#: back, so that a long row of them is tried once and not from each of its members.
_OUTER: Final = re.compile(r"<(?<!<<)(?<!</<)<*+/?+(?:<++/?+)*+[A-Za-z!?][^>]*+>")


def find_tags(text: str) -> list[Change]:
    """Return the changes that remove HTML and XML tags, and leave signs of comparison."""
    if "<" not in text or ">" not in text:
        return []
    spans = [match.span() for match in _INNER.finditer(text)]
    rest = _INNER.sub("", text) if spans else text
    outer = [match.span() for match in _OUTER.finditer(rest, 0, _last_end(rest))]
    if outer:
        spans = _merged(spans, outer)
    return [(start, end, "", "HTML tag") for start, end in spans]


def strip_tags(text: str) -> str:
    """Return the text after the changes of :func:`find_tags`, faster."""
    if "<" not in text or ">" not in text:
        return text
    rest = _INNER.sub("", text)
    end = _last_end(rest)
    return _OUTER.sub("", rest[:end]) + rest[end:]


def _last_end(text: str) -> int:
    """Return where to stop: up to the last ``>`` every beginning has its end, so that none is looked for in vain."""
    return text.rfind(">") + 1


def _merged(first: list[_Span], second: list[_Span]) -> list[_Span]:
    """Return what two passes removed as spans of the text before both; the second's are of the text between."""
    cuts: list[int] = []
    removed = [0]
    for start, end in first:
        cuts.append(start - removed[-1])
        removed.append(removed[-1] + end - start)

    def origin(position: int) -> int:
        return position + removed[bisect_right(cuts, position)]

    spans = first + [(origin(start), origin(end - 1) + 1) for start, end in second]
    merged: list[_Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
