"""Sends that survive the process that asked for them: kept in a database, sent by any number of workers.

What is promised stands in the store, which is ours: what was asked for, what was begun, what was answered. The queue
behind it (DBOS) only has to deliver each ticket at least once, after its delay and by its priority.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from notifykit.errors import ConfigError
from notifykit.hookspecs import hookimpl
from notifykit.protocols import Engine, EngineFactory
from notifykit.settings.sources import Settings

if TYPE_CHECKING:
    import click


def _build(settings: Settings, house: Any) -> Engine:
    try:
        from notifykit.durable.engine import DurableEngine
    except ImportError as error:
        raise ConfigError(
            f'jobs need the extra "durable", and {error.name} is missing: python -m pip install "notifykit[durable]"'
        ) from error
    return DurableEngine(settings, house)


@hookimpl
def notifykit_engines(settings: Settings) -> Sequence[EngineFactory]:
    """Bring the durable engine."""
    return [EngineFactory("durable", _build)]


@hookimpl
def notifykit_commands(register: Callable[[click.Command], None]) -> None:
    """Bring ``jobs`` and ``worker``."""
    from notifykit.cli.options import LazyCommand

    for name, words in (
        ("jobs", "Look after sends that are kept on disk: how far each is, and what becomes of it."),
        ("worker", "Send what jobs have to be sent, until SIGTERM or Ctrl-C."),
    ):
        register(LazyCommand(name, f"notifykit.durable.commands:{name}", words))
