"""The documented log: one JSON line an API call, the password redacted.

Numbers and texts stand in it in clear, because that is its documented shape. ``log_file=""`` switches it off.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Mapping
from typing import Any

from notifykit.protocols import Clock
from notifykit.redaction import Secret
from notifykit.sinks.jsonl import LineFile
from notifykit_kwtsms.api.client import MASK, Call

_log = logging.getLogger("notifykit.kwtsms")


class CallLog:
    """Writes a line for each call; where that can't be done it says so once, and the call is none the worse.

    The file is opened for each line, so that it can be moved away at any time and nothing has to be closed.

    :param path: the file; it is made with mode 0600 where there is none.
    :param password: what must not get into it, whoever says it.
    :param clock: the time.
    """

    def __init__(self, path: str | os.PathLike[str], password: Secret, clock: Clock) -> None:
        self._path = path
        self._password = password
        self._clock = clock
        self._lock = threading.Lock()
        self._complained = False

    def __call__(self, call: Call) -> None:
        """Write one line."""
        try:
            with contextlib.closing(LineFile(self._path)) as file:
                file.write(self._row(call))
        except Exception as error:  # whatever is wrong with the log, the message may have gone out
            self._complain(error)

    def _row(self, call: Call) -> dict[str, Any]:
        return {
            "ts": self._clock.now().isoformat(timespec="seconds"),
            "endpoint": call.endpoint,
            "request": call.request,
            "response": self._redacted(call.answer),
            "ok": call.ok,
            "error": self._redacted(call.error),
        }

    def _redacted(self, value: Any) -> Any:
        """Return what came back without the password: nobody knows what a gateway repeats."""
        if isinstance(value, str):
            return value.replace(self._password.reveal(), MASK)
        if isinstance(value, Mapping):
            return {self._redacted(name): self._redacted(item) for name, item in value.items()}
        return [self._redacted(item) for item in value] if isinstance(value, list) else value

    def _complain(self, error: Exception) -> None:
        with self._lock:
            first, self._complained = not self._complained, True
        if first:
            _log.warning("calls to the gateway are not logged (%s): %s", type(error).__name__, error)
