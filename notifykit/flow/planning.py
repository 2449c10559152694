"""Step 3: recipients become batches. Pure: nothing here asks the network or the time."""

from __future__ import annotations

import collections
from collections.abc import Iterable, Iterator

from notifykit.flow.trip import Prepared, Trip
from notifykit.models import Batch, Capabilities, Outcome, Plan, Receipt, Recipient, Rejected, SkipReason


def cut(candidates: Iterable[Recipient | Rejected], prepared: Prepared, trip: Trip) -> Iterator[Batch | Receipt]:
    """Yield batches as they fill up, and a receipt at once for everyone who will not be tried."""
    size = trip.transport.capabilities.batch_size
    seen = _Seen(trip.dedupe_window)
    recipients: list[Recipient] = []
    positions: list[int] = []
    number = 0
    for position, candidate in enumerate(candidates):
        if isinstance(candidate, Rejected):
            yield Receipt(position, candidate, Outcome.REJECTED, candidate.error)
        elif seen.again(candidate.address):
            yield Receipt(position, candidate, Outcome.SKIPPED, skipped=SkipReason.DUPLICATE)
        elif prepared.refusal:
            yield Receipt(position, candidate, Outcome.REJECTED, prepared.refusal)
        else:
            recipients.append(candidate)
            positions.append(position)
            if len(recipients) == size:
                number += 1
                yield Batch(prepared.message, tuple(recipients), tuple(positions), number, prepared.measurement)
                recipients.clear()
                positions.clear()
    if recipients:
        yield Batch(prepared.message, tuple(recipients), tuple(positions), number + 1, prepared.measurement)


def plan(steps: Iterable[Batch | Receipt], prepared: Prepared, capabilities: Capabilities) -> Plan:
    """Collect what would be done, with what it would cost."""
    batches: list[Batch] = []
    set_aside: list[Receipt] = []
    for step in steps:
        if isinstance(step, Batch):
            batches.append(step)
        else:
            set_aside.append(step)
    return Plan(
        message=prepared.message,
        edits=prepared.cleaned.edits,
        measurement=prepared.measurement,
        batches=tuple(batches),
        set_aside=tuple(set_aside),
        cost=_cost(batches, prepared, capabilities),
        notices=capabilities.notices,
    )


def _cost(batches: Iterable[Batch], prepared: Prepared, capabilities: Capabilities) -> float | None:
    if not capabilities.price or not prepared.measurement:
        return None
    segments = prepared.measurement.segments
    prices = [capabilities.price(recipient, segments) for batch in batches for recipient in batch.recipients]
    known = [price for price in prices if price is not None]
    return sum(known) if len(known) == len(prices) else None


class _Seen:
    """The addresses that have gone by: all of them, or the last so many where memory has to stay constant."""

    def __init__(self, window: int | None) -> None:
        self._addresses: collections.OrderedDict[str, None] = collections.OrderedDict()
        self._window = window

    def again(self, address: str) -> bool:
        """Return whether the address has gone by before, and remember it."""
        if address in self._addresses:
            self._addresses.move_to_end(address)
            return True
        self._addresses[address] = None
        if self._window is not None and len(self._addresses) > self._window:
            self._addresses.popitem(last=False)
        return False
