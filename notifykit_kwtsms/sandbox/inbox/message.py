"""A captured message: everything a developer or a page wants to see of a request to send, and its JSON form."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from typing import Any

import attrs

from notifykit.redaction import STARS, describe_text, redact_address
from notifykit_kwtsms.sandbox.models import NotFoundError, show_count, show_number, show_numbers
from notifykit_kwtsms.sandbox.text_rules import Count, count_text, find_code, find_links


@attrs.frozen
class Event:
    """Something that happened to a message, or to one number of it."""

    #: When, in virtual UTC.
    at: datetime.datetime
    #: ``queued``, ``sent``, ``stuck``, ``delivered``, ``failed``, ``expired``, ``blacklisted``, ``switched-off``,
    #: ``deleted``; of a request that was not accepted ``refused`` or ``cut``.
    state: str
    #: The number it happened to; None for the whole message.
    number: str | None = attrs.field(default=None, repr=show_number)
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
    headers: Mapping[str, str] = attrs.field(repr=show_count)
    #: The fields of its body; the password is four stars.
    fields: Mapping[str, Any] = attrs.field(repr=show_count)


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
    numbers: tuple[str, ...] = attrs.field(repr=show_numbers)
    #: The numbers that were left out, with the reason.
    dropped: tuple[Dropped, ...] = attrs.field(default=(), repr=show_count)
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
    timeline: tuple[Event, ...] = attrs.field(repr=show_count)
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
            raise NotFoundError("this message was not for that number")
        return next(event.state for event in reversed(self.timeline) if event.number in (None, number))


#: The version of the form.
VERSION = 1


def to_record(message: CapturedMessage) -> dict[str, Any]:
    """Return a message as an object that JSON knows. What can be computed from the text is left out."""
    request, response = message.request, message.response
    return {
        "v": VERSION,
        "id": message.id,
        "msg-id": message.msg_id,
        "at": message.at.isoformat(),
        "account": message.account,
        "sender": message.sender,
        "text": message.text,
        "to": list(message.numbers),
        "dropped": [{"number": dropped.number, "code": dropped.code} for dropped in message.dropped],
        "test": message.test,
        "accepted": message.accepted,
        "code": message.code,
        "points": message.points,
        "balance-after": message.balance_after,
        "request": {
            "client": request.client,
            "path": request.path,
            "headers": dict(request.headers),
            "fields": dict(request.fields),
        },
        "response": None if response is None else {"status": response.status, "body": dict(response.body)},
        "fault": message.fault,
        "timeline": [_event(event) for event in message.timeline],
        "planned": [{"due": step.due, "state": step.state, "number": step.number} for step in message.planned],
        "unread": message.unread,
        "tags": list(message.tags),
    }


def to_line(message: CapturedMessage) -> str:
    """Return a message as one line of JSON. ASCII, because a text may hold half of a surrogate pair."""
    return json.dumps(to_record(message), separators=(",", ":"))


def from_line(line: str) -> CapturedMessage:
    """Read one line of :func:`to_line`. What is no such line is a :class:`ValueError`."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as problem:
        raise ValueError("this line is not JSON") from problem
    return from_record(value)


def from_record(value: object) -> CapturedMessage:
    """Build a message from what :func:`to_record` made of it. What is no such thing is a :class:`ValueError`."""
    if not isinstance(value, Mapping) or value.get("v") != VERSION:
        raise ValueError(f"this is no message of version {VERSION} of the form that `sandbox export` writes")
    try:
        return _read(value)
    except (KeyError, TypeError, AttributeError, OverflowError) as problem:
        raise ValueError(f"a field of this message is missing or has the wrong type: {problem}") from problem


def _read(value: Mapping[str, Any]) -> CapturedMessage:
    text, timeline = _text(value["text"]), tuple(_read_event(event) for event in value["timeline"])
    if not timeline:
        raise ValueError("a message has a timeline")
    return CapturedMessage(
        id=_whole(value["id"]),
        msg_id=_maybe_text(value["msg-id"]),
        at=_moment(value["at"]),
        account=_text(value["account"]),
        sender=_text(value["sender"]),
        text=text,
        numbers=tuple(_text(number) for number in value["to"]),
        dropped=tuple(Dropped(_text(item["number"]), _text(item["code"])) for item in value["dropped"]),
        test=_flag(value["test"]),
        accepted=_flag(value["accepted"]),
        code=_maybe_text(value["code"]),
        points=_points(value["points"]),
        balance_after=None if value["balance-after"] is None else _points(value["balance-after"]),
        analysis=count_text(text),
        request=_read_request(value["request"]),
        response=_read_response(value["response"]),
        fault=_maybe_text(value["fault"]),
        timeline=timeline,
        planned=tuple(
            Step(_points(step["due"]), _text(step["state"]), _maybe_text(step["number"])) for step in value["planned"]
        ),
        unread=_flag(value["unread"]),
        tags=tuple(_text(tag) for tag in value["tags"]),
    )


def _event(event: Event) -> dict[str, Any]:
    return {"at": event.at.isoformat(), "state": event.state, "number": event.number, "forced": event.forced}


def _read_event(value: Mapping[str, Any]) -> Event:
    return Event(_moment(value["at"]), _text(value["state"]), _maybe_text(value["number"]), _flag(value["forced"]))


def _read_request(value: Mapping[str, Any]) -> CapturedRequest:
    headers = {_text(name): _text(content) for name, content in value["headers"].items()}
    fields = {_text(name): _text(content) for name, content in value["fields"].items()}
    if "password" in fields:
        # A file may come from anywhere, also from who wrote one by hand.
        fields["password"] = STARS
    return CapturedRequest(_text(value["client"]), _text(value["path"]), headers, fields)


def _read_response(value: Mapping[str, Any] | None) -> CapturedResponse | None:
    return None if value is None else CapturedResponse(_whole(value["status"]), dict(value["body"]))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a text was expected")
    return value


def _maybe_text(value: object) -> str | None:
    return None if value is None else _text(value)


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError("true or false was expected")
    return value


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("a whole number was expected")
    return value


def _points(value: object) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise TypeError("a number was expected")
    return value


def _moment(value: object) -> datetime.datetime:
    moment = datetime.datetime.fromisoformat(_text(value))
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
