"""Everything the control API shows, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from notifykit_kwtsms.sandbox.faults.armed import ArmedFault
from notifykit_kwtsms.sandbox.faults.catalogue import KINDS
from notifykit_kwtsms.sandbox.faults.presets import PRESETS
from notifykit_kwtsms.sandbox.gateway.accounts import Account
from notifykit_kwtsms.sandbox.gateway.service import Queued
from notifykit_kwtsms.sandbox.gateway.traffic import RequestRecord
from notifykit_kwtsms.sandbox.inbox.captured import CapturedMessage, Event
from notifykit_kwtsms.sandbox.reading.segments import ROOM, Count


def message_summary(message: CapturedMessage) -> dict[str, Any]:
    """Return what a list shows of a message."""
    return {
        "id": message.id,
        "msg-id": message.msg_id,
        "at": message.at.isoformat(),
        "account": message.account,
        "sender": message.sender,
        "to": list(message.numbers),
        "text": message.text,
        "otp": message.otp,
        "links": list(message.links),
        "encoding": message.encoding,
        "segments": message.segments,
        "points": message.points,
        "balance-after": message.balance_after,
        "test": message.test,
        "accepted": message.accepted,
        "code": message.code,
        "fault": message.fault,
        "state": message.state,
        "unread": message.unread,
        "tags": list(message.tags),
    }


def message_detail(message: CapturedMessage) -> dict[str, Any]:
    """Return all there is about a message."""
    response = message.response
    return message_summary(message) | {
        "dropped": [attrs.asdict(dropped) for dropped in message.dropped],
        "analysis": analysis(message.analysis),
        "request": attrs.asdict(message.request),
        "response": None if response is None else {"status": response.status, "body": dict(response.body)},
        "states": {number: message.state_of(number) for number in message.numbers},
        "timeline": [event(item) for item in message.timeline],
    }


def event(item: Event) -> dict[str, Any]:
    """Return one event of a timeline."""
    return {"at": item.at.isoformat(), "state": item.state, "number": item.number, "forced": item.forced}


def analysis(counted: Count) -> dict[str, Any]:
    """Return what a text takes up, with the place of every boundary and of every expensive character."""
    whole, part = ROOM[counted.encoding]
    return {
        "encoding": counted.encoding,
        "units": counted.units,
        "segments": counted.segments,
        "room": whole if counted.segments == 1 else part,
        "units-left": counted.units_left,
        "starts": list(counted.starts),
        "forced": [
            {"position": item.position, "character": item.character, "name": item.name, "code": ord(item.character)}
            for item in counted.forced
        ],
    }


def account(item: Account) -> dict[str, Any]:
    """Return an account without its password."""
    fields = attrs.asdict(item, filter=lambda attribute, value: attribute.name != "password")
    return {name: sorted(value) if isinstance(value, frozenset) else value for name, value in fields.items()}


def armed(item: ArmedFault) -> dict[str, Any]:
    """Return an armed fault with its counters."""
    counters = {"id": item.id, "seen": item.seen, "fired": item.fired, "expires-in": item.expires_in}
    return counters | item.fault.to_json()


def catalogue() -> dict[str, Any]:
    """Return what can be armed."""
    faults = [{"name": kind.name, "meaning": kind.meaning, "after": list(kind.points)} for kind in KINDS.values()]
    return {"faults": faults, "presets": list(PRESETS)}


def queued(item: Queued) -> dict[str, Any]:
    """Return one entry of a queue."""
    return {
        "msg-id": item.msg_id,
        "account": item.account,
        "size": item.size,
        "points": item.points,
        "test": item.test,
    }


def request(record: RequestRecord) -> dict[str, Any]:
    """Return one recorded request."""
    return attrs.asdict(record) | {"at": record.at.isoformat()}


def env_block(env: Mapping[str, str]) -> str:
    """Return environment variables as the lines of a ``.env`` file."""
    return "".join(f"{name}={value}\n" for name, value in env.items())
