"""The message as the caller wrote it, and what cleaners changed in its text."""

from __future__ import annotations

import enum
import itertools
import os
from collections.abc import Iterable

import attrs

from notifykit.redaction import describe_text


class Channel(enum.StrEnum):
    """The medium, never the provider."""

    SMS = "sms"
    EMAIL = "email"
    PUSH = "push"


def _new_id() -> str:
    return os.urandom(16).hex()


@attrs.frozen
class Message:
    """What to say, and how it should look to the person who gets it."""

    #: The text, as the caller wrote it or as the cleaners left it.
    text: str = attrs.field(repr=describe_text)
    #: The medium it travels by.
    channel: Channel = Channel.SMS
    #: The sender's name; None takes the transport's own.
    sender: str | None = None
    #: What stands above the text, for the channels that have such a line: an e-mail's subject, a push's title.
    subject: str | None = attrs.field(
        default=None, repr=lambda subject: str(subject and describe_text(subject)), kw_only=True
    )
    #: Free labels that events and logs carry.
    tags: tuple[str, ...] = ()
    #: The caller's name for this send, passed on to providers that can use it.
    idempotency_key: str | None = None
    #: Ties the events, attempts and receipts of one send together.
    id: str = attrs.field(factory=_new_id)


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
