"""What only asyncio has: tasks that are cancelled, and many sends on one loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from notifykit import (
    AsyncNotifier,
    Batch,
    Capabilities,
    MemoryTransport,
    Notifier,
    NotReached,
    PluginHost,
    RateLimit,
    Submission,
    VirtualClock,
)
from notifykit.pipeline import runners


class Held(MemoryTransport):
    """A transport whose answers wait until they are let go."""

    def __init__(self) -> None:
        super().__init__(capabilities=Capabilities(batch_size=1))
        self.asked = threading.Event()
        self.go = threading.Event()

    def send(self, batch: Batch, timeout: float) -> Submission:
        """Answer once let go."""
        self.asked.set()
        self.go.wait(30)
        return super().send(batch, timeout)


def _notifier(transport, recorder, **parts):
    return AsyncNotifier(transport, host=PluginHost(entry_points=False), sinks=[recorder], **parts)


def test_a_cancelled_send_stops_and_its_last_answer_is_still_logged(recorder, numbers):
    """A request that is out can't be called back: the sinks get its end, and nothing more is sent."""
    transport = Held()

    async def main() -> None:
        async with _notifier(transport, recorder) as notifier:
            task = asyncio.create_task(notifier.send(numbers(3), "Hello"))
            await asyncio.to_thread(transport.asked.wait, 5)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            transport.go.set()

    asyncio.run(main())
    assert len(transport.batches) == 1
    assert [event.outcome for event in recorder.named("attempt_finished")] == ["accepted"]


def test_a_send_cancelled_while_it_waits_sends_nothing_more(recorder, numbers):
    """Cancelling during the wait before a retry records no attempt that never was."""
    transport = MemoryTransport([NotReached("No.", waits=(30.0,))])

    async def main() -> None:
        async with _notifier(transport, recorder) as notifier:
            task = asyncio.create_task(notifier.send(numbers(1), "Hello"))
            while not recorder.named("retry_scheduled"):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())
    assert len(transport.batches) == len(recorder.named("attempt_finished")) == 1


def test_waiting_for_one_send_does_not_hold_up_another(recorder, numbers):
    """While one answer is outstanding, the loop serves others."""
    slow, quick = Held(), MemoryTransport()

    async def main() -> None:
        async with _notifier(slow, recorder) as notifier:
            first = asyncio.create_task(notifier.send(numbers(1), "slow"))
            await asyncio.to_thread(slow.asked.wait, 5)
            second = await notifier.send(numbers(1), "quick", via=quick)
            assert len(second.accepted) == 1
            assert not first.done()
            slow.go.set()
            assert len((await first).accepted) == 1

    asyncio.run(main())


def test_an_interrupt_during_a_request_is_logged(recorder, numbers):
    """Ctrl-C while a request is out leaves an unknown outcome in the log, and goes on up."""

    class Interrupted(MemoryTransport):
        def send(self, batch: Batch, timeout: float) -> Submission:
            raise KeyboardInterrupt

    with Notifier(Interrupted(), host=PluginHost(entry_points=False), sinks=[recorder]) as notifier:
        with pytest.raises(KeyboardInterrupt):
            notifier.send(numbers(1), "Hello")
    assert [(event.outcome, event.code) for event in recorder.named("attempt_finished")] == [("unknown", "interrupted")]


def test_cancelled_sends_delay_no_other(recorder, numbers):
    """Twenty tasks that were cancelled while they waited for their turn leave the next turn free."""
    transport = MemoryTransport(capabilities=Capabilities(batch_size=1, rate_limit=RateLimit(2, "cancelled")))

    async def main() -> float:
        loop = asyncio.get_running_loop()
        async with _notifier(transport, recorder) as notifier:
            await notifier.send(numbers(1), "first")
            tasks = [asyncio.create_task(notifier.send(numbers(1), "cancelled")) for _ in range(20)]
            await asyncio.sleep(0.05)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            began = loop.time()
            await notifier.send(numbers(1), "next")
            return loop.time() - began

    assert asyncio.run(main()) < 1
    assert len(transport.batches) == 2


def test_a_long_list_leaves_turns_to_other_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """While its recipients are read, looked at and cut into batches, and while the report is made."""
    monkeypatch.setattr(runners, "TURN", -1.0)  # a turn after each
    turns, read = 0, []

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    def numbers() -> Iterator[str]:
        for index in range(20):
            read.append(turns)
            yield f"9659{index:07d}"

    async def sending() -> None:
        async with AsyncNotifier(
            MemoryTransport(), host=PluginHost(entry_points=False), clock=VirtualClock()
        ) as notifier:
            task = asyncio.create_task(other())
            report = await notifier.send(numbers(), "Hello")
            assert len(report.accepted) == 20
            assert turns >= 60
            before = turns
            # Duplicates are in no request: each has a turn of its own in the delivery too.
            report = await notifier.send(["96598765432"] * 20, "Hello")
            assert [receipt.position for receipt in report] == list(range(20))
            assert turns - before >= 77
            task.cancel()

    asyncio.run(sending())
    assert len(set(read)) == 20
