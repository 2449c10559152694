"""Step 5: each batch to its outcome, tried again where the policy says so, and told to the log sinks.

The delivery is a generator that decides and never waits: it yields a :class:`Wait` or an :class:`Exchange` for its
driver to carry out, with threads or with asyncio, and receipts for the caller. So there is one road for both.
"""

from __future__ import annotations

import collections
from collections.abc import Generator, Iterable

from notifykit.flow.carrying import Answer, Exchange, Ride, Try, Wait, patiently
from notifykit.flow.trip import Prepared, Trip
from notifykit.models import Batch, Outcome, Receipt, Submission
from notifykit.protocols import is_composite

Steps = Generator[Wait | Exchange | Receipt, Answer | None, None]


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
                yield tally.count(piece)
            else:
                for receipt in (yield from _batch(piece, ride)):
                    trip.guarding.settle(receipt)
                    yield tally.count(receipt)
                ride.under_way = ()
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
        self._batch: int | None = None
        self._told: list[Submission] = []

    def count(self, receipt: Receipt) -> Receipt:
        """Count one receipt and return it."""
        self.counts[receipt.outcome] += 1
        if receipt.batch != self._batch:
            self._batch = receipt.batch
            self._told.clear()
        for attempt in receipt.attempts:
            said = attempt.submission
            if said is not None and not any(said is told for told in self._told):
                self._told.append(said)
                if said.cost is not None:
                    self.cost = (self.cost or 0) + said.cost
        return receipt
