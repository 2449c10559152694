"""The documented log: one JSON line for each API call, without the password.

Numbers and texts are in clear: that is the documented shape. ``log_file=""`` switches it off.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
from collections.abc import Mapping
from typing import Any

from notifykit.errors import raise_interrupt
from notifykit.protocols import Clock
from notifykit.redaction import Secret, without_secrets
from notifykit.sinks.jsonl import LineFile
from notifykit_kwtsms.api.client import REDACTED, ApiCall

_log = logging.getLogger("notifykit.kwtsms")


class CallLog:
    """Writes a line for each call. If it cannot, it logs one warning; the call itself is not affected.

    The file is opened for each line, so that it can be rotated at any time and nothing has to be closed.

    :param path: the file; a new one gets mode 0600.
    :param password: never written, not even from the gateway's answer.
    :param clock: the time.
    """

    def __init__(self, path: str | os.PathLike[str], password: Secret, clock: Clock) -> None:
        self._path = path
        self._password = password
        self._clock = clock
        self._lock = threading.Lock()
        self._warned = False

    def __call__(self, call: ApiCall) -> None:
        """Write one line."""
        outer = sys.exception()
        try:
            with contextlib.closing(LineFile(self._path)) as file:
                file.write(self._row(call))
        except Exception as error:  # whatever is wrong with the log, the message may have been sent
            raise_interrupt(error, outer)
            self._warn_once(error)

    def _row(self, call: ApiCall) -> dict[str, Any]:
        return {
            "ts": self._clock.now().isoformat(timespec="seconds"),
            "endpoint": call.endpoint,
            "request": call.request,
            "response": self._redacted(call.answer),
            "ok": call.ok,
            "error": self._redacted(call.error),
        }

    def _redacted(self, value: Any) -> Any:
        """Return a value without the password: a gateway may repeat it in its answer."""
        if isinstance(value, str):
            # As a word of its own: a short password is a part of many words.
            return without_secrets(value, self._password.reveal(), stars=REDACTED)
        if isinstance(value, Mapping):
            return {self._redacted(name): self._redacted(item) for name, item in value.items()}
        return [self._redacted(item) for item in value] if isinstance(value, list) else value

    def _warn_once(self, error: Exception) -> None:
        with self._lock:
            first, self._warned = not self._warned, True
        if first:
            _log.warning("calls to the gateway are not logged (%s): %s", type(error).__name__, error)
