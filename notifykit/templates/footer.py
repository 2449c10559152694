"""The last line of marketing messages, in the language of the message: how to unsubscribe."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from notifykit.models.message import Channel
from notifykit.templates.template import Template

#: The tags of the messages that have a footer where the settings name none.
TOPICS: Final = ("marketing",)
_BRACE: Final = re.compile("[{}]")
_ARABIC: Final = re.compile("[\u0620-\u064a]")
_LATIN: Final = re.compile("[A-Za-z]")


@attrs.frozen
class Footer:
    """A line in one or several languages, and the tags of the messages that end with it."""

    #: The line in each language.
    lines: Template = attrs.field(repr=lambda lines: ", ".join(lines.languages))
    #: The tags of the messages that have it.
    topics: tuple[str, ...] = TOPICS
    #: The channels of the messages that have it.
    channels: tuple[Channel, ...] = (Channel.SMS,)

    @classmethod
    def of(
        cls, lines: Mapping[str, str], topics: Iterable[str] = TOPICS, channels: Iterable[Channel] = (Channel.SMS,)
    ) -> Footer:
        """Return the footer with these lines by their languages. Braces are characters, and no variables.

        :raises TemplateError: with everything that is wrong.
        """
        escaped = {name: _BRACE.sub(r"\g<0>\g<0>", line.strip()) for name, line in lines.items()}
        return cls(Template(escaped), tuple(topics), tuple(channels))

    def add(
        self, text: str, tags: Iterable[str], language: str | None = None, *, channel: Channel = Channel.SMS
    ) -> str:
        """Return a text with the line below it, where one of its tags asks for it and it has the line in no language yet.

        An empty text stays empty.

        :param language: that of the text; without it the one that its template was rendered in, and for any other text
            Arabic where most of its letters are.
        """
        if (
            channel not in self.channels
            or not text.strip()
            or not {topic.casefold() for topic in self.topics}.intersection(words_of(tags))
        ):
            return text
        if any(self.lines.render(known) in text for known in self.lines.languages):
            return text
        language = language or getattr(text, "language", None) or _script_of(text)
        return f"{text.rstrip()}\n{self.lines.render(language)}"

    def __str__(self) -> str:
        return f"{', '.join(self.lines.languages)} for {', '.join(self.topics)} by {', '.join(self.channels)}"


def words_of(tags: Iterable[str]) -> list[str]:
    """Return the words of tags in small letters: a program that writes ``Marketing`` or ``marketing,orders`` means topics."""
    return [word.strip().casefold() for tag in tags for word in tag.split(",")]


def _script_of(text: str) -> str | None:
    return "ar" if len(_ARABIC.findall(text)) > len(_LATIN.findall(text)) else None
