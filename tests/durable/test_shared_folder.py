"""The files of jobs: plain files of this user, or of a group that shares the folder."""

from __future__ import annotations

import json
import os
import pathlib
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator

import pytest

from notifykit import ConfigError
from tests.durable.conftest import MakeNotifier, Recorder, Store, numbers

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes with names and no modes"),
    pytest.mark.slow,
]

GROUP = 54321
#: A process of one user that sends a job, prints what it sees, and stays until its standard input ends.
USER = """
import importlib, json, os, pkgutil, sys
import dbos, notifykit
for package in (notifykit, dbos):  # while this process may read them
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not any(part in found.name for part in ("__main__", "cli", "integrations", "testing", "apprise", "_migrat", "alembic")):
            try:
                importlib.import_module(found.name)
            except ImportError:
                pass
import tempfile
from notifykit import Notifier, PluginHost
with tempfile.TemporaryDirectory() as warm:
    environment = {"NOTIFYKIT_STATE_DIR": warm, "NOTIFYKIT_WORKERS": "separate"}
    with Notifier.from_settings("memory", environment=environment, directory=warm, host=PluginHost(entry_points=False)) as notifier:
        notifier.submit(["96550000000"], "Hello")
        notifier.send(["96550000000"], "Hello")
user, folder, group = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
os.setgroups([group])
os.setgid(user)
os.setuid(user)
os.umask(0o022)
environment = {"NOTIFYKIT_STATE_DIR": folder, "NOTIFYKIT_WORKERS": "embedded"}
with Notifier.from_settings("memory", environment=environment, directory=folder, host=PluginHost(entry_points=False)) as notifier:
    job = notifier.submit([str(96550000000 + user)], "Hello", key=f"job-{user}")
    done = job.wait(30)
    print(json.dumps([done.accepted, sorted(progress.key for progress in notifier.jobs())]), flush=True)
    sys.stdin.read()
"""


def _link(file: pathlib.Path) -> None:
    (file.parent / "victim").write_text("")
    file.symlink_to(file.parent / "victim")


@pytest.mark.parametrize("name", ["jobs.sqlite3", "jobs.sqlite3-wal", "jobs.sqlite3-shm", "jobs.sqlite3.lock"])
@pytest.mark.parametrize("make", [os.mkfifo, _link, pathlib.Path.mkdir])
def test_only_plain_files_are_opened(
    store: Store, connect: MakeNotifier, name: str, make: Callable[[pathlib.Path], None]
) -> None:
    """SQLite would follow a link and wait for a pipe."""
    store.folder.mkdir(mode=0o700)
    if name != "jobs.sqlite3":
        (store.folder / "jobs.sqlite3").touch()
    make(store.folder / name)
    with pytest.raises(ConfigError, match=r"can't be kept in|can't be"):
        connect(Recorder(), workers="separate").submit(numbers(1), "Hello")
    if make is _link:
        assert (store.folder / "victim").read_text() == ""


def test_the_database_is_private(store: Store, connect: MakeNotifier) -> None:
    """With all files beside it; one that a umask made readable becomes so."""
    store.folder.mkdir(mode=0o700)
    store.file.touch()
    store.file.chmod(0o644)
    connect(Recorder()).submit(numbers(1), "Hello").wait(60)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in store.folder.rglob("*") if path.is_file()}
    assert {name for name, mode in modes.items() if mode & 0o077} == set()
    assert {"jobs.sqlite3", "jobs.sqlite3-wal", "jobs.sqlite3-shm", "jobs.sqlite3.lock"} <= set(modes)


@pytest.fixture(name="shared")
def _shared() -> Iterator[pathlib.Path]:
    """A folder of the group. pytest closes its own to other users, whenever a run begins."""
    with tempfile.TemporaryDirectory(prefix="notifykit-shared-") as name:
        folder = pathlib.Path(name)
        os.chown(folder, -1, GROUP)
        folder.chmod(0o2770)
        yield folder


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can be two users")
def test_two_users_share_a_folder_of_their_group(shared: pathlib.Path) -> None:
    """Each sends jobs while the other's worker runs, and sees the other's: database, leases and state are the group's."""
    running, said = [], []
    try:
        for user in ("12345", "12346", "12347"):
            process = subprocess.Popen(
                [sys.executable, "-c", USER, user, str(shared), str(GROUP)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=shared,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "HOME": str(shared)},
            )
            running.append(process)
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, process.communicate()[1].decode()
            said.append(json.loads(line))
            if user == "12346":
                process.kill()  # the next one finds the lease of a dead worker of another user
                process.wait(60)
    finally:
        for process in running:
            process.kill()
            process.communicate()
    keys = ["job-12345", "job-12346", "job-12347"]
    assert said == [[1, keys[:1]], [1, keys[:2]], [1, keys]]
    files = [path for path in shared.rglob("*") if path.is_file()]
    assert {path.stat().st_gid for path in files} == {GROUP}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o660}
