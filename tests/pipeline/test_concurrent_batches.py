"""Several batches of a rate-limited send in flight at once: slow answers delay no other batch."""

from __future__ import annotations

import asyncio
import contextvars
import itertools
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from notifykit import (
    AsyncNotifier,
    AuthFailed,
    Batch,
    Capabilities,
    Failover,
    MemoryTransport,
    Notifier,
    NotReached,
    Outcome,
    PluginHost,
    RateLimit,
    Settings,
    SkipReason,
    Submission,
    SystemClock,
    VirtualClock,
)
from notifykit.counters import MemoryCounterStore
from notifykit.pipeline.context import GuardCounters, Reservations
from notifykit.pipeline.delivery import MAX_CONCURRENT
from tests.pipeline.conftest import Walk

_KEYS = itertools.count()
#: Seconds that a test waits for something that happens at once.
PATIENCE = 10.0


class Gateway(MemoryTransport):
    """A transport with a rate limit whose requests do what a test says.

    :param does: is given the number of the request, from 1, and the transport; returns or raises the answer.
    :param rate: requests a second.
    """

    def __init__(self, does: Callable[[int, Gateway], Any] = lambda number, gateway: None, rate: float = 20.0) -> None:
        rate_limit = RateLimit(rate, f"overlapping-{os.getpid()}-{next(_KEYS)}")
        super().__init__(capabilities=Capabilities(batch_size=1, rate_limit=rate_limit))
        self._does = does
        self.asked = [threading.Event() for _ in range(50)]
        self.go = threading.Event()
        self.threads: list[int] = []
        self.out = self.most_out = 0
        self._counting = threading.Lock()

    def connect(self, timeout: float) -> None:
        """Be connected already."""

    @property
    def requests(self) -> int:
        """How many have begun."""
        return len(self.threads)

    def send(self, batch: Batch, timeout: float) -> Submission:
        """Do what the test says."""
        with self._counting:
            self.threads.append(threading.get_ident())
            number = len(self.threads)
            self.out += 1
            self.most_out = max(self.most_out, self.out)
        self.asked[number].set()
        try:
            return self._does(number, self) or super().send(batch, timeout)
        finally:
            with self._counting:
                self.out -= 1


def held(number: int, gateway: Gateway) -> None:
    """Answer once let go."""
    assert gateway.go.wait(PATIENCE)


def until_the_third(number: int, gateway: Gateway) -> None:
    """Answer the first two once the third has begun, which sequential sending would never see."""
    if number <= 2:
        assert gateway.asked[3].wait(PATIENCE)


def first_with_the_second(number: int, gateway: Gateway) -> None:
    """Answer the first once the second is out."""
    if number == 1:
        assert gateway.asked[2].wait(PATIENCE)
    else:
        time.sleep(0.2)


@pytest.fixture(name="walk", params=["waiting", "awaiting"])
def _walk(request: pytest.FixtureRequest, recorder: Any, tmp_path: Any) -> Walk:
    """Run in real time: a virtual clock lets one batch go after the other."""

    class Real(Walk):
        def parts(self, **parts: Any) -> dict[str, Any]:
            return super().parts(settings=Settings(state_dir=str(tmp_path / "rate")), **parts)

    return Real(request.param, SystemClock(), recorder)


@pytest.fixture(name="notifier")
def _notifier(recorder: Any, tmp_path: Any) -> Callable[..., Notifier]:
    def make(transport: Any, kind: type = Notifier, **parts: Any) -> Any:
        settings = Settings(state_dir=str(tmp_path / "rate"))
        return kind(transport, host=PluginHost(entry_points=False), sinks=[recorder], settings=settings, **parts)

    return make


def test_a_batch_starts_on_time_while_the_answers_to_others_are_waited_for(walk: Walk, numbers: Any) -> None:
    """The report is in the caller's order, whoever was answered first."""
    gateway = Gateway(until_the_third)
    report = walk.send(gateway, numbers(5))
    assert [receipt.position for receipt in report.accepted] == [0, 1, 2, 3, 4]
    assert [receipt.attempts[0].number for receipt in report] == [1] * 5
    assert gateway.most_out >= 3


def test_receipts_come_as_they_are_known(walk: Walk, numbers: Any) -> None:
    """A slow answer holds up its own batch only, and the position says which it is."""

    def first_is_slow(number: int, gateway: Gateway) -> None:
        if number == 1:
            assert gateway.asked[4].wait(PATIENCE)

    positions = [receipt.position for receipt in walk.stream(Gateway(first_is_slow), numbers(6))]
    assert sorted(positions) == list(range(6))
    assert positions.index(0) >= 2


def test_fast_answers_come_one_after_the_other(walk: Walk) -> None:
    """Then nothing differs from sending one batch at a time: receipts are handed over before the next is asked."""
    gateway = Gateway(rate=4)
    said: list[str] = []

    def crowd() -> Iterator[str]:
        for index in range(3):
            said.append(f"{gateway.requests} asked, {len(walk.recorder.named('attempt_finished'))} answered")
            yield f"9659000000{index}"

    assert len(walk.stream(gateway, crowd())) == 3
    assert said == ["0 asked, 0 answered", "1 asked, 1 answered", "2 asked, 2 answered"]


def test_no_more_are_under_way_than_allowed(walk: Walk, numbers: Any) -> None:
    """A gateway that hangs leaves so many in doubt and no more."""
    seen: list[int] = []

    def watch(number: int, gateway: Gateway) -> None:
        if number == MAX_CONCURRENT:
            time.sleep(0.1)  # two intervals in which one more could set out
            seen.append(gateway.requests)
            gateway.go.set()
        held(number, gateway)

    gateway = Gateway(watch, rate=25)
    assert len(walk.stream(gateway, numbers(MAX_CONCURRENT + 3))) == MAX_CONCURRENT + 3
    assert seen == [MAX_CONCURRENT]
    assert gateway.most_out == MAX_CONCURRENT


def test_an_iterator_of_recipients_gets_each_receipt_before_the_next(notifier: Any) -> None:
    """Recipients from an iterator may wait for the receipt before: nothing is asked of it while a request is out."""
    known: list[int] = []
    said: list[int] = []

    def crowd() -> Iterator[str]:
        for index in range(3):
            said.append(len(known))
            yield f"9659000000{index}"

    with notifier(Gateway(lambda number, gateway: time.sleep(0.08))) as made:
        for receipt in made.stream(crowd(), "Hello"):
            known.append(receipt.position)
    assert said == [0, 1, 2]


def test_a_request_that_is_still_connecting_holds_the_others_back(walk: Walk, numbers: Any) -> None:
    """Else all that could not leave would leave at once when the network is back."""
    connecting: list[float] = []
    started: list[float] = []

    class Stalling(Gateway):
        def connect(self, timeout: float) -> None:
            connecting.append(time.monotonic())
            if len(connecting) == 1:
                time.sleep(0.3)  # six intervals
                assert len(connecting) == 1

        def send(self, batch: Batch, timeout: float) -> Submission:
            started.append(time.monotonic())
            return super().send(batch, timeout)

    assert len(walk.send(Stalling(), numbers(4)).accepted) == 4
    assert started[0] - connecting[0] >= 0.3
    assert all(later - earlier > 0.03 for earlier, later in itertools.pairwise(started))


def test_a_failed_connection_is_not_counted_by_the_rate_limit(walk: Walk, numbers: Any) -> None:
    """Nothing was sent and no start counts, and it is tried again as where a request finds no connection."""
    tries: list[int] = []

    class Away(Gateway):
        def connect(self, timeout: float) -> None:
            tries.append(1)
            if len(tries) == 1:
                raise NotReached("No.", "connect_timeout", waits=(0.01,))

    gateway = Away(rate=1)
    report = walk.send(gateway, numbers(1))
    assert [(attempt.error and attempt.error.code) for attempt in report[0].attempts] == ["connect_timeout", None]
    assert gateway.requests == 1


def test_a_transport_that_can_not_connect_beforehand_is_asked_one_after_the_other(walk: Walk, numbers: Any) -> None:
    """Nobody could keep its requests apart otherwise."""
    out: list[int] = []

    class Plain(MemoryTransport):
        def send(self, batch: Batch, timeout: float) -> Submission:
            out.append(batch.number)
            time.sleep(0.12)  # more than two intervals
            assert out[-1] == batch.number
            return super().send(batch, timeout)

    rate_limit = RateLimit(20.0, f"overlapping-{os.getpid()}-{next(_KEYS)}")
    assert (
        len(walk.send(Plain(capabilities=Capabilities(batch_size=1, rate_limit=rate_limit)), numbers(3)).accepted) == 3
    )


def test_where_there_is_no_thread_the_request_is_made_here(
    notifier: Any, numbers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine may have no more of them, and an interpreter that ends gives none."""
    start, asked = threading.Thread.start, itertools.count(1)

    def stingy(thread: threading.Thread) -> None:
        if thread.name == "notifykit-request" and next(asked) == 3:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", stingy)
    gateway = Gateway(lambda number, gateway: time.sleep(0.1))
    with notifier(gateway) as made:
        assert len(made.send(numbers(5), "Hello").accepted) == 5
    assert gateway.threads[2] == threading.get_ident()


def test_closing_under_a_send_says_of_the_rest_that_it_was_not_sent(notifier: Any, numbers: Any) -> None:
    """Requests in flight are completed; nobody who was not asked is in doubt."""
    gateway = Gateway(lambda number, gateway: time.sleep(0.1), rate=10)

    async def main() -> Any:
        made = notifier(gateway, AsyncNotifier)
        task = asyncio.create_task(made.send(numbers(4), "Hello"))
        await asyncio.to_thread(gateway.asked[1].wait, PATIENCE)
        await made.aclose()
        return await task

    report = asyncio.run(main())
    assert len(report.accepted) == gateway.requests
    assert {receipt.code for receipt in report.rejected} == {"closed"}


@pytest.mark.parametrize(
    ("transport", "people", "clock"),
    [
        (Gateway(), 1, SystemClock()),
        (MemoryTransport(capabilities=Capabilities(batch_size=1)), 3, SystemClock()),
        (Gateway(), 3, VirtualClock()),
    ],
    ids=["a single batch", "no rate limit", "a clock of its own"],
)
def test_what_gains_nothing_uses_no_other_thread(notifier: Any, numbers: Any, transport: Any, people: int, clock: Any):
    """Everything happens where send was called."""
    here: set[int] = set()
    kept, transport.send = transport.send, lambda *given: (here.add(threading.get_ident()), kept(*given))[1]
    with notifier(transport, clock=clock) as made:
        assert len(made.send(numbers(people), "Hello").accepted) == people
    assert here == {threading.get_ident()}


def test_requests_in_threads_see_what_the_caller_set(walk: Walk, numbers: Any) -> None:
    """Context variables, of a trace for example, go along."""
    trace: contextvars.ContextVar[str] = contextvars.ContextVar("trace", default="")
    seen: list[str] = []
    trace.set("abc")
    walk.send(Gateway(lambda number, gateway: seen.append(trace.get())), numbers(3))
    assert seen == ["abc"] * 3


def test_what_ends_the_send_lets_nothing_more_start(walk: Walk, numbers: Any) -> None:
    """The answer of a wrong password comes while another request is in flight: that one counts as it ends, and no third is made."""

    def refuse(number: int, gateway: Gateway) -> None:
        assert gateway.asked[2].wait(PATIENCE)
        if number == 1:
            raise AuthFailed("No.", "ERR003")
        time.sleep(0.4)  # beyond the slot of a third

    gateway = Gateway(refuse, rate=5)
    report = walk.send(gateway, numbers(5))
    assert gateway.requests == 2
    assert [receipt.outcome for receipt in report] == [Outcome.REJECTED, Outcome.ACCEPTED, *[Outcome.REJECTED] * 3]
    assert [len(receipt.attempts) for receipt in report] == [1, 1, 0, 0, 0]


def test_a_retry_holds_up_only_its_own_batch(walk: Walk, numbers: Any) -> None:
    """The others go on in their turn while one waits for its second try."""

    def first_fails(number: int, gateway: Gateway) -> None:
        if number == 1:
            raise NotReached("No.", waits=(0.5,))  # time enough for the others on a busy machine

    # Whichever request is the first to arrive: that may be any of them on a busy machine.
    receipts = walk.stream(Gateway(first_fails, rate=100), numbers(3))
    assert [len(receipt.attempts) for receipt in receipts] == [1, 1, 2]
    assert sorted(receipt.position for receipt in receipts) == [0, 1, 2]


def test_the_deadline_ends_all_of_them(walk: Walk, numbers: Any) -> None:
    """Whoever has not set out by then is skipped; what is out has no more time than the send."""
    limits: list[float] = []

    class Timed(Gateway):
        def send(self, batch: Batch, timeout: float) -> Submission:
            limits.append(timeout)
            return super().send(batch, timeout)

    report = walk.send(Timed(lambda number, gateway: time.sleep(0.25), rate=10), numbers(8), deadline=0.3)
    assert 1 <= len(report.accepted) <= 4
    assert {receipt.skipped for receipt in report.skipped} == {SkipReason.DEADLINE}
    assert len(report) == 8
    assert max(limits) <= 0.3


def test_composites_take_each_batch_its_own_way(walk: Walk, numbers: Any) -> None:
    """Batch 2 sets out although batch 1 is on its way to the second transport."""

    def fail_first(number: int, gateway: Gateway) -> None:
        if number == 1:
            assert gateway.asked[2].wait(PATIENCE)
            raise NotReached("No.", waits=())

    first, second = Gateway(fail_first), MemoryTransport(capabilities=Capabilities(batch_size=1))
    report = walk.send(Failover(first, second), numbers(3))
    assert [len(receipt.attempts) for receipt in report.accepted] == [2, 1, 1]
    assert len(walk.recorder.named("batch_finished")) == 3


def test_ctrl_c_leaves_every_request_that_is_out_in_doubt(notifier: Any, recorder: Any, numbers: Any) -> None:
    """It is not waited for, the log says of each that it may have been sent, and what was known comes along."""

    def interrupt(number: int, gateway: Gateway) -> None:
        if number == 3:
            os.kill(os.getpid(), signal.SIGINT)
        if number > 1:
            held(number, gateway)

    gateway = Gateway(interrupt)
    with notifier(gateway) as made:
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt) as raised:
            made.send(numbers(9), "Hello")
        assert time.monotonic() - began < PATIENCE / 2
    gateway.go.set()
    assert len(raised.value.report.accepted) == 1
    said = [(event.outcome, event.code) for event in recorder.named("attempt_finished")]
    assert said == [("accepted", None), ("unknown", "interrupted"), ("unknown", "interrupted")]
    assert gateway.requests == 3


def test_what_a_request_raises_for_the_program_reaches_it(walk: Walk, numbers: Any) -> None:
    """An interrupt that a transport raises in its thread goes up where the send was called."""

    def interrupt(number: int, gateway: Gateway) -> None:
        if number == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        walk.send(Gateway(interrupt), numbers(4))
    assert walk.recorder.named("attempt_finished")[-1].code == "interrupted"


def test_who_stops_iterating_lets_nothing_more_start(notifier: Any, recorder: Any, numbers: Any) -> None:
    """Requests in flight are completed before the loop is left."""
    gateway = Gateway(first_with_the_second)
    with notifier(gateway) as made:
        for _ in made.stream(numbers(9), "Hello"):
            break
        assert [event.outcome for event in recorder.named("attempt_finished")] == ["accepted"] * gateway.requests
        assert gateway.requests in (2, 3)
    assert not recorder.named("send_finished")


def test_requests_of_a_cancelled_send_are_completed_and_logged(notifier: Any, recorder: Any, numbers: Any) -> None:
    """Two requests are out when the task is cancelled: both are reported to the sinks, and no third is made."""
    gateway = Gateway(held, rate=5)

    async def main() -> None:
        async with notifier(gateway, AsyncNotifier) as made:
            task = asyncio.create_task(made.send(numbers(9), "Hello"))
            await asyncio.to_thread(gateway.asked[2].wait, PATIENCE)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.sleep(0.25)
            gateway.go.set()

    asyncio.run(main())
    assert gateway.requests == 2
    assert [event.outcome for event in recorder.named("attempt_finished")] == ["accepted"] * 2


def test_requests_of_an_abandoned_stream_are_completed_and_logged(notifier: Any, recorder: Any, numbers: Any) -> None:
    """As where the task is cancelled."""
    gateway = Gateway(first_with_the_second)

    async def main() -> None:
        async with notifier(gateway, AsyncNotifier) as made:
            stream = made.stream(numbers(9), "Hello")
            async for _ in stream:
                break
            await stream.aclose()

    asyncio.run(main())
    assert gateway.requests in (2, 3)
    assert [event.outcome for event in recorder.named("attempt_finished")] == ["accepted"] * gateway.requests


def test_a_list_that_breaks_off_loses_nothing_that_is_out(walk: Walk, recorder: Any) -> None:
    """Both answers are read, the caller gets their receipts, and then the list's own error."""
    gateway = Gateway(held)

    class Crowd(list[str]):
        def __iter__(self) -> Iterator[str]:
            yield "96590000001"
            yield "96590000002"
            gateway.go.set()
            raise OSError("the file is gone")

    receipts = []

    def waiting() -> None:
        with Notifier(gateway, **walk.parts()) as made:
            for receipt in made.stream(Crowd(), "Hello"):
                receipts.append(receipt)  # noqa: PERF402 - they are kept although the loop raises

    async def awaiting() -> None:
        async with AsyncNotifier(gateway, **walk.parts()) as made:
            async for receipt in made.stream(Crowd(), "Hello"):
                receipts.append(receipt)

    with pytest.raises(OSError, match="the file is gone"):
        waiting() if walk.kind == "waiting" else asyncio.run(awaiting())
    assert [receipt.outcome for receipt in receipts] == ["accepted"] * 2
    assert [event.outcome for event in recorder.named("attempt_finished")] == ["accepted"] * 2


def test_who_may_have_been_sent_to_goes_on_counting() -> None:
    """Whatever stops a send, only what was reserved for batches that did not start is released."""
    clock = VirtualClock()
    store = MemoryCounterStore(clock)
    reservations = Reservations(store, clock)
    for position in range(2):
        counters = GuardCounters(reservations)
        assert counters.reserve(f"guard:{position}", 1, 1, 60) == 0
        reservations.keep(position, counters)
    reservations.begin([0])
    reservations.abandon()
    assert GuardCounters(reservations).reserve("guard:0", 1, 1, 60) > 0
    assert GuardCounters(reservations).reserve("guard:1", 1, 1, 60) == 0
