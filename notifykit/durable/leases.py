"""Leases of workers: a lock per worker, which the system releases when the worker's process ends.

It is a lock on a file, or an advisory lock of PostgreSQL. If another process can take a worker's lock, that worker is
dead, however it died.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pathlib
import threading
from typing import IO, Any

import sqlalchemy as sa

from notifykit.durable.database import Database, lock_file


class FileLeases:
    """Leases as locks on files beside the database.

    :param folder: where the files are.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder
        self._held: IO[Any] | None = None
        self._name = ""

    def acquire(self, name: str) -> None:
        """Take the lease of this worker, until :meth:`release` or the end of its process."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._name = name
        self.renew()

    def renew(self) -> None:
        """Take the lease again if its file was removed."""
        file = self._folder / self._name
        while not self._holds(file):
            held, self._held = self._held, file.open("a")
            if held is not None:
                held.close()
            # A worker that looks for expired leases may hold the lock for a moment, and remove the file.
            lock_file(self._held)

    def has_expired(self, name: str) -> bool:
        """Return whether a worker is certainly dead."""
        return self._take(name, remove=False)

    def remove_expired(self) -> None:
        """Remove the files of dead workers."""
        for file in self._folder.iterdir():
            self._take(file.name, remove=True)

    def release(self) -> None:
        """Release the lease and remove its file."""
        if self._held is not None:
            (self._folder / self._name).unlink(missing_ok=True)
            self._held.close()
            self._held = None

    def _take(self, name: str, *, remove: bool) -> bool:
        """Return whether a lease has expired; remove its file only while holding the lock."""
        if name == self._name:
            return False
        file = self._folder / name
        try:
            with file.open("r") as lock:
                expired = lock_file(lock, wait=False)
                if expired and remove:
                    file.unlink(missing_ok=True)
        except FileNotFoundError:
            return True
        return expired

    def _holds(self, file: pathlib.Path) -> bool:
        """Return whether the locked file is the one of that name."""
        if self._held is None:
            return False
        try:
            return os.path.samestat(file.stat(), os.fstat(self._held.fileno()))
        except FileNotFoundError:
            return False


class AdvisoryLeases:
    """Leases as advisory locks of PostgreSQL, each held by a connection of its own.

    :param database: the database.
    """

    def __init__(self, database: Database) -> None:
        self._engine = database.engine
        self._lock = threading.Lock()
        self._connection: sa.Connection | None = None
        self._name = ""

    def acquire(self, name: str) -> None:
        """Take the lease of this worker, until :meth:`release` or the end of its connection."""
        self._name = name
        self._take()

    def renew(self) -> None:
        """Take the lease again if its connection was lost."""
        with self._lock:
            try:
                assert self._connection is not None
                self._connection.execute(sa.text("select 1"))
            except Exception:  # any error of the driver: the lock is lost with the connection
                with contextlib.suppress(Exception):
                    self._drop()
                self._take()

    def has_expired(self, name: str) -> bool:
        """Return whether a worker is certainly dead."""
        if name == self._name:
            return False
        with self._engine.connect() as connection:
            free = connection.execute(sa.select(sa.func.pg_try_advisory_lock(lock_number(name)))).scalar()
            if free:
                connection.execute(sa.select(sa.func.pg_advisory_unlock(lock_number(name))))
        return bool(free)

    def remove_expired(self) -> None:
        """Do nothing: a lost connection leaves nothing behind."""

    def release(self) -> None:
        """Release the lease."""
        with self._lock, contextlib.suppress(Exception):
            self._drop()

    def _take(self) -> None:
        # An older session of this worker may still hold the lock: the next call of ``renew`` takes it.
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        if connection.execute(sa.select(sa.func.pg_try_advisory_lock(lock_number(self._name)))).scalar():
            self._connection = connection
        else:
            connection.close()

    def _drop(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.invalidate()
            connection.close()


def leases_of(database: Database) -> FileLeases | AdvisoryLeases:
    """Return the leases that fit a database."""
    file = database.file
    return AdvisoryLeases(database) if file is None else FileLeases(file.with_name(f"{file.name}.leases"))


def lock_number(name: str) -> int:
    """Return the number of a worker's advisory lock."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big", signed=True)
