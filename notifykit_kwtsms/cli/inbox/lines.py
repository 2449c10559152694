"""A captured message as one line, for its developer, who wants to see number and text."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from notifykit.cli.output import plural


def message_line(message: Mapping[str, Any]) -> str:
    """Return a message of the sandbox's interface as a line."""
    at = datetime.datetime.fromisoformat(message["at"])
    taken = "queued (test)" if message["test"] else "sent"
    how = taken if message["accepted"] else message["code"] or "cut"
    to = message["to"][0] if len(message["to"]) == 1 else f"{len(message['to'])} numbers"
    fault = f"  [{message['fault']}]" if message["fault"] else ""
    points = plural(message["points"], "point")
    return f"{at:%H:%M:%S}  {how:<13}  {message['sender']} → {to}  {points}  {message['text']!r}{fault}"
