"""Step 5: each batch to its outcome, tried again where the policy says so, and told to the log sinks.

The delivery is a generator that decides and never waits: it yields a :class:`Wait` or an :class:`Exchange` for its
driver to carry out, with threads or with asyncio, and receipts for the caller. So there is one road for both.
"""

from __future__ import annotations

import collections
from collections.abc import Generator, Iterable

from notifykit.flow.carrying import Answer, Exchange, Ride, Try, Wait, carry
from notifykit.flow.trip import Prepared, Trip
from notifykit.joining import joined
from notifykit.models import Batch, Outcome, Receipt, Submission

Steps = Generator[Wait | Exchange | Receipt, Answer | None, None]


def deliver(pieces: Iterable[Batch | Receipt], prepared: Prepared, trip: Trip) -> Steps:
    """Take every batch to its outcome, and tell the sinks of each step."""
    trip.recorder.planned(prepared.message, prepared.cleaned.edits, prepared.measurement, str(trip.transport))
    trip.recorder.raise_failures(prepared.message)
    began = trip.clock.monotonic()
    tally = _Tally()
    ride = Ride(trip)
    for piece in pieces:
        if isinstance(piece, Receipt):
            trip.recorder.set_aside(prepared.message, piece)
            yield tally.count(piece)
        else:
            for receipt in (yield from _batch(piece, ride)):
                trip.guarding.settle(receipt)
                yield tally.count(receipt)
    elapsed = trip.clock.monotonic() - began
    trip.recorder.finished(prepared.message, str(trip.transport), tally.counts, tally.cost, elapsed)
    trip.recorder.raise_failures(prepared.message)


def _batch(batch: Batch, ride: Ride) -> Try:
    """Try a batch, and whoever may be tried again again, until each recipient has an outcome."""
    known: dict[int, Receipt] = {}
    waiting = batch
    ride.begin()
    while True:
        ride.tries += 1
        for receipt in (yield from carry(ride.trip.transport, waiting, ride)):
            known[receipt.position] = joined(known.get(receipt.position), receipt, again=True)
        again = _tried_again([known[position] for position in waiting.positions], batch, ride)
        if not again:
            return list(known.values())
        waiting = batch.only(again.keys())
        wait = max(again.values())
        ride.trip.recorder.retry(waiting, known[waiting.positions[0]], wait)
        yield Wait(wait)


def _tried_again(receipts: Iterable[Receipt], batch: Batch, ride: Ride) -> dict[int, float]:
    """Return the positions that are tried again, each with its wait in seconds."""
    again: dict[int, float] = {}
    for receipt in receipts:
        if receipt.outcome is Outcome.REJECTED and receipt.error and receipt.attempts:
            wait = ride.again(receipt.error, batch)
            if wait is not None:
                again[receipt.position] = wait
    return again


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
