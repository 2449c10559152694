"""The notifier for asyncio: the same stages, and the event loop waits."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Self, TypeVar

from notifykit.models.delivery import Delivery
from notifykit.models.message import Channel
from notifykit.models.receipt import Receipt, Report
from notifykit.models.recipient import Recipient, Rejected
from notifykit.pipeline import runners
from notifykit.pipeline.components import Via
from notifykit.pipeline.context import Prepared, SendContext
from notifykit.pipeline.delivery import deliver
from notifykit.pipeline.notifier import Notifier, NotifierBase
from notifykit.pipeline.runners import iterate_async, run_async
from notifykit.pipeline.stages import Addresses, Admitted, attach_report, clean, guard, normalize, plan_batches

#: The most requests in flight: two a second, none longer than its timeout, stay below it.
_THREADS: Final = 32

_Item = TypeVar("_Item")


async def _in_turns(items: Iterable[_Item]) -> list[_Item]:
    """Return a list of the items; other tasks of the event loop get a turn while a long one is made."""
    made: list[_Item] = []
    ends = time.monotonic() + runners.TURN
    for item in items:
        made.append(item)
        if time.monotonic() > ends:
            await asyncio.sleep(0)
            ends = time.monotonic() + runners.TURN
    return made


async def _report(receipts: list[Receipt], prepared: Prepared) -> Report:
    """Return the report of a send. Sorting a long list would hold the event loop, so each receipt is put into its place."""
    places = receipts.copy()

    try:
        await _in_turns(places.__setitem__(receipt.position, receipt) for receipt in receipts)
    except asyncio.CancelledError as error:
        attach_report(error, receipts, prepared)
        raise
    return Report(tuple(places), prepared.message, prepared.cleaned.edits, prepared.measurement)


class AsyncNotifier(NotifierBase):
    """A :class:`Notifier` whose ``send`` is awaited. Arguments, results and errors are the same.

    Waits for a rate limit or a retry are sleeps of the event loop; each request runs in a thread.
    """

    @functools.cached_property
    def _executor(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(_THREADS, thread_name_prefix="notifykit")

    async def send(
        self,
        to: Addresses,
        text: str,
        *,
        sender: str | None = None,
        via: Via | None = None,
        channel: Channel | str = Channel.SMS,
        tags: str | Iterable[str] = (),
        idempotency_key: str | None = None,
        subject: str | None = None,
        deadline: float | None = None,
        move_unknown: bool = False,
    ) -> Report:
        """Send a text to one recipient or many and return what happened to each; see :meth:`Notifier.send`.

        Where the task is cancelled, nothing more is sent; the answers to requests in flight are still read and logged, as
        long as the event loop runs.
        """
        message = self._components.message(text, sender, channel, tags, idempotency_key, subject)
        context = self._components.context(via, deadline, window=None, move_unknown=move_unknown)
        recipients = await _in_turns(normalize(to, message, context))
        prepared = clean(message, context)
        admitted = await self._guard(recipients, prepared, context)
        try:
            batches = await _in_turns(plan_batches(admitted, prepared, context))
        except asyncio.CancelledError:
            context.reservations.abandon()
            raise
        del recipients, admitted  # the garbage collector stops the event loop for as long as there are objects
        receipts = await run_async(deliver(batches, prepared, context), self._executor)
        return await _report(receipts, prepared)

    async def stream(
        self,
        to: Addresses,
        text: str,
        *,
        sender: str | None = None,
        via: Via | None = None,
        channel: Channel | str = Channel.SMS,
        tags: str | Iterable[str] = (),
        idempotency_key: str | None = None,
        subject: str | None = None,
        deadline: float | None = None,
        move_unknown: bool = False,
    ) -> AsyncIterator[Receipt]:
        """Send, and yield each receipt as soon as it is known; see :meth:`Notifier.stream`."""
        message = self._components.message(text, sender, channel, tags, idempotency_key, subject)
        context = self._components.context(
            via, deadline, window=self._components.settings.dedupe_window, move_unknown=move_unknown
        )
        prepared = clean(message, context)
        admitted = guard(normalize(to, message, context), prepared, context)
        batches = plan_batches(admitted, prepared, context)
        scheduler = deliver(batches, prepared, context, ready=isinstance(to, Sequence))
        async with contextlib.aclosing(iterate_async(scheduler, self._executor)) as receipts:
            async for receipt in receipts:
                yield receipt

    async def delivery(self, receipt: Receipt, *, via: Via | None = None) -> Delivery:
        """Ask what happened to a message after the provider took it; see :meth:`Notifier.delivery`."""
        (delivery,) = await self.deliveries((receipt,), via=via)
        return delivery

    async def deliveries(self, receipts: Iterable[Receipt], *, via: Via | None = None) -> tuple[Delivery, ...]:
        """Ask about many receipts, each request once; see :meth:`Notifier.deliveries`.

        The questions and the sinks run in a thread. Where the task is cancelled, they are completed there.
        """
        components = self._components
        transports = components.transports_for(via)
        ask = functools.partial(
            contextvars.copy_context().run,
            components.delivery_reports.ask,
            tuple(receipts),
            transports,
            components.settings.timeout,
        )
        return tuple(await asyncio.get_running_loop().run_in_executor(self._executor, ask))

    async def _guard(
        self, candidates: Sequence[Recipient | Rejected], prepared: Prepared, context: SendContext
    ) -> list[Admitted | Receipt]:
        """Ask the guards, in a thread where there are any: they read files.

        Where the task is cancelled meanwhile, nothing was sent, and what they reserved is released.
        """
        if not context.registry.guards:
            return await _in_turns(guard(candidates, prepared, context))
        ask = functools.partial(contextvars.copy_context().run, list, guard(candidates, prepared, context))
        asking: asyncio.Future[list[Admitted | Receipt]] = asyncio.get_running_loop().run_in_executor(
            self._executor, ask
        )
        try:
            return await asyncio.shield(asking)
        except asyncio.CancelledError:
            asking.add_done_callback(lambda _: context.reservations.abandon())
            raise

    def sync(self) -> Notifier:
        """Return a :class:`Notifier` over the same connections, limits and sinks, for threads; this one closes it."""
        notifier = Notifier.__new__(Notifier)
        notifier._components = self._components
        return notifier

    async def aclose(self) -> None:
        """Wait for requests in flight, then close connections and files."""
        await asyncio.get_running_loop().run_in_executor(None, self._executor.shutdown)
        await asyncio.sleep(0)  # callbacks of the loop read answers that are not awaited any more
        self._components.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()
