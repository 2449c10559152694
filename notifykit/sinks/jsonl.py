"""``jsonl``: one JSON object a fact, one line an object, one write an event.

The file is made with mode 0600 and written by ``O_APPEND``, so several processes can share it and no line is torn.
Every row has ``v``, the version of this shape. An attempt is one row for each recipient: counting rows counts
messages. ``log_numbers`` and ``log_body`` decide what is in clear.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from typing import Any, Final

from notifykit.events import Event
from notifykit.settings import Settings
from notifykit.sinks.lines import LineFile, format_time

#: The version of the shape of a row.
VERSION: Final = 1
#: Fields of events that are no column of this name.
_NO_COLUMNS: Final = frozenset({"at", "message_id", "recipient", "recipients", "action", "again"})


class JsonlSink:
    """Writes events to a file.

    :param path: the file; it is made where there is none.
    :raises ConfigError: where it can't be written.
    """

    name = "jsonl"

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._file = LineFile(path)

    def handle(self, event: Event) -> None:
        """Write the rows of one event."""
        self._file.write(*rows(event))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def rows(event: Event) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of an event: one for each recipient where it is about recipients, else one."""
    fields = vars(event)
    row = {"v": VERSION, "ts": format_time(event.at), "event": event.name, **fields}
    row |= {name: _number(value) for name, value in fields.items() if isinstance(value, float)}
    for name in _NO_COLUMNS:
        row.pop(name, None)
    if "message_id" in fields:
        row["msg_id"] = fields["message_id"]
    if "recipients" in fields:
        recipients = fields["recipients"]
        if isinstance(cost := fields.get("cost"), int | float):
            row["cost"] = _number(cost / max(1, len(recipients)))
        for recipient in recipients:
            yield row | vars(recipient)
    elif "recipient" in fields:
        yield row | vars(fields["recipient"])
    else:
        yield row


def _number(number: float) -> float | None:
    """Return a number as JSON has it: a whole one without a point, and None for what is infinite or no number."""
    if not math.isfinite(number):
        return None
    return int(number) if number.is_integer() else number


def notifykit_sinks(settings: Settings) -> list[JsonlSink]:
    """Bring ``jsonl`` where the settings name a log file."""
    return [JsonlSink(settings.log_file)] if settings.log_file else []
