"""Help for tests: of programs that send, and of plugins.

Names are loaded when they are first used: importing this loads nothing of notifykit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from notifykit.testing.case import NotifyTestCase as NotifyTestCase
    from notifykit.testing.clock import TestClock as TestClock
    from notifykit.testing.messages import Sent as Sent
    from notifykit.testing.notifier import Plugins as Plugins
    from notifykit.testing.outbox import Outbox as Outbox, capture as capture
    from notifykit.testing.ownership import OwnerMiddleware as OwnerMiddleware
    from notifykit.testing.processes import (
        AmbiguousOutbox as AmbiguousOutbox,
        LiveSendBlocked as LiveSendBlocked,
        OutboxUnreachable as OutboxUnreachable,
    )
    from notifykit.testing.rules import trusting as trusting
    from notifykit.testing.script import Script as Script
else:
    from notifykit.imports import lazy_attributes

    __getattr__, __dir__, __all__ = lazy_attributes(
        __name__,
        {
            "case": "NotifyTestCase",
            "clock": "TestClock",
            "messages": "Sent",
            "notifier": "Plugins",
            "outbox": "Outbox capture",
            "ownership": "OwnerMiddleware",
            "processes": "AmbiguousOutbox LiveSendBlocked OutboxUnreachable",
            "rules": "trusting",
            "script": "Script",
        },
    )
