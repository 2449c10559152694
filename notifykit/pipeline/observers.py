"""What watches every notifier of the process: integrations that a program switches on once, as an error tracker is.

A sink belongs to one notifier and is chosen by its settings; an observer sees the events of all of them, and is entered
around each request.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from notifykit.events import Event
from notifykit.protocols import Transport


class Observer(Protocol):
    """Watches what all notifiers of the process do. It is called in the threads that send, so it has to be quick."""

    @property
    def name(self) -> str:
        """Its name, for logs."""
        ...

    def handle(self, event: Event) -> None:
        """Look at one event, redacted as for sinks. Raising is logged and changes nothing."""
        ...

    def around_request(self, transport: Transport) -> AbstractContextManager[object]:
        """Return what is entered while a transport makes a request, in the thread that makes it. It raises nothing itself."""
        ...


#: Those of this process.
observers: tuple[Observer, ...] = ()


def observe(observer: Observer) -> None:
    """Have an observer watch every notifier of the process, from now on and to its end.

    An observer of the same name is replaced.
    """
    global observers  # noqa: PLW0603 - it is what observes this process
    observers = (*(one for one in observers if one.name != observer.name), observer)
