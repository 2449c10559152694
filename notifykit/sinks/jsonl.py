"""``jsonl``: one JSON object a line, in a file that several threads and processes may append to."""

from __future__ import annotations

import contextlib
import datetime
import errno
import json
import math
import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final

from notifykit.errors import ConfigError
from notifykit.events import Event, RecipientsFinished
from notifykit.settings.files import STREAMS, ends_a_line, open_file, try_to_lock
from notifykit.settings.sources import Settings


def format_time(at: datetime.datetime) -> str:
    """Return a time as a log has it: UTC, with milliseconds."""
    return at.astimezone(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _default(value: object) -> str:
    """Return a text for a value that JSON has no form for."""
    return format_time(value) if isinstance(value, datetime.datetime) else str(value)


#: Some programs take these for line ends, and some terminals are turned around by them. JSON undoes the escape.
_ESCAPES: Final = {code: f"\\u{code:04x}" for code in (0x85, 0x61C, *range(0x2028, 0x202F), *range(0x2066, 0x206A))}
_FLAGS: Final = os.O_RDWR | os.O_APPEND
#: How many renamed files are kept unless the settings say otherwise.
KEPT_FILES: Final = 10
_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_default).encode


class LineFile:
    """One JSON object a line, in a file that is made with mode 0600.

    Where another file has its name, as after ``logrotate``, the next row is written to that one.

    :param path: the file.
    :param setting: what the file is called in the settings, for the error.
    :param size: the bytes from which on it is renamed to ``PATH.1``, and that to ``PATH.2``; None for never.
    :param keep: how many of the renamed files are kept.
    :raises ConfigError: if it can't be written: also where it is a link, a pipe or a device.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        setting: str = "log_file",
        *,
        size: int | None = None,
        keep: int = KEPT_FILES,
    ) -> None:
        self._path = os.fspath(path)
        self._size = size
        self._keep = keep
        if self._path == "-":
            raise ConfigError(f"{setting}: - is no file: name one; the setting log_file takes - for standard output")
        try:
            self._descriptor = open_file(self._path, _FLAGS)
        except OSError as error:
            raise ConfigError(
                f"{setting}: {self._path} can't be written ({_reason(error)}): name a regular file, and no link, in a "
                "folder that exists and that this user may write to"
            ) from error
        # Another process may have been stopped in the middle of a row.
        self._torn = not ends_a_line(self._descriptor)

    def write(self, *rows: Mapping[str, Any]) -> None:
        """Append rows, all in one write.

        :raises OSError: if the disk is full, or the file was closed.
        """
        if (status := self._follow()) and self._size is not None and status.st_size >= self._size:
            self._rotate()
        # One write with O_APPEND needs no lock, and so a forked child can't inherit one that is held.
        text = "\n" if self._torn else ""
        text += "".join(_encode(row) + "\n" for row in rows)
        text = text if text.isascii() else text.translate(_ESCAPES)
        unwritten = text.encode("utf-8", "backslashreplace")
        while unwritten:
            unwritten = unwritten[os.write(self._descriptor, unwritten) :]
            self._torn = bool(unwritten)

    def _follow(self) -> os.stat_result | None:
        """Open the file that has the name now, if it is another one; return its status, None if it can't be opened."""
        now = os.fstat(self._descriptor)
        try:
            named = os.lstat(self._path)
            if os.path.samestat(now, named):
                return now
        except OSError:
            named = None
        try:
            descriptor = open_file(self._path, _FLAGS)
        except OSError:
            # A row in the renamed file is better than none; every write looks again.
            return None
        # The number stays the same: another thread may be writing to it.
        os.dup2(descriptor, self._descriptor, inheritable=False)
        os.close(descriptor)
        self._torn = not ends_a_line(self._descriptor)
        return os.fstat(self._descriptor)

    def _rotate(self) -> None:
        """Rename the file, and those before it. Where that is impossible, it goes on growing."""
        with contextlib.suppress(OSError):
            rotate(self._path, self._keep)
            self._follow()

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


class LineStream:
    """One JSON object a line on standard output or standard error, as they are at that moment; all in ASCII.

    :param name: ``stdout`` or ``stderr``.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def write(self, *rows: Mapping[str, Any]) -> None:
        """Write rows, all in one write: other processes may have the same stream.

        :raises OSError: if nobody reads the stream any more, or it is closed.
        """
        stream = getattr(sys, self._name)
        try:
            stream.write("".join(json.dumps(row, separators=(",", ":"), default=_default) + "\n" for row in rows))
            stream.flush()
        except (AttributeError, ValueError) as error:  # it is None, or closed
            raise OSError(f"{self._name} can't be written") from error

    def close(self) -> None:
        """Leave the stream open: it is the program's."""


def rotate(path: str | os.PathLike[str], keep: int) -> bool:
    """Rename a log to ``PATH.1``, that to ``PATH.2``, and delete what is above ``keep``; return whether it did.

    It is locked meanwhile, so that of several threads and processes one does it. Who still has the old file open writes
    to it under its new name.

    :raises OSError: if that is impossible.
    """
    path = os.fspath(path)
    descriptor = open_file(path)
    try:
        if not try_to_lock(descriptor) or not os.path.samestat(os.fstat(descriptor), os.lstat(path)):
            return False
        for number in range(keep - 1, 0, -1):
            with contextlib.suppress(FileNotFoundError):
                os.replace(f"{path}.{number}", f"{path}.{number + 1}")  # noqa: PTH105 - the name is a text
        os.replace(path, f"{path}.1")  # noqa: PTH105
    finally:
        os.close(descriptor)
    return True


def _reason(error: OSError) -> str:
    return str(error) if error.errno is None else type(error).__name__ if error.errno != errno.ELOOP else "it is a link"


#: The version of the shape of a row.
VERSION: Final = 1
#: Fields of events that are no column of this name.
_NO_COLUMNS: Final = frozenset({"at", "message_id", "recipient", "recipients", "action", "again"})


class JsonlSink:
    """Writes events to a file, or to standard output.

    :param path: the file; it is made where there is none. ``-`` and ``/dev/stdout``
        are standard output, ``/dev/stderr`` standard error.
    :param size: the bytes from which on it is renamed; None for never.
    :param keep: how many renamed files are kept.
    :raises ConfigError: if it can't be written.
    """

    name = "jsonl"
    #: It is quick, and what it wrote survives a killed process: it needs no queue.
    background = False

    def __init__(self, path: str | os.PathLike[str], *, size: int | None = None, keep: int = KEPT_FILES) -> None:
        name = STREAMS.get(os.fspath(path))
        self._file = LineStream(name) if name else LineFile(path, size=size, keep=keep)

    def handle(self, event: Event) -> None:
        """Write the rows of one event."""
        self._file.write(*rows(event))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def rows(event: Event) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of an event: one for each recipient where it is about recipients, else one."""
    row: dict[str, Any] = {"v": VERSION, "ts": format_time(event.at), "event": event.name}
    fields = vars(event)
    for name, value in fields.items():
        if name not in _NO_COLUMNS:
            row[name] = _number(value) if isinstance(value, float) else value
    if isinstance(event, RecipientsFinished):  # JSON has no pairs as keys
        row["counts"] = [[*pair, numbers] for pair, numbers in event.counts.items()]
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
    if not settings.log_file:
        return []
    return [JsonlSink(settings.log_file, size=settings.log_size, keep=settings.log_keep)]
