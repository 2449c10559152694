"""One request to the gateway, read from its body, and the gateway's reply, before HTTP is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

from notifykit.redaction import STARS
from notifykit_kwtsms.api.codes import CODES
from notifykit_kwtsms.sandbox.faults.catalogue import Firing
from notifykit_kwtsms.sandbox.inbox.captured import CapturedRequest

_SECRET_HEADERS: Final = frozenset({"authorization", "cookie", "x-sandbox-token", "proxy-authorization"})


@attrs.frozen
class Call:
    """A request with its fields as text, as PHP would see them. Its password is compared once and kept nowhere."""

    #: The endpoint it is for.
    endpoint: str
    #: The IP address it came from.
    client: str
    #: The fields as text; None where the body could not be read.
    fields: Mapping[str, str] | None = attrs.field(repr=False)
    #: Its path.
    path: str = ""
    #: Its headers in lower case.
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    #: The fault that is about to happen, as the inbox will show it.
    fault: str | None = None

    def field(self, name: str) -> str:
        """Return a field; a missing one is empty."""
        return (self.fields or {}).get(name, "")

    @property
    def test(self) -> bool:
        """Whether ``test`` is set: "1", 1 or true. Anything else is live, which is the gateway's default."""
        return self.field("test").strip().lower() in ("1", "true")

    @property
    def tags(self) -> tuple[str, ...]:
        """The labels of the ``X-Notifykit-Tag`` header."""
        return tuple(tag.strip() for tag in self.headers.get("x-notifykit-tag", "").split(",") if tag.strip())

    def captured(self) -> CapturedRequest:
        """Return what may be kept of it."""
        fields = dict(self.fields or {})
        if "password" in fields:
            fields["password"] = STARS
        headers = {name: value for name, value in self.headers.items() if name not in _SECRET_HEADERS}
        return CapturedRequest(self.client, self.path, headers, fields)


def as_fields(value: object) -> Mapping[str, str] | None:
    """Return the scalars of a JSON object as text, the way PHP reads them; None where it is no object."""
    if not isinstance(value, dict):
        return None
    return {str(name): _text(content) for name, content in value.items() if isinstance(content, (str, int, float))}


def _text(value: str | float) -> str:
    if isinstance(value, bool):
        return "1" if value else ""
    return value if isinstance(value, str) else str(value)


@attrs.frozen
class Reply:
    """What the gateway says."""

    #: The HTTP status.
    status: int
    #: The answer.
    body: Mapping[str, Any] = attrs.field(repr=False)
    #: The code of an error.
    code: str | None = None
    #: The gateway's id where a message was accepted.
    msg_id: str | None = None
    #: What a magic number wants done to the answer.
    firing: Firing | None = None


def refusal(status: int, code: str) -> Reply:
    """Return the reply for an error code. Only the words of ERR003 are the real gateway's."""
    words = CODES[code].meaning if code in CODES else "Unknown error."
    return Reply(status, {"result": "ERROR", "code": code, "description": words}, code)
