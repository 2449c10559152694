"""Both clients in one shape, so that one table of claims holds for the two of them."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from notifykit import VirtualClock
from notifykit_kwtsms import AsyncKwtSMS, KwtSMS
from notifykit_kwtsms.sandbox import Rules, Sandbox

NUMBER = "96598765432"


class Awaited:
    """An asynchronous client whose methods are awaited for you."""

    def __init__(self, client: AsyncKwtSMS, runner: asyncio.Runner) -> None:
        self.client = client
        self._runner = runner

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.client, name)
        if not inspect.iscoroutinefunction(value):
            return value
        return lambda *args, **options: self._runner.run(value(*args, **options))

    def __repr__(self) -> str:
        return repr(self.client)


class BothClocks(VirtualClock):
    """Time that passes here passes at the gateway as well."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__()
        self._sandbox = sandbox

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self._sandbox.clock.advance(seconds)


def campaign(count: int) -> list[str]:
    """Return so many numbers, each once."""
    return [f"9659900{index:04d}" for index in range(count)]


@pytest.fixture(name="build", params=["sync", "async"])
def _build(request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """Make a client of either kind by whatever the test does with its class."""
    made: list[Any] = []
    with asyncio.Runner() as runner:

        def build(construct: Callable[..., Any]) -> Any:
            client = construct(KwtSMS if request.param == "sync" else AsyncKwtSMS)
            made.append(client if request.param == "sync" else Awaited(client, runner))
            return made[-1]

        yield build
        for client in made:
            client.close()


@pytest.fixture(name="connect")
def _connect(sandbox: Sandbox, build: Callable[..., Any]) -> Callable[..., Any]:
    """Make a client for the sandbox, in test mode, without a log and without real time."""

    def connect(**options: Any) -> Any:
        parts = {
            "username": "sandbox",
            "password": "sandboxpassword",
            "sender_id": "MY-APP",
            "test_mode": True,
            "log_file": "",
            "base_url": sandbox.api_url,
            "clock": VirtualClock(),
        }
        return build(lambda cls: cls(**{**parts, **options}))

    return connect


@pytest.fixture(name="sms")
def _sms(connect: Callable[..., Any]) -> Any:
    """A client for the sandbox."""
    return connect()


@pytest.fixture(name="lenient")
def _lenient() -> Iterator[Sandbox]:
    """A gateway that accepts the numbers of the documentation's samples, of which some break Kuwait's rule."""
    with Sandbox(rules=Rules(rate_limit=None, kuwait_rule=False)) as sandbox:
        yield sandbox
