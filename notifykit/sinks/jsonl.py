"""``jsonl``: one JSON object a line, in a file that several threads and processes may append to."""

from __future__ import annotations

import datetime
import json
import math
import os
from collections.abc import Iterator, Mapping
from typing import Any, Final

from notifykit.errors import ConfigError
from notifykit.events import Event
from notifykit.settings.sources import Settings


def format_time(at: datetime.datetime) -> str:
    """Return a time as a log has it: UTC, with milliseconds."""
    return at.astimezone(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _default(value: object) -> str:
    """Return a text for a value that JSON has no form for."""
    return format_time(value) if isinstance(value, datetime.datetime) else str(value)


#: Some programs take these for line ends, and some terminals are turned around by them. JSON undoes the escape.
_ESCAPES: Final = {code: f"\\u{code:04x}" for code in (0x85, 0x61C, *range(0x2028, 0x202F), *range(0x2066, 0x206A))}
_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_default).encode


class LineFile:
    """One JSON object a line; made with mode 0600.

    :param path: the file.
    :param setting: what the file is called in the settings, for the error.
    :raises ConfigError: where it can't be written.
    """

    def __init__(self, path: str | os.PathLike[str], setting: str = "log_file") -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
        try:
            self._descriptor = os.open(path, flags, 0o600)
        except OSError as error:
            raise ConfigError(
                f"{setting}: {os.fspath(path)} can't be written ({type(error).__name__}): name a file in a folder "
                "that exists and that this user may write to"
            ) from error
        self._torn = False

    def write(self, *rows: Mapping[str, Any]) -> None:
        """Append rows, all in one write.

        :raises OSError: where the disk is full, or the file was closed.
        """
        # One write with O_APPEND needs no lock, and so a forked child can't inherit one that is held.
        text = "\n" if self._torn else ""
        text += "".join(_encode(row).translate(_ESCAPES) + "\n" for row in rows)
        unwritten = text.encode("utf-8", "backslashreplace")
        while unwritten:
            unwritten = unwritten[os.write(self._descriptor, unwritten) :]
            self._torn = bool(unwritten)

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


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
    """Return a number for JSON: a whole one as an int, and None for infinity and NaN."""
    if not math.isfinite(number):
        return None
    return int(number) if number.is_integer() else number


def notifykit_sinks(settings: Settings) -> list[JsonlSink]:
    """Bring ``jsonl`` where the settings name a log file."""
    return [JsonlSink(settings.log_file)] if settings.log_file else []
