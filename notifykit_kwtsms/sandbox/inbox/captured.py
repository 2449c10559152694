"""What the sandbox keeps of a request to send: everything a developer or a page wants to see, without the password."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

import attrs

from notifykit.redaction import describe_text, redact_address
from notifykit_kwtsms.sandbox.problems import NotThere
from notifykit_kwtsms.sandbox.reading.content import find_code, find_links
from notifykit_kwtsms.sandbox.reading.segments import Count
from notifykit_kwtsms.sandbox.shown import all_masked, how_many, redacted


@attrs.frozen
class Event:
    """Something that happened to a message, or to one number of it."""

    #: When, in virtual UTC.
    at: datetime.datetime
    #: ``queued``, ``sent``, ``stuck``, ``delivered``, ``failed``, ``expired``, ``blacklisted``, ``switched-off``,
    #: ``deleted``; of a request that was not accepted ``refused`` or ``cut``.
    state: str
    #: The number it happened to; None for the whole message.
    number: str | None = attrs.field(default=None, repr=redacted)
    #: Whether a person made it happen.
    forced: bool = False


@attrs.frozen
class Step:
    """An event that is still to come."""

    #: When, in virtual seconds since 1970, UTC.
    due: float
    #: The state it brings.
    state: str
    #: The number it happens to; None for the whole message.
    number: str | None = attrs.field(default=None, repr=redacted)


@attrs.frozen
class Dropped:
    """A number that was not taken although others of the request were, with the code; the API never says so."""

    #: The number as it was given.
    number: str = attrs.field(repr=redact_address)
    #: Why.
    code: str


@attrs.frozen
class CapturedRequest:
    """The request, without the password."""

    #: The IP address it came from.
    client: str
    #: Its path.
    path: str
    #: Its headers in lower case, without those that carry secrets.
    headers: Mapping[str, str] = attrs.field(repr=how_many)
    #: The fields of its body; the password is four stars.
    fields: Mapping[str, Any] = attrs.field(repr=how_many)


@attrs.frozen
class CapturedResponse:
    """What the gateway answered; the wire may have lost it."""

    #: The HTTP status.
    status: int
    #: The answer.
    body: Mapping[str, Any]


@attrs.frozen(kw_only=True)
class CapturedMessage:
    """One request to send that reached the sandbox, accepted or not."""

    #: Counts up from 1.
    id: int
    #: The gateway's id, 32 lowercase hexadecimal characters; None where it was not accepted.
    msg_id: str | None = None
    #: When it came, in virtual UTC.
    at: datetime.datetime
    #: The user name it was sent with.
    account: str
    #: The sender it was sent with.
    sender: str
    #: The text as it arrived.
    text: str = attrs.field(repr=describe_text)
    #: The numbers that were accepted; of a request that was not, those that were given.
    numbers: tuple[str, ...] = attrs.field(repr=all_masked)
    #: The numbers that were left out, with the reason.
    dropped: tuple[Dropped, ...] = attrs.field(default=(), repr=how_many)
    #: Whether ``test`` was set.
    test: bool
    #: Whether the gateway took it. The caller may not know: see :attr:`fault`.
    accepted: bool
    #: The code it was refused with.
    code: str | None = None
    #: What it cost, in points.
    points: float = 0
    #: What was left on the account, in points; None where nothing was charged.
    balance_after: float | None = None
    #: What the text takes up.
    analysis: Count = attrs.field(repr=False)
    #: The request.
    request: CapturedRequest = attrs.field(repr=False)
    #: What the gateway answered; None where a fault came before it.
    response: CapturedResponse | None = attrs.field(default=None, repr=False)
    #: The fault that fired, ``close after accept (magic)``; None where the wire was fine.
    fault: str | None = None
    #: What happened so far, in order.
    timeline: tuple[Event, ...] = attrs.field(repr=how_many)
    #: What is still to happen, in order.
    planned: tuple[Step, ...] = attrs.field(default=(), repr=False)
    #: Whether nobody has looked at it.
    unread: bool = True
    #: Free labels: those of the request's ``X-Notifykit-Tag`` header, and those that a person gave.
    tags: tuple[str, ...] = ()

    @property
    def to(self) -> str:
        """The numbers, separated by commas: for one number, that number."""
        return ",".join(self.numbers)

    @property
    def encoding(self) -> str:
        """``gsm7`` or ``ucs2``."""
        return self.analysis.encoding

    @property
    def segments(self) -> int:
        """Segments of the text for one number."""
        return self.analysis.segments

    @property
    def units(self) -> int:
        """Septets or UTF-16 units of the text."""
        return self.analysis.units

    @property
    def otp(self) -> str | None:
        """The first run of 4 to 8 digits in the text, in Latin digits."""
        return find_code(self.text)

    @property
    def links(self) -> tuple[str, ...]:
        """The addresses in the text."""
        return find_links(self.text)

    @property
    def state(self) -> str:
        """The newest state of the message, whichever number it is about."""
        return self.timeline[-1].state

    @property
    def queued(self) -> bool:
        """Whether it stands in the Queue folder: a test message, until its credits are recovered."""
        return self.accepted and self.test and all(event.state != "deleted" for event in self.timeline)

    def state_of(self, number: str) -> str:
        """Return the newest state of one of its numbers."""
        if number not in self.numbers:
            raise NotThere("this message was not for that number")
        return next(event.state for event in reversed(self.timeline) if event.number in (None, number))
