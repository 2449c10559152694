"""The settings of the guards: the table ``[tool.notifykit.guard]``, or ``NOTIFYKIT_GUARD_…``."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

import attrs

from notifykit.errors import ConfigError, collected
from notifykit.protocols import About
from notifykit.settings.fields import Field, duration, names, one_of, path, secret, section_fields, text, zone
from notifykit.settings.sources import Settings

SECTION: Final = "guard"

_Item = TypeVar("_Item")
_WORDS: Final = ((86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
_HOURS: Final = re.compile(r"([0-9]{1,2})(?::([0-9]{2}))?\s*[-–]\s*([0-9]{1,2})(?::([0-9]{2}))?")


def in_words(seconds: float) -> str:
    """Return a length of time in words: ``15 seconds``, ``1 hour``."""
    size, word = next(((size, word) for size, word in _WORDS if seconds >= size and seconds % size == 0), (1, "second"))
    count = seconds / size
    return f"{count:g} {word}{'' if count == 1 else 's'}"


@attrs.frozen
class Limit:
    """An amount in a number of seconds."""

    #: The amount.
    most: float
    #: The seconds.
    window: float

    def __str__(self) -> str:
        return f"{self.most:,g} in {in_words(self.window)}"

    @classmethod
    def parse(cls, text: str) -> Limit:
        """Read ``1000/1h``, ``1000/h`` or ``0.5/1d``.

        :raises ValueError: if it is no limit.
        """
        most, slash, window = text.partition("/")
        try:
            amount = float(most.replace("_", ""))
            if slash and 0 < amount < float("inf"):
                return cls(amount, duration(window if window[:1].isdigit() else f"1{window}"))
        except ValueError:
            pass
        raise ValueError("is not a limit: write 1000/1h")


@attrs.frozen
class Gap:
    """The time that has to pass between two messages to one recipient."""

    #: The seconds.
    seconds: float
    #: The tag of the messages that it is about; None for all messages.
    tag: str | None = None

    def __str__(self) -> str:
        return f"{self.tag}={self.seconds:g}s" if self.tag else f"{self.seconds:g}s"

    @classmethod
    def parse(cls, text: str) -> Gap:
        """Read ``15s`` or ``otp=60s``.

        :raises ValueError: if it is no gap.
        """
        tag, equals, length = text.rpartition("=")
        if equals and not tag.strip():
            raise ValueError("has no tag before the =: write otp=60s")
        return cls(duration(length), tag.strip() or None)


def limits(value: object) -> tuple[Limit, ...]:
    """Read limits such as ``1000/1h``: one, several with commas, or a list."""
    found = _parse_each(value, Limit.parse, "write 1000/1h, or a list of such")
    _refuse_repeated((in_words(limit.window) for limit in found), "has two limits for {}: keep the lower")
    return found


def gaps(value: object) -> tuple[Gap, ...]:
    """Read times between two messages: ``15s``, or a list such as ``15s, otp=60s``."""
    found = _parse_each(value, Gap.parse, "write 15s, or a list such as 15s, otp=60s")
    _refuse_repeated((gap.tag or "all messages" for gap in found), "has two times for {}: keep the longer")
    return found


def _parse_each(value: object, parse: Callable[[str], _Item], hint: str) -> tuple[_Item, ...]:
    try:
        parts = names(str(value) if isinstance(value, int | float) else value)
    except ValueError:
        parts = ()
    if not parts:
        raise ValueError(f"can't be understood: {hint}")
    found = []
    for part in parts:
        try:
            found.append(parse(part))
        except ValueError as error:
            raise ValueError(f"has {part!r}, which {error}") from None
    return tuple(found)


def _refuse_repeated(things: Iterable[str], complaint: str) -> None:
    known: set[str] = set()
    for thing in things:
        if thing in known:
            raise ValueError(complaint.format(thing))
        known.add(thing)


@attrs.frozen
class Hours:
    """A time of every day, in the recipient's local time."""

    #: When it begins.
    start: datetime.time
    #: When it ends; a time before ``start`` is on the next day.
    end: datetime.time

    def __str__(self) -> str:
        return f"{self.start:%H:%M}-{self.end:%H:%M}"

    def contain(self, moment: datetime.time) -> bool:
        """Return whether a time of the day is in it."""
        if self.start < self.end:
            return self.start <= moment < self.end
        return moment >= self.start or moment < self.end


def hours(value: object) -> Hours:
    """Read a time of the day: ``22:00-08:00``."""
    found = _HOURS.fullmatch(text(value))
    try:
        if found is None:
            raise ValueError
        start, end = (datetime.time(int(h), int(m or 0)) for h, m in (found.group(1, 2), found.group(3, 4)))
    except ValueError:
        raise ValueError("is not a time of the day: write 22:00-08:00") from None
    if start == end:
        raise ValueError("begins when it ends: write two times, 22:00-08:00")
    return Hours(start, end)


FIELDS: Final = section_fields(
    SECTION,
    Field("allow", names, (), help="Outside production, who may be sent to: numbers, 965500*, *@example.com."),
    Field("redirect", text, help="Outside production, the address that gets what other recipients would."),
    Field("suppression_file", path, help="A file with an address a line; none of them is sent to."),
    Field("suppression_url", secret, help="The database of the suppression list: sqlite, or a URL of SQLAlchemy."),
    Field("preferences", secret, help="Where people's preferences are: sqlite, django, or a URL of SQLAlchemy."),
    Field(
        "topics", names, ("marketing", "orders", "security"), help="The tags that people can switch off, and security."
    ),
    Field("quiet_hours", hours, help="When people sleep: 22:00-08:00."),
    Field(
        "quiet_policy", one_of("wait", "skip"), "wait", help="What jobs do in quiet hours: wait, or skip the recipient."
    ),
    Field("quiet_zone", zone, help="The time zone of recipients whose country is not known; else that of `zone`."),
    Field("quiet_except", names, (), help="Tags of messages that are sent in quiet hours too."),
    Field("cool_down", gaps, (), help="Time between two messages to one recipient: 15s, or 15s, otp=60s."),
    Field("same_content", duration, help="Time between two messages with the same text to one recipient: 10m."),
    Field("volume_cap", limits, (), help="The most messages: 1000/1h, 5000/1d."),
    Field("spend_cap", limits, (), help="The most that may be spent, in the provider's unit: 500/1d."),
    Field("unpriced", one_of("refuse", "allow"), "refuse", help="What spend_cap does if a price is not known."),
)


def options(settings: Settings) -> Mapping[str, Any]:
    """Return the values of all settings of the guards.

    :raises ConfigError: with every problem.
    """
    values, problems = resolved(settings)
    if problems:
        raise ConfigError(problems)
    return values


def resolved(settings: Settings) -> tuple[Mapping[str, Any], list[str]]:
    """Return the values, with defaults for those that can't be read, and every problem."""
    problems: list[str] = []
    with collected(problems):
        settings.section(SECTION, FIELDS)
    values, _ = settings.sources.resolve(FIELDS, SECTION)
    return {name: value.value for name, value in values.items()}, problems


def about(*wanted: str) -> About:
    """Return the description of the settings of one guard."""
    return About(section=SECTION, fields=tuple(field for field in FIELDS if field.name in wanted))
