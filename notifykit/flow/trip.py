"""What one call of ``send`` carries with it along the road."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from notifykit.errors import TransportError
from notifykit.flow.pacing import Pacer, pacer
from notifykit.flow.recording import Recorder
from notifykit.flow.reserving import Reservations
from notifykit.flow.retrying import RetryPolicy
from notifykit.models import Cleaned, Measurement, Message, Pace
from notifykit.plugins import Registry
from notifykit.protocols import Clock, Transport


class Pacers:
    """The pacers of one notifier: one for each pace, shared with the machine where the clock is."""

    def __init__(self, clock: Clock, state_dir: str | None) -> None:
        self._clock = clock
        self._state_dir = state_dir
        self._pacers: dict[Pace, Pacer] = {}

    def of(self, transport: Transport) -> Pacer | None:
        """Return the pacer of a transport; None where it has no limit.

        :raises ConfigError: where the pace can't be shared.
        """
        pace = transport.capabilities.pace
        if pace is None:
            return None
        known = self._pacers.get(pace)
        return known or self._pacers.setdefault(pace, pacer(pace, self._clock, self._state_dir))


@attrs.frozen
class Trip:
    """The stations and the limits that hold for one call."""

    #: Who has joined.
    registry: Registry
    #: What carries the messages.
    transport: Transport
    #: Who tells the sinks.
    recorder: Recorder
    #: What the guards have written for this call.
    guarding: Reservations
    #: The time.
    clock: Clock
    #: What decides over another try.
    retry: RetryPolicy
    #: When a request of each transport may start.
    pacers: Pacers
    #: Seconds for one request.
    timeout: float
    #: The monotonic time at which the send ends, whatever is left; None for no limit.
    ends: float | None
    #: How many recipients to look back over for duplicates; None for all.
    dedupe_window: int | None = None
    #: Whether the caller lets a failover go on after an unknown outcome.
    move_unknown: bool = False
    #: What becomes of an option that a transport can't honour: ``error``, ``warn`` or ``drop``.
    unsupported: str = "warn"
    #: What makes the requests of a transport in its place, in a test run; None where it makes them itself.
    instead: Callable[[Transport], Transport] | None = None
    #: What hears of the message once it is cleaned, in a test run; None where nobody does.
    told: Callable[[Prepared], None] | None = None

    def left(self) -> float:
        """Return the seconds until the send ends."""
        return float("inf") if self.ends is None else self.ends - self.clock.monotonic()


@attrs.frozen
class Fit:
    """A message as one transport would carry it."""

    #: The message, without what the transport can't honour.
    message: Message
    #: What was left out, each a sentence.
    warnings: tuple[str, ...] = ()
    #: Why the transport can't carry it at all; None where it can.
    refusal: TransportError | None = None


@attrs.frozen
class Prepared:
    """A message that is ready to be cut into batches."""

    #: The message with its cleaned text.
    message: Message
    #: The text, and what the cleaners changed.
    cleaned: Cleaned
    #: What the text takes up; None where the transport does not measure.
    measurement: Measurement | None
    #: What the transport of the send makes of it.
    fitted: Fit

    @property
    def refusal(self) -> TransportError | None:
        """Why nobody can be sent this message; None where it is fine."""
        return self.fitted.refusal
