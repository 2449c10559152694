"""Where a setting comes from, and one error for everything that is wrong with them."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from notifykit.errors import ConfigError
from notifykit.redaction import Secret
from notifykit.suggest import closest, did_you_mean

if TYPE_CHECKING:
    from notifykit.http.network import Network
    from notifykit.settings.dsn import Dsn
    from notifykit.templates.template import Template
from notifykit.settings.fields import _NEARLY, FIELDS, Field, Templates, Transports, Value, tangles


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
    #: How sinks see addresses: ``redacted`` or ``full``.
    log_numbers: str = "redacted"
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
    #: Where processes share the rate limit of an account.
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
        from notifykit.http.network import Network

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
