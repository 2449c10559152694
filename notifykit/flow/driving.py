"""Carrying out what the delivery asks for: with this thread, or with asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Executor

from notifykit.errors import INTERRUPTS, NotReached, without_frames
from notifykit.flow.carrying import Abandoned, Answer, Exchange, Wait
from notifykit.flow.delivery import Steps
from notifykit.models import Receipt
from notifykit.protocols import Clock


def drive(steps: Steps, clock: Clock, make: Callable[[Exchange, Clock], Answer] | None = None) -> Iterator[Receipt]:
    """Run the steps in this thread and yield the receipts.

    :param make: makes a request; another one than :func:`exchange` may write down first that it is made.
    """
    make = make or exchange
    answer: Answer | None = None
    with contextlib.closing(steps):
        while True:
            try:
                step = steps.send(answer)
            except StopIteration:
                return
            answer = None
            if isinstance(step, list):
                yield from step
            elif isinstance(step, Wait):
                clock.sleep(step.seconds)
            else:
                try:
                    answer = make(step, clock)
                except BaseException as error:
                    steps.throw(error)
                    raise


async def drive_async(steps: Steps, clock: Clock, executor: Executor) -> AsyncIterator[Receipt]:
    """Run the steps from an event loop and yield the receipts; only requests leave it, for a thread each.

    Where the task is cancelled during a request, the request can't be called back: its answer is still waited for in
    the background and told to the sinks, and nothing more is sent.
    """
    answer: Answer | None = None
    ours = True
    try:
        while True:
            try:
                step = steps.send(answer)
            except StopIteration:
                return
            answer = None
            if isinstance(step, list):
                for receipt in step:
                    yield receipt
            elif isinstance(step, Wait):
                await _sleep(step.seconds, clock)
            else:
                context = contextvars.copy_context()
                request = asyncio.get_running_loop().run_in_executor(executor, context.run, exchange, step, clock)
                try:
                    answer = await asyncio.shield(request)
                except asyncio.CancelledError:
                    ours = False
                    request.add_done_callback(lambda done: _finish(steps, done))
                    raise
    finally:
        if ours:
            steps.close()


def exchange(step: Exchange, clock: Clock) -> Answer:
    """Make one request and return its answer, whatever it is."""
    timeout = step.timeout
    if step.ends is not None:
        timeout = min(timeout, step.ends - clock.monotonic())
    if timeout <= 0:
        return NotReached("The deadline of the send came before its request could start.", "deadline", waits=())
    try:
        return step.transport.send(step.batch, timeout)
    except INTERRUPTS:
        raise
    except BaseException as error:  # a transport may raise anything; the delivery says what it means
        return without_frames(error)


async def _sleep(seconds: float, clock: Clock) -> None:
    if clock.shared:
        await asyncio.sleep(seconds)
    else:
        clock.sleep(seconds)
        await asyncio.sleep(0)


def _finish(steps: Steps, request: asyncio.Future[Answer]) -> None:
    """Hear the answer of a request whose task is gone, up to the point where more would be sent."""
    with contextlib.suppress(StopIteration, Abandoned):
        step = steps.send(OSError("the event loop was closed") if request.cancelled() else request.result())
        while isinstance(step, list):
            step = steps.send(None)
        steps.throw(Abandoned())
