"""Opening the database: a file of this user's, or PostgreSQL. One write at a time, and every write is on disk."""

from __future__ import annotations

import contextlib
import datetime
import os
import pathlib
import time
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError

from notifykit.durable.settings import DurableSettings
from notifykit.durable.tables import METADATA
from notifykit.errors import ConfigError

_Result = TypeVar("_Result")

#: What two connections to one PostgreSQL database have in common, and those to two have not.
_WHICH: Final = sa.text("select current_database(), pg_postmaster_start_time()")

#: Milliseconds that a write waits for another one to end.
_BUSY: Final = 30_000
#: Seconds for which a worker goes on trying where the database is away, and the most between two tries.
PATIENCE: Final = 120.0
_LONGEST_PAUSE: Final = 2.0
#: Who makes tables in PostgreSQL holds the advisory lock of this number; seconds between two tries to get it.
_MAKING_TABLES: Final = 7203165
_LOCK_POLL: Final = 0.1


class Database:
    """The store's own way into the database.

    :param settings: where it is.
    :raises ConfigError: where it can't be used.
    """

    def __init__(self, settings: DurableSettings) -> None:
        self.settings = settings
        self.file = settings.file
        if self.file is not None:
            _make_private(self.file)
        self.engine = new_engine(settings)
        try:
            with self.alone():
                METADATA.create_all(self.engine)
        except SQLAlchemyError as error:
            raise unusable(settings, error) from None

    @contextlib.contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """Give a transaction: committed at the end, taken back where something raises."""
        with self.engine.begin() as connection:
            yield connection

    @contextlib.contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Give a transaction that only reads, and so holds nobody up."""
        with self.engine.execution_options(reading=True).begin() as connection:
            yield connection

    def steadily(self, work: Callable[[sa.Connection], _Result]) -> _Result:
        """Do something in one transaction, again and again while the database is away: for what must not be lost."""
        ends = time.monotonic() + PATIENCE
        pause = 0.05
        while True:
            try:
                with self.begin() as connection:
                    return work(connection)
            except (OperationalError, InterfaceError):  # every other error would be the same next time
                if time.monotonic() + pause > ends:
                    raise
                time.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)

    def outer(self, given: Any) -> sa.Connection:
        """Return the connection of somebody else's transaction.

        :raises ConfigError: where it is none on this database: then one commit would not cover both.
        """
        found = given.connection() if hasattr(given, "get_bind") else given
        if not isinstance(found, sa.Connection):
            raise ConfigError(
                f"connection: a {type(given).__name__} is no SQLAlchemy connection or session: submit after the commit"
            )
        if self.file is not None or found.dialect.name != "postgresql":
            raise ConfigError(
                "connection: jobs can be part of a transaction in PostgreSQL only: submit after the commit"
            )
        with self.read() as db:
            if db.execute(_WHICH).one() != found.execute(_WHICH).one():
                raise ConfigError(
                    "connection: this transaction is on another database than NOTIFYKIT_DATABASE_URL: submit after the "
                    "commit, or keep jobs in that database"
                )
        return found

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Let one process at a time make tables."""
        if self.file is not None:
            with open(self.file.with_name(f"{self.file.name}.lock"), "a", opener=_private) as lock:
                with contextlib.suppress(ImportError):
                    import fcntl

                    fcntl.flock(lock, fcntl.LOCK_EX)
                yield
            return
        # Whoever waits inside PostgreSQL, or holds a transaction, holds up an index that is made concurrently, and
        # whoever makes it holds the lock: so it is asked for again and again, each time in no transaction at all.
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            while not connection.execute(sa.select(sa.func.pg_try_advisory_lock(_MAKING_TABLES))).scalar():
                time.sleep(_LOCK_POLL)
            try:
                yield
            finally:
                connection.execute(sa.select(sa.func.pg_advisory_unlock(_MAKING_TABLES)))

    def close(self) -> None:
        """Close the connections."""
        self.engine.dispose()


def new_engine(settings: DurableSettings, *, migrate: bool = False) -> sa.Engine:
    """Return an engine whose transactions see and write everything in one step.

    On SQLite a transaction takes the write lock when it begins: what it counted is still so when it writes. Its clock
    is the machine's, in milliseconds, whatever the version of SQLite.

    :param migrate: whether it is for making tables, which SQLite does outside of such transactions.
    """
    if settings.file is None:
        return sa.create_engine(settings.url.reveal(), pool_size=10, max_overflow=5, pool_pre_ping=True)
    engine = sa.create_engine(
        settings.url.reveal(), pool_size=20, max_overflow=0, connect_args={"timeout": _BUSY / 1000}
    )

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, record: object) -> None:
        connection.isolation_level = "IMMEDIATE" if migrate else None
        for pragma in ("foreign_keys=ON", "journal_mode=WAL", "synchronous=FULL"):
            _pragma(connection, pragma)
        connection.execute(f"PRAGMA busy_timeout={_BUSY}")
        connection.create_function("unixepoch", 1, lambda _: time.time())
        connection.create_function("strftime", 2, _strftime)

    if not migrate:

        @event.listens_for(engine, "begin")
        def _began(connection: sa.Connection) -> None:
            reading = connection.get_execution_options().get("reading")
            connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


def unusable(settings: DurableSettings, error: Exception) -> ConfigError:
    """Return what to say where the database can't be used; the driver's words may hold the password."""
    kind = type(getattr(error, "orig", None) or error).__name__
    if settings.file is not None:
        return ConfigError(
            f"database_url: jobs can't be kept in {settings.file} ({kind}): is the disk full, or the folder not yours? "
            "Set NOTIFYKIT_DATABASE_URL or NOTIFYKIT_STATE_DIR"
        )
    return ConfigError(
        f"database_url: PostgreSQL can't be used ({kind}): is it running, and are address, user, password and database "
        "in NOTIFYKIT_DATABASE_URL right?"
    )


def moment(stamp: float | None) -> datetime.datetime | None:
    """Return a time of the store as a time of day, UTC."""
    return None if stamp is None else datetime.datetime.fromtimestamp(stamp, datetime.UTC)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _pragma(connection: Any, pragma: str) -> None:
    # Changing a new file to WAL is not covered by the busy timeout: whoever comes second tries again.
    for pause in (0.01, 0.05, 0.2, 0.5, 1.0, 0):
        try:
            connection.execute(f"PRAGMA {pragma}")
        except Exception:
            if not pause:
                raise
            time.sleep(pause)
        else:
            return


def _strftime(form: str, moment_: Any) -> Any:
    """Answer for SQLite's own function as far as the queue asks it: the seconds of now, with their fraction."""
    return time.time() if form == "%s" else None


def _make_private(file: pathlib.Path) -> None:
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise ConfigError(
            f"database_url: jobs can't be kept in {file} ({type(error).__name__}): "
            "set NOTIFYKIT_STATE_DIR to a folder that this user can write to"
        ) from error
