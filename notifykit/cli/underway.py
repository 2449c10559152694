"""What is under way while a command sends: waits are told, and an interrupt knows whether a request was out."""

from __future__ import annotations

import attrs

from notifykit.cli.terminal import Progress, tell
from notifykit.events import AttemptFinished, Event, RetryScheduled
from notifykit.models import Outcome


@attrs.define
class UnderWay:
    """A sink that talks to the person who waits."""

    #: What listings call it.
    name = "under-way"

    #: The bar that a line must not be written into; None where there is none.
    progress: Progress | None = None
    #: Whether a request broke off before its answer came: it may have been sent.
    lost: bool = False

    def handle(self, event: Event) -> None:
        """Tell of a wait before it begins, and remember how the last request ended."""
        if isinstance(event, RetryScheduled):
            if self.progress is not None:
                self.progress.end()
            tell(f"{_why(event)}: trying again in {event.wait:g} s")
        elif isinstance(event, AttemptFinished):
            self.lost = event.outcome is Outcome.UNKNOWN and event.code == "interrupted"

    def close(self) -> None:
        """Do nothing: there is nothing to give back."""


def _why(event: RetryScheduled) -> str:
    why = event.error.rstrip(".")
    return f"{why} ({event.code})" if event.code else why
