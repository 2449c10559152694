"""The rules of a route: what a message and its recipient have to be like."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import attrs

from notifykit.errors import ConfigError
from notifykit.models.capabilities import Measurement
from notifykit.models.message import Channel, Message
from notifykit.models.recipient import Recipient

_RANGE: Final = re.compile(r"(?P<least>[1-9][0-9]{0,5})(?P<open>-(?P<most>[1-9][0-9]{0,5})?)?")
_ALL: Final = 10**6


@attrs.frozen
class Sizes:
    """How many segments a text may have: ``1``, ``2-`` for two or more, ``2-4``."""

    #: The fewest.
    least: int
    #: The most.
    most: int

    @classmethod
    def read(cls, text: str) -> Sizes:
        """Read one.

        :raises ValueError: where it is none.
        """
        match = _RANGE.fullmatch(text.strip())
        if match is None:
            raise ValueError("is no number of segments: write 1, 2- for two or more, or 2-4")
        least = int(match["least"])
        most = int(match["most"]) if match["most"] else _ALL if match["open"] else least
        if most < least:
            raise ValueError("ends before it begins")
        return cls(least, most)

    def __str__(self) -> str:
        if self.most == self.least:
            return str(self.least)
        return f"{self.least}-" + ("" if self.most == _ALL else str(self.most))


def _country(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{2}", text.strip()):
        raise ValueError("is no country: write two letters, KW")
    return text.strip().upper()


def _prefix(text: str) -> str:
    digits = text.strip().removeprefix("+")
    if not re.fullmatch(r"[0-9]{1,15}", digits):
        raise ValueError("is no prefix: write the digits that numbers begin with, country code first, 9655")
    return digits


def _channel(text: str) -> Channel:
    try:
        return Channel(text.strip())
    except ValueError:
        raise ValueError(f"is no channel: there are {', '.join(Channel)}") from None


def _some(text: str) -> str:
    if not text:
        raise ValueError("is empty")
    return text


_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "country": _country,
    "prefix": _prefix,
    "channel": _channel,
    "tag": _some,
    "sender": _some,
    "size": Sizes.read,
}


@attrs.frozen
class Rule:
    """What has to be so for a part to be chosen; everything that is given has to be so. None matches anything."""

    #: The recipient's country, ISO 3166: ``KW``.
    country: str | None = None
    #: What the canonical address begins with: ``9655``.
    prefix: str | None = None
    #: The medium.
    channel: Channel | None = None
    #: A label that the message has.
    tag: str | None = None
    #: The sender that the message names; it is compared with care for case.
    sender: str | None = None
    #: How many segments the text has; a text that nobody measured matches no size.
    size: Sizes | None = None

    @classmethod
    def read(cls, text: str) -> Rule:
        """Read ``country=KW&tag=otp``.

        :raises ConfigError: with everything that is wrong.
        """
        try:
            pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True)
        except ValueError:
            raise ConfigError("a rule is written like country=KW&tag=otp") from None
        return cls.of(pairs)

    @classmethod
    def of(cls, pairs: Any) -> Rule:
        """Return the rule of names and values.

        :raises ConfigError: with everything that is wrong.
        """
        problems: list[str] = []
        read: dict[str, Any] = {}
        for name, value in pairs:
            if name not in _READERS:
                problems.append(f"there is no rule about {name!r}: there are {', '.join(_READERS)}")
            elif name in read:
                problems.append(f"{name} is given twice")
            else:
                try:
                    read[name] = _READERS[name](value)
                except ValueError as error:
                    problems.append(f"{name} {error}")
        if problems:
            raise ConfigError(problems)
        return cls(**read)

    def matches(self, recipient: Recipient, message: Message, measurement: Measurement | None) -> bool:
        """Return whether everything that the rule asks for is so."""
        return (
            (self.country is None or recipient.country == self.country)
            and (self.prefix is None or recipient.address.startswith(self.prefix))
            and (self.channel is None or message.channel is self.channel)
            and (self.tag is None or self.tag in message.tags)
            and (self.sender is None or message.sender == self.sender)
            and (
                self.size is None
                or (measurement is not None and self.size.least <= measurement.segments <= self.size.most)
            )
        )

    def __str__(self) -> str:
        given = {name: str(value) for name in _READERS if (value := getattr(self, name)) is not None}
        return urlencode(given)
