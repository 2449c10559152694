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


class Abandoned(BaseException):
    """Thrown in by a driver that will not carry out the step it was asked for: nothing was sent by it."""


#: What a driver answers to an exchange; to everything else it answers None.
Answer = Submission | Exception
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
        submission, attempt = yield from _attempt(batch, trip, len(attempts) + 1)
        attempts = (*attempts, attempt)
        error = attempt.error
        if error is None:
            return _Delivered(_taken(batch, submission or Submission(), attempts))
        again = trip.retry.wait(error, len(attempts), len(batch))
        if again is None or again >= trip.left():
            return _Delivered(_failed(batch, error, attempts), error if _ends_the_send(error) else None)
        trip.recorder.retry(batch, attempt, again)
        yield Wait(again)


def _turn(trip: Trip) -> Generator[Wait | Exchange, Answer | None, bool]:
    """Wait until a request may start, and return True; return False where the send ends before."""
    if trip.pacer is None:
        return trip.left() > 0
    slot = trip.pacer.reserve(trip.left())
    if slot is None:
        return False
    try:
        wait = slot - trip.clock.monotonic()
        if wait > 0:
            yield Wait(wait)
        while wait := trip.pacer.start():
            if wait >= trip.left():
                return False
            yield Wait(wait)
    except BaseException:
        trip.pacer.release(slot)
        raise
    return trip.left() > 0


def _attempt(
    batch: Batch, trip: Trip, number: int
) -> Generator[Wait | Exchange, Answer | None, tuple[Submission | None, Attempt]]:
    started, began = trip.clock.now(), trip.clock.monotonic()
    try:
        answer = yield Exchange(batch, min(trip.timeout, trip.left()))
    except Abandoned:
        raise
    except BaseException:
        # The request may be out, and nobody will read its answer: the log must say so before the world ends.
        answer = OutcomeUnknown("The request was interrupted before its answer came.", code="interrupted")
        _record(batch, trip, answer, Attempt(number, str(trip.transport), started, 0.0, answer))
        raise
    elapsed = trip.clock.monotonic() - began
    error = _as_transport_error(answer, batch, trip)
    attempt = Attempt(number, str(trip.transport), started, elapsed, error)
    return _record(batch, trip, answer, attempt)


def _as_transport_error(answer: Answer | None, batch: Batch, trip: Trip) -> TransportError | None:
    if isinstance(answer, Submission):
        return None
    if isinstance(answer, TransportError):
        return answer
    broken = answer if isinstance(answer, Exception) else TypeError("a transport returns a Submission")
    trip.recorder.plugin_failed(
        "transport", trip.transport.name, broken, batch.message, *(r.address for r in batch.recipients)
    )
    return OutcomeUnknown(
        f"The transport broke off with {type(broken).__name__} instead of an answer.", code=type(broken).__name__
    )


def _record(batch: Batch, trip: Trip, answer: Answer | None, attempt: Attempt) -> tuple[Submission | None, Attempt]:
    submission = answer if isinstance(answer, Submission) else None
    trip.recorder.attempt(batch, attempt, _outcome(attempt.error), submission)
    return submission, attempt


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
    for position, recipient in zip(batch.positions, batch.recipients, strict=True):
        receipt = Receipt(position, recipient, outcome, error, skipped, batch=batch.number)
        trip.recorder.set_aside(batch.message, receipt)
        yield receipt


def _ends_the_send(error: TransportError) -> bool:
    return isinstance(error, _ENDS_THE_SEND)


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
