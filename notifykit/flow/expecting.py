"""Who would carry a batch if everybody took what they are given: for plans. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from notifykit.errors import ProviderUnavailable, TransportError
from notifykit.models import Batch
from notifykit.protocols import Composite, Transport


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
    if isinstance(transport, Composite):
        for leg in transport.expected(batch):
            yield from expected(leg.transport, leg.batch, path)
    else:
        for piece in batch.pieces(transport.capabilities.batch_size):
            yield Expected(path, attrs.evolve(piece, transport=str(transport)))


def nobody() -> TransportError:
    """Return why a recipient is not sent to whom a composite gives to none of its parts."""
    return ProviderUnavailable(
        "No rule of the route matches this message and recipient.",
        "route",
        action="Give the route a last part without a rule: it takes everything. `notifykit route test` shows the way.",
    )
