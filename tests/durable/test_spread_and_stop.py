"""When the requests of a campaign begin, what holds them up, and what pauses it."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings as hypothesis_settings, strategies as st

from notifykit import Batch, Message, Notifier, Outcome, Submission, Veto
from notifykit.durable.batch_state import PARTITIONS, Task
from notifykit.durable.database import DurableSettings
from notifykit.durable.worker import Worker
from notifykit.errors import AuthFailed, InvalidRecipient, NotReached, OutcomeUnknown
from notifykit.models.job import JobSpec, JobState, StopRule
from tests.durable.bench import OPTIONS, Bench, said
from tests.durable.conftest import FIRST, MakeNotifier, Recorder, Store, host, people, settings, until


@pytest.fixture(name="bench")
def _bench(each_store: Store) -> Iterator[Bench]:
    bench = Bench(DurableSettings.of(settings(each_store)))
    yield bench
    bench.database.close()


@pytest.fixture(name="work")
def _work(bench: Bench, each_store: Store) -> Iterator[Any]:
    """Work on a task with a transport and guards."""
    made: list[Notifier] = []

    def make(transport: Any, **parts: Any) -> Worker:
        made.append(Notifier(transport, settings=settings(each_store), host=host(), **parts))
        components = made[-1]._components
        return Worker(components, bench.store, components.rate_limiters, lambda: bench.now)

    yield make
    for notifier in made:
        notifier.close()


# --- spread ---


def test_requests_begin_evenly_over_the_spread(bench: Bench) -> None:
    """From the start of the job on; each is queued for its own time."""
    job = bench.job("k", [1] * 10, starts=bench.now + 50, options={**OPTIONS, "spread": 100.0})
    starts = bench.now + 50
    begins: dict[int, float] = {}
    queue: list[tuple[float, int, Task]] = []
    while bench.tasks or queue:
        queue += [(bench.now + delay, task.number, task) for task, delay in bench.tasks]
        bench.tasks.clear()
        queue.sort()
        bench.now, number, task = queue.pop(0)
        begins[number] = bench.now
        work = bench.store.claim(task)
        assert work is not None
        bench.store.finish_try(work, said(work, Outcome.ACCEPTED), None)
    assert begins == {number: starts + 10.0 * number for number in range(10)}
    assert len(list(bench.store.receipts(job))) == 10


def test_a_request_that_is_late_begins_at_once(bench: Bench) -> None:
    """Those whose time is to come wait for it."""
    job = bench.job("k", [1] * 10, options={**OPTIONS, "spread": 100.0})
    bench.store.pause(job, paused=True)
    bench.tasks.clear()
    bench.now += 15.0
    bench.store.pause(job, paused=False)
    assert {task.number: delay for task, delay in bench.tasks} == {0: 0.0, 1: 0.0, 2: 5.0, 3: 15.0}


# --- guards that let wait ---


@attrs.frozen
class Nights:
    """A guard that holds each recipient back until an hour of its own."""

    #: The bench, for its time.
    bench: Bench
    #: The end of the night by address.
    ends: dict[str, float]
    #: Its name.
    name: str = "nights"

    def check(self, context: Any, counters: Any) -> Veto | None:
        """Hold back until then."""
        left = self.ends.get(context.recipient.address, 0.0) - self.bench.now
        return Veto(self.name, "It is night.", retry_after=left, postpone=True) if left > 0 else None


def test_a_row_that_waits_for_the_morning_holds_up_no_other(bench: Bench, work: Any) -> None:
    """Neither of its batch nor of the ones behind it, of which there are many."""
    batches = PARTITIONS * 3
    bench.job("k", [2] * batches)
    asleep = {str(FIRST + 2 * number): bench.now + 3600 for number in range(PARTITIONS)}
    transport = Recorder()
    worker = work(transport, guards=[Nights(bench, asleep)])
    later = []
    while bench.tasks:
        task, delay = bench.take()
        if delay:
            later.append((task, delay))
        else:
            worker.run(task)
    assert len(transport.addresses) == batches * 2 - PARTITIONS
    assert [delay for _, delay in later] == [3600.0] * PARTITIONS
    assert bench.store.progress("k")[0].left == PARTITIONS
    bench.now += 3600
    for task, _ in later:
        worker.run(task)
    assert sorted(transport.addresses) == [who.address for who in bench.people(batches * 2)]
    assert bench.store.progress("k")[0].state is JobState.DONE


def test_the_first_morning_does_not_wait_for_the_last(bench: Bench, work: Any) -> None:
    """Recipients of one batch in different zones get it at their own hour."""
    bench.job("k", [3])
    a, b, c = (who.address for who in bench.people(3))
    transport = Recorder()
    worker = work(transport, guards=[Nights(bench, {a: bench.now + 600, b: bench.now + 630, c: bench.now + 7200})])
    waits = []
    while bench.tasks:
        task, delay = bench.take()
        bench.now += delay
        waits.append(delay)
        worker.run(task)
    assert waits == [0.0, 630.0, 7200.0 - 630.0]
    assert [[who.address for who in batch.recipients] for batch in transport.batches] == [[a, b], [c]]


@pytest.mark.parametrize("then", ["pause and resume", "cancel"])
def test_a_held_batch_is_paused_and_cancelled_like_any_other(bench: Bench, work: Any, then: str) -> None:
    """After a pause it is asked about again at once."""
    job = bench.job("k", [1])
    [who] = bench.people(1)
    transport = Recorder()
    worker = work(transport, guards=[Nights(bench, {who.address: bench.now + 3600})])
    worker.run(bench.take()[0])
    [(held, _)] = bench.tasks
    if then == "cancel":
        bench.store.cancel(job)
        assert bench.store.progress("k")[0].state is JobState.CANCELLED
    else:
        bench.store.pause(job, paused=True)
        bench.now += 3600
        worker.run(held)
        bench.store.pause(job, paused=False)
        worker.run(bench.tasks[-1][0])
        assert bench.store.progress("k")[0].accepted == 1
    bench.now += 3600
    worker.run(held)
    assert len(transport.batches) == (then != "cancel")


@pytest.mark.slow
@hypothesis_settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(1, 14), st.lists(st.tuples(st.sampled_from(["done", "held", "again", "pause"]), st.integers(0, 9))))
def test_no_batch_is_forgotten_whatever_waits(bench: Bench, size: int, steps: list[tuple[str, int]]) -> None:
    """Batches that are done, held, tried again and paused in any order are all done in the end, each with one outcome."""
    bench.tasks.clear()
    key = uuid.uuid4().hex
    job = bench.job(key, [1] * size)
    for step, which in [*steps, *[("done", 0)] * (size * 4 + len(steps) * 2)]:
        if step == "pause":
            bench.store.pause(job, paused=True)
            if which % 2 and bench.tasks:
                assert bench.store.claim(bench.tasks.pop(which % len(bench.tasks))[0]) is None
            bench.store.pause(job, paused=False)
        elif bench.tasks:
            work = bench.store.claim(bench.tasks.pop(which % len(bench.tasks))[0])
            if work is not None:
                seconds = None if step == "done" else 60.0
                receipts = said(work, Outcome.ACCEPTED) if step == "done" else []
                bench.store.finish_try(work, receipts, seconds, counts=False, held=step == "held")
    assert not bench.tasks
    [progress] = bench.store.progress(key)
    assert (progress.state, progress.accepted, progress.left) == (JobState.DONE, size, 0)


# --- stop rules ---


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("rejected > 5%", StopRule(Outcome.REJECTED, 5, True)),
        (" Unknown>20 ", StopRule(Outcome.UNKNOWN, 20, False)),
        ("rejected > 0.5 %", StopRule(Outcome.REJECTED, 0.5, True)),
    ],
)
def test_stop_rules_are_read(text: str, rule: StopRule) -> None:
    """And written as they are read."""
    assert StopRule.parse(text) == rule
    assert StopRule.parse(str(rule)) == rule


@pytest.mark.parametrize("text", ["", "rejected", "rejected < 5%", "accepted > 5%", "rejected > 100%", "rejected > -1"])
def test_a_stop_rule_that_can_not_be_meant_is_refused(text: str) -> None:
    """With an example of one that can."""
    with pytest.raises(ValueError, match="stop_if is"):
        StopRule.parse(text)


@pytest.mark.parametrize(
    ("rule", "accepted", "rejected", "unknown", "broken"),
    [
        ("rejected > 5%", 18, 1, 0, False),  # fewer than twenty
        ("rejected > 5%", 19, 1, 0, False),
        ("rejected > 5%", 18, 2, 0, True),
        ("rejected > 5%", 18, 0, 9, False),
        ("unknown > 2", 0, 9, 2, False),
        ("unknown > 2", 0, 0, 3, True),
        ("rejected > 0", 0, 1, 0, True),
    ],
)
def test_a_rule_is_judged_by_what_the_provider_said(
    rule: str, accepted: int, rejected: int, unknown: int, broken: bool
) -> None:
    """A share needs twenty recipients with an outcome, a count none."""
    counts = {Outcome.ACCEPTED: accepted, Outcome.REJECTED: rejected, Outcome.UNKNOWN: unknown, Outcome.SKIPPED: 900}
    assert (StopRule.parse(rule).broken(counts) is not None) is broken


def _refuse(batch: Batch, before: int) -> Submission | None:
    refused = [who.address for who in batch.recipients if int(who.address) % 5 == 0]
    return Submission("id", refused={address: InvalidRecipient("No such number.") for address in refused})


def _lose(batch: Batch, before: int) -> Submission | None:
    raise OutcomeUnknown("No answer came.")


def _finish(bench: Bench, worker: Worker) -> None:
    while bench.tasks:
        worker.run(bench.take()[0])


@pytest.mark.parametrize(("rule", "answer", "ended"), [("rejected > 10%", _refuse, 20), ("unknown > 7", _lose, 10)])
def test_a_broken_rule_pauses_the_job_and_says_why(
    bench: Bench, work: Any, caplog: pytest.LogCaptureFixture, rule: str, answer: Any, ended: int
) -> None:
    """And after it was resumed, only what came since then is judged."""
    job = bench.job("k", [5] * 12, options={**OPTIONS, "stop_if": rule})
    worker = work(Recorder(answer))
    _finish(bench, worker)
    [progress] = bench.store.progress("k")
    assert progress.state is JobState.PAUSED
    assert progress.reason is not None
    assert re.fullmatch(rf"{rule}: \d+ of {ended} were {rule.split(maxsplit=1)[0]}", progress.reason)
    assert progress.left == 60 - ended
    [said_] = [r for r in caplog.records if r.name == "notifykit.durable" and r.levelno == logging.WARNING]
    assert said_.getMessage().startswith(f"job k is paused: {progress.reason}.")
    bench.store.pause(job, paused=False)
    assert bench.store.progress("k")[0].reason is None
    _finish(bench, worker)
    [progress] = bench.store.progress("k")
    assert (progress.state, progress.left) == (JobState.PAUSED, 60 - 2 * ended)
    assert f"of {ended} were" in str(progress)


def test_what_was_never_sent_and_what_is_tried_again_is_not_judged(bench: Bench, work: Any) -> None:
    """A guard's veto is known before; a refusal with another try to come is no outcome."""
    bench.job("k", [5] * 4, options={**OPTIONS, "stop_if": "rejected > 0"})

    def busy_at_first(batch: Batch, before: int) -> Submission | None:
        if before < 4:
            raise NotReached("There is no connection.")
        return None

    asleep = {str(FIRST + n): bench.now + 60 for n in range(4)}
    worker = work(Recorder(busy_at_first), guards=[Nights(bench, asleep)])
    while bench.tasks:
        task, delay = bench.take()
        bench.now += delay
        worker.run(task)
    [progress] = bench.store.progress("k")
    assert (progress.state, progress.accepted, progress.reason) == (JobState.DONE, 20, None)


def test_a_rule_that_the_last_batch_breaks_pauses_nothing(bench: Bench, work: Any) -> None:
    """The job is done."""
    bench.job("k", [5], options={**OPTIONS, "stop_if": "rejected > 0"})
    _finish(bench, work(Recorder(_refuse)))
    [progress] = bench.store.progress("k")
    assert (progress.state, progress.reason) == (JobState.DONE, None)


def test_a_pause_by_a_person_has_no_reason(bench: Bench) -> None:
    """It takes the place of the one before."""
    job = bench.job("k", [1])
    bench.store.pause(job, paused=True, reason="It was submitted elsewhere.")
    assert bench.store.progress("k")[0].reason == "It was submitted elsewhere."
    bench.store.pause(job, paused=True)
    assert bench.store.progress("k")[0].reason is None


def test_the_engine_takes_rule_and_spread_from_the_spec(connect: MakeNotifier) -> None:
    """From end to end: the job that breaks its rule is paused, and its progress says why."""

    def refuse_all(batch: Batch, before: int) -> Submission | None:
        raise AuthFailed("The password is wrong.")

    engine = connect(Recorder(refuse_all))._components.engine()
    spec = JobSpec(people(60), Message("Hello"), "k", stop_if=StopRule.parse("rejected > 9"))
    job = engine.submit(spec)
    until(lambda: job.progress().state is JobState.PAUSED)
    assert job.progress().reason == "rejected > 9: 10 of 10 were rejected"
