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
