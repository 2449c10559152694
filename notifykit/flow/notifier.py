"""The front object. :meth:`Notifier.send` is the whole road, one line a step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Self

from notifykit.flow.assembly import Via
from notifykit.flow.cleaning import clean
from notifykit.flow.delivery import deliver
from notifykit.flow.driving import drive
from notifykit.flow.front import Front
from notifykit.flow.normalizing import Addresses, normalize
from notifykit.flow.planning import cut
from notifykit.flow.reporting import report
from notifykit.models import Channel, Receipt, Report


class Notifier(Front):
    """Sends notifications, and knows what happened to them. Safe to share between threads.

    This constructor takes what it is given and reads no environment; :meth:`from_settings` looks everywhere.
    """

    def send(
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
        """Send a text to one recipient or many and return what happened to each.

        Nothing is raised for what happens on the way: a bad number, a refusal, a lost answer are receipts.

        :param to: an address, several with commas, or an iterable of them.
        :param text: the text.
        :param sender: the sender's name; without one the transport's own.
        :param via: another transport for this call.
        :param channel: the medium.
        :param tags: labels for events and logs.
        :param idempotency_key: your name for this send, for transports that can use it.
        :param deadline: seconds for the whole send; whoever is left over then is ``skipped``.
        :raises ConfigError: where ``via`` can't be used.
        :raises PluginError: in strict mode, where a plugin raised.
        """
        message = self._house.message(text, sender, channel, tags, idempotency_key)
        trip = self._house.trip(via, deadline, window=None)
        recipients = normalize(to, message, trip)  # 1  raw address → Recipient | Rejected
        prepared = clean(message, trip)  # 2  text → text the channel can carry
        batches = list(cut(recipients, prepared, trip))  # 3  → batches; duplicates and refusals set aside
        steps = deliver(batches, prepared, trip)  # 4  paced, retried, and told to the sinks (5)
        receipts = drive(steps, trip.transport, trip.clock)
        return report(receipts, prepared)

    def stream(
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
    ) -> Iterator[Receipt]:
        """Send as :meth:`send` does, and yield each receipt as soon as it is known. Memory stays constant.

        Receipts come in batches; ``receipt.position`` says which recipient it is. Duplicates are looked for among
        the last ``dedupe_window`` recipients only (10,000 unless set). Nothing more is sent once you stop iterating.
        """
        message = self._house.message(text, sender, channel, tags, idempotency_key)
        trip = self._house.trip(via, deadline, window=self._house.settings.dedupe_window)
        prepared = clean(message, trip)
        batches = cut(normalize(to, message, trip), prepared, trip)
        return drive(deliver(batches, prepared, trip), trip.transport, trip.clock)

    def close(self) -> None:
        """Give back connections and files."""
        self._house.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
