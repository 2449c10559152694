"""Leases of workers: a lock per worker, which the system releases when the worker's process ends.

It is a lock on a file, or an advisory lock of PostgreSQL. If another process can take a worker's lock, that worker is
dead, however it died: a lease has no time of its own. ``queue.py`` looks for such workers each second, and gives their tasks
to others.
"""

from __future__ import annotations

import abc
import contextlib
import functools
import hashlib
import os
import pathlib
import threading
from typing import IO, Any, Final

import sqlalchemy as sa

from notifykit.durable.database import Database, lock_file, poll
from notifykit.durable.forks import keep_from_children
from notifykit.settings.files import make_folder, open_file

#: The most seconds to wait for the lock of the own lease.
_PATIENCE: Final = 10.0


class Leases(abc.ABC):
    """The lease of this worker, and a look at those of others."""

    _name = ""

    def acquire(self, name: str) -> None:
        """Take the lease of this worker, until :meth:`release` or the end of its process."""
        self._name = name
        self.renew()

    def has_expired(self, name: str) -> bool:
        """Return whether a worker is certainly dead."""
        return name != self._name and self._is_free(name)

    @abc.abstractmethod
    def renew(self) -> None:
        """Take the lease again if it was lost."""

    @abc.abstractmethod
    def remove_expired(self) -> None:
        """Remove what dead workers left behind."""

    @abc.abstractmethod
    def release(self) -> None:
        """Release the lease."""

    @abc.abstractmethod
    def _is_free(self, name: str) -> bool: ...


class FileLeases(Leases):
    """Leases as locks on files in a folder beside the database."""

    def __init__(self, folder: pathlib.Path) -> None:
        make_folder(folder)
        self._folder = folder
        self._held: IO[Any] | None = None

    def renew(self) -> None:
        """Take the lock again if its file was removed."""
        file = self._folder / self._name
        while not self._holds(file):
            held, self._held = self._held, os.fdopen(open_file(file), "r+b")
            if held is not None:
                held.close()
            keep_from_children(self._held)
            # A worker that looks for expired leases may hold the lock for a moment, and remove the file.
            if not poll(functools.partial(lock_file, self._held), _PATIENCE):
                raise TimeoutError(f"another process holds the lock of {file} and is stopped: end it")

    def remove_expired(self) -> None:
        """Remove the files of dead workers."""
        for file in self._folder.iterdir():
            if file.name != self._name:
                self._is_free(file.name, remove=True)

    def release(self) -> None:
        """Release the lock and remove its file."""
        if self._held is not None:
            (self._folder / self._name).unlink(missing_ok=True)
            self._held.close()
            self._held = None

    def _is_free(self, name: str, *, remove: bool = False) -> bool:
        file = self._folder / name
        try:
            with os.fdopen(open_file(file, create=False), "r+b") as lock:
                keep_from_children(lock)
                free = lock_file(lock)
                if free and remove:  # only while the lock is held: its worker may just be starting
                    file.unlink(missing_ok=True)
        except FileNotFoundError:
            return True
        return free

    def _holds(self, file: pathlib.Path) -> bool:
        """Return whether the locked file is the one of that name."""
        try:
            return self._held is not None and os.path.samestat(file.stat(), os.fstat(self._held.fileno()))
        except FileNotFoundError:
            return False


class AdvisoryLeases(Leases):
    """Leases as advisory locks of PostgreSQL, each held by a connection of its own."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._connection: sa.Connection | None = None

    def renew(self) -> None:
        """Take the lock again if its connection was lost."""
        with self._lock:
            try:
                if self._connection is not None:
                    self._connection.execute(sa.text("select 1"))
                    return
            except Exception:  # any error of the driver: the lock is lost with the connection
                self._drop()
            # An older session of this worker may still hold the lock: the next call takes it.
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            if connection.execute(sa.select(sa.func.pg_try_advisory_lock(lock_number(self._name)))).scalar():
                self._connection = connection
            else:
                connection.close()

    def remove_expired(self) -> None:
        """Do nothing: a lost connection leaves nothing behind."""

    def release(self) -> None:
        """Release the lock."""
        with self._lock:
            self._drop()

    def _is_free(self, name: str) -> bool:
        with self._engine.connect() as connection:
            free = connection.execute(sa.select(sa.func.pg_try_advisory_lock(lock_number(name)))).scalar()
            if free:
                connection.execute(sa.select(sa.func.pg_advisory_unlock(lock_number(name))))
        return bool(free)

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):
                connection.invalidate()
                connection.close()


def leases_of(database: Database) -> Leases:
    """Return the leases that fit a database."""
    file = database.file
    return AdvisoryLeases(database.engine) if file is None else FileLeases(file.with_name(f"{file.name}.leases"))


def lock_number(name: str) -> int:
    """Return the number of a worker's advisory lock."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big", signed=True)
