"""Small tables in a database of the user's choice: a file, PostgreSQL, or any other that SQLAlchemy knows."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, IntegrityError, NoSuchModuleError, SQLAlchemyError

from notifykit.durable.database import Database, DurableSettings
from notifykit.errors import ConfigError
from notifykit.pipeline.forking import renew_in_child
from notifykit.redaction import Secret
from notifykit.settings.sources import Settings, Sources

_Result = TypeVar("_Result")

#: Seconds for which a database that failed is not asked again: each question may take as long as a connection.
_PAUSE: Final = 5.0
#: How often a transaction is tried that met another one.
_TRIES: Final = 5


class AnyDatabase:
    """Opens a database when it is first used, and once in each process.

    :param url: a URL of SQLAlchemy; ``sqlite`` for the file ``name`` beside that of jobs.
    :param metadata: the tables, which are made where they are missing.
    :param name: the file's name.
    :param setting: what the settings call it, for errors.
    :param unavailable: makes the error for a database that can't be used of a word that says why; it shows nothing of
        the URL.
    :raises ConfigError: if the URL is none.
    """

    def __init__(
        self,
        url: str,
        settings: Settings,
        metadata: sa.MetaData,
        *,
        name: str,
        setting: str,
        unavailable: Callable[[str], Exception],
    ) -> None:
        self._metadata = metadata
        self._unavailable = unavailable
        self._what = name.partition(".")[0]
        self._open: Callable[[], tuple[sa.Engine, Callable[[], None]]]
        if url == "sqlite" or url.startswith(("sqlite:", "postgresql://", "postgres://")):
            given = {"durable": {"database_url": "" if url == "sqlite" else url}}
            durable = DurableSettings.of(Settings(state_dir=settings.state_dir, sources=Sources(arguments=given)))
            if url == "sqlite" and durable.file is not None:
                durable = durable.at(durable.file.with_name(name))
            elif durable.file is not None and not url.startswith("sqlite:////"):
                durable = durable.at(settings.sources.directory / url.removeprefix("sqlite:///"))
            self._open = lambda: self._open_own(durable)
        else:
            self._check(url, setting)
            self._open = lambda: self._open_other(Secret(url))
        self._lock = threading.Lock()
        renew_in_child(self, _lock=threading.Lock)
        #: The process, the engine, one whose transactions only read, and what closes them.
        self._opened: tuple[int, sa.Engine, sa.Engine, Callable[[], None]] | None = None
        self._failed: tuple[float, str] | None = None

    @staticmethod
    def _check(url: str, setting: str) -> None:
        try:
            sa.make_url(url).get_dialect()
        except (ArgumentError, NoSuchModuleError, ImportError):
            raise ConfigError(
                f"{setting} is no URL of a database that SQLAlchemy knows: write sqlite, sqlite:///folder/file.sqlite3 or "
                "postgresql://user:password@host/database"
            ) from None

    def _open_own(self, settings: DurableSettings) -> tuple[sa.Engine, Callable[[], None]]:
        database = Database(settings, self._metadata, self._what)
        return database.engine, database.close

    def _open_other(self, url: Secret) -> tuple[sa.Engine, Callable[[], None]]:
        engine = sa.create_engine(url.reveal(), pool_pre_ping=True, hide_parameters=True)
        self._metadata.create_all(engine)
        return engine, engine.dispose

    def _engine(self, *, reading: bool) -> sa.Engine:
        with self._lock:
            if self._opened is not None and self._opened[0] == os.getpid():
                return self._opened[2] if reading else self._opened[1]
            if self._opened is not None:
                self._opened[1].dispose(close=False)  # its connections are the parent's
                self._opened = None
            engine, close = self._open()
            reader = engine.execution_options(reading=True)
            self._opened = os.getpid(), engine, reader, close
            return reader if reading else engine

    @contextlib.contextmanager
    def _failures(self) -> Iterator[None]:
        failed = self._failed
        if failed is not None and time.monotonic() < failed[0]:
            raise self._unavailable(failed[1])
        try:
            yield
        except (SQLAlchemyError, ConfigError, OSError, ImportError) as error:
            word = type(getattr(error, "orig", None) or error).__name__
            self._failed = time.monotonic() + _PAUSE, word
            raise self._unavailable(word) from None
        self._failed = None

    def read(self, work: Callable[[sa.Connection], _Result]) -> _Result:
        """Do something in a transaction that only reads.

        :raises Exception: what ``unavailable`` returns, if the database can't be used.
        """
        with self._failures(), self._engine(reading=True).begin() as connection:
            return work(connection)

    def write(self, work: Callable[[sa.Connection], _Result]) -> _Result:
        """Do something in a transaction, again where another one wrote the same rows at the same time.

        :raises Exception: what ``unavailable`` returns, if the database can't be used.
        """
        with self._failures():
            for attempt in range(1, _TRIES + 1):
                try:
                    with self._engine(reading=False).begin() as connection:
                        return work(connection)
                except IntegrityError:
                    if attempt == _TRIES:
                        raise
        raise AssertionError("the loop returns or raises")

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            opened, self._opened = self._opened, None
        if opened is not None and opened[0] == os.getpid():
            opened[3]()
