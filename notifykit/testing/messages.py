"""The messages of a test: one for each recipient of each request."""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Iterator
from typing import Final

import attrs

from notifykit.errors import TransportError
from notifykit.models.merge import outcome_of
from notifykit.models.message import Channel, Edit
from notifykit.models.plan import Batch
from notifykit.models.receipt import Outcome, Submission

_CODE: Final = re.compile(r"(?<!\d)\d{4,8}(?!\d)")
_LINK: Final = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)


@attrs.frozen(kw_only=True)
class CapturedRequest:
    """A request that a transport did not make; it pickles, since another process may have captured it."""

    #: The recipients and the message.
    batch: Batch
    #: The transport's ``str``.
    transport: str
    #: Whether the transport reaches people.
    live: bool
    #: What each recipient costs, in the provider's unit; None where that is not known.
    costs: tuple[float | None, ...]
    #: What the provider calls one unit of cost.
    unit: str
    #: The sender in the transport's DSN; None where it names none.
    sender: str | None
    #: What the cleaners changed.
    edits: tuple[Edit, ...]
    #: The caller's name for the send; the batch has none where the transport can't use it.
    idempotency_key: str | None


@attrs.frozen(kw_only=True)
class Sent:
    """One message to one recipient, after normalizers, cleaners and guards.

    It belongs to a test, so its ``repr`` shows number and text in clear.
    """

    #: The canonical address: for SMS digits with the country code first.
    to: str
    #: The text, after cleaning.
    text: str
    #: The sender's name: the message's own, else the one in the transport's DSN; None where neither names one.
    sender: str | None = None
    #: The medium.
    channel: Channel = Channel.SMS
    #: The line above the text, where the channel has one.
    subject: str | None = None
    #: The labels.
    tags: tuple[str, ...] = ()
    #: ``gsm7`` or ``ucs2``; None where the transport does not measure texts.
    encoding: str | None = None
    #: Parts that the text is cut into; None where the transport does not measure texts.
    segments: int | None = None
    #: Septets or UTF-16 units; None where the transport does not measure texts.
    units: int | None = None
    #: What this recipient costs, in the provider's unit; None where that is not known.
    cost: float | None = None
    #: What the provider calls one unit of cost.
    unit: str = "unit"
    #: What the cleaners changed.
    edits: tuple[Edit, ...] = attrs.field(default=(), repr=lambda edits: f"<{len(edits)}>")
    #: The country of the number, ``KW``; None where that is not known.
    country: str | None = None
    #: The address as the caller gave it.
    raw: str = attrs.field(default="", repr=False)
    #: The transport that would have made the request, without secrets.
    transport: str = ""
    #: How the request ended for this recipient.
    outcome: Outcome = Outcome.ACCEPTED
    #: Why it was not accepted; None where it was.
    error: TransportError | None = attrs.field(default=None, repr=str)
    #: The id that the provider, or the outbox in its place, gave to the request.
    message_id: str | None = None
    #: Whether it was accepted as a test.
    test: bool = False
    #: The caller's name for the send, also where the transport can't use it.
    idempotency_key: str | None = None
    #: The id of the request: the recipients of one request have the same.
    batch: str = attrs.field(default="", repr=False)
    #: Which request for this recipient of the send it is, from 1.
    attempt: int = 1
    #: The recipient's place in the caller's list, from 0.
    position: int = attrs.field(default=0, repr=False)
    #: When the request was made, in the time of the test, UTC.
    at: datetime.datetime = attrs.field(repr=False)

    @property
    def otp(self) -> str | None:
        """The first run of 4 to 8 digits in the text, in Latin digits; None where there is none."""
        found = _CODE.search(self.text)
        return "".join(str(unicodedata.digit(digit)) for digit in found[0]) if found else None

    @property
    def links(self) -> tuple[str, ...]:
        """The web addresses in the text."""
        return tuple(match.rstrip(".,;:!?)") for match in _LINK.findall(self.text))

    @property
    def code(self) -> str | None:
        """The provider's code where it was not accepted."""
        return self.error.code if self.error else None

    @property
    def accepted(self) -> bool:
        """Whether it was accepted."""
        return self.outcome is Outcome.ACCEPTED


#: Everything that a test can ask for, in the order in which it is shown.
FIELDS: Final = (*(field.name for field in attrs.fields(Sent)), "otp", "links", "code", "accepted")


def messages_of(request: CapturedRequest, answer: Submission | TransportError, at: datetime.datetime) -> Iterator[Sent]:
    """Yield the message to each recipient of a request, each as its first attempt.

    :param answer: how the request ended.
    :param at: when.
    """
    batch, message, measured = request.batch, request.batch.message, request.batch.measurement
    submission = answer if isinstance(answer, Submission) else None
    for position, recipient, cost in zip(batch.positions, batch.recipients, request.costs, strict=True):
        error = answer if isinstance(answer, TransportError) else answer.refused.get(recipient.address)
        yield Sent(
            to=recipient.address,
            text=message.text,
            sender=message.sender or request.sender,
            channel=message.channel,
            subject=message.subject,
            tags=message.tags,
            encoding=measured.encoding if measured else None,
            segments=measured.segments if measured else None,
            units=measured.units if measured else None,
            cost=cost,
            unit=request.unit,
            edits=request.edits,
            country=recipient.country,
            raw=recipient.raw,
            transport=request.transport,
            outcome=outcome_of(error),
            error=error,
            message_id=submission.message_id if submission else None,
            test=bool(submission and submission.test),
            idempotency_key=request.idempotency_key,
            batch=batch.id,
            position=position,
            at=at,
        )
