"""The front object. :meth:`Notifier.send` is the whole pipeline, one line a stage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Self

from notifykit.models.delivery import Delivery
from notifykit.models.message import Channel
from notifykit.models.receipt import Receipt, Report
from notifykit.pipeline.base import NotifierBase
from notifykit.pipeline.components import Via
from notifykit.pipeline.delivery import deliver
from notifykit.pipeline.runners import iterate, run
from notifykit.pipeline.stages import Addresses, clean, guard, normalize, plan_batches, report


class Notifier(NotifierBase):
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
        subject: str | None = None,
        deadline: float | None = None,
        move_unknown: bool = False,
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
        :param subject: what stands above the text, for channels that have such a line.
        :param deadline: seconds for the whole send; whoever is left over then is ``skipped``.
        :param move_unknown: let a failover try its next transport after an unknown outcome, for this call: people may
            then get the message twice.
        :raises ConfigError: where ``via`` can't be used.
        :raises PluginError: in strict mode, where a plugin raised.
        """
        message = self._components.message(text, sender, channel, tags, idempotency_key, subject)
        context = self._components.context(via, deadline, window=None, move_unknown=move_unknown)
        recipients = list(normalize(to, message, context))  # raw addresses → Recipient | Rejected
        prepared = clean(message, context)  # text → text that the channel can carry
        admitted = list(guard(recipients, prepared, context))  # may it go to them, now? → Admitted | Receipt
        batches = list(plan_batches(admitted, prepared, context))  # → Batch | Receipt
        receipts = run(deliver(batches, prepared, context))  # paced, sent, retried, logged
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
        subject: str | None = None,
        deadline: float | None = None,
        move_unknown: bool = False,
    ) -> Iterator[Receipt]:
        """Send as :meth:`send` does, and yield each receipt as soon as it is known. Memory stays constant.

        Receipts come in batches, as these are answered; ``receipt.position`` says which recipient it is. Duplicates
        are looked for among the last ``dedupe_window`` recipients only (10,000 unless set). Nothing more is sent once
        you stop iterating; requests that are out are then waited for.

        Where the transport has a rate limit and the recipients are a list, a tuple or a text, a batch sets out in its turn
        while those before it are waited for. From any other iterable the next batch is taken when the one before has its
        receipts: it may take its time, and may wait for them.
        """
        message = self._components.message(text, sender, channel, tags, idempotency_key, subject)
        context = self._components.context(
            via, deadline, window=self._components.settings.dedupe_window, move_unknown=move_unknown
        )
        prepared = clean(message, context)
        admitted = guard(normalize(to, message, context), prepared, context)
        batches = plan_batches(admitted, prepared, context)
        return iterate(deliver(batches, prepared, context, at_hand=isinstance(to, Sequence)))

    def delivery(self, receipt: Receipt, *, via: Via | None = None) -> Delivery:
        """Ask what became of a message after the provider took it, and return all that was heard of it.

        The transport that made the request is asked, also where it is a part of another one. Nobody is asked about
        what is ``final``. What can't be asked about is ``unconfirmed``, with the reason as its ``advice``, unless
        something was pushed: a message that was not sent, one whose outcome is unknown, one without an id, and every
        message of a transport that does not know deliveries.

        :param receipt: a receipt of ``send``, or of another process that sends as this one does.
        :param via: the transport to ask; needed where it is an object that one call was given by ``via``.
        :raises TransportError: where the provider does not answer, or does not know the message. Asking costs nothing.
        :raises ConfigError: where ``via`` can't be used.
        """
        return self.deliveries((receipt,), via=via)[0]

    def deliveries(self, receipts: Iterable[Receipt], *, via: Via | None = None) -> tuple[Delivery, ...]:
        """Ask about many receipts, a report for one, and return a delivery for each; see :meth:`delivery`.

        Each request is asked about once, however many recipients it had. Where one provider does not answer, the
        others' answers are remembered for the next time.
        """
        carriers = self._components.carriers(via)
        return tuple(self._components.hearing.ask(receipts, carriers, self._components.settings.timeout))

    def close(self) -> None:
        """Give back connections and files."""
        self._components.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
