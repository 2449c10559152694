"""System checks: everything that is wrong with ``NOTIFYKIT``, at once, and what is dangerous about it.

``notifykit.E001`` to ``E003`` are errors, ``W001`` to ``W003`` warnings; ``SILENCED_SYSTEM_CHECKS`` takes their names.
"""

from __future__ import annotations

import ast
import contextlib
import pathlib
import sys
from collections.abc import Iterable, Iterator
from typing import Any, Final

import attrs
from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning as CheckWarning

from notifykit.errors import ConfigError
from notifykit.integrations.delivery_reports import MIN_SECRET
from notifykit.integrations.django.configuration import aliases, reports_secret, settings_of, shared_jobs
from notifykit.integrations.django.isolation import is_testing
from notifykit.pipeline.capabilities import leaves
from notifykit.pipeline.notifier import Notifier
from notifykit.protocols import Check, Health
from notifykit.redaction import Secret
from notifykit.settings.dsn import Dsn
from notifykit.settings.sources import Settings

#: Shorter strings stand in a file for other reasons.
_SHORTEST_PASSWORD: Final = 4
_SECRET_NAMES: Final = ("password", "secret", "token", "key")
_FROM_ENVIRONMENT: Final = (
    'Read it from the environment: os.environ["KWTSMS_PASSWORD"], or leave it out and set that variable.'
)


def check_notifiers(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    """Return a message for each problem of each notifier. In tests there are none: they need no account."""
    if is_testing():
        return []
    try:
        names = aliases()
    except ConfigError as error:
        return [Error(problem, id="notifykit.E001") for problem in error.problems]
    shared = [Error(problem, id="notifykit.E001") for problem in shared_jobs()]
    return [*shared, *(message for alias in names for message in _check(alias))]


def _check(alias: str) -> Iterator[CheckMessage]:
    try:
        settings = settings_of(alias)
    except ConfigError as error:
        yield from (Error(problem, id="notifykit.E001") for problem in error.problems)
        return
    yield from _reports(alias)
    yield from _passwords(alias, settings)
    try:
        # Built and closed, for what only its plugins can say; it opens no log and no connection.
        with Notifier(None, settings=attrs.evolve(settings, log_file=None, sinks=())) as notifier:
            live = [part for part in leaves(notifier.transport) if part.capabilities.live]
            advice = list(_advice(notifier, settings))
    except ConfigError as error:
        yield from (
            Error(f"NOTIFYKIT[{alias!r}]: {problem}", id="notifykit.E002", hint="manage.py notify_doctor says more.")
            for problem in error.problems
        )
        return
    if live and django_settings.DEBUG:
        yield CheckWarning(
            f"NOTIFYKIT[{alias!r}]: messages reach people and cost money through {live[0].name}, and DEBUG is on.",
            hint='Set the transport to test, "OPTIONS": {"test": True}, or DEBUG to False.',
            id="notifykit.W001",
        )
    for check in advice:
        words = f"NOTIFYKIT[{alias!r}]: {check.name}: {check.found}"
        if check.health is Health.FAIL:
            yield Error(words, hint=check.fix, id="notifykit.E003")
        elif live:
            yield CheckWarning(words, hint=check.fix, id="notifykit.W003")


def _advice(notifier: Notifier, settings: Settings) -> Iterator[Check]:
    """Yield what plugins find wrong with their own settings, such as a sender that only carries promotions."""
    for name, about in notifier.host.about().items():
        try:
            yield from (check for check in about.checks(settings, online=False) if check.health is not Health.OK)
        except Exception as error:  # a plugin may raise anything
            yield Check(name, Health.WARN, f"its checks broke off with {type(error).__name__}", "notifykit plugins -v")


def _reports(alias: str) -> Iterator[CheckMessage]:
    secret = reports_secret(alias)
    if secret and len(secret) < MIN_SECRET:
        yield Error(
            f"NOTIFYKIT[{alias!r}]: REPORTS_SECRET has {len(secret)} characters.",
            hint=f"Give it at least {MIN_SECRET}: python -c 'import secrets; print(secrets.token_urlsafe())'.",
            id="notifykit.E001",
        )


def _passwords(alias: str, settings: Settings) -> Iterator[CheckMessage]:
    """Yield a warning where a secret of this notifier stands in a settings file."""
    found = (reports_secret(alias), *_inside(settings.sources.arguments))
    secrets = {value for value in found if len(value) >= _SHORTEST_PASSWORD}
    for path in _settings_files() if secrets else ():
        texts = _texts(path)
        if any(secret in text for secret in secrets for text in texts):
            yield CheckWarning(
                f"NOTIFYKIT[{alias!r}]: a password stands in {path.name}: whoever can read the code can send.",
                hint=_FROM_ENVIRONMENT,
                id="notifykit.W002",
            )


def _inside(table: Any) -> Iterator[str]:
    """Yield every secret that stands in a setting: passwords of DSNs, and values of options with such names."""
    for name, value in table.items():
        if isinstance(value, Dsn):
            yield from _of_dsn(value)
        elif isinstance(value, str) and "://" in value:
            with contextlib.suppress(ConfigError):  # reported with the settings
                yield from _of_dsn(Dsn.parse(value))
        elif isinstance(value, Secret):
            yield value.reveal()
        elif isinstance(value, str) and any(word in str(name).lower() for word in _SECRET_NAMES):
            yield value
        elif hasattr(value, "items"):
            yield from _inside(value)


def _of_dsn(dsn: Dsn) -> Iterator[str]:
    if dsn.password is not None:
        yield dsn.password.reveal()
    yield from _inside(dsn.options)
    for part in dsn.parts:
        yield from _of_dsn(part.dsn)


def _settings_files() -> list[pathlib.Path]:
    """Return the settings module, and those beside it that it may be made of."""
    name = str(getattr(django_settings, "SETTINGS_MODULE", None) or "")
    package = name.rpartition(".")[0]
    modules = [module for module in sys.modules if module == name or (package and module.startswith(f"{package}."))]
    files = (getattr(sys.modules[module], "__file__", None) for module in modules if "settings" in module)
    return [pathlib.Path(file) for file in dict.fromkeys(filter(None, files)) if file.endswith(".py")]


def _texts(path: pathlib.Path) -> Iterable[str]:
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError):
        return []
    return [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
