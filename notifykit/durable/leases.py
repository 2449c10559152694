"""Who is alive: each worker holds a lock named after it, and the system lets go of it when the worker is gone.

On one machine it is a lock on a file, in PostgreSQL an advisory lock of a connection. Whoever can take another
worker's lock knows that it is dead, however it died.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pathlib
import threading
from typing import IO, Any, Protocol

import sqlalchemy as sa

from notifykit.durable.database import Database


class Liveness(Protocol):
    """Says who is alive."""

    def live(self, name: str) -> None:
        """Say that this worker is alive, until its process ends or :meth:`die` is called."""
        ...

    def is_dead(self, name: str) -> bool:
        """Return whether a worker is certainly gone."""
        ...

    def keep(self) -> None:
        """Say it again where the lock was lost: with the connection to the database, or with its file."""
        ...

    def forget_dead(self) -> None:
        """Remove what is left of workers that are gone."""
        ...

    def die(self) -> None:
        """Let go."""
        ...


def liveness(database: Database) -> Liveness:
    """Return what fits the database."""
    return Files(database.file.with_name(f"{database.file.name}.alive")) if database.file else Advisory(database)


class Files:
    """Locks on files beside the database."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder
        self._held: IO[Any] | None = None
        self._name = ""

    def live(self, name: str) -> None:
        """Take the lock of this worker's name."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._name = name
        self.keep()

    def is_dead(self, name: str) -> bool:
        """Try to take another worker's lock."""
        return self._try(name, remove=False)

    def forget_dead(self) -> None:
        """Remove the files of workers that are gone."""
        for file in self._folder.iterdir():
            self._try(file.name, remove=True)

    def keep(self) -> None:
        """Take the lock, again where somebody removed its file."""
        import fcntl

        file = self._folder / self._name
        while not self._holds(file):
            held, self._held = self._held, file.open("a")
            if held is not None:
                held.close()
            # Whoever looks for dead workers may hold it for a moment, and may have removed the file by then.
            fcntl.flock(self._held, fcntl.LOCK_EX)

    def _try(self, name: str, *, remove: bool) -> bool:
        """Return whether a worker is dead; its file is removed while the lock is held, so that no other loses its own."""
        import fcntl

        if name == self._name:
            return False
        file = self._folder / name
        try:
            with file.open("r") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if remove:
                    file.unlink(missing_ok=True)
        except FileNotFoundError:
            return True
        except BlockingIOError:
            return False
        return True

    def _holds(self, file: pathlib.Path) -> bool:
        """Return whether the file that is locked is the one that others look at."""
        if self._held is None:
            return False
        try:
            return os.path.samestat(file.stat(), os.fstat(self._held.fileno()))
        except FileNotFoundError:
            return False

    def die(self) -> None:
        """Let go of the lock and remove the file."""
        if self._held is not None:
            (self._folder / self._name).unlink(missing_ok=True)
            self._held.close()
            self._held = None


class Advisory:
    """Advisory locks of PostgreSQL, each held by a connection of its own."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._lock = threading.Lock()
        self._connection: sa.Connection | None = None
        self._name = ""

    def live(self, name: str) -> None:
        """Take the lock of this worker's name."""
        self._name = name
        self._take()

    def is_dead(self, name: str) -> bool:
        """Try to take another worker's lock, and let go of it at once."""
        if name == self._name:
            return False
        with self._db.engine.connect() as connection:
            got = connection.execute(sa.select(sa.func.pg_try_advisory_lock(_number(name)))).scalar()
            if got:
                connection.execute(sa.select(sa.func.pg_advisory_unlock(_number(name))))
        return bool(got)

    def keep(self) -> None:
        """Take the lock again where the connection that held it is gone."""
        with self._lock:
            try:
                assert self._connection is not None
                self._connection.execute(sa.text("select 1"))
            except Exception:  # whatever the driver says: the lock is gone with the connection
                with contextlib.suppress(Exception):
                    self._drop()
                self._take()

    def forget_dead(self) -> None:
        """Do nothing: nothing is left of a connection that is gone."""

    def die(self) -> None:
        """Let go of the lock."""
        with self._lock, contextlib.suppress(Exception):
            self._drop()

    def _take(self) -> None:
        # The lock belongs to the session. Where an older one of this worker's has not ended yet, the next look comes.
        connection = self._db.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        if connection.execute(sa.select(sa.func.pg_try_advisory_lock(_number(self._name)))).scalar():
            self._connection = connection
        else:
            connection.close()

    def _drop(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.invalidate()
            connection.close()


def _number(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big", signed=True)
