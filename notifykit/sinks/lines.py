"""A file that several threads and processes append whole lines to."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from typing import Any, Final

from notifykit.errors import ConfigError

_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class LineFile:
    """One JSON object a line, one write a line; made with mode 0600.

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
        self._lock = threading.Lock()

    def write(self, row: Mapping[str, Any]) -> None:
        """Append one row.

        :raises OSError: where the disk is full, or the file was closed.
        """
        line = _encode(row).encode("utf-8", "backslashreplace") + b"\n"
        with self._lock:
            os.write(self._descriptor, line)

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        with self._lock:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1
