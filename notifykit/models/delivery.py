"""Delivery reports: what the network says later about a message that was sent. They do not change the outcome of sending.

Reports come late, twice, and in any order. So the state of a :class:`Delivery` is the furthest state of all reports, not
the last one. It only goes forward, and the same reports in any order give the same delivery.
"""

from __future__ import annotations

import datetime
import enum
from typing import Any, Final

import attrs

from notifykit.redaction import redact_address


class DeliveryState(enum.StrEnum):
    """The state of the delivery of a message, as reported."""

    #: The provider has it, and has not passed it on.
    PENDING = "pending"
    #: The provider has passed it on to the network.
    SENT = "sent"
    #: It reached the device.
    DELIVERED = "delivered"
    #: It will not reach the device.
    UNDELIVERED = "undelivered"
    #: It was not delivered within the time that it had.
    EXPIRED = "expired"
    #: There is no report, or its words have no known meaning.
    UNCONFIRMED = "unconfirmed"

    @property
    def final(self) -> bool:
        """Whether delivery has ended."""
        return self in _FINAL


_FINAL: Final = frozenset({DeliveryState.DELIVERED, DeliveryState.UNDELIVERED, DeliveryState.EXPIRED})

#: From the earliest to the furthest. Of two final states, one that was observed wins over one that was concluded: a
#: handset's confirmation over a refusal, a refusal over an expiry. Times do not count: providers leave them out, and the
#: zone of some is not known.
_ORDER: Final = (
    DeliveryState.UNCONFIRMED,
    DeliveryState.PENDING,
    DeliveryState.SENT,
    DeliveryState.EXPIRED,
    DeliveryState.UNDELIVERED,
    DeliveryState.DELIVERED,
)
_RANK: Final = {state: rank for rank, state in enumerate(_ORDER)}

_ADVICE: Final = {
    DeliveryState.PENDING: "The provider has not passed it on yet; ask again in a while.",
    DeliveryState.SENT: "It is with the network; ask again in a while.",
    DeliveryState.DELIVERED: "It arrived; there is nothing to do.",
    DeliveryState.UNDELIVERED: "It will not arrive. Find out why before you send it again.",
    DeliveryState.EXPIRED: "It did not arrive in time. Sending it again would be a new message.",
    DeliveryState.UNCONFIRMED: "There is no report yet whether it arrived.",
}

#: The most different reports of one state that a delivery keeps; more of them add nothing.
_KEPT: Final = 4
_NEVER: Final = datetime.datetime.max.replace(tzinfo=datetime.UTC)


def _as_utc(value: datetime.datetime | None) -> datetime.datetime | None:
    if value is None:
        return None
    if value.utcoffset() is None:
        raise ValueError("at has no zone: give a time with one, or None if the zone is not known")
    return value.astimezone(datetime.UTC)


@attrs.frozen
class DeliveryReport:
    """A report about one recipient of a message (also called a DLR)."""

    #: The provider's id of the request.
    message_id: str
    #: The canonical address; None if the report is about all recipients of the request.
    address: str | None = attrs.field(repr=lambda address: str(address and redact_address(address)))
    #: The state that it reports.
    state: DeliveryState = attrs.field(converter=DeliveryState)
    #: The provider's own word for it; None if it used none.
    words: str | None = None
    #: When it happened, UTC; None if the provider does not say.
    at: datetime.datetime | None = attrs.field(default=None, converter=_as_utc)
    #: Whether the provider will say no more, so that asking again is of no use.
    last: bool = attrs.field(default=False, kw_only=True)
    #: What a person does now; None for nothing special.
    advice: str | None = attrs.field(default=None, kw_only=True)


def _sort_key(report: DeliveryReport) -> tuple[Any, ...]:
    """Return a key that sorts reports by state, then the most informative first. Different reports have different keys."""
    return (
        _RANK[report.state],
        not report.last,
        report.at or _NEVER,
        (report.words is None, report.words or ""),
        (report.advice is None, report.advice or ""),
        report.at is None,
        (report.address is None, report.address or ""),
    )


@attrs.frozen(repr=False)
class Delivery:
    """What is known about the delivery of one message to one recipient.

    >>> delivery = Delivery("f4c841ad", "96598765432")
    >>> delivery = delivery.record(DeliveryReport("f4c841ad", "96598765432", "delivered"))
    >>> delivery = delivery.record(DeliveryReport("f4c841ad", "96598765432", "sent"))  # late: changes nothing
    >>> print(delivery)
    965****5432: delivered
    """

    #: The provider's id of the request; None if there is none.
    message_id: str | None
    #: The canonical address; None for all recipients of the request.
    address: str | None
    #: The different reports, in order of their states; at most four of each.
    reports: tuple[DeliveryReport, ...] = ()
    #: Why the provider can't be asked; None if it can.
    unavailable: str | None = attrs.field(default=None, kw_only=True)

    def record(self, report: DeliveryReport) -> Delivery:
        """Return what is known with one more report. Pure; the same report again changes nothing.

        :raises ValueError: if the report is about another message or recipient.
        """
        if report.message_id != self.message_id or report.address not in (None, self.address):
            raise ValueError("this report is about another message or another recipient")
        if report in self.reports:
            return self
        same_state = sorted((report, *self._reports_of(report.state)), key=_sort_key)[:_KEPT]
        others = (other for other in self.reports if other.state is not report.state)
        return attrs.evolve(self, reports=tuple(sorted((*others, *same_state), key=_sort_key)))

    @property
    def state(self) -> DeliveryState:
        """The furthest state of all reports; ``unconfirmed`` without a report whose state is known."""
        return self.reports[-1].state if self.reports else DeliveryState.UNCONFIRMED

    @property
    def words(self) -> str | None:
        """The provider's own word for the state; None if it used none."""
        return self._main.words if self._main else None

    @property
    def at(self) -> datetime.datetime | None:
        """The earliest time at which a report says that the state was reached, UTC; None if none says it."""
        return min((report.at for report in self._reports_of(self.state) if report.at), default=None)

    @property
    def final(self) -> bool:
        """Whether asking again is of no use: delivery ended, or the provider will say no more."""
        return (
            self.state.final
            or self.unavailable is not None
            or any(report.last for report in self._reports_of(self.state))
        )

    @property
    def contradicted(self) -> bool:
        """Whether reports have different final states. The state is the strongest: delivered, undelivered, then expired."""
        return len(self._final_states) > 1

    @property
    def not_understood(self) -> tuple[str, ...]:
        """The provider's words that have no known meaning."""
        return tuple(report.words for report in self._reports_of(DeliveryState.UNCONFIRMED) if report.words)

    @property
    def advice(self) -> str:
        """What a person does now."""
        if self.contradicted:
            others = " and ".join(sorted(self._final_states - {self.state}))
            return f"Reports contradict each other: others say {others}. Ask the provider which is right."
        advice = self._main.advice if self._main else None
        if advice or self.state.final:
            return advice or _ADVICE[self.state]
        if self.final:
            return self.unavailable or "The provider will say no more than this."
        if self.state is DeliveryState.UNCONFIRMED and self.not_understood:
            words = " and ".join(map(repr, self.not_understood))
            return f"The provider says {words}, which has no known meaning: ask it."
        return _ADVICE[self.state]

    @property
    def _main(self) -> DeliveryReport | None:
        """The report that says most about the state."""
        return next(iter(self._reports_of(self.state)), None)

    @property
    def _final_states(self) -> frozenset[DeliveryState]:
        return frozenset(report.state for report in self.reports if report.state.final)

    def _reports_of(self, state: DeliveryState) -> tuple[DeliveryReport, ...]:
        return tuple(report for report in self.reports if report.state is state)

    def __str__(self) -> str:
        who = redact_address(self.address) if self.address else "everybody"
        plain = self.words is None or self.words.casefold() == self.state
        what = str(self.state) if plain else f"{self.state} ({self.words})"
        return f"{who}: {what}" + (", contradicted" if self.contradicted else "")

    def __repr__(self) -> str:
        return f"<Delivery {self}, {len(self.reports)} reports>"
