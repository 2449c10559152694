"""The attempts of one batch: through a transport or a tree of them, and again where the policy says so.

These generators decide and never wait: they yield what a runner shall do. Results are merged here, whatever a composite
makes of them: accepted wins over unknown, and unknown over rejected.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Final, NamedTuple, TypeAlias

import attrs

from notifykit.errors import (
    AuthFailed,
    ContentRejected,
    OutcomeUnknown,
    OutOfCredit,
    ProviderUnavailable,
    SenderNotAllowed,
    TransportError,
    raise_interrupt,
)
from notifykit.models.merge import error_of, merge_receipts, outcome_of, receipts_of
from notifykit.models.plan import Batch
from notifykit.models.receipt import Attempt, Outcome, Receipt, SkipReason, Submission
from notifykit.models.recipient import Recipient
from notifykit.pipeline import tracing
from notifykit.pipeline.capabilities import adapt, is_composite, not_assigned
from notifykit.pipeline.context import BatchContext, SendContext
from notifykit.protocols import Assignment, Composite, OpensCircuits, Transport, shown
from notifykit.rate_limit import RateLimiter

#: Errors that the next batch of the same message would meet as well.
_STOPPING: Final = (AuthFailed, ContentRejected, OutOfCredit, SenderNotAllowed)


@attrs.frozen
class Sleep:
    """Wait, until the next result at the latest."""

    #: How long, in seconds; infinity to wait for a result only.
    seconds: float
    #: Whether it is for the rate limit, which the next batch would have to wait for as well.
    for_slot: bool = False


@attrs.frozen(eq=False)
class Connect:
    """Open a connection for the next request, before the rate limit counts it: then it is sent when its turn comes."""

    #: The method of the transport that will make the request.
    connect: Callable[[float], object]
    #: Seconds for it.
    timeout: float


@attrs.frozen(eq=False)
class ProviderRequest:
    """Make one request."""

    #: The transport that makes it.
    transport: Transport
    #: The recipients.
    batch: Batch
    #: Seconds for the whole request.
    timeout: float
    #: The monotonic time at which the send ends, if it does: a request that starts late has less.
    ends: float | None = None
    #: Called right before the request starts, so that a late start is counted when it is; None without a rate limit.
    on_start: Callable[[], None] | None = None
    #: Whether other requests of the send may be made before its answer is there.
    concurrent: bool = False
    #: Returns what is entered around it, in the thread that makes it; None where no sink traces.
    around: Callable[[], AbstractContextManager[None]] | None = None


#: What a transport returned or raised.
Answer: TypeAlias = Submission | BaseException


class RequestResult(NamedTuple):
    """The result of a request, or of opening a connection."""

    #: Which one it was.
    request: ProviderRequest | Connect
    #: What the transport returned or raised; None where a connection was opened.
    answer: Answer | None
    #: The monotonic time at which it did.
    at: float


class Abandoned(BaseException):
    """Raised by what makes a request where it did not make it: nothing was sent, and nothing more shall be."""


#: A batch in progress: it is sent the result of a request or a connection, and None after a sleep; it returns receipts.
AttemptGenerator: TypeAlias = Generator[Sleep | Connect | ProviderRequest, RequestResult | None, list[Receipt]]


def attempt_with_retries(
    transport: Transport, batch: Batch, context: BatchContext, inside: Composite | None = None
) -> AttemptGenerator:
    """Send a batch through a transport, and again where the retry policy allows it, until each recipient has an outcome.

    Where the send ends before that, only recipients of whom something is known have a receipt.

    :param inside: the composite that the transport is a part of; it decides what follows a failure.
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
            context.send.dispatcher.retry(
                waiting,
                [known[position] for position in waiting.positions],
                longest,
                # Of a composite only the end is counted, and it comes later.
                shown(transport) if is_composite(transport) else None if inside is None else shown(inside),
                test=not transport.capabilities.live,
            )
            yield Sleep(longest)
        except BaseException as interrupt:  # what was answered is handed over first
            context.state.keep_interrupt(interrupt)
            return receipts
        tries += 1
        answers = yield from attempt(transport, waiting, context, inside, tries)
        latest = [merge_receipts(known[receipt.position], receipt, again=True) for receipt in answers]
        known |= {receipt.position: receipt for receipt in latest}
        receipts = list(known.values())


def attempt(
    transport: Transport, batch: Batch, context: BatchContext, inside: Composite | None = None, tries: int = 1
) -> AttemptGenerator:
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
    requester = send.intercept(transport) if send.intercept else transport
    size = transport.capabilities.batch_size
    receipts: list[Receipt] = []
    for piece in (batch,) if len(batch.recipients) <= size else batch.pieces(size):
        slot: RequestResult | float | None = 0.0 if context.may_start(transport, len(piece.recipients)) else None
        if rate_limiter and slot is not None:
            slot = yield from _wait_for_slot(transport, requester, rate_limiter, context, len(piece.recipients))
        if slot is None:
            receipts += _not_started(piece, transport, context, inside)
            continue
        request = _StartedRequest(transport, piece, context, inside, tries, slot if isinstance(slot, float) else 0.0)
        try:
            on_start = functools.partial(rate_limiter.acquire_again, request.began) if rate_limiter else None
            around = request.around if send.dispatcher.traces or tracing.observers else None
            wanted = ProviderRequest(requester, piece, send.timeout, send.ends, on_start, state.concurrent, around)
            # Where no connection could be opened, that is the result.
            result = slot if isinstance(slot, RequestResult) else (yield wanted)
        except Abandoned:
            raise
        except BaseException:
            request.interrupted()
            raise
        assert result is not None, "a request has a result"
        receipts += request.completed(result, adapted.warnings)
    return receipts


class _StartedRequest:
    """One request from its start: guards count it from then on; its end is logged, and makes the receipts."""

    def __init__(
        self,
        transport: Transport,
        batch: Batch,
        context: BatchContext,
        inside: Composite | None,
        tries: int,
        waited: float,
    ) -> None:
        self._transport = transport
        self._batch = batch
        self._context = context
        self._inside = None if inside is None else shown(inside)
        self._tries = tries
        self._waited = waited
        context.attempts += 1
        self._number = context.attempts
        self._started = context.send.clock.now()
        #: The monotonic time at which it did.
        self.began = context.send.clock.monotonic()
        context.send.reservations.begin(batch.positions)

    def completed(self, result: RequestResult, warnings: tuple[str, ...]) -> list[Receipt]:
        """Read the answer, log it, and return the receipts, whatever interrupts the logging.

        :param warnings: which options the transport could not use.
        """
        answer, context = result.answer, self._context
        error: TransportError | None = None
        again: float | None = None
        if not isinstance(answer, Submission):
            error, again = self._read_failure(answer)
            answer = None
        elif warnings:
            answer = attrs.evolve(answer, warnings=(*answer.warnings, *warnings))
        elapsed = max(0.0, result.at - self.began)
        attempt = Attempt(self._number, shown(self._transport), self._started, elapsed, error, answer)
        receipts = receipts_of(self._batch, attempt)
        try:
            test = not self._transport.capabilities.live
            dispatcher, waited = context.send.dispatcher, self._waited
            dispatcher.attempt(self._batch, attempt, outcome_of(error), again, self._inside, test=test, waited=waited)
        except BaseException as interrupt:
            context.state.keep_interrupt(interrupt)
        return receipts

    def _read_failure(self, answer: BaseException | None) -> tuple[TransportError, float | None]:
        """Return the error that an answer means, and the seconds until another try; None where there will be none."""
        context = self._context
        error = error_of(answer)
        if answer is not error:
            raised = answer if isinstance(answer, BaseException) else TypeError("a transport returns a Submission")
            context.send.dispatcher.plugin_failed("transport", self._transport.name, raised, self._batch.message)
        personal = self._transport.capabilities.personal and isinstance(error, ContentRejected | SenderNotAllowed)
        if isinstance(error, _STOPPING) and not personal:
            context.state.stop(self._transport, error, len(self._batch.recipients))
        return error, None if self._inside is not None else context.retry_after(error, self._tries)

    def interrupted(self) -> None:
        """Log that the request may have been sent, and that its answer will not be read."""
        lost = OutcomeUnknown("The request was interrupted before its answer came.", code="interrupted")
        elapsed = self._context.send.clock.monotonic() - self.began
        attempt = Attempt(self._number, shown(self._transport), self._started, elapsed, lost)
        test = not self._transport.capabilities.live
        self._context.send.dispatcher.attempt(
            self._batch, attempt, Outcome.UNKNOWN, inside=self._inside, test=test, waited=self._waited
        )

    def around(self) -> AbstractContextManager[None]:
        """Return what is entered around the request, in the thread that makes it."""
        return self._context.send.dispatcher.around_request(
            self._batch, self._number, shown(self._transport), getattr(self._transport, "server", None)
        )


def _wait_for_slot(
    transport: Transport, requester: Transport, rate_limiter: RateLimiter, context: BatchContext, recipients: int
) -> Generator[Sleep | Connect, RequestResult | None, RequestResult | float | None]:
    """Wait until the rate limit lets a request start, and return the seconds; None where none shall start any more.

    The connection is opened first, so that the request is sent when its turn comes. Where none can be opened, the result
    of that is returned.
    """
    send = context.send
    waiting_since: float | None = None
    connect = getattr(requester, "connect", None)
    while True:
        if callable(connect):
            result = yield Connect(connect, min(send.timeout, send.seconds_left()))
            if result is not None and result.answer is not None:
                return result
            if not context.may_start(transport, recipients):
                return None
        wait = rate_limiter.try_acquire()
        if not wait:
            return 0.0 if waiting_since is None else send.clock.monotonic() - waiting_since
        if wait >= send.seconds_left():
            return None
        if waiting_since is None:
            waiting_since = send.clock.monotonic()
        yield Sleep(wait, for_slot=True)
        if not context.may_start(transport, recipients):
            return None


def attempt_composite(composite: Composite, batch: Batch, context: BatchContext) -> AttemptGenerator:
    """Make the requests that a composite assigns, and return what is known of each recipient in the end."""
    send = context.send
    known: dict[int, Receipt] = {}
    failures: dict[int, list[str]] = {}
    recipients = dict(zip(batch.positions, batch.recipients, strict=True))
    assignments = composite.assign(batch, move_unknown=send.move_unknown)
    receipts: Sequence[Receipt] | None = None
    broken: TransportError = not_assigned()
    outer = sys.exception()
    while not context.state.over:
        try:
            assigned = _checked(assignments.send(receipts), recipients, known, send)  # type: ignore[arg-type]  # it starts with None
        except StopIteration:
            break
        except Exception as error:
            raise_interrupt(error, outer)
            send.dispatcher.plugin_failed("transport", composite.name, error, batch.message)
            broken = _broke(composite, error)
            break
        if assigned.instead_of is not None and assigned.because is not None:
            send.dispatcher.failed_over(
                assigned.batch, shown(assigned.instead_of), shown(assigned.transport), assigned.because
            )
        # What is sent as well by other transports has all its tries now; else the composite decides first.
        attempts = attempt_with_retries if assigned.also else attempt
        receipts = yield from attempts(assigned.transport, assigned.batch, context, composite)
        if assigned.also:
            receipts = [_without_waits(receipt) for receipt in receipts]
        for receipt in receipts:
            if assigned.also and receipt.outcome is not Outcome.ACCEPTED:
                failures.setdefault(receipt.position, []).append(_warning(receipt, assigned.transport))
            known[receipt.position] = merge_receipts(known.get(receipt.position), receipt, also=assigned.also)
    _emit_opened(composite, batch, send)
    rest = batch.only({position for position in batch.positions if position not in known})
    if rest and not context.state.over:
        known |= {receipt.position: receipt for receipt in _untried(rest, send, error=broken, inside=composite)}
    return [_with_warnings(known[at], failures.get(at, ())) for at in batch.positions if at in known]


def _emit_opened(composite: Composite, batch: Batch, send: SendContext) -> None:
    """Emit which circuit breakers opened while a batch was sent."""
    if not isinstance(composite, OpensCircuits):
        return
    outer = sys.exception()
    try:
        circuits = composite.take_opened()
    except Exception as error:  # a plugin may raise anything, and the batch was sent
        raise_interrupt(error, outer)
        send.dispatcher.plugin_failed("transport", composite.name, error, batch.message)
        return
    for opened in circuits:
        send.dispatcher.circuit_opened(batch.message.id, shown(composite), opened)


def _checked(
    assignment: object, recipients: Mapping[int, Recipient], known: Mapping[int, Receipt], context: SendContext
) -> Assignment:
    """Return an assignment, without the recipients who must not be sent to again.

    :raises TypeError: if it is no assignment.
    :raises ValueError: if it has a recipient who is not in the batch.
    """
    if not isinstance(assignment, Assignment):
        raise TypeError("a composite yields Assignments")
    if any(
        recipients.get(position) != who
        for position, who in zip(assignment.batch.positions, assignment.batch.recipients, strict=True)
    ):
        raise ValueError("an assignment has a recipient who is not in the batch")
    if assignment.also:
        return assignment
    spared = {Outcome.ACCEPTED} if context.move_unknown else {Outcome.ACCEPTED, Outcome.UNKNOWN}
    open_ones = {p for p in assignment.batch.positions if p not in known or known[p].outcome not in spared}
    if len(open_ones) == len(assignment.batch):
        return assignment
    return attrs.evolve(assignment, batch=assignment.batch.only(open_ones))


def _broke(composite: Composite, error: BaseException) -> TransportError:
    return ProviderUnavailable(
        f"The composite {composite.name} broke off with {type(error).__name__} before a transport was asked.",
        "composite",
        action="Nothing was sent to this recipient, so sending again is safe. Put the composite right first.",
    )


def _without_waits(receipt: Receipt) -> Receipt:
    """Return a receipt whose error is not retried any more."""
    error = receipt.error
    return attrs.evolve(receipt, error=attrs.evolve(error, waits=())) if error and error.waits else receipt


def _warning(receipt: Receipt, transport: Transport) -> str:
    why = receipt.error.detail if receipt.error else str(receipt.skipped)
    doubt = "may or may not have been" if receipt.outcome is Outcome.UNKNOWN else "was not"
    return f"It {doubt} carried by {shown(transport)} too: {why}"


def _with_warnings(receipt: Receipt, failures: Sequence[str]) -> Receipt:
    """Return an accepted receipt with a warning for each transport that should have sent it too, and did not."""
    if receipt.submission is None or not failures:
        return receipt
    warnings = (*receipt.submission.warnings, *failures, "Another transport took it: don't send it to everybody again.")
    return attrs.evolve(receipt, submission=attrs.evolve(receipt.submission, warnings=warnings))


def _not_started(batch: Batch, transport: Transport, context: BatchContext, inside: Composite | None) -> list[Receipt]:
    """Return the receipts of recipients whose request may not start; none where the whole send is over."""
    if context.state.over:
        return []
    error = context.state.stopped_by(transport, len(batch.recipients))
    return _untried(batch, context.send, error=error, skipped=None if error else SkipReason.DEADLINE, inside=inside)


def _untried(
    batch: Batch,
    context: SendContext,
    *,
    error: TransportError | None = None,
    skipped: SkipReason | None = None,
    inside: Composite | None = None,
) -> list[Receipt]:
    """Return the receipts of recipients that no request is made for.

    :param inside: the composite that may still assign them to another transport, so that this is not logged.
    """
    outcome = Outcome.SKIPPED if skipped else Outcome.REJECTED
    if inside is None:
        context.dispatcher.batch_excluded(batch, outcome, error, error.detail if error else str(skipped))
    return [
        Receipt(position, recipient, outcome, error, skipped, batch=batch.number)
        for position, recipient in zip(batch.positions, batch.recipients, strict=True)
    ]
