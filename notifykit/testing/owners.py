"""Who a send belongs to: the token of an outbox, which threads, tasks and requests inherit from whoever started them."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any, Final, TypeVar

#: Carries the owner to processes that a test starts.
VARIABLE: Final = "NOTIFYKIT_OWNER"
#: Carries the owner to a server that a test asks.
HEADER: Final = "X-Notifykit-Owner"

_Result = TypeVar("_Result")

_owner: ContextVar[str | None] = ContextVar("notifykit_owner", default=None)


def current() -> str | None:
    """Return the owner of what is done here; None where nobody said."""
    return _owner.get()


def become(token: str | None) -> None:
    """Let everything that is done here from now on belong to somebody else."""
    _owner.set(token)


@contextlib.contextmanager
def owned(token: str | None) -> Iterator[None]:
    """Let what is done in the block belong to an owner; None changes nothing."""
    before = _owner.get()
    _owner.set(token if token is not None else before)
    try:
        yield
    finally:
        _owner.set(before)


class Inheritance:
    """Lets threads belong to whoever starts them, and tasks of a pool to whoever submits them, while it is on.

    Tasks of asyncio inherit by themselves. What replaced ``Thread.start`` meanwhile is left in its place.
    """

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []

    def switch_on(self) -> None:
        """Wrap ``Thread.start``, and ``submit`` of the pools of threads and of processes."""
        self._wrap(threading.Thread, "start", _start_owned)
        self._wrap(ThreadPoolExecutor, "submit", _submit_owned)
        # Its processes may have been started when another outbox was the innermost one.
        self._wrap(ProcessPoolExecutor, "submit", _submit_owned)

    def switch_off(self) -> None:
        """Put back what was there before."""
        while self._undo:
            self._undo.pop()()

    def _wrap(self, kind: type, name: str, make: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
        before = getattr(kind, name)
        ours = make(before)
        setattr(kind, name, ours)

        def undo() -> None:
            if getattr(kind, name) is ours:
                setattr(kind, name, before)

        self._undo.append(undo)


def _start_owned(start: Callable[[threading.Thread], None]) -> Callable[[threading.Thread], None]:
    @functools.wraps(start)
    def start_owned(thread: threading.Thread) -> None:
        token, run = _owner.get(), thread.run

        def run_owned() -> None:
            del thread.run  # the class's own one is behind it
            _owner.set(token)
            run()

        if token is not None and "run" not in vars(thread):
            thread.run = run_owned  # type: ignore[method-assign]  # on this one thread, until it runs
        start(thread)

    return start_owned


def _submit_owned(submit: Callable[..., Future[_Result]]) -> Callable[..., Future[_Result]]:
    @functools.wraps(submit)
    def submit_owned(pool: Executor, function: Callable[..., _Result], /, *args: Any, **named: Any) -> Future[_Result]:
        token = _owner.get()
        if token is None:
            return submit(pool, function, *args, **named)
        return submit(pool, _call_owned, token, function, *args, **named)

    return submit_owned


def _call_owned(token: str, function: Callable[..., _Result], /, *args: Any, **named: Any) -> _Result:
    with owned(token):
        return function(*args, **named)
