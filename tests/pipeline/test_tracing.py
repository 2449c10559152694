"""What sinks that trace and sinks that count are given: each request from inside, each recipient once, each end."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import contextvars
import itertools
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest

from notifykit import (
    AsyncNotifier,
    Batch,
    Capabilities,
    Failover,
    Notifier,
    Outcome,
    OutcomeUnknown,
    Receipt,
    Submission,
)
from notifykit.errors import ContentRejected, NotReached, RateLimited
from notifykit.events import AttemptFinished, Event, RecipientsFinished, RequestStarted, SendFinished, SendStopped
from notifykit.models.capabilities import RateLimit
from notifykit.pipeline.clock import VirtualClock
from notifykit.transports.stubs import MemoryTransport

NUMBERS: Final = ["96598765432", "96598765433", "96598765434"]
_current: Final = contextvars.ContextVar[RequestStarted | None]("current", default=None)


class Watcher:
    """Traces and counts, and keeps what it is given."""

    name = "watcher"
    background = False
    final_outcomes = True

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.entered: list[RequestStarted] = []
        self.counts: collections.Counter[tuple[Outcome, str | None]] = collections.Counter()

    def handle(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, RecipientsFinished):
            self.counts.update(event.counts)

    @contextlib.contextmanager
    def around_request(self, event: RequestStarted) -> Iterator[None]:
        self.entered.append(event)
        token = _current.set(event)
        yield
        _current.reset(token)

    def job_context(self) -> Mapping[str, str]:
        return {}

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


class Looking(MemoryTransport):
    """A memory that notes in which context each request is made."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.seen: list[RequestStarted | None] = []

    def send(self, batch: Any, timeout: float) -> Submission:
        self.seen.append(_current.get())
        return super().send(batch, timeout)


def test_a_request_is_made_inside_of_what_a_sink_enters() -> None:
    """In the thread that makes it, and nothing is left entered behind it."""
    watcher, transport = Watcher(), Looking()
    with Notifier(transport, sinks=[watcher], clock=VirtualClock()) as notifier:
        assert notifier.send(NUMBERS, "Hello").accepted
    assert transport.seen == watcher.entered
    (started,) = watcher.entered
    (finished,) = watcher.of(AttemptFinished)
    assert (started.id, started.batch, started.attempt) == (finished.id, finished.batch, finished.attempt)
    assert started.numbers == 3
    assert _current.get() is None


def test_a_request_of_the_async_notifier_is_made_inside_of_it_too() -> None:
    """It is made in another thread."""
    watcher, transport = Watcher(), Looking()

    async def main() -> None:
        async with AsyncNotifier(transport, sinks=[watcher]) as notifier:
            assert (await notifier.send(NUMBERS[0], "Hello")).accepted

    asyncio.run(main())
    assert transport.seen == watcher.entered != []


@pytest.mark.parametrize("where", ["make", "enter", "leave"])
def test_a_sink_that_raises_around_a_request_changes_nothing(where: str, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged, the request is made, and its answer is kept."""

    class Broken(Watcher):
        name = "broken"

        def around_request(self, event: RequestStarted) -> Any:
            if where == "make":
                raise ValueError("made")

            @contextlib.contextmanager
            def entered() -> Iterator[None]:
                if where == "enter":
                    raise ValueError("entered")
                yield
                raise ValueError("left")

            return entered()

    with Notifier("memory", sinks=[Broken(), watcher := Watcher()], clock=VirtualClock()) as notifier:
        assert notifier.send(NUMBERS[0], "Hello").accepted
    assert len(watcher.entered) == 1
    assert "the sink broken raised" in caplog.text


def test_what_a_transport_raises_is_read_as_without_a_sink() -> None:
    """No sink can swallow it."""

    class Swallowing(Watcher):
        name = "swallowing"

        def around_request(self, event: RequestStarted) -> Any:
            return contextlib.suppress(BaseException)

    transport = MemoryTransport([OutcomeUnknown("Lost.", "lost")])
    with Notifier(transport, sinks=[Swallowing()], clock=VirtualClock()) as notifier:
        assert notifier.send(NUMBERS[0], "Hello").unknown[0].code == "lost"


# --- each recipient is counted once ---


def _code(receipt: Receipt) -> str | None:
    if receipt.error:
        return receipt.code or type(receipt.error).__name__
    return receipt.skipped and receipt.skipped.value


_BUSY: Final = RateLimited("Full.", "ERR013", waits=(1.0, 1.0))
_REFUSED: Final = {NUMBERS[0]: RateLimited("Too soon.", "ERR028", waits=(1.0,))}


@pytest.mark.parametrize(
    ("to", "answers"),
    [
        (NUMBERS, []),
        ([*NUMBERS, NUMBERS[0], "abc"], []),
        (NUMBERS, [_BUSY]),
        (NUMBERS, [_BUSY, _BUSY, _BUSY, _BUSY]),
        (NUMBERS, [Submission("id", refused=_REFUSED)]),
        (NUMBERS, [Submission("id", refused=_REFUSED), ContentRejected("No.", "ERR099")]),
        (NUMBERS, [OutcomeUnknown("Lost.", "lost")]),
        (NUMBERS, [ValueError("a broken transport")]),
    ],
)
def test_each_recipient_is_counted_once_with_its_final_outcome(to: list[str], answers: list[Any]) -> None:
    """Whatever was tried again, refused, excluded or doubled: the counts are those of the report."""
    with Notifier(MemoryTransport(answers), sinks=[watcher := Watcher()], clock=VirtualClock()) as notifier:
        report = notifier.send(to, "Hello")
    assert watcher.counts == collections.Counter((receipt.outcome, _code(receipt)) for receipt in report)
    assert watcher.counts.total() == len(to)


def test_a_composite_counts_each_recipient_once_too() -> None:
    """Not for each part that was asked."""
    parts = [MemoryTransport([NotReached("Down.", "connect")] * 4), MemoryTransport()]
    with Notifier(Failover(*parts), sinks=[watcher := Watcher()], clock=VirtualClock()) as notifier:
        assert len(notifier.send(NUMBERS, "Hello").accepted) == 3
    assert watcher.counts == {(Outcome.ACCEPTED, None): 3}
    assert len(watcher.of(AttemptFinished)) == 2
    assert {event.transport.partition("(")[0] for event in watcher.of(RecipientsFinished)} == {"failover"}


def test_other_sinks_are_not_given_the_counts() -> None:
    """A log has the recipients in other events already; a sink behind a queue may ask for them."""
    plain: list[Event] = []

    class Queued(Watcher):
        name = "queued"
        background = True

    with Notifier("memory", sinks=[plain.append, queued := Queued()]) as notifier:
        notifier.send(NUMBERS, "Hello")
    assert [event.name for event in plain] == ["message_planned", "attempt_finished", "send_finished"]
    assert queued.counts == {(Outcome.ACCEPTED, None): 3}


# --- ends and waits ---


def test_a_send_that_is_not_read_to_its_end_is_stopped() -> None:
    """Every planned message has one end: it is finished, or it is stopped."""
    capabilities = Capabilities(batch_size=1)
    with Notifier(MemoryTransport(capabilities=capabilities), sinks=[watcher := Watcher()]) as notifier:
        receipts = notifier.stream(NUMBERS, "Hello")
        next(receipts)
        receipts.close()
    (stopped,) = watcher.of(SendStopped)
    assert (stopped.error, watcher.of(SendFinished)) == (None, [])
    assert stopped.counts[Outcome.ACCEPTED] == watcher.counts.total() < 3


def test_an_interrupted_send_is_stopped_by_its_exception() -> None:
    """After the event of the request that was in flight."""

    def interrupted(batch: Batch) -> Submission:
        raise KeyboardInterrupt

    transport = MemoryTransport([interrupted])
    with Notifier(transport, sinks=[watcher := Watcher()], clock=VirtualClock()) as notifier:
        with pytest.raises(KeyboardInterrupt):
            notifier.send(NUMBERS[0], "Hello")
    assert [event.name for event in watcher.events] == ["message_planned", "attempt_finished", "send_stopped"]
    assert watcher.events[-1].error == "KeyboardInterrupt"  # type: ignore[attr-defined]


def test_an_attempt_says_how_long_it_waited_for_the_rate_limit() -> None:
    """The first does not wait; the others wait for their turn."""
    clock, keys = VirtualClock(), itertools.count()
    capabilities = Capabilities(batch_size=1, rate_limit=RateLimit(2.0, f"test-{next(keys)}"))
    with Notifier(MemoryTransport(capabilities=capabilities), sinks=[watcher := Watcher()], clock=clock) as notifier:
        notifier.send(NUMBERS, "Hello")
    waited = [event.waited for event in watcher.of(AttemptFinished)]
    assert waited[0] == 0.0
    assert sum(waited) == pytest.approx(1.0, abs=0.3)
