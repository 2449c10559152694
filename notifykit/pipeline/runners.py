"""Waiting: what a delivery asks for is done here, with threads or with asyncio.

Both runners begin a request and wait for a result or some time; what to do next, the scheduler alone decides.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import math
import queue
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import Executor
from typing import TypeAlias

from notifykit.errors import NotReached
from notifykit.models.receipt import Receipt
from notifykit.pipeline.delivery import Scheduler
from notifykit.pipeline.provider_requests import Answer, Connect, ProviderRequest, RequestResult, Sleep, complete
from notifykit.pipeline.stages import attach_report
from notifykit.protocols import Clock

#: Makes a request, as :func:`send_request` does.
Send: TypeAlias = Callable[[ProviderRequest, Clock], Answer]


def run(scheduler: Scheduler, send: Send | None = None) -> list[Receipt]:
    """Deliver in this thread, and return the receipts.

    Whatever breaks it off (Ctrl-C, or a broken plugin in strict mode) has what is known by then as its ``report``.

    :param send: makes the requests, one after the other: another one than :func:`send_request` may first write down that
        it makes one.
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

    Where the caller stops iterating, what is in flight is completed first.
    """
    runner = ThreadRunner(scheduler.clock, send)
    result: RequestResult | None = None
    try:
        while (step := scheduler.next_step(result)) is not None:
            result = None
            if isinstance(step, list):
                try:
                    yield from step
                except GeneratorExit:
                    runner.finish(scheduler)
                    raise
                continue
            try:
                result = runner.wait(step.seconds) if isinstance(step, Sleep) else runner.begin(step)
            except BaseException as error:
                scheduler.fail(error, step)
    finally:
        scheduler.close()


class ThreadRunner:
    """Makes requests for the thread that this belongs to: in it, or several at a time in threads of their own.

    :param clock: the time.
    :param send: makes all of them in this thread; None for :func:`send_request`.
    """

    def __init__(self, clock: Clock, send: Send | None) -> None:
        self._clock = clock
        self._send = send
        self._in_flight = 0

    def begin(self, request: ProviderRequest | Connect) -> RequestResult | None:
        """Make a request and return its result; None where that comes with a later wait."""
        if isinstance(request, Connect):
            return complete(request, self._clock)
        if self._send is not None:
            return RequestResult(request, self._send(request, self._clock), self._clock.monotonic())
        if request.concurrent and self._start_thread(request):
            return None
        return complete(request, self._clock)

    def wait(self, seconds: float) -> RequestResult | None:
        """Wait for the first result, but no longer than so many seconds.

        :raises BaseException: where a request broke off with something that is for the program.
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
        """Complete the requests that are in flight, and let nothing more be sent."""
        # When the interpreter ends, so did the threads that would answer.
        if sys.is_finalizing():
            return
        scheduler.stop()
        result: RequestResult | None = None
        while (step := scheduler.next_step(result)) is not None:
            result = self.wait(step.seconds) if isinstance(step, Sleep) else None

    def _start_thread(self, request: ProviderRequest) -> bool:
        """Make a request in a thread of its own; return False where there can't be one."""
        if not self._in_flight:
            self._results: queue.SimpleQueue[RequestResult | BaseException] = queue.SimpleQueue()
        context = contextvars.copy_context()
        try:
            # A daemon, so that a gateway which does not answer keeps no program from ending.
            threading.Thread(
                target=context.run, args=(self._complete, request), name="notifykit-request", daemon=True
            ).start()
        except RuntimeError:  # the machine has no more threads, or the interpreter is about to end
            return False
        self._in_flight += 1
        return True

    def _complete(self, request: ProviderRequest) -> None:
        try:
            self._results.put(complete(request, self._clock))
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

    Where the task is cancelled or the caller stops iterating, requests that are in flight can't be called back: their
    results are taken and logged in the background, and nothing more is sent.
    """
    runner = AsyncRunner(scheduler.clock, executor)
    result: RequestResult | None = None
    try:
        while (step := scheduler.next_step(result)) is not None:
            result = None
            if isinstance(step, list):
                for receipt in step:
                    yield receipt
                continue
            try:
                result = await runner.wait(step.seconds) if isinstance(step, Sleep) else runner.begin(step)
            except (asyncio.CancelledError, GeneratorExit):
                raise
            except BaseException as error:
                scheduler.fail(error, step)
    except (asyncio.CancelledError, GeneratorExit):
        runner.finish_later(scheduler)
        raise


class AsyncRunner:
    """Makes requests in threads of an executor, and waits for them in the event loop.

    :param clock: the time.
    :param executor: has the threads.
    """

    def __init__(self, clock: Clock, executor: Executor) -> None:
        self._clock = clock
        self._executor = executor
        self._in_flight: dict[asyncio.Future[RequestResult], ProviderRequest | Connect] = {}

    def begin(self, request: ProviderRequest | Connect) -> RequestResult | None:
        """Begin a request in a thread, and return None; where that can't be, return what is to be said of it."""
        claim = threading.Lock()
        work = functools.partial(contextvars.copy_context().run, _complete_claimed, claim, request, self._clock)
        try:
            self._in_flight[asyncio.get_running_loop().run_in_executor(self._executor, work)] = request
        except RuntimeError as error:  # the notifier was closed, or there are no more threads
            # An executor that can't start a thread keeps the work for another one: that must not make it any more.
            return RequestResult(
                request, _closed() if claim.acquire(blocking=False) else error, self._clock.monotonic()
            )
        return None

    async def wait(self, seconds: float) -> RequestResult | None:
        """Wait for the first result, but no longer than so many seconds."""
        if not self._in_flight:
            await self._sleep(seconds)
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
        """Have the requests that are in flight completed when they are answered, and let nothing more be sent."""
        scheduler.stop()
        _skip_receipts(scheduler)
        for future, request in self._in_flight.items():
            future.add_done_callback(functools.partial(_complete_late, scheduler, request))

    async def _sleep(self, seconds: float) -> None:
        if self._clock.shared:
            await asyncio.sleep(seconds)
        else:
            self._clock.sleep(seconds)
            await asyncio.sleep(0)


def _complete_late(
    scheduler: Scheduler, request: ProviderRequest | Connect, future: asyncio.Future[RequestResult]
) -> None:
    closed = RequestResult(request, OSError("the event loop was closed"), 0.0)
    _skip_receipts(scheduler, closed if future.cancelled() else future.result())


def _skip_receipts(scheduler: Scheduler, result: RequestResult | None = None) -> None:
    """Go on until there is nothing to do but to wait."""
    while isinstance(scheduler.next_step(result), list):
        result = None


def _complete_claimed(claim: threading.Lock, request: ProviderRequest | Connect, clock: Clock) -> RequestResult:
    """Make a request unless somebody else has said what became of it."""
    if not claim.acquire(blocking=False):
        return RequestResult(request, _closed(), clock.monotonic())
    return complete(request, clock)


def _closed() -> NotReached:
    return NotReached(
        "The notifier was closed before this request could start, or there is no thread for it.",
        "closed",
        action="Nothing was sent to this recipient. Close a notifier once its sends are over.",
        waits=(),
    )
