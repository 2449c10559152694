"""When a request really leaves: whoever has to connect first says so, and whoever counts requests hears it."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Callable
from typing import Final

#: Hears when the request that is made leaves, where a connection had to be made for it; None where nobody counts.
HEARS: Final[contextvars.ContextVar[Callable[[], None] | None]] = contextvars.ContextVar("HEARS", default=None)


def departed() -> None:
    """Say that the request that is made here has just left, over a connection that had to be made first. Never raises."""
    hears = HEARS.get()
    if hears is not None:
        with contextlib.suppress(Exception):  # nobody who counts may stop a request
            hears()
