"""``unicode``: composes letters with their accents, and drops what no encoding can carry.

A name typed on some systems arrives as a letter followed by a combining accent. Composed into one character it looks
the same, and has a chance to be in a cheap alphabet. An e-mail has room for both spellings, so its text stays as it was
written. Half surrogates can't be encoded by anybody.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from notifykit.edits import Cleaned, Edit
from notifykit.hookspecs import hookimpl
from notifykit.letters import Channel
from notifykit.settings import Settings

#: Longer runs of accents are no accents: composing them would only cost time.
_MOST_ACCENTS: Final = 8
_HALVES: Final = re.compile("[\ud800-\udfff]+")
#: Half surrogates between a letter and its accents keep them apart only until they are dropped.
_CANDIDATE: Final = re.compile(
    rf"(?P<half>{_HALVES.pattern})|[^\W\d_](?:[\ud800-\udfff]*[\u0300-\u036f\u0653-\u0655])+"
)


class UnicodeCleaner:
    """Drops half surrogates in any channel, and composes accents in all but e-mail."""

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
    """Yield where a change starts and ends, what stands there afterwards, and why."""
    for match in _CANDIDATE.finditer(text):
        start, end = match.span()
        whole = _HALVES.sub("", match.group())
        composed = whole
        if compose and not match["half"] and len(whole) - 1 <= _MOST_ACCENTS:
            composed = unicodedata.normalize("NFC", whole)
        if composed != whole:
            yield start, end, composed, "letter and accent composed"
        else:
            yield from ((*half.span(), "", "half of a character") for half in _HALVES.finditer(text, start, end))


@hookimpl
def notifykit_cleaners(settings: Settings) -> list[UnicodeCleaner]:
    """Bring ``unicode``."""
    return [UnicodeCleaner()]
