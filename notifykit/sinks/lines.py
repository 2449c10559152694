"""A file that several threads and processes append whole lines to."""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Mapping
from typing import Any, Final

from notifykit.errors import ConfigError


def format_time(at: datetime.datetime) -> str:
    """Return a time as a log has it: UTC, with milliseconds."""
    return at.astimezone(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _default(value: object) -> str:
    """Return what JSON has no form for: a time, and anything else by its ``str``."""
    return format_time(value) if isinstance(value, datetime.datetime) else str(value)


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
        text += "".join(_encode(row) + "\n" for row in rows)
        left = text.encode("utf-8", "backslashreplace")
        while left:
            left = left[os.write(self._descriptor, left) :]
            self._torn = bool(left)

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)
