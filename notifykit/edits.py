"""What cleaners change in a text."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import attrs

from notifykit.masking import describe_text


@attrs.frozen
class Edit:
    """One change a cleaner made: ``text[start:end]`` became ``after``."""

    #: Where the change starts in the text that entered the cleaner.
    start: int
    #: Where it ends there.
    end: int
    #: What stood there.
    before: str = attrs.field(repr=describe_text)
    #: What stands there now.
    after: str = attrs.field(repr=describe_text)
    #: Why, in words for the author of the text: ``emoji``, ``Arabic-Indic digits``.
    reason: str
    #: The cleaner that made it.
    cleaner: str


@attrs.frozen
class Cleaned:
    """What a cleaner returns: the text, and the edits that lead there, in order of their position."""

    #: The text after the edits.
    text: str = attrs.field(repr=describe_text)
    #: The edits; empty where nothing changed.
    edits: tuple[Edit, ...] = ()


def replay(text: str, edits: Iterable[Edit]) -> str:
    """Apply edits to the text they were made on and return the result.

    Edits of several cleaners may follow each other: those of one cleaner count from the text that it was given.
    """
    for _, group in itertools.groupby(edits, key=lambda edit: edit.cleaner):
        pieces: list[str] = []
        position = 0
        for edit in group:
            pieces += (text[position : edit.start], edit.after)
            position = edit.end
        text = "".join(pieces) + text[position:]
    return text
