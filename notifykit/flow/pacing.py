"""How fast one account may be asked, kept by all threads and processes of the machine together.

The gateway blocks the address of a machine that asks too often, whichever of its processes did. So the time of the
last start lives in a small file: whoever wants to start looks under a lock whether it is far enough away, starts if it
is, and else sleeps for what is missing and looks again. Nothing is reserved, so nobody who is killed or cancelled
while waiting holds up anybody else.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import pathlib
import struct
import sys
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, Protocol

import attrs

from notifykit.errors import ConfigError
from notifykit.flow.state import own_folder, state_folder

if TYPE_CHECKING:
    from notifykit.pace import Pace
    from notifykit.protocols import Clock

_log = logging.getLogger("notifykit.pacing")

_TIME: Final = struct.Struct("d")
#: Times this close, in seconds, are the same time.
_CLOSE: Final = 1e-6
#: Real seconds after which a lock is not waited for any more: it is held for microseconds, or by a stopped process.
_LOCK_PATIENCE: Final = 1.0
_LOCK_POLL: Final = 0.001


@attrs.define
class Board:
    """When a request last started, in monotonic seconds."""

    #: The time; minus infinity where none ever did.
    last: float = float("-inf")


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
    """The board of the whole machine, in a file.

    The file is opened for each look: so a lock belongs to one look and not to a process or thread, a forked child
    inherits nothing, and a file that somebody deleted is made again.
    """

    def __init__(self, file: pathlib.Path) -> None:
        self._file = file

    @contextlib.contextmanager
    def edit(self) -> Iterator[Board]:
        """Give the board under a lock between threads and processes."""
        try:
            descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        except OSError as error:
            raise _unusable(self._file.parent, error) from error
        try:
            if not _lock(descriptor):
                _log.warning("the pace is not shared for the moment: another process holds its lock and is stopped")
            content = os.read(descriptor, _TIME.size)
            board = Board(*_TIME.unpack(content)) if len(content) == _TIME.size else Board()
            yield board
            os.lseek(descriptor, 0, os.SEEK_SET)
            os.write(descriptor, _TIME.pack(board.last))
        finally:
            os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Lock a file until its descriptor is closed; return False where somebody does not let go of it."""
    ends = time.monotonic() + _LOCK_PATIENCE
    while not _try_to_lock(descriptor):
        if time.monotonic() > ends:
            return False
        time.sleep(_LOCK_POLL)
    return True


if sys.platform == "win32":  # pragma: no cover - the other branch runs where the tests run
    import msvcrt

    #: A byte behind anything that is written: what is locked can't be read by others there.
    _FAR: Final = 1 << 20

    def _try_to_lock(descriptor: int) -> bool:
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
        return True

else:
    import fcntl

    def _try_to_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


class Pacer:
    """Says when a request may start.

    :param pace: how fast.
    :param slots: where the time of the last start is kept.
    :param clock: the time it is counted in.
    """

    def __init__(self, pace: Pace, slots: Slots, clock: Clock) -> None:
        self._interval = 1.0 / pace.per_second
        self._slots = slots
        self._clock = clock

    def start(self) -> float:
        """Return 0 where a request may start now, and count it as started; else the seconds that are missing."""
        with self._slots.edit() as board:
            now = self._clock.monotonic()
            missing = board.last + self._interval - now
            # A start in the future was written before the machine was restarted, and its clock with it.
            if missing > _CLOSE and board.last <= now:
                return missing
            board.last = now
            return 0.0

    def wait(self) -> None:
        """Let time pass until a request may start, and count it as started: for whoever has nothing else to do."""
        while missing := self.start():
            self._clock.sleep(missing)


def pacer(pace: Pace, clock: Clock, state_dir: str | None = None) -> Pacer:
    """Return a pacer that shares its pace with the machine where the clock does.

    :raises ConfigError: where the pace can't be shared.
    """
    return Pacer(pace, shared_slots(pace.key, state_dir) if clock.shared else MemorySlots(), clock)


def shared_slots(key: str, state_dir: str | None = None) -> FileSlots:
    """Return the machine's slots for a key.

    :param key: what shares the limit; only a hash of it becomes a file name.
    :param state_dir: the folder; without one a folder of this user in the machine's temporary folder. Give one that
        several users can write to where processes of different users share an account.
    :raises ConfigError: where the folder can't be used.
    """
    try:
        folder = state_folder(state_dir)
    except OSError as error:
        raise _unusable(pathlib.Path(state_dir).absolute() if state_dir else own_folder(), error) from error
    return FileSlots(folder / f"pace-{hashlib.sha256(key.encode()).hexdigest()[:32]}")


def _unusable(folder: pathlib.Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"state_dir: the pace of an account can't be shared in {folder} ({type(error).__name__}): "
        "set NOTIFYKIT_STATE_DIR to a folder that this user can write to"
    )
