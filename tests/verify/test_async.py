"""The verifier for asyncio: the same answers, and what a cancelled task leaves."""

from __future__ import annotations

import asyncio
import threading

import pytest

from notifykit import AsyncNotifier, AsyncVerifier, AuthFailed, Batch, MemoryTransport, Submission, VirtualClock
from notifykit.verify import VerifySettings
from tests.verify.conftest import NUMBER, host


def made(transport: MemoryTransport) -> AsyncVerifier:
    notifier = AsyncNotifier(transport, host=host(), clock=VirtualClock())
    return AsyncVerifier(notifier, settings=VerifySettings(app="MYAPP"))


def test_a_code_is_sent_and_checked() -> None:
    """Resends, refusals and numbers that are none too."""

    async def main() -> None:
        transport = MemoryTransport()
        async with made(transport) as verifier:
            assert (await verifier.start("call me")).rule == "number"
            transport.answer(AuthFailed("The password is wrong."))
            assert (await verifier.start(NUMBER)).status == "failed"
            assert (await verifier.start(NUMBER)).status == "sent"
            assert (await verifier.start(NUMBER)).status == "wait"
            code = transport.batches[-1].message.text.split()[0]
            assert (await verifier.check(NUMBER, code)).ok
            assert (await verifier.check(NUMBER, code)).reason == "used"
            await verifier.notifier.aclose()

    asyncio.run(main())


def test_many_at_once_are_kept_to_the_limits() -> None:
    """Of twenty who ask for one number at once, one is sent to; of five who type its code, one is let in."""

    async def main() -> None:
        transport = MemoryTransport()
        verifier = made(transport)
        started = await asyncio.gather(*(verifier.start(NUMBER) for _ in range(20)))
        assert sorted(one.status for one in started) == ["sent", *["wait"] * 19]
        code = transport.batches[-1].message.text.split()[0]
        checked = await asyncio.gather(*(verifier.check(NUMBER, code) for _ in range(5)))
        assert sorted(one.reason for one in checked) == ["correct", *["used"] * 4]
        await verifier.notifier.aclose()

    asyncio.run(main())


def test_a_task_that_is_cancelled_leaves_the_code_valid_and_counted() -> None:
    """The message may be on its way."""

    async def main() -> None:
        begun, go_on = threading.Event(), threading.Event()

        def answer(batch: Batch) -> Submission:
            begun.set()
            assert go_on.wait(30)
            return Submission("1")

        transport = MemoryTransport([answer])
        verifier = made(transport)
        task = asyncio.create_task(verifier.start(NUMBER))
        assert await asyncio.to_thread(begun.wait, 30)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go_on.set()
        assert (await verifier.start(NUMBER)).status == "wait"
        assert (await verifier.check(NUMBER, transport.batches[-1].message.text.split()[0])).ok
        await verifier.notifier.aclose()

    asyncio.run(main())
