"""Sinks that trace: what they enter around each request and each try of a job.

Such a sink is called in the thread that sends (its ``background`` is false), and has three methods:

- ``around_request(event)`` returns a context manager that is entered around one request, in the thread that makes it,
  so that a span of the sink is current while it is made. The event is a :class:`~notifykit.events.RequestStarted`.
- ``job_context()`` returns the context in which a job is submitted, as header fields; it is stored with the job.
- ``around_job(context)`` returns a context manager that is entered around each try of a batch of such a job.

One that raises is logged, and changes nothing.

An observer is such a sink for every notifier of the process: a program switches it on once, as it does an error tracker.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from notifykit.errors import raise_interrupt
from notifykit.events import RequestStarted
from notifykit.protocols import Sink

#: The observers of this process.
observers: tuple[Sink, ...] = ()


def observe(observer: Sink) -> None:
    """Give the events of every notifier of the process to a sink, from now on and to its end.

    It is called in the threads that send, so it has to be quick. One of the same name is replaced.
    """
    global observers  # noqa: PLW0603 - it is what observes this process
    observers = (*(one for one in observers if one.name != observer.name), observer)


class Tracing:
    """The sinks that trace; false where there are none, whatever observes the process.

    :param sinks: all sinks.
    :param failed: is called with the sink, with what it raised, and with the id of the message.
    """

    def __init__(self, sinks: Sequence[Sink], failed: Callable[[str, BaseException, str], None]) -> None:
        self._own = [sink for sink in sinks if hasattr(sink, "around_request")]
        self._failed = failed

    def __bool__(self) -> bool:
        return bool(self._own)

    @property
    def _sinks(self) -> list[Any]:
        return [*self._own, *(sink for sink in observers if hasattr(sink, "around_request"))]

    @contextlib.contextmanager
    def around_request(self, event: RequestStarted) -> Iterator[None]:
        """Enter every sink around a request."""
        with contextlib.ExitStack() as stack:
            for sink in self._sinks:
                self._enter(stack, sink, "around_request", event, event.id)
            yield

    @contextlib.contextmanager
    def around_job(self, context: Mapping[str, str], message_id: str) -> Iterator[None]:
        """Enter every sink around a try of a job's batch.

        :param context: what :meth:`job_context` returned where it was submitted.
        """
        with contextlib.ExitStack() as stack:
            for sink in self._sinks if context else ():
                self._enter(stack, sink, "around_job", context, message_id)
            yield

    def job_context(self) -> dict[str, str]:
        """Return the context in which a job is submitted, as header fields; empty where nothing traces."""
        found: dict[str, str] = {}
        for sink in self._sinks:
            with self._guarded(sink, ""):
                found |= {str(name): str(value) for name, value in sink.job_context().items()}
        return found

    def _enter(self, stack: contextlib.ExitStack, sink: Any, method: str, argument: Any, message_id: str) -> None:
        """Enter a context manager of a sink, and have it left without the exception of what it is around."""
        with self._guarded(sink, message_id):
            entered = getattr(sink, method)(argument)
            entered.__enter__()
            stack.callback(self._leave, sink, entered, message_id)

    def _leave(self, sink: Any, entered: Any, message_id: str) -> None:
        with self._guarded(sink, message_id):
            entered.__exit__(None, None, None)

    @contextlib.contextmanager
    def _guarded(self, sink: Any, message_id: str) -> Iterator[None]:
        outer = sys.exception()
        try:
            yield
        except Exception as error:
            raise_interrupt(error, outer)
            self._failed(sink.name, error, message_id)
