"""The verifier for asyncio: the same rules, and the event loop waits."""

from __future__ import annotations

import asyncio
from typing import Any, Self

from notifykit.models.message import Channel
from notifykit.pipeline.async_notifier import AsyncNotifier
from notifykit.pipeline.components import Via
from notifykit.verify.base import VerifierBase
from notifykit.verify.results import Checked, Started


class AsyncVerifier(VerifierBase):
    """A :class:`Verifier` whose ``start`` and ``check`` are awaited. Arguments, results and errors are the same.

    The store is used in threads. Where the task is cancelled while a message is sent, the code is valid and the message
    stays counted: it may be on its way.
    """

    notifier: AsyncNotifier

    async def start(
        self,
        number: str,
        *,
        client: Any = None,
        language: str | None = None,
        via: Via | None = None,
        to: str | None = None,
        channel: Channel | str = Channel.SMS,
        sender: str | None = None,
        new: bool = False,
    ) -> Started:
        """Send a code to a number, or the same code again while it is valid; see :meth:`Verifier.start`."""
        begun = await asyncio.to_thread(self._begin, number, client, language, via, to, channel, new=new)
        if isinstance(begun, Started):
            return begun
        (receipt,) = await self.notifier.send(sender=sender, via=via, **self._sending(*begun))
        return await asyncio.to_thread(self._finish, *begun, receipt)

    async def check(self, number: str, code: str) -> Checked:
        """Return whether a person typed the code that was sent to a number; see :meth:`Verifier.check`."""
        return await asyncio.to_thread(self._check, number, code)

    async def aclose(self) -> None:
        """Close the store, if it was opened here. The notifier stays open."""
        await asyncio.to_thread(self.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()
