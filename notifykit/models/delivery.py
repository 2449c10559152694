"""What the network says later about a message that was sent: a vocabulary of its own, apart from the outcome of sending.

Reports come late, twice, and in any order: by questions, and pushed by whoever knows. So a :class:`Delivery` is not
where the last report left it, but the furthest that any report says. It goes forward only, and whoever hears the same
reports knows the same, whatever the order.
"""

from __future__ import annotations

import datetime
import enum
from typing import Any, Final

import attrs

from notifykit.redaction import redact_address


class DeliveryState(enum.StrEnum):
    """Where a message is, as far as anybody says."""

    #: The provider has it, and has not passed it on.
    PENDING = "pending"
    #: The provider has passed it on to the network.
    SENT = "sent"
    #: It reached the person's device.
    DELIVERED = "delivered"
    #: It will not reach the person.
    UNDELIVERED = "undelivered"
    #: It was not delivered within the time that it had.
    EXPIRED = "expired"
    #: Nobody will ever say, or what was said is understood by nobody.
    UNCONFIRMED = "unconfirmed"

    @property
    def final(self) -> bool:
        """Whether it says how delivery ended."""
        return self in _FINAL


_FINAL: Final = frozenset({DeliveryState.DELIVERED, DeliveryState.UNDELIVERED, DeliveryState.EXPIRED})

#: Forward is to the right. Where two ends are reported, the one that somebody saw happen stands over the one that was
#: concluded: a handset that confirms over a refusal, a refusal over a time that ran out. Times decide nothing here:
#: providers leave them out, and the zone of some is not known.
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
    DeliveryState.UNCONFIRMED: "Nobody has said yet whether it arrived.",
}

#: Different reports of one state that a delivery keeps; more of them say nothing new.
_KEPT: Final = 4
_NEVER: Final = datetime.datetime.max.replace(tzinfo=datetime.UTC)


def _as_utc(value: datetime.datetime | None) -> datetime.datetime | None:
    if value is None:
        return None
    if value.utcoffset() is None:
        raise ValueError("at has no zone: give a time with one, or None where the zone is not known")
    return value.astimezone(datetime.UTC)


@attrs.frozen
class DeliveryReport:
    """What somebody said about one recipient of a message (also called a DLR)."""

    #: The provider's id of the request.
    message_id: str
    #: The canonical address; None where the report is about everybody in the request.
    address: str | None = attrs.field(repr=lambda address: str(address and redact_address(address)))
    #: What it means.
    state: DeliveryState = attrs.field(converter=DeliveryState)
    #: The provider's own word for it; None where it used none.
    words: str | None = None
    #: When the provider says that it happened, UTC; None where it does not say.
    at: datetime.datetime | None = attrs.field(default=None, converter=_as_utc)
    #: Whether nobody will say more: asking again is of no use.
    last: bool = attrs.field(default=False, kw_only=True)
    #: What a person does now; None for nothing special.
    advice: str | None = attrs.field(default=None, kw_only=True)


def _place(report: DeliveryReport) -> tuple[Any, ...]:
    """Return where a report stands: by state, then what tells most first. Different reports have different places."""
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
    >>> delivery = delivery.hear(DeliveryReport("f4c841ad", "96598765432", "delivered"))
    >>> delivery = delivery.hear(DeliveryReport("f4c841ad", "96598765432", "sent"))  # late: changes nothing
    >>> print(delivery)
    965****5432: delivered
    """

    #: The provider's id of the request; None where there is none.
    message_id: str | None
    #: The canonical address; None for everybody in the request.
    address: str | None
    #: The different reports that were heard, in order of their states; at most four of each.
    reports: tuple[DeliveryReport, ...] = ()
    #: Why nobody can be asked; None where somebody can.
    silence: str | None = attrs.field(default=None, kw_only=True)

    def hear(self, report: DeliveryReport) -> Delivery:
        """Return what is known once this report was heard too. Pure; hearing it again changes nothing.

        :raises ValueError: where the report is about another message or recipient.
        """
        if report.message_id != self.message_id or report.address not in (None, self.address):
            raise ValueError("this report is about another message or another recipient")
        if report in self.reports:
            return self
        alike = sorted((report, *self._of(report.state)), key=_place)[:_KEPT]
        others = (heard for heard in self.reports if heard.state is not report.state)
        return attrs.evolve(self, reports=tuple(sorted((*others, *alike), key=_place)))

    @property
    def state(self) -> DeliveryState:
        """The furthest state that a report says; ``unconfirmed`` where there is none that is understood."""
        return self.reports[-1].state if self.reports else DeliveryState.UNCONFIRMED

    @property
    def words(self) -> str | None:
        """The provider's own word for the state; None where it used none."""
        return self._said.words if self._said else None

    @property
    def at(self) -> datetime.datetime | None:
        """The earliest time at which a provider says that the state was reached, UTC; None where none says."""
        return min((report.at for report in self._of(self.state) if report.at), default=None)

    @property
    def final(self) -> bool:
        """Whether asking again is of no use: it ended, or nobody will say more."""
        return self.state.final or self.silence is not None or any(report.last for report in self._of(self.state))

    @property
    def contradicted(self) -> bool:
        """Whether reports say different ends. The state is the strongest: delivered, undelivered, then expired."""
        return len(self._ends) > 1

    @property
    def not_understood(self) -> tuple[str, ...]:
        """The provider's words that nobody has a meaning for."""
        return tuple(report.words for report in self._of(DeliveryState.UNCONFIRMED) if report.words)

    @property
    def advice(self) -> str:
        """What a person does now."""
        if self.contradicted:
            others = " and ".join(sorted(self._ends - {self.state}))
            return f"Reports contradict each other: others say {others}. Ask the provider which is right."
        told = self._said.advice if self._said else None
        if self.state.final or told:
            return told or _ADVICE[self.state]
        if self.final:
            return self.silence or "Nobody will say more than this."
        return self._riddle or _ADVICE[self.state]

    @property
    def _said(self) -> DeliveryReport | None:
        """The report that says most about the state."""
        return next(iter(self._of(self.state)), None)

    @property
    def _ends(self) -> frozenset[DeliveryState]:
        return frozenset(report.state for report in self.reports if report.state.final)

    @property
    def _riddle(self) -> str:
        if self.state is not DeliveryState.UNCONFIRMED or not self.not_understood:
            return ""
        said = " and ".join(repr(words) for words in self.not_understood)
        return f"The provider says {said}, which has no known meaning: ask it."

    def _of(self, state: DeliveryState) -> tuple[DeliveryReport, ...]:
        return tuple(report for report in self.reports if report.state is state)

    def __str__(self) -> str:
        who = redact_address(self.address) if self.address else "everybody"
        plain = self.words is None or self.words.casefold() == self.state
        what = str(self.state) if plain else f"{self.state} ({self.words})"
        return f"{who}: {what}" + (", contradicted" if self.contradicted else "")

    def __repr__(self) -> str:
        return f"<Delivery {self}, {len(self.reports)} heard>"
