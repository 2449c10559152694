"""Help for tests: of programs that send, and of plugins.

Names are loaded when they are first used: importing this loads nothing of notifykit.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from notifykit.testing.case import NotifyTestCase
    from notifykit.testing.clock import TestClock
    from notifykit.testing.diverting import LiveSendBlocked
    from notifykit.testing.ground import trusting
    from notifykit.testing.middleware import OwnerMiddleware
    from notifykit.testing.opened import AmbiguousOutbox
    from notifykit.testing.outbox import Outbox, capture
    from notifykit.testing.plugging import Plugins
    from notifykit.testing.script import Script
    from notifykit.testing.sent import Sent

__all__ = (
    # where messages land
    "capture",
    "Outbox",
    "Sent",
    "NotifyTestCase",
    # what the provider answers, when, and with which plugins
    "Script",
    "TestClock",
    "Plugins",
    # whose a send is, and what may be sent
    "OwnerMiddleware",
    "trusting",
    "LiveSendBlocked",
    "AmbiguousOutbox",
)

_HOME = {
    "AmbiguousOutbox": "opened",
    "LiveSendBlocked": "diverting",
    "NotifyTestCase": "case",
    "Outbox": "outbox",
    "OwnerMiddleware": "middleware",
    "Plugins": "plugging",
    "Script": "script",
    "Sent": "sent",
    "TestClock": "clock",
    "capture": "outbox",
    "trusting": "ground",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
