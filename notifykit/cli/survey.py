"""What a send would do, in sums: of the recipients it keeps only what it takes to see duplicates."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any, Final

import attrs

from notifykit.cli.wording import counted, encoding_name, many
from notifykit.errors import TransportError
from notifykit.flow.notifier import Notifier
from notifykit.models import Batch, Capabilities, Edit, Measurement, Message, Outcome, Plan, Receipt

#: Recipients that are looked at together.
_CHUNK: Final = 5_000
#: Recipients that are looked back over for duplicates: all of most lists, in bounded memory.
WINDOW: Final = 1_000_000
#: Recipients that are set aside and shown one by one.
_SHOWN: Final = 20


@attrs.define
class Survey:
    """The sums of a plan."""

    #: The message after cleaning.
    message: Message
    #: What the cleaners changed.
    edits: tuple[Edit, ...]
    #: What the text takes up; None where the transport does not measure.
    measurement: Measurement | None
    #: How many would be sent to.
    recipients: int = 0
    #: How many have no address that can be sent to, or a text that can't be sent.
    rejected: int = 0
    #: How many stand in the list more than once, behind the first.
    duplicates: int = 0
    #: What it would cost; None where that is not known.
    cost: float | None = 0.0
    #: The requests that would be made.
    requests: int = 0
    #: The first of those that would be rejected.
    examples: list[Receipt] = attrs.field(factory=list)
    #: Why nobody can be sent this text; None where that is not so.
    refusal: TransportError | None = None
    #: The first request.
    first: Batch | None = None

    @property
    def given(self) -> int:
        """How many were given in all."""
        return self.recipients + self.rejected + self.duplicates

    def as_document(self) -> dict[str, Any]:
        """Return it for ``--json``."""
        size = self.measurement
        return {
            "text": self.message.text,
            "sender": self.message.sender,
            "encoding": size.encoding if size else None,
            "units": size.units if size else None,
            "segments": size.segments if size else None,
            "recipients": self.recipients,
            "rejected": self.rejected,
            "duplicates": self.duplicates,
            "requests": self.requests,
            "cost": self.cost,
            "edits": [attrs.asdict(edit) for edit in self.edits],
        }

    def sentence(self, unit: str) -> str:
        """Return what would be done in one sentence."""
        parts = [counted(self.recipients, "recipient")]
        if self.measurement:
            size = f"{counted(self.measurement.segments, 'segment')} of {encoding_name(self.measurement.encoding)}"
            parts.append(f"{size} each" if self.recipients != 1 else size)
        parts.append("cost not known" if self.cost is None else many(self.cost, unit))
        parts.append(counted(self.requests, "request"))
        return ", ".join(parts)


def survey(notifier: Notifier, to: Iterable[str], text: str, sender: str | None) -> Survey:
    """Go through all recipients once and return the sums."""
    capabilities = notifier.transport.capabilities
    found: Survey | None = None
    seen: dict[str, None] = {}
    for number, chunk in enumerate(_chunks(to)):
        planned = notifier.plan(chunk, text, sender=sender)
        found = found or Survey(planned.message, planned.edits, planned.measurement)
        _add(found, planned, capabilities, seen, number * _CHUNK)
    if found is None:
        planned = notifier.plan((), text, sender=sender)
        found = Survey(planned.message, planned.edits, planned.measurement)
    found.requests = -(-found.recipients // capabilities.batch_size)
    return found


def _add(found: Survey, planned: Plan, capabilities: Capabilities, seen: dict[str, None], before: int) -> None:
    if found.first is None and planned.batches:
        found.first = planned.batches[0]
    for recipient in planned.recipients:
        if recipient.address in seen:
            found.duplicates += 1
            continue
        seen[recipient.address] = None
        if len(seen) > WINDOW:
            del seen[next(iter(seen))]
        found.recipients += 1
        price = None
        if capabilities.price and planned.measurement:
            price = capabilities.price(recipient, planned.measurement.segments)
        found.cost = None if price is None or found.cost is None else found.cost + price
    for receipt in planned.set_aside:
        if receipt.outcome is Outcome.SKIPPED:
            found.duplicates += 1
            continue
        if receipt.error and receipt.error.scope.value == "content":
            found.refusal = receipt.error
        found.rejected += 1
        if len(found.examples) < _SHOWN:
            found.examples.append(attrs.evolve(receipt, position=before + receipt.position))


def _chunks(to: Iterable[str]) -> Iterator[list[str]]:
    iterator = iter(to)
    while chunk := list(itertools.islice(iterator, _CHUNK)):
        yield chunk
