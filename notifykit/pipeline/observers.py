"""What watches every notifier of the process: integrations that a program switches on once, as an error tracker is.

A sink belongs to one notifier and is chosen by its settings; an observer sees the events of all of them, and is entered
around each request.
"""

from __future__ import annotations

import logging
import sys
from contextlib import AbstractContextManager
from typing import Protocol

from notifykit.errors import raise_interrupt
from notifykit.events import Event
from notifykit.models.plan import Batch
from notifykit.models.receipt import Submission
from notifykit.protocols import Transport

_log = logging.getLogger("notifykit.plugins")


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
        """Return what is entered while a transport makes a request, in the thread that makes it.

        What it raises itself is logged and changes nothing.
        """
        ...


#: Those of this process.
observers: tuple[Observer, ...] = ()


def observe(observer: Observer) -> None:
    """Have an observer watch every notifier of the process, from now on and to its end.

    An observer of the same name is replaced.
    """
    global observers  # noqa: PLW0603 - it is what observes this process
    observers = (*(one for one in observers if one.name != observer.name), observer)


def observed_send(transport: Transport, batch: Batch, timeout: float) -> Submission:
    """Make a request as the transport does, within what the observers enter around it.

    :raises BaseException: what the transport raises. An observer loses no answer.
    """
    entered = [one for observer in observers if (one := _enter(observer, transport)) is not None]
    try:
        return transport.send(batch, timeout)
    finally:
        for observer_name, around in reversed(entered):
            _exit(observer_name, around)


def _enter(observer: Observer, transport: Transport) -> tuple[str, AbstractContextManager[object]] | None:
    outer = sys.exception()
    try:
        around = observer.around_request(transport)
        around.__enter__()
    except Exception as error:
        raise_interrupt(error, outer)
        _log.warning("the observer %s raised %s before a request", observer.name, type(error).__name__)
        return None
    return observer.name, around


def _exit(observer: str, around: AbstractContextManager[object]) -> None:
    raised = sys.exception()
    try:
        around.__exit__(*sys.exc_info())
    except Exception as error:
        raise_interrupt(error, raised)
        _log.warning("the observer %s raised %s after a request", observer, type(error).__name__)
