"""A sandbox gateway, and notifiers that send to it through the real transport."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest

from notifykit import Notifier, PluginHost, Settings, VirtualClock
from notifykit_kwtsms import plugin
from notifykit_kwtsms.sandbox import Rules, Sandbox

MakeNotifier = Callable[..., Notifier]


def kwtsms_host(**options: Any) -> PluginHost:
    """Return a host with the framework's own plugins and kwtSMS, whatever else is installed."""
    host = PluginHost(entry_points=False, **options)
    host.register(plugin, "kwtsms")
    return host


@pytest.fixture(name="sandbox")
def _sandbox() -> Iterator[Sandbox]:
    """A gateway that has credit, and does not mind being asked often."""
    with Sandbox(rules=Rules(rate_limit=None)) as sandbox:
        sandbox.account.change(balance=10_000)
        yield sandbox


@pytest.fixture(name="connect")
def _connect(sandbox: Sandbox) -> Iterator[MakeNotifier]:
    """Make notifiers for the sandbox; they need no real time, and are closed at the end."""
    made: list[Notifier] = []

    def connect(dsn: str | None = None, timeout: float = 15.0, **parts: Any) -> Notifier:
        settings = attrs.evolve(Settings(), timeout=timeout)
        parts = {"clock": VirtualClock(), "host": kwtsms_host(), "settings": settings, **parts}
        made.append(Notifier(dsn or sandbox.dsn, **parts))
        return made[-1]

    yield connect
    for notifier in made:
        notifier.close()
