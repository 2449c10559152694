"""Where a test run has everything carried to instead."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from notifykit import (
    Capabilities,
    ConfigError,
    Failover,
    MemoryTransport,
    Notifier,
    Outcome,
    PluginHost,
    RateLimit,
    RateLimited,
    VirtualClock,
)
from notifykit.pipeline.intercept import VARIABLE, Interception, set_interceptor
from notifykit.protocols import Transport

#: It must not be asked for anything.
LIMITED = Capabilities(batch_size=2, rate_limit=RateLimit(2.0, "interception"), spacing=15.0)


class Elsewhere:
    """Sends everything to one transport, in virtual time."""

    def __init__(self, transport: MemoryTransport) -> None:
        self.seen: list[Transport] = []
        self.interception = Interception(VirtualClock(), self._instead)
        self._transport = transport

    def _instead(self, transport: Transport) -> Transport:
        self.seen.append(transport)
        return self._transport

    def __call__(self, transport: Transport) -> Interception:
        return self.interception


@pytest.fixture(name="elsewhere")
def _elsewhere() -> Iterator[Elsewhere]:
    elsewhere = Elsewhere(MemoryTransport())
    before = set_interceptor(elsewhere)
    yield elsewhere
    set_interceptor(before)


def test_every_notifier_is_intercepted(elsewhere: Elsewhere) -> None:
    """Also one whose plugins nobody chose; the transport that was meant is planned by and named, and makes no request."""
    meant = MemoryTransport(capabilities=LIMITED)
    with Notifier(meant, host=PluginHost(builtins=("notifykit.normalizers.phone",))) as notifier:
        report = notifier.send(["96598765432", "96598765433", "96598765434"], "Hello")
    assert [receipt.outcome for receipt in report] == [Outcome.ACCEPTED] * 3
    assert meant.batches == []
    assert [len(batch) for batch in elsewhere._transport.batches] == [2, 1]
    assert elsewhere.seen == [meant, meant]
    assert report[0].attempts[0].transport == "memory://default"


def test_waits_pass_in_the_other_time(elsewhere: Elsewhere) -> None:
    """Retries and the rate limit wait by the interception's clock, so that nobody waits for real."""
    elsewhere._transport.answer(RateLimited("Too fast.", "X", waits=(30.0,)))
    with Notifier(MemoryTransport(capabilities=LIMITED)) as notifier:
        report = notifier.send(["96598765432", "96598765433", "96598765434"], "Hello")
    assert [receipt.outcome for receipt in report] == [Outcome.ACCEPTED] * 3
    assert elsewhere.interception.clock.monotonic() >= 30.5


def test_the_parts_of_a_composite_go_the_other_way_one_by_one(elsewhere: Elsewhere) -> None:
    """So that what the composite decides is seen too."""
    first, second = MemoryTransport(), MemoryTransport()
    elsewhere._transport.answer(RateLimited("Too fast.", "X"))
    with Notifier(Failover(first, second)) as notifier:
        assert notifier.send("96598765432", "Hello").accepted
    assert elsewhere.seen == [first, second]
    assert first.batches == second.batches == []


def test_what_forbids_a_send_is_raised_and_a_plan_is_not_asked(elsewhere: Elsewhere) -> None:
    """A plan sends nothing, so it is never forbidden."""

    def forbid(transport: Transport) -> Interception | None:
        raise PermissionError("not in a test")

    set_interceptor(forbid)
    transport = MemoryTransport()
    with Notifier(transport) as notifier:
        assert len(notifier.plan("96598765432", "Hello").recipients) == 1
        with pytest.raises(PermissionError):
            notifier.send("96598765432", "Hello")
    assert transport.batches == []


def test_the_environment_names_the_interceptor_of_a_process_that_a_test_starts() -> None:
    """The name is loaded at the first send; one that can't be loaded is an error that says what to do."""
    code = (
        "from notifykit import Notifier, PluginHost\n"
        "with Notifier('memory', host=PluginHost(entry_points=False)) as notifier:\n"
        "    print(notifier.send('96598765432', 'Hello'))\n"
    )
    for name, words in (
        ("builtins:print", "memory://default"),
        ("nowhere:nothing", "unset it where no test is running"),
    ):
        environment = {**os.environ, VARIABLE: name, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, check=False, text=True, env=environment, timeout=60
        )
        assert words in done.stdout + done.stderr
        assert (done.returncode == 0) == (name == "builtins:print")


def test_without_an_interceptor_nothing_is_intercepted() -> None:
    """As in every process that tests nothing."""
    before = set_interceptor(None)
    try:
        transport = MemoryTransport()
        with Notifier(transport) as notifier:
            assert notifier.send("96598765432", "Hello").accepted
        assert len(transport.batches) == 1
        with pytest.raises(ConfigError, match="nothing says what carries"):
            Notifier.from_settings(environment={})
    finally:
        set_interceptor(before)
