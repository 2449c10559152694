"""Step 5: each batch to its outcome, tried again where the policy says so, and told to the log sinks.

The delivery is a generator that decides and never waits: it yields a :class:`Wait` or an :class:`Exchange` for its
driver to carry out, with threads or with asyncio, and lists of receipts for the caller. So there is one road for both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from notifykit.flow.carrying import Common, Ride, Try, patiently
from notifykit.flow.fitting import leaves
from notifykit.flow.overlapping import Convoy, Steps
from notifykit.flow.trip import Prepared, Trip
from notifykit.models import Batch, Outcome, Receipt, cost_of, submissions_of
from notifykit.protocols import Connectable, is_composite


def deliver(pieces: Iterable[Batch | Receipt], prepared: Prepared, trip: Trip, *, at_hand: bool = False) -> Steps:
    """Take every batch to its outcome, and tell the sinks of each step.

    Where it is broken off, guards forget whoever has not been sent to; who may have been goes on counting.

    :param at_hand: whether the pieces come without being waited for, as those of a list do: while the next one is
        waited for, nobody could hear answers.
    """
    transport = str(trip.transport)
    trip.recorder.planned(prepared.message, prepared.cleaned.edits, prepared.measurement, transport)
    trip.recorder.raise_failures(prepared.message)
    began = trip.clock.monotonic()
    tally = _Tally()
    batches = [piece for piece in pieces if isinstance(piece, Batch)] if isinstance(pieces, list) else None
    several = at_hand if batches is None else len(batches) > 1
    alone = batches is not None and sum(map(len, batches)) == 1
    common = Common({id(trip.transport): prepared.fitted}, alone=alone, apart=several and _paced(trip))
    try:
        yield from Convoy(_roads(pieces, prepared, trip, tally, common), trip.clock, common).run()
    except BaseException:
        trip.guarding.abandon()
        raise
    elapsed = trip.clock.monotonic() - began
    trip.recorder.finished(prepared.message, transport, tally.counts, tally.cost, elapsed)
    trip.recorder.raise_failures(prepared.message)


def _paced(trip: Trip) -> bool:
    """Return whether a pace limits the starts of requests that leave when they start; else answers are what is waited for.

    A clock that nobody shares stands still while an answer is waited for, so there batches go one after the other.
    """
    paced = [leaf for leaf in leaves(trip.transport) if leaf.capabilities.pace]
    return trip.clock.shared and bool(paced) and all(isinstance(leaf, Connectable) for leaf in paced)


def _roads(
    pieces: Iterable[Batch | Receipt], prepared: Prepared, trip: Trip, tally: _Tally, common: Common
) -> Iterator[Try | list[Receipt]]:
    """Yield the road of each batch, and the receipts of those who are in none."""
    for piece in pieces:
        if isinstance(piece, Receipt):
            trip.recorder.set_aside(prepared.message, piece)
            yield tally.count([piece])
        else:
            yield _batch(piece, Ride(trip, common), tally)


def _batch(batch: Batch, ride: Ride, tally: _Tally) -> Try:
    """Take one batch to its outcome."""
    trip = ride.trip
    receipts = yield from patiently(trip.transport, batch, ride)
    if receipts and is_composite(trip.transport):
        trip.recorder.batch_finished(batch, str(trip.transport), receipts)
    trip.guarding.settle(receipts)
    return tally.count(receipts)


_OUTCOMES: Final = tuple(Outcome)


class _Tally:
    """Counts receipts as they go by."""

    def __init__(self) -> None:
        self.counts: dict[Outcome, int] = {}
        self.cost: float | None = None

    def count(self, receipts: list[Receipt]) -> list[Receipt]:
        """Count the receipts of one batch, or of somebody who was in none, and return them."""
        # A list counts faster than a dictionary: the hash of an outcome is slow.
        outcomes = [receipt.outcome for receipt in receipts]
        for outcome in _OUTCOMES:
            if count := outcomes.count(outcome):
                self.counts[outcome] = self.counts.get(outcome, 0) + count
        cost = cost_of(submissions_of(receipts))
        if cost is not None:
            self.cost = (self.cost or 0) + cost
        return receipts
