"""``route(country=KW&tag=otp => a, channel=email => b, c)``: the first rule that matches chooses the part.

A part without a rule takes everything. A recipient that no rule matches is rejected, so most routes end with a part
without a rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import attrs

from notifykit.errors import ConfigError, collected
from notifykit.models.capabilities import Measurement
from notifykit.models.message import Channel, Message
from notifykit.models.plan import Batch
from notifykit.models.recipient import Recipient
from notifykit.protocols import Assignment, BuildContext, Transport
from notifykit.settings.dsn import Dsn
from notifykit.transports.composites.base import CompositeTransport, build_labelled_parts, options

_RANGE: Final = re.compile(r"(?P<least>[1-9][0-9]{0,5})(?P<open>-(?P<most>[1-9][0-9]{0,5})?)?")
_UNLIMITED: Final = 10**6


@attrs.frozen
class Sizes:
    """How many segments a text may have: ``1``, ``2-`` for two or more, ``2-4``."""

    #: The fewest.
    least: int
    #: The most.
    most: int

    @classmethod
    def parse(cls, text: str) -> Sizes:
        """Read a range.

        :raises ValueError: if it is none.
        """
        match = _RANGE.fullmatch(text.strip())
        if match is None:
            raise ValueError("is no number of segments: write 1, 2- for two or more, or 2-4")
        least = int(match["least"])
        most = int(match["most"]) if match["most"] else _UNLIMITED if match["open"] else least
        if most < least:
            raise ValueError("ends before it begins")
        return cls(least, most)

    def __contains__(self, segments: int) -> bool:
        return self.least <= segments <= self.most

    def __str__(self) -> str:
        if self.most == self.least:
            return str(self.least)
        return f"{self.least}-" + ("" if self.most == _UNLIMITED else str(self.most))


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


def _not_empty(text: str) -> str:
    if not text:
        raise ValueError("is empty")
    return text


_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "country": _country,
    "prefix": _prefix,
    "channel": _channel,
    "tag": _not_empty,
    "sender": _not_empty,
    "size": Sizes.parse,
}


@attrs.frozen
class Rule:
    """The conditions under which a part is chosen: all that are given have to hold. None matches anything."""

    #: The recipient's country, ISO 3166: ``KW``.
    country: str | None = None
    #: The beginning of the canonical address: ``9655``.
    prefix: str | None = None
    #: The medium.
    channel: Channel | None = None
    #: A label that the message has.
    tag: str | None = None
    #: The sender that the message names, in the same case.
    sender: str | None = None
    #: How many segments the text has; a text that is not measured matches no size.
    size: Sizes | None = None

    @classmethod
    def parse(cls, text: str) -> Rule:
        """Read ``country=KW&tag=otp``.

        :raises ConfigError: with everything that is wrong.
        """
        try:
            pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True)
        except ValueError:
            raise ConfigError("a rule is written like country=KW&tag=otp") from None
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
        """Return whether all conditions hold."""
        return (
            (self.country is None or recipient.country == self.country)
            and (self.prefix is None or recipient.address.startswith(self.prefix))
            and (self.channel is None or message.channel is self.channel)
            and (self.tag is None or self.tag in message.tags)
            and (self.sender is None or message.sender == self.sender)
            and (self.size is None or (measurement is not None and measurement.segments in self.size))
        )

    def __str__(self) -> str:
        return urlencode({name: str(value) for name in _READERS if (value := getattr(self, name)) is not None})


class Route(CompositeTransport):
    """Chooses a part for each recipient by rules; the first that matches wins.

    :param parts: pairs of a rule and a transport, in order. The rule is a :class:`Rule`, its text such as
        ``country=KW&tag=otp``, or None for everything.
    :raises ConfigError: if a rule can't be read, or can never be reached.
    """

    name = "route"

    def __init__(self, *parts: tuple[Rule | str | None, Transport]) -> None:
        problems: list[str] = []
        rules: list[Rule] = []
        for number, (given, _) in enumerate(parts, 1):
            with collected(problems, f"route, part {number}: "):
                rules.append(Rule.parse(given) if isinstance(given, str) else given or Rule())
        everything = next((number for number, rule in enumerate(rules, 1) if rule == Rule()), len(rules))
        if not problems and everything < len(rules):
            problems.append(f"route: part {everything} takes everything, so those after it are never chosen")
        if any(rule.size for rule in rules) and not any(part.capabilities.measure for _, part in parts):
            problems.append("route: a rule asks for a size, and no part measures texts: leave the size out")
        if problems:
            raise ConfigError(problems)
        super().__init__(*(part for _, part in parts))
        self.rules: tuple[Rule, ...] = tuple(rules)
        # A batch is split between the parts: the more recipients it has, the fuller their requests are.
        size = sum(part.capabilities.batch_size for part in self.parts)
        self.capabilities = attrs.evolve(self.capabilities, batch_size=size)

    def choose(self, recipient: Recipient, message: Message, measurement: Measurement | None) -> int | None:
        """Return the number of the part for a message to a recipient, from 0; None if no rule matches."""
        for number, rule in enumerate(self.rules):
            if rule.matches(recipient, message, measurement):
                return number
        return None

    def expected(self, batch: Batch) -> Sequence[Assignment]:
        """Return the assignment of each part that is chosen for a recipient, in the order of the parts."""
        chosen: dict[int, set[int]] = {}
        for position, recipient in zip(batch.positions, batch.recipients, strict=True):
            number = self.choose(recipient, batch.message, batch.measurement)
            if number is not None:
                chosen.setdefault(number, set()).add(position)
        return [Assignment(self.parts[number], batch.only(chosen[number])) for number in sorted(chosen)]

    def possible(self, batch: Batch) -> Sequence[Assignment]:
        """Return the same assignments: a route chooses once."""
        return self.expected(batch)

    def _shown(self) -> Iterable[str]:
        pairs = zip(self.rules, self.parts, strict=True)
        return (f"{rule} => {part}" if str(rule) else str(part) for rule, part in pairs)


def build(dsn: Dsn, context: BuildContext) -> Route:
    """Build the transport from its DSN."""
    options(dsn, context, ())
    return Route(*build_labelled_parts(dsn, context))
