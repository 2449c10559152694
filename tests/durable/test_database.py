"""Where jobs are kept: what can be said, and what is said about what can't be used."""

from __future__ import annotations

import pathlib
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from notifykit import ConfigError, Notifier, Settings
from notifykit.durable.database import Database, DurableSettings
from tests.durable.conftest import Cluster, Recorder, Store, environment, numbers


def durable(**variables: str) -> DurableSettings:
    """Return what the environment means."""
    return DurableSettings.of(Settings.load(environment=variables))


def test_the_default_is_a_file_of_this_user(tmp_path: pathlib.Path) -> None:
    """In the state folder, and the process that submits sends."""
    found = durable(NOTIFYKIT_STATE_DIR=str(tmp_path))
    assert found.file == tmp_path / "jobs.sqlite3"
    assert found.embedded


def test_a_database_that_machines_share_is_sent_by_workers(tmp_path: pathlib.Path) -> None:
    """Unless the settings say otherwise; the password is in no repr."""
    found = durable(NOTIFYKIT_DATABASE_URL="postgresql://me:hunter2@db.example/notify")
    assert (found.file, found.embedded) == (None, False)
    assert "hunter2" not in repr(found)
    assert durable(
        NOTIFYKIT_DATABASE_URL="postgres://me:hunter2@db.example/notify", NOTIFYKIT_WORKERS="embedded"
    ).embedded
    assert durable(NOTIFYKIT_DATABASE_URL=f"sqlite:///{tmp_path}/x.db").file == tmp_path / "x.db"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("NOTIFYKIT_DATABASE_URL", "mysql://me:hunter2@db.example/x", "PostgreSQL"),
        ("NOTIFYKIT_DATABASE_URL", "hunter2", "PostgreSQL"),
        ("NOTIFYKIT_WORKERS", "many", "embedded"),
        ("NOTIFYKIT_KEEP_JOBS", "0", "length of time"),
        ("NOTIFYKIT_KEEP_BODIES", "soon", "length of time"),
    ],
)
def test_what_makes_no_sense_is_refused(name: str, value: str, words: str) -> None:
    """With the name of the setting and what it may be; nothing that may be a password is repeated."""
    with pytest.raises(ConfigError, match=words) as caught:
        durable(**{name: value})
    assert name.removeprefix("NOTIFYKIT_").lower() in str(caught.value).lower()
    assert "hunter2" not in str(caught.value)


def test_a_file_that_can_not_be_used_says_what_to_do(
    tmp_path: pathlib.Path, notifiers: Callable[..., Notifier]
) -> None:
    """A folder that is a file, and a file that is no database."""
    (tmp_path / "file").write_text("x")
    for url in (f"sqlite:///{tmp_path}/file/jobs.sqlite3",):
        store = Store("sqlite", tmp_path / "state", {"NOTIFYKIT_DATABASE_URL": url})
        with pytest.raises(ConfigError, match=r"database_url.*NOTIFYKIT_STATE_DIR"):
            notifiers(store, Recorder()).submit(numbers(1), "Hello")
    (tmp_path / "jobs.db").write_bytes(b"this is no database at all" * 100)
    store = Store("sqlite", tmp_path / "state", {"NOTIFYKIT_DATABASE_URL": f"sqlite:///{tmp_path}/jobs.db"})
    with pytest.raises(ConfigError, match=r"database_url.*jobs\.db"):
        notifiers(store, Recorder()).jobs()


def test_a_folder_with_an_odd_name_is_a_folder(tmp_path: pathlib.Path, notifiers: Callable[..., Notifier]) -> None:
    """Spaces and hashes mean nothing in it; what would mean something in an address is refused, not cut off."""
    folder = tmp_path / "a b#d"
    store = Store("sqlite", tmp_path / "x", {"NOTIFYKIT_STATE_DIR": str(folder)})
    with notifiers(store, Recorder()) as notifier:
        assert notifier.submit(numbers(2), "Hello").wait(60).accepted == 2
    assert (folder / "jobs.sqlite3").stat().st_size > 0
    for name in ("a?b", "a%20b"):
        with pytest.raises(ConfigError, match="has none"):
            durable(NOTIFYKIT_STATE_DIR=str(tmp_path / name))


def test_a_postgresql_that_can_not_be_used_says_what_to_do(
    cluster: Cluster, tmp_path: pathlib.Path, notifiers: Callable[..., Notifier], caplog: pytest.LogCaptureFixture
) -> None:
    """No server, a wrong password, no such database; never with the password."""
    good = cluster.url("postgres")
    for url in (
        "postgresql://me:hunter2@127.0.0.1:1/x",
        good.replace("s3cr3t-word", "hunter2"),
        cluster.url("nothing_here"),
    ):
        store = Store("postgresql", tmp_path, {"NOTIFYKIT_DATABASE_URL": url})
        with pytest.raises(ConfigError, match="NOTIFYKIT_DATABASE_URL") as caught:
            notifiers(store, Recorder()).jobs()
        for secret in ("hunter2", "s3cr3t"):
            assert secret not in str(caught.value) + repr(caught.value) + caplog.text


def test_a_process_that_stood_still_in_a_transaction_says_so(cluster: Cluster) -> None:
    """PostgreSQL runs, so nobody is asked whether it does."""
    database = Database(durable(NOTIFYKIT_DATABASE_URL=cluster.url("postgres")))

    def stand_still() -> None:
        with database.begin() as connection:
            connection.execute(sa.text("set idle_in_transaction_session_timeout = '50ms'"))
            time.sleep(0.2)
            connection.execute(sa.text("select 1"))

    with pytest.raises(DBAPIError) as caught:
        stand_still()
    assert "stood still" in str(database.unusable(caught.value))
    database.close()


def test_one_process_sends_for_one_database(tmp_path: pathlib.Path, notifiers: Callable[..., Notifier]) -> None:
    """A second notifier that wants to send says so, and works once the first is closed."""
    stores = [Store("sqlite", tmp_path, {"NOTIFYKIT_STATE_DIR": str(tmp_path / name)}) for name in "ab"]
    first, second = (notifiers(store, Recorder()) for store in stores)
    first.submit(numbers(1), "Hello").wait(60)
    with pytest.raises(ConfigError, match="one process, one database"):
        second.submit(numbers(1), "Hello")
    first.close()
    assert second.submit(numbers(1), "Hello").wait(60).accepted == 1


def test_who_does_not_use_jobs_loads_nothing_for_them(store: Store) -> None:
    """Neither the import nor building a notifier, nor a plain send."""
    code = (
        "import sys, notifykit; from notifykit import Notifier, PluginHost; "
        "Notifier('memory', host=PluginHost(entry_points=False)).send('96598765432', 'hello'); "
        "print(*sorted({'dbos', 'sqlalchemy', 'psycopg', 'platformdirs'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(store), capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.split() == []


def test_a_connection_that_is_in_use_is_closed_after_its_database(each_store: Store) -> None:
    """By who returns it: a pool that is gone closes nothing."""
    database = Database(durable(**each_store.environment))
    connection = database.engine.connect()
    driver = connection.connection.driver_connection
    database.close()
    connection.close()
    with pytest.raises(Exception, match="closed"):
        driver.execute("select 1")
