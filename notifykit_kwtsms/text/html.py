"""HTML tags: the gateway refuses a text that contains them (ERR027; gateway facts, section 3.6).

A tag is ``<``, perhaps ``/``, then a letter, ``!`` or ``?``, and everything up to the next ``>``; so ``a < b``, ``<3``
and ``1<2>1`` are none. Removing tags can produce a new one, ``<<b>b>``, and a hostile text can nest thousands of them.
Therefore two linear passes: the first removes tags without a bracket inside, which in normal texts are all; the second
removes the rest from the outside, so that no new tag can appear.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Final, TypeAlias

from notifykit_kwtsms.text.characters import Change

_Span: TypeAlias = tuple[int, int]

#: Neighbours together. It starts with a character and not with a repetition, so that the search runs in C.
_INNER: Final = re.compile(r"</?+[A-Za-z!?][^<>]*+>(?:</?+[A-Za-z!?][^<>]*+>)*+")
#: With every ``<`` and ``</`` that touches it on the left, so that none of them can open a tag afterwards. It looks
#: back, so that a long row of them is tried once and not from each of its members.
_OUTER: Final = re.compile(r"<(?<!<<)(?<!</<)<*+/?+(?:<++/?+)*+[A-Za-z!?][^>]*+>")


def find_tags(text: str) -> list[Change]:
    """Return the changes that remove HTML and XML tags."""
    if "<" not in text or ">" not in text:
        return []
    spans = [match.span() for match in _INNER.finditer(text)]
    rest = _INNER.sub("", text) if spans else text
    # Up to the last ">", every opening has an end: no search is in vain.
    outer = [match.span() for match in _OUTER.finditer(rest, 0, rest.rfind(">") + 1)]
    if outer:
        spans = _merged(spans, outer)
    return [(start, end, "", "HTML tag") for start, end in spans]


def _merged(first: list[_Span], second: list[_Span]) -> list[_Span]:
    """Return the spans of two passes as spans of the original text; the second pass saw the text after the first."""
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
