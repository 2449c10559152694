"""What every desk has: the gateway, and how it stands there."""

from __future__ import annotations

import time

import attrs

from notifykit_kwtsms.sandbox.gateway.service import Gateway
from notifykit_kwtsms.sandbox.inbox.message import CapturedMessage
from notifykit_kwtsms.sandbox.models import NotFoundError


@attrs.frozen
class SandboxInfo:
    """How a sandbox is set up, as far as the page tells it."""

    #: Its name beside others, ``staging``.
    label: str | None = None
    #: Whether other machines can reach it.
    remote: bool = False
    #: When it began: ``time.monotonic()``, real seconds.
    started: float = attrs.field(factory=time.monotonic)


class Desk:
    """The base of the desks."""

    def __init__(self, gateway: Gateway, site: SandboxInfo) -> None:
        self._gateway = gateway
        self._info = site

    def _message(self, name: str) -> CapturedMessage:
        message = self._gateway.store.get(name)
        if message is None:
            raise NotFoundError("there is no such message")
        return message
