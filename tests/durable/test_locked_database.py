"""What is said of a database whose lock another process holds."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest

from notifykit.settings.sources import Settings

pytest.importorskip("sqlalchemy", reason="jobs need the extra durable")


def test_a_lock_that_is_held_is_no_full_disk(tmp_path):
    """The cure is another one: nobody has to make room."""
    from notifykit.durable.database import Database, DurableSettings

    settings = Settings.load({"state_dir": str(tmp_path)}, environment={}, directory=tmp_path)
    database = Database(DurableSettings.of(settings))
    with contextlib.closing(sqlite3.connect(tmp_path / "other")) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        with contextlib.closing(sqlite3.connect(tmp_path / "other", timeout=0)) as other:
            with pytest.raises(sqlite3.OperationalError) as caught:
                other.execute("BEGIN EXCLUSIVE")
    said = str(database.unusable(caught.value))
    database.close()
    assert "another process holds the lock" in said
    assert "full" not in said


def test_a_lock_that_is_held_is_waited_for_once(tmp_path, monkeypatch):
    """Not by this framework and then by SQLite as well; after it the connection waits as before."""
    import sqlalchemy as sa
    from sqlalchemy.exc import OperationalError

    from notifykit.durable import database as module

    monkeypatch.setattr(module, "_BUSY", 400)
    settings = Settings.load({"state_dir": str(tmp_path)}, environment={}, directory=tmp_path)
    database = module.Database(module.DurableSettings.of(settings))
    with database.begin():
        pass
    asked = []

    @sa.event.listens_for(sa.Engine, "before_cursor_execute")
    def look(connection, cursor, statement, *rest):
        if statement == "BEGIN IMMEDIATE":
            asked.append(cursor.execute("PRAGMA busy_timeout").fetchone()[0])

    try:
        with contextlib.closing(sqlite3.connect(database.file, isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            with pytest.raises(OperationalError, match="locked"), database.begin():
                pass
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", look)
    assert asked == [module._FAIR]
    with database.read() as db:
        assert db.exec_driver_sql("PRAGMA busy_timeout").scalar() == 400
    database.close()


def test_a_damaged_database_is_said_by_the_store_that_uses_it(tmp_path):
    """SQLite sees it when a transaction begins, and its error is another one than that of a lock."""
    from notifykit.durable.suppressions import SuppressionTable
    from notifykit.people.suppressions import ListUnavailable

    settings = Settings.load({"state_dir": str(tmp_path)}, environment={}, directory=tmp_path)
    table = SuppressionTable("sqlite", settings)
    table.remove(["96598765432"])
    with (tmp_path / "suppressed.sqlite3").open("r+b") as file:
        file.write(b"x" * 4096)
    (tmp_path / "suppressed.sqlite3-wal").write_bytes(b"")
    with (tmp_path / "suppressed.sqlite3-shm").open("r+b") as file:
        file.write(bytes(136))
    with pytest.raises(ListUnavailable):
        table.remove(["96598765432"])
