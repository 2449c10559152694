"""``AsyncKwtSMS``: the documented client for asyncio."""

from __future__ import annotations

import asyncio
from typing import Self

from notifykit import AsyncNotifier
from notifykit_kwtsms.client.base import SAME_NUMBER, SAME_NUMBER_WAIT, ClientBase
from notifykit_kwtsms.client.results import Mobile, Result


class AsyncKwtSMS(ClientBase[AsyncNotifier]):
    """:class:`KwtSMS` for asyncio: same arguments, dicts and errors. Waits are the event loop's, requests a thread's."""

    _notifier_class = AsyncNotifier

    async def verify(self) -> tuple[bool, float | None, str | None]:
        """Return whether the credentials are right, the balance in points, and the error. Never raises."""
        return await asyncio.to_thread(self._queries.verify)

    async def balance(self) -> float | None:
        """Return the points left; None on an error. A send returns them too."""
        return (await self.verify())[1]

    async def send(self, mobile: Mobile, message: str, sender: str | None = None) -> Result:
        """Send a text to one number or many; see :meth:`KwtSMS.send`."""
        prepared = self._prepare(mobile, message)
        if prepared.refusal:
            return prepared.refusal
        report = await self._notifier(prepared).send(prepared.recipients, message, sender=sender or self.sender_id)
        return self._result(prepared, report)

    async def send_with_retry(
        self, mobile: Mobile, message: str, sender: str | None = None, max_retries: int = 3
    ) -> Result:
        """Send, and wait where a number was sent to less than 15 seconds ago; see :meth:`KwtSMS.send_with_retry`."""
        result = await self.send(mobile, message, sender)
        for _ in range(max_retries):
            if result.get("code") != SAME_NUMBER:
                break
            if self._clock.shared:
                await asyncio.sleep(SAME_NUMBER_WAIT)
            else:
                self._clock.sleep(SAME_NUMBER_WAIT)
            result = await self.send(mobile, message, sender)
        return result

    async def validate(self, phones: Mobile) -> Result:
        """Return the gateway's check of numbers; numbers that are invalid locally are not sent to it."""
        return await asyncio.to_thread(self._validate, phones)

    async def status(self, msg_id: str) -> Result:
        """Return where a message is inside the gateway, by the ``msg-id`` of its send."""
        return await asyncio.to_thread(self._queries.status, msg_id)

    async def dlr(self, msg_id: str) -> Result:
        """Return the delivery reports of a message; there are none for numbers in Kuwait."""
        return await asyncio.to_thread(self._queries.dlr, msg_id)

    async def senderids(self) -> Result:
        """Return the sender IDs of the account: ``{"result": "OK", "senderids": […]}``."""
        return await asyncio.to_thread(self._queries.senderids)

    async def coverage(self) -> Result:
        """Return the active country prefixes: ``{"result": "OK", "prefixes": […]}``."""
        return await asyncio.to_thread(self._queries.coverage)

    async def close(self) -> None:
        """Wait for requests in flight, then close the connections. Without it, nothing is lost."""
        await self._single.aclose()
        await self._bulk.aclose()
        self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()
