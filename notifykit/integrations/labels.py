"""What metrics and spans share: the metrics, what an event adds to them, and labels of few values and nothing secret.

A provider's code is foreign text, and the ``str`` of a transport of somebody's own may be anything. What does not look like a
code or a name becomes ``other``, and so does what comes after many different ones.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from notifykit.events import AttemptFinished, Event, RecipientsFinished
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


@attrs.frozen
class Instrument:
    """One metric: ``notifykit.rate_limit.wait`` in OpenTelemetry, ``notifykit_rate_limit_wait_seconds`` in Prometheus."""

    #: Its name behind ``notifykit``.
    name: str
    #: OpenTelemetry's unit: ``s`` for seconds, ``{message}``.
    unit: str
    #: Its labels.
    labels: tuple[str, ...]
    #: What it counts, in one sentence.
    description: str
    #: The upper ends of a histogram's buckets.
    buckets: Sequence[float] = ()
    #: Whether an amount takes the place of the one before.
    gauge: bool = False


_OF_TRANSPORT: Final = ("transport",)
_BY_TEST: Final = (*_OF_TRANSPORT, "test")
_BY_OUTCOME: Final = (*_OF_TRANSPORT, "outcome")
_BY_CODE: Final = (*_BY_OUTCOME, "code")
#: The metrics of sends.
INSTRUMENTS: Final = (
    Instrument("messages", "{message}", (*_BY_CODE, "test"), "Recipients by final outcome; tries are not counted."),
    Instrument(
        "unknown", "{message}", _BY_TEST, "Recipients whose final outcome is unknown: look at the provider's side."
    ),
    Instrument("attempts", "{request}", _BY_CODE, "Requests to providers."),
    Instrument("attempt.duration", "s", _BY_OUTCOME, "Duration of a request to a provider.", DURATIONS),
    Instrument("segments", "{segment}", _BY_TEST, "Segments that providers accepted."),
    Instrument("cost", "{unit}", _BY_TEST, "Cost that providers named, in their unit."),
    Instrument(
        "balance",
        "{unit}",
        _OF_TRANSPORT,
        "Balance in the last answer that named one, in the provider's unit.",
        gauge=True,
    ),
    Instrument(
        "rate_limit.wait",
        "s",
        _OF_TRANSPORT,
        "Waits of requests for the rate limit; those that did not wait are not in it.",
        WAITS,
    ),
)


def measurements(event: Event, labels: Labels) -> Iterator[tuple[str, float, dict[str, str]]]:
    """Yield what an event adds to the metrics: a metric's name, an amount, and the values of its labels."""
    if not isinstance(event, AttemptFinished | RecipientsFinished):
        return
    transport = {"transport": labels.transport(event.transport)}
    # A test costs nobody anything.
    with_test = {**transport, "test": "true" if event.test else "false"}
    if isinstance(event, RecipientsFinished):
        for (outcome, code), count in event.counts.items():
            yield "messages", count, {**with_test, "outcome": outcome.value, "code": labels.code(code)}
        # Zero is counted too, so that an alert sees the first one.
        yield "unknown", sum(n for (outcome, _), n in event.counts.items() if outcome is Outcome.UNKNOWN), with_test
        return
    with_outcome = {**transport, "outcome": event.outcome.value}
    yield "attempts", 1, {**with_outcome, "code": labels.code(event.code)}
    yield "attempt.duration", event.elapsed_ms / 1000, with_outcome
    if event.waited:
        yield "rate_limit.wait", event.waited, transport
    accepted = sum(recipient.outcome is Outcome.ACCEPTED for recipient in event.recipients)
    if event.outcome is Outcome.ACCEPTED and event.segments and accepted:
        yield "segments", event.segments * accepted, with_test
    if event.cost is not None and event.cost > 0:
        yield "cost", event.cost, with_test
    if event.balance is not None:
        yield "balance", event.balance, transport
