"""Step 4: whoever is admitted is cut into batches. Pure: nothing here asks the network or the time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from notifykit.flow.expecting import Expected, expected, nobody
from notifykit.flow.fitting import fit
from notifykit.flow.guarding import Admitted
from notifykit.flow.trip import Prepared, Trip
from notifykit.models import Batch, Measurement, Outcome, Plan, Receipt


def cut(steps: Iterable[Admitted | Receipt], prepared: Prepared, trip: Trip) -> Iterator[Batch | Receipt]:
    """Yield batches as they fill up; receipts of those who will not be tried go by at once."""
    size = trip.transport.capabilities.batch_size
    admitted: list[Admitted] = []
    number = 0
    for step in steps:
        if isinstance(step, Receipt):
            yield step
            continue
        admitted.append(step)
        if len(admitted) == size:
            number += 1
            yield _batch(admitted, number, prepared)
            admitted.clear()
    if admitted:
        yield _batch(admitted, number + 1, prepared)


def _batch(admitted: Sequence[Admitted], number: int, prepared: Prepared) -> Batch:
    positions, recipients = zip(*admitted, strict=True)
    return Batch(prepared.message, recipients, positions, number, prepared.measurement)


def plan(steps: Iterable[Batch | Receipt], prepared: Prepared, trip: Trip) -> Plan:
    """Collect what would be done, by which transports, and what it would cost."""
    requests: list[Expected] = []
    set_aside: list[Receipt] = []
    doubts: Counter[str] = Counter()
    for step in steps:
        if isinstance(step, Batch):
            doubts.update(notice for recipient in step.recipients for notice in recipient.notices)
            found = list(expected(trip.transport, step))
            requests += found
            set_aside += _nobody(step, found)
        else:
            set_aside.append(step)
    leaves = list(dict.fromkeys(request.path[-1] for request in requests)) or [trip.transport]
    fits = [fit(prepared.message, leaf, trip, check=False) for leaf in leaves]
    return Plan(
        message=prepared.message,
        edits=prepared.cleaned.edits,
        measurement=prepared.measurement,
        batches=tuple(request.batch for request in requests),
        set_aside=tuple(set_aside),
        cost=_cost(requests, prepared.measurement) if requests or trip.transport.capabilities.price else None,
        notices=tuple(
            dict.fromkeys(
                notice
                for leaf, fitted in zip(leaves, fits, strict=True)
                for notice in (*leaf.capabilities.notices, *fitted.warnings)
            )
        )
        + notices_with_counts(doubts),
    )


def notices_with_counts(counts: Mapping[str, int]) -> tuple[str, ...]:
    """Return what is to be said about recipients, each once, with how many it is about where it is about several."""
    return tuple(f"{notice} ({count} recipients)" if count > 1 else notice for notice, count in counts.items())


def _nobody(batch: Batch, requests: Iterable[Expected]) -> Iterator[Receipt]:
    """Yield a receipt for everyone whom no transport would be given."""
    given = {position for request in requests for position in request.batch.positions}
    for position, recipient in zip(batch.positions, batch.recipients, strict=True):
        if position not in given:
            yield Receipt(position, recipient, Outcome.REJECTED, nobody(), batch=batch.number)


def _cost(requests: Iterable[Expected], measurement: Measurement | None) -> float | None:
    if measurement is None:
        return None
    total = 0.0
    for request in requests:
        price = request.path[-1].capabilities.price
        for recipient in request.batch.recipients:
            points = price(recipient, measurement.segments) if price else None
            if points is None:
                return None
            total += points
    return total
