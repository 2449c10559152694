"""How fast one account may be asked, kept by all threads and processes of the machine together.

The gateway blocks the address of a machine that asks too often, whichever of its processes did. So the pace lives in
a small file: each request takes the next free slot under a lock that the kernel drops with the process, sleeps until
the slot, and starts there. Slots count from the last start that really happened, so a late one can't bunch up with
the next.
"""

from __future__ import annotations

import array
import contextlib
import hashlib
import os
import pathlib
import sys
import tempfile
import threading
from collections.abc import Iterator
from typing import Final, Protocol

import attrs

from notifykit.errors import ConfigError
from notifykit.models import Pace
from notifykit.protocols import Clock

#: A slot further away than this, in seconds, was written before the machine was restarted.
_HORIZON: Final = 3600.0
#: Times this close, in seconds, are the same time.
_CLOSE: Final = 1e-6
#: Slots that were given back and are remembered; more of them are let go.
_MOST_FREE: Final = 64
_DOUBLE: Final = 8


@attrs.define
class Board:
    """Which slots are taken, in monotonic seconds."""

    #: The first slot behind all that are taken.
    next: float = 0.0
    #: When a request last really started.
    last: float = float("-inf")
    #: Slots that were taken and given back.
    free: list[float] = attrs.field(factory=list)


class Slots(Protocol):
    """Where the board is kept."""

    def edit(self) -> contextlib.AbstractContextManager[Board]:
        """Give the board, to be changed in place; nobody else can get at it meanwhile."""
        ...


class MemorySlots:
    """The board of one notifier, for clocks that nobody shares."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._board = Board()

    @contextlib.contextmanager
    def edit(self) -> Iterator[Board]:
        """Give the board under a lock between threads."""
        with self._lock:
            yield self._board


class FileSlots:
    """The board of the whole machine, in a file."""

    def __init__(self, file: pathlib.Path) -> None:
        self._lock = threading.Lock()
        self._descriptor = os.open(file, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        # A forked child may inherit the lock while another thread of its parent held it.
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._renew)

    @contextlib.contextmanager
    def edit(self) -> Iterator[Board]:
        """Give the board under a lock between threads and processes."""
        with self._lock, _locked(self._descriptor):
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            content = os.read(self._descriptor, (_MOST_FREE + 2) * _DOUBLE)
            times = array.array("d", content[: len(content) // _DOUBLE * _DOUBLE])
            board = Board(times[0], times[1], list(times[2:])) if len(times) > 1 else Board()
            yield board
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            written = os.write(self._descriptor, array.array("d", [board.next, board.last, *board.free]).tobytes())
            os.truncate(self._descriptor, written)

    def _renew(self) -> None:
        self._lock = threading.Lock()


if sys.platform == "win32":  # pragma: no cover - the other branch runs where the tests run
    import msvcrt

    #: A byte behind anything that is written: what is locked can't be read by others there.
    _FAR: Final = 1 << 20

    @contextlib.contextmanager
    def _locked(descriptor: int) -> Iterator[None]:
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)
        try:
            yield
        finally:
            os.lseek(descriptor, _FAR, os.SEEK_SET)
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

    def reserve(self, patience: float) -> float | None:
        """Take the next free slot and return its time; None, and nothing taken, where it is ``patience`` away or more.

        Sleep until that time, then :meth:`start`; or :meth:`release` the slot where nothing will start in it.
        """
        with self._slots.edit() as board:
            now = self._clock.monotonic()
            if board.next > now + _HORIZON or board.last > now:
                board.next, board.last, board.free = 0.0, float("-inf"), []
            board.free = [slot for slot in board.free if slot > now]
            slot = min([max(now, board.next), *board.free])
            if slot - now >= patience:
                return None
            if slot in board.free:
                board.free.remove(slot)
            else:
                board.next = slot + self._interval
            return slot

    def start(self) -> float:
        """Return 0 where a request may start now, and count it as started; else the seconds that are missing."""
        with self._slots.edit() as board:
            now = self._clock.monotonic()
            missing = board.last + self._interval - now
            if missing > _CLOSE:
                return missing
            board.last = now
            board.next = max(board.next, now + self._interval)
            return 0.0

    def release(self, slot: float) -> None:
        """Give a slot back, so that those who come later need not wait for somebody who has left."""
        with self._slots.edit() as board:
            if abs(board.next - slot - self._interval) <= _CLOSE:
                board.next = slot
            elif len(board.free) < _MOST_FREE:
                board.free.append(slot)


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
