"""Guards in a pipeline: notifiers that keep what they send in memory, with a virtual clock."""

from __future__ import annotations

import datetime
import pathlib
from collections.abc import Callable
from typing import Any

import pytest

from notifykit import Capabilities, Channel, MemoryTransport, Notifier, PluginHost, Settings, VirtualClock, hookimpl
from notifykit.models.capabilities import Measurement
from notifykit.models.recipient import Recipient

#: Half past noon in Kuwait.
NOON = datetime.datetime(2026, 3, 1, 9, 30, tzinfo=datetime.UTC)


class Countries:
    """Knows countries by the beginning of a number."""

    name = "countries"

    def normalize(self, raw: str, channel: Channel) -> Recipient | None:
        """Read what begins with + and a country's code."""
        known = {"965": "KW", "1": "US", "44": "GB"}
        digits = raw.strip().removeprefix("+")
        country = next((country for code, country in known.items() if digits.startswith(code)), None)
        if channel is not Channel.SMS or country is None or not digits.isdigit():
            return None
        return Recipient(digits, channel, country, raw=raw)

    @hookimpl
    def notifykit_normalizers(self) -> list[Countries]:
        """Bring itself."""
        return [self]


class Live(MemoryTransport):
    """Keeps what it is given, and says that it reaches people: so many points a segment in Kuwait."""

    def __init__(self, *answers: Any, size: int = 200, live: bool = True) -> None:
        capabilities = Capabilities(
            channels=frozenset(Channel),
            batch_size=size,
            live=live,
            idempotent=True,
            subjects=True,
            measure=lambda text: Measurement("gsm7", len(text), 1 + len(text) // 160),
            price=lambda recipient, segments: float(segments) if recipient.country == "KW" else None,
            unit="point",
        )
        super().__init__(answers, capabilities)

    @property
    def reached(self) -> list[str]:
        """Every recipient that was sent to, in order, once for each time."""
        return [recipient.address for batch in self.batches for recipient in batch.recipients]


Build = Callable[..., Notifier]


@pytest.fixture(name="clock")
def _clock() -> VirtualClock:
    return VirtualClock(NOON)


@pytest.fixture(name="build")
def _build(tmp_path: pathlib.Path, clock: VirtualClock) -> Build:
    """Build a notifier from settings of the guards."""

    def build(transport: Any, environment: str | None = None, parts: Any = None, **guard: Any) -> Notifier:
        host = PluginHost(entry_points=False)
        host.register(Countries(), "countries")
        settings = Settings.load(
            {"guard": guard, "environment": environment, "state_dir": str(tmp_path / "state")},
            environment={},
            directory=tmp_path,
        )
        return Notifier(transport, **{"settings": settings, "host": host, "clock": clock, **(parts or {})})

    return build


@pytest.fixture(name="numbers")
def _numbers() -> Callable[[int], list[str]]:
    return lambda count: [f"9656{index:07d}" for index in range(count)]
