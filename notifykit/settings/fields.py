"""What a setting may be: readers that turn what a person wrote into a value, or say what is wrong with it."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs

from notifykit.errors import ConfigError
from notifykit.redaction import STARS, Secret

if TYPE_CHECKING:
    from notifykit.settings.dsn import Dsn
    from notifykit.templates.template import Template


_Number = TypeVar("_Number", int, float)


_TRUE: Final = frozenset({"1", "true", "yes", "on"})


#: How alike two names are where one is a slip of the other; KWTSMS_LOG_FILE and KWTSMS_LOG_LEVEL are not.
_NEARLY: Final = 0.9


#: How alike a word may be to "production" where it means another environment.
_LIKE_PRODUCTION: Final = 0.75


_FALSE: Final = frozenset({"0", "false", "no", "off"})


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
    """Read a text."""
    if isinstance(value, str):
        return value.strip()
    raise ValueError("is not a text")


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

    table = value if isinstance(value, Mapping) else None
    if table is None:
        raise ValueError('is not a table: write a name and a transport on each line, like backup = "webhook://host"')
    found: dict[str, Dsn] = {}
    problems: list[str] = []
    for name, transport in table.items():
        if not isinstance(name, str) or not Dsn.may_be_named(name):
            problems.append(f"{name!r:.40} can't be a name: it takes small letters, digits, -, + and ., a letter first")
            continue
        try:
            found[name] = dsn(transport)
        except ConfigError as error:
            problems += (f"{name}: {problem}" for problem in error.problems)
        except ValueError as error:
            problems.append(f"{name} {error}")
    problems += tangles(found)
    if problems:
        raise ConfigError(problems)
    return Transports(found)


def tangles(transports: Mapping[str, Dsn]) -> list[str]:
    """Return a problem for each circle of names that refer to each other, and for each that nests too deep."""
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
            circle = error.args[1][:0:-1]
            # It is told from the name that comes first in the settings.
            first = circle.index(min(circle, key=ranks.__getitem__))
            told = [*circle[first:], *circle[: first + 1]]
            problems.append(f"{' → '.join(told)} is a circle: nothing in it says what carries the messages")
            for name, following in itertools.pairwise(told):
                inside[name].discard(following)
    depths: dict[str, int] = {}
    for name in order:
        depths[name] = _depth(transports[name], depths)
        if depths[name] > MOST_NESTED >= max((depths[found] for found in inside[name]), default=0):
            problems.append(f"{name}: transports stand in transports more than {MOST_NESTED} deep")
    return problems


def _references(transport: Dsn) -> Iterable[str]:
    if transport.is_name:
        yield transport.scheme
    for part in transport.parts:
        yield from _references(part.dsn)


def _depth(transport: Dsn, depths: Mapping[str, int]) -> int:
    """Return how deep a transport is nested where names count as what they stand for, and as one more."""
    if transport.is_name:
        return 1 + depths.get(transport.scheme, -1)
    return max((1 + _depth(part.dsn, depths) for part in transport.parts), default=0)


def templates(value: object) -> Templates:
    """Read templates by their names: a table of names, each with what :meth:`Template.from_table` reads.

    :raises TemplateError: with everything that is wrong with any of them.
    """
    from notifykit.templates.template import Template, TemplateError

    table = value if isinstance(value, Mapping) else None
    if table is None:
        raise ValueError('is not a table: write a name and a text on each line, like otp = "Your code is {code}"')
    found: dict[str, Template] = {}
    problems: list[str] = []
    for name, said in table.items():
        try:
            found[str(name)] = Template.from_table(said)
        except TemplateError as error:
            problems += [f"{name}: {problem}" for problem in error.problems]
    if problems:
        raise TemplateError(problems)
    return Templates(found)


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


class Transports(Mapping[str, "Dsn"]):
    """Transports by the names that the settings give them. Its ``str`` is without secrets."""

    def __init__(self, transports: Mapping[str, Dsn] | None = None) -> None:
        self._transports = dict(transports or {})

    def __getitem__(self, name: str) -> Dsn:
        return self._transports[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._transports)

    def __len__(self) -> int:
        return len(self._transports)

    def __str__(self) -> str:
        told = (f"{name} = {dsn.scheme if dsn.is_name else dsn}" for name, dsn in self.items())
        return "; ".join(told) or "-"

    def __repr__(self) -> str:
        return f"<Transports {self}>"


class Templates(Mapping[str, "Template"]):
    """Templates by the names that the settings give them. Its ``str`` is their names and languages."""

    def __init__(self, templates: Mapping[str, Template] | None = None) -> None:
        self._templates = dict(templates or {})

    def __getitem__(self, name: str) -> Template:
        return self._templates[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._templates)

    def __len__(self) -> int:
        return len(self._templates)

    def __str__(self) -> str:
        return "; ".join(f"{name} ({', '.join(template.languages)})" for name, template in self.items()) or "-"

    def __repr__(self) -> str:
        return f"<Templates {self}>"


@attrs.frozen
class Field:
    """One setting that exists."""

    #: Its name in arguments and settings files.
    name: str
    #: Reads the value; a ValueError says what is wrong with it, to follow the setting's name.
    read: Callable[[Any], Any]
    #: What holds where nobody says anything.
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


@attrs.frozen
class Value:
    """A setting's value and where it comes from."""

    #: The value.
    value: Any
    #: Where it comes from, in words: ``environment KWTSMS_SENDER_ID``, ``default``.
    origin: str

    def __str__(self) -> str:
        return STARS if isinstance(self.value, Secret) else str(self.value)


FIELDS: Final = (
    Field("transport", dsn, environment=("NOTIFYKIT_TRANSPORT",), help="What carries the messages: a name or a DSN."),
    Field(
        "transports", transports, Transports(), help="Transports with names of their own; a table in settings files."
    ),
    Field("sender", text, environment=("NOTIFYKIT_SENDER",), help="The sender's name where a call gives none."),
    Field("timeout", seconds, 15.0, ("NOTIFYKIT_TIMEOUT",), help="Seconds for one request, everything included."),
    Field("deadline", seconds, None, ("NOTIFYKIT_DEADLINE",), help="Seconds for one send, waits included."),
    Field("strict", boolean, False, ("NOTIFYKIT_STRICT",), empty_counts=True, help="A broken plugin is an error."),
    Field("disable", names, (), ("NOTIFYKIT_DISABLE",), help="Plugins, or things they bring, to leave out."),
    Field("allow", names, None, ("NOTIFYKIT_ALLOW",), help="The only installed plugins to load."),
    Field("normalizers", names, None, ("NOTIFYKIT_NORMALIZERS",), help="Exactly these normalizers, in this order."),
    Field("cleaners", names, None, ("NOTIFYKIT_CLEANERS",), help="Exactly these cleaners, in this order."),
    Field("guards", names, None, ("NOTIFYKIT_GUARDS",), help="Exactly these guards, in this order."),
    Field("sinks", names, None, ("NOTIFYKIT_SINKS",), help="Exactly these log sinks, in this order."),
    Field("log_file", path, None, ("NOTIFYKIT_LOG_FILE",), help="Where the jsonl sink writes; no file, no jsonl sink."),
    Field(
        "log_numbers",
        one_of("redacted", "full"),
        "redacted",
        ("NOTIFYKIT_LOG_NUMBERS",),
        help="How sinks see addresses.",
    ),
    Field(
        "log_body", one_of("none", "shape", "full"), "shape", ("NOTIFYKIT_LOG_BODY",), help="How sinks see the text."
    ),
    Field("hash_key", secret, None, ("NOTIFYKIT_HASH_KEY",), help="The key of the hashes that stand for addresses."),
    Field("dedupe_window", count, 10_000, ("NOTIFYKIT_DEDUPE_WINDOW",), help="Recipients stream() looks back over."),
    Field(
        "environment",
        environment_name,
        None,
        ("NOTIFYKIT_ENVIRONMENT",),
        help="Which environment this is; all but production hold back what is not allowed.",
    ),
    Field(
        "unsupported",
        one_of("error", "warn", "drop"),
        "warn",
        ("NOTIFYKIT_UNSUPPORTED",),
        help="What becomes of an option that a transport can't honour.",
    ),
    Field(
        "proxy",
        proxy,
        None,
        ("NOTIFYKIT_PROXY",),
        help="The proxy for HTTP transports, like http://user:password@host:3128; none for no proxy.",
    ),
    Field(
        "ca_file", path, None, ("NOTIFYKIT_CA_FILE",), help="A PEM file with the only certificate authorities to trust."
    ),
    Field(
        "client_cert",
        path,
        None,
        ("NOTIFYKIT_CLIENT_CERT",),
        help="A PEM file with the client's certificate and its key.",
    ),
    Field("templates", templates, Templates(), help="Texts with variables, by name; a table in settings files."),
    Field(
        "state_dir", path, None, ("NOTIFYKIT_STATE_DIR",), help="Where processes share the rate limit of an account."
    ),
)
