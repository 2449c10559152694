"""``KwtSMS``: the documented client."""

from __future__ import annotations

from typing import Self

from notifykit import Notifier
from notifykit_kwtsms.client.base import SAME_NUMBER, SAME_NUMBER_WAIT, ClientBase
from notifykit_kwtsms.client.results import Mobile, Result


class KwtSMS(ClientBase[Notifier]):
    """The documented client. Threads may share one; :class:`ClientBase` documents its arguments."""

    _notifier_class = Notifier

    def verify(self) -> tuple[bool, float | None, str | None]:
        """Return whether the credentials are right, the balance in points, and the error. Never raises."""
        return self._queries.verify()

    def balance(self) -> float | None:
        """Return the points left; None on an error. A send returns them too."""
        return self._queries.verify()[1]

    def send(self, mobile: Mobile, message: str, sender: str | None = None) -> Result:
        """Send a text to one number or many and return the documented dict; above 200 numbers, the bulk one.

        :param mobile: a number, several with commas, or a list of them.
        :param message: the text; it is cleaned.
        :param sender: the sender ID for this call only.
        :raises RuntimeError: if a single request failed in the network. ``NotReached``: nothing was sent.
            ``OutcomeUnknown``: it may have been sent. A bulk send reports such batches instead.
        """
        prepared = self._prepare(mobile, message)
        if prepared.refusal:
            return prepared.refusal
        report = self._notifier(prepared).send(prepared.recipients, message, sender=sender or self.sender_id)
        return self._result(prepared, report)

    def send_with_retry(self, mobile: Mobile, message: str, sender: str | None = None, max_retries: int = 3) -> Result:
        """Send; where a number was sent to less than 15 seconds ago (ERR028), wait 16 seconds and send again.

        :param max_retries: how many times at most.
        :raises RuntimeError: as ``send`` does.
        """
        result = self.send(mobile, message, sender)
        for _ in range(max_retries):
            if result.get("code") != SAME_NUMBER:
                break
            self._clock.sleep(SAME_NUMBER_WAIT)
            result = self.send(mobile, message, sender)
        return result

    def validate(self, phones: Mobile) -> Result:
        """Return the gateway's check of numbers; numbers that are invalid locally are not sent to it."""
        return self._validate(phones)

    def status(self, msg_id: str) -> Result:
        """Return where a message is inside the gateway, by the ``msg-id`` of its send."""
        return self._queries.status(msg_id)

    def dlr(self, msg_id: str) -> Result:
        """Return the delivery reports of a message; there are none for numbers in Kuwait."""
        return self._queries.dlr(msg_id)

    def senderids(self) -> Result:
        """Return the sender IDs of the account: ``{"result": "OK", "senderids": […]}``."""
        return self._queries.senderids()

    def coverage(self) -> Result:
        """Return the active country prefixes: ``{"result": "OK", "prefixes": […]}``."""
        return self._queries.coverage()

    def close(self) -> None:
        """Close the connections. Without it, nothing is lost."""
        self._single.close()
        self._bulk.close()
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
