"""Everything the control API shows, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from notifykit_kwtsms.sandbox.clock import as_utc
from notifykit_kwtsms.sandbox.faults.active import ActiveFault
from notifykit_kwtsms.sandbox.faults.catalogue import KINDS
from notifykit_kwtsms.sandbox.faults.presets import PRESETS
from notifykit_kwtsms.sandbox.gateway import delivery
from notifykit_kwtsms.sandbox.gateway.accounts import Account
from notifykit_kwtsms.sandbox.gateway.requests import RequestRecord
from notifykit_kwtsms.sandbox.gateway.service import Queued
from notifykit_kwtsms.sandbox.http import insight
from notifykit_kwtsms.sandbox.http.verdicts import verdicts
from notifykit_kwtsms.sandbox.inbox.message import CapturedMessage, Event
from notifykit_kwtsms.sandbox.inbox.threads import Thread
from notifykit_kwtsms.sandbox.text_rules import country_of, is_right_to_left, price


def price_of(message: CapturedMessage, sender: Account | None) -> float:
    """Return points that a segment of a message costs for all its numbers together."""
    return sum(price(number, sender.prices if sender else {}) for number in message.numbers)


def message_summary(message: CapturedMessage, sender: Account | None) -> dict[str, Any]:
    """Return what a list shows of a message."""
    return {
        "id": message.id,
        "msg-id": message.msg_id,
        "at": message.at.isoformat(),
        "account": message.account,
        "sender": message.sender,
        "to": list(message.numbers),
        "count": len(message.numbers),
        "text": message.text,
        "otp": message.otp,
        "links": list(message.links),
        "encoding": message.encoding,
        "units": message.units,
        "segments": message.segments,
        "points": message.points,
        "balance-after": message.balance_after,
        "test": message.test,
        "accepted": message.accepted,
        "code": message.code,
        "fault": message.fault,
        "state": message.state,
        "queued": message.queued,
        "unread": message.unread,
        "tags": list(message.tags),
        "rtl": is_right_to_left(message.text),
        "agrees": insight.agrees(message, price_of(message, sender)),
    }


def message_detail(message: CapturedMessage, sender: Account | None) -> dict[str, Any]:
    """Return all there is about a message."""
    response = message.response
    return message_summary(message, sender) | {
        "dropped": [attrs.asdict(dropped) for dropped in message.dropped],
        "analysis": insight.analysis(message.text, message.analysis),
        "savings": insight.savings(message),
        "own": insight.own_count(message, price_of(message, sender)),
        "cleaned": insight.cleaned(message),
        "checks": verdicts(message, sender),
        "request": attrs.asdict(message.request),
        "response": None if response is None else {"status": response.status, "body": dict(response.body)},
        "fault-detail": fault(message.fault),
        "states": {number: message.state_of(number) for number in message.numbers},
        "timeline": [event(item) for item in message.timeline],
        "planned": [
            {"due": as_utc(step.due).isoformat(), "state": step.state, "number": step.number}
            for step in message.planned
        ],
        "next": delivery.following(message.state) if message.accepted else None,
        "possible": list(delivery.STATES) if message.accepted else [],
    }


def thread(found: Thread, sender: Account | None) -> dict[str, Any]:
    """Return a row of the list of conversations."""
    last = found.last
    return {
        "kind": found.kind,
        "key": found.key,
        "number": found.number,
        "count": len(last.numbers) if found.number is None else 1,
        "messages": len(found.messages),
        "unread": sum(message.unread for message in found.messages),
        "rejected": sum(not message.accepted for message in found.messages),
        "country": country_of(found.number or last.to.partition(",")[0]),
        "sender": last.sender,
        "last": message_summary(last, sender),
    }


def event(item: Event) -> dict[str, Any]:
    """Return one event of a timeline."""
    return {"at": item.at.isoformat(), "state": item.state, "number": item.number, "forced": item.forced}


def fault(described: str | None) -> dict[str, Any] | None:
    """Return a fault that fired, taken apart: ``close after accept (magic)``."""
    if described is None:
        return None
    do, _, rest = described.partition(" after ")
    after, _, source = rest.partition(" ")
    meaning = KINDS[do].meaning if do in KINDS else f"The gateway refuses with {do}."
    return {"do": do, "after": after or None, "source": source.strip("()") or None, "meaning": meaning}


def account(item: Account) -> dict[str, Any]:
    """Return an account without its password."""
    fields = attrs.asdict(item, filter=lambda attribute, value: attribute.name != "password")
    return {name: sorted(value) if isinstance(value, frozenset) else value for name, value in fields.items()}


def armed(item: ActiveFault) -> dict[str, Any]:
    """Return an armed fault with its counters."""
    counters = {"id": item.id, "seen": item.seen, "fired": item.fired, "expires-in": item.expires_in}
    return counters | item.fault.to_json()


def catalogue() -> dict[str, Any]:
    """Return what can be armed."""
    faults = [{"name": kind.name, "meaning": kind.meaning, "after": list(kind.points)} for kind in KINDS.values()]
    return {"faults": faults, "presets": list(PRESETS)}


def queued(item: Queued, message: CapturedMessage | None) -> dict[str, Any]:
    """Return one entry of a queue."""
    return {
        "msg-id": item.msg_id,
        "account": item.account,
        "size": item.size,
        "points": item.points,
        "test": item.test,
        "message": message.id if message else None,
    }


def request(record: RequestRecord) -> dict[str, Any]:
    """Return one recorded request."""
    return attrs.asdict(record) | {"at": record.at.isoformat()}


def env_block(env: Mapping[str, str]) -> str:
    """Return environment variables as the lines of a ``.env`` file."""
    return "".join(f"{name}={value}\n" for name, value in env.items())
