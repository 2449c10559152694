"""Durable sending on both databases: a file of its own for each test, or a database of its own in a PostgreSQL cluster.

The cluster is the same for all workers of a run, is made of the machine's binaries, and is thrown away at the end. Where
there are none, what needs it is skipped; where they are there and CI runs, it has to work.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest

from notifykit import Batch, Capabilities, Notifier, PluginHost, Recipient, Settings, Submission
from notifykit_kwtsms import plugin
from notifykit_kwtsms.sandbox import Rules, Sandbox
from tests.environments import shared_base

pytest.importorskip("dbos", reason='durable sending needs the extra "durable"')
from notifykit.durable.queue import Queue
from tests.durable.postgres import Cluster, find_binaries, shared

#: The number of the first recipient of :func:`numbers`.
FIRST = 96550000000
ROOT = pathlib.Path(__file__).parents[2]
MakeNotifier = Callable[..., Notifier]


def numbers(count: int, first: int = 0) -> Iterator[str]:
    """Yield Kuwaiti numbers, all different."""
    return (str(FIRST + n) for n in range(first, first + count))


def host() -> PluginHost:
    """Return a host with the framework's own plugins and kwtSMS, whatever else is installed."""
    found = PluginHost(entry_points=False)
    found.register(plugin, "kwtsms")
    return found


def until(condition: Callable[[], Any], seconds: float = 120.0) -> Any:
    """Return what a condition says once that is true, looking often."""
    ends = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < ends, f"not within {seconds:g} s"
        time.sleep(0.01)
    return found


# --- databases ---


@pytest.fixture(scope="session", name="cluster")
def _session_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if find_binaries() is None:
        pytest.skip("this machine has no PostgreSQL: install it to run these tests on it too")
    with contextlib.ExitStack() as stack:
        try:
            cluster = stack.enter_context(shared(shared_base(tmp_path_factory) / "postgres"))
        except (AssertionError, OSError, subprocess.SubprocessError) as error:
            if os.environ.get("CI") == "true":
                raise
            pytest.skip(f"PostgreSQL does not start here: {error}")
        yield cluster


@attrs.frozen
class Store:
    """Where the jobs of one test are kept."""

    #: ``sqlite`` or ``postgresql``.
    kind: str
    #: The folder of locks, rate limits, and of the database file, if it is one.
    folder: pathlib.Path
    #: The environment that leads there, for any process.
    environment: dict[str, str]

    @property
    def file(self) -> pathlib.Path:
        """The database, where it is a file."""
        return self.folder / "jobs.sqlite3"


_COUNT = iter(range(10_000))


def _file_store(folder: pathlib.Path) -> Store:
    state = folder / "state"
    return Store("sqlite", state, {"NOTIFYKIT_STATE_DIR": str(state), "NOTIFYKIT_WORKERS": "embedded"})


def _made(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[Store]:
    """Make a database of the test's own, of the kind that the parameter of a fixture names."""
    store = _file_store(tmp_path)
    if request.param == "sqlite":
        yield store
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    name = f"test_{os.getpid()}_{next(_COUNT)}"
    cluster.run(f"create database {name}")
    url = {"NOTIFYKIT_DATABASE_URL": cluster.url(name)}
    yield Store("postgresql", store.folder, {**store.environment, **url})
    cluster.run(f"drop database {name} with (force)")


@pytest.fixture(params=["sqlite", "postgresql"], name="each_store")
def _each_store(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[Store]:
    """A database of the test's own, of each kind: for the contract of the store."""
    yield from _made(request, tmp_path)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], name="smoke_store")
def _smoke_store(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[Store]:
    """A database of the test's own, for a few jobs from end to end: on PostgreSQL where slow tests run."""
    yield from _made(request, tmp_path)


@pytest.fixture(name="store")
def _store(tmp_path: pathlib.Path) -> Store:
    """A file of the test's own, for what does not depend on the kind of database."""
    return _file_store(tmp_path)


# --- notifiers ---


def be_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Poll the queue, dead workers and jobs more often than on a server, and wait for no disk: processes die, no machine.

    A machine with too much to do may let a process stand still for a while.
    """
    monkeypatch.setattr("notifykit.durable.database._LIMITS", ("set lock_timeout = '60s'",))
    monkeypatch.setattr("notifykit.durable.database._PRAGMAS", ("journal_mode=WAL", "synchronous=OFF"))
    monkeypatch.setattr("notifykit.durable.queue._POLL", 0.04)
    monkeypatch.setattr("notifykit.durable.queue._WATCH", 0.2)
    monkeypatch.setattr("notifykit.durable.progress._LONGEST_LOOK", 0.05)


def shorten_delays(monkeypatch: pytest.MonkeyPatch, most: float) -> list[float]:
    """Let the queue deliver every task after so many seconds at most, and return the delays that it was asked for."""
    delays: list[float] = []
    put = Queue.put

    def put_sooner(self: Queue, connection: Any, task: Any, delay: float) -> None:
        delays.append(delay)
        put(self, connection, task, min(delay, most))

    monkeypatch.setattr(Queue, "put", put_sooner)
    return delays


@pytest.fixture(autouse=True)
def _be_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    be_fast(monkeypatch)


@pytest.fixture(name="notifiers")
def _notifiers() -> Iterator[Callable[..., Notifier]]:
    """Make notifiers with their jobs in a store, and close them at the end: one of them at a time may send."""
    made: list[Notifier] = []

    def make(store: Store, transport: Any, *, workers: str = "embedded", **parts: Any) -> Notifier:
        environment = {**store.environment, "NOTIFYKIT_WORKERS": workers}
        parts = {"host": host(), **parts}
        made.append(Notifier.from_settings(transport, environment=environment, directory=store.folder.parent, **parts))
        return made[-1]

    yield make
    for notifier in made:
        notifier.close()


@pytest.fixture(name="connect")
def _connect(store: Store, notifiers: Callable[..., Notifier]) -> MakeNotifier:
    """Make notifiers with their jobs in the test's database."""

    def connect(transport: Any, **parts: Any) -> Notifier:
        return notifiers(store, transport, **parts)

    return connect


@pytest.fixture(name="sandbox")
def _sandbox() -> Iterator[Sandbox]:
    """A gateway that has credit, and does not mind being asked often."""
    with Sandbox(rules=Rules(rate_limit=None, same_number_gap=0)) as sandbox:
        sandbox.account.change(balance=1_000_000)
        yield sandbox


def live(sandbox: Sandbox, **options: object) -> str:
    """Return the DSN that sends for real, as fast as the options say."""
    more = "".join(f"&{name}={value}" for name, value in options.items())
    return sandbox.dsn.replace("test=1", "test=0") + more


#: Takes batches as the gateway does, as fast as they come.
SWIFT = Capabilities(batch_size=5)


class Recorder:
    """A transport that keeps what it is given, and answers as a test says.

    :param answer: gets the batch and how many there were before; returns a submission or raises. Without one,
        everything is accepted.
    """

    name = "recorder"

    def __init__(
        self,
        answer: Callable[[Batch, int], Submission | None] | None = None,
        capabilities: Capabilities = SWIFT,
        label: str = "default",
    ) -> None:
        self.capabilities = capabilities
        self.batches: list[Batch] = []
        self.times: list[float] = []
        self._answer = answer
        self._label = label
        self._lock = threading.Lock()

    def send(self, batch: Batch, timeout: float) -> Submission:
        """Keep the batch and answer."""
        with self._lock:
            before = len(self.batches)
            self.batches.append(batch)
            self.times.append(time.monotonic())
        found = self._answer(batch, before) if self._answer else None
        return found if found is not None else Submission(f"id-{before + 1}", cost=float(len(batch)))

    @property
    def addresses(self) -> list[str]:
        """Every address that was sent to, as often as it was."""
        return [who.address for batch in self.batches for who in batch.recipients]

    def close(self) -> None:
        """Keep everything."""

    def __str__(self) -> str:
        return f"recorder://{self._label}"


def settings(store: Store) -> Settings:
    """Return the settings that lead to a store."""
    return Settings.load(environment=store.environment, directory=store.folder.parent)


def people(count: int) -> list[Recipient]:
    """Return recipients, all different."""
    return [Recipient(address, country="KW") for address in numbers(count)]


# --- other processes ---


def environment(store: Store, **more: str) -> dict[str, str]:
    """Return the environment of a process that finds this checkout and the store."""
    path = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
    return {**os.environ, "PYTHONPATH": path, **store.environment, **more}


def spawn(store: Store, script: str, *arguments: str, stdin: int | None = None, **more: str) -> subprocess.Popen[bytes]:
    """Start a script in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        env=environment(store, **more),
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def elsewhere(store: Store, script: str, *arguments: str, **more: str) -> Any:
    """Run a script in a process of its own, and return what it printed as JSON."""
    with spawn(store, script, *arguments, **more) as process:
        try:
            out, err = process.communicate(timeout=180)
        finally:
            process.kill()
    assert process.returncode == 0, err.decode()
    return json.loads(out)
