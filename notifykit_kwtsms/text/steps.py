"""What every cleaner of this package is: a name, and a search for what has to change."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TypeAlias

import attrs

from notifykit.models.message import Channel, Cleaned, Edit

#: Where a change starts and ends, what stands there afterwards, and why. A tuple, because a text may have thousands.
Change: TypeAlias = tuple[int, int, str, str]


@attrs.frozen
class TextCleaner:
    """One step of cleaning, for SMS only."""

    #: The name it goes by in settings and in the edits it makes.
    name: str
    #: Says what has to change in a text, in order of position and without overlap.
    find: Callable[[str], Sequence[Change]] = attrs.field(repr=False)
    #: Returns the cleaned text alone, where there is a faster way than by the changes.
    strip: Callable[[str], str] = attrs.field(repr=False)

    @strip.default
    def _strip(self) -> Callable[[str], str]:
        return functools.partial(_stripped, self.find)  # unlike a function made here, it pickles

    def clean(self, text: str, channel: Channel = Channel.SMS) -> Cleaned:
        """Return the cleaned text and the edits; the same text, and none, where there is nothing to do."""
        changes = self.find(text) if channel is Channel.SMS else ()
        return Cleaned(apply(text, changes), self.edits(text, changes)) if changes else Cleaned(text)

    def edits(self, text: str, changes: Sequence[Change]) -> tuple[Edit, ...]:
        """Return changes of a text as edits by this cleaner."""
        return tuple(
            Edit(start, end, text[start:end], after, reason, self.name) for start, end, after, reason in changes
        )


def _stripped(find: Callable[[str], Sequence[Change]], text: str) -> str:
    return apply(text, find(text))


def apply(text: str, changes: Sequence[Change]) -> str:
    """Return the text with the changes made."""
    if not changes:
        return text
    pieces: list[str] = []
    position = 0
    for start, end, after, _ in changes:
        pieces.append(text[position:start])
        pieces.append(after)
        position = end
    pieces.append(text[position:])
    return "".join(pieces)
