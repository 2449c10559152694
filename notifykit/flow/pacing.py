"""How fast one account may be asked, kept by all threads and processes of the machine together.

The gateway blocks the address of a machine that asks too often, whichever of its processes did. So the pace lives in
a small file: each request takes the next free slot under a lock that the kernel drops with the process, sleeps until
the slot, and starts there. Slots count from the last start that really happened, so a late one can't bunch up with
the next.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pathlib
import struct
import sys
import tempfile
import threading
from collections.abc import Iterator
from typing import Final, Protocol

from notifykit.errors import ConfigError
from notifykit.models import Pace
from notifykit.protocols import Clock

_SLOTS: Final = struct.Struct("dd")
#: A slot further away than this, in seconds, was written before the machine was restarted.
_HORIZON: Final = 3600.0
#: Times this close, in seconds, are the same time.
_CLOSE: Final = 1e-6


class Slots(Protocol):
    """Where the next free slot and the last start are kept, in monotonic seconds."""

    def edit(self) -> contextlib.AbstractContextManager[list[float]]:
        """Give ``[next free slot, last start]``, to be changed in place; nobody else can get at it meanwhile."""
        ...


class MemorySlots:
    """Slots of one notifier, for clocks that nobody shares."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._slots = [0.0, float("-inf")]

    @contextlib.contextmanager
    def edit(self) -> Iterator[list[float]]:
        """Give the slots under a lock between threads."""
        with self._lock:
            yield self._slots


class FileSlots:
    """Slots of the whole machine, in a file."""

    def __init__(self, file: pathlib.Path) -> None:
        self._lock = threading.Lock()
        self._descriptor = os.open(file, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        # A forked child may inherit the lock while another thread of its parent held it.
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._renew)

    @contextlib.contextmanager
    def edit(self) -> Iterator[list[float]]:
        """Give the slots under a lock between threads and processes."""
        with self._lock, _locked(self._descriptor):
            content = os.pread(self._descriptor, _SLOTS.size, 0)
            slots = list(_SLOTS.unpack(content)) if len(content) == _SLOTS.size else [0.0, float("-inf")]
            yield slots
            os.pwrite(self._descriptor, _SLOTS.pack(*slots), 0)

    def _renew(self) -> None:
        self._lock = threading.Lock()


if sys.platform == "win32":  # pragma: no cover - the other branch runs where the tests run
    import msvcrt

    @contextlib.contextmanager
    def _locked(descriptor: int) -> Iterator[None]:
        os.lseek(descriptor, _SLOTS.size, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)
        try:
            yield
        finally:
            os.lseek(descriptor, _SLOTS.size, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    @contextlib.contextmanager
    def _locked(descriptor: int) -> Iterator[None]:
        # Record locks belong to the process: unlike flock they hold between a parent and its forked children.
        fcntl.lockf(descriptor, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.lockf(descriptor, fcntl.LOCK_UN)


class Pacer:
    """Hands out the times at which requests may start.

    :param pace: how fast.
    :param slots: where the times are kept.
    :param clock: the time they are counted in.
    """

    def __init__(self, pace: Pace, slots: Slots, clock: Clock) -> None:
        self._interval = 1.0 / pace.per_second
        self._slots = slots
        self._clock = clock

    def turn(self) -> Iterator[float]:
        """Yield the seconds to sleep before one request may start; it starts when the iterator ends."""
        with self._slots.edit() as slots:
            now = self._clock.monotonic()
            if slots[0] > now + _HORIZON or slots[1] > now:
                slots[:] = [0.0, float("-inf")]
            slot = max(now, slots[0])
            slots[0] = slot + self._interval
        if slot - now > _CLOSE:
            yield slot - now
        while wait := self._start():
            yield wait

    def _start(self) -> float:
        """Take the turn if the last start is far enough away; return the seconds that are missing."""
        with self._slots.edit() as slots:
            now = self._clock.monotonic()
            missing = slots[1] + self._interval - now
            if missing > _CLOSE:
                return missing
            slots[1] = now
            slots[0] = max(slots[0], now + self._interval)
            return 0.0


_shared: dict[pathlib.Path, FileSlots] = {}
_shared_lock = threading.Lock()


def shared_slots(key: str, state_dir: str | None = None) -> FileSlots:
    """Return the machine's slots for a key. One process has one of them for each key.

    :param key: what shares the limit; only a hash of it becomes a file name.
    :param state_dir: the folder; without one a folder of this user in the machine's runtime or temporary folder. Give
        one that several users can write to where processes of different users share an account.
    :raises ConfigError: where the folder can't be used.
    """
    folder = pathlib.Path(state_dir) if state_dir else _own_folder()
    file = folder / f"pace-{hashlib.sha256(key.encode()).hexdigest()[:32]}"
    with _shared_lock:
        if file not in _shared:
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                if not state_dir:
                    _insist_on_own(folder)
                _shared[file] = FileSlots(file)
            except OSError as error:
                raise ConfigError(
                    f"state_dir: the pace of an account can't be shared in {folder} ({type(error).__name__}): "
                    "set NOTIFYKIT_STATE_DIR to a folder that this user can write to"
                ) from error
        return _shared[file]


def _own_folder() -> pathlib.Path:
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime and os.access(runtime, os.W_OK):
        return pathlib.Path(runtime) / "notifykit"
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    return pathlib.Path(tempfile.gettempdir()) / f"notifykit-{user}"


def _insist_on_own(folder: pathlib.Path) -> None:
    """Refuse a folder that somebody else put in our place."""
    if hasattr(os, "getuid") and (folder.is_symlink() or folder.stat().st_uid != os.getuid()):
        raise PermissionError(f"{folder} belongs to somebody else")
