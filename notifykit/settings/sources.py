"""The sources of settings, and one error for everything that is wrong with them."""

from __future__ import annotations

import os
import pathlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs

from notifykit.errors import ConfigError, collected
from notifykit.redaction import Secret
from notifykit.settings import fields as kinds
from notifykit.settings.fields import Field, Templates, Transports, Value, fields_of, reference_problems, setting
from notifykit.settings.files import read_text, why_unreadable
from notifykit.suggest import closest, did_you_mean

if TYPE_CHECKING:
    import zoneinfo

    from notifykit.http.network import Network
    from notifykit.settings.dsn import Dsn
    from notifykit.templates.footer import Footer
    from notifykit.templates.template import Template

#: How alike two names are if one is a typing slip of the other; KWTSMS_LOG_FILE and KWTSMS_LOG_LEVEL are not.
_NEARLY: Final = 0.9


_SERVICE: Final = re.compile(r"(?:tcp|udp|sctp)://[0-9a-fA-F.:\[\]]+:[0-9]+")


@attrs.frozen
class Sources:
    """The places that a setting may come from, with what was found there, unread."""

    #: The caller's arguments.
    arguments: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    #: The environment.
    environment: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    #: The values of the ``.env`` file; None for a name without a value.
    dotenv: Mapping[str, str | None] = attrs.field(factory=dict, repr=False)
    #: The name of the ``.env`` file.
    dotenv_name: str = ".env"
    #: The table of the settings file.
    table: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    #: The name of the settings file.
    table_name: str = ""
    #: The folder that the settings come from.
    directory: pathlib.Path = pathlib.Path()
    #: Whether a file could not be read: then nobody knows what is missing in it.
    unreadable: bool = False

    def resolve(
        self, fields: Iterable[Field], section: str | None = None, overrides: Mapping[str, Any] | None = None
    ) -> tuple[dict[str, Value], list[str]]:
        """Return a value for each field and every problem that was found on the way; a problem leaves the default."""
        values: dict[str, Value] = {}
        problems: list[str] = []
        for field in fields:
            values[field.name] = default = Value(field.default, "default")
            with collected(problems):
                values[field.name] = self._find(field, section, overrides or {}) or default
        return values, problems

    def misspelt(self, fields: Iterable[Field]) -> list[str]:
        """Return a problem for each name that is nearly one of the fields' variables; other names are ignored."""
        known = {name for field in fields for name in field.environment}
        known |= {f"{name}_FILE" for field in fields if field.is_secret for name in field.environment}
        prefixes = tuple({name.partition("_")[0] + "_" for name in known})
        problems = []
        for origin, names_there in (("environment", self.environment), (self.dotenv_name, self.dotenv)):
            for name in sorted(names_there):
                near = None
                if name.upper().startswith(prefixes) and name not in known:
                    near = closest(name.upper(), known, _NEARLY)
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
        label = field.name if section is None else f"{section}.{field.name}"
        arguments = self.arguments if section is None else self.arguments.get(section, {})
        yield arguments.get(field.name), "argument", label
        for name in field.environment:
            yield _without_services(name, self.environment.get(name)), "environment", name
            if field.is_secret and self.environment.get(f"{name}_FILE"):
                yield _secret_file(self.environment[f"{name}_FILE"], name), "environment", f"{name}_FILE"
        for name in field.environment:
            if name in self.dotenv and self.dotenv[name] is None:
                raise ConfigError(f"{name} ({self.dotenv_name}) has no value: write {name}=…, or take the line out")
            yield self.dotenv.get(name), self.dotenv_name, name
        table = self.table.get(section, {}) if section else self.table
        if isinstance(table, Mapping):
            yield table.get(field.name), self.table_name, label


def _without_services(name: str, value: str | None) -> str | None:
    """Return a variable's value; None if Kubernetes set it: a service `notifykit-smtp` makes NOTIFYKIT_SMTP_PORT."""
    return None if value and name.endswith("_PORT") and _SERVICE.fullmatch(value) else value


def _secret_file(name: str, variable: str) -> str:
    try:
        return read_text(name).rstrip("\n")
    except (OSError, ValueError) as error:
        raise ConfigError(f"{variable}_FILE names a file that {why_unreadable(error)}") from None


@attrs.frozen
class Settings:
    """The framework's own settings, each with the sentence about it; :meth:`section` has those of plugins.

    None is what nothing sets: no limit, all that there is, or what this machine and the environment have.
    """

    transport: Dsn | None = setting(kinds.dsn, help="What carries the messages: a name or a DSN.")
    transports: Mapping[str, Dsn] = setting(
        kinds.transports,
        Transports(),
        help="Transports with names of their own; a table in settings files.",
        variable=False,
    )
    sender: str | None = setting(kinds.text, help="The sender's name if a call gives none.")
    timeout: float = setting(kinds.seconds, 15.0, help="Seconds for one request, everything included.")
    deadline: float | None = setting(kinds.seconds, help="Seconds for one send, waits included.")
    strict: bool = setting(kinds.boolean, False, help="A broken plugin is an error.")
    disable: tuple[str, ...] = setting(kinds.names, (), help="Plugins, or things they bring, to leave out.")
    allow: tuple[str, ...] | None = setting(kinds.names, help="The only installed plugins to load.")
    normalizers: tuple[str, ...] | None = setting(kinds.names, help="Exactly these normalizers, in this order.")
    cleaners: tuple[str, ...] | None = setting(kinds.names, help="Exactly these cleaners, in this order.")
    guards: tuple[str, ...] | None = setting(kinds.names, help="Exactly these guards, in this order.")
    sinks: tuple[str, ...] | None = setting(kinds.names, help="Exactly these log sinks, in this order.")
    log_file: str | None = setting(
        kinds.path, help="Where the jsonl sink writes, - for standard output; no file, no jsonl sink."
    )
    log_size: int | None = setting(kinds.size, help="Begin a new log file from this size on: 10MB.")
    log_keep: int = setting(kinds.count, 10, help="How many renamed log files are kept.")
    sink_queue: int = setting(kinds.count, 10_000, help="How many events may wait for a slow log sink.")
    sink_queue_full: str = setting(
        kinds.one_of("drop", "wait"), "drop", help="What happens to an event when that many wait."
    )
    log_numbers: str = setting(kinds.one_of("redacted", "full"), "redacted", help="How sinks see addresses.")
    log_body: str = setting(kinds.one_of("none", "shape", "full"), "shape", help="How sinks see the text.")
    hash_key: Secret | None = setting(kinds.secret, help="The key of the hashes that stand for addresses.")
    dedupe_window: int = setting(kinds.count, 10_000, help="Recipients stream() looks back over.")
    environment: str | None = setting(
        kinds.environment_name, help="Which environment this is; all but production hold back what is not allowed."
    )
    unsupported: str = setting(
        kinds.one_of("error", "warn", "drop"), "warn", help="What happens to an option that a transport can't honour."
    )
    proxy: Secret | None = setting(
        kinds.proxy, help="The proxy for HTTP transports, like http://user:password@host:3128; none for no proxy."
    )
    ca_file: str | None = setting(kinds.path, help="A PEM file with the only certificate authorities to trust.")
    client_cert: str | None = setting(kinds.path, help="A PEM file with the client's certificate and its key.")
    templates: Mapping[str, Template] = setting(
        kinds.templates, Templates(), help="Texts with variables, by name; a table in settings files.", variable=False
    )
    footer: Footer | None = setting(
        kinds.footer, help="The last line of marketing, by language; a table in settings files.", variable=False
    )
    state_dir: str | None = setting(kinds.path, help="Where processes share the rate limit of an account.")
    zone: zoneinfo.ZoneInfo | None = setting(kinds.zone, help="The zone of times without one: Asia/Kuwait.")
    #: Where each value comes from.
    origins: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    #: Everything that was found, for the settings of plugins.
    sources: Sources = attrs.field(factory=Sources, repr=False)
    #: What is wrong. :meth:`check` raises it; a notifier raises it together with the problems of plugins.
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

        Nothing is raised: ``problems`` has what is wrong, so that it can be reported together with the problems of
        plugins. :meth:`check` raises it.

        :param arguments: what the caller gives; it wins. The value None counts as not given.
        :param environment: ``os.environ`` by default; it is never changed.
        :param directory: where ``.env`` is looked for, and from where settings files are looked for upwards.
        :param env_file: another ``.env`` file; unlike the default one it has to exist.
        """
        sources, problems = _gather(dict(arguments or {}), environment, pathlib.Path(directory), env_file)
        problems += _unknown_names(_without_tables(sources.arguments), FIELDS, "argument")
        problems += sources.misspelt(FIELDS)
        problems += _unknown_names(_without_tables(sources.table), FIELDS, sources.table_name)
        problems += _misspelt_transports(sources.table, sources.table_name)
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
        """Return the transport that a name in ``transports`` means; any other is returned as it is.

        :raises ConfigError: if names only lead to each other.
        """
        passed: set[str] = set()
        while transport.is_name and transport.scheme in self.transports:
            if transport.scheme in passed:
                raise ConfigError(f"transports: {problem}" for problem in reference_problems(self.transports))
            passed.add(transport.scheme)
            transport = self.transports[transport.scheme]
        return transport

    def section(
        self, name: str, fields: Sequence[Field], overrides: Mapping[str, Any] | None = None
    ) -> dict[str, Value]:
        """Resolve a plugin's own settings: environment and ``.env`` by the fields' names, files by the section's.

        :param name: the table below ``[tool.notifykit]``.
        :param fields: the plugin's settings.
        :param overrides: the options of a DSN; they win.
        :raises ConfigError: with every problem, an unknown key or option among them.
        """
        table = self.sources.table.get(name, {})
        problems = _unknown_names(overrides or {}, fields, "DSN")
        problems += _unknown_names(self.sources.arguments.get(name, {}), fields, f"argument {name}")
        problems += self.sources.misspelt(fields)
        if isinstance(table, Mapping):
            problems += _unknown_names(table, fields, f"{self.sources.table_name} [{name}]")
        else:
            problems.append(f"{name} ({self.sources.table_name}) is not a table")
        values, more = self.sources.resolve(fields, name, overrides)
        if problems or more:
            raise ConfigError([*problems, *more])
        return values


#: The framework's own settings.
FIELDS: Final = fields_of(Settings)


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
        unreadable=bool(problems or more),
    )
    return sources, problems + more


def _read_dotenv(file: pathlib.Path, *, required: bool) -> tuple[dict[str, str | None], list[str]]:
    try:
        content = read_text(file)
    except FileNotFoundError:
        return {}, [f"{file.name} does not exist"] if required else []
    except IsADirectoryError:  # some virtual environments are called .env
        return {}, [f"{file.name} is a folder"] if required else []
    except (OSError, ValueError) as error:
        return {}, [f"{file.name} {why_unreadable(error)}"]
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
                text = read_text(file)
            except (FileNotFoundError, NotADirectoryError):
                continue
            except (OSError, ValueError) as error:
                problems.append(f"{name} {why_unreadable(error)}")
                continue
            import tomllib  # most programs have no such file

            try:
                content = tomllib.loads(text)
            except tomllib.TOMLDecodeError as error:
                problems.append(f"{name} can't be read: {type(error).__name__}: {error}")
                continue
            tools = content.get("tool") if name == "pyproject.toml" else {"notifykit": content}
            table = tools.get("notifykit") if isinstance(tools, Mapping) else None
            if isinstance(table, Mapping):
                return table, file, problems
            if table is not None:
                problems.append(f"tool.notifykit ({name}) is not a table")
    return {}, None, problems


def _misspelt_transports(table: Mapping[str, Any], origin: str) -> list[str]:
    """Return a problem for each table that is nearly called ``transports``; other tables belong to plugins."""
    return [
        f"{name} ({origin}) is not a setting: did you mean transports?"
        for name in sorted(name for name, value in table.items() if isinstance(value, Mapping))
        if name not in ("transport", "transports") and closest(name, ("transports",), _NEARLY)
    ]


def _without_tables(given: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in given.items() if not isinstance(value, Mapping)}


def _unknown_names(given: Mapping[str, Any], fields: Iterable[Field], origin: str) -> list[str]:
    known = sorted(field.name for field in fields)
    return [
        f"{name} ({origin}) is not a setting: {did_you_mean(name, known)}" for name in sorted(set(given) - set(known))
    ]
