"""All desks of the sandbox's own interface behind one counter."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from notifykit_kwtsms.sandbox.gateway.service import Gateway
from notifykit_kwtsms.sandbox.http.answers import Answer
from notifykit_kwtsms.sandbox.http.desks.desk import SandboxInfo
from notifykit_kwtsms.sandbox.http.desks.inbox import InboxDesk
from notifykit_kwtsms.sandbox.http.desks.live import LiveDesk
from notifykit_kwtsms.sandbox.http.desks.switches import SwitchDesk
from notifykit_kwtsms.sandbox.http.replies import excused

if TYPE_CHECKING:
    from werkzeug.wrappers import Request


class Control:
    """Finds the method of a route: each takes the request, its body, and what stands in the path."""

    def __init__(self, gateway: Gateway, site: SandboxInfo, stopping: threading.Event) -> None:
        self._desks = (
            InboxDesk(gateway, site),
            SwitchDesk(gateway, site),
            LiveDesk(gateway, site, stopping),
        )

    @excused
    def handle(self, name: str, request: Request, body: bytes, /, **arguments: Any) -> Answer:
        """Answer a request to the route of this name."""
        desk = next(desk for desk in self._desks if hasattr(desk, name))
        result: Answer = getattr(desk, name)(request, body, **arguments)
        return result
