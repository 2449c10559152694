"""The texts of a template by channel: a short one for SMS, subject and text for e-mail, title and text for push."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Generic, TypeVar

import attrs

from notifykit.errors import collected
from notifykit.models.message import Channel
from notifykit.suggest import did_you_mean
from notifykit.templates.parsing import ANY
from notifykit.templates.values import with_article

_Template = TypeVar("_Template")

#: What the short text above or before the text of a channel is called; None where it has none.
TITLES: Final[Mapping[Channel, str | None]] = {Channel.SMS: None, Channel.EMAIL: "subject", Channel.PUSH: "title"}
TEXT: Final = "text"


@attrs.frozen
class Variant(Generic[_Template]):
    """What a template says on one channel."""

    #: The text.
    text: _Template
    #: The subject of the e-mail, or the title of the push notification; None without one.
    title: _Template | None = None

    def parts(self, channel: Channel) -> Iterable[tuple[str, _Template]]:
        """Return its texts, each with its name on the channel."""
        yield TEXT, self.text
        if self.title is not None:
            yield TITLES[channel] or "", self.title


def has_variants(table: Mapping[str, Any]) -> bool:
    """Return whether the table of a settings file has texts by channel. ``sms`` alone with a text is a language's tag."""
    return Channel.EMAIL in table or Channel.PUSH in table or isinstance(table.get(Channel.SMS), Mapping)


def read_variants(
    channels: object, make: Callable[[Channel, str, Any], _Template], problems: list[str]
) -> dict[Channel, Variant[_Template]]:
    """Return what a template says on each channel.

    :param channels: by channel a text, texts by language, or a mapping of ``text`` and ``subject`` or ``title`` to those.
    :param make: makes a template of the channel, the part's name and its texts.
    :param problems: gets everything that is wrong.
    """
    if not isinstance(channels, Mapping):
        raise TypeError(f"channels is a {type(channels).__name__}: give a mapping of channels to texts")
    found: dict[Channel, Variant[_Template]] = {}
    for name, given in channels.items():
        if name not in list(Channel):
            problems.append(f"channels: {name!r:.40} is none of {', '.join(Channel)}")
            continue
        channel, made = Channel(name), {}
        for part, texts in _parts(Channel(name), given, problems).items():
            with collected(problems, f"{channel}: {part}: "):
                made[part] = make(channel, part, texts)
        if TEXT in made:
            title = TITLES[channel]
            found[channel] = Variant(made[TEXT], made.get(title) if title else None)
    return found


def _parts(channel: Channel, given: object, problems: list[str]) -> dict[str, object]:
    """Return the texts of each part of a channel."""
    if isinstance(given, str):
        given = {TEXT: given}
    if not isinstance(given, Mapping):
        problems.append(f"{channel}: it is {with_article(type(given))}: give a text, or a table")
        return {}
    title = TITLES[channel]
    names = (TEXT,) if title is None else (title, TEXT)
    if not any(name in given for name in ("subject", "title", TEXT)):
        given = {TEXT: given}  # texts by language
    parts = {name: texts for name, texts in given.items() if name in names}
    others = [str(name) for name in given if name not in names]
    problems += [f"{channel}: {name:.40} is not {' or '.join(names)}: {did_you_mean(name, names)}" for name in others]
    if TEXT not in parts:
        problems.append(f"{channel}: there is no text")
    if channel is Channel.EMAIL and title not in parts:
        problems.append(f"{channel}: there is no subject")
    return parts


def language_problems(languages: Mapping[str, Iterable[str]]) -> list[str]:
    """Return which texts lack a language that others have; a text without languages is for all of them.

    :param languages: the languages of each text, by the words that name it.
    """
    sets = {place: list(some) for place, some in languages.items() if list(some) != [ANY]}
    everything = dict.fromkeys(language for some in sets.values() for language in some)
    return [
        f"{place}: there is none for {language}, and {' and '.join(p for p, s in sets.items() if language in s)} has one"
        for place, some in sets.items()
        for language in everything
        if language not in some
    ]
