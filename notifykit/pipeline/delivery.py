"""The delivery of a send: which batch goes on, when the next one starts, and when the send begins and ends.

Nothing here waits: the scheduler says what is to be done next, and a runner does it, with threads or with asyncio. Each batch
is a generator (``attempts.py``). Where a rate limit is what limits the starts, several are in progress, so that a slow
answer holds up only its own batch.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias

import attrs

from notifykit.errors import interrupt_of, is_interrupt
from notifykit.models.plan import Batch
from notifykit.models.receipt import Outcome, Receipt, cost_of, submissions_of
from notifykit.pipeline.attempts import (
    AttemptGenerator,
    Connect,
    ProviderRequest,
    RequestResult,
    Sleep,
    attempt_with_retries,
)
from notifykit.pipeline.capabilities import is_composite, leaves
from notifykit.pipeline.context import BatchContext, Prepared, SendContext, SendState
from notifykit.protocols import Clock, shown
from notifykit.rate_limit import SAME_TIME

#: The most batches of one send that are in progress at once: at two a second answers may take four seconds before they
#: slow it down, and where a gateway hangs, no more than these have an unknown outcome at a time.
MAX_CONCURRENT: Final = 8

#: What a runner does. The result of a request may come at once, or with a later sleep; receipts go to the caller.
Action: TypeAlias = Sleep | Connect | ProviderRequest | list[Receipt]

_OUTCOMES: Final = tuple(Outcome)


def deliver(
    pieces: Iterable[Batch | Receipt], prepared: Prepared, context: SendContext, *, ready: bool = False
) -> Scheduler:
    """Return the scheduler that takes every batch to its outcome, for a runner.

    :param ready: whether the pieces come without waiting, as those of a list do: while the next one is waited for,
        no answer could be read.
    """
    single = False
    if isinstance(pieces, list):
        batches = [piece for piece in pieces if isinstance(piece, Batch)]
        ready, single = len(batches) > 1, len(batches) == 1 and len(batches[0].recipients) == 1
    state = SendState({id(context.transport): prepared.adapted}, single, ready and _is_limited_by_rate(context))
    return Scheduler(iter(pieces), prepared, context, state, context.clock)


def _is_limited_by_rate(context: SendContext) -> bool:
    """Return whether a rate limit decides when requests start, and not the answers to those before.

    A virtual clock stands still while an answer is waited for, so there batches are sent one after the other.
    """
    limited = [leaf for leaf in leaves(context.transport) if leaf.capabilities.rate_limit]
    can_connect = all(callable(getattr(leaf, "connect", None)) for leaf in limited)
    return context.clock.shared and bool(limited) and can_connect


@attrs.define(eq=False)
class BatchTask:
    """A batch in progress."""

    #: Its attempts.
    attempts: AttemptGenerator
    #: The batch.
    batch: Batch
    #: The monotonic time at which it goes on; infinity while its request is in flight.
    wakes_at: float = -math.inf
    #: Whether it waits for its connection or the rate limit, so that no other batch may start before it.
    waits_for_slot: bool = False


@attrs.define(eq=False, repr=False)
class Scheduler:
    """The batches of one send, until each has its outcome.

    Where something stops the send, requests in flight are completed first, and their receipts come before the exception.
    Where this thread is interrupted nothing is waited for: results that are there are taken, and the other requests are
    logged as interrupted. What guards reserved for recipients who were not sent to is released.

    :param pieces: the batches, and receipts of recipients who are in none; the next is taken when it may start.
    :param prepared: the message.
    :param context: the context of the send.
    :param state: what its batches know together.
    :param clock: the time.
    """

    _pieces: Iterator[Batch | Receipt]
    #: The message.
    prepared: Prepared
    _context: SendContext
    _state: SendState
    #: The time.
    clock: Clock
    _all_taken: bool = attrs.field(init=False, default=False)
    _tasks: list[BatchTask] = attrs.field(init=False, factory=list)
    _in_flight: dict[ProviderRequest | Connect, BatchTask] = attrs.field(init=False, factory=dict)
    #: Whether all results that are there were taken: a sleep was asked for since the last one.
    _looked: bool = attrs.field(init=False, default=False)
    _failure: BaseException | None = attrs.field(init=False, default=None)
    _began: float | None = attrs.field(init=False, default=None)
    _ended: bool = attrs.field(init=False, default=False)
    _stopped: bool = attrs.field(init=False, default=False)
    _counts: dict[Outcome, int] = attrs.field(init=False, factory=dict)
    _cost: float | None = attrs.field(init=False, default=None)

    def next_action(self, result: RequestResult | None = None) -> Action | None:
        """Return what is to be done next; None where every batch has its outcome.

        :param result: the result of a request, where there is one.
        :raises BaseException: what stopped the send.
        """
        action: Action | None = None
        while True:
            try:
                if self._began is None:
                    self._began = self.clock.monotonic()
                    message, dispatcher = self.prepared.message, self._context.dispatcher
                    edits, measurement = self.prepared.cleaned.edits, self.prepared.measurement
                    dispatcher.planned(message, edits, measurement, shown(self._context.transport))
                if result is not None:
                    action = self._resume(self._in_flight.pop(result.request), result)
                action = action or self._choose()
                break
            except BaseException as error:
                self.fail(error)
                action = result = None
        if action is None:
            self._end()
        return action

    def fail(self, error: BaseException, action: Action | None = None) -> None:
        """Let nothing more be sent, because something raised; it is raised again at the end.

        :param action: what was being done; whether a request was made is then not known.
        """
        if isinstance(action, ProviderRequest | Connect) and action in self._in_flight:
            self._abort(self._in_flight.pop(action), error)
        is_first = self._failure is None and not self._stopped
        interrupt_of(error, error.__cause__ or error.__context__)  # one that came between two calls is marked now
        if is_first or (is_interrupt(error) and not is_interrupt(self._failure)):
            self._failure = error
        self._send_no_more()

    def stop(self) -> None:
        """Let nothing more be sent, because the caller wants no more receipts: requests in flight are completed."""
        self._stopped = True
        self._send_no_more()

    def close(self) -> None:
        """Abort the batches in progress; requests in flight are logged as interrupted."""
        if not self._ended:
            self._ended = True
            for task in list(self._tasks):
                self._abort(task, self._failure or GeneratorExit())
            self._context.reservations.abandon()
            if self._began is not None:
                message, transport = self.prepared.message, shown(self._context.transport)
                self._context.dispatcher.stopped(message, transport, self._counts, self._failure)

    def _end(self) -> None:
        if self._failure is not None or self._stopped:
            self.close()
            if self._failure is not None:
                raise self._failure
            return
        self._ended = True
        message, context = self.prepared.message, self._context
        elapsed = self.clock.monotonic() - (self._began or 0.0)
        context.dispatcher.finished(message, shown(context.transport), self._counts, self._cost, elapsed)

    def _choose(self) -> Action | None:
        """Start a batch or resume one, and return what is to be done for it; None where there is nothing to do."""
        state = self._state
        if state.interrupt is not None:
            interrupt, state.interrupt = state.interrupt, None
            raise interrupt
        while True:
            may_start = (
                not (self._all_taken or state.over)
                and len(self._tasks) < (MAX_CONCURRENT if state.concurrent else 1)
                and not any(task.waits_for_slot for task in self._tasks)
            )
            task = None if may_start else min(self._tasks, key=_wakes_at, default=None)
            if task is None and not may_start:
                return None
            # Results are taken before anything else is sent: one may say that nothing more shall be. Cutting the next
            # batch would keep a request in another thread from starting in time.
            seconds = self._seconds_until(task.wakes_at) if task else 0.0
            if seconds or (self._in_flight and not self._looked):
                if seconds and is_interrupt(self._failure):
                    if self._looked:
                        return None
                    seconds = 0.0
                self._looked = True
                return Sleep(seconds)
            action = self._resume(task) if task else self._start()
            if action is not None:
                return action

    def _seconds_until(self, time: float) -> float:
        seconds = time - self.clock.monotonic()
        return seconds if seconds > SAME_TIME else 0.0

    def _start(self) -> Action | None:
        """Take the next batch and start it, or return the receipt of a recipient who is in none."""
        piece = next(self._pieces, None)
        if piece is None:
            self._all_taken = True
            return None
        if isinstance(piece, Receipt):
            self._looked = False
            self._context.dispatcher.excluded(self.prepared.message, piece)
            return self._settle([piece])
        context = BatchContext(self._context, self._state)
        task = BatchTask(attempt_with_retries(self._context.transport, piece, context), piece)
        self._tasks.append(task)
        return self._resume(task)

    def _resume(self, task: BatchTask, result: RequestResult | None = None) -> Action | None:
        """Let a batch go on, and return what it wants done, or its receipts; None where it waits."""
        self._looked = False
        try:
            action = task.attempts.send(result)
        except StopIteration as ended:
            self._tasks.remove(task)
            if ended.value and is_composite(self._context.transport):
                self._log_end(task.batch, ended.value)
            return self._settle(ended.value)
        except BaseException:
            self._tasks.remove(task)
            raise
        if isinstance(action, Sleep):
            task.wakes_at, task.waits_for_slot = self.clock.monotonic() + action.seconds, action.for_slot
            return None
        self._in_flight[action] = task
        # While one connects, no other batch starts: all of them would be sent together once the network is back.
        task.wakes_at, task.waits_for_slot = math.inf, isinstance(action, Connect)
        return action

    def _log_end(self, batch: Batch, receipts: list[Receipt]) -> None:
        """Log the end of a batch that went through a composite."""
        try:
            transport = self._context.transport
            self._context.dispatcher.batch_finished(
                batch, shown(transport), receipts, test=not transport.capabilities.live
            )
        except BaseException as interrupt:  # what was answered is handed over first
            self._state.keep_interrupt(interrupt)

    def _settle(self, receipts: list[Receipt]) -> list[Receipt]:
        """Settle what guards reserved for these recipients, count the receipts for the last event, and return them."""
        self._context.reservations.settle(receipts)
        # A list counts faster than a dictionary: the hash of an outcome is slow.
        outcomes = [receipt.outcome for receipt in receipts]
        for outcome in _OUTCOMES:
            if count := outcomes.count(outcome):
                self._counts[outcome] = self._counts.get(outcome, 0) + count
        if self._context.final and self._context.dispatcher.counts:
            transport = self._context.transport
            self._context.dispatcher.recipients_finished(
                self.prepared.message.id, shown(transport), receipts, test=not transport.capabilities.live
            )
        cost = cost_of(submissions_of(receipts))
        if cost is not None:
            self._cost = (self._cost or 0) + cost
        return receipts

    def _send_no_more(self) -> None:
        """Let batches that wait go on at once: they end with what they know."""
        self._state.over, self._looked = True, False
        in_flight = set(self._in_flight.values())
        for task in self._tasks:
            if task not in in_flight:
                task.wakes_at = -math.inf

    def _abort(self, task: BatchTask, error: BaseException) -> None:
        """Throw an exception into a batch, which logs its request. Whatever it raises, the other batches are logged too."""
        self._tasks.remove(task)
        with contextlib.suppress(BaseException):
            task.attempts.throw(error)


def _wakes_at(task: BatchTask) -> float:
    return task.wakes_at
