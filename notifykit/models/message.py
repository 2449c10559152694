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


@attrs.frozen
class Message:
    """A text, with its sender and everything else that is the same for all recipients."""

    #: The text, as the caller wrote it or as the cleaners left it.
    text: str = attrs.field(repr=describe_text)
    #: The medium.
    channel: Channel = Channel.SMS
    #: The sender's name; None for the transport's own.
    sender: str | None = None
    #: The subject of an e-mail, or the title of a push notification.
    subject: str | None = attrs.field(
        default=None, repr=lambda subject: str(subject and describe_text(subject)), kw_only=True
    )
    #: Free labels that events and logs carry.
    tags: tuple[str, ...] = ()
    #: The caller's name for this send, passed on to providers that can use it.
    idempotency_key: str | None = None
    #: The same id in all events, attempts and receipts of one send.
    id: str = attrs.field(factory=lambda: os.urandom(16).hex())


@attrs.frozen
class Edit:
    """One change a cleaner made: ``text[start:end]`` became ``after``."""

    #: The start of the change in the text before the cleaner.
    start: int
    #: The end of the change there.
    end: int
    #: The text before the change.
    before: str = attrs.field(repr=describe_text)
    #: The text after the change.
    after: str = attrs.field(repr=describe_text)
    #: The reason, for the author of the text: ``emoji``, ``Arabic-Indic digits``.
    reason: str
    #: The cleaner that made it.
    cleaner: str


@attrs.frozen
class Cleaned:
    """What a cleaner returns: the text, and its edits in order of their position."""

    #: The text after the edits.
    text: str = attrs.field(repr=describe_text)
    #: The edits; empty if nothing changed.
    edits: tuple[Edit, ...] = ()


def replay(text: str, edits: Iterable[Edit]) -> str:
    """Apply edits to the text they were made on and return the result.

    The positions in the edits of a cleaner are those of the text that it got, after the cleaners before it.
    """
    for _, group in itertools.groupby(edits, key=lambda edit: edit.cleaner):
        pieces: list[str] = []
        position = 0
        for edit in group:
            pieces += (text[position : edit.start], edit.after)
            position = edit.end
        text = "".join(pieces) + text[position:]
    return text
