"""Locks that a forked child makes anew: in its parent another thread may hold them, and that thread is not in the child."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from typing import Any, Final

#: What has locks, and by which names.
_OWNERS: Final[weakref.WeakKeyDictionary[object, dict[str, Callable[[], Any]]]] = weakref.WeakKeyDictionary()


def renew_in_child(owner: object, **locks: Callable[[], Any]) -> None:
    """Let a forked child have new locks.

    :param owner: the object that has them.
    :param locks: what makes each, by the name of its attribute: ``_lock=threading.Lock``.

    >>> import threading
    >>> class Cache:
    ...     def __init__(self):
    ...         self.lock = threading.Lock()
    ...         renew_in_child(self, lock=threading.Lock)
    >>> Cache().lock.locked()
    False

    The name of the attribute stays, the lock does not: take it from the object each time.
    """
    _OWNERS[owner] = locks


def _renew() -> None:
    for owner, locks in list(_OWNERS.items()):
        for name, make in locks.items():
            setattr(owner, name, make())


# Windows has no fork.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
