"""What a send has with it on its way through the stages, and a batch through its attempts."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from notifykit.errors import TransportError
from notifykit.models.capabilities import Measurement, RateLimit
from notifykit.models.message import Cleaned, Message
from notifykit.models.receipt import Receipt
from notifykit.pipeline.dispatcher import EventDispatcher
from notifykit.pipeline.reservations import Reservations
from notifykit.pipeline.retry import RetryPolicy
from notifykit.plugins import Registry
from notifykit.protocols import Clock, Transport
from notifykit.rate_limit import RateLimiter, rate_limiter


class RateLimiters:
    """The rate limiters of one notifier: one for each rate limit, shared with the machine where the clock is."""

    def __init__(self, clock: Clock, state_dir: str | None) -> None:
        self._clock = clock
        self._state_dir = state_dir
        self._rate_limiters: dict[RateLimit, RateLimiter] = {}

    def of(self, transport: Transport) -> RateLimiter | None:
        """Return the rate limiter of a transport; None where it has no limit.

        :raises ConfigError: where the rate limit can't be shared.
        """
        rate_limit = transport.capabilities.rate_limit
        if rate_limit is None:
            return None
        known = self._rate_limiters.get(rate_limit)
        return known or self._rate_limiters.setdefault(
            rate_limit, rate_limiter(rate_limit, self._clock, self._state_dir)
        )


@attrs.frozen
class SendContext:
    """The plugins, the transport and the limits of one send."""

    #: The plugins.
    registry: Registry
    #: What carries the messages.
    transport: Transport
    #: Hands events to the sinks.
    dispatcher: EventDispatcher
    #: What the guards have counted for this send.
    reservations: Reservations
    #: The time.
    clock: Clock
    #: What decides over another try.
    retry: RetryPolicy
    #: When a request of each transport may start.
    rate_limiters: RateLimiters
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
    #: Returns what makes the requests of a transport in its place, in a test run; None where it makes them itself.
    intercept: Callable[[Transport], Transport] | None = None
    #: Called with the prepared message, in a test run.
    on_prepared: Callable[[Prepared], None] | None = None

    def left(self) -> float:
        """Return the seconds until the send ends."""
        return float("inf") if self.ends is None else self.ends - self.clock.monotonic()


@attrs.define(eq=False)
class SendState:
    """What the batches of one send know together."""

    #: What transports make of the message, by the id of the transport, as far as it is known.
    adapted: dict[int, Adapted]
    #: Whether the send has one recipient in all, whose caller is told to wait instead of being held up.
    single: bool = False
    #: Whether several requests may be in flight.
    concurrent: bool = False
    #: Why a transport need not be asked again for this message, by the id of the transport.
    stopped: dict[int, TransportError] = attrs.field(init=False, factory=dict)
    #: Whether nothing more shall be sent: a batch then ends with what it knows.
    over: bool = attrs.field(init=False, default=False)
    #: What interrupted the logging of an answer; it is raised once the answer's receipts are handed over.
    interrupt: BaseException | None = attrs.field(init=False, default=None)

    def keep_interrupt(self, interrupt: BaseException) -> None:
        """Let nothing more be sent, and keep an exception until :meth:`raise_interrupt`."""
        self.over, self.interrupt = True, interrupt

    def raise_interrupt(self) -> None:
        """Raise what was kept."""
        if self.interrupt is not None:
            interrupt, self.interrupt = self.interrupt, None
            raise interrupt


@attrs.define(eq=False)
class BatchContext:
    """What the attempts of one batch have with them."""

    #: That of the send.
    send: SendContext
    #: What all batches of the send know.
    state: SendState
    #: How many attempts there have been.
    attempts: int = attrs.field(init=False, default=0)

    def may_start(self, transport: Transport) -> bool:
        """Return whether a request of a transport may start: another batch may have heard that none shall."""
        return not self.state.over and id(transport) not in self.state.stopped and self.send.left() > 0

    def retry_after(self, ended: Receipt | TransportError, tries: int) -> float | None:
        """Return the seconds until another try may be made, or None where there is none."""
        if self.state.over:
            return None
        wait = self.send.retry.after(ended, tries, alone=self.state.single)
        return wait if wait is not None and wait < self.send.left() else None


@attrs.frozen
class Adapted:
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
    adapted: Adapted

    @property
    def refusal(self) -> TransportError | None:
        """Why nobody can be sent this message; None where it is fine."""
        return self.adapted.refusal
