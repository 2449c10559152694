"""Counters that only grow, for who watches from outside: they outlive what is deleted from the inbox."""

from __future__ import annotations

import collections
import threading
from collections.abc import Mapping

import attrs

from notifykit_kwtsms.sandbox.inbox.captured import CapturedMessage


@attrs.frozen
class Counters:
    """The counters at one moment."""

    #: Requests to send by encoding and by ``accepted`` or the code of the refusal, ``cut`` where none was heard.
    messages: Mapping[tuple[str, str], int]
    #: Segments of the accepted ones by encoding, each counted for each number.
    segments: Mapping[str, int]
    #: Points that were charged.
    points: float
    #: Faults that fired, by what they did.
    faults: Mapping[str, int]


class Tally:
    """The counters of one sandbox since it started."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._messages: collections.Counter[tuple[str, str]] = collections.Counter()
        self._segments: collections.Counter[str] = collections.Counter()
        self._points = 0.0
        self._faults: collections.Counter[str] = collections.Counter()

    def message(self, message: CapturedMessage) -> None:
        """Count a message that came."""
        with self._lock:
            result = "accepted" if message.accepted else message.code or "cut"
            self._messages[message.encoding, result] += 1
            if message.accepted:
                self._segments[message.encoding] += message.segments * len(message.numbers)
                self._points += message.points

    def fault(self, described: str) -> None:
        """Count a fault that fired."""
        with self._lock:
            self._faults[described.partition(" ")[0]] += 1

    def read(self) -> Counters:
        """Return the counters as they are now."""
        with self._lock:
            return Counters(dict(self._messages), dict(self._segments), round(self._points, 4), dict(self._faults))
