"""The setting ``NOTIFYKIT``: notifiers by their names, in the shape of ``CACHES``, and what is wrong with it."""

from __future__ import annotations

import contextlib
import os
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

import attrs
from django.conf import settings as django_settings

from notifykit.errors import ConfigError
from notifykit.settings.dsn import Dsn
from notifykit.settings.folders import lasting_folder
from notifykit.settings.sources import Settings

#: The notifier that is used where none is named.
DEFAULT: Final = "default"
#: A setting of Django, not of notifykit: the secret of the delivery reports.
REPORTS: Final = "REPORTS_SECRET"


def aliases() -> tuple[str, ...]:
    """Return the names of the notifiers; without a setting there is ``default``, from the environment alone.

    :raises ConfigError: where ``NOTIFYKIT`` does not have the shape of ``CACHES``.
    """
    return tuple(_table())


def arguments_of(alias: str) -> dict[str, Any]:
    """Return the settings of one notifier by their names, as ``Settings.load`` takes them.

    :raises ConfigError: where there is no such notifier, or with everything that is wrong with its shape.
    """
    table = _table()
    if alias not in table:
        raise ConfigError(f"NOTIFYKIT has no notifier {alias!r:.60}: there are {', '.join(map(repr, table))}")
    given: dict[str, Any] = {name: value for name, value in table[alias].items() if name != REPORTS}
    problems = [
        f"NOTIFYKIT[{alias!r}] has {name!r:.60}: its keys are upper case, as TRANSPORT, OPTIONS and SINKS"
        for name in given
        if not str(name).isupper()
    ]
    options = given.pop("OPTIONS", None)
    if options is not None:
        problems += list(_options_problems(alias, given, options))
    if problems:
        raise ConfigError(problems)
    arguments = {name.lower(): _lowered(value) for name, value in given.items()}
    if options:
        try:
            dsn = Dsn.read(given["TRANSPORT"]) if not isinstance(given["TRANSPORT"], Dsn) else given["TRANSPORT"]
        except ConfigError as error:
            raise ConfigError(f"NOTIFYKIT[{alias!r}]: TRANSPORT: {problem}" for problem in error.problems) from None
        # A DSN has 1 and 0 for yes and no.
        written = {name: str(int(value) if isinstance(value, bool) else value) for name, value in options.items()}
        arguments["transport"] = attrs.evolve(dsn, options={**dsn.options, **written})
    return arguments if alias == DEFAULT else _with_own_jobs(alias, arguments)


def _with_own_jobs(alias: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return settings with a file for the jobs of this notifier: who finds a job sends it through its own transport.

    A process sends the jobs of one database, which is that of ``default``: a worker sends these.
    """
    given = arguments.get("durable") or {}
    if not isinstance(given, Mapping):
        return arguments
    durable = {"workers": "separate", **given}
    if durable.get("database_url"):
        return {**arguments, "durable": durable}
    with contextlib.suppress(ConfigError):  # without a folder there are no jobs; what needs them says so
        folder = Settings.load(arguments).state_dir or lasting_folder()
        file = pathlib.Path(folder).absolute() / f"jobs-{quote(alias, safe='')}.sqlite3"
        return {**arguments, "durable": {**durable, "database_url": f"sqlite:///{file}"}}
    return arguments


def shared_jobs() -> list[str]:
    """Return what is wrong where two notifiers have one database of jobs: each would send those of the other."""
    found: dict[str, str] = {}
    problems = []
    for alias, table in _table().items():
        durable = table.get("DURABLE")
        url = str(durable.get("DATABASE_URL") or "") if isinstance(durable, Mapping) else ""
        if alias == DEFAULT:
            url = url or os.environ.get("NOTIFYKIT_DATABASE_URL", "")
        if url and found.setdefault(url, alias) != alias:
            problems.append(
                f"NOTIFYKIT[{alias!r}] keeps its jobs in the database of {found[url]!r}, and each would send those of the "
                "other: give it a database of its own"
            )
    return problems


def settings_of(alias: str, **more: Any) -> Settings:
    """Return the settings of one notifier: those of ``NOTIFYKIT``, then the environment and files.

    :param more: settings that win over them.
    :raises ConfigError: where its entry in ``NOTIFYKIT`` can't be read; ``problems`` has what else is wrong.
    """
    return Settings.load({**arguments_of(alias), **more})


def reports_secret(alias: str) -> str:
    """Return the secret of the delivery reports of one notifier; empty where there is none."""
    return str(_table().get(alias, {}).get(REPORTS) or "")


def _table() -> Mapping[str, Mapping[str, Any]]:
    table = getattr(django_settings, "NOTIFYKIT", None)
    if table is None:
        return {DEFAULT: {}}
    if not isinstance(table, Mapping) or not all(isinstance(value, Mapping) for value in table.values()):
        raise ConfigError('NOTIFYKIT is a dict of dicts: {"default": {"TRANSPORT": "kwtsms"}}')
    if DEFAULT not in table:
        raise ConfigError('NOTIFYKIT has no notifier "default": it is the one that is used where none is named')
    return table


def _options_problems(alias: str, given: Mapping[str, Any], options: Any) -> Iterator[str]:
    if not isinstance(options, Mapping):
        yield f'NOTIFYKIT[{alias!r}]: OPTIONS is a dict of options of the transport: {{"sender": "MY-APP"}}'
    elif options and not given.get("TRANSPORT"):
        yield f"NOTIFYKIT[{alias!r}]: OPTIONS are those of TRANSPORT: name the transport too"


def _lowered(value: Any) -> Any:
    """Return a table with its upper-case names as notifykit has them: ``{"WORKERS": …}`` of ``DURABLE``."""
    if not isinstance(value, Mapping):
        return value
    return {name.lower() if str(name).isupper() else name: _lowered(inner) for name, inner in value.items()}
