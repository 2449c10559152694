"""``AsyncKwtSMS``: the documented client, awaited."""

from __future__ import annotations

import asyncio
from typing import Self

from notifykit import AsyncNotifier
from notifykit_kwtsms.api.codes import CODES
from notifykit_kwtsms.client.base import TOO_SOON, Face
from notifykit_kwtsms.client.results import Mobile, Shape


class AsyncKwtSMS(Face[AsyncNotifier]):
    """:class:`KwtSMS` for asyncio: the same arguments, dicts and errors. Waits are the event loop's, requests a thread's."""

    _front = AsyncNotifier

    async def verify(self) -> tuple[bool, float | None, str | None]:
        """Return whether the credentials are right, the balance in points, and what is wrong. Never raises."""
        return await asyncio.to_thread(self._lookups.verify)

    async def balance(self) -> float | None:
        """Ask for the points that are left; None where there is no answer. ``send`` tells it as well."""
        return (await self.verify())[1]

    async def send(self, mobile: Mobile, message: str, sender: str | None = None) -> Shape:
        """Send a text to one number or many; see :meth:`KwtSMS.send`."""
        errand = self._errand(mobile, message)
        if errand.refusal:
            return errand.refusal
        report = await self._notifier(errand).send(errand.recipients, message, sender=sender or self.sender_id)
        return self._answer(errand, report)

    async def send_with_retry(
        self, mobile: Mobile, message: str, sender: str | None = None, max_retries: int = 3
    ) -> Shape:
        """Send, and wait where a number was sent to too soon before; see :meth:`KwtSMS.send_with_retry`."""
        result = await self.send(mobile, message, sender)
        for wait in [CODES[TOO_SOON].waits[0]] * max_retries:
            if result.get("code") != TOO_SOON:
                break
            await self._sleep(wait)
            result = await self.send(mobile, message, sender)
        return result

    async def validate(self, phones: Mobile) -> Shape:
        """Ask what the gateway thinks of numbers; those that are none are not asked about."""
        return await asyncio.to_thread(self._validate, phones)

    async def status(self, msg_id: str) -> Shape:
        """Ask where a message is inside the gateway, by the ``msg-id`` of its send."""
        return await asyncio.to_thread(self._lookups.status, msg_id)

    async def dlr(self, msg_id: str) -> Shape:
        """Ask for the delivery reports of a message; there are none for numbers in Kuwait."""
        return await asyncio.to_thread(self._lookups.dlr, msg_id)

    async def senderids(self) -> Shape:
        """Ask for the sender IDs of the account: ``{"result": "OK", "senderids": […]}``."""
        return await asyncio.to_thread(self._lookups.senderids)

    async def coverage(self) -> Shape:
        """Ask for the country prefixes that are active: ``{"result": "OK", "prefixes": […]}``."""
        return await asyncio.to_thread(self._lookups.coverage)

    async def close(self) -> None:
        """Wait for requests that are out, then give back the connections; nothing is lost where nobody does."""
        await self._single.aclose()
        await self._bulk.aclose()
        self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def _sleep(self, seconds: float) -> None:
        if self._clock.shared:
            await asyncio.sleep(seconds)
        else:
            self._clock.sleep(seconds)
