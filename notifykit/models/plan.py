"""What would be sent, to whom, in which requests, before anything is sent."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Container, Iterator

import attrs

from notifykit.models.capabilities import Measurement
from notifykit.models.message import Edit, Message
from notifykit.models.receipt import Receipt, show_count
from notifykit.models.recipient import Recipient


@attrs.frozen
class Batch:
    """The recipients of one request."""

    #: What they get.
    message: Message
    #: Who gets it.
    recipients: tuple[Recipient, ...]
    #: Where each recipient stood in the caller's list, from 0.
    positions: tuple[int, ...] = attrs.field(repr=False)
    #: Which batch of the send this is, from 1.
    number: int = 1
    #: What the text takes up; None where the transport does not measure.
    measurement: Measurement | None = None
    #: The transport that a plan expects to make the request, without secrets; None where nobody has asked yet.
    transport: str | None = None
    #: Which of its recipients these are, where they are not all of them; empty for the whole batch.
    part: str = ""

    @property
    def id(self) -> str:
        """Names the batch in events: the message's id, the batch's number, and which part of it this is."""
        return f"{self.message.id}-{self.number}{self.part and f'.{self.part}'}"

    @property
    def idempotency_key(self) -> str:
        """The caller's key where this is the whole send, else one that no other request of the send has."""
        key = self.message.idempotency_key
        if key is None:
            return self.id
        return key if self.number == 1 and not self.part else f"{key}-{self.number}{self.part and f'.{self.part}'}"

    def __len__(self) -> int:
        return len(self.recipients)

    def only(self, positions: Container[int]) -> Batch:
        """Return the batch with only the recipients that stand at these positions of the caller's list."""
        kept = [(p, r) for p, r in zip(self.positions, self.recipients, strict=True) if p in positions]
        return self._kept(tuple(r for _, r in kept), tuple(p for p, _ in kept))

    def pieces(self, size: int) -> Iterator[Batch]:
        """Yield the batch in pieces of at most so many recipients, in order."""
        for start in range(0, len(self), size):
            yield self._kept(self.recipients[start : start + size], self.positions[start : start + size])

    def _kept(self, recipients: tuple[Recipient, ...], positions: tuple[int, ...]) -> Batch:
        if len(positions) == len(self):
            return self
        part = f"{zlib.crc32(repr(list(positions)).encode()):08x}"
        return attrs.evolve(self, recipients=recipients, positions=positions, part=part)


@attrs.frozen
class Plan:
    """Everything that would be done, before anything is done."""

    #: The message after cleaning.
    message: Message
    #: What the cleaners changed.
    edits: tuple[Edit, ...]
    #: What the text takes up; None where the transport does not measure.
    measurement: Measurement | None
    #: The requests that would be made.
    batches: tuple[Batch, ...] = attrs.field(repr=show_count)
    #: The recipients that would not be tried, with the reason.
    excluded: tuple[Receipt, ...] = attrs.field(repr=show_count)
    #: What it would cost in the provider's unit; None where that is not known.
    cost: float | None = None
    #: What a person should know before sending, each a sentence.
    notices: tuple[str, ...] = ()

    @property
    def recipients(self) -> tuple[Recipient, ...]:
        """Everyone who would be sent to, in order."""
        return tuple(itertools.chain.from_iterable(batch.recipients for batch in self.batches))

    @property
    def segments(self) -> int | None:
        """Segments of the text for one recipient."""
        return self.measurement.segments if self.measurement else None
