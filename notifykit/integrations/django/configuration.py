"""The setting ``NOTIFYKIT``: notifiers by their names, in the shape of ``CACHES``, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs
from django.conf import settings as django_settings

from notifykit.errors import ConfigError
from notifykit.settings.dsn import Dsn
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
        written = {name: _written(value) for name, value in options.items()}
        arguments["transport"] = attrs.evolve(dsn, options={**dsn.options, **written})
    return arguments


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


def _written(value: Any) -> str:
    """Return an option as a DSN has it."""
    return str(int(value)) if isinstance(value, bool) else str(value)
