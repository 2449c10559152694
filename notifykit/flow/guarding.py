"""Step 3: may it go to them, and now? Whoever is not sent to is set aside here, each with a receipt that says why."""

from __future__ import annotations

import collections
from collections.abc import Iterable, Iterator
from typing import TypeAlias

import attrs

from notifykit.errors import INTERRUPTS
from notifykit.flow.book import BookUnusable
from notifykit.flow.expecting import price
from notifykit.flow.reserving import Page
from notifykit.flow.trip import Prepared, Trip
from notifykit.models import Batch, Outcome, Receipt, Recipient, Rejected, SkipReason, Veto
from notifykit.protocols import Guard, Parcel

#: Somebody who will be sent to: where the recipient stood in the caller's list, from 0, and who gets it, which may be
#: somebody whom a guard put in that place. A tuple, because there may be millions.
Admitted: TypeAlias = tuple[int, Recipient]


def guard(candidates: Iterable[Recipient | Rejected], prepared: Prepared, trip: Trip) -> Iterator[Admitted | Receipt]:
    """Yield, for each candidate in turn, that it is admitted, or the receipt that says why it will not be tried.

    An address that is no good is rejected, one that has gone by is skipped, and so is everybody where the text can't be
    sent. Then the guards are asked in order; the first veto counts.
    """
    seen = _Seen(trip.dedupe_window)
    everybody = not prepared.refusal and not trip.registry.guards
    try:
        for step in enumerate(candidates):
            position, candidate = step
            if isinstance(candidate, Rejected):
                yield Receipt(position, candidate, Outcome.REJECTED, candidate.error)
            elif everybody and not seen.again(candidate.address):
                yield step  # type: ignore[misc]  # the pair that is there, instead of a million new ones
            else:
                yield _admitted(position, candidate, seen, prepared, trip)
    except GeneratorExit:
        raise
    except BaseException:
        # Whoever waits for a batch is not sent to any more; those in one that is under way count as long as they must.
        trip.guarding.abandon()
        raise


def _admitted(position: int, recipient: Recipient, seen: _Seen, prepared: Prepared, trip: Trip) -> Admitted | Receipt:
    """Let one recipient pass all guards; where one names somebody else, that one passes all of them from the first."""
    met: set[str] = set()
    while True:
        if seen.again(recipient.address):
            return Receipt(position, recipient, Outcome.SKIPPED, skipped=SkipReason.DUPLICATE)
        if prepared.refusal:
            return Receipt(position, recipient, Outcome.REJECTED, prepared.refusal)
        met.add(recipient.address)
        page = trip.guarding.page()
        try:
            answer = _asked(_parcel(recipient, prepared, trip), page, trip)
        except BaseException:
            trip.guarding.drop(page)
            raise
        if answer is None:
            trip.guarding.keep(position, page)
            return position, recipient
        trip.guarding.drop(page)
        if isinstance(answer, Recipient) and (answer.address in met or len(met) > len(trip.registry.guards)):
            answer = Veto("guards", "Guards send it from one recipient to the next.", "Switch one of them off.")
        if isinstance(answer, Veto):
            return Receipt(position, recipient, Outcome.SKIPPED, skipped=SkipReason.GUARD, veto=answer)
        recipient = answer


def _asked(parcel: Parcel, page: Page, trip: Trip) -> Veto | Recipient | None:
    """Ask the guards in order, and return the first answer that is more than "let it pass"."""
    for station in trip.registry.guards:
        answer = _judgement(station, parcel, page, trip)
        if isinstance(answer, Recipient):
            if answer.channel is not parcel.message.channel:
                return Veto(
                    station.name,
                    f"It would send a message of the channel {parcel.message.channel} to an address of {answer.channel}.",
                    "Give the guard an address of the same channel.",
                )
            if answer.address == parcel.recipient.address:
                continue
            # Whose place it takes can still be seen in it.
            return attrs.evolve(answer, raw=parcel.recipient.raw)
        if answer is not None:
            return answer
    return None


def _judgement(station: Guard, parcel: Parcel, page: Page, trip: Trip) -> Veto | Recipient | None:
    """Ask one guard; one that can't answer holds the parcel back."""
    try:
        answer = station.judge(parcel, page)
        if not isinstance(answer, Veto | Recipient | None):
            raise TypeError("a guard returns a Veto, a Recipient or None")
    except INTERRUPTS:
        raise
    except BaseException as error:  # a plugin may raise anything
        if trip.guarding.first(station.name, error):
            trip.recorder.plugin_failed("guard", station.name, error, parcel.message)
        if isinstance(error, BookUnusable):
            return Veto(station.name, error.detail, error.action)
        return Veto(
            station.name,
            f"The guard raised {type(error).__name__}, so nobody knows whether it would let this pass.",
            f"Put the guard right, or do without it: NOTIFYKIT_DISABLE={station.name} where a plugin brings it.",
        )
    return answer


def _parcel(recipient: Recipient, prepared: Prepared, trip: Trip) -> Parcel:
    return Parcel(
        prepared.message,
        recipient,
        cost=_cost(recipient, prepared, trip),
        live=trip.transport.capabilities.live,
        now=trip.clock.now(),
    )


def _cost(recipient: Recipient, prepared: Prepared, trip: Trip) -> float | None:
    transport = trip.transport
    try:
        return price(transport, Batch(prepared.message, (recipient,), (0,), measurement=prepared.measurement))
    except INTERRUPTS:
        raise
    except BaseException as error:  # a plugin may raise anything
        if trip.guarding.first(transport.name, error):
            trip.recorder.plugin_failed("transport", transport.name, error, prepared.message)
        return None


class _Seen:
    """The addresses that have gone by: all of them, or the last so many where memory has to stay constant."""

    def __init__(self, window: int | None) -> None:
        self._addresses: set[str] = set()
        self._order: collections.deque[str] = collections.deque()
        self._window = window

    def again(self, address: str) -> bool:
        """Return whether the address has gone by before, and remember it."""
        addresses = self._addresses
        if address in addresses:
            return True
        addresses.add(address)
        if self._window is not None:
            # An ordered dictionary would do, and takes three times as long.
            order = self._order
            order.append(address)
            if len(order) > self._window:
                addresses.remove(order.popleft())
        return False
