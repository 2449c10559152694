"""Step 5: each batch to its outcome, tried again where the policy says so, and told to the log sinks.

The delivery is a generator that decides and never waits: it yields a :class:`Wait` or an :class:`Exchange` for its
driver to carry out, with threads or with asyncio, and lists of receipts for the caller. So there is one road for both.
"""

from __future__ import annotations

import collections
from collections.abc import Generator, Iterable

from notifykit.flow.carrying import Answer, Exchange, Ride, Try, Wait, patiently
from notifykit.flow.trip import Prepared, Trip
from notifykit.models import Batch, Outcome, Receipt, cost_of, submissions_of
from notifykit.protocols import is_composite

Steps = Generator[Wait | Exchange | list[Receipt], Answer | None, None]


def deliver(pieces: Iterable[Batch | Receipt], prepared: Prepared, trip: Trip) -> Steps:
    """Take every batch to its outcome, and tell the sinks of each step.

    Where it is broken off, guards forget whoever has not been sent to; who may have been goes on counting.
    """
    trip.recorder.planned(prepared.message, prepared.cleaned.edits, prepared.measurement, str(trip.transport))
    trip.recorder.raise_failures(prepared.message)
    began = trip.clock.monotonic()
    tally = _Tally()
    ride = Ride(trip, alone=_is_alone(pieces))
    try:
        for piece in pieces:
            if isinstance(piece, Receipt):
                trip.recorder.set_aside(prepared.message, piece)
                yield tally.count([piece])
            else:
                receipts = yield from _batch(piece, ride)
                trip.guarding.settle(receipts)
                ride.under_way = ()
                yield tally.count(receipts)
    except BaseException:
        trip.guarding.abandon(keep=ride.under_way)
        raise
    elapsed = trip.clock.monotonic() - began
    trip.recorder.finished(prepared.message, str(trip.transport), tally.counts, tally.cost, elapsed)
    trip.recorder.raise_failures(prepared.message)


def _batch(batch: Batch, ride: Ride) -> Try:
    """Take one batch to its outcome."""
    ride.begin(batch)
    receipts = yield from patiently(ride.trip.transport, batch, ride)
    if is_composite(ride.trip.transport):
        ride.trip.recorder.batch_finished(batch, str(ride.trip.transport), receipts)
    return receipts


def _is_alone(pieces: Iterable[Batch | Receipt]) -> bool:
    """Return whether a send has one recipient in all, as far as it is known: a stream may go on."""
    return isinstance(pieces, list) and sum(len(piece) for piece in pieces if isinstance(piece, Batch)) == 1


class _Tally:
    """Counts receipts as they go by."""

    def __init__(self) -> None:
        self.counts: dict[Outcome, int] = collections.Counter()
        self.cost: float | None = None

    def count(self, receipts: list[Receipt]) -> list[Receipt]:
        """Count the receipts of one batch, or of somebody who was in none, and return them."""
        for receipt in receipts:
            self.counts[receipt.outcome] += 1
        cost = cost_of(submissions_of(receipts))
        if cost is not None:
            self.cost = (self.cost or 0) + cost
        return receipts
