"""Forks beside threads that send jobs: a child submits and reads at once, and takes nothing of its parent with it."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pathlib
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest
from sqlalchemy.exc import OperationalError

from notifykit import ConfigError
from notifykit.durable.database import Database, DurableSettings
from notifykit.durable.leases import leases_of
from notifykit.durable.store import JobStore
from tests.durable.conftest import Store, elsewhere, settings, spawn, until

pytestmark = [
    pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="there is no fork here"),
    pytest.mark.slow,
]

#: A process that submits and sends in threads without a pause, and children of it that submit, read and look.
_START = """
import concurrent.futures, itertools, json, multiprocessing, os, sys, threading, time
from notifykit import Notifier
notifier = Notifier.from_settings("memory")
earlier = notifier.submit(["96598765432"], "Hello", key="parent")
notifier.work()
stop = threading.Event()
def busy(n):
    for count in itertools.count():
        if stop.is_set():
            return
        notifier.submit([str(96550000000 + 1000 * n + count)], "Hello", key=f"busy-{n}-{count}")
        stop.wait(0.005)
threads = [threading.Thread(target=busy, args=(n,)) for n in range(3)]
def child(n):
    job = notifier.submit([str(96560000000 + n)], "Hello", key=f"child-{n}")
    assert earlier.progress().total == 1
    assert job.progress().total == 1
    return len(notifier.jobs()) > 0
def fork(n):
    began = time.monotonic()
    pid = os.fork()
    if not pid:
        code = 1
        try:
            code = 0 if child(n) else 3
        except BaseException as error:
            os.write(2, f"{type(error).__name__}: {error}".encode())
        finally:
            os._exit(code)
    while time.monotonic() - began < 100:
        if os.waitpid(pid, os.WNOHANG)[0]:
            return True
        time.sleep(0.005)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    return False
context = multiprocessing.get_context("fork")
"""
_FORK = """
for thread in threads: thread.start()
answered = [fork(n) for n in range(COUNT)]
stop.set()
for thread in threads: thread.join()
"""
_PROCESS = """
for thread in threads: thread.start()
started = [context.Process(target=child, args=(n,)) for n in range(COUNT)]
answered = []
for process in started:
    process.start()
    process.join(100)
    answered.append(process.exitcode == 0)
    process.kill()
stop.set()
for thread in threads: thread.join()
"""
_POOL = """
for thread in threads: thread.start()
with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
    answered = list(pool.map(child, range(COUNT), timeout=150))
stop.set()
for thread in threads: thread.join()
"""
_END = """
children = [notifier.job(f"child-{n}").wait(120).accepted for n in range(COUNT)]
print(json.dumps([answered, children]))
sys.stdout.flush()
os._exit(0)
"""


@pytest.mark.parametrize("way", [_FORK, _PROCESS, _POOL], ids=["fork", "Process", "ProcessPoolExecutor"])
def test_a_child_of_a_busy_process_submits_and_its_jobs_are_sent(smoke_store: Store, way: str) -> None:
    """Whatever its parent's threads were doing; the parent sends what the child submitted."""
    count = 4
    script = f"COUNT = {count}\n{_START}{way}{_END}"
    answered, accepted = elsewhere(smoke_store, script, NOTIFYKIT_WORKERS="embedded")
    assert answered == [True] * count
    assert accepted == [1] * count


@contextlib.contextmanager
def opened(store: Store) -> Iterator[Database]:
    """Give the database of a store."""
    with contextlib.closing(Database(DurableSettings.of(settings(store)))) as database:
        yield database


@pytest.fixture(name="stack")
def _stack() -> Iterator[contextlib.ExitStack]:
    with contextlib.ExitStack() as stack:
        yield stack


_HOLD = """
import os, sys, time
from notifykit import Settings
from notifykit.durable.database import Database, DurableSettings
from notifykit.durable.leases import leases_of
leases = leases_of(Database(DurableSettings.of(Settings.load())))
leases.acquire("parent")
if not os.fork():
    print(os.getpid(), flush=True)
    time.sleep(60)
    os._exit(0)
os.kill(os.getpid(), 9)
"""


def test_a_lease_ends_with_its_process_although_a_child_lives_on(each_store: Store) -> None:
    """A child that keeps the file or the connection of a worker that died would hold up its batches."""
    process = spawn(each_store, _HOLD)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    try:
        process.wait(30)
        with opened(each_store) as database:
            leases = leases_of(database)
            until(lambda: leases.has_expired("parent"), 20)
    finally:
        os.kill(child, signal.SIGKILL)
        process.stdout.close()
        assert process.stderr is not None
        process.stderr.close()


def test_a_child_that_was_forked_inside_of_sqlite_says_so(store: Store) -> None:
    """It would wait for a lock for ever; so it has an error that says what to do, and does not wait."""
    script = """
import json, os
from notifykit import ConfigError, Notifier
from notifykit.durable.forks import SQLITE
notifier = Notifier.from_settings("memory")
notifier.jobs()
reader, writer = os.pipe()
with SQLITE.inside():
    pid = os.fork()
    if not pid:
        try:
            notifier.jobs()
        except ConfigError as error:
            os.write(writer, str(error).encode())
        os._exit(0)
os.waitpid(pid, 0)
print(json.dumps([os.read(reader, 1000).decode(), len(notifier.jobs())]))
"""
    words, jobs = elsewhere(store, script)
    assert "was forked" in words
    assert "spawn" in words
    assert jobs == 0


def test_who_holds_the_lock_of_the_tables_is_named(each_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that was stopped in the middle of it holds up nobody for ever."""
    monkeypatch.setattr("notifykit.durable.database._MIGRATION", 0.2)
    script = """
import os, sys
from notifykit import Settings
from notifykit.durable.database import Database, DurableSettings
with Database(DurableSettings.of(Settings.load())).migration_lock():
    print(os.getpid(), flush=True)
    sys.stdin.read()
"""
    with opened(each_store):
        pass
    process = spawn(each_store, script, stdin=subprocess.PIPE)
    assert process.stdout is not None
    pid = process.stdout.readline().decode().strip()
    with pytest.raises(ConfigError, match=rf"\b{pid}\b.* holds the lock of"), opened(each_store):
        pass
    process.communicate(timeout=30)


def test_who_holds_the_write_lock_is_named(
    store: Store, monkeypatch: pytest.MonkeyPatch, stack: contextlib.ExitStack
) -> None:
    """It is no full disk."""
    monkeypatch.setattr("notifykit.durable.database._BUSY", 100)
    database = stack.enter_context(opened(store))
    script = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("begin immediate")
print(os.getpid(), flush=True)
sys.stdin.read()
"""
    process = spawn(store, script, str(store.file), stdin=subprocess.PIPE)
    assert process.stdout is not None
    pid = process.stdout.readline().decode().strip()
    with pytest.raises(OperationalError) as caught, database.begin():
        pass
    words = str(database.unusable(caught.value))
    assert "holds the lock of" in words
    assert "disk" not in words
    if pathlib.Path("/proc/locks").exists():
        assert f"process {pid} " in words
    process.communicate(timeout=30)


_CELERY = """
import os
from celery import Celery
from notifykit import Notifier
folder = os.environ["BROKER"]
app = Celery("app", broker="filesystem://")
app.conf.update(
    broker_transport_options={"data_folder_in": folder, "data_folder_out": folder, "control_folder": folder + "-c"},
    worker_hijack_root_logger=False, broker_connection_retry_on_startup=True, task_ignore_result=True,
)
notifier = Notifier.from_settings("memory")
notifier.submit(["96598765432"], "Hello", key="main")  # the main process has connections and threads, and forks
@app.task
def send(n):
    notifier.submit([str(96560000000 + n)], "Hello", key=f"task-{n}")
if __name__ == "__main__":
    for n in range(8):
        send.delay(n)
    app.worker_main(["worker", "--pool=prefork", "--concurrency=2", "--loglevel=ERROR", "--without-mingle", "--without-gossip"])
"""


def test_tasks_of_celerys_prefork_pool_submit(smoke_store: Store, tmp_path: pathlib.Path) -> None:
    """Its main process has built the notifier and sends before it forks."""
    pytest.importorskip("celery")
    for name in ("broker", "broker-c"):
        (tmp_path / name).mkdir()
    more = {"BROKER": str(tmp_path / "broker"), "NOTIFYKIT_WORKERS": "embedded"}
    with contextlib.ExitStack() as stack:
        process = spawn(smoke_store, _CELERY, **more)
        stack.callback(process.communicate)
        stack.callback(process.kill)
        store = JobStore(stack.enter_context(opened(smoke_store)), lambda *_: None, time.time)

        def accepted() -> bool:
            return {job.key for job in store.progress() if job.accepted} >= {f"task-{n}" for n in range(8)}

        until(accepted, 240)
        process.terminate()
