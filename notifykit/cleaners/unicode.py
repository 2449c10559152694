"""``unicode``: composes letters with their accents, and drops what no encoding can carry.

A name typed on some systems arrives as a letter followed by a combining accent. Composed into one character it looks
the same, and has a chance to be in a cheap alphabet. An e-mail has room for both spellings, so its text stays as it was
written. Half surrogates can't be encoded by anybody.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from notifykit.hookspecs import hookimpl
from notifykit.models import Channel, Cleaned, Edit
from notifykit.settings import Settings

#: Longer runs of accents are no accents: composing them would only cost time.
_MOST_ACCENTS: Final = 8
_CANDIDATE: Final = re.compile(
    rf"(?P<half>[\ud800-\udfff]+)|(?P<composable>[^\W\d_][\u0300-\u036f\u0653-\u0655]{{1,{_MOST_ACCENTS}}})"
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
        for match in _CANDIDATE.finditer(text):
            before = match.group()
            if channel is Channel.EMAIL and not match["half"]:
                continue
            after = "" if match["half"] else unicodedata.normalize("NFC", before)
            if after == before:
                continue
            reason = "half of a character" if match["half"] else "letter and accent composed"
            edits.append(Edit(match.start(), match.end(), before, after, reason, self.name))
            pieces += (text[position : match.start()], after)
            position = match.end()
        return Cleaned("".join(pieces) + text[position:], tuple(edits)) if edits else Cleaned(text)


@hookimpl
def notifykit_cleaners(settings: Settings) -> list[UnicodeCleaner]:
    """Bring ``unicode``."""
    return [UnicodeCleaner()]
