"""Step 4: each batch through the transport, paced and retried, until every recipient has an outcome.

The delivery is a generator that decides and never waits: it yields a :class:`Wait` or an :class:`Exchange` for its
driver to carry out, with threads or with asyncio, and receipts for the caller. So there is one road for both.
"""

from __future__ import annotations

import collections
from collections.abc import Generator, Iterable, Iterator

import attrs

from notifykit.errors import (
    AuthFailed,
    ContentRejected,
    OutcomeUnknown,
    OutOfCredit,
    SenderNotAllowed,
    TransportError,
)
from notifykit.flow.trip import Prepared, Trip
from notifykit.models import Attempt, Batch, Outcome, Receipt, SkipReason, Submission

#: Errors that the next batch of the same message would meet as well.
_ENDS_THE_SEND = (AuthFailed, ContentRejected, OutOfCredit, SenderNotAllowed)


@attrs.frozen
class Wait:
    """Let time pass."""

    #: How much, in seconds.
    seconds: float


@attrs.frozen
class Exchange:
    """Make one request."""

    #: The recipients.
    batch: Batch
    #: Seconds for the whole exchange.
    timeout: float
    #: The monotonic time at which the send ends, if it does: a request that starts late has less.
    ends: float | None = None


class Abandoned(BaseException):
    """Thrown in by a driver that will not carry out the step it was asked for: nothing was sent by it."""


#: What a driver answers to an exchange; to everything else it answers None.
Answer = Submission | BaseException
Steps = Generator[Wait | Exchange | Receipt, Answer | None, None]


def deliver(pieces: Iterable[Batch | Receipt], prepared: Prepared, trip: Trip) -> Steps:
    """Take every batch to its outcome, and tell the sinks of each step."""
    trip.recorder.planned(prepared.message, prepared.cleaned.edits, prepared.measurement, str(trip.transport))
    trip.recorder.raise_failures(prepared.message)
    began = trip.clock.monotonic()
    tally = _Tally()
    fatal: TransportError | None = None
    for piece in pieces:
        if isinstance(piece, Receipt):
            trip.recorder.set_aside(prepared.message, piece)
            yield tally.count(piece)
        elif fatal:
            yield from map(tally.count, _untried(piece, trip, error=fatal))
        else:
            delivered = yield from _batch(piece, trip)
            yield from map(tally.count, delivered.receipts)
            fatal = delivered.fatal
    elapsed = trip.clock.monotonic() - began
    trip.recorder.finished(prepared.message, str(trip.transport), tally.counts, tally.cost, elapsed)
    trip.recorder.raise_failures(prepared.message)


@attrs.frozen
class _Delivered:
    """How a batch ended."""

    receipts: Iterator[Receipt]
    #: Why the batches behind it need not be tried; None where they should be.
    fatal: TransportError | None = None


def _batch(batch: Batch, trip: Trip) -> Generator[Wait | Exchange, Answer | None, _Delivered]:
    attempts: tuple[Attempt, ...] = ()
    while True:
        if not (yield from _turn(trip)):
            return _Delivered(_out_of_time(batch, trip, attempts))
        answer, attempt = yield from _attempt(batch, trip, len(attempts) + 1)
        attempts = (*attempts, attempt)
        error = attempt.error
        if error is None:
            submission = answer if isinstance(answer, Submission) else Submission()
            trip.recorder.attempt(batch, attempt, Outcome.ACCEPTED, submission)
            return _Delivered(_taken(batch, submission, attempts))
        again = trip.retry.wait(error, len(attempts), alone=batch.number == len(batch) == 1)
        if again is not None and again >= trip.left():
            again = None
        trip.recorder.attempt(batch, attempt, _outcome(error), again=again)
        if again is None:
            return _Delivered(_failed(batch, error, attempts), error if isinstance(error, _ENDS_THE_SEND) else None)
        trip.recorder.retry(batch, attempt, again)
        yield Wait(again)


def _turn(trip: Trip) -> Generator[Wait | Exchange, Answer | None, bool]:
    """Wait until a request may start, and return True; return False where the send ends before."""
    while trip.pacer and trip.left() > 0 and (wait := trip.pacer.start()):
        if wait >= trip.left():
            return False
        yield Wait(wait)
    return trip.left() > 0


def _attempt(
    batch: Batch, trip: Trip, number: int
) -> Generator[Wait | Exchange, Answer | None, tuple[Answer | None, Attempt]]:
    started, began = trip.clock.now(), trip.clock.monotonic()
    try:
        answer = yield Exchange(batch, trip.timeout, trip.ends)
    except Abandoned:
        raise
    except BaseException:
        # The request may be out, and nobody will read its answer: the log must say so before the world ends.
        lost = OutcomeUnknown("The request was interrupted before its answer came.", code="interrupted")
        elapsed = trip.clock.monotonic() - began
        trip.recorder.attempt(batch, Attempt(number, str(trip.transport), started, elapsed, lost), Outcome.UNKNOWN)
        raise
    elapsed = trip.clock.monotonic() - began
    return answer, Attempt(number, str(trip.transport), started, elapsed, _as_transport_error(answer, batch, trip))


def _as_transport_error(answer: Answer | None, batch: Batch, trip: Trip) -> TransportError | None:
    if isinstance(answer, Submission):
        return None
    if isinstance(answer, TransportError):
        return answer
    broken = answer if isinstance(answer, BaseException) else TypeError("a transport returns a Submission")
    trip.recorder.plugin_failed("transport", trip.transport.name, broken, batch.message)
    return OutcomeUnknown(
        f"The transport broke off with {type(broken).__name__} instead of an answer.", code=type(broken).__name__
    )


def _outcome(error: TransportError | None) -> Outcome:
    if error is None:
        return Outcome.ACCEPTED
    return Outcome.REJECTED if error.safe_to_resend else Outcome.UNKNOWN


def _taken(batch: Batch, submission: Submission, attempts: tuple[Attempt, ...]) -> Iterator[Receipt]:
    for position, recipient in zip(batch.positions, batch.recipients, strict=True):
        error = submission.refused.get(recipient.address)
        yield Receipt(position, recipient, _outcome(error), error, None, submission, attempts, batch.number)


def _failed(batch: Batch, error: TransportError, attempts: tuple[Attempt, ...]) -> Iterator[Receipt]:
    outcome = _outcome(error)
    for position, recipient in zip(batch.positions, batch.recipients, strict=True):
        yield Receipt(position, recipient, outcome, error, attempts=attempts, batch=batch.number)


def _out_of_time(batch: Batch, trip: Trip, attempts: tuple[Attempt, ...]) -> Iterator[Receipt]:
    if attempts and attempts[-1].error:
        return _failed(batch, attempts[-1].error, attempts)
    return _untried(batch, trip, skipped=SkipReason.DEADLINE)


def _untried(
    batch: Batch, trip: Trip, *, error: TransportError | None = None, skipped: SkipReason | None = None
) -> Iterator[Receipt]:
    outcome = Outcome.SKIPPED if skipped else Outcome.REJECTED
    trip.recorder.batch_set_aside(batch, outcome, error, error.detail if error else str(skipped))
    for position, recipient in zip(batch.positions, batch.recipients, strict=True):
        yield Receipt(position, recipient, outcome, error, skipped, batch=batch.number)


class _Tally:
    """Counts receipts as they go by."""

    def __init__(self) -> None:
        self.counts: dict[Outcome, int] = collections.Counter()
        self.cost: float | None = None
        self._last: Submission | None = None

    def count(self, receipt: Receipt) -> Receipt:
        """Count one receipt and return it."""
        self.counts[receipt.outcome] += 1
        submission = receipt.submission
        if submission is not None and submission is not self._last:
            self._last = submission
            if submission.cost is not None:
                self.cost = (self.cost or 0) + submission.cost
        return receipt
