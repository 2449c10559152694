"""Delivery reports that are posted to a webhook.

Unproven: the gateway's documentation has no webhooks, and no real one is known. This reads the shape that the official
client reads, for programs that use it.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import Any, Final

from notifykit import DeliveryReport
from notifykit.normalizers.phone import FEWEST_DIGITS, MOST_DIGITS
from notifykit_kwtsms.api.facts import REPORT_STATES, delivery_state, loggable
from notifykit_kwtsms.phone.documented import normalize_phone

_REQUIRED: Final = ("msg-id", "status")
#: Documented ids have at most 32 characters; something much longer is no id.
_MAX_ID: Final = 128


def parse_webhook(payload: object) -> dict[str, Any]:
    """Return a posted delivery report as a dict with ``ok``, ``msg_id``, ``phone``, ``status``, ``delivered_at``, ``raw``.

    Any status is accepted. An unreadable payload becomes ``{"ok": False, "error": …}``; nothing is raised.

    :param payload: the JSON object that was posted, already parsed.
    """
    if not isinstance(payload, Mapping):
        return {"ok": False, "error": f"the payload must be a JSON object, not a {type(payload).__name__}"}
    missing = [name for name in _REQUIRED if name not in payload]
    if missing:
        return {"ok": False, "error": f"the payload lacks {' and '.join(map(repr, missing))}"}
    return {
        "ok": True,
        "msg_id": payload["msg-id"],
        "phone": payload.get("mobile", ""),
        "status": payload["status"],
        "delivered_at": payload.get("delivered-at"),
        "raw": payload,
    }


def delivery_report(posted: object) -> DeliveryReport:
    """Return a posted delivery report for ``notifier.record_delivery_report(delivery_report(parse_webhook(payload)))``.

    A status of unknown meaning is ``unconfirmed``, with its words; a report without a number is about every recipient
    of the request. A time counts only with its zone: bare times of the gateway may be UTC or GMT+3.

    :param posted: what :func:`parse_webhook` returned, or the JSON object itself.
    :raises ValueError: with everything that is wrong with it.
    """
    read = posted if isinstance(posted, Mapping) and "ok" in posted else parse_webhook(posted)
    problems = list(_problems(read))
    if problems:
        raise ValueError(f"this is no delivery report: {'; '.join(problems)}")
    return DeliveryReport(
        message_id=str(read["msg_id"]).strip(),
        address=normalize_phone(str(read["phone"])) if _is_given(read.get("phone")) else None,
        state=delivery_state(read["status"], REPORT_STATES),
        words=loggable(read["status"]),
        at=_moment(read.get("delivered_at")),
    )


def _is_given(value: object) -> bool:
    return value is not None and str(value).strip() != ""


def _problems(read: Mapping[str, Any]) -> Iterator[str]:
    if read.get("ok") is not True:
        yield str(read.get("error") or "it is not ok")
        return
    message_id, status, phone = read.get("msg_id"), read.get("status"), read.get("phone")
    if isinstance(message_id, bool) or not isinstance(message_id, str | int) or not _is_id(str(message_id).strip()):
        yield "'msg-id' is not an id: it has letters and digits, and at most 128 of them"
    if not isinstance(status, str) or loggable(status) is None:
        yield "'status' is not a text with words"
    if not _is_given(phone):
        return
    number = isinstance(phone, str | int) and not isinstance(phone, bool)
    if not number or not FEWEST_DIGITS <= len(normalize_phone(str(phone))) <= MOST_DIGITS:
        yield "'mobile' is not a phone number of 7 to 15 digits"


def _is_id(text: str) -> bool:
    plain = text.replace("-", "").replace("_", "")
    return len(text) <= _MAX_ID and plain.isascii() and plain.isalnum()


def _moment(value: object) -> datetime.datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.datetime.fromisoformat(value.strip())
        return moment.astimezone(datetime.UTC) if moment.utcoffset() is not None else None
    except (ValueError, OverflowError):
        return None
