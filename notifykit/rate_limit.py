"""When a request may start, so that all threads and processes of the machine together keep an account's rate limit.

The gateway blocks the address of a machine that sends too many requests, whichever of its processes did. So the times of
the last starts are kept in a small file. A caller locks it, and starts if the last starts are far enough away; else it
sleeps for the seconds that are missing and tries again. Nothing is reserved, so a process that is killed while it waits
delays no other. A request that stood still after it was counted takes its turn again. A process that is stopped while it holds the lock
loses it: the others go on with a copy of the file.

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
from notifykit.settings.files import open_file, try_to_lock
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
#: Real seconds between two looks at a lock, and how many there are: it is held for microseconds, or by a stopped process.
_LOCK_POLL: Final = 0.001
_LOCK_POLLS: Final = 1000
#: How often a start is counted anew where counting takes too long, as in a database that is busy.
_COUNTS: Final = 3


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
        descriptor, is_locked = -1, False
        with contextlib.suppress(OSError):  # the other way is slower, and says what is wrong
            descriptor = open_file(self._file)
            is_locked = try_to_lock(descriptor) and os.path.samestat(os.fstat(descriptor), self._file.stat())
        if not is_locked:
            if descriptor >= 0:
                os.close(descriptor)
            descriptor = self._open_locked()
        try:
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

    def _open_locked(self) -> int:
        """Return a descriptor of the file with its lock."""
        while True:
            descriptor = self._open(self._file)
            locked = _lock(descriptor)
            if locked and _is_file(descriptor, self._file):
                return descriptor
            if not locked and not self._replace(descriptor):
                _log.warning("the rate limit is not shared for the moment: its lock is held by stopped processes")
                return descriptor
            os.close(descriptor)

    def _replace(self, held: int) -> bool:
        """Put a copy in the place of a file whose lock a stopped process holds; return whether the file is another one now.

        What that process writes later is lost, but it then takes its turn again.
        """
        guard = self._open(self._file.with_suffix(".lock"))
        try:
            if not _lock(guard):
                return False
            if _is_file(held, self._file):  # else another process was faster
                _log.warning("a stopped process holds the lock of a rate limit: the others go on without it")
                copy = self._file.with_suffix(".new")
                copy.unlink(missing_ok=True)
                with open(self._open(copy), "wb") as writing:  # noqa: PTH123 - with its mode
                    writing.write(os.read(held, _LONGEST * _SIZE))
                copy.replace(self._file)
        except OSError:  # Windows replaces no file that is open
            return False
        else:
            return True
        finally:
            os.close(guard)

    def _open(self, file: pathlib.Path) -> int:
        try:
            return open_file(file)
        except OSError as error:
            raise _unusable(file.parent, error) from error


def _lock(descriptor: int) -> bool:
    """Wait for the lock of a file, a second or a little longer; return whether it was there."""
    for _ in range(_LOCK_POLLS):  # counted, because a clock may stand still
        if try_to_lock(descriptor):
            return True
        time.sleep(_LOCK_POLL)
    return False


def _is_file(descriptor: int, file: pathlib.Path) -> bool:
    """Return whether a file is still the one that was opened."""
    try:
        return os.path.samestat(os.fstat(descriptor), file.stat())
    except OSError:
        return False


if sys.platform == "win32":  # pragma: no cover - the other branch runs where the tests run

    def _write(descriptor: int, content: bytes, place: int) -> int:
        os.lseek(descriptor, place, os.SEEK_SET)
        return os.write(descriptor, content)

else:
    _write = os.pwrite


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

    def try_acquire(self, instead_of: float | None = None) -> float:
        """Return 0 where a request may start now, and count it as started; else the seconds that are missing.

        :param instead_of: when the same request was counted before, or a moment after that; None where it was not.
        """
        for _ in range(_COUNTS):
            with self._store.edit() as recent:
                now = self._clock.monotonic()
                starts: Sequence[float] = [start for start in recent.starts if start <= now]  # as in past_starts
                if instead_of is not None:
                    recent.starts = starts = _without(starts, instead_of)
                if starts:
                    due = starts[-1] + self._nearest
                    if len(starts) >= self._row:
                        due = max(due, starts[-self._row] + self._row_takes)
                    if due - now > SAME_TIME:
                        return due - now
                recent.starts = [*starts, now][-self._row :]
            if self._clock.monotonic() - now < _PROMPT:
                break
            instead_of = now
        return 0.0

    def acquire_again(self, start: float) -> None:
        """Let a request that starts late take its turn again, because its thread or a database was slow.

        :param start: when it was counted, or a moment after that.
        """
        if self._clock.monotonic() - start >= _PROMPT:
            missing = self.try_acquire(start)
            while missing:
                self._clock.sleep(missing)
                missing = self.try_acquire()

    def acquire(self) -> None:
        """Sleep until a request may start, and count it as started."""
        while missing := self.try_acquire():
            self._clock.sleep(missing)


def _without(starts: Sequence[float], start: float) -> Sequence[float]:
    """Return the starts without the one that was counted at a time, or a moment before it."""
    counted = max((each for each in starts if each <= start), default=None)
    rest = list(starts)
    if counted is not None:
        rest.remove(counted)
    return rest


def past_starts(starts: Sequence[float], now: float) -> Sequence[float]:
    """Return the starts up to now: later ones were written before the machine and its clock were restarted."""
    return [start for start in starts if start <= now]


def rate_limiter(rate_limit: RateLimit, clock: Clock, state_dir: str | None = None) -> RateLimiter:
    """Return a rate limiter: of the whole machine where the clock is the machine's, else of this notifier.

    A virtual clock is exact, so it needs neither guard nor slack.

    :raises ConfigError: if the rate limit can't be shared.
    """
    if clock.shared:
        return RateLimiter(rate_limit, file_rate_limit_store(rate_limit.key, state_dir), clock)
    return RateLimiter(rate_limit, MemoryRateLimitStore(), clock, guard=0.0, slack=0.0)


def file_rate_limit_store(key: str, state_dir: str | None = None) -> FileRateLimitStore:
    """Return the machine's store for a key.

    :param key: what shares the limit; only a hash of it becomes a file name.
    :param state_dir: the folder; None for the user's own. Give one that several users can write to where processes of
        different users share an account.
    :raises ConfigError: if the folder can't be used.
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
