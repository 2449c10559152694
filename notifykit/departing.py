"""When a request really leaves: whoever writes it to the network says so, and whoever counts requests hears it."""

from __future__ import annotations

import contextvars
import logging
from collections.abc import Callable
from typing import Final

_log = logging.getLogger("notifykit.pacing")

#: Hears when the request that is made has left; None where nobody counts.
HEARS: Final[contextvars.ContextVar[Callable[[], None] | None]] = contextvars.ContextVar("HEARS", default=None)


def departed() -> None:
    """Say that the request that is made here has just left: connecting may have taken a while. Never raises."""
    hears = HEARS.get()
    if hears is None:
        return
    try:
        hears()
    except Exception as error:  # nobody who counts may stop a request
        _log.warning("a request counts from before it left: %s", type(error).__name__)
