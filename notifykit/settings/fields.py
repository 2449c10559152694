"""Fields of settings: each reads what a person wrote, and returns a value or says what is wrong with it."""

from __future__ import annotations

import itertools
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs

from notifykit.errors import ConfigError
from notifykit.models.message import Channel
from notifykit.redaction import STARS, Secret
from notifykit.suggest import did_you_mean

if TYPE_CHECKING:
    import zoneinfo

    from notifykit.settings.dsn import Dsn
    from notifykit.templates.footer import Footer
    from notifykit.templates.template import Template  # noqa: F401 - named by the base of Templates

_Number = TypeVar("_Number", int, float)
_Item = TypeVar("_Item")

_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off"})
#: How alike a word may be to "production" if it means another environment.
_LIKE_PRODUCTION: Final = 0.75
_CURLY: Final = tuple("“”„‟‘’‚‛«»")
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_SIZES: Final = {"": 1, "kb": 1000, "mb": 1000**2, "gb": 1000**3}
_SIZE: Final = re.compile(r"([0-9]+)\s*(kb|mb|gb|)")
_DURATION: Final = re.compile(rf"([0-9]+(?:\.[0-9]+)?)\s*([{''.join(_UNITS)}]?)")


def boolean(value: object) -> bool:
    """Read a yes or a no. Anything else is a :class:`ValueError`: a typing slip must not decide what is sent."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError("is neither yes nor no: write 1, true, yes, on or 0, false, no, off")


def text(value: object) -> str:
    """Read a text. One with quotes or characters that only a word processor or a chat writes is a :class:`ValueError`."""
    if not isinstance(value, str):
        raise ValueError("is not a text")  # noqa: TRY004 - it is listed with what else is wrong
    word = value.strip()
    if word[:1] in _CURLY or word[-1:] in _CURLY:
        raise ValueError("has curly quotes around it: write straight ones, or none")
    unseen = next((char for char in word if unicodedata.category(char) in ("Cc", "Cf")), None)
    if unseen is not None:
        raise ValueError(f"holds a character that can't be seen, U+{ord(unseen):04X}: type it again by hand")
    return word


def path(value: object) -> str:
    """Read a file's path."""
    if isinstance(value, str | os.PathLike):
        return os.fspath(value)
    raise ValueError("is not a path")


def secret(value: object) -> Secret:
    """Read something that is never shown."""
    return value if isinstance(value, Secret) else Secret(text(value))


def proxy(value: object) -> Secret:
    """Read a proxy's URL, or ``none``. It may hold a password, so it is never shown."""
    from notifykit.http.network import NO_PROXY, Proxy

    given = value if isinstance(value, Secret) else Secret(text(value))
    if given.reveal() != NO_PROXY:
        Proxy.parse(given.reveal(), "the URL")
    return given


def seconds(value: object) -> float:
    """Read a length of time in seconds, above zero."""
    return _number(value, float, "is not a number of seconds above zero")


def duration(value: object, unit: str = "s") -> float:
    """Read a length of time and return it in seconds: ``15``, ``15s``, ``2m``, ``1h``, ``1d``, ``1w``.

    :param unit: the unit of a number without one.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = f"{value:f}" if isinstance(value, float) else str(value)
    found = _DURATION.fullmatch(value.strip().lower()) if isinstance(value, str) else None
    length = float(found[1]) * _UNITS[found[2] or unit] if found else 0.0
    if not 0 < length < float("inf"):
        raise ValueError("is not a length of time: write 15s, 2m, 1h or 1d")
    return length


def size(value: object) -> int:
    """Read a size and return it in bytes: ``500000``, ``500kB``, ``10MB``, ``1GB``; a kB is 1,000 bytes."""
    found = _SIZE.fullmatch(str(value).strip().lower()) if isinstance(value, str | int) else None
    number = int(found[1]) * _SIZES[found[2]] if found else 0
    if not number or isinstance(value, bool):
        raise ValueError("is not a size: write 500kB, 10MB or 1GB")
    return number


def zone(value: object) -> zoneinfo.ZoneInfo:
    """Read the name of a time zone: ``Asia/Kuwait``."""
    import zoneinfo

    if isinstance(value, zoneinfo.ZoneInfo):
        return value
    name = text(value)
    try:
        return zoneinfo.ZoneInfo(name)
    except (ValueError, zoneinfo.ZoneInfoNotFoundError, OSError):
        known = zoneinfo.available_timezones()
    if not known:
        raise ValueError("can't be looked up: this machine has no time zone database: `pip install tzdata` brings one")
    raise ValueError(f"is no time zone: {did_you_mean(name, known, 'write one such as Asia/Kuwait')}")


def count(value: object) -> int:
    """Read a whole number above zero."""
    return _number(value, int, "is not a whole number above zero")


def _number(value: object, kind: type[_Number], complaint: str) -> _Number:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        try:
            number = kind(value)
        except (ValueError, OverflowError):
            raise ValueError(complaint) from None
        if 0 < number < float("inf") and (isinstance(value, str) or number == value):
            return number
    raise ValueError(complaint)


def names(value: object) -> tuple[str, ...]:
    """Read names: a list, or one text with commas."""
    if isinstance(value, str):
        value = value.split(",")
    if isinstance(value, Iterable) and not isinstance(value, Mapping):
        parts = list(value)
        if all(isinstance(part, str) for part in parts):
            return tuple(part.strip() for part in parts if part.strip())
    raise ValueError("is not a list of names")


def dsn(value: object) -> Dsn:
    """Read a transport: its name, its DSN, or a table for one that is made of others; see :meth:`Dsn.read`."""
    from notifykit.settings.dsn import Dsn

    return Dsn.read(value) if isinstance(value, Dsn | Mapping) else Dsn.parse(text(value))


def transports(value: object) -> Transports:
    """Read transports that have names of their own: a table of names, each with what :func:`dsn` reads."""
    from notifykit.settings.dsn import Dsn

    def is_name(name: object) -> bool:
        return isinstance(name, str) and Dsn.may_be_named(name)

    problems: list[str] = []
    found = _read_each(value, dsn, 'a transport on each line, like backup = "webhook://host"', problems, is_name)
    problems += reference_problems(found)
    if problems:
        raise ConfigError(problems)
    return Transports(found)


def _read_each(
    value: object,
    read: Callable[[Any], _Item],
    hint: str,
    problems: list[str],
    is_name: Callable[[object], bool] = lambda name: True,
) -> dict[str, _Item]:
    """Return the values of a table by their names; problems are added to a list."""
    if not isinstance(value, Mapping):
        complaint = f"is not a table: write a name and {hint}"
        raise ValueError(complaint)  # noqa: TRY004 - it is listed with what else is wrong
    found: dict[str, _Item] = {}
    for name, item in value.items():
        if not is_name(name):
            problems.append(f"{name!r:.40} can't be a name: it takes small letters, digits, -, + and ., a letter first")
            continue
        try:
            found[str(name)] = read(item)
        except ConfigError as error:
            problems += (f"{name}: {problem}" for problem in error.problems)
        except ValueError as error:
            problems.append(f"{name} {error}")
    return found


def reference_problems(transports: Mapping[str, Dsn]) -> list[str]:
    """Return a problem for each cycle of names that refer to each other, and for each name that nests too deep."""
    import graphlib

    from notifykit.settings.dsn import MOST_NESTED

    inside = {name: {found for found in _references(dsn) if found in transports} for name, dsn in transports.items()}
    ranks = {name: rank for rank, name in enumerate(transports)}
    problems: list[str] = []
    while True:
        try:
            order = tuple(graphlib.TopologicalSorter(inside).static_order())
            break
        except graphlib.CycleError as error:
            cycle = error.args[1][:0:-1]
            # It is written from the name that comes first in the settings.
            first = cycle.index(min(cycle, key=ranks.__getitem__))
            path = [*cycle[first:], *cycle[: first + 1]]
            problems.append(f"{' → '.join(path)} is a circle: it never ends at a transport")
            for name, following in itertools.pairwise(path):
                inside[name].discard(following)
    depths: dict[str, int] = {}
    for name in order:
        depths[name] = _depth(transports[name], depths)
        if depths[name] > MOST_NESTED >= max((depths[found] for found in inside[name]), default=0):
            problems.append(f"{name}: composites are nested more than {MOST_NESTED} deep")
    return problems


def _references(transport: Dsn) -> Iterable[str]:
    if transport.is_name:
        yield transport.scheme
    for part in transport.parts:
        yield from _references(part.dsn)


def _depth(transport: Dsn, depths: Mapping[str, int]) -> int:
    """Return how deep a transport is nested if names count as what they stand for, and as one more."""
    if transport.is_name:
        return 1 + depths.get(transport.scheme, -1)
    return max((1 + _depth(part.dsn, depths) for part in transport.parts), default=0)


def templates(value: object) -> Templates:
    """Read templates by their names: a table of names, each with what :meth:`Template.from_table` reads.

    :raises TemplateError: with everything that is wrong with any of them.
    """
    from notifykit.templates.template import Template, TemplateError

    problems: list[str] = []
    found = _read_each(value, Template.from_table, 'a text on each line, like otp = "Your code is {code}"', problems)
    if problems:
        raise TemplateError(problems)
    return Templates(found)


def footer(value: object) -> Footer:
    """Read the footer: a table with a line for each language, and the ``topics`` and ``channels`` of its messages.

    :raises ConfigError: with everything that is wrong.
    """
    from notifykit.templates.footer import TOPICS, Footer

    def line(written: object) -> str:
        if not isinstance(written, str) or not written.strip():
            raise ValueError("is not a line of text")
        return written

    if isinstance(value, Footer):
        return value
    problems: list[str] = []
    options = ("topics", "channels")
    lines = {name: one for name, one in value.items() if name not in options} if isinstance(value, Mapping) else value
    found = _read_each(lines, line, 'a line for each language, like en = "Reply STOP to unsubscribe"', problems)
    given: dict[str, tuple[str, ...]] = {}
    for option in options:
        try:
            given[option] = names(value.get(option, ()))  # type: ignore[attr-defined]  # what is no table was an error above
        except ValueError as error:
            problems.append(f"{option} {error}")
    if unknown := set(given.get("channels", ())) - set(Channel):
        problems.append(f"channels has {', '.join(sorted(unknown))}: there are {', '.join(Channel)}")
    if problems:
        raise ConfigError(problems)
    channels = map(Channel, given["channels"] or (Channel.SMS,))
    return Footer.of(found, given["topics"] or TOPICS, channels)


def environment_name(value: object) -> str:
    """Read which environment this is. ``prod`` is ``production``; a slip for that is a :class:`ValueError`.

    Only in production are people outside the allow-list sent to, so no other word may mean it by accident.
    """
    word = text(value).lower()
    if word in ("production", "prod"):
        return "production"
    from difflib import SequenceMatcher

    near = SequenceMatcher(None, word, "production").ratio()
    if near > _LIKE_PRODUCTION and not word.startswith(("pre", "non", "not", "un")):
        raise ValueError(f"is {word!r}, which looks like production: write production, or a word that is not like it")
    return word


def one_of(*words: str) -> Callable[[object], str]:
    """Return a reader that takes one of these words."""

    def read(value: object) -> str:
        if isinstance(value, str) and value.strip().lower() in words:
            return value.strip().lower()
        raise ValueError(f"is not one of {', '.join(words)}")

    return read


class _ByName(Mapping[str, _Item]):
    """Things by the names that the settings give them."""

    def __init__(self, items: Mapping[str, _Item] | None = None) -> None:
        self._items = dict(items or {})

    def __getitem__(self, name: str) -> _Item:
        return self._items[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"


class Transports(_ByName["Dsn"]):
    """Transports by the names that the settings give them. Its ``str`` is without secrets."""

    def __str__(self) -> str:
        return "; ".join(f"{name} = {dsn.scheme if dsn.is_name else dsn}" for name, dsn in self.items()) or "-"


class Templates(_ByName["Template"]):
    """Templates by the names that the settings give them. Its ``str`` is their names and languages."""

    def __str__(self) -> str:
        return "; ".join(f"{name} ({', '.join(template.languages)})" for name, template in self.items()) or "-"


@attrs.frozen
class Field:
    """One setting that exists."""

    #: Its name in arguments and settings files.
    name: str
    #: Reads the value; a ValueError says what is wrong with it, to follow the setting's name.
    read: Callable[[Any], Any]
    #: Its value if it is set nowhere.
    default: Any = None
    #: Its environment variables; the first that is set counts.
    environment: tuple[str, ...] = ()
    #: Whether an empty text is a value of its own instead of "not set".
    empty_counts: bool = False
    #: What it does, in one sentence.
    help: str = ""

    @property
    def is_secret(self) -> bool:
        """Whether its value is never shown, and may be named by ``…_FILE`` in the environment."""
        return self.read in (secret, proxy)


def section_fields(section: str, *fields: Field) -> tuple[Field, ...]:
    """Return fields with the variables of a section: ``host`` of ``smtp`` is ``NOTIFYKIT_SMTP_HOST``."""
    return tuple(attrs.evolve(f, environment=(f"NOTIFYKIT_{section}_{f.name}".upper(),)) for f in fields)


def setting(
    read: Callable[[Any], Any],
    default: Any = None,
    *,
    help: str,
    variable: bool = True,
    empty_counts: bool = False,
    converter: Callable[[Any], Any] | None = None,
) -> Any:
    """Return the attribute of a settings object, with what :func:`fields_of` needs to make a field of it.

    :param variable: whether an environment variable sets it: ``NOTIFYKIT_``, its section and its name.
    :param converter: that of attrs, for a default that is not shown as one.
    """
    metadata = {"read": read, "help": help, "variable": variable, "empty_counts": empty_counts}
    return attrs.field(default=default, converter=converter, metadata=metadata)


def fields_of(settings: type[attrs.AttrsInstance], section: str = "") -> tuple[Field, ...]:
    """Return the fields that a class declares with :func:`setting`; a section is a part of their variables' names."""
    prefix = f"NOTIFYKIT_{section}_" if section else "NOTIFYKIT_"
    return tuple(
        Field(
            one.name,
            one.metadata["read"],
            one.default,
            (f"{prefix}{one.name}".upper(),) if one.metadata["variable"] else (),
            one.metadata["empty_counts"],
            one.metadata["help"],
        )
        for one in attrs.fields(settings)
        if one.metadata
    )


@attrs.frozen
class Value:
    """A setting's value and its origin."""

    #: The value.
    value: Any
    #: Its origin, in words: ``environment KWTSMS_SENDER_ID``, ``default``.
    origin: str

    def __str__(self) -> str:
        return STARS if isinstance(self.value, Secret) else str(self.value)
