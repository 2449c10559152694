"""Delivery receipts that somebody posts to you.

Unproven: the gateway's documentation knows no callbacks, and nobody has shown one. This reads the shape that the
official client reads, for those who have built on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_REQUIRED: Final = ("msg-id", "status")


def parse_webhook(payload: object) -> dict[str, Any]:
    """Return a posted delivery receipt as a dict with ``ok``, ``msg_id``, ``phone``, ``status``, ``delivered_at``, ``raw``.

    Any status is taken. What can't be read comes back as ``{"ok": False, "error": …}``; nothing is raised.

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
