"""Help for tests: of programs that send, and of plugins.

Names are loaded when they are first used: importing this loads nothing of notifykit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from notifykit.testing.case import NotifyTestCase as NotifyTestCase
    from notifykit.testing.clock import TestClock as TestClock
    from notifykit.testing.diverting import LiveSendBlocked as LiveSendBlocked
    from notifykit.testing.ground import trusting as trusting
    from notifykit.testing.middleware import OwnerMiddleware as OwnerMiddleware
    from notifykit.testing.opened import AmbiguousOutbox as AmbiguousOutbox, OutboxUnreachable as OutboxUnreachable
    from notifykit.testing.outbox import Outbox as Outbox, capture as capture
    from notifykit.testing.plugging import Plugins as Plugins
    from notifykit.testing.script import Script as Script
    from notifykit.testing.sent import Sent as Sent
else:
    from notifykit.imports import lazy_attributes

    __getattr__, __dir__, __all__ = lazy_attributes(
        __name__,
        {
            "case": "NotifyTestCase",
            "clock": "TestClock",
            "diverting": "LiveSendBlocked",
            "ground": "trusting",
            "middleware": "OwnerMiddleware",
            "opened": "AmbiguousOutbox OutboxUnreachable",
            "outbox": "Outbox capture",
            "plugging": "Plugins",
            "script": "Script",
            "sent": "Sent",
        },
    )
