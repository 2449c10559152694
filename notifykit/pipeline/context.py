"""What the stages of one send share: its parts and limits, its prepared message, and what its guards have reserved."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import attrs

from notifykit.counters import CounterStore, CounterStoreUnavailable, Reservation
from notifykit.errors import NotEnoughCredit, TransportError
from notifykit.models.capabilities import Measurement, RateLimit
from notifykit.models.message import Cleaned, Message
from notifykit.models.receipt import Outcome, Receipt
from notifykit.pipeline.dispatcher import EventDispatcher
from notifykit.pipeline.retry import RetryPolicy
from notifykit.plugins import Registry
from notifykit.protocols import Clock, Transport
from notifykit.rate_limit import RateLimiter, rate_limiter

_log = logging.getLogger("notifykit.guards")

#: Seconds for which a counter store that could not be used is not asked again: each question may take one.
_STORE_PAUSE: Final = 5.0


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


class GuardCounters:
    """The counter store as guards see it while they check one recipient: what they reserve is remembered."""

    def __init__(self, reservations: Reservations) -> None:
        self._reservations = reservations
        #: What was reserved.
        self.entries: list[Reservation] = []

    def reserve(self, key: str, amount: float, most: float, window: float) -> float:
        """Reserve an amount under a key and return 0, or return the seconds until there may be room for it.

        :raises ValueError: where the window is not above zero, or the amount is below it.
        :raises CounterStoreUnavailable: where the counter store can't be used.
        """
        if not 0 < window < math.inf:
            raise ValueError("a window is a number of seconds above zero")
        if not 0 <= amount < math.inf:
            raise ValueError("an amount is a number of zero or more")
        reserved = self._reservations.reserve(key, amount, most, window)
        if isinstance(reserved, Reservation):
            self.entries.append(reserved)
            return 0.0
        return reserved


@attrs.define(eq=False, repr=False)
class Reservations:
    """What the guards of one send have reserved; what is certainly not sent is released.

    A recipient's reservations are *open* until its request may start, and *started* until its receipt is there.
    """

    _store: CounterStore
    _clock: Clock
    _failure: CounterStoreUnavailable | None = attrs.field(init=False, default=None)
    _failed_until: float = attrs.field(init=False, default=0.0)
    _open: dict[int, list[Reservation]] = attrs.field(init=False, factory=dict)
    _started: dict[int, list[Reservation]] = attrs.field(init=False, factory=dict)
    _reported: set[tuple[str, type[BaseException]]] = attrs.field(init=False, factory=set)

    def reserve(self, key: str, amount: float, most: float, window: float) -> float | Reservation:
        """Reserve an amount in the store.

        :raises CounterStoreUnavailable: where it can't be used, or could not be a moment ago.
        """
        if self._failure and self._clock.monotonic() < self._failed_until:
            raise self._failure.with_traceback(None)
        try:
            return self._store.reserve(key, amount, most, window)
        except CounterStoreUnavailable as error:
            self._failure, self._failed_until = error, self._clock.monotonic() + _STORE_PAUSE
            raise

    def keep(self, position: int, counters: GuardCounters) -> None:
        """Keep what was reserved for a recipient until its receipt is there."""
        if counters.entries:
            self._open[position] = counters.entries

    def release(self, entries: Sequence[Reservation]) -> None:
        """Release what was reserved for a message that is not sent. Never raises."""
        if not entries:
            return
        try:
            self._store.release(entries)
        except CounterStoreUnavailable as error:
            _log.warning("what was not sent goes on counting: %s %s", error.detail, error.action)

    def begin(self, positions: Iterable[int]) -> None:
        """Note that a request for these recipients may start: they count until a receipt says otherwise."""
        if self._open:
            for position in positions:
                entries = self._open.pop(position, None)
                if entries is not None:
                    self._started[position] = entries

    def settle(self, receipts: Iterable[Receipt]) -> None:
        """Release what was reserved for recipients who were certainly not sent to. Never raises."""
        for receipt in receipts if self._open or self._started else ():
            entries = self._started.pop(receipt.position, None) or self._open.pop(receipt.position, [])
            if receipt.outcome in (Outcome.REJECTED, Outcome.SKIPPED):
                self.release(entries)

    def abandon(self) -> None:
        """Release what is reserved for recipients whose request did not start: none of them will be sent to."""
        for entries in self._open.values():
            self.release(entries)
        self._open.clear()

    def is_first_failure(self, name: str, error: BaseException) -> bool:
        """Return whether a plugin raises this kind of error for the first time in this send, so that it is logged once."""
        failure = (name, type(error))
        is_first = failure not in self._reported
        self._reported.add(failure)
        return is_first


@attrs.frozen
class SendContext:
    """The plugins, the transport and the limits of one send."""

    #: The plugins.
    registry: Registry
    #: What sends the messages.
    transport: Transport
    #: Hands events to the sinks.
    dispatcher: EventDispatcher
    #: What the guards have reserved for this send.
    reservations: Reservations
    #: The time.
    clock: Clock
    #: What decides about another try.
    retry: RetryPolicy
    #: When a request of each transport may start.
    rate_limiters: RateLimiters
    #: Seconds for one request.
    timeout: float
    #: The monotonic time at which the send ends, whatever has been sent by then; None for no limit.
    ends: float | None
    #: How many recipients to look back over for duplicates; None for all.
    dedupe_window: int | None = None
    #: Whether the caller lets a failover go on after an unknown outcome.
    move_unknown: bool = False
    #: What happens to an option that a transport can't use: ``error``, ``warn`` or ``drop``.
    unsupported: str = "warn"
    #: Returns what makes the requests of a transport in its place, in a test run; None where it makes them itself.
    intercept: Callable[[Transport], Transport] | None = None
    #: Attempts that were made before this send: those of a job.
    attempts: int = 0
    #: Whether the outcomes of this send are final; those of a job's try are not, where another one follows.
    final: bool = True
    #: Called with the prepared message, in a test run.
    on_prepared: Callable[[Prepared], None] | None = None

    def seconds_left(self) -> float:
        """Return the seconds until the send ends."""
        return math.inf if self.ends is None else self.ends - self.clock.monotonic()


@attrs.define(eq=False)
class SendState:
    """What the batches of one send know together."""

    #: What transports make of the message, by the id of the transport, as far as it is known.
    adapted: dict[int, Adapted]
    #: Whether the send has one recipient in all: its caller decides whether to wait.
    single: bool = False
    #: Whether several requests may be in flight.
    concurrent: bool = False
    #: Why a transport need not be asked again for this message, and from how many recipients on; by the transport's id.
    stopped: dict[int, tuple[TransportError, int]] = attrs.field(init=False, factory=dict)
    #: Whether nothing more shall be sent: a batch then ends with what it knows.
    over: bool = attrs.field(init=False, default=False)
    #: What interrupted the logging of an answer; it is raised once the answer's receipts are handed over.
    interrupt: BaseException | None = attrs.field(init=False, default=None)

    def stop(self, transport: Transport, error: TransportError, recipients: int) -> None:
        """Let no more requests be made; where the credit was too small for this one, smaller ones still may be."""
        least = recipients if isinstance(error, NotEnoughCredit) else 0
        if least <= self.stopped.get(id(transport), (error, least))[1]:
            self.stopped[id(transport)] = (error, least)

    def stopped_by(self, transport: Transport, recipients: int) -> TransportError | None:
        """Return the error for which a request to so many recipients need not be made; None where it may be."""
        error, least = self.stopped.get(id(transport), (None, 0))
        return error if recipients >= least else None

    def keep_interrupt(self, interrupt: BaseException) -> None:
        """Let nothing more be sent, and keep an exception that is raised later."""
        self.over, self.interrupt = True, interrupt


@attrs.define(eq=False)
class BatchContext:
    """What the attempts of one batch share."""

    #: The context of the send.
    send: SendContext
    #: What all batches of the send know.
    state: SendState
    #: How many attempts there have been.
    attempts: int = attrs.field(init=False, default=attrs.Factory(lambda self: self.send.attempts, takes_self=True))

    def may_start(self, transport: Transport, recipients: int) -> bool:
        """Return whether a request to so many may start: the result of another batch may have stopped the transport."""
        state = self.state
        if state.over or (state.stopped and state.stopped_by(transport, recipients)):
            return False
        return self.send.seconds_left() > 0

    def retry_after(self, failure: Receipt | TransportError, tries: int) -> float | None:
        """Return the seconds until another try may be made, or None where there is none."""
        if self.state.over:
            return None
        wait = self.send.retry.after(failure, tries, alone=self.state.single)
        return wait if wait is not None and wait < self.send.seconds_left() else None


@attrs.frozen
class Adapted:
    """A message as one transport would send it."""

    #: The message, without the options that the transport can't use.
    message: Message
    #: What was left out, and what the transport knows about such a message, each a sentence.
    warnings: tuple[str, ...] = ()
    #: Why the transport can't send it at all; None where it can.
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
    #: What the transport of the send makes of it. Its ``refusal`` is that of all recipients.
    adapted: Adapted
