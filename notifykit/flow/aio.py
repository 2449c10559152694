"""The same road from asyncio: the stages are the notifier's own, only waiting is done by the event loop."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Self

from notifykit.flow.assembly import Via
from notifykit.flow.cleaning import clean
from notifykit.flow.delivery import deliver
from notifykit.flow.driving import drive_async
from notifykit.flow.front import Front
from notifykit.flow.normalizing import Addresses, normalize
from notifykit.flow.planning import cut
from notifykit.flow.reporting import report_async
from notifykit.models import Channel, Receipt, Report

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
        deadline: float | None = None,
    ) -> Report:
        """Send a text to one recipient or many and return what happened to each; see :meth:`Notifier.send`.

        Where the task is cancelled, nothing more is sent; a request that is out is still heard and told to the sinks, as
        long as the event loop runs.
        """
        message = self._house.message(text, sender, channel, tags, idempotency_key)
        trip = self._house.trip(via, deadline, window=None)
        recipients = normalize(to, message, trip)
        prepared = clean(message, trip)
        batches = list(cut(recipients, prepared, trip))
        steps = deliver(batches, prepared, trip)
        receipts = drive_async(steps, trip.transport, trip.clock, self._executor)
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
        deadline: float | None = None,
    ) -> AsyncIterator[Receipt]:
        """Send, and yield each receipt as soon as it is known; see :meth:`Notifier.stream`."""
        message = self._house.message(text, sender, channel, tags, idempotency_key)
        trip = self._house.trip(via, deadline, window=self._house.settings.dedupe_window)
        prepared = clean(message, trip)
        batches = cut(normalize(to, message, trip), prepared, trip)
        steps = deliver(batches, prepared, trip)
        async for receipt in drive_async(steps, trip.transport, trip.clock, self._executor):
            yield receipt

    async def aclose(self) -> None:
        """Wait for requests that are out, then give back connections and files."""
        await asyncio.get_running_loop().run_in_executor(None, self._executor.shutdown)
        await asyncio.sleep(0)  # answers that nobody awaits any more are heard by callbacks of the loop
        self._house.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()
