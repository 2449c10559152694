"""One try of a batch: through the tree of transports, one request for each leaf that a composite chooses.

Whatever composites decide, the road keeps what was heard: an acceptance outweighs an unknown outcome, and that a
refusal. So no composite can lose or gloss over what a provider said.
"""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterable, Iterator, Sequence

import attrs

from notifykit.errors import (
    INTERRUPTS,
    AuthFailed,
    ContentRejected,
    OutcomeUnknown,
    OutOfCredit,
    SenderNotAllowed,
    TransportError,
)
from notifykit.flow.expecting import nobody
from notifykit.flow.fitting import fit
from notifykit.flow.trip import Trip
from notifykit.joining import joined, outcome_of
from notifykit.models import Attempt, Batch, Outcome, Receipt, SkipReason, Submission
from notifykit.protocols import Composite, Leg, Transport

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

    #: Who makes it.
    transport: Transport
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
Try = Generator[Wait | Exchange, Answer | None, Sequence[Receipt]]


@attrs.define(eq=False)
class Ride:
    """What is remembered from one batch of a send to the next."""

    #: The stations and the limits.
    trip: Trip
    #: Which transports need not be asked again for this message, and why.
    done_with: dict[int, TransportError] = attrs.field(factory=dict)
    #: The tries of the present batch, the one under way included.
    tries: int = 0
    #: Numbers the attempts of the present batch.
    numbers: Iterator[int] = attrs.field(factory=itertools.count)

    def begin(self) -> None:
        """Start with another batch."""
        self.tries = 0
        self.numbers = itertools.count(1)

    def again(self, error: TransportError, batch: Batch) -> float | None:
        """Return the seconds until a batch may be tried again, or None where it may not."""
        wait = self.trip.retry.wait(error, self.tries, alone=batch.number == len(batch) == 1)
        return wait if wait is not None and wait < self.trip.left() else None


def carry(transport: Transport, batch: Batch, ride: Ride, *, inside: bool = False) -> Try:
    """Take a batch through a transport once, and return a receipt for each recipient.

    :param inside: whether the transport is a part of a composite, which has its own plans for a failure.
    """
    if isinstance(transport, Composite):
        return (yield from _through(transport, batch, ride))
    fitted = fit(batch.message, transport, ride.trip, check=inside)
    if fitted.refusal:
        return _untried(batch, ride.trip, error=fitted.refusal)
    receipts: list[Receipt] = []
    for piece in attrs.evolve(batch, message=fitted.message).pieces(transport.capabilities.batch_size):
        error = ride.done_with.get(id(transport))
        if error:
            receipts += _untried(piece, ride.trip, error=error)
        else:
            receipts += yield from _request(transport, piece, ride, fitted.warnings, inside=inside)
    return receipts


def receipts_of(batch: Batch, attempt: Attempt) -> list[Receipt]:
    """Return what a request that came to an end means for each recipient."""
    said = attempt.submission
    receipts = []
    for position, recipient in zip(batch.positions, batch.recipients, strict=True):
        error = said.refused.get(recipient.address) if said else attempt.error
        receipts.append(Receipt(position, recipient, outcome_of(error), error, None, said, (attempt,), batch.number))
    return receipts


def error_of(answer: Answer | None) -> TransportError:
    """Return the error that an answer is where it is no submission; what nobody understands is unknown."""
    if isinstance(answer, TransportError):
        return answer
    kind = type(answer if isinstance(answer, BaseException) else TypeError()).__name__
    return OutcomeUnknown(f"The transport broke off with {kind} instead of an answer.", code=kind)


def _through(composite: Composite, batch: Batch, ride: Ride) -> Try:
    """Carry out the legs that a composite asks for, and keep what is heard of each recipient."""
    trip = ride.trip
    heard: dict[int, Receipt] = {}
    missed: dict[int, list[str]] = {}
    steps = composite.carry(batch, after_unknown=trip.move_unknown)
    answer: Sequence[Receipt] | None = None
    while True:
        try:
            leg = steps.send(answer)  # type: ignore[arg-type]  # a generator starts with None
            if not isinstance(leg, Leg):
                raise TypeError("a composite yields Legs")
        except StopIteration:
            break
        except INTERRUPTS:
            raise
        except BaseException as error:  # a plugin may raise anything
            trip.recorder.plugin_failed("transport", composite.name, error, batch.message)
            break
        if leg.instead_of is not None and leg.because is not None:
            trip.recorder.failed_over(leg.batch, str(leg.instead_of), str(leg.transport), leg.because)
        answer = yield from carry(leg.transport, leg.batch, ride, inside=True)
        for receipt in answer:
            if leg.also and receipt.outcome is not Outcome.ACCEPTED:
                missed.setdefault(receipt.position, []).append(f"{leg.transport}: {receipt.error or receipt.skipped}")
            heard[receipt.position] = joined(heard.get(receipt.position), receipt)
    rest = batch.only({position for position in batch.positions if position not in heard})
    if rest:
        heard |= {receipt.position: receipt for receipt in _untried(rest, trip, error=nobody())}
    return [_with_missed(heard[position], missed.get(position, ())) for position in batch.positions]


def _with_missed(receipt: Receipt, missed: Iterable[str]) -> Receipt:
    """Return an accepted receipt with a warning for each transport that should have carried it too, and did not."""
    if receipt.submission is None or not missed:
        return receipt
    warnings = (*receipt.submission.warnings, *(f"Not carried by {why}" for why in missed))
    return attrs.evolve(receipt, submission=attrs.evolve(receipt.submission, warnings=warnings))


def _request(transport: Transport, batch: Batch, ride: Ride, warnings: tuple[str, ...], *, inside: bool) -> Try:
    """Make one request when its turn comes, and read its answer."""
    trip = ride.trip
    if not (yield from _turn(transport, trip)):
        return _untried(batch, trip, skipped=SkipReason.DEADLINE)
    number = next(ride.numbers)
    started, began = trip.clock.now(), trip.clock.monotonic()
    try:
        answer = yield Exchange(transport, batch, trip.timeout, trip.ends)
    except Abandoned:
        raise
    except BaseException:
        # The request may be out, and nobody will read its answer: the log must say so before the world ends.
        lost = OutcomeUnknown("The request was interrupted before its answer came.", code="interrupted")
        attempt = Attempt(number, str(transport), started, trip.clock.monotonic() - began, lost)
        trip.recorder.attempt(batch, attempt, Outcome.UNKNOWN)
        raise
    elapsed = trip.clock.monotonic() - began
    if isinstance(answer, Submission):
        submission = attrs.evolve(answer, warnings=(*answer.warnings, *warnings)) if warnings else answer
        attempt = Attempt(number, str(transport), started, elapsed, submission=submission)
        trip.recorder.attempt(batch, attempt, Outcome.ACCEPTED, submission)
        return receipts_of(batch, attempt)
    error = error_of(answer)
    if answer is not error:
        broken = answer if isinstance(answer, BaseException) else TypeError("a transport returns a Submission")
        trip.recorder.plugin_failed("transport", transport.name, broken, batch.message)
    attempt = Attempt(number, str(transport), started, elapsed, error)
    trip.recorder.attempt(batch, attempt, outcome_of(error), again=None if inside else ride.again(error, batch))
    if isinstance(error, _ENDS_THE_SEND):
        ride.done_with[id(transport)] = error
    return receipts_of(batch, attempt)


def _turn(transport: Transport, trip: Trip) -> Generator[Wait | Exchange, Answer | None, bool]:
    """Wait until a request may start, and return True; return False where the send ends before."""
    pacer = trip.pacers.of(transport)
    while pacer and trip.left() > 0 and (wait := pacer.start()):
        if wait >= trip.left():
            return False
        yield Wait(wait)
    return trip.left() > 0


def _untried(
    batch: Batch, trip: Trip, *, error: TransportError | None = None, skipped: SkipReason | None = None
) -> list[Receipt]:
    outcome = Outcome.SKIPPED if skipped else Outcome.REJECTED
    trip.recorder.batch_set_aside(batch, outcome, error, error.detail if error else str(skipped))
    return [
        Receipt(position, recipient, outcome, error, skipped, batch=batch.number)
        for position, recipient in zip(batch.positions, batch.recipients, strict=True)
    ]
