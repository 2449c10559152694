"""Carrying out what the delivery asks for: with threads, or with asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import math
import queue
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import Executor
from typing import TypeAlias

from notifykit.errors import INTERRUPTS, NotReached, without_frames
from notifykit.flow.carrying import Answer, Connect, Exchange, Heard, Wait
from notifykit.flow.overlapping import Enough, Steps
from notifykit.models import Receipt
from notifykit.protocols import Clock

#: Makes a request.
Make: TypeAlias = Callable[[Exchange, Clock], Answer]


def drive(steps: Steps, clock: Clock, make: Make | None = None) -> Iterator[Receipt]:
    """Run the steps in this thread and yield the receipts.

    Requests of several batches that may be out at once have a thread each, every other one is made in this thread.
    Where the caller stops iterating, and where something raises, what is out is heard first. Where this thread is
    interrupted, nothing is waited for.

    :param make: makes the requests, one after the other: another one than :func:`exchange` may write down first that
        it makes one.
    """
    hands = _Hands(clock, make)
    heard: Heard | None = None
    broken: BaseException | None = None
    try:
        while True:
            try:
                step = steps.send(heard) if broken is None else steps.throw(broken)
            except StopIteration:
                return
            heard = broken = None
            if isinstance(step, list):
                try:
                    yield from step
                except GeneratorExit:
                    hands.hear_out(steps)
                    raise
                continue
            try:
                heard = hands.wait(step.seconds) if isinstance(step, Wait) else hands.make(step)
            except BaseException as error:
                broken = error
    finally:
        steps.close()


class _Hands:
    """Makes requests, for the thread that this belongs to: in it, or in threads of their own.

    :param clock: the time.
    :param make: makes all of them in this thread; None for :func:`exchange`.
    """

    def __init__(self, clock: Clock, make: Make | None) -> None:
        self._clock = clock
        self._alone = make is not None
        self._make = make or exchange
        self._out = 0

    def make(self, step: Exchange | Connect) -> Heard | None:
        """Make a request and return its answer; None where that comes with a later wait."""
        if isinstance(step, Connect):
            return _timed(step, self._clock)
        if step.apart and not self._alone and self._began(step):
            return None
        return Heard(step, self._make(step, self._clock), self._clock.monotonic())

    def _began(self, step: Exchange) -> bool:
        """Begin a request in a thread of its own; return False where there can't be one."""
        if not self._out:
            self._answers: queue.SimpleQueue[Heard | BaseException] = queue.SimpleQueue()
        context = contextvars.copy_context()
        try:
            # A daemon, so that a gateway which does not answer keeps no program from ending.
            threading.Thread(target=context.run, args=(self._run, step), name="notifykit-request", daemon=True).start()
        except RuntimeError:  # the machine has no more threads, or the interpreter is about to end
            return False
        self._out += 1
        return True

    def wait(self, seconds: float) -> Heard | None:
        """Wait for the first answer, but no longer than so many seconds.

        :raises BaseException: where a request broke off with something that is for the program.
        """
        if not self._out:
            self._clock.sleep(seconds)
            return None
        try:
            heard = self._answers.get(timeout=None if seconds == math.inf else seconds)
        except queue.Empty:
            return None
        self._out -= 1
        if isinstance(heard, BaseException):
            raise heard
        return heard

    def hear_out(self, steps: Steps) -> None:
        """Hear the requests that are out, and let nothing more be sent."""
        # When the interpreter ends, so did the threads that would answer.
        if sys.is_finalizing():
            return
        with contextlib.suppress(StopIteration, Enough):
            step = steps.throw(Enough())
            while True:
                step = steps.send(self.wait(step.seconds) if isinstance(step, Wait) else None)

    def _run(self, step: Exchange) -> None:
        try:
            self._answers.put(_timed(step, self._clock))
        except BaseException as error:  # it is raised where somebody waits for the answer
            self._answers.put(error)


async def drive_async(steps: Steps, clock: Clock, executor: Executor) -> AsyncGenerator[Receipt, None]:
    """Run the steps from an event loop and yield the receipts; only requests leave it, for a thread each.

    Where the task is cancelled or the caller stops iterating, requests that are out can't be called back: their answers
    are still waited for in the background and told to the sinks, and nothing more is sent.
    """
    out: dict[asyncio.Future[Heard], Exchange | Connect] = {}
    heard: Heard | None = None
    broken: BaseException | None = None
    ours = True
    try:
        while True:
            try:
                step = steps.send(heard) if broken is None else steps.throw(broken)
            except StopIteration:
                return
            heard = broken = None
            if isinstance(step, list):
                for receipt in step:
                    yield receipt
            elif isinstance(step, Wait):
                try:
                    heard = await _heard(step.seconds, out, clock)
                except (asyncio.CancelledError, GeneratorExit):
                    raise
                except BaseException as error:
                    broken = error
            else:
                heard = _begun(step, out, clock, executor)
    except (asyncio.CancelledError, GeneratorExit):
        ours = not out
        _hear_out(steps, out)
        raise
    finally:
        if ours:
            steps.close()


def _begun(
    step: Exchange | Connect, out: dict[asyncio.Future[Heard], Exchange | Connect], clock: Clock, executor: Executor
) -> Heard | None:
    """Begin a request in a thread, and return None; where that can't be, return what is to be said of it."""
    claim = threading.Lock()
    work = functools.partial(contextvars.copy_context().run, _claimed, claim, step, clock)
    try:
        out[asyncio.get_running_loop().run_in_executor(executor, work)] = step
    except RuntimeError as error:  # the notifier was closed, or there are no more threads
        # An executor that can't start a thread keeps the work for another one: that must not make it any more.
        return Heard(step, _closed() if claim.acquire(blocking=False) else error, clock.monotonic())
    return None


async def _heard(seconds: float, out: dict[asyncio.Future[Heard], Exchange | Connect], clock: Clock) -> Heard | None:
    """Wait for the first answer, but no longer than so many seconds."""
    if not out:
        await _sleep(seconds, clock)
        return None
    done, _ = await asyncio.wait(
        out, timeout=None if seconds == math.inf else seconds, return_when=asyncio.FIRST_COMPLETED
    )
    for request in out:
        if request in done:
            del out[request]
            return request.result()
    return None


async def _sleep(seconds: float, clock: Clock) -> None:
    if clock.shared:
        await asyncio.sleep(seconds)
    else:
        clock.sleep(seconds)
        await asyncio.sleep(0)


def _hear_out(steps: Steps, out: dict[asyncio.Future[Heard], Exchange | Connect]) -> None:
    """Have the requests that are out heard when they are answered, up to the point where more would be sent."""
    with contextlib.suppress(StopIteration, Enough):
        _up_to_wait(steps, steps.throw(Enough()))
    for request, step in out.items():
        request.add_done_callback(functools.partial(_hear_late, steps, step))


def _hear_late(steps: Steps, step: Exchange | Connect, request: asyncio.Future[Heard]) -> None:
    with contextlib.suppress(StopIteration, Enough):
        closed = Heard(step, OSError("the event loop was closed"), 0.0)
        _up_to_wait(steps, steps.send(closed if request.cancelled() else request.result()))


def _up_to_wait(steps: Steps, step: object) -> None:
    while isinstance(step, list):
        step = steps.send(None)


def exchange(step: Exchange, clock: Clock) -> Answer:
    """Make one request and return its answer, whatever it is."""
    timeout = step.timeout
    if step.ends is not None:
        timeout = min(timeout, step.ends - clock.monotonic())
    if timeout <= 0:
        return NotReached("The deadline of the send came before its request could start.", "deadline", waits=())
    try:
        if step.starts is not None:
            step.starts()
        return step.transport.send(step.batch, timeout)
    except INTERRUPTS:
        raise
    except BaseException as error:  # a transport may raise anything; the delivery says what it means
        return without_frames(error)


def connect(step: Connect) -> Answer | None:
    """Open a connection, and return what went wrong; None where nothing did."""
    try:
        step.transport.connect(step.timeout)
    except INTERRUPTS:
        raise
    except BaseException as error:
        return without_frames(error)
    return None


def _claimed(claim: threading.Lock, step: Exchange | Connect, clock: Clock) -> Heard:
    """Make a request unless somebody else has said what became of it."""
    if not claim.acquire(blocking=False):
        return Heard(step, _closed(), clock.monotonic())
    return _timed(step, clock)


def _closed() -> NotReached:
    return NotReached(
        "The notifier was closed before this request could start, or there is no thread for it.",
        "closed",
        action="Nothing was sent to this recipient. Close a notifier once its sends are over.",
        waits=(),
    )


def _timed(step: Exchange | Connect, clock: Clock) -> Heard:
    answer = connect(step) if isinstance(step, Connect) else exchange(step, clock)
    return Heard(step, answer, clock.monotonic())
