"""One object in each process: made when it is first asked for, made anew after a fork, closed when the process ends."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable
from typing import Final, Generic, Protocol, TypeVar

from notifykit.pipeline.forking import renew_in_child


class Closable(Protocol):
    """What can be closed."""

    def close(self) -> None:
        """Close it."""
        ...


_Item = TypeVar("_Item", bound=Closable)

#: What a parent process made: its connections are the parent's, so it is neither used nor closed here.
_INHERITED: Final[list[object]] = []


class PerProcess(Generic[_Item]):
    """Makes one object in each process.

    :param make: makes it.
    """

    def __init__(self, make: Callable[[], _Item]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made: tuple[int, _Item] | None = None
        renew_in_child(self, _lock=threading.Lock)
        atexit.register(self.close)

    def get(self) -> _Item:
        """Return the object of this process."""
        with self._lock:
            if self._made is None or self._made[0] != os.getpid():
                if self._made is not None:
                    _INHERITED.append(self._made[1])
                self._made = os.getpid(), self._make()
            return self._made[1]

    def close(self) -> None:
        """Close the object, if this process made one; the next :meth:`get` makes another."""
        with self._lock:
            made, self._made = self._made, None
        if made is not None and made[0] == os.getpid():
            made[1].close()
