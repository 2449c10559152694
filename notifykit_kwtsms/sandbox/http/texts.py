"""The old text form of answers, for requests that are not JSON (gateway facts, section 10)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from notifykit_kwtsms.sandbox.gateway.requests import Reply
from notifykit_kwtsms.sandbox.http.answers import TEXT, Answer


def as_text(endpoint: str, reply: Reply) -> Answer:
    """Return a reply in the text form. That of errors is not published; this one puts the code first."""
    body = reply.body
    words = f"{body['code']}:{body['description']}" if reply.code else _FORMS[endpoint](body)
    return Answer(reply.status, words.encode(), TEXT)


def _points(value: Any) -> str:
    return f"{float(value):.2f}"


def _lines(rows: list[str]) -> str:
    return "\n".join(rows)


def _send(body: Mapping[str, Any]) -> str:
    charged, left = _points(body["points-charged"]), _points(body["balance-after"])
    return f"OK:{body['msg-id']}:{body['numbers']}:{charged}:{left}:{body['unix-timestamp']}"


_FORMS: Final[dict[str, Callable[[Mapping[str, Any]], str]]] = {
    "balance": lambda body: f"{_points(body['available'])}/{_points(body['purchased'])}",
    "senderid": lambda body: _lines(body["senderid"]),
    # Coverage, validate and status are younger than the text form; these three are our guess.
    "coverage": lambda body: _lines(body.get("prefixes") or body["coverage"]),
    "validate": lambda body: _lines([f"{name}:{','.join(found)}" for name, found in body["mobile"].items()]),
    "status": lambda body: str(body["status"]),
    "dlr": lambda body: _lines([f"{row['Number']},{row['Status']}" for row in body["report"]]),
    "send": _send,
}
