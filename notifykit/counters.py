"""What guards write down: how much went to whom in the last so many seconds, never a name or a number.

Time is kept in buckets, sixty to a window, so that a question costs the same whether ten messages stand there or a
million. A bucket counts until its youngest entry is older than the window: a limit may hold a little longer than it
says, and is never exceeded. An entry from the future, which a clock that was set back leaves behind, counts too.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import math
import os
import pathlib
import secrets
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

import attrs

from notifykit.protocols import Clock
from notifykit.settings.folders import own_folder, state_folder

if TYPE_CHECKING:
    import sqlite3

#: Buckets in a window.
_BUCKETS: Final = 60
#: Amounts this close are the same: they are sums of prices.
_CLOSE: Final = 1e-9
_KEY_SIZE: Final = 32
_HASH_SIZE: Final = 20
#: Real seconds after which another process is not waited for any more: it writes for less than a millisecond.
_PATIENCE: Final = 1.0
_POLL: Final = 0.01
#: The form of the tables.
_VERSION: Final = 1
_FILE: Final = "guards.sqlite3"
#: The numbers of "no space left" and "quota exceeded".
_NO_SPACE: Final = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})


class CounterStoreUnavailable(OSError):  # noqa: N818 - it says what happened
    """The counter store can't be read or written."""

    def __init__(self, detail: str, action: str) -> None:
        super().__init__(detail)
        #: What happened, in one sentence.
        self.detail = detail
        #: What a person does about it.
        self.action = action


@attrs.frozen
class CounterBucket:
    """What stands in one bucket."""

    #: Its number: the time that it begins at, divided by its width.
    bucket: int
    #: How much stands there.
    amount: float
    #: When the youngest of it was written, in seconds of the time of day.
    last: float


@attrs.frozen
class Reservation:
    """Something that was written, so that it can be taken out again."""

    #: The hash of the key.
    key: bytes
    #: The bucket.
    bucket: int
    #: How much.
    amount: float


class CounterStore(Protocol):
    """A counter store as the road sees it."""

    def reserve(self, key: str, amount: float, most: float, window: float) -> float | Reservation:
        """Write an amount down; return the seconds until there may be room where there is none.

        :raises CounterStoreUnavailable: where it can't be read or written.
        """
        ...

    def rows(self, key: str, window: float) -> Sequence[CounterBucket]:
        """Return what stands under a key.

        :raises CounterStoreUnavailable: where it can't be read.
        """
        ...

    def release(self, entries: Iterable[Reservation]) -> None:
        """Take out what was written for something that was not sent.

        :raises CounterStoreUnavailable: where it can't be written.
        """
        ...

    def close(self) -> None:
        """Give back files."""
        ...


def missing(rows: Iterable[CounterBucket], amount: float, most: float, window: float, now: float) -> float:
    """Return the seconds until an amount has room beside what stands there: 0 for now, infinity for never."""
    counted = sorted((row for row in rows if row.last + window > now), key=lambda row: row.last)
    total = sum(row.amount for row in counted)
    if total + amount <= most + _CLOSE:
        return 0.0
    for row in counted:
        total -= row.amount
        if total + amount <= most + _CLOSE:
            return row.last + window - now
    return math.inf


def _bucket(now: float, window: float) -> int:
    return math.floor(now / (window / _BUCKETS))


def _hashed(secret: bytes, key: str, window: float) -> bytes:
    """Return what stands for a key. Its windows are counted apart: what is written for one is not in the other."""
    text = f"{window!r}\0{key}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, key=secret, digest_size=_HASH_SIZE).digest()


class MemoryCounterStore:
    """A counter store that one process keeps to itself: for clocks that nobody shares, and for plans."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._secret = secrets.token_bytes(_KEY_SIZE)
        self._rows: dict[bytes, dict[int, CounterBucket]] = {}
        #: When each key has nothing left that counts, the oldest first as far as it goes.
        self._ends: dict[bytes, float] = {}
        self._lock = threading.Lock()

    def reserve(self, key: str, amount: float, most: float, window: float) -> float | Reservation:
        """Write an amount down, or say how long there is no room for it."""
        hashed = _hashed(self._secret, key, window)
        with self._lock:
            now = self._clock.now().timestamp()
            self._forget(now)
            rows = self._rows.get(hashed, {})
            wait = missing(rows.values(), amount, most, window, now)
            if wait:
                return wait
            bucket = _bucket(now, window)
            here = rows.get(bucket, CounterBucket(bucket, 0.0, now))
            live = {number: row for number, row in rows.items() if row.last + window > now}
            self._rows[hashed] = {**live, bucket: CounterBucket(bucket, here.amount + amount, max(here.last, now))}
            self._ends.pop(hashed, None)
            self._ends[hashed] = now + window
            return Reservation(hashed, bucket, amount)

    def rows(self, key: str, window: float) -> Sequence[CounterBucket]:
        """Return what stands under a key."""
        with self._lock:
            return tuple(self._rows.get(_hashed(self._secret, key, window), {}).values())

    def release(self, entries: Iterable[Reservation]) -> None:
        """Take out what was written for something that was not sent."""
        with self._lock:
            for entry in entries:
                rows = self._rows.get(entry.key, {})
                row = rows.pop(entry.bucket, None)
                if row and row.amount - entry.amount > _CLOSE:
                    rows[entry.bucket] = attrs.evolve(row, amount=row.amount - entry.amount)

    def close(self) -> None:
        """Keep what is there: closing ends nothing."""

    def _forget(self, now: float) -> None:
        """Drop two keys that no longer count, where there are any: one is written, so none pile up."""
        for hashed in [key for key, _ in zip(self._ends, range(2), strict=False)]:
            if self._ends[hashed] <= now:
                self._ends.pop(hashed)
                self._rows.pop(hashed, None)


class DryRunCounterStore:
    """The counter store of a plan: it reads the real one, and what it writes is forgotten with it."""

    def __init__(self, under: CounterStore, clock: Clock) -> None:
        self._under = under
        self._own = MemoryCounterStore(clock)
        self._clock = clock

    def reserve(self, key: str, amount: float, most: float, window: float) -> float | Reservation:
        """Write an amount down in memory, unless there is no room for it beside what really stands there."""
        now = self._clock.now().timestamp()
        wait = missing(self.rows(key, window), amount, most, window, now)
        return wait or self._own.reserve(key, amount, math.inf, window)

    def rows(self, key: str, window: float) -> Sequence[CounterBucket]:
        """Return what really stands under a key, and what the plan would add."""
        return (*self._under.rows(key, window), *self._own.rows(key, window))

    def release(self, entries: Iterable[Reservation]) -> None:
        """Take out what the plan wrote."""
        self._own.release(entries)

    def close(self) -> None:
        """Leave the real counter store to those who opened it."""


class FileCounterStore:
    """The counter store of all processes that use the same state folder: a SQLite file that only this user can read.

    :param state_dir: the folder; None for the user's own.
    :param clock: the time that it is kept in.
    """

    def __init__(self, state_dir: str | None, clock: Clock) -> None:
        self._state_dir = state_dir
        self._clock = clock
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._secret = b""
        self._process = 0
        self._place: tuple[int, int] | None = None
        _OPEN.add(self)

    @functools.cached_property
    def file(self) -> pathlib.Path:
        """The file; it is there once something was written."""
        return (pathlib.Path(self._state_dir).absolute() if self._state_dir else own_folder()) / _FILE

    def reserve(self, key: str, amount: float, most: float, window: float) -> float | Reservation:
        """Write an amount down, or say how long there is no room for it: one step for all processes."""
        with self._writing() as connection:
            hashed = _hashed(self._secret, key, window)
            now = self._clock.now().timestamp()
            wait = missing(_read(connection, hashed), amount, most, window, now)
            if wait:
                return wait
            bucket = _bucket(now, window)
            connection.execute(
                "INSERT INTO entries (key, bucket, amount, last, ends) VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT (key, bucket) DO UPDATE SET amount = amount + excluded.amount, "
                "last = max(last, excluded.last), ends = max(ends, excluded.ends)",
                (hashed, bucket, amount, now, now + window),
            )
            # Two for each that is written, so that old ones never pile up and never have to go all at once.
            connection.execute(
                "DELETE FROM entries WHERE (key, bucket) IN (SELECT key, bucket FROM entries WHERE ends <= ? LIMIT 2)",
                (now,),
            )
            return Reservation(hashed, bucket, amount)

    def rows(self, key: str, window: float) -> Sequence[CounterBucket]:
        """Return what stands under a key; a counter store that nobody has begun is not begun for that."""
        with self._lock, _in_words(self.file):
            if self._connection is None and not self.file.exists():
                return ()
            connection = self._opened()
            return _read(connection, _hashed(self._secret, key, window))

    def release(self, entries: Iterable[Reservation]) -> None:
        """Take out what was written for something that was not sent."""
        with self._writing() as connection:
            for entry in entries:
                where = (entry.key, entry.bucket)
                connection.execute(
                    "UPDATE entries SET amount = amount - ? WHERE key = ? AND bucket = ?", (entry.amount, *where)
                )
                connection.execute("DELETE FROM entries WHERE key = ? AND bucket = ? AND amount < ?", (*where, _CLOSE))

    def close(self) -> None:
        """Close the file; it is opened again where something is written later."""
        with self._lock:
            self._put_away()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, _in_words(self.file):
            connection = self._opened()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def _opened(self) -> sqlite3.Connection:
        """Return a connection of this process to the file that is there now."""
        if self._connection is not None and self._process != os.getpid():
            _INHERITED.append(self._connection)  # closing it would close the parent's
            self._connection = None
        if self._connection is not None and self._place != _place(self.file):
            self._put_away()  # somebody deleted the file: what is written to it now, nobody would see
        if self._connection is None:
            self._open()
        assert self._connection is not None, "it was opened"
        return self._connection

    def _open(self) -> None:
        import sqlite3

        file = state_folder(self._state_dir) / _FILE
        # SQLite gives the files beside it the same mode.
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600))
        connection = sqlite3.connect(file, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            self._secret = _prepared(connection)
        except BaseException:
            connection.close()
            raise
        self._connection, self._process, self._place = connection, os.getpid(), _place(file)

    def _put_away(self) -> None:
        if self._connection is not None and self._process == os.getpid():
            self._connection.close()
            self._connection = None

    def __del__(self) -> None:
        self._put_away()

    def before_fork(self) -> None:
        """Close the file, and let nobody open it until the process has forked: a connection can't be shared."""
        self._lock.acquire()
        self._put_away()

    def after_fork(self) -> None:
        """Let it be opened again."""
        self._lock.release()


#: Books whose files have to be closed before a process forks.
_OPEN: Final[weakref.WeakSet[FileCounterStore]] = weakref.WeakSet()
#: Those that are held while it does.
_HELD: Final[list[FileCounterStore]] = []
#: Connections of a parent that forked without saying so: they are kept, because closing them would disturb it.
_INHERITED: Final[list[Any]] = []


def _before_fork() -> None:
    for store in tuple(_OPEN):
        store.before_fork()
        _HELD.append(store)


def _after_fork() -> None:
    while _HELD:
        _HELD.pop().after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)


def _place(file: pathlib.Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _read(connection: sqlite3.Connection, hashed: bytes) -> list[CounterBucket]:
    found = connection.execute("SELECT bucket, amount, last FROM entries WHERE key = ?", (hashed,))
    return [CounterBucket(*row) for row in found]


def _prepared(connection: sqlite3.Connection) -> bytes:
    """Make the tables where there are none, and return the key of the hashes."""
    _patiently(lambda: connection.execute("PRAGMA journal_mode = WAL"))
    # What a process wrote survives its end; only a power cut can take the last moments along.
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("BEGIN IMMEDIATE")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == 0:
        connection.execute("CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID")
        connection.execute(
            "CREATE TABLE entries "
            "(key BLOB, bucket INTEGER, amount REAL, last REAL, ends REAL, PRIMARY KEY (key, bucket)) WITHOUT ROWID"
        )
        connection.execute("CREATE INDEX entries_by_end ON entries (ends)")
        connection.execute("INSERT INTO meta VALUES ('key', ?)", (secrets.token_bytes(_KEY_SIZE),))
        connection.execute(f"PRAGMA user_version = {_VERSION}")
    elif version != _VERSION:
        raise CounterStoreUnavailable(
            "Another version of notifykit wrote it.", "Use one version, or another NOTIFYKIT_STATE_DIR."
        )
    (secret,) = connection.execute("SELECT value FROM meta WHERE name = 'key'").fetchone()
    connection.execute("COMMIT")
    return bytes(secret)


def _patiently(do: Callable[[], Any]) -> None:
    """Do something that SQLite does not wait for by itself, again and again while another process is in the way."""
    import sqlite3

    ends = time.monotonic() + _PATIENCE
    while True:
        try:
            do()
        except sqlite3.OperationalError as error:
            if not _is_locked(error) or time.monotonic() > ends:
                raise
            time.sleep(_POLL)
        else:
            return


def _is_locked(error: Exception) -> bool:
    return any(word in str(error) for word in ("locked", "busy"))


@contextlib.contextmanager
def _in_words(file: pathlib.Path) -> Iterator[None]:
    """Turn what goes wrong with the file into what a person can do about it."""
    import sqlite3

    try:
        yield
    except CounterStoreUnavailable:
        raise
    except (sqlite3.Error, OSError, ValueError, TypeError) as error:
        raise _unusable(error, file) from error


def _unusable(error: Exception, file: pathlib.Path) -> CounterStoreUnavailable:
    import sqlite3

    if _is_locked(error):
        return CounterStoreUnavailable(
            "Another process has held the counter store of the guards for longer than a second.",
            "Send again; where it stays so, look for a process that was stopped.",
        )
    if "full" in str(error) or getattr(error, "errno", None) in _NO_SPACE:
        return CounterStoreUnavailable(
            "There is no room left for the counter store of the guards.", f"Free some space for {file.parent}."
        )
    if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
        return CounterStoreUnavailable(
            "The counter store of the guards is damaged.", f"Delete {file} and send again: the counting begins anew."
        )
    if isinstance(error, TypeError | ValueError):
        return CounterStoreUnavailable(
            "The counter store of the guards is not as it was written.", f"Delete {file} and send again."
        )
    return CounterStoreUnavailable(
        f"The counter store of the guards can't be written ({type(error).__name__}).",
        f"Set NOTIFYKIT_STATE_DIR to a folder that this user can write to; now it is {file.parent}.",
    )


def open_counter_store(clock: Clock, state_dir: str | None) -> CounterStore:
    """Return the counter store: of all processes where they share the clock's time, else of this notifier."""
    return FileCounterStore(state_dir, clock) if clock.shared else MemoryCounterStore(clock)
