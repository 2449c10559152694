"""Where a setting comes from, what it may be, and one error for everything that is wrong.

First wins: arguments, the environment, ``.env``, ``notifykit.toml`` or ``[tool.notifykit]`` in ``pyproject.toml`` of
the nearest folder upwards, defaults. Plugins resolve their own settings through :meth:`Settings.section`.
"""

from __future__ import annotations

import itertools
import os
import pathlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs

from notifykit.errors import ConfigError
from notifykit.masking import STARS, Secret
from notifykit.suggest import closest, did_you_mean

if TYPE_CHECKING:
    from notifykit.dsn import Dsn
    from notifykit.network import Network
    from notifykit.templates import Template

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
    from notifykit.network import NO_PROXY, Proxy

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
    from notifykit.dsn import Dsn

    return Dsn.read(value) if isinstance(value, Dsn | Mapping) else Dsn.parse(text(value))


def transports(value: object) -> Transports:
    """Read transports that have names of their own: a table of names, each with what :func:`dsn` reads."""
    from notifykit.dsn import Dsn

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

    from notifykit.dsn import MOST_NESTED

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
    from notifykit.templates import Template, TemplateError

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


@attrs.frozen
class Sources:
    """What was found, unread: the places that a setting may come from."""

    #: What the caller passed.
    arguments: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    #: The environment.
    environment: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    #: What the ``.env`` file says; None for a name without a value.
    dotenv: Mapping[str, str | None] = attrs.field(factory=dict, repr=False)
    #: The name of the ``.env`` file.
    dotenv_name: str = ".env"
    #: What the settings file says.
    table: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    #: The name of the settings file.
    table_name: str = ""
    #: The folder that the settings come from.
    directory: pathlib.Path = pathlib.Path()

    def resolve(
        self, fields: Iterable[Field], section: str | None = None, overrides: Mapping[str, Any] | None = None
    ) -> tuple[dict[str, Value], list[str]]:
        """Return a value for each field and every problem that was found on the way; a problem leaves the default."""
        values: dict[str, Value] = {}
        problems: list[str] = []
        for field in fields:
            values[field.name] = Value(field.default, "default")
            try:
                found = self._find(field, section, overrides or {})
                if found is not None:
                    values[field.name] = found
            except ConfigError as error:
                problems += error.problems
        return values, problems

    def misspelt(self, fields: Iterable[Field]) -> list[str]:
        """Return a problem for each name that is nearly one of the fields' variables: others are not our business."""
        known = {name for field in fields for name in field.environment}
        known |= {f"{name}_FILE" for field in fields if field.is_secret for name in field.environment}
        prefixes = tuple({name.partition("_")[0] + "_" for name in known})
        problems = []
        for origin, names_there in (("environment", self.environment), (self.dotenv_name, self.dotenv)):
            for name in sorted(names_there):
                near = closest(name, known, _NEARLY) if name.startswith(prefixes) and name not in known else None
                if near:
                    problems.append(f"{name} ({origin}) is not a setting: did you mean {near}?")
        return problems

    def _find(self, field: Field, section: str | None, overrides: Mapping[str, Any]) -> Value | None:
        for raw, origin, label in self._candidates(field, section, overrides):
            if raw is None or (isinstance(raw, str) and not raw.strip() and not field.empty_counts):
                continue
            try:
                return Value(field.read(raw), origin)
            except ConfigError as error:
                raise ConfigError(f"{label} ({origin}): {problem}" for problem in error.problems) from None
            except ValueError as error:
                raise ConfigError(f"{label} ({origin}) {error}") from None
        return None

    def _candidates(
        self, field: Field, section: str | None, overrides: Mapping[str, Any]
    ) -> Iterable[tuple[Any, str, str]]:
        yield overrides.get(field.name), "DSN", field.name
        said = self.arguments if section is None else self.arguments.get(section, {})
        yield said.get(field.name), "argument", field.name if section is None else f"{section}.{field.name}"
        for name in field.environment:
            yield self.environment.get(name), "environment", name
            if field.is_secret and self.environment.get(f"{name}_FILE"):
                yield _secret_file(self.environment[f"{name}_FILE"], name), "environment", f"{name}_FILE"
        for name in field.environment:
            if name in self.dotenv and self.dotenv[name] is None:
                raise ConfigError(f"{name} ({self.dotenv_name}) has no value: write {name}=…, or take the line out")
            yield self.dotenv.get(name), self.dotenv_name, name
        table = self.table.get(section, {}) if section else self.table
        if isinstance(table, Mapping):
            yield table.get(field.name), self.table_name, f"{section}.{field.name}" if section else field.name


def _secret_file(name: str, variable: str) -> str:
    try:
        return pathlib.Path(name).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        raise ConfigError(f"{variable}_FILE names a file that can't be read: {type(error).__name__}") from None


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
        "log_numbers", one_of("masked", "full"), "masked", ("NOTIFYKIT_LOG_NUMBERS",), help="How sinks see addresses."
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
    Field("state_dir", path, None, ("NOTIFYKIT_STATE_DIR",), help="Where processes share the pace of an account."),
)


@attrs.frozen
class Settings:
    """The framework's own settings, and the door to those of plugins."""

    #: What carries the messages.
    transport: Dsn | None = None
    #: Transports by the names that may stand for them wherever a transport is named.
    transports: Mapping[str, Dsn] = attrs.field(factory=Transports)
    #: The sender's name where a call gives none.
    sender: str | None = None
    #: Seconds for one request, everything included.
    timeout: float = 15.0
    #: Seconds for one send, waits included; None for no limit.
    deadline: float | None = None
    #: Whether a broken plugin is an error.
    strict: bool = False
    #: Plugins, or things they bring, to leave out.
    disable: tuple[str, ...] = ()
    #: The only installed plugins to load; None for all.
    allow: tuple[str, ...] | None = None
    #: Exactly these normalizers, in this order; None for all.
    normalizers: tuple[str, ...] | None = None
    #: Exactly these cleaners, in this order; None for all.
    cleaners: tuple[str, ...] | None = None
    #: Exactly these guards, in this order; None for all.
    guards: tuple[str, ...] | None = None
    #: Exactly these log sinks, in this order; None for all.
    sinks: tuple[str, ...] | None = None
    #: Where the jsonl sink writes.
    log_file: str | None = None
    #: How sinks see addresses: ``masked`` or ``full``.
    log_numbers: str = "masked"
    #: How sinks see the text: ``none``, ``shape`` or ``full``.
    log_body: str = "shape"
    #: The key of the hashes that stand for addresses.
    hash_key: Secret | None = None
    #: How many recipients ``stream()`` looks back over for duplicates.
    dedupe_window: int = 10_000
    #: Which environment this is: ``production``, ``staging``; None where nobody says.
    environment: str | None = None
    #: What becomes of an option that a transport can't honour: ``error``, ``warn`` or ``drop``.
    unsupported: str = "warn"
    #: The proxy for HTTP transports; ``none`` for no proxy, None for that of the environment.
    proxy: Secret | None = None
    #: A PEM file, or a folder of them, with the only certificate authorities to trust; None for those of this machine.
    ca_file: str | None = None
    #: A PEM file with the client's certificate and its private key.
    client_cert: str | None = None
    #: Texts with variables, by name; ``Notifier.template`` measures them too.
    templates: Mapping[str, Template] = attrs.field(factory=Templates)
    #: Where processes share the pace of an account.
    state_dir: str | None = None
    #: Where each value comes from.
    origins: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    #: What was found, for the settings of plugins.
    sources: Sources = attrs.field(factory=Sources, repr=False)
    #: What is wrong; whoever loads the settings raises it together with what else is wrong.
    problems: tuple[str, ...] = ()

    @classmethod
    def load(
        cls,
        arguments: Mapping[str, Any] | None = None,
        *,
        environment: Mapping[str, str] | None = None,
        directory: str | os.PathLike[str] = ".",
        env_file: str | os.PathLike[str] | None = None,
    ) -> Settings:
        """Look in every place and read what is there.

        Nothing is raised: what is wrong stands in ``problems``, so that it can be reported together with the
        problems of the plugins. :meth:`check` raises.

        :param arguments: what the caller says; it wins. None as a value means "not said".
        :param environment: ``os.environ`` where none is given; it is never changed.
        :param directory: where ``.env`` is looked for, and from where settings files are looked for upwards.
        :param env_file: another ``.env`` file; unlike the default one it has to exist.
        """
        sources, problems = _gather(dict(arguments or {}), environment, pathlib.Path(directory), env_file)
        known = {field.name for field in FIELDS}
        problems += _strangers(
            {name: value for name, value in sources.arguments.items() if not isinstance(value, Mapping)},
            known,
            "argument",
        )
        problems += sources.misspelt(FIELDS)
        problems += _strangers(
            {name: value for name, value in sources.table.items() if not isinstance(value, Mapping)},
            known,
            sources.table_name,
        )
        problems += _nearly_transports(sources.table, sources.table_name)
        values, more = sources.resolve(FIELDS)
        return cls(
            **{name: value.value for name, value in values.items()},
            origins={name: value.origin for name, value in values.items()},
            sources=sources,
            problems=(*problems, *more),
        )

    def check(self) -> Settings:
        """Return the settings.

        :raises ConfigError: with every problem that was found.
        """
        if self.problems:
            raise ConfigError(self.problems)
        return self

    @property
    def network(self) -> Network:
        """The proxy and the certificates of HTTP transports."""
        from notifykit.network import Network

        return Network(self.proxy, self.ca_file, self.client_cert)

    def named(self, transport: Dsn) -> Dsn:
        """Return what a name in ``transports`` stands for; everything else is returned as it is.

        :raises ConfigError: where names only lead to each other.
        """
        passed: set[str] = set()
        while transport.is_name and transport.scheme in self.transports:
            if transport.scheme in passed:
                raise ConfigError(f"transports: {problem}" for problem in tangles(self.transports))
            passed.add(transport.scheme)
            transport = self.transports[transport.scheme]
        return transport

    def section(
        self, name: str, fields: Sequence[Field], overrides: Mapping[str, Any] | None = None
    ) -> dict[str, Value]:
        """Resolve a plugin's own settings: environment and ``.env`` by the fields' names, files by the section's.

        :param name: the table below ``[tool.notifykit]``.
        :param fields: the settings that the plugin knows.
        :param overrides: what a DSN says; it wins.
        :raises ConfigError: with every problem, an unknown key or option among them.
        """
        known = {field.name for field in fields}
        table = self.sources.table.get(name, {})
        problems = _strangers(overrides or {}, known, "DSN")
        problems += _strangers(self.sources.arguments.get(name, {}), known, f"argument {name}")
        problems += self.sources.misspelt(fields)
        if isinstance(table, Mapping):
            problems += _strangers(table, known, f"{self.sources.table_name} [{name}]")
        else:
            problems.append(f"{name} ({self.sources.table_name}) is not a table")
        values, more = self.sources.resolve(fields, name, overrides)
        if problems or more:
            raise ConfigError([*problems, *more])
        return values


def _gather(
    arguments: dict[str, Any],
    environment: Mapping[str, str] | None,
    directory: pathlib.Path,
    env_file: str | os.PathLike[str] | None,
) -> tuple[Sources, list[str]]:
    directory = directory.resolve()
    dotenv_path = directory / (env_file if env_file is not None else ".env")
    dotenv, problems = _read_dotenv(dotenv_path, required=env_file is not None)
    table, table_path, more = _read_table(directory)
    sources = Sources(
        arguments=arguments,
        environment=os.environ if environment is None else environment,
        dotenv=dotenv,
        dotenv_name=dotenv_path.name,
        table=table,
        table_name=table_path.name if table_path else "",
        directory=table_path.parent if table_path else directory,
    )
    return sources, problems + more


def _read_dotenv(file: pathlib.Path, *, required: bool) -> tuple[dict[str, str | None], list[str]]:
    try:
        content = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return {}, [f"{file.name} does not exist"] if required else []
    except IsADirectoryError:  # some virtual environments are called .env
        return {}, [f"{file.name} is a folder"] if required else []
    except (OSError, UnicodeDecodeError) as error:
        return {}, [f"{file.name} can't be read: {type(error).__name__}"]
    import io

    from dotenv.parser import parse_stream

    values: dict[str, str | None] = {}
    problems: list[str] = []
    for binding in parse_stream(io.StringIO(content)):
        if binding.error:
            problems.append(f"{file.name} line {binding.original.line} can't be read: write NAME=value, close quotes")
        elif binding.key is not None:
            values[binding.key] = binding.value
    return values, problems


def _read_table(directory: pathlib.Path) -> tuple[Mapping[str, Any], pathlib.Path | None, list[str]]:
    problems: list[str] = []
    for folder in (directory, *directory.parents):
        for name in ("notifykit.toml", "pyproject.toml"):
            file = folder / name
            try:
                content = _parsed(file.read_text(encoding="utf-8"))
            except (FileNotFoundError, NotADirectoryError):
                continue
            except (OSError, ValueError) as error:
                problems.append(f"{name} can't be read: {type(error).__name__}: {error}")
                continue
            tools = content.get("tool") if name == "pyproject.toml" else {"notifykit": content}
            table = tools.get("notifykit") if isinstance(tools, Mapping) else None
            if isinstance(table, Mapping):
                return table, file, problems
            if table is not None:
                problems.append(f"tool.notifykit ({name}) is not a table")
    return {}, None, problems


def _parsed(text: str) -> dict[str, Any]:
    import tomllib

    return tomllib.loads(text)


def _nearly_transports(table: Mapping[str, Any], origin: str) -> list[str]:
    """Return a problem for each table that is nearly ``transports``: others belong to plugins."""
    tables = [name for name, value in table.items() if isinstance(value, Mapping)]
    return [
        f"{name} ({origin}) is not a setting: did you mean transports?"
        for name in sorted(tables)
        if name not in ("transport", "transports") and closest(name, ("transports",), _NEARLY)
    ]


def _strangers(given: Mapping[str, Any], known: Iterable[str], origin: str) -> list[str]:
    return [
        f"{name} ({origin}) is not a setting: {did_you_mean(name, sorted(known))}"
        for name in sorted(set(given) - set(known))
    ]
