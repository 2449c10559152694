"""Jobs: sends that are kept in a database and survive the process; any number of workers send them.

The promises are kept by our own store: what was submitted, which requests were started, and their results. The queue
behind it (DBOS) only has to deliver each task at least once, after its delay and by its priority.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from notifykit.errors import ConfigError
from notifykit.hookspecs import hookimpl

if TYPE_CHECKING:
    import click

    from notifykit.protocols.engine import Engine, EngineFactory
    from notifykit.settings.sources import Settings


def _build(settings: Settings, components: Any) -> Engine:
    try:
        from notifykit.durable.engine import DurableEngine
    except ImportError as error:
        raise ConfigError(
            f'jobs need the extra "durable", and {error.name} is missing: python -m pip install "notifykit[durable]"'
        ) from error
    return DurableEngine(settings, components)


def _in_use(settings: Settings) -> bool:
    """Return whether a database is named, or the file of this user is there."""
    try:
        from notifykit.durable.database import DurableSettings
    except ImportError:
        return False
    found = DurableSettings.of(settings)
    return found.is_named or found.file is None or found.file.exists()


@hookimpl
def notifykit_engines(settings: Settings) -> Sequence[EngineFactory]:
    """Bring the durable engine."""
    from notifykit.protocols.engine import EngineFactory

    return [EngineFactory("durable", _build, _in_use)]


@hookimpl
def notifykit_commands(register: Callable[[click.Command], None]) -> None:
    """Bring ``jobs`` and ``worker``."""
    from notifykit.cli.options import LazyCommand

    for name, text in (
        ("jobs", "Follow sends that are kept on disk, and decide about them."),
        ("worker", "Send jobs until SIGTERM or Ctrl-C."),
    ):
        register(LazyCommand(name, f"notifykit.durable.commands:{name}", text))
