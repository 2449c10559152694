"""What is under way while a command sends: waits are told, and an interrupt knows whether a request was out."""

from __future__ import annotations

import attrs

from notifykit.cli.output import ProgressBar, note
from notifykit.events import AttemptFinished, Event, FailedOver, RetryScheduled
from notifykit.models.receipt import Outcome


@attrs.define
class UnderWay:
    """A sink that talks to the person who waits."""

    #: What listings call it.
    name = "under-way"

    #: The bar that a line must not be written into; None where there is none.
    progress: ProgressBar | None = None
    #: Whether a request broke off before its answer came: it may have been sent.
    lost: bool = False
    #: Moves to another transport that were told: a long list makes the same one with every request.
    _moves: set[tuple[str, str, str | None]] = attrs.field(factory=set, init=False)

    def handle(self, event: Event) -> None:
        """Tell of a wait before it begins and of a move to another transport, and remember how the last request ended."""
        if isinstance(event, RetryScheduled):
            if self.progress is not None:
                self.progress.end()
            note(f"{_why(event)}: trying again in {event.wait:g} s")
        elif isinstance(event, FailedOver):
            self._tell_of_move(event)
        elif isinstance(event, AttemptFinished):
            self.lost = event.outcome is Outcome.UNKNOWN and event.code == "interrupted"

    def _tell_of_move(self, event: FailedOver) -> None:
        move = (event.instead_of, event.transport, event.code)
        if move in self._moves:
            return
        self._moves.add(move)
        if self.progress is not None:
            self.progress.end()
        note(f"{event.instead_of} did not take it: {_why(event)}: asking {event.transport}")

    def close(self) -> None:
        """Do nothing: there is nothing to give back."""


def _why(event: RetryScheduled | FailedOver) -> str:
    why = event.error.rstrip(".")
    return f"{why} ({event.code})" if event.code else why
