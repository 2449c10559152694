"""Sends inside a test that stopped the time with freezegun: they get on, and what they say about time is the frozen one."""

from __future__ import annotations

import asyncio
import datetime
import functools

import pytest

from notifykit import AsyncNotifier, Notifier
from notifykit.guards.limits import CoolDown
from notifykit.guards.options import Gap
from notifykit_kwtsms.sandbox import Rules, Sandbox
from tests.kwtsms.conftest import kwtsms_host

freezegun = pytest.importorskip("freezegun")

FROZEN = datetime.datetime(2020, 2, 29, 9, tzinfo=datetime.UTC)
NUMBERS = ["96598765432", "96598765433", "96598765434"]


@pytest.fixture(name="sandbox")
def _sandbox():
    with Sandbox(rules=Rules(rate_limit=None, same_number_gap=0)) as sandbox:
        sandbox.account.change(balance=10_000)
        yield sandbox


def test_the_rate_limit_lets_every_send_have_its_turn(sandbox: Sandbox) -> None:
    """The wait for a turn is measured by a clock that does not stand still."""
    with freezegun.freeze_time(FROZEN), Notifier(f"{sandbox.dsn}&rate=4", host=kwtsms_host()) as notifier:
        reports = [notifier.send(number, "Hello") for number in NUMBERS]
        many = notifier.send([f"9659900{n:04d}" for n in range(401)], "Hello")
    assert all(report.accepted for report in reports)
    assert len(many.accepted) == 401


def test_the_time_that_is_told_is_the_frozen_one(sandbox: Sandbox) -> None:
    """Attempts, and the windows of guards: a test moves it to the end of one."""
    with freezegun.freeze_time(FROZEN) as frozen:
        guard = CoolDown([Gap(3600)])
        with Notifier(f"{sandbox.dsn}&rate=4", host=kwtsms_host(), guards=[guard]) as notifier:
            (first,) = notifier.send(NUMBERS[0], "Hello")
            (held_back,) = notifier.send(NUMBERS[0], "Hello again")
            frozen.tick(3601)
            (later,) = notifier.send(NUMBERS[0], "Hello again")
    assert first.attempts[0].started == FROZEN
    assert held_back.veto is not None
    assert later.message_id
    assert later.attempts[0].started == FROZEN + datetime.timedelta(seconds=3601)


def test_asyncio(sandbox: Sandbox) -> None:
    """With ``real_asyncio``, as the page says: asyncio's own timers stand still otherwise."""

    async def work() -> list[int]:
        async with AsyncNotifier(f"{sandbox.dsn}&rate=4", host=kwtsms_host()) as notifier:
            sends = [notifier.send(number, "Hello") for number in NUMBERS]
            return [len(report.accepted) for report in await asyncio.gather(*sends)]

    with freezegun.freeze_time(FROZEN, real_asyncio=True):
        assert asyncio.run(asyncio.wait_for(work(), 30)) == [1, 1, 1]


def test_a_deadline_is_real(sandbox: Sandbox) -> None:
    """It would never be over."""
    sandbox.chaos("ERR013", endpoint="send", delay=20)
    with freezegun.freeze_time(FROZEN), Notifier(f"{sandbox.dsn}&rate=4", host=kwtsms_host()) as notifier:
        send = functools.partial(notifier.send, NUMBERS[0], "Hello", deadline=0.3)
        (receipt,) = send()
    assert receipt.error is not None
    assert not receipt.error.safe_to_resend
