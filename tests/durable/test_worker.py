"""Working on a task: what a worker that dies at any point leaves behind, and what the next one makes of it."""

from __future__ import annotations

import collections
import contextlib
import json
import types
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest

from notifykit import Capabilities, Notifier, Outcome, Receipt, Recipient, SkipReason, Submission, Veto
from notifykit.analytics import read_totals
from notifykit.durable.database import DurableSettings
from notifykit.durable.grouping import NewBatch
from notifykit.durable.store import JobStore
from notifykit.durable.tables import jobs
from notifykit.durable.worker import Worker
from notifykit.errors import AuthFailed, NotReached, OutcomeUnknown, RateLimited
from notifykit.events import AttemptFinished, Event, RecipientsFinished, RetryScheduled
from notifykit.sinks.jsonl import rows
from notifykit.transports.composites.failover import Failover
from tests.durable.bench import JOB, OPTIONS, Bench
from tests.durable.conftest import Recorder, Store, host, settings

#: The most tasks that a batch may take before a test calls it endless.
_ENOUGH = 20


class Dies(BaseException):
    """The process is gone."""


class Mortal:
    """A store whose user dies at its n-th write, just before or just after it."""

    def __init__(self, store: JobStore, call: int, moment: str) -> None:
        self._store = store
        self._left = call
        self._moment = moment

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        def call(*arguments: Any, **options: Any) -> Any:
            self._left -= 1
            if self._left == 0 and self._moment == "before":
                raise Dies
            found = method(*arguments, **options)
            if self._left == 0:
                raise Dies
            return found

        return call


@pytest.fixture(name="bench")
def _bench(store: Store) -> Iterator[Bench]:
    bench = Bench(DurableSettings.of(settings(store)))
    yield bench
    bench.database.close()


#: Makes a worker for a transport, with the bench's store or another.
MakeWorker = Callable[..., Worker]


@pytest.fixture(name="worker")
def _worker(bench: Bench, store: Store) -> Iterator[MakeWorker]:
    made: list[Notifier] = []

    def make(transport: Any, job_store: Any = None, **parts: Any) -> Worker:
        made.append(Notifier(transport, settings=settings(store), host=host(), **parts))
        components = made[-1]._components
        return Worker(components, job_store or bench.store, components.rate_limiters, lambda: bench.now)

    yield make
    for notifier in made:
        notifier.close()


def finish(bench: Bench, worker: Worker) -> list[float]:
    """Work on every task there is, letting the time of each pass, and return the waits."""
    waits = []
    while bench.tasks:
        task, delay = bench.take()
        bench.now += delay
        waits.append(delay)
        worker.run(task)
        assert len(waits) < _ENOUGH
    return waits


def outcomes(bench: Bench, job: str) -> dict[int, Outcome]:
    """Return what is known of each recipient."""
    return {receipt.position: receipt.outcome for receipt in bench.store.receipts(job)}


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("call", range(1, 9))
@pytest.mark.parametrize("second", [None, 3])
def test_a_worker_that_dies_at_any_step_sends_nothing_twice(
    bench: Bench, worker: MakeWorker, call: int, moment: str, second: int | None
) -> None:
    """Nor does one that takes over and dies as well; at the end every recipient has an outcome, and one message at most."""
    job = bench.job("k", [4])
    transport = Recorder(capabilities=Capabilities(batch_size=2))
    task, _ = bench.take()
    for deadly in (call, second):
        if deadly is not None:
            with contextlib.suppress(Dies):
                worker(transport, Mortal(bench.store, deadly, moment)).run(task)
    known_to_be_sent = len(transport.addresses)
    worker(transport).run(task)
    assert not bench.tasks
    found = outcomes(bench, job)
    assert len(found) == 4
    assert len(set(transport.addresses)) == len(transport.addresses) >= known_to_be_sent
    for position, who in enumerate(bench.people(4)):
        sent = who.address in transport.addresses
        assert found[position] in ((Outcome.ACCEPTED, Outcome.UNKNOWN) if sent else (Outcome.UNKNOWN,))
    died_in_between = sum(outcome is Outcome.UNKNOWN for outcome in found.values())
    assert died_in_between <= (2 if second is None else 4), "one request at most is unknown for each death"
    assert bench.counted("k")[Outcome.UNKNOWN] == died_in_between


def test_a_death_between_request_and_answer_is_unknown_and_says_so(bench: Bench, worker: MakeWorker) -> None:
    """With what a person does about it; the other recipients of the batch are not affected."""

    def dies(batch: Any, before: int) -> None:
        if before == 1:
            raise KeyboardInterrupt

    job = bench.job("k", [3])
    transport = Recorder(dies, Capabilities(batch_size=1))
    task, _ = bench.take()
    with pytest.raises(KeyboardInterrupt):
        worker(transport).run(task)
    worker(transport).run(task)
    assert outcomes(bench, job) == {0: Outcome.ACCEPTED, 1: Outcome.UNKNOWN, 2: Outcome.ACCEPTED}
    lost = list(bench.store.receipts(job))[1]
    assert lost.code == "worker_lost"
    assert "may have been sent" in lost.advice
    assert len(transport.batches) == 3


@pytest.mark.parametrize("call", range(1, 10))
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_failover_that_is_broken_off_goes_on_without_sending_twice(
    bench: Bench, worker: MakeWorker, call: int, moment: str
) -> None:
    """The second transport still gets what the first refused; what may have been sent is not sent again."""

    def refuses(batch: Any, before: int) -> None:
        raise AuthFailed("no", "ERR003")

    job = bench.job("k", [2])
    first = Recorder(refuses, label="first")
    second = Recorder(label="second")
    task, _ = bench.take()
    with contextlib.suppress(Dies):
        worker(Failover(first, second), Mortal(bench.store, call, moment)).run(task)
    worker(Failover(first, second)).run(task)
    assert len(second.batches) <= 1
    found = outcomes(bench, job)
    if Outcome.UNKNOWN not in found.values():
        assert set(found.values()) == {Outcome.ACCEPTED}
        for receipt in bench.store.receipts(job):
            assert receipt.attempts[-1].transport == "recorder://second"
            assert receipt.attempts[0].transport == "recorder://first"


def test_a_refusal_that_passes_is_tried_on_its_schedule(bench: Bench, worker: MakeWorker) -> None:
    """30, 60 and 120 s after a full queue; no recipient counts as rejected before the last try."""

    def full(batch: Any, before: int) -> None:
        [progress] = bench.store.progress("k")
        assert (progress.rejected, progress.left) == (0, 2)
        raise RateLimited("full", "ERR013", waits=(30.0, 60.0, 120.0))

    job = bench.job("k", [2])
    transport = Recorder(full)
    assert finish(bench, worker(transport)) == [0.0, 30.0, 60.0, 120.0]
    assert len(transport.batches) == 4
    assert bench.counted("k")[Outcome.REJECTED] == 2
    receipt = next(bench.store.receipts(job))
    assert receipt.code == "ERR013"
    assert len(receipt.attempts) == 4


def test_a_refusal_that_passed_leaves_no_trace_but_its_attempts(bench: Bench, worker: MakeWorker) -> None:
    """Accepted is accepted."""

    def once(batch: Any, before: int) -> None:
        if before == 0:
            raise NotReached("no way")

    job = bench.job("k", [2])
    finish(bench, worker(Recorder(once)))
    for receipt in bench.store.receipts(job):
        assert receipt.outcome is Outcome.ACCEPTED
        assert receipt.error is None
        assert [attempt.error is None for attempt in receipt.attempts] == [False, True]


def test_only_those_who_were_refused_are_tried_again(bench: Bench, worker: MakeWorker) -> None:
    """Accepted and unknown recipients are not sent to again."""

    def mixed(batch: Any, before: int) -> Submission | None:
        if before == 0:
            refused = {batch.recipients[1].address: RateLimited("too soon", "ERR028", waits=(16.0,))}
            return Submission("id", refused=refused)
        if before == 1:
            raise OutcomeUnknown("lost")
        return None

    job = bench.job("k", [4])
    transport = Recorder(mixed, Capabilities(batch_size=2))
    assert finish(bench, worker(transport)) == [0.0, 16.0]
    a, b, c, d = (who.address for who in bench.people(4))
    assert transport.addresses == [a, b, c, d, b]
    assert list(outcomes(bench, job).values()) == [Outcome.ACCEPTED] * 2 + [Outcome.UNKNOWN] * 2


def test_the_same_number_is_not_sent_to_twice_within_the_gap(bench: Bench, worker: MakeWorker) -> None:
    """Recipients that another job has just sent to wait; the others of the batch do not."""
    transport = Recorder(capabilities=Capabilities(batch_size=5, spacing=15.0))
    first = bench.job("a", [2])
    finish(bench, worker(transport))
    second = bench.job("b", [3])
    waits = finish(bench, worker(transport))
    assert waits[0] == 0.0
    assert 15.0 < waits[1] <= 16.0
    assert [len(batch) for batch in transport.batches] == [2, 1, 2]
    for job in (first, second):
        assert set(outcomes(bench, job).values()) == {Outcome.ACCEPTED}


def test_nobody_waits_for_a_message_that_a_dead_worker_did_not_send(bench: Bench, worker: MakeWorker) -> None:
    """It had reserved the numbers, and died while it waited for its turn."""
    job = bench.job("k", [2])
    task, _ = bench.take()
    work = bench.store.claim(task)
    assert work is not None
    assert bench.store.reserve(work, [who.address for who in bench.people(2)], 16.0) == {}
    transport = Recorder(capabilities=Capabilities(batch_size=5, spacing=15.0))
    worker(transport).run(task)
    assert set(outcomes(bench, job).values()) == {Outcome.ACCEPTED}
    assert not bench.tasks


def test_waiting_for_the_gap_is_no_try(bench: Bench, worker: MakeWorker) -> None:
    """A refusal that comes after it has its whole schedule before it."""

    def full(batch: Any, before: int) -> None:
        if before:
            raise RateLimited("full", "ERR013", waits=(30.0, 60.0, 120.0))

    transport = Recorder(full, Capabilities(batch_size=5, spacing=15.0))
    bench.job("a", [1])
    finish(bench, worker(transport))
    bench.job("b", [1])
    assert finish(bench, worker(transport)) == [0.0, 16.0, 30.0, 60.0, 120.0]


def test_no_recipient_is_sent_to_too_late(bench: Bench, worker: MakeWorker) -> None:
    """The remaining recipients are skipped; earlier refusals stay."""
    job = bench.job("k", [2], expires=bench.now + 20.0)

    def full(batch: Any, before: int) -> None:
        raise RateLimited("full", "ERR013", waits=(30.0,))

    late = bench.job("late", [2], expires=bench.now - 1.0)
    transport = Recorder(full)
    finish(bench, worker(transport))
    assert len(transport.batches) == 1
    assert outcomes(bench, job) == dict.fromkeys(range(2), Outcome.REJECTED)
    assert [receipt.skipped for receipt in bench.store.receipts(late)] == ["deadline"] * 2
    assert bench.store.progress("late")[0].left == 0


def test_at_least_once_sends_again_what_may_be_lost_with_the_same_key(bench: Bench, worker: MakeWorker) -> None:
    """So that the provider recognises it; without that promise it is not sent again."""

    def dies(batch: Any, before: int) -> None:
        if before == 0:
            raise KeyboardInterrupt

    job = bench.job("k", [2], options={**OPTIONS, "at_least_once": True})
    transport = Recorder(dies, Capabilities(batch_size=5, idempotent=True))
    task, _ = bench.take()
    with pytest.raises(KeyboardInterrupt):
        worker(transport).run(task)
    worker(transport).run(task)
    assert len(transport.batches) == 2
    assert transport.batches[0].idempotency_key == transport.batches[1].idempotency_key
    assert set(outcomes(bench, job).values()) == {Outcome.ACCEPTED}


def test_different_batches_have_different_keys_and_ids(bench: Bench, worker: MakeWorker) -> None:
    """The caller's key with a number, or the job's own; the same at every try."""
    options = {**OPTIONS, "idempotency_key": "mine"}
    bench.job("k", [1] * 6, options=options)
    transport = Recorder(capabilities=Capabilities(idempotent=True))
    finish(bench, worker(transport))
    assert len({batch.idempotency_key for batch in transport.batches}) == 6
    assert len({batch.message.id for batch in transport.batches}) == 6
    assert all(batch.idempotency_key.startswith("mine-") for batch in transport.batches)


@pytest.mark.parametrize("broken", [RuntimeError("boom"), ValueError("96598765432")])
def test_a_try_that_fails_is_made_again(
    bench: Bench, worker: MakeWorker, broken: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever it was, the batch is not forgotten, and what was sent is not sent again; the log names no number."""
    job = bench.job("k", [4])
    transport = Recorder(capabilities=Capabilities(batch_size=2))
    working = worker(transport)
    store = bench.store
    calls = iter([None, broken])

    class Breaks:
        def __getattr__(self, name: str) -> Any:
            def call(*arguments: Any, **options: Any) -> Any:
                if name == "start_request" and (error := next(calls, None)):
                    raise error
                return getattr(store, name)(*arguments, **options)

            return call

    task, _ = bench.take()
    worker(transport, Breaks()).run(task)
    assert len(bench.tasks) == 1, "the batch waits for another try"
    assert bench.tasks[0][1] > 0
    finish(bench, working)
    assert set(outcomes(bench, job).values()) == {Outcome.ACCEPTED}
    assert len(transport.addresses) == 4
    assert "96598765432" not in caplog.text
    assert "batch" in caplog.text


def test_a_worker_that_slept_before_its_request_does_not_make_it(
    bench: Bench, worker: MakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have been taken for dead meanwhile; what it did not do is certain."""
    from notifykit.durable import worker as module

    job = bench.job("k", [1])
    transport = Recorder()
    seconds = [0.0]

    class Sleeps:
        def __getattr__(self, name: str) -> Any:
            if name == "start_request":
                seconds[0] += 60.0
            return getattr(bench.store, name)

    monkeypatch.setattr(module, "time", types.SimpleNamespace(monotonic=lambda: seconds[0]))
    worker(transport, Sleeps()).run(bench.take()[0])
    assert not transport.batches
    [receipt] = bench.store.receipts(job)
    assert (receipt.outcome, receipt.code) == (Outcome.REJECTED, "stale")
    assert len(bench.tasks) == 1


def test_refused_addresses_and_guards_are_no_tries(bench: Bench, worker: MakeWorker) -> None:
    """Nothing of them waits: they are over at once."""
    from notifykit import Rejected
    from notifykit.errors import InvalidRecipient

    job = bench.store.create({**JOB, "starts": bench.now})
    who = [(0, Rejected("abc", InvalidRecipient("no digits"))), (1, Recipient("96598765432"))]
    bench.store.add_batches(job, [NewBatch(0, who)])
    bench.store.publish(job, "k", {"total": 2, "batches": 1, "fingerprint": {}})
    transport = Recorder()
    assert finish(bench, worker(transport)) == [0.0]
    assert outcomes(bench, job) == {0: Outcome.REJECTED, 1: Outcome.ACCEPTED}
    assert attrs.astuple(bench.store.progress("k")[0])[2:5] == (2, 1, 1)


class Listener:
    """A sink that keeps events."""

    name = "listener"

    def __init__(self, events: list[Event]) -> None:
        self.handle = events.append

    def close(self) -> None:
        """Keep them."""


def test_a_batch_that_is_tried_again_is_one_message_in_the_log(bench: Bench, worker: MakeWorker) -> None:
    """Each try is logged with its number and the retry after it, so that who was accepted at try 2 is counted once."""

    def once(batch: Any, before: int) -> None:
        if before == 0:
            raise RateLimited("full", "ERR013", waits=(30.0,))

    job = bench.job("k", [2])
    events: list[Event] = []
    finish(bench, worker(Recorder(once), sinks=[Listener(events)]))
    retries = [event for event in events if isinstance(event, RetryScheduled)]
    assert [(event.attempt, event.wait, event.code) for event in retries] == [(1, 30.0, "ERR013")]
    assert [event.attempt for event in events if isinstance(event, AttemptFinished)] == [1, 2]
    assert [[a.number for a in receipt.attempts] for receipt in bench.store.receipts(job)] == [[1, 2]] * 2
    written = [json.loads(json.dumps(row, default=str)) for event in events for row in rows(event)]
    counts = read_totals(written).tables["code"].sorted()
    assert {code: count.messages for code, count in counts.items()} == {"accepted": 2}


class Night:
    """A guard that says when it is over."""

    name = "night"

    def __init__(self, bench: Bench, ends: float, *, postpone: bool) -> None:
        self.bench, self.ends, self.postpone = bench, ends, postpone

    def check(self, context: Any, counters: Any) -> Veto | None:
        """Hold back until then."""
        left = self.ends - self.bench.now
        return Veto(self.name, "It is night.", retry_after=left, postpone=self.postpone) if left > 0 else None


@pytest.mark.parametrize(
    ("postpone", "expires", "outcome", "skipped"),
    [
        (True, None, Outcome.ACCEPTED, None),
        (False, None, Outcome.SKIPPED, SkipReason.GUARD),
        (True, 100.0, Outcome.SKIPPED, SkipReason.DEADLINE),
    ],
)
def test_a_job_waits_for_the_end_of_the_night(
    bench: Bench, worker: MakeWorker, postpone: bool, expires: float | None, outcome: Outcome, skipped: Any
) -> None:
    """Unless the guard skips, or it would come too late then."""
    job = bench.job("k", [2], expires=None if expires is None else bench.now + expires)
    transport = Recorder()
    waits = finish(bench, worker(transport, guards=[Night(bench, bench.now + 3600, postpone=postpone)]))
    assert waits == ([0.0, 3600.0] if postpone else [0.0])
    for receipt in bench.store.receipts(job):
        assert (receipt.outcome, receipt.skipped) == (outcome, skipped)
    assert len(transport.batches) == (outcome is Outcome.ACCEPTED)
    assert bench.store.progress("k")[0].finished is not None


# --- counting ---


class Counting:
    """A sink that counts each recipient once."""

    name = "counting"
    background = False
    final_outcomes = True

    def __init__(self) -> None:
        self.counts: collections.Counter[tuple[Outcome, str | None]] = collections.Counter()

    def handle(self, event: Event) -> None:
        """Count final outcomes."""
        if isinstance(event, RecipientsFinished):
            self.counts.update(event.counts)


def _refuses_once(batch: Any, before: int) -> None:
    if before == 0:
        raise RateLimited("full", "ERR013", waits=(30.0,))


def _refuses(batch: Any, before: int) -> None:
    raise RateLimited("full", "ERR013", waits=(30.0, 60.0))


def _refuses_some(batch: Any, before: int) -> Submission | None:
    if before == 0:
        return Submission("id", refused={batch.recipients[1].address: RateLimited("soon", "ERR028", waits=(16.0,))})
    if before == 1:
        raise OutcomeUnknown("lost", "lost")
    return None


def _dies(batch: Any, before: int) -> None:
    if before == 1:
        raise Dies


@pytest.mark.parametrize("row", [{}, {"expires": 1_000_020.0}])
@pytest.mark.parametrize("answer", [None, _refuses_once, _refuses, _refuses_some, _dies])
def test_each_recipient_of_a_job_is_counted_once(
    bench: Bench, worker: MakeWorker, answer: Any, row: dict[str, Any]
) -> None:
    """Whatever was refused, tried again, lost with a worker, or too late: the counts are those of the store."""
    job = bench.job("k", [4], **row)
    sink = Counting()
    transport = Recorder(answer, Capabilities(batch_size=2))
    if answer is _dies:
        with pytest.raises(Dies):
            worker(transport, sinks=[sink]).run(bench.tasks[0][0])
        assert not sink.counts
    finish(bench, worker(transport, sinks=[sink]))
    known = list(bench.store.receipts(job))
    assert sink.counts.total() == len(known) == 4
    assert sink.counts == collections.Counter((r.outcome, r.code or (r.skipped and r.skipped.value)) for r in known)
    if answer is _dies:
        assert sink.counts[Outcome.UNKNOWN, "worker_lost"] == 2


def test_a_refusal_that_waits_is_counted_when_its_job_is_cancelled(bench: Bench, worker: MakeWorker) -> None:
    """It stays rejected; the duplicates, which no try is about, are counted with it."""
    who = [(0, Recipient("96598765432")), (1, Recipient("96598765432"))]
    job = bench.store.create({**JOB, "starts": bench.now})
    twice = Receipt(1, who[1][1], Outcome.SKIPPED, skipped=SkipReason.DUPLICATE)
    bench.store.add_batches(job, [NewBatch(0, who, [twice])])
    bench.store.publish(job, "k", {"total": 2, "batches": 1, "fingerprint": {}})
    sink = Counting()
    working = worker(Recorder(_refuses), sinks=[sink])
    working.run(bench.take()[0])
    assert not sink.counts
    with bench.database.begin() as db:
        db.execute(jobs.update().values(cancelled=True))
    finish(bench, working)
    assert sink.counts == {(Outcome.REJECTED, "ERR013"): 1, (Outcome.SKIPPED, "duplicate"): 1}
