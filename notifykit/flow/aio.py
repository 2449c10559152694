"""The same road from asyncio: the stages are the notifier's own, only waiting is done by the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Self

from notifykit.flow.assembly import Via
from notifykit.flow.cleaning import clean
from notifykit.flow.delivery import deliver
from notifykit.flow.driving import drive_async
from notifykit.flow.normalizing import Addresses, normalize
from notifykit.flow.notifier import Notifier
from notifykit.flow.planning import cut
from notifykit.flow.reporting import report
from notifykit.models import Channel, Plan, Receipt, Report
from notifykit.plugins import PluginHost
from notifykit.protocols import Transport
from notifykit.settings import Settings

#: Requests under way at once: two a second, none longer than its timeout, stay below it.
_THREADS: Final = 32


class AsyncNotifier:
    """A :class:`Notifier` whose ``send`` is awaited. Arguments, results and errors are the same.

    Waits for a pace or a retry are sleeps of the event loop; each request runs in a thread.
    """

    def __init__(self, *args: Any, **parts: Any) -> None:
        self._adopt(Notifier(*args, **parts))

    @classmethod
    def from_settings(cls, *args: Any, **arguments: Any) -> Self:
        """Build a notifier as :meth:`Notifier.from_settings` does."""
        notifier = cls.__new__(cls)
        notifier._adopt(Notifier.from_settings(*args, **arguments))
        return notifier

    def _adopt(self, notifier: Notifier) -> None:
        self._notifier = notifier
        self._house = notifier._house
        self._executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="notifykit")

    async def send(
        self,
        to: Addresses,
        text: str,
        *,
        sender: str | None = None,
        via: Via | None = None,
        channel: Channel | str = Channel.SMS,
        tags: Iterable[str] = (),
        idempotency_key: str | None = None,
        deadline: float | None = None,
    ) -> Report:
        """Send a text to one recipient or many and return what happened to each; see :meth:`Notifier.send`.

        Where the task is cancelled, nothing more is sent; a request that is out is still heard and told to the sinks.
        """
        message = self._notifier._message(text, sender, channel, tags, idempotency_key)
        trip = self._house.trip(via, deadline, window=None)
        recipients = normalize(to, message, trip)
        prepared = clean(message, trip)
        batches = cut(recipients, prepared, trip)
        steps = deliver(batches, prepared, trip)
        receipts = drive_async(steps, trip.transport, trip.clock, self._executor)
        return report([receipt async for receipt in receipts], prepared)

    async def stream(
        self,
        to: Addresses,
        text: str,
        *,
        sender: str | None = None,
        via: Via | None = None,
        channel: Channel | str = Channel.SMS,
        tags: Iterable[str] = (),
        idempotency_key: str | None = None,
        deadline: float | None = None,
    ) -> AsyncIterator[Receipt]:
        """Send, and yield each receipt as soon as it is known; see :meth:`Notifier.stream`."""
        message = self._notifier._message(text, sender, channel, tags, idempotency_key)
        trip = self._house.trip(via, deadline, window=self._house.settings.dedupe_window)
        prepared = clean(message, trip)
        batches = cut(normalize(to, message, trip), prepared, trip)
        steps = deliver(batches, prepared, trip)
        async for receipt in drive_async(steps, trip.transport, trip.clock, self._executor):
            yield receipt

    def plan(self, to: Addresses, text: str, **options: Any) -> Plan:
        """Return what :meth:`send` would do. Nothing is sent, so there is nothing to await."""
        return self._notifier.plan(to, text, **options)

    @property
    def transport(self) -> Transport:
        """What carries the messages where a call names nothing else."""
        return self._notifier.transport

    @property
    def host(self) -> PluginHost:
        """The plugins."""
        return self._notifier.host

    @property
    def settings(self) -> Settings:
        """The settings, each with its origin."""
        return self._notifier.settings

    async def aclose(self) -> None:
        """Wait for requests that are out, then give back connections and files."""
        await asyncio.get_running_loop().run_in_executor(None, self._executor.shutdown)
        await asyncio.sleep(0)  # answers that nobody awaits any more are heard by callbacks of the loop
        self._notifier.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._notifier.transport}>"
