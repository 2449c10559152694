"""What a request to the sandbox's own interface asks for, read with a sentence for whoever said it wrong."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from notifykit_kwtsms.sandbox.clock import Clock
from notifykit_kwtsms.sandbox.inbox import search
from notifykit_kwtsms.sandbox.inbox.store import Matches

if TYPE_CHECKING:
    from werkzeug.wrappers import Request

#: Entries of one answer.
LONGEST_LIST: Final = 1000
#: Real seconds that a long poll lasts at most.
LONGEST_POLL: Final = 60.0


def fields(body: bytes, *allowed: str) -> dict[str, Any]:
    """Return the fields of a body, which is a JSON object or nothing; with names given, only these are taken."""
    if not body:
        return {}
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as problem:
        raise ValueError("the body is not JSON") from problem
    if not isinstance(value, dict):
        raise TypeError("the body is a JSON object")
    unknown = sorted(set(value) - set(allowed)) if allowed else []
    if unknown:
        raise ValueError(f"there is no {', '.join(unknown)} here, only {', '.join(sorted(allowed))}")
    return value


def whole(request: Request, name: str, default: int) -> int:
    """Return a parameter that is a whole number."""
    value = request.args.get(name)
    try:
        return default if value is None else int(value)
    except ValueError as problem:
        raise ValueError(f"{name} is a whole number") from problem


def limit(request: Request) -> int:
    """Return how many entries are wanted."""
    return min(max(whole(request, "limit", 50), 1), LONGEST_LIST)


def seconds(request: Request) -> float:
    """Return how long to wait."""
    try:
        value = float(request.args.get("timeout", 0))
    except ValueError as problem:
        raise ValueError("timeout is a number of seconds") from problem
    if not math.isfinite(value):
        raise ValueError("timeout is a number of seconds")
    return min(max(value, 0.0), LONGEST_POLL)


def matching(request: Request, clock: Clock) -> Matches:
    """Return what ``q`` and ``to`` and ``text`` look for."""
    found = search.parse(request.args.get("q", ""), clock.utc())
    to, text = request.args.get("to"), request.args.get("text")
    return lambda message: (
        found(message) and (to is None or to in message.numbers) and (text is None or text in message.text)
    )


def chosen(request: Request, clock: Clock) -> Matches:
    """Return what ``ids`` names, or else what ``q`` looks for."""
    given = request.args.get("ids")
    if given is None:
        return matching(request, clock)
    ids = frozenset(given.split(","))
    if not all(name.isascii() and name.isalnum() for name in ids):
        raise ValueError("ids are numbers with commas between them")
    return lambda message: str(message.id) in ids or message.msg_id in ids


def tags(given: Mapping[str, Any], name: str = "tags") -> list[str] | None:
    """Return a list of tags, None where none is given."""
    value = given.get(name)
    if not (value is None or (isinstance(value, list) and all(isinstance(tag, str) for tag in value))):
        raise ValueError(f"{name} are a list of texts")
    return value


def flag(given: Mapping[str, Any], name: str) -> bool | None:
    """Return true or false, None where it is not given."""
    value = given.get(name)
    if not (value is None or isinstance(value, bool)):
        raise ValueError(f"{name} is true or false")
    return value


def retagging(given: Mapping[str, Any]) -> Callable[[tuple[str, ...]], tuple[str, ...]]:
    """Return what ``tags``, ``add-tags`` and ``remove-tags`` make of the tags that a message has."""
    instead, more, less = tags(given), tags(given, "add-tags") or [], tags(given, "remove-tags") or []

    def retag(before: tuple[str, ...]) -> tuple[str, ...]:
        kept = before if instead is None else tuple(instead)
        return tuple(tag for tag in dict.fromkeys((*kept, *more)) if tag not in less)

    return retag
