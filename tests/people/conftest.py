"""People with preferences: the stores, notifiers that keep what they send, and the links of unsubscribing."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

import pytest

from notifykit import MemoryTransport, Notifier, PluginHost, Settings, VirtualClock
from notifykit.models.capabilities import Capabilities
from notifykit.models.message import Channel
from tests.durable.conftest import Store, _each_store, _session_cluster  # noqa: F401 - fixtures
from tests.guards.conftest import NOON, Countries

KEY = "a-key-that-signs-the-links"
URL = "https://shop.example/unsubscribe"
Build = Callable[..., Notifier]


class Keeps(MemoryTransport):
    """Keeps what it is given, on every channel."""

    def __init__(self) -> None:
        super().__init__((), Capabilities(channels=frozenset(Channel), subjects=True, personal=True, batch_size=50))

    @property
    def reached(self) -> list[str]:
        """Every address that was sent to."""
        return [recipient.address for batch in self.batches for recipient in batch.recipients]

    @property
    def links(self) -> list[str | None]:
        """The link of every recipient."""
        return [recipient.unsubscribe for batch in self.batches for recipient in batch.recipients]


@pytest.fixture(name="clock")
def _clock() -> VirtualClock:
    return VirtualClock(NOON)


@pytest.fixture(name="build")
def _build(tmp_path: pathlib.Path, clock: VirtualClock) -> Build:
    """Build a notifier with preferences in a file, and the settings that are given."""

    def build(transport: Any, preferences: str | None = "sqlite", parts: Any = None, **tables: Any) -> Notifier:
        host = PluginHost(entry_points=False)
        host.register(Countries(), "countries")
        guard = {**({"preferences": preferences} if preferences else {}), **tables.pop("guard", {})}
        settings = Settings.load(
            {"guard": guard, "state_dir": str(tmp_path / "state"), **tables}, environment={}, directory=tmp_path
        )
        return Notifier(transport, **{"settings": settings, "host": host, "clock": clock, **(parts or {})})

    return build
