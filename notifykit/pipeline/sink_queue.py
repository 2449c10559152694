"""A queue in front of a log sink, so that a slow one holds up no answer of a provider."""

from __future__ import annotations

import atexit
import concurrent.futures
import contextvars
import functools
import logging
import os
import queue
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final

from notifykit.events import Event
from notifykit.protocols import Sink

_log = logging.getLogger("notifykit.plugins")

#: Real seconds for which the first slow event is waited for; after that the sink is never waited for again.
_PATIENCE: Final = 0.25
#: Real seconds that a program's end, or :meth:`QueuedSink.close`, waits for what is in the queue.
DRAIN_TIMEOUT: Final = 5.0
#: Real seconds without an event after which the thread ends; the next event starts another.
_IDLE: Final = 5.0

#: Real seconds between two looks at a full queue.
_POLL: Final = 0.01

_Work = tuple[contextvars.Context, Callable[[], None], "Future[None]"]


def _nothing() -> None:
    """Do nothing: it stands at the end of a queue."""


class QueuedSink:
    """Runs a sink in a thread of its own, behind a bounded queue.

    While the sink is quick, the caller waits for it, so that an event is handled when the send returns and what the sink
    raises is the caller's. Once it has taken longer than a quarter of a second, it is not waited for any more.

    :param sink: what handles the events, one after the other, each in the context variables of the send.
    :param size: how many events may wait.
    :param full: what happens to an event when the queue is full: ``wait`` for room, or ``drop`` and count it.
    :param failed: is called with what the sink raised when nobody waited for it.
    """

    def __init__(self, sink: Sink, size: int, full: str, failed: Callable[[str, BaseException, str], None]) -> None:
        self.name = sink.name
        self.final_outcomes = bool(getattr(sink, "final_outcomes", False))
        self._sink = sink
        self._size = size
        self._drops = full == "drop"
        self._failed = failed
        self._slow = False
        self._start_anew()
        _OPEN.add(self)

    def _start_anew(self) -> None:
        self._process = os.getpid()
        # A signal handler may send a message while its thread is in here: this queue and lock allow that.
        self._queue: queue.SimpleQueue[_Work] = queue.SimpleQueue()
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None
        self._dropped = 0

    def handle(self, event: Event) -> None:
        """Put one event into the queue, and wait for the sink if it is a quick one."""
        if self._process != os.getpid():
            self._start_anew()  # what is in the queue, and its thread, are the parent's
        # A sink that sends a message itself can't wait for itself.
        inside = threading.current_thread() is self._thread
        while self._queue.qsize() >= self._size:
            if self._drops or inside:
                self._drop()
                return
            time.sleep(_POLL)
        done = self._put(functools.partial(self._sink.handle, event))
        if not (self._slow or inside):
            try:
                done.exception(_PATIENCE)
            except TimeoutError:
                self._slow = True
                _log.warning("the sink %s is slow: from now on it runs behind the sends, in a queue", self.name)
            else:
                done.result()
                return
        done.add_done_callback(functools.partial(self._report, event))

    def _put(self, handle: Callable[[], None]) -> Future[None]:
        done: Future[None] = Future()
        self._queue.put((contextvars.copy_context(), handle, done))
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=f"notifykit-sink-{self.name}", daemon=True)
                self._thread.start()
        return done

    def _work(self) -> None:
        while True:
            try:
                context, handle, done = self._queue.get(timeout=_IDLE)
            except queue.Empty:
                with self._lock:
                    if self._queue.empty():
                        self._thread = None
                        return
                continue
            try:
                context.run(handle)
            except BaseException as error:  # a sink may raise anything
                done.set_exception(error)
            else:
                done.set_result(None)

    def _report(self, event: Event, ended: Future[None]) -> None:
        error = ended.exception()
        if error is not None:
            self._failed(self.name, error, event.id)

    def _drop(self) -> None:
        if not self._dropped:
            _log.warning("the queue of the sink %s is full: events are left out", self.name)
        self._dropped += 1

    def drain(self, timeout: float = DRAIN_TIMEOUT) -> None:
        """Wait until the queue is empty; after the timeout say how many events are left in it."""
        if self._process != os.getpid() or threading.current_thread() is self._thread or self._thread is None:
            return
        last = self._put(_nothing)
        concurrent.futures.wait([last], timeout)
        if not last.done():
            # One is being handled, and the last one is no event.
            left = self._queue.qsize()
            _log.error("the sink %s did not handle its last events within %g seconds: %d", self.name, timeout, left)
        if self._dropped:
            _log.error("events were left out of the sink %s because its queue was full: %d", self.name, self._dropped)
            self._dropped = 0

    def close(self) -> None:
        """Drain the queue, and close the sink if it can be closed."""
        self.drain()
        close = getattr(self._sink, "close", None)
        if close is not None:
            close()


#: The sinks that are drained when the program ends.
_OPEN: Final[weakref.WeakSet[QueuedSink]] = weakref.WeakSet()


@atexit.register
def _drain_all() -> None:
    ends = time.monotonic() + DRAIN_TIMEOUT
    for sink in tuple(_OPEN):
        sink.drain(max(0.0, ends - time.monotonic()))
