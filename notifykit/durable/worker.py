"""Working on one batch: the same road as ever, with a fence in front of every request."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import attrs

from notifykit.durable.job_spec import message_of
from notifykit.durable.serialization import Placed
from notifykit.durable.store import Enqueue, JobStore, Ticket, Work
from notifykit.errors import NotReached, OutcomeUnknown
from notifykit.models.merge import error_of, merge_receipts, receipts_of
from notifykit.models.receipt import Attempt, Outcome, Receipt, SkipReason, Submission
from notifykit.models.recipient import Recipient, Rejected
from notifykit.pipeline.attempts import Abandoned, Answer, ProviderRequest
from notifykit.pipeline.capabilities import leaves
from notifykit.pipeline.components import Components
from notifykit.pipeline.context import RateLimiters, SendContext
from notifykit.pipeline.delivery import deliver
from notifykit.pipeline.retry import RetryPolicy
from notifykit.pipeline.runners import run, send_request
from notifykit.pipeline.stages import clean, guard, plan_batches
from notifykit.protocols import Clock

#: Seconds that may pass between the fence and the request: who slept longer was taken for dead meanwhile.
_FRESH: Final = 10.0
#: Seconds that are added to the gap between two messages to one recipient: clocks are not that exact.
_MARGIN: Final = 1.0


#: Seconds until a batch that broke off for a reason of this worker is taken up again.
_BROKEN: Final = 30.0

_log = logging.getLogger("notifykit.durable")


class Sender:
    """Works on tickets with one notifier's transports, settings, guards and sinks.

    :param house: what the notifier is made of.
    :param store: where everything is written down.
    :param rate_limiters: keep the rate limit of each account over all workers.
    :param enqueue: puts tickets into the queue.
    :param now: seconds since 1970.
    """

    def __init__(
        self,
        house: Components,
        store: JobStore,
        rate_limiters: RateLimiters,
        enqueue: Enqueue,
        now: Callable[[], float],
    ) -> None:
        self._components = house
        self._store = store
        self._rate_limiters = rate_limiters
        self._enqueue = enqueue
        self._now = now

    def run(self, ticket: Ticket) -> None:
        """Work on a ticket until its batch is over, or waits for another try."""
        work = self._store.begin(ticket)
        if work is None:
            return
        try:
            receipts, again = self._try(work)
        except Superseded:
            return
        except OtherMode as error:
            _log.warning("%s", error)
            self._store.put_off(work, _BROKEN, self._enqueue)
            self._store.pause(work.ticket.job, paused=True, enqueue=self._enqueue)
            return
        except Exception as error:
            # A setting that this worker lacks, a plugin that raises: the batch is not lost with it.
            _log.error("a batch broke off with %s: it is taken up again", type(error).__name__)
            self._store.put_off(work, _BROKEN, self._enqueue)
            return
        tried = any(receipt.attempts for receipt in receipts)
        self._store.end(work, receipts, again, self._enqueue, tried=tried)

    def _try(self, work: Work) -> tuple[list[Receipt], float | None]:
        """Try to send to everybody without an outcome; return their receipts, and the seconds until another try."""
        found = _recovered(work)
        waiting = [(p, who) for p, who in work.people if not self._is_over(p, found, work)]
        reason = self._too_late(work)
        if reason is not None:
            late = [_skipped(position, who, reason) for position, who in waiting if position not in work.known]
            return [*found.values(), *late], None
        context = self._context(work)
        gap = (
            0.0
            if context.intercept
            else max((leaf.capabilities.spacing for leaf in leaves(context.transport)), default=0.0)
        )
        now, later = self._apart(waiting, gap and gap + _MARGIN)
        receipts = self._send(work, now, context, found)
        again = self._again(receipts, work)
        if later:
            again = max(again or 0.0, gap + _MARGIN)
        return [*(receipt for p, receipt in found.items() if _final(receipt)), *receipts], again

    def _send(
        self, work: Work, people: Sequence[Placed], context: SendContext, found: Mapping[int, Receipt]
    ) -> list[Receipt]:
        """Take people down the road, with the fence in front of every request."""
        if not people:
            return []
        prepared = clean(message_of(work.job, work.ticket.number), context)
        batches = list(plan_batches(guard((who for _, who in people), prepared, context), prepared, context))
        fence = Fence(work, self._store, people, found)
        receipts = run(deliver(batches, prepared, context), fence.send)
        return [fence.placed(receipt) for receipt in receipts]

    def _context(self, work: Work) -> SendContext:
        options = work.options
        context = self._components.context(options["via"], None, window=None, move_unknown=options["move_unknown"])
        live = context.transport.capabilities.live
        meant_live = options.get("live", live)
        if live != meant_live:
            meant, is_ = ("for real", "in test mode") if meant_live else ("as a test", "for real")
            raise OtherMode(
                f"job {work.job['key']} was submitted to be sent {meant}, and this worker sends {is_}: it is paused. Resume "
                f"it with the settings that it was submitted with: notifykit jobs resume {work.job['key']}"
            )
        if options.get("diverted", False) is not (context.intercept is not None):
            where = "by a test, and this worker is not in it" if context.intercept is None else "outside of this test"
            raise OtherMode(
                f"job {work.job['key']} was submitted {where}: it is paused, so that nothing of a test reaches people. "
                f"Where nobody needs it: notifykit jobs cancel {work.job['key']}"
            )
        # Another try is the store's affair: there it survives this process.
        rate_limiters = context.rate_limiters if context.intercept else self._rate_limiters
        return attrs.evolve(context, retry=RetryPolicy.never(), ends=None, rate_limiters=rate_limiters)

    def _apart(self, people: Sequence[Placed], gap: float) -> tuple[list[Placed], list[Placed]]:
        """Return who may be sent to now, and who was sent to a moment ago."""
        free = self._store.reserve([who.address for _, who in people if isinstance(who, Recipient)], gap)
        now = [(p, who) for p, who in people if not isinstance(who, Recipient) or who.address in free]
        later: list[Placed] = [(p, who) for p, who in people if isinstance(who, Recipient) and who.address not in free]
        return now, later

    def _again(self, receipts: Iterable[Receipt], work: Work) -> float | None:
        """Return the seconds until who was refused for a while may be tried again; None where nobody may."""
        waits = (self._components.retry.after(receipt, work.tries + 1, alone=False) for receipt in receipts)
        return max((wait for wait in waits if wait is not None), default=None)

    def _is_over(self, position: int, found: Mapping[int, Receipt], work: Work) -> bool:
        """Return whether nothing more is to be done for a recipient.

        Whoever was refused in a try that broke off is still in it: another transport may be waiting to be asked.
        """
        if position in found:
            return _final(found[position])
        known = work.known.get(position)
        if known is None:
            return False
        return self._components.retry.after(known, work.tries, alone=False) is None

    def _too_late(self, work: Work) -> SkipReason | None:
        if work.job["cancelled"]:
            return SkipReason.CANCELLED
        expires = work.job["expires"]
        return SkipReason.DEADLINE if expires is not None and self._now() > expires else None


class OtherMode(Exception):  # noqa: N818 - it says what is the case
    """A test would be sent for real, or a real message as a test, or into a test."""


class Superseded(Abandoned):
    """Somebody else works on the batch now: nothing more of it is sent from here."""


class Fence:
    """Lets a request pass once it is written down that it is made, and writes down its answer.

    :param work: the batch.
    :param store: where it is written.
    :param people: who is on the road, in its order.
    :param found: what was heard of them in this try by somebody who is gone.
    """

    def __init__(self, work: Work, store: JobStore, people: Sequence[Placed], found: Mapping[int, Receipt]) -> None:
        self._work = work
        self._store = store
        self._positions = [position for position, _ in people]
        self._known = {**work.known, **found}

    def send(self, request: ProviderRequest, clock: Clock) -> Answer:
        """Make one request.

        :raises Superseded: where the batch is not ours any more; nothing was sent.
        """
        began = time.monotonic()
        positions = [self._positions[position] for position in request.batch.positions]
        claim = self._store.claim(self._work, str(request.transport), positions)
        if claim is None:
            raise Superseded
        started = clock.now()
        if time.monotonic() - began > _FRESH:
            answer: Answer = NotReached("This worker stood still before the request, so it did not make it.", "stale")
        else:
            answer = send_request(request, clock)
        submission = answer if isinstance(answer, Submission) else None
        error = None if submission else error_of(answer)
        attempt = Attempt(1, str(request.transport), started, time.monotonic() - began, error, submission)
        self._store.answered(
            self._work, claim, [self.placed(receipt) for receipt in receipts_of(request.batch, attempt)]
        )
        return answer

    def placed(self, receipt: Receipt) -> Receipt:
        """Return a receipt with its place in the job, and with what was known of the recipient before."""
        position = self._positions[receipt.position]
        placed = attrs.evolve(receipt, position=position, batch=self._work.ticket.number + 1)
        return merge_receipts(self._known.get(position), placed, again=True)


def _recovered(work: Work) -> Mapping[int, Receipt]:
    """Return what is known of the requests of somebody who is gone: answered, or begun and never heard of again."""
    found: dict[int, Receipt] = {}
    for receipt in work.found:
        before, known = found.get(receipt.position), work.known.get(receipt.position)
        new = receipt.attempts[len(known.attempts) :] if before and known else receipt.attempts
        found[receipt.position] = merge_receipts(before, attrs.evolve(receipt, attempts=new))
    if work.options["at_least_once"]:
        return found
    people = dict(work.people)
    for _, positions in work.lost:
        error = OutcomeUnknown("The worker was gone before the answer came.", code="worker_lost")
        for position in positions:
            lost = Receipt(position, people[position], Outcome.UNKNOWN, error, batch=work.ticket.number + 1)
            found[position] = merge_receipts(found.get(position) or work.known.get(position), lost)
    return found


def _final(receipt: Receipt) -> bool:
    return receipt.outcome in (Outcome.ACCEPTED, Outcome.UNKNOWN)


def _skipped(position: int, who: Recipient | Rejected, reason: SkipReason) -> Receipt:
    if isinstance(who, Rejected):
        return Receipt(position, who, Outcome.REJECTED, who.error)
    return Receipt(position, who, Outcome.SKIPPED, skipped=reason)
