"""One pipeline, run both ways: with threads and with asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from notifykit import AsyncNotifier, Notifier, PluginHost, Receipt, Report, VirtualClock


class RecordingSink:
    """A sink that keeps its events."""

    name = "recorder"

    def __init__(self) -> None:
        self.events: list[Any] = []

    def handle(self, event: Any) -> None:
        """Keep the event."""
        self.events.append(event)

    def named(self, name: str) -> list[Any]:
        """Return the events of one name."""
        return [event for event in self.events if event.name == name]


class Walk:
    """Builds a notifier for each call and sends through it, waiting or awaiting."""

    def __init__(self, kind: str, clock: VirtualClock, recorder: RecordingSink) -> None:
        self.kind = kind
        self.clock = clock
        self.recorder = recorder

    def parts(self, **parts: Any) -> dict[str, Any]:
        """Return what a notifier of these tests is made of: no installed plugins, a clock that needs no time."""
        return {"host": PluginHost(entry_points=False), "clock": self.clock, "sinks": [self.recorder], **parts}

    def send(self, transport: Any, to: Any, text: str = "Hello", parts: Any = None, **options: Any) -> Report:
        """Send and return the report."""
        if self.kind == "waiting":
            with Notifier(transport, **self.parts(**(parts or {}))) as notifier:
                return notifier.send(to, text, **options)

        async def awaiting() -> Report:
            async with AsyncNotifier(transport, **self.parts(**(parts or {}))) as notifier:
                return await notifier.send(to, text, **options)

        return asyncio.run(awaiting())

    def stream(self, transport: Any, to: Any, text: str = "Hello", parts: Any = None, **options: Any) -> list[Receipt]:
        """Stream and return the receipts in the order in which they came."""
        if self.kind == "waiting":
            with Notifier(transport, **self.parts(**(parts or {}))) as notifier:
                return list(notifier.stream(to, text, **options))

        async def awaiting() -> list[Receipt]:
            async with AsyncNotifier(transport, **self.parts(**(parts or {}))) as notifier:
                return [receipt async for receipt in notifier.stream(to, text, **options)]

        return asyncio.run(awaiting())


@pytest.fixture(name="clock")
def _clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture(name="recorder")
def _recorder() -> RecordingSink:
    return RecordingSink()


@pytest.fixture(name="walk", params=["waiting", "awaiting"])
def _walk(request: pytest.FixtureRequest, clock: VirtualClock, recorder: RecordingSink) -> Walk:
    return Walk(request.param, clock, recorder)


@pytest.fixture(name="numbers")
def _numbers() -> Callable[[int], list[str]]:
    return lambda count: [f"9659{index:07d}" for index in range(count)]
