"""How fast one account may be asked, kept by all threads and processes of the machine together.

The gateway blocks the address of a machine that asks too often, whichever of its processes did. So the times of the
last starts live in a small file: whoever wants to start looks under a lock whether they are far enough away, starts if
they are, and else sleeps for what is missing and looks again. Nothing is reserved, so nobody who is killed or
cancelled while waiting holds up anybody else.

At two a second, the start before the last one is a second away and a little more, the *guard*: what wakes up late, or is
held up on its way, still is no third request in one second. Two neighbours may be a little closer than half a second,
the *slack*: so the guard costs nothing, and a late start is made up for by the next.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import math
import os
import pathlib
import struct
import sys
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Protocol

import attrs

from notifykit.errors import ConfigError
from notifykit.settings.folders import own_folder, state_folder

if TYPE_CHECKING:
    from notifykit.models.capabilities import RateLimit
    from notifykit.protocols import Clock


_log = logging.getLogger("notifykit.pacing")


#: By how much longer than the rate limit asks a row of starts takes: 5 ms in a second.
GUARD: Final = 0.005


#: By how much closer than the rate limit asks two neighbours may be.
SLACK: Final = 0.25


#: The most starts that are looked back over.
_LONGEST: Final = 64


#: Seconds by which a request may start later than it was counted without being counted again: the guard makes up for it.
_PROMPT: Final = 0.004


#: Bytes of one time.
_SIZE: Final = struct.calcsize("d")


_FLAGS: Final = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)


#: Times this close, in seconds, are the same time.
SAME_TIME: Final = 1e-6


#: Real seconds after which a lock is not waited for any more: it is held for microseconds, or by a stopped process.
_LOCK_PATIENCE: Final = 1.0


_LOCK_POLL: Final = 0.001


@attrs.define
class RecentStarts:
    """When requests last started."""

    #: The times in monotonic seconds, the last one at the end.
    starts: Sequence[float] = ()


class Slots(Protocol):
    """Where the board is kept."""

    def edit(self) -> contextlib.AbstractContextManager[RecentStarts]:
        """Give the board, to be changed in place; nobody else can get at it meanwhile."""
        ...


class MemoryRateLimitStore:
    """The board of one notifier, for clocks that nobody shares."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._recent = RecentStarts()

    def edit(self) -> contextlib.AbstractContextManager[RecentStarts]:
        """Give the board under a lock between threads, which hold it for microseconds."""
        return self

    def __enter__(self) -> RecentStarts:
        self._lock.acquire()
        return self._recent

    def __exit__(self, *exc_info: object) -> None:
        self._lock.release()


class FileRateLimitStore:
    """The board of the whole machine, in a file.

    The file is opened for each look: so a lock belongs to one look and not to a process or thread, a forked child
    inherits nothing, and a file that somebody deleted is made again.
    """

    def __init__(self, file: pathlib.Path) -> None:
        self._file = file

    def edit(self) -> contextlib.AbstractContextManager[RecentStarts]:
        """Give the board under a lock between threads and processes."""
        return _Look(self._file)


class _Look:
    """One look at the file: opened, locked and read, and written where the board was changed."""

    __slots__ = ("_descriptor", "_file", "_found", "_recent")

    def __init__(self, file: pathlib.Path) -> None:
        self._file = file

    def __enter__(self) -> RecentStarts:
        try:
            self._descriptor = os.open(self._file, _FLAGS, 0o600)
        except OSError as error:
            raise _unusable(self._file.parent, error) from error
        try:
            if not _lock(self._descriptor):
                _log.warning(
                    "the rate limit is not shared for the moment: another process holds its lock and is stopped"
                )
            content = os.read(self._descriptor, _LONGEST * _SIZE)
        except BaseException:
            os.close(self._descriptor)
            raise
        self._found = struct.unpack_from(f"{len(content) // _SIZE}d", content)
        self._recent = RecentStarts(self._found)
        return self._recent

    def __exit__(self, *exc_info: object) -> None:
        try:
            starts = self._recent.starts
            if starts is not self._found:
                _write(self._descriptor, struct.pack(f"{len(starts)}d", *starts), 0)
                if len(starts) < len(self._found):
                    os.ftruncate(self._descriptor, len(starts) * _SIZE)
        finally:
            os.close(self._descriptor)


def _lock(descriptor: int) -> bool:
    """Lock a file until its descriptor is closed; return False where somebody does not let go of it."""
    if _try_to_lock(descriptor):
        return True
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

    def _write(descriptor: int, content: bytes, place: int) -> int:
        os.lseek(descriptor, place, os.SEEK_SET)
        return os.write(descriptor, content)

else:
    import fcntl

    _write = os.pwrite

    def _try_to_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


class RateLimiter:
    """Says when a request may start.

    :param rate_limit: how fast.
    :param slots: where the times of the last starts are kept.
    :param clock: the time they are counted in.
    :param guard: by how much longer a row of starts takes than the rate limit asks, as a share.
    :param slack: by how much closer than the rate limit asks two neighbours may be, as a share.
    """

    def __init__(
        self, rate_limit: RateLimit, slots: Slots, clock: Clock, *, guard: float = GUARD, slack: float = SLACK
    ) -> None:
        rate = rate_limit.per_second
        # A row is as many as may start in a second; where these are very many, in an even part of a second.
        self._row = max(1, math.ceil(rate / max(1, math.ceil(rate / _LONGEST))))
        self._row_takes = self._row / rate * (1 + guard)
        self._nearest = (1 + guard) / rate * (1 - slack)
        self._slots = slots
        self._clock = clock

    def start(self) -> float:
        """Return 0 where a request may start now, and count it as started; else the seconds that are missing."""
        with self._slots.edit() as board:
            now = self._clock.monotonic()
            starts = until(now, board.starts)
            if starts:
                due = starts[-1] + self._nearest
                if len(starts) >= self._row:
                    due = max(due, starts[-self._row] + self._row_takes)
                if due - now > SAME_TIME:
                    return due - now
            board.starts = [*starts, now][-self._row :]
            return 0.0

    def restart(self, start: float) -> None:
        """Count a request from now on that starts late, because its thread or a database was slow.

        :param start: when it was counted, or a moment after that.
        """
        if self._clock.monotonic() - start < _PROMPT:
            return
        with self._slots.edit() as board:
            now = self._clock.monotonic()
            starts = list(board.starts)
            counted = max((each for each in starts if each <= start), default=None)
            if counted is not None:
                starts.remove(counted)
            board.starts = sorted([*until(now, starts), now])[-self._row :]

    def wait(self) -> None:
        """Let time pass until a request may start, and count it as started: for whoever has nothing else to do."""
        while missing := self.start():
            self._clock.sleep(missing)


def until(now: float, starts: Sequence[float]) -> Sequence[float]:
    """Return the starts that were: one in the future was written before the machine was restarted, and its clock."""
    return [start for start in starts if start <= now]


def rate_limiter(rate_limit: RateLimit, clock: Clock, state_dir: str | None = None) -> RateLimiter:
    """Return a rate limiter that shares its rate limit with the machine where the clock does.

    A clock that nobody shares is as exact as its numbers, so it needs neither guard nor slack.

    :raises ConfigError: where the rate limit can't be shared.
    """
    if clock.shared:
        return RateLimiter(rate_limit, file_rate_limit_store(rate_limit.key, state_dir), clock)
    return RateLimiter(rate_limit, MemoryRateLimitStore(), clock, guard=0.0, slack=0.0)


def file_rate_limit_store(key: str, state_dir: str | None = None) -> FileRateLimitStore:
    """Return the machine's slots for a key.

    :param key: what shares the limit; only a hash of it becomes a file name.
    :param state_dir: the folder; None for the user's own. Give one that several users can write to where processes of
        different users share an account.
    :raises ConfigError: where the folder can't be used.
    """
    try:
        folder = state_folder(state_dir)
    except OSError as error:
        raise _unusable(pathlib.Path(state_dir).absolute() if state_dir else own_folder(), error) from error
    return FileRateLimitStore(folder / f"pace-{hashlib.sha256(key.encode()).hexdigest()[:32]}")


def _unusable(folder: pathlib.Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"state_dir: the rate limit of an account can't be shared in {folder} ({type(error).__name__}): "
        "set NOTIFYKIT_STATE_DIR to a folder that this user can write to"
    )
