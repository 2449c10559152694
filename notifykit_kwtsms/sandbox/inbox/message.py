"""A captured message: everything that is kept of a request to send, and its JSON form."""

from __future__ import annotations

import datetime
import functools
import json
import sys
from collections.abc import Mapping
from typing import Any, Final

import attrs

from notifykit.redaction import STARS, describe_text, redact_address
from notifykit_kwtsms.sandbox.models import (
    HIDDEN,
    NotFoundError,
    encode,
    from_json,
    show_count,
    show_number,
    show_numbers,
    to_json,
)
from notifykit_kwtsms.sandbox.segments import Count, count_text
from notifykit_kwtsms.sandbox.texts import find_code, find_links

#: The version of the JSON form.
_VERSION: Final = 1


def _shared(value: Any) -> Any:
    """Return a value whose texts are kept once in the process, however many messages have them: names, numbers, texts."""
    if type(value) is str:
        return sys.intern(value)
    if isinstance(value, dict):
        return {_shared(name): _shared(content) for name, content in value.items()}
    return tuple(map(_shared, value)) if type(value) is tuple else value


def _folded(text: str) -> str:
    folded = text.casefold()
    # Arabic has no case: such a text is kept once.
    return text if folded == text else folded


@functools.lru_cache(maxsize=1024)
def _kept_once(items: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    return _shared(dict(items))  # type: ignore[no-any-return]


def _headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    # A program sends the same ones each time, but for the length of the body.
    return _kept_once(tuple(headers.items()))


def _without_password(fields: Mapping[str, str]) -> Mapping[str, str]:
    return _shared({**fields, "password": STARS} if "password" in fields else dict(fields))  # type: ignore[no-any-return]


@attrs.frozen
class Event:
    """Something that happened to a message, or to one number of it."""

    #: When, in virtual UTC.
    at: datetime.datetime
    #: ``queued``, ``sent``, ``stuck``, ``delivered``, ``failed``, ``expired``, ``blacklisted``, ``switched-off``,
    #: ``deleted``; of a request that was not accepted ``refused`` or ``cut``.
    state: str = attrs.field(converter=_shared)
    #: The number it happened to; None for the whole message.
    number: str | None = attrs.field(default=None, repr=show_number, converter=_shared)
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
    number: str | None = attrs.field(default=None, repr=show_number)


@attrs.frozen
class Dropped:
    """A number that was not taken although others of the request were, with the code; the gateway's answer does not show it."""

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
    headers: Mapping[str, str] = attrs.field(repr=show_count, converter=_headers)
    #: The fields of its body; the password is four stars.
    fields: Mapping[str, str] = attrs.field(repr=show_count, converter=_without_password)


@attrs.frozen
class CapturedResponse:
    """What the gateway answered; the wire may have lost it."""

    #: The HTTP status.
    status: int
    #: The answer.
    body: Mapping[str, Any] = attrs.field(converter=_shared)


@attrs.frozen(kw_only=True)
class CapturedMessage:
    """One request to send that reached the sandbox, accepted or not."""

    #: Counts up from 1.
    id: int
    #: The gateway's id, 32 lowercase hexadecimal characters; None where it was not accepted.
    msg_id: str | None = attrs.field(default=None, converter=_shared)
    #: When it came, in virtual UTC.
    at: datetime.datetime
    #: The user name it was sent with.
    account: str = attrs.field(converter=_shared)
    #: The sender it was sent with.
    sender: str = attrs.field(converter=_shared)
    #: The text as it arrived.
    text: str = attrs.field(repr=describe_text, converter=_shared)
    #: The numbers that were accepted; of a request that was not, those that were given.
    numbers: tuple[str, ...] = attrs.field(repr=show_numbers, converter=_shared, metadata={"json": "to"})
    #: The numbers that were dropped, with the reason.
    dropped: tuple[Dropped, ...] = attrs.field(default=(), repr=show_count)
    #: Whether ``test`` was set.
    test: bool
    #: Whether the gateway took it. The caller may not know: see :attr:`fault`.
    accepted: bool
    #: The code it was refused with.
    code: str | None = None
    #: What it cost, in points.
    points: float = 0
    #: The balance after it, in points; None where nothing was charged.
    balance_after: float | None = None
    #: What the text takes up.
    analysis: Count = attrs.field(
        default=attrs.Factory(lambda self: count_text(self.text), takes_self=True), repr=False, metadata=HIDDEN
    )
    #: The text without regard to case, as searches look at it.
    folded: str = attrs.field(
        default=attrs.Factory(lambda self: _folded(self.text), takes_self=True),
        init=False,
        repr=False,
        metadata=HIDDEN,
    )
    #: The request.
    request: CapturedRequest = attrs.field(repr=False)
    #: What the gateway answered; None where a fault came before it.
    response: CapturedResponse | None = attrs.field(default=None, repr=False)
    #: The fault that fired, ``close after accept (magic)``; None where the wire was fine.
    fault: str | None = None
    #: What happened so far, in order.
    timeline: tuple[Event, ...] = attrs.field(repr=show_count, validator=attrs.validators.min_len(1))
    #: What is still to happen, in order.
    planned: tuple[Step, ...] = attrs.field(default=(), repr=False)
    #: Whether it is unread.
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
            raise NotFoundError("this message was not for that number")
        return next(event.state for event in reversed(self.timeline) if event.number in (None, number))


def to_line(message: CapturedMessage) -> str:
    """Return a message as one line of JSON."""
    return encode({"v": _VERSION, **to_json(message)})


def from_line(line: str) -> CapturedMessage:
    """Read one line of :func:`to_line`.

    :raises ValueError: if it is no such line.
    """
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError("this line is not JSON") from error
    if not isinstance(value, dict) or value.get("v") != _VERSION:
        raise ValueError(f"this is no message of version {_VERSION} of the form that `sandbox export` writes")
    return from_json(CapturedMessage, value, complete=True)
