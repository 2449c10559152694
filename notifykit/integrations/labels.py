"""What metrics and spans share: labels of few different values and nothing secret, figures, and buckets of histograms.

A provider's code is foreign text, and the ``str`` of a transport of somebody's own may be anything. What does not look like a
code or a name becomes ``other``, and so does what comes after many different ones.
"""

from __future__ import annotations

import re
import threading
from typing import Final

import attrs

from notifykit.events import AttemptFinished, RecipientsFinished
from notifykit.models.receipt import Outcome

#: Upper ends of the buckets of the duration of a request, in seconds: a gateway answers in a second, and may take a minute.
DURATIONS: Final = (0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0)
#: Upper ends of the buckets of the waits for the rate limit, in seconds.
WAITS: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)
#: What stands for a value that is not shown.
OTHER: Final = "other"
#: The most codes, and the most names of transports, that one process shows.
MOST_CODES: Final = 100
MOST_TRANSPORTS: Final = 20
#: A code: one short word.
_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,39}", re.ASCII)
#: The scheme or the name at the beginning of a DSN or of a composite.
_TRANSPORT: Final = re.compile(r"([A-Za-z][A-Za-z0-9_.+\-]{0,31})(?=$|:|\()", re.ASCII)
#: So many digits may be a number of somebody.
_NUMBER: Final = 7


@attrs.frozen
class Figures:
    """What one request adds to the metrics."""

    #: Whether it was a test, as a label.
    test: str
    #: Segments that the provider accepted.
    segments: int
    #: What it cost, in the provider's unit.
    cost: float

    @classmethod
    def of(cls, event: AttemptFinished) -> Figures:
        """Read an event."""
        accepted = 0
        if event.segments and event.outcome is Outcome.ACCEPTED:
            accepted = sum(recipient.outcome is Outcome.ACCEPTED for recipient in event.recipients)
        return cls(test_label(event), (event.segments or 0) * accepted, max(0.0, event.cost or 0.0))


def test_label(event: AttemptFinished | RecipientsFinished) -> str:
    """Return whether an event is about a test, as a label: a test costs nobody anything."""
    return "true" if event.test else "false"


def count_unknown(event: RecipientsFinished) -> int:
    """Return how many recipients have an unknown outcome: zero is counted too, so that an alert sees the first one."""
    return sum(numbers for (outcome, _), numbers in event.counts.items() if outcome is Outcome.UNKNOWN)


class Labels:
    """The values that one process shows."""

    def __init__(self) -> None:
        self._codes: dict[str, str] = {}
        self._transports: dict[str, str] = {}
        self._lock = threading.Lock()

    def code(self, code: str | None) -> str:
        """Return a code as a label: empty where there is none."""
        if not code:
            return ""
        found = _CODE.fullmatch(code)
        plain = found is not None and sum(map(str.isdigit, code)) < _NUMBER
        return self._bounded(self._codes, code, MOST_CODES) if plain else OTHER

    def transport(self, shown: str) -> str:
        """Return the name of a transport, or the scheme of its DSN."""
        found = _TRANSPORT.match(shown)
        plain = found is not None and sum(map(str.isdigit, found[1])) < _NUMBER
        return self._bounded(self._transports, found[1], MOST_TRANSPORTS) if found and plain else OTHER

    def _bounded(self, known: dict[str, str], value: str, most: int) -> str:
        with self._lock:
            if value not in known and len(known) >= most:
                return OTHER
            return known.setdefault(value, value)
