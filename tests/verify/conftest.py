"""One-time codes on the three kinds of store: memory, a SQLite file, and a database in a PostgreSQL cluster."""

from __future__ import annotations

import itertools
import os
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest

from notifykit import (
    AsyncNotifier,
    AsyncVerifier,
    MemoryTransport,
    Notifier,
    PluginHost,
    Settings,
    Verifier,
    VirtualClock,
)
from notifykit.events import Event
from notifykit.verify import MemoryStore, Store, VerifySettings
from notifykit_kwtsms import plugin
from tests.durable.conftest import Cluster, _session_cluster  # noqa: F401 - the fixture `cluster`

KINDS = ("memory", "sqlite", "postgresql")
NUMBER, OTHER = "96598765432", "96551234567"
#: Enough for a test, where one database has no clock that is shared.
HASH_KEY = "a key for tests, and for nothing else"
_COUNT = itertools.count()


def host() -> PluginHost:
    """Return a host with the framework's own plugins and kwtSMS, whatever else is installed."""
    found = PluginHost(entry_points=False)
    found.register(plugin, "kwtsms")
    return found


def _environment(kind: str, request: pytest.FixtureRequest, folder: pathlib.Path) -> Iterator[dict[str, str]]:
    found = {"NOTIFYKIT_STATE_DIR": str(folder / "state"), "NOTIFYKIT_HASH_KEY": HASH_KEY}
    if kind != "postgresql":
        yield found
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    name = f"codes_{os.getpid()}_{next(_COUNT)}"
    cluster.run(f"create database {name}")
    yield {**found, "NOTIFYKIT_DATABASE_URL": cluster.url(name)}
    cluster.run(f"drop database {name} with (force)")


@pytest.fixture(params=KINDS, name="kind")
def _kind(request: pytest.FixtureRequest) -> str:
    """Name the kind of the store."""
    return str(request.param)


@pytest.fixture(name="environment")
def _each_environment(kind: str, request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[dict[str, str]]:
    """Set up a database of the test's own, and return the variables that lead to it."""
    yield from _environment(kind, request, tmp_path)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], name="shared_environment")
def _shared_environment(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[dict[str, str]]:
    """As ``environment``, for the kinds that processes share: PostgreSQL where slow tests run."""
    yield from _environment(request.param, request, tmp_path)


def open_store(kind: str, environment: dict[str, str], folder: pathlib.Path) -> Store:
    """Return a store of a kind."""
    if kind == "memory":
        return MemoryStore()
    from notifykit.verify.database import DatabaseStore

    return DatabaseStore(Settings.load(environment=environment, directory=folder).check())


@pytest.fixture(name="store")
def _store(kind: str, environment: dict[str, str], tmp_path: pathlib.Path) -> Iterator[Store]:
    """A store of each kind."""
    store = open_store(kind, environment, tmp_path)
    yield store
    store.close()


@attrs.define
class Codes:
    """A verifier with everything that a test looks at."""

    verifier: Verifier
    transport: MemoryTransport
    clock: VirtualClock
    events: list[Event]
    store: Store
    make: Callable[..., Verifier]

    @property
    def messages(self) -> list[str]:
        """The texts that were sent, in order."""
        return [batch.message.text for batch in self.transport.batches]

    @property
    def code(self) -> str:
        """The code in the last message."""
        return self.messages[-1].split()[0]

    def later(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance(seconds)

    def named(self, name: str) -> list[Any]:
        """Return the events of a name."""
        return [event for event in self.events if event.name == name]


@pytest.fixture(name="codes")
def _codes(store: Store, environment: dict[str, str], tmp_path: pathlib.Path) -> Iterator[Codes]:
    """A verifier with each kind of store and a virtual clock; nothing reaches a phone."""
    clock, transport, events = VirtualClock(), MemoryTransport(), list[Event]()
    notifier = Notifier.from_settings(
        transport, environment=environment, directory=tmp_path, host=host(), clock=clock, sinks=[events.append]
    )

    def make(purpose: str = "login", **settings: Any) -> Verifier:
        return Verifier(notifier, purpose=purpose, settings=VerifySettings(**{"app": "MYAPP", **settings}), store=store)

    yield Codes(make(), transport, clock, events, store, make)
    notifier.close()


@pytest.fixture(name="async_verifier")
def _async_verifier(tmp_path: pathlib.Path) -> AsyncVerifier:
    """A verifier for asyncio, in memory."""
    notifier = AsyncNotifier.from_settings(MemoryTransport(), directory=tmp_path, host=host(), clock=VirtualClock())
    return AsyncVerifier(notifier, settings=VerifySettings(app="MYAPP"))


def wrong(code: str) -> str:
    """Return a code of the same form that is another one."""
    return ("1" if code[0] != "1" else "2") + code[1:]
