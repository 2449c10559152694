"""The settings of the guards: the table ``[tool.notifykit.guard]``, or ``NOTIFYKIT_GUARD_…``."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from notifykit.errors import ConfigError
from notifykit.protocols import About
from notifykit.settings.fields import Field, names, one_of, path, text
from notifykit.settings.sources import Settings

SECTION: Final = "guard"

_UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_WORDS: Final = ((86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
_DURATION: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([smhd]?)")
_HOURS: Final = re.compile(r"([0-9]{1,2})(?::([0-9]{2}))?\s*[-–]\s*([0-9]{1,2})(?::([0-9]{2}))?")


def duration(value: object) -> float:
    """Read a length of time and return it in seconds: ``15``, ``15s``, ``2m``, ``1h``, ``1d``."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = f"{value:f}" if isinstance(value, float) else str(value)
    found = _DURATION.fullmatch(value.strip().lower()) if isinstance(value, str) else None
    seconds = float(found[1]) * _UNITS[found[2]] if found else 0.0
    if not 0 < seconds < float("inf"):
        raise ValueError("is not a length of time: write 15s, 2m, 1h or 1d")
    return seconds


def in_words(seconds: float) -> str:
    """Return a length of time as people say it: ``15 seconds``, ``1 hour``."""
    size, word = next(((size, word) for size, word in _WORDS if seconds >= size and seconds % size == 0), (1, "second"))
    count = seconds / size
    return f"{count:g} {word}{'' if count == 1 else 's'}"


@attrs.frozen
class Limit:
    """So much in so many seconds."""

    #: How much.
    most: float
    #: The seconds.
    window: float

    def __str__(self) -> str:
        return f"{self.most:,g} in {in_words(self.window)}"


def limits(value: object) -> tuple[Limit, ...]:
    """Read limits such as ``1000/1h``: one, several with commas, or a list."""
    found = tuple(_limit(part) for part in _parts(value, "write 1000/1h, or a list of such"))
    _insist_on_different([in_words(limit.window) for limit in found], "has two limits for {}: keep the lower")
    return found


def _limit(part: str) -> Limit:
    most, slash, window = part.partition("/")
    try:
        number = float(most.replace("_", ""))
    except ValueError:
        number = 0.0
    if not slash or not 0 < number < float("inf"):
        raise ValueError(f"has {part!r}, which is not a limit: write 1000/1h")
    try:
        return Limit(number, duration(window if window[:1].isdigit() else f"1{window}"))
    except ValueError:
        raise ValueError(f"has {part!r}, which is not a limit: write 1000/1h") from None


@attrs.frozen
class Gap:
    """Time that has to pass between two messages to one recipient."""

    #: The seconds.
    seconds: float
    #: The tag of the messages that it is about; None for all messages.
    tag: str | None = None

    def __str__(self) -> str:
        return f"{self.tag}={self.seconds:g}s" if self.tag else f"{self.seconds:g}s"


def gaps(value: object) -> tuple[Gap, ...]:
    """Read times between two messages: ``15s``, or a list such as ``15s, otp=60s``."""
    if isinstance(value, int | float):
        value = str(value)
    found = []
    for part in _parts(value, "write 15s, or a list such as 15s, otp=60s"):
        tag, equals, length = part.rpartition("=")
        if equals and not tag.strip():
            raise ValueError(f"has {part!r}, where the tag is missing: write otp=60s")
        try:
            found.append(Gap(duration(length), tag.strip() or None))
        except ValueError as error:
            raise ValueError(f"has {part!r}, which {error}") from None
    _insist_on_different([gap.tag or "all messages" for gap in found], "has two times for {}: keep the longer")
    return tuple(found)


@attrs.frozen
class Hours:
    """A time of every day, in the local time of whoever is asleep then."""

    #: When it begins.
    start: datetime.time
    #: When it ends; before ``start`` where that is on the next day.
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


def _parts(value: object, hint: str) -> tuple[str, ...]:
    try:
        parts = names(value)
    except ValueError:
        parts = ()
    if not parts:
        raise ValueError(f"can't be understood: {hint}")
    return parts


def _insist_on_different(things: Sequence[str], complaint: str) -> None:
    for number, thing in enumerate(things):
        if thing in things[:number]:
            raise ValueError(complaint.format(thing))


FIELDS: Final = (
    Field(
        "allow",
        names,
        (),
        ("NOTIFYKIT_GUARD_ALLOW",),
        help="Outside production, the only ones to send to: numbers, 965500*, addresses, *@example.com.",
    ),
    Field(
        "redirect", text, None, ("NOTIFYKIT_GUARD_REDIRECT",), help="Outside production, who gets what others would."
    ),
    Field(
        "suppression_file",
        path,
        None,
        ("NOTIFYKIT_GUARD_SUPPRESSION_FILE",),
        help="A file with an address a line: nobody in it is sent to.",
    ),
    Field("quiet_hours", hours, None, ("NOTIFYKIT_GUARD_QUIET_HOURS",), help="When people sleep: 22:00-08:00."),
    Field(
        "quiet_zone",
        text,
        None,
        ("NOTIFYKIT_GUARD_QUIET_ZONE",),
        help="The time zone of those whose country is not known: Asia/Kuwait.",
    ),
    Field("quiet_except", names, (), ("NOTIFYKIT_GUARD_QUIET_EXCEPT",), help="Tags of messages that wake people."),
    Field(
        "cool_down",
        gaps,
        (),
        ("NOTIFYKIT_GUARD_COOL_DOWN",),
        help="Time between two messages to one recipient: 15s, or 15s, otp=60s.",
    ),
    Field(
        "same_content",
        duration,
        None,
        ("NOTIFYKIT_GUARD_SAME_CONTENT",),
        help="Time between two messages with the same text to one recipient: 10m.",
    ),
    Field("volume_cap", limits, (), ("NOTIFYKIT_GUARD_VOLUME_CAP",), help="The most messages: 1000/1h, 5000/1d."),
    Field(
        "spend_cap",
        limits,
        (),
        ("NOTIFYKIT_GUARD_SPEND_CAP",),
        help="The most that may be spent, in the provider's unit: 500/1d.",
    ),
    Field(
        "unpriced",
        one_of("refuse", "allow"),
        "refuse",
        ("NOTIFYKIT_GUARD_UNPRICED",),
        help="What spend_cap does where a price is not known.",
    ),
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
    """Return the values, a default where one can't be understood, and every problem: for those who find more."""
    problems: list[str] = []
    try:
        settings.section(SECTION, FIELDS)
    except ConfigError as error:
        problems += error.problems
    values, _ = settings.sources.resolve(FIELDS, SECTION)
    return {name: value.value for name, value in values.items()}, problems


def about(*wanted: str) -> About:
    """Return what one guard tells of its settings."""
    return About(section=SECTION, fields=tuple(field for field in FIELDS if field.name in wanted))


def whom(channel: str, address: str) -> str:
    """Return the key of a recipient in the counter store."""
    return f"{channel}:{address}"
