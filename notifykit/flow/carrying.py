"""One try of a batch: through the tree of transports, one request for each leaf that a composite chooses.

Whatever composites decide, the road keeps what was heard: an acceptance outweighs an unknown outcome, and that a
refusal. So no composite can lose or gloss over what a provider said.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import NamedTuple

import attrs

from notifykit.errors import (
    INTERRUPTS,
    AuthFailed,
    ContentRejected,
    OutcomeUnknown,
    OutOfCredit,
    ProviderUnavailable,
    SenderNotAllowed,
    TransportError,
)
from notifykit.flow.expecting import nobody
from notifykit.flow.fitting import fit
from notifykit.flow.pacing import Pacer
from notifykit.flow.trip import Fit, Trip
from notifykit.joining import error_of, joined, outcome_of, receipts_of
from notifykit.models import Attempt, Batch, Message, Outcome, Receipt, Recipient, SkipReason, Submission
from notifykit.protocols import Assignment, Composite, Connectable, Transport, is_composite

#: Errors that the next batch of the same message would meet as well.
_ENDS_THE_SEND = (AuthFailed, ContentRejected, OutOfCredit, SenderNotAllowed)


@attrs.frozen
class Wait:
    """Let time pass."""

    #: How much, in seconds; infinity where only an answer goes on.
    seconds: float
    #: Whether it is for a turn, which the next batch would have to wait for as well.
    turn: bool = False


@attrs.frozen(eq=False)
class Connect:
    """Open a connection for the next request, before it takes its turn: then the request leaves when its turn comes."""

    #: Who will make the request.
    transport: Connectable
    #: Seconds for it.
    timeout: float


@attrs.frozen(eq=False)
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
    #: Called right before the request starts, so that a late start is counted when it is; None where nobody counts.
    starts: Callable[[], None] | None = None
    #: Whether other requests of the send may be made before its answer is there.
    apart: bool = False


class Heard(NamedTuple):
    """What came of an exchange, or of opening a connection."""

    #: Which one it was.
    exchange: Exchange | Connect
    #: What the transport returned or raised: a submission or an exception, where it keeps to its contract. None where
    #: a connection was opened.
    answer: Answer | None
    #: The monotonic time at which it did.
    at: float


class Abandoned(BaseException):
    """Thrown in where the step that was asked for will not be carried out: nothing was sent by it."""


Answer = Submission | BaseException
#: A batch on its road: it is sent what came of an exchange, and after a wait None.
Try = Generator[Wait | Connect | Exchange, Heard | None, list[Receipt]]


@attrs.define(eq=False)
class Common:
    """What the batches of one send know together."""

    #: What transports make of the message, as far as it is known.
    fits: dict[int, Fit]
    #: Whether the send has one recipient in all, whose caller is told to wait instead of being held up.
    alone: bool = False
    #: Whether several batches may be under way.
    apart: bool = False
    #: Which transports need not be asked again for this message, and why.
    done_with: dict[int, TransportError] = attrs.field(init=False, factory=dict)
    #: Whether nothing more shall be sent: a road then ends with what it knows.
    over: bool = attrs.field(init=False, default=False)
    #: What interrupted the telling of an answer; it is raised once the answer's receipts are handed over.
    interrupt: BaseException | None = attrs.field(init=False, default=None)

    def raise_interrupt(self) -> None:
        """Raise what was kept back."""
        if self.interrupt is not None:
            interrupt, self.interrupt = self.interrupt, None
            raise interrupt


@attrs.define(eq=False)
class Ride:
    """What a batch takes along."""

    #: The stations and the limits.
    trip: Trip
    #: What it shares with the other batches of the send.
    common: Common
    #: Numbers the attempts of the batch.
    numbers: Iterator[int] = attrs.field(init=False, factory=functools.partial(itertools.count, 1))

    def fit(self, transport: Transport, message: Message) -> Fit:
        """Return what a transport makes of the message."""
        found = self.common.fits.get(id(transport))
        if found is None:
            found = self.common.fits[id(transport)] = fit(message, transport, self.trip)
        return found

    def again(self, ended: Receipt | TransportError, tries: int) -> float | None:
        """Return the seconds until another try may be made, or None where there is none."""
        if self.common.over:
            return None
        wait = self.trip.retry.after(ended, tries, alone=self.common.alone)
        return wait if wait is not None and wait < self.trip.left() else None


def patiently(transport: Transport, batch: Batch, ride: Ride, inside: Composite | None = None) -> Try:
    """Take a batch through a transport, and whoever may be tried again once more, until each has an outcome.

    Where the send ends before that, there are receipts of those only of whom something was heard.
    """
    receipts = heard = yield from carry(transport, batch, ride, inside)
    rejected = Outcome.REJECTED
    for tries in itertools.count(1):
        waits = {
            receipt.position: wait
            for receipt in heard
            if receipt.outcome is rejected and (wait := ride.again(receipt, tries)) is not None
        }
        if not waits:
            break
        known = {receipt.position: receipt for receipt in receipts}
        waiting = batch.only(waits)
        longest = max(waits.values())
        try:
            ride.trip.recorder.retry(waiting, known[waiting.positions[0]], longest)
        except BaseException as interrupt:  # what was answered is handed over first
            ride.common.over, ride.common.interrupt = True, interrupt
            break
        yield Wait(longest)
        answers = yield from carry(transport, waiting, ride, inside, tries + 1)
        heard = [joined(known[receipt.position], receipt, again=True) for receipt in answers]
        known |= {receipt.position: receipt for receipt in heard}
        receipts = list(known.values())
    return receipts


def carry(transport: Transport, batch: Batch, ride: Ride, inside: Composite | None = None, tries: int = 1) -> Try:
    """Take a batch through a transport once, and return a receipt for each recipient.

    :param inside: the composite that the transport is a part of; it has its own plans for a failure.
    :param tries: which try this is.
    """
    if is_composite(transport):
        return (yield from _through(transport, batch, ride))
    fitted = ride.fit(transport, batch.message)
    if fitted.refusal:
        return _untried(batch, ride.trip, error=fitted.refusal, inside=inside is not None)
    receipts: list[Receipt] = []
    if fitted.message is not batch.message:
        batch = attrs.evolve(batch, message=fitted.message)
    for piece in batch.pieces(transport.capabilities.batch_size):
        receipts += yield from _request(transport, piece, ride, fitted.warnings, inside, tries)
    return receipts


def _through(composite: Composite, batch: Batch, ride: Ride) -> Try:
    """Carry out the assignments that a composite asks for, and keep what is heard of each recipient."""
    trip = ride.trip
    heard: dict[int, Receipt] = {}
    missed: dict[int, list[str]] = {}
    people = dict(zip(batch.positions, batch.recipients, strict=True))
    steps = composite.carry(batch, after_unknown=trip.move_unknown)
    answer: Sequence[Receipt] | None = None
    broken: TransportError = nobody()
    while True:
        try:
            assignment = _checked(steps.send(answer), people, heard, trip)  # type: ignore[arg-type]  # it starts with None
        except StopIteration:
            break
        except INTERRUPTS:
            raise
        except BaseException as error:  # a plugin may raise anything
            trip.recorder.plugin_failed("transport", composite.name, error, batch.message)
            broken = _broke(composite, error)
            break
        if assignment.instead_of is not None and assignment.because is not None:
            trip.recorder.failed_over(
                assignment.batch, str(assignment.instead_of), str(assignment.transport), assignment.because
            )
        answer = yield from _assignment(assignment, ride, composite)
        for receipt in answer:
            if assignment.also and receipt.outcome is not Outcome.ACCEPTED:
                missed.setdefault(receipt.position, []).append(_missing(receipt, assignment.transport))
            heard[receipt.position] = joined(heard.get(receipt.position), receipt, also=assignment.also)
        if ride.common.over:
            break
    rest = batch.only({position for position in batch.positions if position not in heard})
    if rest and not ride.common.over:
        heard |= {receipt.position: receipt for receipt in _untried(rest, trip, error=broken, inside=True)}
    return [_with_missed(heard[at], missed.get(at, ())) for at in batch.positions if at in heard]


def _assignment(assignment: Assignment, ride: Ride, composite: Composite) -> Try:
    """Take an assignment's batch through its transport; one that is gone also has all its tries now."""
    if assignment.also:
        return [
            _spent(receipt)
            for receipt in (yield from patiently(assignment.transport, assignment.batch, ride, composite))
        ]
    return (yield from carry(assignment.transport, assignment.batch, ride, composite))


def _checked(
    assignment: object, people: Mapping[int, Recipient], heard: Mapping[int, Receipt], trip: Trip
) -> Assignment:
    """Return an assignment, without whoever must not be sent to again.

    :raises TypeError: where it is no assignment.
    :raises ValueError: where it is for somebody who is not in the batch.
    """
    if not isinstance(assignment, Assignment):
        raise TypeError("a composite yields Assignments")
    if any(
        people.get(position) != who
        for position, who in zip(assignment.batch.positions, assignment.batch.recipients, strict=True)
    ):
        raise ValueError("an assignment is for somebody who is not in the batch")
    if assignment.also:
        return assignment
    spared = {Outcome.ACCEPTED} if trip.move_unknown else {Outcome.ACCEPTED, Outcome.UNKNOWN}
    left = {p for p in assignment.batch.positions if p not in heard or heard[p].outcome not in spared}
    return (
        assignment
        if len(left) == len(assignment.batch)
        else attrs.evolve(assignment, batch=assignment.batch.only(left))
    )


def _broke(composite: Composite, error: BaseException) -> TransportError:
    return ProviderUnavailable(
        f"The composite {composite.name} broke off with {type(error).__name__} before anybody was asked.",
        "composite",
        action="Nothing was sent to this recipient, so sending again is safe. Put the composite right first.",
    )


def _spent(receipt: Receipt) -> Receipt:
    """Return a receipt whose error has had all the tries that it may have."""
    error = receipt.error
    return attrs.evolve(receipt, error=attrs.evolve(error, waits=())) if error and error.waits else receipt


def _missing(receipt: Receipt, transport: Transport) -> str:
    why = receipt.error.detail if receipt.error else str(receipt.skipped)
    if receipt.outcome is Outcome.UNKNOWN:
        return f"It may or may not have been carried by {transport} too: {why}"
    return f"It was not carried by {transport} too: {why}"


def _with_missed(receipt: Receipt, missed: Sequence[str]) -> Receipt:
    """Return an accepted receipt with a warning for each transport that should have carried it too, and did not."""
    if receipt.submission is None or not missed:
        return receipt
    warnings = (*receipt.submission.warnings, *missed, "Another transport took it: don't send it to everybody again.")
    return attrs.evolve(receipt, submission=attrs.evolve(receipt.submission, warnings=warnings))


def _request(
    transport: Transport, batch: Batch, ride: Ride, warnings: tuple[str, ...], inside: Composite | None, tries: int
) -> Try:
    """Make one request when its turn comes, and read its answer."""
    trip = ride.trip
    within = str(inside) if inside is not None else None
    pacer = trip.pacers.of(transport)
    carrier = trip.instead(transport) if trip.instead else transport
    turn = yield from _turn(transport, carrier, pacer, ride)
    if not turn:
        if ride.common.over:
            return []
        error = ride.common.done_with.get(id(transport))
        late = None if error else SkipReason.DEADLINE
        return _untried(batch, trip, error=error, skipped=late, inside=inside is not None)
    number = next(ride.numbers)
    started, began = trip.clock.now(), trip.clock.monotonic()
    trip.guarding.begin(batch.positions)
    try:
        if isinstance(turn, Heard):  # no connection could be opened
            heard: Heard | None = turn
        else:
            starts = functools.partial(pacer.restart, began) if pacer else None
            heard = yield Exchange(carrier, batch, trip.timeout, trip.ends, starts, ride.common.apart)
    except Abandoned:
        raise
    except BaseException:
        # The request may be out, and nobody will read its answer: the log must say so before the world ends.
        lost = OutcomeUnknown("The request was interrupted before its answer came.", code="interrupted")
        attempt = Attempt(number, str(transport), started, trip.clock.monotonic() - began, lost)
        trip.recorder.attempt(batch, attempt, Outcome.UNKNOWN, inside=within)
        raise
    assert heard is not None, "an exchange is answered"
    answer, elapsed = heard.answer, max(0.0, heard.at - began)
    if isinstance(answer, Submission):
        submission = attrs.evolve(answer, warnings=(*answer.warnings, *warnings)) if warnings else answer
        attempt = Attempt(number, str(transport), started, elapsed, submission=submission)
        return _told(ride, batch, attempt, within)
    error = error_of(answer)
    if answer is not error:
        broken = answer if isinstance(answer, BaseException) else TypeError("a transport returns a Submission")
        trip.recorder.plugin_failed("transport", transport.name, broken, batch.message)
    attempt = Attempt(number, str(transport), started, elapsed, error)
    personal = transport.capabilities.personal and isinstance(error, ContentRejected | SenderNotAllowed)
    if isinstance(error, _ENDS_THE_SEND) and not personal:
        ride.common.done_with[id(transport)] = error
    return _told(ride, batch, attempt, within, None if inside is not None else ride.again(error, tries))


def _told(ride: Ride, batch: Batch, attempt: Attempt, within: str | None, again: float | None = None) -> list[Receipt]:
    """Tell that a request came to an end, and return its receipts, whatever interrupts the telling.

    :param within: the composite that asked for it.
    :param again: seconds until there is another try.
    """
    receipts = receipts_of(batch, attempt)
    try:
        outcome = outcome_of(attempt.error)
        ride.trip.recorder.attempt(batch, attempt, outcome, attempt.submission, again, within)
    except BaseException as interrupt:
        ride.common.over, ride.common.interrupt = True, interrupt
    return receipts


def _turn(
    transport: Transport, carrier: Transport, pacer: Pacer | None, ride: Ride
) -> Generator[Wait | Connect, Heard | None, Heard | bool]:
    """Wait until a request may start, and return True; return False where none shall any more.

    Where no connection can be opened, what was heard is returned.
    """
    trip, common = ride.trip, ride.common

    def may_start() -> bool:
        # Another batch may hear meanwhile that the transport need not be asked again.
        return not common.over and id(transport) not in common.done_with and trip.left() > 0

    while may_start():
        if pacer is None:
            return True
        if isinstance(carrier, Connectable):
            heard = yield Connect(carrier, min(trip.timeout, trip.left()))
            if heard is not None and heard.answer is not None:
                return heard
            if not may_start():
                break
        wait = pacer.start()
        if not wait:
            return True
        if wait >= trip.left():
            break
        yield Wait(wait, turn=True)
    return False


def _untried(
    batch: Batch,
    trip: Trip,
    *,
    error: TransportError | None = None,
    skipped: SkipReason | None = None,
    inside: bool = False,
) -> list[Receipt]:
    """Return receipts for people whom nobody is asked about.

    :param inside: whether a composite has more to say about them, so that this is not told as their end.
    """
    outcome = Outcome.SKIPPED if skipped else Outcome.REJECTED
    if not inside:
        trip.recorder.batch_set_aside(batch, outcome, error, error.detail if error else str(skipped))
    return [
        Receipt(position, recipient, outcome, error, skipped, batch=batch.number)
        for position, recipient in zip(batch.positions, batch.recipients, strict=True)
    ]
