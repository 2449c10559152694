"""The cleaners in their order, and the check whether the gateway would accept a text."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Final, cast

import attrs

from notifykit.errors import ContentRejected
from notifykit.models.message import Channel, Cleaned, Edit, Message
from notifykit_kwtsms.api.codes import error_for
from notifykit_kwtsms.api.facts import MAX_SEGMENTS, SENDER_LENGTH
from notifykit_kwtsms.text.characters import Change, apply, clean_text, find_digits, find_emoji, find_hidden
from notifykit_kwtsms.text.links import KEEP
from notifykit_kwtsms.text.segments import boundaries


@attrs.frozen
class TextCleaner:
    """One step of cleaning, for SMS only."""

    #: The name in settings and in the edits it makes.
    name: str
    #: Returns the changes of a text, in order of position and without overlap.
    find: Callable[[str], Sequence[Change]] = attrs.field(repr=False)

    def clean(self, text: str, channel: Channel = Channel.SMS) -> Cleaned:
        """Return the cleaned text and the edits; the same text and no edits where there is nothing to do."""
        changes = () if channel is not Channel.SMS or clean_text().fullmatch(text) else self.find(text)
        if not changes:
            return Cleaned(text)
        edits = [Edit(start, end, text[start:end], after, reason, self.name) for start, end, after, reason in changes]
        return Cleaned(apply(text, changes), tuple(edits))


def _find_html(text: str, links: str = KEEP) -> Sequence[Change]:
    """Return the changes of :mod:`notifykit_kwtsms.text.html`, which is imported for the first text with a tag."""
    if "<" not in text or ">" not in text:
        return ()
    from notifykit_kwtsms.text.html import find_tags

    return find_tags(text, links)


#: Removes emoji, each whole sequence as one edit, and keeps the key of a keycap.
EMOJI: Final = TextCleaner("kwtsms-emoji", find_emoji)
#: Removes hidden characters, and writes line ends and spaces in the form that every phone and encoding has.
HIDDEN_CHARACTERS: Final = TextCleaner("kwtsms-hidden", find_hidden)
#: Writes Arabic-Indic and Persian digits as Latin ones, a number as one edit.
DIGITS: Final = TextCleaner("kwtsms-digits", find_digits)
#: Writes what HTML stands for, and keeps signs of comparison and words in brackets.
TAGS: Final = TextCleaner("kwtsms-html", _find_html)
#: Emoji first: joiners and selectors belong to them, and some of them become letters. Tags last: a hidden character
#: must not protect a tag. No cleaner produces what an earlier one removes, so a second cleaning changes nothing.
CLEANERS: Final[tuple[TextCleaner, ...]] = (EMOJI, HIDDEN_CHARACTERS, DIGITS, TAGS)


def cleaners(links: str = KEEP) -> tuple[TextCleaner, ...]:
    """Return the cleaners in their order.

    :param links: what happens to a link in HTML: ``keep``, or ``refuse-lost`` or ``refuse``, with which the last cleaner raises
        :class:`~notifykit.ContentRejected`.
    """
    if links == KEEP:
        return CLEANERS
    return (*CLEANERS[:-1], TextCleaner(TAGS.name, functools.partial(_find_html, links=links)))


def clean(text: str) -> Cleaned:
    """Return the text as the gateway can deliver it, and every edit in order of the cleaners."""
    edits: list[Edit] = []
    for cleaner in CLEANERS:
        cleaned = cleaner.clean(text)
        text = cleaned.text
        edits += cleaned.edits
    return Cleaned(text, tuple(edits))


def clean_message(text: str) -> str:
    """Return a text without emoji, hidden characters and HTML tags, and with Latin digits only.

    ``send`` does this itself. A text of nothing else becomes empty. This is :func:`clean` without the list of edits.
    """
    if not clean_text().fullmatch(text):
        for cleaner in CLEANERS:
            text = apply(text, cleaner.find(text))
    return text


def sender_problem(sender: str) -> str | None:
    """Return why the gateway knows no such sender ID, in a sentence; None where it may know it.

    In test mode it takes any sender; live it answers with ERR008 (gateway facts, section 3.4).
    """
    if not sender.strip():
        problem = "is blank"
    elif len(sender) > SENDER_LENGTH:
        problem = f"has {len(sender)} characters, and {SENDER_LENGTH} are allowed"
    elif not (sender.isascii() and sender.isprintable()):
        problem = "has characters outside of A to Z, digits and signs"
    elif sender != sender.strip():
        problem = "begins or ends with a space"
    else:
        return None
    return f"The sender ID {sender!r:.40} {problem}: a live send is refused with ERR008. Use one that is registered at kwtsms.com."


def warn(message: Message, default_sender: str) -> tuple[str, ...]:
    """Return what a person should know about a message before the gateway gets it.

    :param default_sender: the sender ID where the message names none.
    """
    problem = sender_problem(message.sender or default_sender)
    return (problem,) if problem else ()


def check(message: Message) -> ContentRejected | None:
    """Return the error with which the gateway would refuse a cleaned message; None where it would accept it."""
    if not message.text.strip():
        return cast("ContentRejected", error_for("ERR009"))
    if len(boundaries(message.text)) >= MAX_SEGMENTS:
        return cast("ContentRejected", error_for("ERR012"))
    return None
