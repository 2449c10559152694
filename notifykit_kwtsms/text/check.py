"""Which texts the gateway would refuse, known before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from notifykit.errors import ContentRejected
from notifykit_kwtsms.api.codes import error_for
from notifykit_kwtsms.api.limits import MAX_SEGMENTS
from notifykit_kwtsms.text.packing import count_segments

if TYPE_CHECKING:
    from notifykit.models.message import Message

_EMPTY = "ERR009"
_TOO_LONG = "ERR012"


def check(message: Message) -> ContentRejected | None:
    """Return the error that the gateway would answer a cleaned message with; None where it would take it."""
    if not message.text.strip():
        return _refusal(_EMPTY)
    if count_segments(message.text) > MAX_SEGMENTS:
        return _refusal(_TOO_LONG)
    return None


def _refusal(code: str) -> ContentRejected:
    return cast("ContentRejected", error_for(code))
