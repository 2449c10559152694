"""The same road from asyncio: the stages are the notifier's own, only waiting is done by the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
from collections.abc import AsyncIterator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Self

from notifykit.deliveries import Delivery
from notifykit.flow.building import Via
from notifykit.flow.cleaning import clean
from notifykit.flow.delivery import deliver
from notifykit.flow.driving import drive_async
from notifykit.flow.front import Front
from notifykit.flow.guarding import guard
from notifykit.flow.normalizing import Addresses, normalize
from notifykit.flow.planning import cut
from notifykit.flow.reporting import report_async
from notifykit.flow.trip import Trip
from notifykit.models import Batch, Channel, Receipt, Report

#: Requests under way at once: two a second, none longer than its timeout, stay below it.
_THREADS: Final = 32


class AsyncNotifier(Front):
    """A :class:`Notifier` whose ``send`` is awaited. Arguments, results and errors are the same.

    Waits for a pace or a retry are sleeps of the event loop; each request runs in a thread.
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

        Where the task is cancelled, nothing more is sent; requests that are out are still heard and told to the sinks, as
        long as the event loop runs.
        """
        message = self._house.message(text, sender, channel, tags, idempotency_key, subject)
        trip = self._house.trip(via, deadline, window=None, move_unknown=move_unknown)
        recipients = normalize(to, message, trip)
        prepared = clean(message, trip)
        admitted = guard(recipients, prepared, trip)
        batches = await self._listed(cut(admitted, prepared, trip), trip)
        steps = deliver(batches, prepared, trip)
        receipts = drive_async(steps, trip.clock, self._executor)
        return await report_async(receipts, prepared)

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
        message = self._house.message(text, sender, channel, tags, idempotency_key, subject)
        trip = self._house.trip(via, deadline, window=self._house.settings.dedupe_window, move_unknown=move_unknown)
        prepared = clean(message, trip)
        admitted = guard(normalize(to, message, trip), prepared, trip)
        batches = cut(admitted, prepared, trip)
        steps = deliver(batches, prepared, trip, at_hand=isinstance(to, Sequence))
        async with contextlib.aclosing(drive_async(steps, trip.clock, self._executor)) as receipts:
            async for receipt in receipts:
                yield receipt

    async def delivery(self, receipt: Receipt, *, via: Via | None = None) -> Delivery:
        """Ask what became of a message after the provider took it; see :meth:`Notifier.delivery`."""
        (delivery,) = await self.deliveries((receipt,), via=via)
        return delivery

    async def deliveries(self, receipts: Iterable[Receipt], *, via: Via | None = None) -> tuple[Delivery, ...]:
        """Ask about many receipts, each request once; see :meth:`Notifier.deliveries`.

        The questions run in a thread, which also tells the sinks. Where the task is cancelled, what is heard is heard.
        """
        carriers = self._house.carriers(via)
        ask = functools.partial(
            contextvars.copy_context().run,
            self._house.hearing.ask,
            tuple(receipts),
            carriers,
            self._house.settings.timeout,
        )
        return tuple(await asyncio.get_running_loop().run_in_executor(self._executor, ask))

    async def _listed(self, pieces: Iterable[Batch | Receipt], trip: Trip) -> list[Batch | Receipt]:
        """Go through the guards, in a thread where there are any: they look into files.

        Where the task is cancelled meanwhile, nothing was sent, and nothing that they wrote down counts.
        """
        if not trip.registry.guards:
            return list(pieces)
        context = contextvars.copy_context()
        listing: asyncio.Future[list[Batch | Receipt]] = asyncio.get_running_loop().run_in_executor(
            self._executor, lambda: context.run(lambda: list(pieces))
        )
        try:
            return await asyncio.shield(listing)
        except asyncio.CancelledError:
            listing.add_done_callback(lambda _: trip.guarding.abandon())
            raise

    async def aclose(self) -> None:
        """Wait for requests that are out, then give back connections and files."""
        await asyncio.get_running_loop().run_in_executor(None, self._executor.shutdown)
        await asyncio.sleep(0)  # answers that nobody awaits any more are heard by callbacks of the loop
        self._house.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()
