"""A task that is delivered again while its first worker lives, or while its job is paused."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from notifykit.durable import batch_state as states, queue
from notifykit.durable.batch_state import PARTITIONS, Task
from notifykit.durable.database import Database, DurableSettings
from notifykit.durable.queue import Consumer, Queue
from notifykit.durable.store import ClaimedBatch, JobStore
from tests.durable.bench import Bench
from tests.durable.conftest import MakeNotifier, Recorder, Store, people, settings
from tests.durable.test_next_batches import carried, claimed


@pytest.fixture(name="bench")
def _bench(each_store: Store) -> Iterator[Bench]:
    bench = Bench(DurableSettings.of(settings(each_store)))
    yield bench
    bench.database.close()


def test_nothing_of_a_paused_job_is_sent(bench: Bench) -> None:
    """A worker puts the batch back and dies before the queue knows: its task leads to nothing until the job is resumed."""
    job = bench.job("k", [1])
    task = bench.take()[0]
    bench.store.pause(job, paused=True)
    assert bench.store.claim(task) is None
    assert bench.store.claim(task) is None
    bench.store.pause(job, paused=False)
    assert bench.store.claim(task) is None
    assert claimed(bench, bench.take()[0]).task.number == 0


def test_a_held_batch_of_a_job_that_is_resumed_meanwhile_is_queued(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claim sees a paused job, the job is resumed, and the claim puts the batch back: somebody has to queue it."""
    job = bench.job("k", [1])
    first = bench.take()[0]
    bench.store.finish_try(claimed(bench, first), [], 5.0, counts=False, held=True)
    own = bench.take()[0]
    bench.tasks.clear()
    bench.store.pause(job, paused=True)
    lock_task, resuming = states.lock_task, list[threading.Thread]()

    def resumed_before(db: sa.Connection, task: Task) -> Any:
        resuming.append(threading.Thread(target=bench.store.pause, args=(job,), kwargs={"paused": False}))
        resuming[0].start()
        resuming[0].join(0.3)  # it has to wait for the claim, or is done
        return lock_task(db, task)

    with monkeypatch.context() as patch:
        patch.setattr(states, "lock_task", resumed_before)
        found = bench.store.claim(own)
        resuming[0].join(30)
    assert found is not None or bench.tasks


def test_a_task_leads_past_a_batch_that_ends_at_that_moment(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The claim waits for the row of a batch whose worker ends it and takes the next one along."""
    bench.job("k", [1] * (3 * PARTITIONS))
    first = bench.take()[0]
    bench.tasks.clear()
    following = carried(bench, claimed(bench, first))
    assert following is not None
    batch = claimed(bench, following)
    enqueue_next, inside, go = states.enqueue_next, threading.Event(), threading.Event()

    def slow(*arguments: Any, **options: Any) -> Task | None:
        inside.set()
        assert go.wait(30)
        return enqueue_next(*arguments, **options)

    onward: list[Task | None] = []
    found: list[ClaimedBatch | None] = []
    with monkeypatch.context() as patch:
        patch.setattr(states, "enqueue_next", slow)
        ending = threading.Thread(target=lambda: onward.append(carried(bench, batch)))
        ending.start()
        assert inside.wait(30)
        claiming = threading.Thread(target=lambda: found.append(bench.store.claim(first)))
        claiming.start()
        claiming.join(0.3)  # it waits for the lock
        go.set()
        ending.join(30)
        claiming.join(30)
    assert onward[0] is not None
    assert found[0] is not None
    assert found[0].task.number == onward[0].number


def test_a_task_is_returned_only_from_the_worker_that_died(each_store: Store) -> None:
    """Two workers see that a third one is dead; the slower one leaves alone what the faster one has taken over."""
    database = Database(DurableSettings.of(settings(each_store)))
    with contextlib.closing(Queue(database)) as tasks, contextlib.closing(database):
        name = tasks.open(None)
        with database.begin() as db:
            tasks.put(db, Task("j", 0, 1, name, 100), 0.0)

        def take(worker: str) -> None:
            with database.begin() as db:
                taken = "UPDATE workflow_status SET status = 'PENDING', executor_id = :worker WHERE status = 'ENQUEUED'"
                schema = "dbos." if db.dialect.name == "postgresql" else ""
                db.execute(sa.text(taken.replace("workflow_status", f"{schema}workflow_status")), {"worker": worker})

        take("dead")
        seen = tasks.pending()["dead"]
        tasks.redeliver(seen, "dead")
        take("alive")
        tasks.redeliver(seen, "dead")
        assert tasks.pending() == {"alive": seen}


def test_a_worker_that_takes_its_batch_back_and_dies_loses_nothing(
    connect: MakeNotifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another worker has the task, and the old one claims the next batch after it: the task does not end before the batch."""
    monkeypatch.setattr("notifykit.durable.engine.TURN", 60.0)
    consumers, init = list[Consumer](), Consumer.__init__

    def remembered(self: Consumer, *arguments: Any, **options: Any) -> None:
        init(self, *arguments, **options)
        consumers.append(self)

    claim, start_request = JobStore.claim, JobStore.start_request
    carrier, thread = list[str](), threading.local()
    second_has, first_has = threading.Event(), threading.Event()

    def in_turn(self: JobStore, task: Task) -> ClaimedBatch | None:
        if task.carrier is not None and not carrier:
            carrier.append(task.carrier)
            thread.is_first = True
            consumers[0]._queue.redeliver([(task.carrier, task.queue)], consumers[0].name)
            assert second_has.wait(30)
            batch = claim(self, task)
            first_has.set()
            return batch
        batch = claim(self, task)
        if batch is not None and task.id in carrier and not second_has.is_set():
            second_has.set()
            assert first_has.wait(30)
        return batch

    def dies(self: JobStore, *arguments: Any) -> str | None:
        if getattr(thread, "is_first", False):
            thread.is_first = False
            raise queue.Unfinished
        return start_request(self, *arguments)

    monkeypatch.setattr(Consumer, "__init__", remembered)
    monkeypatch.setattr(JobStore, "claim", in_turn)
    monkeypatch.setattr(JobStore, "start_request", dies)
    recorder = Recorder()
    progress = connect(recorder).submit(people(200), "Hello").wait(60)
    assert first_has.is_set()
    assert progress.accepted == len(recorder.addresses) == 200
