"""Who would carry a batch if everybody took what they are given: for plans. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from notifykit.errors import ProviderUnavailable, TransportError
from notifykit.models import Batch
from notifykit.protocols import Transport, is_composite


@attrs.frozen
class Expected:
    """A request that would be made."""

    #: The transports on the way to it, from the outermost to the one that makes the request.
    path: tuple[Transport, ...]
    #: Its recipients.
    batch: Batch


def expected(transport: Transport, batch: Batch, path: tuple[Transport, ...] = ()) -> Iterator[Expected]:
    """Yield the requests that a transport would make of a batch."""
    path = (*path, transport)
    if is_composite(transport):
        for assignment in transport.expected(batch):
            yield from expected(assignment.transport, assignment.batch, path)
    else:
        for piece in batch.pieces(transport.capabilities.batch_size):
            yield Expected(path, attrs.evolve(piece, transport=str(transport)))


def price(transport: Transport, batch: Batch) -> float | None:
    """Return what a batch of one recipient costs at most, whatever happens; None where nobody tells a price.

    Whoever would carry it besides others adds to the price; of those who would carry it in each other's place the
    dearest counts.
    """
    if not is_composite(transport):
        known = transport.capabilities.price
        return known(batch.recipients[0], batch.measurement.segments) if known and batch.measurement else None
    assignments = transport.possible(batch)
    besides = [
        price(assignment.transport, assignment.batch)
        for assignment in assignments
        if assignment.also and assignment.batch
    ]
    instead = [
        price(assignment.transport, assignment.batch)
        for assignment in assignments
        if not assignment.also and assignment.batch
    ]
    told = [
        points for points in (*besides, max((p for p in instead if p is not None), default=None)) if points is not None
    ]
    return sum(told) if told else None


def nobody() -> TransportError:
    """Return why a recipient is not sent to whom a composite gives to none of its parts."""
    return ProviderUnavailable(
        "No rule of the route matches this message and recipient.",
        "route",
        action="Give the route a last part without a rule: it takes everything. `notifykit route test` shows the way.",
    )
