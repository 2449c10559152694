"""``unicode``: composes letters with their accents, and drops what no encoding can carry.

A name typed on some systems arrives as a letter followed by a combining accent. Composed into one character it looks
the same, and may be in an alphabet that costs less. An e-mail has room for both spellings, so its text stays as it was
written. Lone surrogates can't be encoded.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from notifykit.models.message import Channel, Cleaned, Edit
from notifykit.settings.sources import Settings

#: Longer runs of accents are no accents: composing them would only cost time.
_MOST_ACCENTS: Final = 8
_HALF: Final = "\ud800-\udfff"
_ACCENT: Final = "\u0300-\u036f\u0653-\u0655"
_HALVES: Final = re.compile(f"[{_HALF}][{_HALF}]*+")
_LETTER: Final = r"[^\W\d_]"
_FEW_MORE: Final = f"[{_ACCENT}]{{0,{_MOST_ACCENTS - 1}}}+(?![{_HALF}{_ACCENT}])"
#: Where something may change. With group 1 it is behind a letter and may go on with more accented letters: a word is one
#: edit. It starts with a set, not with the letter in front, so that the search for it runs in C.
_RUN: Final = re.compile(
    f"[{_HALF}{_ACCENT}]"
    f"(?:(?<={_LETTER}[{_ACCENT}])({_FEW_MORE}(?:{_LETTER}[{_ACCENT}]{_FEW_MORE})*+)|[{_HALF}{_ACCENT}]*+)"
)


class UnicodeCleaner:
    """Drops lone surrogates in any channel, and composes accents in all but e-mail."""

    name = "unicode"

    def clean(self, text: str, channel: Channel) -> Cleaned:
        """Return the text in composed form."""
        if text.isascii():
            return Cleaned(text)
        edits: list[Edit] = []
        pieces: list[str] = []
        position = 0
        for start, end, after, reason in _changes(text, compose=channel is not Channel.EMAIL):
            edits.append(Edit(start, end, text[start:end], after, reason, self.name))
            pieces += (text[position:start], after)
            position = end
        return Cleaned("".join(pieces) + text[position:], tuple(edits)) if edits else Cleaned(text)


def _changes(text: str, *, compose: bool) -> Iterator[tuple[int, int, str, str]]:
    """Yield the start and the end of each change, the text that replaces it, and the reason."""
    broken = _HALVES.search(text) is not None
    for run in _RUN.finditer(text):
        start, end = run.span()
        halves = [half.span() for half in _HALVES.finditer(text, start, end)] if broken else []
        if compose and start and _is_letter(text[start - 1]):
            # Lone surrogates between a letter and its accents keep them apart only until they are dropped.
            last = halves[-1][0] if halves and halves[-1][1] == end else end
            whole = text[start - 1 : last]
            if broken:
                whole = _HALVES.sub("", whole)
            composed = unicodedata.normalize("NFC", whole) if run[1] or len(whole) - 1 <= _MOST_ACCENTS else whole
            if composed != whole:
                yield start - 1, last, composed, "letter and accent composed"
                halves = halves[-1:] if last < end else []
        for first, behind in halves:
            yield first, behind, "", "half of a character"


def _is_letter(character: str) -> bool:
    return character.isalnum() and not character.isdecimal()


def notifykit_cleaners(settings: Settings) -> list[UnicodeCleaner]:
    """Bring ``unicode``."""
    return [UnicodeCleaner()]
