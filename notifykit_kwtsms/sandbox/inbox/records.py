"""A captured message as JSON and back: what the store's file holds, and what export and import exchange."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from typing import Any

from notifykit.redaction import STARS
from notifykit_kwtsms.sandbox.inbox.captured import (
    CapturedMessage,
    CapturedRequest,
    CapturedResponse,
    Dropped,
    Event,
    Step,
)
from notifykit_kwtsms.sandbox.reading.segments import count

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
        analysis=count(text),
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
