"""A plan: the requests that a send would make."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Container, Iterator

import attrs

from notifykit.errors import TransportError
from notifykit.models.capabilities import Measurement
from notifykit.models.message import Edit, Message
from notifykit.models.receipt import Receipt, show_count
from notifykit.models.recipient import Recipient


@attrs.frozen
class Batch:
    """The recipients of one request."""

    #: Their message.
    message: Message
    #: The recipients.
    recipients: tuple[Recipient, ...]
    #: The position of each recipient in the caller's list, from 0.
    positions: tuple[int, ...] = attrs.field(repr=False)
    #: Which batch of the send this is, from 1.
    number: int = 1
    #: The size of the text; None if the transport does not measure.
    measurement: Measurement | None = None
    #: The transport that a plan expects to send it, without secrets; None outside of plans.
    transport: str | None = None
    #: A hash of the positions if these are not all recipients of the batch; empty for the whole batch.
    part: str = ""

    @property
    def id(self) -> str:
        """The name of the batch in events: the message's id, the batch's number, and its part."""
        return f"{self.message.id}-{self.number}{self.part and f'.{self.part}'}"

    @property
    def idempotency_key(self) -> str:
        """The caller's key for the first whole batch, else a key that no other request of the send has."""
        key = self.message.idempotency_key
        if key is None:
            return self.id
        return key if self.number == 1 and not self.part else f"{key}-{self.number}{self.part and f'.{self.part}'}"

    def __len__(self) -> int:
        return len(self.recipients)

    def only(self, positions: Container[int]) -> Batch:
        """Return the batch with only the recipients at these positions of the caller's list."""
        kept = [(p, r) for p, r in zip(self.positions, self.recipients, strict=True) if p in positions]
        return self._kept(tuple(r for _, r in kept), tuple(p for p, _ in kept))

    def pieces(self, size: int) -> Iterator[Batch]:
        """Yield the batch in pieces of at most ``size`` recipients, in order."""
        for start in range(0, len(self), size):
            yield self._kept(self.recipients[start : start + size], self.positions[start : start + size])

    def _kept(self, recipients: tuple[Recipient, ...], positions: tuple[int, ...]) -> Batch:
        if len(positions) == len(self):
            return self
        part = f"{zlib.crc32(repr(list(positions)).encode()):08x}"
        return attrs.evolve(self, recipients=recipients, positions=positions, part=part)


@attrs.frozen
class Plan:
    """Everything that a send would do."""

    #: The message after cleaning.
    message: Message
    #: What the cleaners changed.
    edits: tuple[Edit, ...]
    #: The size of the text; None if the transport does not measure.
    measurement: Measurement | None
    #: The requests that would be made.
    batches: tuple[Batch, ...] = attrs.field(repr=show_count)
    #: The recipients that would be skipped or rejected, with the reason.
    excluded: tuple[Receipt, ...] = attrs.field(repr=show_count)
    #: The cost in the provider's unit; None if it is not known.
    cost: float | None = None
    #: What a person should know before sending, each a sentence.
    notices: tuple[str, ...] = ()
    #: Those of the notices that are about this text and sender.
    warnings: tuple[str, ...] = ()
    #: Why the text can't be sent to anybody; None where it can.
    refusal: TransportError | None = None

    @property
    def recipients(self) -> tuple[Recipient, ...]:
        """The recipients that would be sent to, in order."""
        return tuple(itertools.chain.from_iterable(batch.recipients for batch in self.batches))

    @property
    def segments(self) -> int | None:
        """Segments of the text for one recipient."""
        return self.measurement.segments if self.measurement else None
