"""What guards count: how much was sent to whom in the last so many seconds, under hashed keys without names or numbers.

Time is divided into buckets, sixty to a window, so that a look-up costs the same for ten messages and for a million. A
bucket counts until its latest entry is older than the window: a limit may hold a little longer than it says, and is never
exceeded. An entry from the future, left by a clock that was wrong, counts from the moment at which it is found.
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
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

import attrs

from notifykit.protocols import Clock
from notifykit.settings.files import prepare_database
from notifykit.settings.folders import SHARED_FOLDER, own_folder, state_folder

if TYPE_CHECKING:
    import sqlite3

#: Buckets in a window.
_BUCKETS: Final = 60
#: Amounts this close are the same: they are sums of prices.
_CLOSE: Final = 1e-9
_KEY_SIZE: Final = 32
_HASH_SIZE: Final = 20
#: Real seconds after which another process is not waited for any more: it writes for less than a millisecond.
_LOCK_TIMEOUT: Final = 1.0
_LOCK_POLL: Final = 0.01
#: The version of the tables.
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
    """What one bucket counts."""

    #: Its number: the time at which it begins, divided by its width.
    bucket: int
    #: The amount.
    amount: float
    #: When the latest of it was counted, in seconds since 1970.
    last: float


@attrs.frozen
class Reservation:
    """An amount that was counted and can be released."""

    #: The hash of the key.
    key: bytes
    #: The bucket.
    bucket: int
    #: How much.
    amount: float


class CounterStore(Protocol):
    """Counts amounts. Each method raises :class:`CounterStoreUnavailable` where the store can't be used."""

    def reserve(self, key: str, amount: float, most: float, window: float) -> float | Reservation:
        """Count an amount, unless there would be more than ``most``: then return the seconds until there may be room."""
        ...

    def rows(self, key: str, window: float) -> Sequence[CounterBucket]:
        """Return the buckets of a key."""
        ...

    def release(self, entries: Iterable[Reservation]) -> None:
        """Subtract what was counted for messages that were not sent."""
        ...

    def close(self) -> None:
        """Close files."""
        ...


def seconds_until_room(rows: Iterable[CounterBucket], amount: float, most: float, window: float, now: float) -> float:
    """Return the seconds until an amount may be added to what is counted: 0 for now, infinity for never."""
    counted = sorted((row for row in rows if row.last + window > now), key=lambda row: min(row.last, now))
    total = sum(row.amount for row in counted)
    if total + amount <= most + _CLOSE:
        return 0.0
    for row in counted:
        total -= row.amount
        if total + amount <= most + _CLOSE:
            return min(row.last, now) + window - now
    return math.inf


def bucket_of(now: float, window: float) -> int:
    """Return the number of the bucket that a time is in."""
    return math.floor(now / (window / _BUCKETS))


def _hashed(secret: bytes, key: str, window: float) -> bytes:
    """Return the hash of a key and a window: each window of a key is counted apart."""
    text = f"{window!r}\0{key}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, key=secret, digest_size=_HASH_SIZE).digest()


class MemoryCounterStore:
    """The counter store of one notifier in one process: for virtual clocks, and for plans."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._secret = secrets.token_bytes(_KEY_SIZE)
        self._rows: dict[bytes, dict[int, CounterBucket]] = {}
        #: When nothing of each key counts any more, the oldest first.
        self._ends: dict[bytes, float] = {}
        self._lock = threading.Lock()

    def reserve(self, key: str, amount: float, most: float, window: float) -> float | Reservation:
        """Count an amount, or return the seconds until there may be room for it."""
        hashed = _hashed(self._secret, key, window)
        with self._lock:
            now = self._clock.now().timestamp()
            self._forget(now)
            known = self._rows.get(hashed, {})
            rows = {
                number: attrs.evolve(row, last=min(row.last, now))
                for number, row in known.items()
                if row.last + window > now
            }
            if known:
                self._rows[hashed] = rows
            wait = seconds_until_room(rows.values(), amount, most, window, now)
            if wait:
                return wait
            bucket = bucket_of(now, window)
            here = rows.get(bucket, CounterBucket(bucket, 0.0, now))
            self._rows[hashed] = {**rows, bucket: CounterBucket(bucket, here.amount + amount, max(here.last, now))}
            self._ends.pop(hashed, None)
            self._ends[hashed] = now + window
            return Reservation(hashed, bucket, amount)

    def rows(self, key: str, window: float) -> Sequence[CounterBucket]:
        """Return the buckets of a key."""
        with self._lock:
            return tuple(self._rows.get(_hashed(self._secret, key, window), {}).values())

    def release(self, entries: Iterable[Reservation]) -> None:
        """Subtract what was counted for messages that were not sent."""
        with self._lock:
            for entry in entries:
                rows = self._rows.get(entry.key, {})
                row = rows.pop(entry.bucket, None)
                if row and row.amount - entry.amount > _CLOSE:
                    rows[entry.bucket] = attrs.evolve(row, amount=row.amount - entry.amount)

    def close(self) -> None:
        """Do nothing: what is counted stays."""

    def _forget(self, now: float) -> None:
        """Drop up to two keys that no longer count: for each key that is added, so that old ones never pile up."""
        for hashed in [key for key, _ in zip(self._ends, range(2), strict=False)]:
            if self._ends[hashed] <= now:
                self._ends.pop(hashed)
                self._rows.pop(hashed, None)


class DryRunCounterStore:
    """The temporary counter store of a dry run: it reads the real one, and writes to memory."""

    def __init__(self, under: CounterStore, clock: Clock) -> None:
        self._under = under
        self._own = MemoryCounterStore(clock)
        self._clock = clock

    def reserve(self, key: str, amount: float, most: float, window: float) -> float | Reservation:
        """Count an amount in memory, unless there is no room for it in both together."""
        now = self._clock.now().timestamp()
        wait = seconds_until_room(self.rows(key, window), amount, most, window, now)
        return wait or self._own.reserve(key, amount, math.inf, window)

    def rows(self, key: str, window: float) -> Sequence[CounterBucket]:
        """Return the buckets of the real store and of this one."""
        return (*self._under.rows(key, window), *self._own.rows(key, window))

    def release(self, entries: Iterable[Reservation]) -> None:
        """Subtract what was counted here."""
        self._own.release(entries)

    def close(self) -> None:
        """Do nothing: the real store stays open."""


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
        self._inode: tuple[int, int] | None = None
        _OPEN.add(self)

    @functools.cached_property
    def file(self) -> pathlib.Path:
        """The file; it is there once something was written."""
        return (pathlib.Path(self._state_dir).absolute() if self._state_dir else own_folder()) / _FILE

    def reserve(self, key: str, amount: float, most: float, window: float) -> float | Reservation:
        """Count an amount, or return the seconds until there may be room for it: one atomic step for all processes."""
        with self._writing() as connection:
            hashed = _hashed(self._secret, key, window)
            now = self._clock.now().timestamp()
            rows = _read(connection, hashed)
            if any(row.last > now for row in rows):
                connection.execute(
                    "UPDATE entries SET last = ?, ends = ? WHERE key = ? AND last > ?", (now, now + window, hashed, now)
                )
            wait = seconds_until_room(rows, amount, most, window, now)
            if wait:
                return wait
            bucket = bucket_of(now, window)
            connection.execute(
                "INSERT INTO entries (key, bucket, amount, last, ends) VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT (key, bucket) DO UPDATE SET last = excluded.last, ends = excluded.ends, "
                "amount = excluded.amount + CASE WHEN ends > excluded.last THEN amount ELSE 0 END",
                (hashed, bucket, amount, now, now + window),
            )
            # Two for each that is written, so that old ones never pile up and are never deleted all at once.
            connection.execute(
                "DELETE FROM entries WHERE (key, bucket) IN (SELECT key, bucket FROM entries WHERE ends <= ? LIMIT 2)",
                (now,),
            )
            return Reservation(hashed, bucket, amount)

    def rows(self, key: str, window: float) -> Sequence[CounterBucket]:
        """Return the buckets of a key; the file is not made for that."""
        with self._lock, _errors_explained(self.file):
            if self._connection is None and not self.file.exists():
                return ()
            connection = self._connect()
            return _read(connection, _hashed(self._secret, key, window))

    def release(self, entries: Iterable[Reservation]) -> None:
        """Subtract what was counted for messages that were not sent."""
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
            self._disconnect()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, _errors_explained(self.file):
            connection = self._connect()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def _connect(self) -> sqlite3.Connection:
        """Return a connection of this process to the file that is there now."""
        if self._connection is not None and self._process != os.getpid():
            _INHERITED.append(self._connection)  # closing it would close the parent's
            self._connection = None
        if self._connection is not None and self._inode != _inode(self.file):
            self._disconnect()  # the file was deleted: other processes do not see what is written to it
        if self._connection is None:
            self._connection = self._open()
        return self._connection

    def _open(self) -> sqlite3.Connection:
        import sqlite3

        file = state_folder(self._state_dir) / _FILE
        prepare_database(file)
        connection = sqlite3.connect(file, timeout=_LOCK_TIMEOUT, isolation_level=None, check_same_thread=False)
        try:
            self._secret = _make_tables(connection)
        except BaseException:
            connection.close()
            raise
        self._process, self._inode = os.getpid(), _inode(file)
        return connection

    def _disconnect(self) -> None:
        if self._connection is not None and self._process == os.getpid():
            self._connection.close()
            self._connection = None

    def __del__(self) -> None:
        self._disconnect()

    def before_fork(self) -> None:
        """Close the file until the process has forked: a connection can't be shared."""
        self._lock.acquire()
        self._disconnect()

    def after_fork(self) -> None:
        """Let it be opened again."""
        self._lock.release()


#: The stores whose files are closed before the process forks.
_OPEN: Final[weakref.WeakSet[FileCounterStore]] = weakref.WeakSet()
#: Those that are locked while it does.
_HELD: Final[list[FileCounterStore]] = []
#: Connections of a parent process: they are kept, because closing them would disturb it.
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


def _inode(file: pathlib.Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _read(connection: sqlite3.Connection, hashed: bytes) -> list[CounterBucket]:
    found = connection.execute("SELECT bucket, amount, last FROM entries WHERE key = ?", (hashed,))
    return [CounterBucket(*row) for row in found]


def _make_tables(connection: sqlite3.Connection) -> bytes:
    """Make the tables where there are none, and return the key of the hashes."""
    _set_journal_mode(connection)
    # What a process wrote survives its end; only a power cut can lose the last moments.
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


def _set_journal_mode(connection: sqlite3.Connection) -> None:
    """Set it as soon as no other process is in the way: here SQLite does not wait by itself."""
    import sqlite3

    for polls_left in reversed(range(round(_LOCK_TIMEOUT / _LOCK_POLL))):  # counted, because a clock may stand still
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if not _is_locked(error) or not polls_left:
                raise
            time.sleep(_LOCK_POLL)
        else:
            return


def _is_locked(error: Exception) -> bool:
    return any(word in str(error) for word in ("locked", "busy"))


@contextlib.contextmanager
def _errors_explained(file: pathlib.Path) -> Iterator[None]:
    """Turn an error of the file into one that says what a person does about it."""
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
            "Send again; if that does not help, look for a process that was stopped.",
        )
    if "full" in str(error) or getattr(error, "errno", None) in _NO_SPACE:
        return CounterStoreUnavailable(
            "There is no room left for the counter store of the guards.", f"Free some space for {file.parent}."
        )
    if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
        return CounterStoreUnavailable(
            "The counter store of the guards is damaged.", f"Delete {file} and send again: counting starts anew."
        )
    if isinstance(error, TypeError | ValueError):
        return CounterStoreUnavailable(
            "The counter store of the guards is not as it was written.", f"Delete {file} and send again."
        )
    return CounterStoreUnavailable(
        f"The counter store of the guards can't be written ({type(error).__name__}).",
        f"Set NOTIFYKIT_STATE_DIR to a folder that this user can write to; now it is {file.parent}; {SHARED_FOLDER}.",
    )


def open_counter_store(clock: Clock, state_dir: str | None) -> CounterStore:
    """Return the counter store of all processes for the machine's clock, else one of this notifier."""
    return FileCounterStore(state_dir, clock) if clock.shared else MemoryCounterStore(clock)
