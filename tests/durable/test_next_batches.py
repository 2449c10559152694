"""A worker goes on with the next batches of a partition without the queue, and nothing of it is lost when it dies."""

from __future__ import annotations

import collections
import random
import signal
import time
from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from notifykit import Notifier, Outcome
from notifykit.durable import queue
from notifykit.durable.batch_state import PARTITIONS, Task
from notifykit.durable.database import DurableSettings
from notifykit.durable.store import ClaimedBatch
from notifykit.models.capabilities import RateLimit
from tests.durable.bench import OPTIONS, Bench, said
from tests.durable.conftest import SWIFT, MakeNotifier, Recorder, Store, host, numbers, people, settings, spawn

#: A worker whose transport writes down who is sent to, before it answers.
_WORKER = """
import os, sys, time
from notifykit import Capabilities, Notifier, Submission
from tests.durable.conftest import host

class Written:
    name = "written"
    capabilities = Capabilities(batch_size=5)
    file = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def send(self, batch, timeout):
        os.write(self.file, "".join(f"{who.address}\\n" for who in batch.recipients).encode())
        time.sleep(0.005)
        return Submission("id", cost=1.0)

    def close(self):
        pass

    def __str__(self):
        return "written://default"

notifier = Notifier.from_settings(Written(), environment=dict(os.environ), host=host())
notifier.work()
print("up", flush=True)
sys.stdin.read()
"""


@pytest.fixture(name="bench")
def _bench(each_store: Store) -> Iterator[Bench]:
    bench = Bench(DurableSettings.of(settings(each_store)))
    yield bench
    bench.database.close()


def claimed(bench: Bench, task: Task) -> ClaimedBatch:
    """Return what a worker claims with a task."""
    batch = bench.store.claim(task)
    assert batch is not None
    return batch


def carried(bench: Bench, batch: ClaimedBatch) -> Task | None:
    """End a try of a batch in which everyone accepted, and return what stays with the worker."""
    return bench.store.finish_try(batch, said(batch, Outcome.ACCEPTED), None, carry=True)[1]


def test_the_next_batch_of_the_partition_stays_with_the_worker(bench: Bench) -> None:
    """It needs no task in the queue, however many there are; after the last one the job is over."""
    job = bench.job("k", [1] * (3 * PARTITIONS))
    for partition in range(PARTITIONS):
        task: Task | None = bench.take()[0]
        found = []
        while task is not None:
            batch = claimed(bench, task)
            found.append(batch.task.number)
            task = carried(bench, batch)
        assert found == [partition, partition + PARTITIONS, partition + 2 * PARTITIONS]
    assert not bench.tasks
    assert bench.counted("k")[Outcome.ACCEPTED] == 3 * PARTITIONS
    assert [receipt.outcome for receipt in bench.store.receipts(job)] == [Outcome.ACCEPTED] * 3 * PARTITIONS


@pytest.mark.parametrize("died", ["before the claim", "before the request", "in the request", "after three"])
def test_the_task_of_a_dead_worker_stands_for_what_it_took_along(bench: Bench, died: str) -> None:
    """The queue knows the first task only: delivered again, it leads to the batch that was not finished."""
    bench.job("k", [2] * (5 * PARTITIONS))
    first = bench.take()[0]
    bench.tasks.clear()
    following = carried(bench, claimed(bench, first))
    for _ in range(2 if died == "after three" else 0):
        assert following is not None
        following = carried(bench, claimed(bench, following))
    assert following is not None
    dead = None if died in ("before the claim", "after three") else claimed(bench, following)
    if dead is not None and died == "in the request":
        assert bench.store.start_request(dead, "t", [0, 1]) is not None
    again = claimed(bench, first)
    assert again.task.number == following.number
    assert again.lost == ((("t", (0, 1)),) if died == "in the request" else ())
    if dead is not None:
        assert bench.store.start_request(dead, "t", [0, 1]) is None, "two workers have the batch"
    onward = carried(bench, again)
    assert onward is not None
    assert onward.number == following.number + PARTITIONS
    assert not bench.tasks


def test_a_batch_with_a_task_of_its_own_is_not_reached_by_an_older_one(bench: Bench) -> None:
    """A job that is resumed gets new tasks: what the worker took along is theirs from then on."""
    job = bench.job("k", [1] * (2 * PARTITIONS))
    first = bench.take()[0]
    bench.tasks.clear()
    following = carried(bench, claimed(bench, first))
    assert following is not None
    bench.store.pause(job, paused=True)
    assert bench.store.claim(following) is None
    assert bench.store.claim(first) is None
    bench.store.pause(job, paused=False)
    own = next(task for task, _ in bench.tasks if task.number == following.number)
    assert bench.store.claim(following) is None
    assert bench.store.claim(first) is None
    assert claimed(bench, own).task.number == following.number


def test_a_batch_that_begins_later_is_queued(bench: Bench) -> None:
    """A worker does not wait for it."""
    bench.job("k", [1] * (2 * PARTITIONS), options={**OPTIONS, "spread": 3600.0})
    first = bench.take()[0]
    bench.tasks.clear()
    assert carried(bench, claimed(bench, first)) is None
    [(task, delay)] = bench.tasks
    assert task.number == PARTITIONS
    assert delay == pytest.approx(1800.0)


@pytest.mark.parametrize("limited", [False, True])
def test_only_without_a_rate_limit_batches_go_past_the_queue(
    connect: MakeNotifier, monkeypatch: pytest.MonkeyPatch, limited: bool
) -> None:
    """With one, the queue decides at each request which comes first."""
    put, count = queue.Queue.put, collections.Counter[int]()

    def counted(self: queue.Queue, connection: Any, task: Task, delay: float) -> None:
        count[task.number] += 1
        put(self, connection, task, delay)

    monkeypatch.setattr(queue.Queue, "put", counted)
    monkeypatch.setattr("notifykit.durable.engine.TURN", 60.0)
    limit = RateLimit(1000.0, "account") if limited else None
    recorder = Recorder(capabilities=attrs.evolve(SWIFT, rate_limit=limit))
    job = connect(recorder).submit(people(5 * 12), "Hello")
    assert job.wait(60).accepted == 60
    assert sorted(recorder.addresses) == sorted(numbers(60))
    assert len(count) == (12 if limited else PARTITIONS)


@pytest.mark.crash
def test_workers_killed_between_two_batches_lose_none_and_send_none_twice(smoke_store: Store, tmp_path: Any) -> None:
    """Claim: without a rate limit workers are killed at any moment, and everyone has one outcome, a true one."""
    chosen = random.Random(14)
    count, file = 4_000, tmp_path / "sent"
    environment = {**smoke_store.environment, "NOTIFYKIT_WORKERS": "separate"}
    notifier = Notifier.from_settings(
        Recorder(), environment=environment, directory=smoke_store.folder.parent, host=host()
    )
    job = notifier.submit(numbers(count), "Hello", key="k")
    workers = []
    try:
        for _ in range(2):
            workers.append(spawn(smoke_store, _WORKER, str(file), stdin=-1))
        kills = 0
        while job.progress().left and kills < 8:
            assert workers[0].stdout is not None
            workers[0].stdout.readline()
            time.sleep(chosen.uniform(0.3, 1.0))
            workers[0].send_signal(signal.SIGKILL)
            workers[0].communicate()
            kills += 1
            workers = [*workers[1:], spawn(smoke_store, _WORKER, str(file), stdin=-1)]
        progress = job.wait(600)
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()
        notifier.close()
    sent = collections.Counter(file.read_text(encoding="ascii").split())
    assert kills >= 3, "too few workers died in the middle of it"
    assert max(sent.values()) == 1, "somebody was sent to twice"
    assert progress.accepted + progress.unknown == count
    outcomes = {receipt.to: receipt.outcome for receipt in job.receipts()}
    assert {who for who, outcome in outcomes.items() if outcome is Outcome.ACCEPTED} <= set(sent)
    assert set(sent) <= set(outcomes)
