"""The attempts of one batch: through a transport or a tree of them, and again where the policy says so.

These generators decide and never wait: they yield what their runner shall do. Results are merged here, whatever a composite
makes of them: accepted wins over unknown, and unknown over rejected.
"""

from __future__ import annotations

import functools
from collections.abc import Generator, Mapping, Sequence
from typing import Final, TypeAlias

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
from notifykit.models.merge import error_of, merge_receipts, outcome_of, receipts_of
from notifykit.models.plan import Batch
from notifykit.models.receipt import Attempt, Outcome, Receipt, SkipReason, Submission
from notifykit.models.recipient import Recipient
from notifykit.pipeline.capabilities import adapt, not_assigned
from notifykit.pipeline.context import BatchContext, SendContext
from notifykit.pipeline.provider_requests import Abandoned, Connect, ProviderRequest, RequestResult, Sleep
from notifykit.protocols import Assignment, Composite, Transport, can_connect, is_composite
from notifykit.rate_limit import RateLimiter

#: Errors that the next batch of the same message would meet as well.
_STOPPING: Final = (AuthFailed, ContentRejected, OutOfCredit, SenderNotAllowed)

#: A batch under way: it is sent the result of a request or a connection, and None after a sleep; it returns receipts.
AttemptSteps: TypeAlias = Generator[Sleep | Connect | ProviderRequest, RequestResult | None, list[Receipt]]


def attempt_with_retries(
    transport: Transport, batch: Batch, context: BatchContext, inside: Composite | None = None
) -> AttemptSteps:
    """Send a batch through a transport, and again to whoever the policy allows, until each recipient has an outcome.

    Where the send ends before that, there are receipts of those only of whom something is known.
    """
    receipts = latest = yield from attempt(transport, batch, context, inside)
    rejected = Outcome.REJECTED
    tries = 1
    while True:
        waits = {
            receipt.position: wait
            for receipt in latest
            if receipt.outcome is rejected and (wait := context.retry_after(receipt, tries)) is not None
        }
        if not waits:
            return receipts
        known = {receipt.position: receipt for receipt in receipts}
        waiting = batch.only(waits)
        longest = max(waits.values())
        try:
            context.send.dispatcher.retry(waiting, known[waiting.positions[0]], longest)
        except BaseException as interrupt:  # what was answered is handed over first
            context.state.keep_interrupt(interrupt)
            return receipts
        yield Sleep(longest)
        tries += 1
        answers = yield from attempt(transport, waiting, context, inside, tries)
        latest = [merge_receipts(known[receipt.position], receipt, again=True) for receipt in answers]
        known |= {receipt.position: receipt for receipt in latest}
        receipts = list(known.values())


def attempt(
    transport: Transport, batch: Batch, context: BatchContext, inside: Composite | None = None, tries: int = 1
) -> AttemptSteps:
    """Send a batch through a transport once, a request for each piece that it takes, and return the receipts.

    :param inside: the composite that the transport is a part of; it decides what follows a failure.
    :param tries: which try this is.
    """
    if is_composite(transport):
        return (yield from attempt_composite(transport, batch, context))
    send, state = context.send, context.state
    adapted = state.adapted.get(id(transport))
    if adapted is None:
        adapted = state.adapted[id(transport)] = adapt(batch.message, transport, send)
    if adapted.refusal:
        return _untried(batch, send, error=adapted.refusal, inside=inside)
    if adapted.message is not batch.message:
        batch = attrs.evolve(batch, message=adapted.message)
    rate_limiter = send.rate_limiters.of(transport)
    carrier = send.intercept(transport) if send.intercept else transport
    receipts: list[Receipt] = []
    for piece in batch.pieces(transport.capabilities.batch_size):
        slot = (
            (yield from _wait_for_slot(transport, carrier, rate_limiter, context))
            if rate_limiter
            else context.may_start(transport)
        )
        if not slot:
            receipts += _not_started(piece, transport, context, inside)
            continue
        request = _StartedRequest(transport, piece, context, inside, tries)
        try:
            if isinstance(slot, RequestResult):  # no connection could be opened
                result: RequestResult | None = slot
            else:
                on_start = functools.partial(rate_limiter.restart, request.began) if rate_limiter else None
                result = yield ProviderRequest(carrier, piece, send.timeout, send.ends, on_start, state.concurrent)
        except Abandoned:
            raise
        except BaseException:
            request.interrupted()
            raise
        assert result is not None, "a request has a result"
        receipts += request.completed(result, adapted.warnings)
    return receipts


class _StartedRequest:
    """One request from its start: what guards count from then on, what the log says of it, and its receipts."""

    def __init__(
        self, transport: Transport, batch: Batch, context: BatchContext, inside: Composite | None, tries: int
    ) -> None:
        self._transport = transport
        self._batch = batch
        self._context = context
        self._inside = None if inside is None else str(inside)
        self._tries = tries
        context.attempts += 1
        self._number = context.attempts
        self._started = context.send.clock.now()
        #: The monotonic time at which it did.
        self.began = context.send.clock.monotonic()
        context.send.reservations.begin(batch.positions)

    def completed(self, result: RequestResult, warnings: tuple[str, ...]) -> list[Receipt]:
        """Read the answer, and return the receipts.

        :param warnings: what the transport could not honour.
        """
        answer, context = result.answer, self._context
        elapsed = max(0.0, result.at - self.began)
        if isinstance(answer, Submission):
            submission = attrs.evolve(answer, warnings=(*answer.warnings, *warnings)) if warnings else answer
            return self._log(self._attempt(elapsed, None, submission))
        error = error_of(answer)
        if answer is not error:
            broken = answer if isinstance(answer, BaseException) else TypeError("a transport returns a Submission")
            context.send.dispatcher.plugin_failed("transport", self._transport.name, broken, self._batch.message)
        personal = self._transport.capabilities.personal and isinstance(error, ContentRejected | SenderNotAllowed)
        if isinstance(error, _STOPPING) and not personal:
            context.state.stopped[id(self._transport)] = error
        again = None if self._inside is not None else context.retry_after(error, self._tries)
        return self._log(self._attempt(elapsed, error), again)

    def interrupted(self) -> None:
        """Log that the request may be out, and nobody will read its answer: the interpreter may be exiting."""
        lost = OutcomeUnknown("The request was interrupted before its answer came.", code="interrupted")
        elapsed = self._context.send.clock.monotonic() - self.began
        self._context.send.dispatcher.attempt(
            self._batch, self._attempt(elapsed, lost), Outcome.UNKNOWN, inside=self._inside
        )

    def _attempt(self, elapsed: float, error: TransportError | None, submission: Submission | None = None) -> Attempt:
        return Attempt(self._number, str(self._transport), self._started, elapsed, error, submission)

    def _log(self, attempt: Attempt, again: float | None = None) -> list[Receipt]:
        """Log how the request ended, and return its receipts, whatever interrupts the logging."""
        receipts = receipts_of(self._batch, attempt)
        try:
            self._context.send.dispatcher.attempt(
                self._batch, attempt, outcome_of(attempt.error), attempt.submission, again, self._inside
            )
        except BaseException as interrupt:
            self._context.state.keep_interrupt(interrupt)
        return receipts


def _wait_for_slot(
    transport: Transport, carrier: Transport, rate_limiter: RateLimiter, context: BatchContext
) -> Generator[Sleep | Connect, RequestResult | None, RequestResult | bool]:
    """Wait until the rate limit lets a request start, and return True; False where none shall start any more.

    The connection comes first, so that the request leaves when its slot comes. Where none can be opened, that is returned.
    """
    send = context.send
    while context.may_start(transport):
        if can_connect(carrier):
            result = yield Connect(carrier, min(send.timeout, send.left()))
            if result is not None and result.answer is not None:
                return result
            if not context.may_start(transport):
                break
        wait = rate_limiter.start()
        if not wait:
            return True
        if wait >= send.left():
            break
        yield Sleep(wait, for_slot=True)
    return False


def attempt_composite(composite: Composite, batch: Batch, context: BatchContext) -> AttemptSteps:
    """Carry out the assignments of a composite, and return what is known of each recipient in the end."""
    send = context.send
    known: dict[int, Receipt] = {}
    missed: dict[int, list[str]] = {}
    people = dict(zip(batch.positions, batch.recipients, strict=True))
    assignments = composite.carry(batch, after_unknown=send.move_unknown)
    receipts: Sequence[Receipt] | None = None
    broken: TransportError = not_assigned()
    while not context.state.over:
        try:
            assigned = _checked(assignments.send(receipts), people, known, send)  # type: ignore[arg-type]  # it starts with None
        except StopIteration:
            break
        except INTERRUPTS:
            raise
        except BaseException as error:  # a plugin may raise anything
            send.dispatcher.plugin_failed("transport", composite.name, error, batch.message)
            broken = _broke(composite, error)
            break
        if assigned.instead_of is not None and assigned.because is not None:
            send.dispatcher.failed_over(
                assigned.batch, str(assigned.instead_of), str(assigned.transport), assigned.because
            )
        # What is carried besides others has all its tries now; of what goes in turns, the composite decides first.
        attempts = attempt_with_retries if assigned.also else attempt
        receipts = yield from attempts(assigned.transport, assigned.batch, context, composite)
        if assigned.also:
            receipts = [_without_waits(receipt) for receipt in receipts]
        for receipt in receipts:
            if assigned.also and receipt.outcome is not Outcome.ACCEPTED:
                missed.setdefault(receipt.position, []).append(_missing(receipt, assigned.transport))
            known[receipt.position] = merge_receipts(known.get(receipt.position), receipt, also=assigned.also)
    rest = batch.only({position for position in batch.positions if position not in known})
    if rest and not context.state.over:
        known |= {receipt.position: receipt for receipt in _untried(rest, send, error=broken, inside=composite)}
    return [_with_missed(known[at], missed.get(at, ())) for at in batch.positions if at in known]


def _checked(
    assignment: object, people: Mapping[int, Recipient], known: Mapping[int, Receipt], context: SendContext
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
    spared = {Outcome.ACCEPTED} if context.move_unknown else {Outcome.ACCEPTED, Outcome.UNKNOWN}
    left = {p for p in assignment.batch.positions if p not in known or known[p].outcome not in spared}
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


def _without_waits(receipt: Receipt) -> Receipt:
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


def _not_started(batch: Batch, transport: Transport, context: BatchContext, inside: Composite | None) -> list[Receipt]:
    """Return receipts for recipients whose request may not start any more; none where the whole send is over."""
    if context.state.over:
        return []
    error = context.state.stopped.get(id(transport))
    return _untried(batch, context.send, error=error, skipped=None if error else SkipReason.DEADLINE, inside=inside)


def _untried(
    batch: Batch,
    context: SendContext,
    *,
    error: TransportError | None = None,
    skipped: SkipReason | None = None,
    inside: Composite | None = None,
) -> list[Receipt]:
    """Return receipts for recipients that no request is made for.

    :param inside: the composite that has more to say about them, so that this is not logged as their end.
    """
    outcome = Outcome.SKIPPED if skipped else Outcome.REJECTED
    if inside is None:
        context.dispatcher.batch_excluded(batch, outcome, error, error.detail if error else str(skipped))
    return [
        Receipt(position, recipient, outcome, error, skipped, batch=batch.number)
        for position, recipient in zip(batch.positions, batch.recipients, strict=True)
    ]
