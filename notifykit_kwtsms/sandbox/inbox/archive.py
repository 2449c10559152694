"""The file that an inbox survives a restart in: SQLite, one table of messages, one of facts."""

from __future__ import annotations

import contextlib
import os
import pathlib
import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from typing import Final

from notifykit.errors import ConfigError
from notifykit_kwtsms.sandbox.inbox.message import CapturedMessage, from_line, to_line

#: Marks the file as ours ("NKSB"), and names the version of its tables.
APPLICATION_ID: Final = 0x4E4B5342
SHAPE: Final = 1
_TABLES: Final = """
CREATE TABLE messages (id INTEGER PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE facts (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
"""


class Archive:
    """One open store file. It has no lock of its own: the store's is held when it is used.

    A change is on its way to the disk when :meth:`write` returns: a process that is killed loses nothing.
    """

    def __init__(self, path: pathlib.Path) -> None:
        """Open or create the file; one that is in use or is something else is a :class:`ConfigError`."""
        self.path = path
        #: The number of the newest change that it knows.
        self.sequence = 0
        #: The highest id that was ever given.
        self.highest = 0
        #: Names this history of changes; another file is another history.
        self.history = ""
        self.open()

    def open(self) -> None:
        """Open the file, again after :meth:`close`: another sandbox may have written to it meanwhile."""
        self._database = self._connect()
        with self._explained():
            self._prepare()
        facts = dict(self._database.execute("SELECT name, value FROM facts"))
        self.sequence = int(facts.get("sequence", 0))
        self.highest = int(facts.get("highest", 0))
        self.history = str(facts.get("history") or secrets.token_hex(8))
        self._remember(history=self.history)
        self.closed = False

    def messages(self) -> Iterator[CapturedMessage]:
        """Yield what is in it, oldest first. A row that can't be read is a :class:`ConfigError`."""
        for number, body in self._database.execute("SELECT id, body FROM messages ORDER BY id"):
            try:
                yield from_line(body)
            except ValueError as problem:
                raise ConfigError(f"message {number} of the store {self.path} can't be read: {problem}") from problem

    def write(self, touched: Mapping[int, CapturedMessage | None], sequence: int, highest: int) -> None:
        """Write what changed; None is a deleted message. A failing disk is an :class:`sqlite3.Error`."""
        with self._transaction():
            for number, message in touched.items():
                if message is None:
                    self._database.execute("DELETE FROM messages WHERE id = ?", (number,))
                else:
                    self._database.execute(
                        "INSERT INTO messages VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
                        (number, to_line(message)),
                    )
            self._remember(sequence=sequence, highest=highest)

    def close(self) -> None:
        """Close the file."""
        self._database.close()
        self.closed = True

    def _connect(self) -> sqlite3.Connection:
        try:
            # Texts and numbers of people are in it: only its owner may read it, from its first moment on.
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as problem:
            raise ConfigError(f"the store {self.path} can't be opened: {problem.strerror or problem}") from problem
        return sqlite3.connect(self.path, timeout=0.5, isolation_level=None, check_same_thread=False)

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as problem:
            self._database.close()
            locked = "locked" in str(problem)
            why = "another sandbox is using it" if locked else f"it is not a store of the sandbox ({problem})"
            raise ConfigError(f"the store {self.path} can't be used: {why}") from problem
        except ConfigError:
            self._database.close()
            raise

    def _prepare(self) -> None:
        # One process at a time: two would give the same numbers to different changes.
        self._database.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._database.execute("PRAGMA journal_mode = WAL")
        # Safe against a killed process; a machine without power may lose the last moment, which a sandbox can bear.
        self._database.execute("PRAGMA synchronous = NORMAL")
        with self._transaction():
            (mark,) = self._database.execute("PRAGMA application_id").fetchone()
            (shape,) = self._database.execute("PRAGMA user_version").fetchone()
            (tables,) = self._database.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if mark == 0 and tables == 0:
                for statement in filter(None, map(str.strip, _TABLES.split(";"))):
                    self._database.execute(statement)
                self._database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                self._database.execute(f"PRAGMA user_version = {SHAPE}")
            elif mark != APPLICATION_ID:
                raise ConfigError(f"{self.path} is a database of something else: give the store a file of its own")
            elif shape != SHAPE:
                raise ConfigError(f"the store {self.path} was written by another version of notifykit (shape {shape})")

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def _remember(self, **facts: str | int) -> None:
        self._database.executemany(
            "INSERT INTO facts VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", facts.items()
        )
