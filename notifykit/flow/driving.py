"""Carrying out what the delivery asks for: with this thread, or with asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Executor

from notifykit.errors import INTERRUPTS, NotReached, without_frames
from notifykit.flow.delivery import Abandoned, Answer, Exchange, Steps, Wait
from notifykit.models import Receipt
from notifykit.protocols import Clock, Transport


def drive(steps: Steps, transport: Transport, clock: Clock) -> Iterator[Receipt]:
    """Run the steps in this thread and yield the receipts."""
    answer: Answer | None = None
    with contextlib.closing(steps):
        while True:
            try:
                step = steps.send(answer)
            except StopIteration:
                return
            answer = None
            if isinstance(step, Receipt):
                yield step
            elif isinstance(step, Wait):
                clock.sleep(step.seconds)
            else:
                try:
                    answer = _exchange(transport, step, clock)
                except BaseException as error:
                    steps.throw(error)
                    raise


async def drive_async(steps: Steps, transport: Transport, clock: Clock, executor: Executor) -> AsyncIterator[Receipt]:
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
            if isinstance(step, Receipt):
                yield step
            elif isinstance(step, Wait):
                await _sleep(step.seconds, clock)
            else:
                context = contextvars.copy_context()
                request = asyncio.get_running_loop().run_in_executor(
                    executor, context.run, _exchange, transport, step, clock
                )
                try:
                    answer = await asyncio.shield(request)
                except asyncio.CancelledError:
                    ours = False
                    request.add_done_callback(lambda done: _finish(steps, done))
                    raise
    finally:
        if ours:
            steps.close()


def _exchange(transport: Transport, exchange: Exchange, clock: Clock) -> Answer:
    timeout = exchange.timeout
    if exchange.ends is not None:
        timeout = min(timeout, exchange.ends - clock.monotonic())
    if timeout <= 0:
        return NotReached("The deadline of the send came before its request could start.", "deadline", waits=())
    try:
        return transport.send(exchange.batch, timeout)
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
        while isinstance(step, Receipt):
            step = steps.send(None)
        steps.throw(Abandoned())
