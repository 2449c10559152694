"""The database of jobs: its settings, and transactions on a file of this user or on PostgreSQL.

Every wait for another process has an end, and its error names that process where the system shows it.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import pathlib
import socket
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any, Final, TypeVar

import attrs
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError

from notifykit.durable.forks import SQLITE, Pool, keep_from_children, watch_file
from notifykit.durable.tables import METADATA
from notifykit.errors import ConfigError
from notifykit.redaction import Secret
from notifykit.settings.fields import Field, duration, one_of, secret
from notifykit.settings.files import open_file, prepare_database
from notifykit.settings.folders import lasting_folder
from notifykit.settings.sources import Settings

_Result = TypeVar("_Result")

SECTION: Final = "durable"
_FILE: Final = "jobs.sqlite3"
_DAY: Final = 86_400.0
#: Milliseconds that a write waits for another one to end, and after how many it begins to ask often again: SQLite asks
#: ever more seldom, up to every 100 ms, so that whoever came last would go first.
_BUSY: Final = 30_000
_FAIR: Final = 18
_PRAGMAS: Final = ("foreign_keys=ON", "journal_mode=WAL", "synchronous=FULL")
#: Seconds for which a worker retries while the database is unavailable, and the longest pause between two tries.
PATIENCE: Final = 120.0
_LONGEST_PAUSE: Final = 2.0
#: The advisory lock of the process that creates tables in PostgreSQL, and the seconds between two tries to get it.
_MIGRATION_LOCK: Final = 7203165
_LOCK_POLL: Final = 0.1
#: The most seconds to wait for a process that creates tables.
_MIGRATION: Final = 30.0
#: What PostgreSQL ends by itself: a wait for a lock, and a session that stands still inside a transaction. The
#: transactions of this package take milliseconds, so that is a session of a process that is stopped or gone.
_LIMITS: Final = ("set lock_timeout = '15s'", "set idle_in_transaction_session_timeout = '10s'")
#: PostgreSQL's code for a session that it ended for the second reason.
_STOOD_STILL: Final = "25P03"
_CONNECT: Final = 10
_HOLDERS: Final = sa.text(
    "select pid, application_name, client_addr::text from pg_stat_activity where pid <> pg_backend_pid() and pid in ("
    "select pid from pg_locks where granted and database = (select oid from pg_database where datname = "
    "current_database()) and (locktype = 'advisory' and objid = :migration or locktype = 'relation' and mode ~ "
    "'Exclusive' and relation in (select oid from pg_class where relname ~ '^notifykit_'))) limit 5"
)
#: Equal for two connections to one PostgreSQL database, and for no others.
_IDENTITY: Final = sa.text("select current_database(), pg_postmaster_start_time()")
#: What SQLite says, and what it means.
_REASONS: Final = (
    ("malformed", "the file is damaged: move it and the files beside it away, and restore a backup"),
    ("can't be read", "a row of it is damaged: restore a backup, or move the file and the files beside it away"),
    ("Could not decode", "a row of it is damaged: restore a backup, or move the file and the files beside it away"),
    ("not a database", "the file is no database, or damaged: move it away, and restore a backup"),
    ("full", "the disk is full: make room"),
    ("readonly", "it can't be written to: is the file this user's?"),
    ("unable to open", "it can't be opened: is the folder this user's?"),
    ("disk I/O", "the disk can't be read or written: is it full, or broken?"),
)


def days(value: object) -> float:
    """Return a length of time in seconds; a plain number counts days."""
    return duration(value, unit="d")


FIELDS: Final = (
    Field(
        "database_url",
        secret,
        None,
        ("NOTIFYKIT_DATABASE_URL",),
        help="postgresql://… for jobs that many machines share; without it a file of this user.",
    ),
    Field(
        "workers",
        one_of("embedded", "separate"),
        None,
        ("NOTIFYKIT_WORKERS",),
        help="embedded: the process that submits sends too; separate: only `notifykit worker` sends.",
    ),
    Field("keep_jobs", days, 90 * _DAY, ("NOTIFYKIT_KEEP_JOBS",), help="Days until a finished job is deleted."),
    Field(
        "keep_bodies",
        days,
        7 * _DAY,
        ("NOTIFYKIT_KEEP_BODIES",),
        help="Days until the texts and addresses of a finished job are deleted.",
    ),
)


@attrs.frozen
class DurableSettings:
    """The settings of jobs."""

    #: The database, with its password.
    url: Secret
    #: The file, if it is one.
    file: pathlib.Path | None
    #: Whether the process that submits sends too.
    embedded: bool
    #: Seconds until a finished job is deleted.
    keep_jobs: float
    #: Seconds until the texts and addresses of a finished job are deleted.
    keep_bodies: float
    #: Whether the settings name the database.
    is_named: bool = False

    @classmethod
    def of(cls, settings: Settings) -> DurableSettings:
        """Resolve the settings.

        :raises ConfigError: with every problem.
        """
        values = {name: value.value for name, value in settings.section(SECTION, FIELDS).items()}
        given: Secret | None = values["database_url"]
        url = given.reveal() if given else ""
        file = None
        if not url or url.startswith("sqlite:"):
            folder = pathlib.Path(settings.state_dir).absolute() if settings.state_dir else None
            file = (
                pathlib.Path(url.removeprefix("sqlite:///")).absolute() if url else (folder or lasting_folder()) / _FILE
            )
            if set("?%") & set(str(file)):
                raise ConfigError(
                    f"database_url: {file} has a ? or a % in it: keep jobs in a folder whose name has none"
                )
            url = f"sqlite:///{file}"
        elif url.startswith(("postgresql://", "postgres://")):
            url = "postgresql+psycopg://" + url.partition("://")[2]
        else:
            raise ConfigError(
                "database_url: jobs are kept in PostgreSQL (postgresql://user:password@host/database) or in a file "
                "(sqlite:///folder/jobs.sqlite3)"
            )
        embedded = values["workers"] == "embedded" if values["workers"] else file is not None
        return cls(Secret(url), file, embedded, values["keep_jobs"], values["keep_bodies"], given is not None)

    def at(self, file: pathlib.Path) -> DurableSettings:
        """Return the settings of a database in another file."""
        return attrs.evolve(self, url=Secret(f"sqlite:///{file}"), file=file)


class Database:
    """A database, with a store's tables in it.

    :param settings: where it is.
    :param metadata: the tables.
    :param what: what is kept in it, for errors.
    :raises ConfigError: it can't be used.
    """

    def __init__(self, settings: DurableSettings, metadata: sa.MetaData = METADATA, what: str = "jobs") -> None:
        self.settings = settings
        self._what = what
        self.file = settings.file
        if self.file is not None:
            _create_private(self.file, what)
        self.engine = new_engine(settings)
        #: ``INSERT`` in the database's dialect: with ``on_conflict_do_update``.
        self.insert: Any = sqlite.insert if self.file is not None else postgresql.insert
        try:
            self._create(metadata)
        except ConfigError:
            self.engine.dispose()
            raise

    def _create(self, metadata: sa.MetaData) -> None:
        try:
            with self.migration_lock():
                metadata.create_all(self.engine)
                with self.begin() as db:
                    _complete(db, metadata)
        except SQLAlchemyError as error:
            raise self.unusable(error) from None

    def begin(self) -> contextlib.AbstractContextManager[sa.Connection]:
        """Return a transaction: committed at the end, rolled back if something raises."""
        return self.engine.begin()

    def read(self) -> contextlib.AbstractContextManager[sa.Connection]:
        """Return a transaction that only reads, and so blocks no other."""
        return self.engine.execution_options(reading=True).begin()

    def retry(self, work: Callable[[sa.Connection], _Result]) -> _Result:
        """Do something in a transaction, again while the database is unavailable: for what must not be lost.

        :raises sqlalchemy.exc.SQLAlchemyError: any other error, or no database for ``PATIENCE`` seconds.
        """
        ends = time.monotonic() + PATIENCE
        pause = 0.05
        while True:
            try:
                with self.begin() as connection:
                    return work(connection)
            except SQLAlchemyError as error:
                if not _may_pass(error) or time.monotonic() + pause > ends:
                    raise
                time.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)

    def connection_of(self, given: Any) -> sa.Connection:
        """Return the connection of a caller's transaction.

        :param given: a SQLAlchemy connection or session.
        :raises ConfigError: it is not on this database: one commit would not cover both.
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
            if db.execute(_IDENTITY).one() != found.execute(_IDENTITY).one():
                raise ConfigError(
                    "connection: this transaction is on another database than NOTIFYKIT_DATABASE_URL: submit after the "
                    "commit, or keep jobs in that database"
                )
        return found

    @contextlib.contextmanager
    def migration_lock(self) -> Iterator[None]:
        """Let one process at a time create tables.

        :raises ConfigError: another one has been at it for too long.
        """
        if self.file is not None:
            # Whoever creates tables in a file is inside of SQLite, DBOS too.
            with self._file_lock(self.file.with_name(f"{self.file.name}.lock")), SQLITE.inside():
                yield
            return
        # Polled outside of a transaction: a waiting one would block CREATE INDEX CONCURRENTLY of the lock's holder.
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            attempt = sa.select(sa.func.pg_try_advisory_lock(_MIGRATION_LOCK))
            if not poll(lambda: bool(connection.execute(attempt).scalar()), _MIGRATION):
                raise ConfigError(_held(f"its tables, for {_MIGRATION:.0f} s", self._sessions()))
            try:
                yield
            finally:
                connection.execute(sa.select(sa.func.pg_advisory_unlock(_MIGRATION_LOCK)))

    @contextlib.contextmanager
    def _file_lock(self, path: pathlib.Path) -> Iterator[None]:
        try:
            lock = open(path, "a+", encoding="utf-8", opener=_plain)  # noqa: SIM115 - it is closed below
        except OSError as error:
            raise _not_kept(self._what, path, error) from error
        with lock:
            keep_from_children(lock)
            with contextlib.suppress(ImportError):  # Windows
                if not poll(lambda: lock_file(lock), _MIGRATION):
                    lock.seek(0)
                    raise ConfigError(_held(f"{path}, for {_MIGRATION:.0f} s", _processes([lock.read(20).strip()])))
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield

    def unusable(self, error: Exception) -> ConfigError:
        """Return the error for a statement that failed, with who holds the database's lock if that is why.

        It does not quote the driver, which may show the password.
        """
        cause = getattr(error, "orig", None) or error
        kind, words, code = type(cause).__name__, str(cause), _sqlstate(error)
        if self.file is not None and "locked" in words:
            return ConfigError(_held(f"{self.file}, for {_BUSY / 1000:.0f} s", _lock_owners(self.file)))
        if self.file is not None:
            reason = next((means for said, means in _REASONS if said in words), f"the database failed with {kind}")
            return ConfigError(
                f"database_url: {self._what} can't be kept in {self.file}: {reason}. If it can't be helped there, set "
                "NOTIFYKIT_DATABASE_URL or NOTIFYKIT_STATE_DIR"
            )
        if code == "55P03":
            return ConfigError(_held("its rows, for 15 s", self._sessions()))
        if code == _STOOD_STILL:
            return ConfigError(
                "database_url: this process stood still for 10 s inside a transaction, so PostgreSQL ended it and nothing of "
                "it was stored: try again; if it stays so, this machine has too much to do"
            )
        return ConfigError(
            f"database_url: PostgreSQL can't be used ({kind}): is it running, and are address, user, password and database "
            "in NOTIFYKIT_DATABASE_URL right?"
        )

    def _sessions(self) -> list[str]:
        """Return the sessions of PostgreSQL that hold locks of jobs; none if it does not answer."""
        try:
            with self.engine.connect() as connection:
                rows = connection.execute(_HOLDERS, {"migration": _MIGRATION_LOCK}).all()
        except SQLAlchemyError:
            return []
        return [f"session {row[0]} ({row[1] or 'no name'}, {row[2] or 'this machine'})" for row in rows]

    def close(self) -> None:
        """Close the connections; one that a thread still uses is closed when it is returned."""
        close_engine(self.engine)


def _sqlstate(error: Exception) -> str | None:
    """Return PostgreSQL's code for what went wrong."""
    return getattr(getattr(error, "orig", None), "sqlstate", None)


def _may_pass(error: SQLAlchemyError) -> bool:
    """Return whether the database is away, or ended a transaction in which this process stood still."""
    return isinstance(error, OperationalError | InterfaceError) or _sqlstate(error) == _STOOD_STILL


def _complete(db: sa.Connection, metadata: sa.MetaData) -> None:
    """Add the columns and indexes that tables of an earlier version lack; such columns may be NULL."""
    known = sa.inspect(db)
    for table in metadata.sorted_tables:
        present = {column["name"] for column in known.get_columns(table.name)}
        for column in table.columns:
            if column.name not in present:
                kind = column.type.compile(db.dialect)
                db.execute(sa.text(f"ALTER TABLE {table.name} ADD COLUMN {column.name} {kind}"))
        for index in table.indexes:
            index.create(db, checkfirst=True)


def close_engine(engine: sa.Engine) -> None:
    """Close the connections of an engine; one that a thread still uses is closed when it is returned."""
    event.listen(engine, "checkin", _close_returned)
    engine.dispose()


def _close_returned(connection: Any, record: Any) -> None:
    record.invalidate()


def new_engine(settings: DurableSettings) -> sa.Engine:
    """Return an engine whose transactions are serializable.

    A transaction on SQLite takes the write lock when it begins: what it counted is still so when it writes. The clock
    in SQL is the machine's, in milliseconds, whatever the version of SQLite. Errors show no parameters: they hold texts
    and addresses.
    """
    url = settings.url.reveal()
    if settings.file is None:
        return _server_engine(url)
    wait = {"timeout": _BUSY / 1000}
    engine = sa.create_engine(
        url, poolclass=Pool, pool_size=20, max_overflow=0, hide_parameters=True, connect_args=wait
    )
    watch_file(engine)

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, record: object) -> None:
        connection.isolation_level = None
        for pragma in _PRAGMAS:
            _set_pragma(connection, pragma)
        connection.create_function("unixepoch", 1, lambda _: time.time())
        # DBOS asks for nothing but the seconds of now.
        connection.create_function("strftime", 2, lambda form, _: time.time() if form == "%s" else None)

    @event.listens_for(engine, "begin")
    def _began(connection: sa.Connection) -> None:
        if connection.get_execution_options().get("reading"):
            connection.exec_driver_sql("BEGIN")
            return
        own: Any = connection.connection.dbapi_connection
        own.execute(f"PRAGMA busy_timeout={_FAIR}")
        try:
            if not _took_write_lock(own):
                connection.exec_driver_sql("BEGIN IMMEDIATE")  # raises what SQLAlchemy makes of the error
        finally:
            with contextlib.suppress(sqlite3.Error):  # one that is closed has an error already
                own.execute(f"PRAGMA busy_timeout={_BUSY}")

    return engine


def _took_write_lock(connection: Any) -> bool:
    """Begin a transaction that writes, with the same chance as everyone else who waits; return whether that worked."""
    ends = time.monotonic() + _BUSY / 1000
    while time.monotonic() < ends:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_BUSY:
                return False
        else:
            return True
    return False


def _server_engine(url: str) -> sa.Engine:
    name = f"notifykit {socket.gethostname()[:30]} {os.getpid()}"
    known = {"fallback_application_name": name, "connect_timeout": _CONNECT}
    engine = sa.create_engine(
        url, pool_size=10, max_overflow=5, pool_pre_ping=True, hide_parameters=True, connect_args=known
    )

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, record: object) -> None:
        keep_from_children(connection)
        for statement in _LIMITS:
            connection.execute(statement)
        connection.commit()

    return engine


def _held(what: str, owners: list[str]) -> str:
    """Return the sentence about a lock that did not become free."""
    who = " and ".join(owners) or "another process"
    return f"database_url: {who} holds the lock of {what}: try again; if it stays so, it is stopped or hangs: end it"


def _lock_owners(file: pathlib.Path) -> list[str]:
    """Return the processes that have locks on a database file, where the system shows them (Linux)."""
    try:
        inodes = {path.stat().st_ino for path in (file, file.with_name(f"{file.name}-shm")) if path.exists()}
        rows = [line.split() for line in pathlib.Path("/proc/locks").read_text(encoding="ascii").splitlines()]
    except OSError:
        return []
    # Readers have read locks: who keeps others from writing has one to write.
    return _processes([r[4] for r in rows if r[3] == "WRITE" and int(r[5].rpartition(":")[2]) in inodes])


def _processes(pids: Iterable[str]) -> list[str]:
    return [f"process {pid}" for pid in dict.fromkeys(pids) if pid.isdigit() and int(pid) != os.getpid()][:5]


def poll(acquire: Callable[[], bool], seconds: float) -> bool:
    """Try to get a lock for so many seconds, and return whether that worked."""
    ends = time.monotonic() + seconds
    while not acquire():
        if time.monotonic() > ends:
            return False
        time.sleep(_LOCK_POLL)
    return True


def moment(seconds_: float) -> datetime.datetime:
    """Return seconds since 1970 as a time, UTC."""
    return datetime.datetime.fromtimestamp(seconds_, datetime.UTC)


def lock_file(file: IO[Any]) -> bool:
    """Lock a file until it is closed, and return whether that worked; without waiting.

    :raises ImportError: on Windows.
    """
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _plain(path: str, _: int) -> int:
    return open_file(path, os.O_RDWR | os.O_APPEND)


def _set_pragma(connection: Any, pragma: str) -> None:
    # The busy timeout does not cover the change of a new file to WAL.
    for pause in (0.01, 0.05, 0.2, 0.5, 1.0, 0):
        try:
            connection.execute(f"PRAGMA {pragma}")
        except sqlite3.OperationalError:
            if not pause:
                raise
            time.sleep(pause)
        else:
            return


def _create_private(file: pathlib.Path, what: str) -> None:
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        prepare_database(file)
    except OSError as error:
        raise _not_kept(what, file, error) from error


def _not_kept(what: str, file: pathlib.Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"database_url: {what} can't be kept in {file} ({type(error).__name__}): set NOTIFYKIT_STATE_DIR to a folder "
        "that this user can write to; the file and those beside it must be plain files, no links"
    )
