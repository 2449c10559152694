"""The sink ``structlog``: one structlog event for each event, with flat keys. Needs the extra ``structlog``.

``sinks = ["structlog"]`` in the settings is all. The event's name is structlog's ``event``; levels are those of the sink
``logging``. Nothing is configured here, and full numbers and texts are never logged.
"""

from __future__ import annotations

import importlib
import logging
from typing import Any, Final

from notifykit.errors import ConfigError
from notifykit.events import Event
from notifykit.redaction import one_line
from notifykit.settings.sources import Settings
from notifykit.sinks.logging import LoggingSink, fields_of

try:
    _structlog: Any = importlib.import_module("structlog")
except ImportError:
    raise ConfigError(
        'sinks: the sink structlog needs the library of its name: pip install "notifykit[structlog]"'
    ) from None

#: The methods of a logger, which every wrapper class has.
_METHODS: Final = {level: logging.getLevelName(level).lower() for level in (10, 20, 30, 40)}
#: What the standard library's logging has in its sentence, and structlog as keys.
_IN_WORDS: Final = ("error", "action", "reason")


class StructlogSink(LoggingSink):
    """Logs each event through structlog, as the program has configured it.

    :param logger: another logger than ``structlog.get_logger("notifykit")``.
    """

    name = "structlog"
    #: What is filtered is the program's decision.
    always = True

    def __init__(self, logger: Any = None) -> None:
        self._logger = _structlog.get_logger("notifykit") if logger is None else logger

    def log(self, logger: logging.Logger, level: int, event: Event) -> None:
        """Log one event."""
        said = {name: one_line(str(value)) for name in _IN_WORDS if (value := getattr(event, name, None)) is not None}
        fields = {name: _plain(value) for name, value in fields_of(event).items()}
        getattr(self._logger, _METHODS[level])(event.name, id=event.id, **{**fields, **said})


def _plain(value: Any) -> Any:
    """Return a value that every renderer can write: the words of an enumeration as a text."""
    return str(value) if isinstance(value, str) else list(value) if isinstance(value, tuple) else value


def notifykit_sinks(settings: Settings) -> list[StructlogSink]:
    """Bring ``structlog``."""
    return [StructlogSink()]
