"""When a request may start, so that all threads and processes of the machine together keep an account's rate limit.

The gateway blocks the address of a machine that sends too many requests, whichever of its processes did. So the times of
the last starts are kept in a small file. A caller locks it, and starts if the last starts are far enough away; else it
sleeps for the seconds that are missing and tries again. Nothing is reserved, so a process that is killed while it waits
delays no other.

At two a second, the start before the last one must be a second and 5 ms away (``GUARD``), so that jitter never puts three
starts into one second. Two neighbours may be a little closer than half a second (``SLACK``), so that a late start is made
up for by the next.
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
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, Protocol

import attrs

from notifykit.errors import ConfigError
from notifykit.settings.files import open_file
from notifykit.settings.folders import SHARED_FOLDER, own_folder, state_folder

if TYPE_CHECKING:
    from notifykit.models.capabilities import RateLimit
    from notifykit.protocols import Clock

_log = logging.getLogger("notifykit.rate_limit")

#: By how much longer than the rate limit asks a row of starts takes: 5 ms in a second.
GUARD: Final = 0.005
#: By how much closer than the rate limit asks two neighbours may be.
SLACK: Final = 0.25
#: Times this close, in seconds, are the same time.
SAME_TIME: Final = 1e-6
#: The most starts that are looked back over.
_LONGEST: Final = 64
#: Seconds by which a request may start later than it was counted without being counted again: the guard covers it.
_PROMPT: Final = 0.004
#: Bytes of one time.
_SIZE: Final = struct.calcsize("d")
#: Real seconds after which a lock is not waited for any more: it is held for microseconds, or by a stopped process.
_LOCK_TIMEOUT: Final = 1.0
_LOCK_POLL: Final = 0.001


@attrs.define
class RecentStarts:
    """When requests last started."""

    #: The times in monotonic seconds, the last one at the end.
    starts: Sequence[float] = ()


class RateLimitStore(Protocol):
    """Where the times of the last starts are kept."""

    def edit(self) -> contextlib.AbstractContextManager[RecentStarts]:
        """Lock the starts, and return them to be changed in place."""
        ...


class MemoryRateLimitStore:
    """The starts of one notifier, for virtual clocks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._recent = RecentStarts()

    @contextlib.contextmanager
    def edit(self) -> Iterator[RecentStarts]:
        """Lock the starts between threads, and return them to be changed in place."""
        with self._lock:
            yield self._recent


class FileRateLimitStore:
    """The starts of the whole machine, in a file.

    The file is opened for each edit: so a lock belongs to one edit and not to a process or thread, a forked child
    inherits nothing, and a file that was deleted is made again.
    """

    def __init__(self, file: pathlib.Path) -> None:
        self._file = file

    @contextlib.contextmanager
    def edit(self) -> Iterator[RecentStarts]:
        """Lock the starts between threads and processes, and return them to be changed in place."""
        try:
            descriptor = open_file(self._file)
        except OSError as error:
            raise _unusable(self._file.parent, error) from error
        try:
            ends = time.monotonic() + _LOCK_TIMEOUT
            while not _try_to_lock(descriptor):
                if time.monotonic() > ends:
                    _log.warning(
                        "the rate limit is not shared for the moment: another process holds its lock and is stopped"
                    )
                    break
                time.sleep(_LOCK_POLL)
            content = os.read(descriptor, _LONGEST * _SIZE)
            found = struct.unpack_from(f"{len(content) // _SIZE}d", content)
            recent = RecentStarts(found)
            yield recent
            if recent.starts is not found:
                _write(descriptor, struct.pack(f"{len(recent.starts)}d", *recent.starts), 0)
                if len(recent.starts) < len(found):
                    os.ftruncate(descriptor, len(recent.starts) * _SIZE)
        finally:
            os.close(descriptor)


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
    """Decides when a request may start.

    :param rate_limit: the most starts a second.
    :param store: where the times of the last starts are kept.
    :param clock: the clock of these times.
    :param guard: by how much longer a row of starts takes than the rate limit asks, as a share.
    :param slack: by how much closer than the rate limit asks two neighbours may be, as a share.
    """

    def __init__(
        self, rate_limit: RateLimit, store: RateLimitStore, clock: Clock, *, guard: float = GUARD, slack: float = SLACK
    ) -> None:
        rate = rate_limit.per_second
        # A row is as many as may start in a second; where these are very many, in an even part of a second.
        self._row = max(1, math.ceil(rate / max(1, math.ceil(rate / _LONGEST))))
        self._row_takes = self._row / rate * (1 + guard)
        self._nearest = (1 + guard) / rate * (1 - slack)
        self._store = store
        self._clock = clock

    def start(self) -> float:
        """Return 0 where a request may start now, and count it as started; else the seconds that are missing."""
        with self._store.edit() as recent:
            now = self._clock.monotonic()
            starts = [start for start in recent.starts if start <= now]
            if starts:
                due = starts[-1] + self._nearest
                if len(starts) >= self._row:
                    due = max(due, starts[-self._row] + self._row_takes)
                if due - now > SAME_TIME:
                    return due - now
            recent.starts = [*starts, now][-self._row :]
            return 0.0

    def restart(self, start: float) -> None:
        """Count a request anew that starts late, because its thread or a database was slow.

        :param start: when it was counted, or a moment after that.
        """
        if self._clock.monotonic() - start < _PROMPT:
            return
        with self._store.edit() as recent:
            now = self._clock.monotonic()
            starts = list(recent.starts)
            counted = max((each for each in starts if each <= start), default=None)
            if counted is not None:
                starts.remove(counted)
            recent.starts = sorted([*(start for start in starts if start <= now), now])[-self._row :]

    def wait(self) -> None:
        """Sleep until a request may start, and count it as started."""
        while missing := self.start():
            self._clock.sleep(missing)


def past_starts(starts: Sequence[float], now: float) -> Sequence[float]:
    """Return the starts up to now: later ones were written before the machine and its clock were restarted."""
    return [start for start in starts if start <= now]


def rate_limiter(rate_limit: RateLimit, clock: Clock, state_dir: str | None = None) -> RateLimiter:
    """Return a rate limiter: of the whole machine where the clock is the machine's, else of this notifier.

    A virtual clock is exact, so it needs neither guard nor slack.

    :raises ConfigError: where the rate limit can't be shared.
    """
    if clock.shared:
        return RateLimiter(rate_limit, file_rate_limit_store(rate_limit.key, state_dir), clock)
    return RateLimiter(rate_limit, MemoryRateLimitStore(), clock, guard=0.0, slack=0.0)


def file_rate_limit_store(key: str, state_dir: str | None = None) -> FileRateLimitStore:
    """Return the machine's store for a key.

    :param key: what shares the limit; only a hash of it becomes a file name.
    :param state_dir: the folder; None for the user's own. Give one that several users can write to where processes of
        different users share an account.
    :raises ConfigError: where the folder can't be used.
    """
    try:
        file = state_folder(state_dir) / f"rate-{hashlib.sha256(key.encode()).hexdigest()[:32]}"
        os.close(open_file(file))
    except OSError as error:
        raise _unusable(pathlib.Path(state_dir).absolute() if state_dir else own_folder(), error) from error
    return FileRateLimitStore(file)


def _unusable(folder: pathlib.Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"state_dir: the rate limit of an account can't be shared in {folder} ({type(error).__name__}): "
        f"set NOTIFYKIT_STATE_DIR to a folder that this user can write to; {SHARED_FOLDER}"
    )
