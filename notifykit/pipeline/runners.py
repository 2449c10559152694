"""Waiting: what a delivery asks for is done here, with threads or with asyncio.

Both runners start a request and wait for a result or for some time; the scheduler alone decides what is done next.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import math
import queue
import sys
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import Executor
from typing import Final, TypeAlias

import attrs

from notifykit.errors import NotReached, raise_interrupt, without_frames
from notifykit.models.receipt import Receipt
from notifykit.pipeline.attempts import Answer, Connect, ProviderRequest, RequestResult, Sleep
from notifykit.pipeline.delivery import Scheduler
from notifykit.pipeline.stages import attach_report
from notifykit.protocols import Clock

#: Seconds after which the event loop gets a turn.
TURN: Final = 0.01

#: Makes a request, as :func:`send_request` does.
Send: TypeAlias = Callable[[ProviderRequest, Clock], Answer]


def send_request(request: ProviderRequest, clock: Clock) -> Answer:
    """Make one request, and return what the transport returned or raised."""
    outer = sys.exception()
    is_counted = False
    try:
        if request.on_start is not None:
            request.on_start()
        is_counted = True
        timeout = request.timeout
        if request.ends is not None:
            timeout = min(timeout, request.ends - clock.monotonic())
        if timeout <= 0:
            return NotReached("The deadline of the send came before its request could start.", "deadline", waits=())
        if request.around is not None:
            with request.around():
                return request.transport.send(request.batch, timeout)
        return request.transport.send(request.batch, timeout)
    except Exception as error:  # a transport may raise anything; the attempt says what it means
        raise_interrupt(error, outer)
        if not is_counted:  # a database that is away raises here
            kind = type(error).__name__
            return NotReached(
                f"The rate limit could not be read ({kind}), so no request was made.",
                "rate_limit",
                action="Look at the database or the state folder; nothing was sent, so sending again is safe.",
            )
        return without_frames(error)


def _complete(request: ProviderRequest | Connect, clock: Clock, send: Send = send_request) -> RequestResult:
    """Make a request or open a connection, and return the result."""
    answer: Answer | None = None
    if isinstance(request, ProviderRequest):
        answer = send(request, clock)
    else:
        outer = sys.exception()
        try:
            request.connect(request.timeout)
        except Exception as error:
            raise_interrupt(error, outer)
            answer = without_frames(error)
    return RequestResult(request, answer, clock.monotonic())


def run(scheduler: Scheduler, send: Send | None = None) -> list[Receipt]:
    """Deliver in this thread, and return the receipts.

    An exception that stops it (Ctrl-C, or a broken plugin in strict mode) has the receipts so far as its ``report``.

    :param send: makes the requests, one after the other, in place of :func:`send_request`.
    """
    receipts: list[Receipt] = []
    try:
        receipts.extend(iterate(scheduler, send))
    except BaseException as error:
        attach_report(error, receipts, scheduler.prepared)
        raise
    return receipts


def iterate(scheduler: Scheduler, send: Send | None = None) -> Iterator[Receipt]:
    """Deliver in this thread, and yield each receipt as soon as it is known.

    Where the caller stops iterating, requests in flight are completed first.
    """
    runner = ThreadRunner(scheduler.clock, send)
    result: RequestResult | None = None
    try:
        while (action := scheduler.next_action(result)) is not None:
            result = None
            if isinstance(action, list):
                try:
                    yield from action
                except GeneratorExit:
                    runner.finish(scheduler)
                    raise
                continue
            try:
                result = runner.wait(action.seconds) if isinstance(action, Sleep) else runner.begin(action)
            except BaseException as error:
                scheduler.fail(error, action)
    finally:
        scheduler.close()


@attrs.define(eq=False)
class ThreadRunner:
    """Makes requests in this thread, or several at a time in threads of their own."""

    _clock: Clock
    #: Makes all of them in this thread; None for :func:`send_request`.
    _send: Send | None
    _in_flight: int = attrs.field(init=False, default=0)
    _results: queue.SimpleQueue[RequestResult | BaseException] = attrs.field(init=False, factory=queue.SimpleQueue)

    def begin(self, request: ProviderRequest | Connect) -> RequestResult | None:
        """Make a request and return its result; None where that comes with a later wait."""
        concurrent = isinstance(request, ProviderRequest) and request.concurrent and self._send is None
        if concurrent and self._start_thread(request):
            return None
        return _complete(request, self._clock, self._send or send_request)

    def wait(self, seconds: float) -> RequestResult | None:
        """Wait for the first result, but no longer than so many seconds.

        :raises BaseException: what a request raised that is for the program.
        """
        if not self._in_flight:
            self._clock.sleep(seconds)
            return None
        try:
            result = self._results.get(timeout=None if seconds == math.inf else seconds)
        except queue.Empty:
            return None
        self._in_flight -= 1
        if isinstance(result, BaseException):
            raise result
        return result

    def finish(self, scheduler: Scheduler) -> None:
        """Complete the requests in flight, and let nothing more be sent."""
        # When the interpreter ends, so did the threads that would answer.
        if sys.is_finalizing():
            return
        scheduler.stop()
        result: RequestResult | None = None
        while (action := scheduler.next_action(result)) is not None:
            result = self.wait(action.seconds) if isinstance(action, Sleep) else None

    def _start_thread(self, request: ProviderRequest | Connect) -> bool:
        """Make a request in a thread of its own; return False where there can't be one."""
        target = functools.partial(contextvars.copy_context().run, self._put_result, request)
        try:
            # A daemon, so that a gateway which does not answer keeps no program from ending.
            threading.Thread(target=target, name="notifykit-request", daemon=True).start()
        except RuntimeError:  # the machine has no more threads, or the interpreter is about to end
            return False
        self._in_flight += 1
        return True

    def _put_result(self, request: ProviderRequest | Connect) -> None:
        try:
            self._results.put(_complete(request, self._clock))
        except BaseException as error:  # it is raised where the result is waited for
            self._results.put(error)


async def run_async(scheduler: Scheduler, executor: Executor) -> list[Receipt]:
    """Deliver from an event loop, and return the receipts, as :func:`run` does."""
    receipts: list[Receipt] = []
    try:
        async for receipt in iterate_async(scheduler, executor):
            receipts.append(receipt)  # noqa: PERF401 - what is known must survive an exception
    except BaseException as error:
        attach_report(error, receipts, scheduler.prepared)
        raise
    return receipts


async def iterate_async(scheduler: Scheduler, executor: Executor) -> AsyncGenerator[Receipt, None]:
    """Deliver from an event loop, and yield each receipt as soon as it is known; each request has a thread.

    Where the task is cancelled or the caller stops iterating, nothing more is sent; requests in flight can't be stopped,
    so their results are read and logged in the background.
    """
    runner = AsyncRunner(scheduler.clock, executor)
    result: RequestResult | None = None
    turn_ends = time.monotonic() + TURN
    try:
        while (action := scheduler.next_action(result)) is not None:
            result = None
            if isinstance(action, list):
                for receipt in action:
                    yield receipt
                if time.monotonic() > turn_ends:  # many recipients of a row may be in no request
                    await asyncio.sleep(0)
                    turn_ends = time.monotonic() + TURN
                continue
            try:
                result = await runner.wait(action.seconds) if isinstance(action, Sleep) else runner.begin(action)
            except (asyncio.CancelledError, GeneratorExit):
                raise
            except BaseException as error:
                scheduler.fail(error, action)
    except (asyncio.CancelledError, GeneratorExit):
        runner.finish_later(scheduler)
        raise


@attrs.define(eq=False)
class AsyncRunner:
    """Makes requests in threads of an executor, and waits for them in the event loop."""

    _clock: Clock
    _executor: Executor
    _in_flight: dict[asyncio.Future[RequestResult], ProviderRequest | Connect] = attrs.field(init=False, factory=dict)

    def begin(self, request: ProviderRequest | Connect) -> RequestResult | None:
        """Start a request in a thread, and return None; its result where no thread can be started."""
        claim = threading.Lock()
        work = functools.partial(contextvars.copy_context().run, _complete_claimed, claim, request, self._clock)
        try:
            self._in_flight[asyncio.get_running_loop().run_in_executor(self._executor, work)] = request
        except RuntimeError as error:  # the notifier was closed, or there are no more threads
            # An executor that can't start a thread keeps the work for another one: that must not make it any more.
            answer = _closed() if claim.acquire(blocking=False) else error
            return RequestResult(request, answer, self._clock.monotonic())
        return None

    async def wait(self, seconds: float) -> RequestResult | None:
        """Wait for the first result, but no longer than so many seconds."""
        if not self._in_flight:
            if not self._clock.shared:  # a virtual clock needs no waiting: the event loop only gets a turn
                self._clock.sleep(seconds)
                seconds = 0.0
            await asyncio.sleep(seconds)
            return None
        done, _ = await asyncio.wait(
            self._in_flight, timeout=None if seconds == math.inf else seconds, return_when=asyncio.FIRST_COMPLETED
        )
        for future in self._in_flight:
            if future in done:
                del self._in_flight[future]
                return future.result()
        return None

    def finish_later(self, scheduler: Scheduler) -> None:
        """Have the requests in flight completed when they are answered, and let nothing more be sent."""
        scheduler.stop()
        _skip_receipts(scheduler)
        for future, request in self._in_flight.items():
            future.add_done_callback(functools.partial(_complete_late, scheduler, request))


def _complete_late(
    scheduler: Scheduler, request: ProviderRequest | Connect, future: asyncio.Future[RequestResult]
) -> None:
    closed = RequestResult(request, OSError("the event loop was closed"), 0.0)
    _skip_receipts(scheduler, closed if future.cancelled() else future.result())


def _skip_receipts(scheduler: Scheduler, result: RequestResult | None = None) -> None:
    """Go on until there is nothing to do but to wait."""
    while isinstance(scheduler.next_action(result), list):
        result = None


def _complete_claimed(claim: threading.Lock, request: ProviderRequest | Connect, clock: Clock) -> RequestResult:
    """Make a request, unless its result was given already because no thread was expected to make it."""
    if not claim.acquire(blocking=False):
        return RequestResult(request, _closed(), clock.monotonic())
    return _complete(request, clock)


def _closed() -> NotReached:
    return NotReached(
        "The notifier was closed before this request could start, or there is no thread for it.",
        "closed",
        action="Nothing was sent to this recipient. Close a notifier once its sends are over.",
        waits=(),
    )
