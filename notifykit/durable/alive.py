"""Who is alive: each worker holds a lock named after it, and the system lets go of it when the worker is gone.

On one machine it is a lock on a file, in PostgreSQL an advisory lock of a connection. Whoever can take another
worker's lock knows that it is dead, however it died.
"""

from __future__ import annotations

import contextlib
import hashlib
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
        """Say it again where the lock was lost with the connection to the database."""
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
        import fcntl

        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._name = name
        self._held = (self._folder / name).open("a")
        fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def is_dead(self, name: str) -> bool:
        """Try to take another worker's lock."""
        import fcntl

        if name == self._name:
            return False
        try:
            with (self._folder / name).open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def forget(self, name: str) -> None:
        """Remove the file of a worker whose work was taken over."""
        (self._folder / name).unlink(missing_ok=True)

    def keep(self) -> None:
        """Do nothing: a file's lock is never lost."""

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
                self._connection.rollback()
            except Exception:  # whatever the driver says: the lock is gone with the connection
                with contextlib.suppress(Exception):
                    self._drop()
                self._take()

    def die(self) -> None:
        """Let go of the lock."""
        with self._lock, contextlib.suppress(Exception):
            self._drop()

    def _take(self) -> None:
        self._connection = self._db.engine.connect()
        self._connection.execute(sa.select(sa.func.pg_advisory_lock(_number(self._name))))
        self._connection.rollback()  # the lock belongs to the session, and stays

    def _drop(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.invalidate()
            connection.close()


def _number(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big", signed=True)
