"""Sending one batch: the pipeline of every send, with a fence in front of each request.

The queue gives a worker the batch of one that died; what its requests without an answer mean is decided here.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

import attrs

from notifykit.durable.batch_state import Task
from notifykit.durable.database import moment
from notifykit.durable.serialization import Positioned
from notifykit.durable.store import ClaimedBatch, JobStore, Superseded
from notifykit.errors import NotReached, OutcomeUnknown
from notifykit.models.merge import error_of, merge_receipts, receipts_of
from notifykit.models.plan import Batch
from notifykit.models.receipt import Attempt, Outcome, Receipt, SkipReason, Submission
from notifykit.models.recipient import Recipient, Rejected
from notifykit.pipeline.attempts import Answer, ProviderRequest
from notifykit.pipeline.capabilities import leaves
from notifykit.pipeline.components import Components
from notifykit.pipeline.context import RateLimiters, SendContext
from notifykit.pipeline.delivery import deliver
from notifykit.pipeline.retry import RetryPolicy
from notifykit.pipeline.runners import run, send_request
from notifykit.pipeline.stages import clean, guard, plan_batches
from notifykit.protocols import Clock, shown
from notifykit.settings.dsn import Dsn

#: Seconds between the fence and the request after which it is not sent: the worker may count as dead by then.
_FRESH: Final = 10.0
#: Seconds added to the gap between two messages to one recipient: clocks differ.
_MARGIN: Final = 1.0
#: Seconds until a batch that failed for a reason of this worker is tried again.
_POSTPONED: Final = 30.0
#: Recipients whom guards let pass within so many seconds of each other are tried together.
_TOGETHER: Final = 60.0

_log = logging.getLogger("notifykit.durable")


@attrs.frozen
class Worker:
    """Works on tasks with one notifier's transports, settings, guards and sinks."""

    #: What the notifier is made of.
    _components: Components
    #: The store.
    _store: JobStore
    #: The rate limits of each account over all workers.
    _rate_limiters: RateLimiters
    #: Seconds since 1970.
    _now: Callable[[], float]

    def run(self, task: Task, seconds: float = 0.0) -> None:
        """Work on a task until its batch is done, or queued for another try; then on the next ones of its partition.

        :param seconds: how long it begins next ones, until other tasks of the queue come first.
        :raises Superseded: another worker has the batch, or its end is stored already.
        """
        ends = time.monotonic() + seconds
        following: Task | None = task
        while following is not None and (batch := self._store.claim(following)) is not None:
            following = self._work(batch, ends)

    def _work(self, batch: ClaimedBatch, ends: float) -> Task | None:
        """Work on a batch, and return the task of the next one of its partition if that stays with this worker."""
        try:
            receipts, again = self._try(batch)
        except WrongMode as error:
            _log.warning("%s", error)
            self._store.postpone(batch, _POSTPONED)
            self._store.pause(batch.task.job, paused=True, reason=error.reason)
            return None
        except Exception as error:  # a setting that this worker lacks, a plugin that raises
            _log.error("a batch failed with %s: it is tried again", type(error).__name__)
            self._store.postpone(batch, _POSTPONED)
            return None
        counts = any(receipt.attempts for receipt in receipts)
        final = self._final(batch, receipts, is_done=again is None)
        seconds, held = (None, False) if again is None else (again.after, again.held)
        carry = time.monotonic() < ends
        reason, following = self._store.finish_try(
            batch, receipts, seconds, counts=counts, held=held, final=final, carry=carry
        )
        if reason is not None:
            key = batch.job["key"]
            _log.warning("job %s is paused: %s. To go on all the same: notifykit jobs resume %s", key, reason, key)
        self._count(batch, final)
        return following

    def _try(self, batch: ClaimedBatch) -> tuple[list[Receipt], _Again | None]:
        """Send to every recipient without an outcome; return the receipts, and when the batch is tried again."""
        recovered = recover(batch)
        waiting = [(p, who) for p, who in batch.recipients if not self._is_done(p, recovered, batch)]
        reason = self._too_late(batch)
        if reason is not None:
            late = [_skipped(p, who, reason) for p, who in waiting if _has_no_end(batch.known.get(p))]
            return [*recovered.values(), *late], None
        context = self._context(batch)
        gap = max((leaf.capabilities.spacing for leaf in leaves(context.transport)), default=0.0)
        if gap:
            gap = 0.0 if context.intercept else gap + _MARGIN
        busy = self._store.reserve(batch, [who.address for _, who in waiting if isinstance(who, Recipient)], gap)
        now = [(p, who) for p, who in waiting if not isinstance(who, Recipient) or who.address not in busy]
        receipts = self._send(batch, now, context, recovered)
        return [*filter(_is_final, recovered.values()), *receipts], self._again(receipts, busy.values(), batch)

    def _send(
        self,
        batch: ClaimedBatch,
        recipients: Sequence[Positioned],
        context: SendContext,
        recovered: Mapping[int, Receipt],
    ) -> list[Receipt]:
        """Send to recipients, with the fence in front of every request."""
        if not recipients:
            return []
        prepared = clean(batch.message, context)
        plan = list(plan_batches(guard((who for _, who in recipients), prepared, context), prepared, context))
        fence = Fence(
            batch,
            self._store,
            [p for p, _ in recipients],
            {**batch.known, **recovered},
            itertools.count(_attempts_of(batch) + 1),
        )
        tracing, traced = context.dispatcher.tracing, batch.job["options"].get("trace") or {}
        with tracing.around_job(traced, prepared.message.id):
            receipts = list(run(deliver(plan, prepared, context), fence.send))
        self._announce(plan, receipts, batch, context)
        return [fence.positioned(receipt) for receipt in receipts]

    def _context(self, batch: ClaimedBatch) -> SendContext:
        """Return the context of the send.

        :raises WrongMode: this worker sends live and the job is a test, or the other way round.
        """
        options, key = batch.job["options"], batch.job["key"]
        context = self._components.context(options["via"], None, window=None, move_unknown=options["move_unknown"])
        live = context.transport.capabilities.live
        meant_live = options.get("live", live)
        if live != meant_live:
            meant, actual = ("for real", "in test mode") if meant_live else ("as a test", "for real")
            raise WrongMode(
                key,
                f"was submitted to be sent {meant}, and this worker sends {actual}",
                f". Resume it with the settings that it was submitted with: notifykit jobs resume {key}",
            )
        if options.get("intercepted", False) is not (context.intercept is not None):
            where = "by a test, and this worker is not in it" if context.intercept is None else "outside of this test"
            raise WrongMode(
                key,
                f"was submitted {where}",
                f", so that nothing of a test reaches people. If it is not needed any more: notifykit jobs cancel {key}",
            )
        # Retries are stored in the database so that they survive a crash.
        rate_limiters = context.rate_limiters if context.intercept else self._rate_limiters
        return attrs.evolve(
            context,
            retry=RetryPolicy.never(),
            ends=None,
            rate_limiters=rate_limiters,
            attempts=_attempts_of(batch),
            final=False,
        )

    def _final(self, batch: ClaimedBatch, receipts: Sequence[Receipt], *, is_done: bool) -> list[Receipt]:
        """Return the outcomes that are final after this try, those that a dead worker left included.

        :param is_done: whether no other try follows.
        """
        final = [r for r in receipts if is_done or _is_final(r) or self._wait(r, batch) is None]
        if is_done:  # those that were to be tried again and are not any more, and the duplicates, which never were
            now = {receipt.position for receipt in receipts}
            rest = [receipt for position, receipt in batch.known.items() if position not in now]
            final += [r for r in rest if r.skipped is SkipReason.DUPLICATE or not self._is_done(r.position, {}, batch)]
        return final

    def _count(self, batch: ClaimedBatch, final: Sequence[Receipt]) -> None:
        """Emit the outcomes that are final after a try."""
        if not self._components.dispatcher.counts:
            return
        via, components = batch.job["options"]["via"], self._components
        # The notifier may be closing, so that nothing is built any more.
        transport = components.settings.named(Dsn(via)).scheme if via else shown(components.transport)  # type: ignore[arg-type]  # there is one
        # Where it was a test, an answer says so, and recipients without one are of the same request.
        test = any(receipt.test for receipt in final)
        components.dispatcher.recipients_finished(batch.message.id, transport, final, test=test)

    def _announce(
        self, plan: Iterable[Batch | Receipt], receipts: Sequence[Receipt], batch: ClaimedBatch, context: SendContext
    ) -> None:
        """Emit which requests will be made again, and when; say it where a guard lets them wait."""
        refused = [r for r in receipts if r.attempts and self._wait(r, batch) is not None]
        for planned in plan:
            again = [r for r in refused if isinstance(planned, Batch) and r.position in planned.positions]
            if again and isinstance(planned, Batch):
                wait = max(self._wait(receipt, batch) or 0.0 for receipt in again)
                test = not context.transport.capabilities.live
                context.dispatcher.retry(
                    planned.only([r.position for r in again]),
                    again,
                    wait,
                    test=test,
                    transport=shown(context.transport),
                )
        held = [r.veto for r in receipts if r.veto is not None and r.veto.postpone]
        if held:
            wait = max(veto.retry_after or 0.0 for veto in held)
            until = moment(self._now() + wait)
            _log.warning(
                "job %s: %d recipients wait until %s UTC: %s",
                batch.job["key"],
                len(held),
                f"{until:%Y-%m-%d %H:%M}",
                held[0].reason,
            )

    def _wait(self, receipt: Receipt, batch: ClaimedBatch) -> float | None:
        """Return the seconds until a recipient may be tried again; None for no other try."""
        if receipt.veto is not None and receipt.veto.postpone:
            return receipt.veto.retry_after
        return self._components.retry.after(receipt, batch.tries + 1, alone=False)

    def _again(self, receipts: Iterable[Receipt], busy: Iterable[float], batch: ClaimedBatch) -> _Again | None:
        """Return when the recipients without an outcome may be tried again; None if none may.

        :param busy: the seconds to wait for each address that another batch has just sent to.
        """
        refused: list[float] = list(busy)
        held: list[float] = []
        for receipt in receipts:
            wait = self._wait(receipt, batch)
            if wait is not None:
                (held if _is_postponed(receipt) else refused).append(wait)
        if refused:
            return _Again(max(refused), held=False)
        if not held:
            return None
        # Those whose hour comes first do not wait for the others, who are asked about again then.
        return _Again(max(wait for wait in held if wait <= min(held) + _TOGETHER), held=True)

    def _is_done(self, position: int, recovered: Mapping[int, Receipt], batch: ClaimedBatch) -> bool:
        """Return whether a recipient is not to be sent to.

        One that was refused in a try that was interrupted still is: a failover may have another transport to ask.
        """
        if position in recovered:
            return _is_final(recovered[position])
        known = batch.known.get(position)
        if known is None or _is_postponed(known):
            return False
        return self._components.retry.after(known, batch.tries, alone=False) is None

    def _too_late(self, batch: ClaimedBatch) -> SkipReason | None:
        if batch.job["cancelled"]:
            return SkipReason.CANCELLED
        expires = batch.job["expires"]
        return SkipReason.DEADLINE if expires is not None and self._now() > expires else None


@attrs.frozen
class _Again:
    """When a batch is tried again."""

    #: Seconds until then.
    after: float
    #: Whether it waits only for guards.
    held: bool


class WrongMode(Exception):  # noqa: N818 - it says what is the case
    """A test would be sent live, or a live message as a test.

    :param reason: why the job is paused.
    :param advice: what a person does now.
    """

    def __init__(self, key: str, reason: str, advice: str) -> None:
        super().__init__(f"job {key} {reason}: it is paused{advice}")
        self.reason = f"It {reason}."


@attrs.frozen
class Fence:
    """Sends each request of a batch after recording it in the store, and records its result."""

    #: The batch.
    _batch: ClaimedBatch
    #: The store.
    _store: JobStore
    #: The position in the job of each recipient of the send.
    _positions: Sequence[int]
    #: What is known of recipients already, by their position in the job.
    _known: Mapping[int, Receipt]
    #: The numbers of its attempts.
    _numbers: Iterator[int]

    def send(self, request: ProviderRequest, clock: Clock) -> Answer:
        """Send one request and return its result.

        :raises Superseded: another worker has the batch; nothing was sent.
        """
        began = time.monotonic()
        positions = [self._positions[position] for position in request.batch.positions]
        claim = self._store.start_request(self._batch, shown(request.transport), positions)
        if claim is None:
            raise Superseded
        started = clock.now()
        if time.monotonic() - began > _FRESH:
            answer: Answer = NotReached("This worker stood still before the request, so it did not make it.", "stale")
        else:
            answer = send_request(request, clock)
        submission = answer if isinstance(answer, Submission) else None
        error = None if submission else error_of(answer)
        attempt = Attempt(
            next(self._numbers), shown(request.transport), started, time.monotonic() - began, error, submission
        )
        receipts = [self.positioned(receipt) for receipt in receipts_of(request.batch, attempt)]
        self._store.complete_request(self._batch, claim, receipts)
        return answer

    def positioned(self, receipt: Receipt) -> Receipt:
        """Return a receipt with its position in the job, merged with what was known of the recipient."""
        position = self._positions[receipt.position]
        placed = attrs.evolve(receipt, position=position, batch=self._batch.task.number + 1)
        return merge_receipts(self._known.get(position), placed, again=True)


def recover(batch: ClaimedBatch) -> Mapping[int, Receipt]:
    """Return the receipts of the requests of a dead worker, by position: unknown where there is no result."""
    found: dict[int, Receipt] = {}
    for receipt in batch.completed:
        before, known = found.get(receipt.position), batch.known.get(receipt.position)
        new = receipt.attempts[len(known.attempts) :] if before and known else receipt.attempts
        found[receipt.position] = merge_receipts(before, attrs.evolve(receipt, attempts=new))
    if batch.job["options"]["at_least_once"]:
        return found
    recipients = dict(batch.recipients)
    for _, positions in batch.lost:
        error = OutcomeUnknown("The worker was gone before the answer came.", code="worker_lost")
        for position in positions:
            lost = Receipt(position, recipients[position], Outcome.UNKNOWN, error, batch=batch.task.number + 1)
            found[position] = merge_receipts(found.get(position) or batch.known.get(position), lost)
    return found


def _is_final(receipt: Receipt) -> bool:
    return receipt.outcome in (Outcome.ACCEPTED, Outcome.UNKNOWN)


def _attempts_of(batch: ClaimedBatch) -> int:
    """Return how many attempts of a batch are known."""
    receipts = (*batch.known.values(), *batch.completed)
    return max((attempt.number for receipt in receipts for attempt in receipt.attempts), default=0)


def _is_postponed(receipt: Receipt) -> bool:
    return receipt.veto is not None and receipt.veto.postpone


def _has_no_end(receipt: Receipt | None) -> bool:
    return receipt is None or _is_postponed(receipt)


def _skipped(position: int, recipient: Recipient | Rejected, reason: SkipReason) -> Receipt:
    if isinstance(recipient, Rejected):
        return Receipt(position, recipient, Outcome.REJECTED, recipient.error)
    return Receipt(position, recipient, Outcome.SKIPPED, skipped=reason)
