"""The messages of a test: one for each recipient of each request."""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Iterator
from typing import Any, Final, Self

import attrs

from notifykit.errors import ConfigError, TransportError
from notifykit.models.merge import outcome_of
from notifykit.models.message import Channel, Edit
from notifykit.models.plan import Batch
from notifykit.models.receipt import Outcome, Submission
from notifykit.pipeline.context import Prepared
from notifykit.pipeline.log_redaction import CODE_TAG
from notifykit.protocols import Transport
from notifykit.settings.dsn import Dsn
from notifykit.verify.codes import ALPHABETS

_CODE: Final = re.compile(r"(?<!\d)\d{4,8}(?!\d)")
#: A code of a verifier in its message: behind the domain in the last line, else where a code begins the text.
_VERIFY_CODES: Final = (
    re.compile(r"^@\S+ #(\w{4,10})\Z", re.MULTILINE),
    re.compile(r"(?<!\w)(\d{4,10})(?!\w)"),
    re.compile(rf"(?<!\w)([{ALPHABETS['letters']}]{{4,10}})(?!\w)"),
)
_LINK: Final = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)


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
        """The code of a verifier; else the first run of 4 to 8 digits in the text, in Latin digits; None without one."""
        if CODE_TAG in self.tags:
            code = next((found[1] for pattern in _VERIFY_CODES if (found := pattern.search(self.text))), None)
            if code is not None:
                return code
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


@attrs.frozen
class CapturedRequest:
    """A request that a transport did not make. It pickles, since another process may have captured it."""

    #: The request.
    batch: Batch
    #: Whether its transport reaches people.
    live: bool
    #: The message to each recipient of the batch, not yet answered.
    messages: tuple[Sent, ...]

    @classmethod
    def of(cls, batch: Batch, transport: Transport, prepared: Prepared | None, at: datetime.datetime) -> Self:
        """Return the request that a transport was about to make.

        :param prepared: the message before it was planned; None where it is no longer known.
        :param at: the time of the test.
        """
        message, measured, dsn = batch.message, batch.measurement, str(transport)
        capabilities = transport.capabilities
        price = capabilities.price if measured else None
        common: dict[str, Any] = {
            "text": message.text,
            "sender": message.sender or _sender_in(dsn),
            "channel": message.channel,
            "subject": message.subject,
            "tags": message.tags,
            "encoding": measured.encoding if measured else None,
            "segments": measured.segments if measured else None,
            "units": measured.units if measured else None,
            "unit": capabilities.unit,
            "edits": prepared.cleaned.edits if prepared else (),
            "transport": dsn,
            # The batch has no key where the transport can't use it.
            "idempotency_key": (prepared.message if prepared else message).idempotency_key,
            "batch": batch.id,
            "at": at,
        }
        messages = tuple(
            Sent(
                to=who.address,
                raw=who.raw,
                country=who.country,
                position=position,
                cost=price(who, measured.segments) if price and measured else None,
                **common,
            )
            for position, who in zip(batch.positions, batch.recipients, strict=True)
        )
        return cls(batch, capabilities.live, messages)

    def answered(self, answer: Submission | TransportError, at: datetime.datetime) -> Iterator[Sent]:
        """Yield the message to each recipient with how the request ended, and when."""
        given: dict[str, Any] = {"at": at}
        if isinstance(answer, Submission):
            given |= {"message_id": answer.message_id, "test": answer.test}
        for message in self.messages:
            error = answer if isinstance(answer, TransportError) else answer.refused.get(message.to)
            yield attrs.evolve(message, outcome=outcome_of(error), error=error, **given)


def _sender_in(dsn: str) -> str | None:
    try:
        return Dsn.parse(dsn).options.get("sender")
    except ConfigError:
        return None
