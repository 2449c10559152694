"""``KwtSMS``: the documented client."""

from __future__ import annotations

from typing import Self

from notifykit import Notifier
from notifykit_kwtsms.api.codes import CODES
from notifykit_kwtsms.client.base import TOO_SOON, Face
from notifykit_kwtsms.client.results import Mobile, Shape


class KwtSMS(Face[Notifier]):
    """The documented client. One of them can be shared between threads; see :class:`Face` for its arguments."""

    _front = Notifier

    def verify(self) -> tuple[bool, float | None, str | None]:
        """Return whether the credentials are right, the balance in points, and what is wrong. Never raises."""
        return self._lookups.verify()

    def balance(self) -> float | None:
        """Ask for the points that are left; None where there is no answer. ``send`` tells it as well."""
        return self._lookups.verify()[1]

    def send(self, mobile: Mobile, message: str, sender: str | None = None) -> Shape:
        """Send a text to one number or many and return the documented dict; above 200 numbers, the bulk one.

        :param mobile: a number, several with commas, or a list of them.
        :param message: the text; it is cleaned.
        :param sender: the sender ID for this call only.
        :raises RuntimeError: where a single request failed on the way. ``NotReached``: nothing was sent.
            ``OutcomeUnknown``: it may have been sent. A bulk send reports such batches instead.
        """
        errand = self._errand(mobile, message)
        if errand.refusal:
            return errand.refusal
        report = self._notifier(errand).send(errand.recipients, message, sender=sender or self.sender_id)
        return self._answer(errand, report)

    def send_with_retry(self, mobile: Mobile, message: str, sender: str | None = None, max_retries: int = 3) -> Shape:
        """Send, and where a number was sent to less than 15 seconds ago (ERR028) wait 16 and send again.

        :param max_retries: how many times at most.
        :raises RuntimeError: as ``send`` does.
        """
        result = self.send(mobile, message, sender)
        for wait in [CODES[TOO_SOON].waits[0]] * max_retries:
            if result.get("code") != TOO_SOON:
                break
            self._clock.sleep(wait)
            result = self.send(mobile, message, sender)
        return result

    def validate(self, phones: Mobile) -> Shape:
        """Ask what the gateway thinks of numbers; those that are none are not asked about."""
        return self._validate(phones)

    def status(self, msg_id: str) -> Shape:
        """Ask where a message is inside the gateway, by the ``msg-id`` of its send."""
        return self._lookups.status(msg_id)

    def dlr(self, msg_id: str) -> Shape:
        """Ask for the delivery reports of a message; there are none for numbers in Kuwait."""
        return self._lookups.dlr(msg_id)

    def senderids(self) -> Shape:
        """Ask for the sender IDs of the account: ``{"result": "OK", "senderids": […]}``."""
        return self._lookups.senderids()

    def coverage(self) -> Shape:
        """Ask for the country prefixes that are active: ``{"result": "OK", "prefixes": […]}``."""
        return self._lookups.coverage()

    def close(self) -> None:
        """Give back the connections; nothing is lost where nobody does."""
        self._single.close()
        self._bulk.close()
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
