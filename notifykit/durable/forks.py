"""Forks beside threads that work on jobs: a child has no connection, file or lock of its parent.

SQLite keeps two things for the whole process, and a child gets both as they are at the moment of the fork: its mutexes,
one of which another thread may hold and will never release in the child; and who has the write lock of a file, so
that a transaction that is open then never ends there. Therefore a fork waits until no thread is inside of SQLite and
closes the connections, and the child opens its own.
"""

from __future__ import annotations

import collections
import contextlib
import os
import threading
import time
import weakref
from collections.abc import Iterator
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event

from notifykit.errors import ConfigError

#: The most seconds that a fork waits for other threads: a transaction takes milliseconds.
_PATIENCE: Final = 5.0


class Sqlite:
    """Which threads are inside of SQLite, and whether one forks."""

    def __init__(self, *, forked_inside: bool = False) -> None:
        self._changed = threading.Condition()
        self._inside: collections.Counter[int] = collections.Counter()
        self._forking: int | None = None
        self._forked_inside = forked_inside

    def enter(self) -> int:
        """Enter SQLite, and return what :meth:`leave` takes; wait while another thread forks.

        :raises ConfigError: this process was forked while a thread was inside.
        """
        if self._forked_inside:
            raise ConfigError(
                f"this process was forked from {os.getppid()} while a thread of it was in the middle of a transaction on "
                "SQLite, so it can't use SQLite any more: start processes before the first job, or with the start "
                "method spawn or forkserver"
            )
        me = threading.get_ident()
        with self._changed:
            if self._forking is not None:
                # A thread that has a connection may need another one before it can end: the fork waits for it.
                self._changed.wait_for(lambda: self._forking in (None, me) or self._inside[me], 2 * _PATIENCE)
            self._inside[me] += 1
        return me

    def leave(self, thread: int) -> None:
        """Leave what a thread entered."""
        with self._changed:
            self._inside[thread] -= 1
            if self._inside[thread] <= 0:
                del self._inside[thread]
            if self._forking is not None:
                self._changed.notify_all()

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """Be inside for a block."""
        thread = self.enter()
        try:
            yield
        finally:
            self.leave(thread)

    def before_fork(self) -> None:
        """Wait until nobody is inside, keep others out, and close the connections."""
        ends = time.monotonic() + _PATIENCE
        with self._changed:
            self._changed.wait_for(lambda: self._forking is None, _PATIENCE)
            self._forking = me = threading.get_ident()
            self._changed.wait_for(lambda: not set(self._inside) - {me}, max(0.0, ends - time.monotonic()))
            clean = not self._inside
        if clean:
            for engine in list(_FILES):
                engine.dispose()

    def after_in_parent(self) -> None:
        """Let others in again."""
        with self._changed:
            self._forking = None
            self._changed.notify_all()

    def after_in_child(self) -> None:
        """Begin anew: what is inside now stays so for ever."""
        self.__init__(forked_inside=bool(self._inside) or self._forked_inside)  # type: ignore[misc]


#: The one of this process.
SQLITE: Final = Sqlite()
#: The engines of files.
_FILES: Final[weakref.WeakSet[sa.Engine]] = weakref.WeakSet()
#: Open files and connections whose locks and sessions end with this process, and not with its children.
_OWN: Final[weakref.WeakSet[Any]] = weakref.WeakSet()
#: Those of the parent.
_INHERITED: Final[list[Any]] = []


class Pool(sa.QueuePool):
    """A pool of connections to a file: a fork waits for those in use, and closes the others."""

    def connect(self) -> Any:
        """Return a connection."""
        with SQLITE.inside():
            return super().connect()


def keep_from_children(thing: Any) -> None:
    """Close a file or a connection in every child, without ending the session of the parent.

    :param thing: has a ``fileno``.
    """
    _OWN.add(thing)


def watch_file(engine: sa.Engine) -> None:
    """Let forks wait for the transactions of an engine of a file."""
    _FILES.add(engine)

    @event.listens_for(engine, "checkout")
    def _checked_out(connection: Any, record: Any, proxy: Any) -> None:
        record.record_info["thread"] = SQLITE.enter()

    @event.listens_for(engine, "checkin")
    def _checked_in(connection: Any, record: Any) -> None:
        thread = record.record_info.pop("thread", None)
        if thread is not None:
            SQLITE.leave(thread)


def _close_in_child() -> None:
    SQLITE.after_in_child()
    nothing = os.open(os.devnull, os.O_RDWR)
    for thing in list(_OWN):
        # The number stays taken, so that what is closed later is no other file of the child.
        with contextlib.suppress(Exception):
            os.dup2(nothing, thing.fileno(), inheritable=False)
        _INHERITED.append(thing)  # closing it would end the session of the parent
    os.close(nothing)
    _OWN.clear()


# Windows has no fork.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=SQLITE.before_fork, after_in_parent=SQLITE.after_in_parent, after_in_child=_close_in_child
    )
