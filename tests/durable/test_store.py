"""The fence: whatever is interrupted, no recipient is sent to twice, and no result is lost."""

from __future__ import annotations

import pathlib
import tempfile
import time
import uuid
from collections.abc import Iterator

import attrs
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, settings as hypothesis_settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from notifykit import Outcome, Recipient, Settings
from notifykit.durable.batch_state import PARTITIONS
from notifykit.durable.database import DurableSettings
from notifykit.durable.grouping import NewBatch
from notifykit.durable.serialization import dump_recipients
from notifykit.durable.store import ClaimedBatch, KeyTakenError, Superseded
from notifykit.durable.worker import recover
from notifykit.models.job import JobState
from tests.durable.bench import JOB, Bench, said
from tests.durable.conftest import Store, numbers, settings


@pytest.fixture(name="bench")
def _bench(each_store: Store) -> Iterator[Bench]:
    bench = Bench(DurableSettings.of(settings(each_store)))
    yield bench
    bench.database.close()


def test_only_the_newest_task_of_a_batch_is_valid(bench: Bench) -> None:
    """An older one, that the queue delivers late or twice, is worth nothing once the batch went on."""
    bench.job("k", [2])
    task, delay = bench.take()
    assert delay == 0
    work = bench.store.claim(task)
    assert work is not None
    bench.store.finish_try(work, said(work, Outcome.REJECTED), 30.0)
    again, delay = bench.take()
    assert (again.run, delay) == (task.run + 1, 30.0)
    assert bench.store.claim(task) is None
    assert bench.store.claim(attrs.evolve(task, job="unknown")) is None
    work = bench.store.claim(again)
    assert work is not None
    assert work.tries == 1
    bench.store.finish_try(work, said(work, Outcome.ACCEPTED), None)
    assert bench.store.claim(again) is None
    assert not bench.tasks


def test_a_superseded_worker_starts_and_finishes_nothing(bench: Bench) -> None:
    """The same task, claimed again since: only the newest claim may go on."""
    bench.job("k", [2])
    task, _ = bench.take()
    first, second = bench.store.claim(task), bench.store.claim(task)
    assert first is not None
    assert second is not None
    assert bench.store.start_request(first, "t", [0, 1]) is None
    with pytest.raises(Superseded):
        bench.store.finish_try(first, said(first, Outcome.UNKNOWN), None)
    with pytest.raises(Superseded):
        bench.store.postpone(first, 5.0)
    assert sum(bench.counted("k").values()) == 0
    assert bench.store.start_request(second, "t", [0, 1]) is not None


@pytest.mark.parametrize("crashes", [1, 2, 3])
def test_a_lost_request_stays_lost_however_many_workers_die(bench: Bench, crashes: int) -> None:
    """Each worker that takes the batch over learns of the request, until its result is recorded."""
    bench.job("k", [3])
    task, _ = bench.take()
    work = bench.store.claim(task)
    assert work is not None
    assert bench.store.start_request(work, "t", [0, 2]) is not None
    for _ in range(crashes):
        work = bench.store.claim(task)
        assert work is not None
        assert work.lost == (("t", (0, 2)),)
        assert {position: r.outcome for position, r in recover(work).items()} == dict.fromkeys((0, 2), Outcome.UNKNOWN)


def test_a_request_recorded_as_lost_is_not_lost_again(bench: Bench) -> None:
    """The next try of the same batch starts from the receipts."""
    bench.job("k", [2])
    task, _ = bench.take()
    work = bench.store.claim(task)
    assert work is not None
    bench.store.start_request(work, "t", [0])
    work = bench.store.claim(task)
    assert work is not None
    receipts = [*recover(work).values(), *said(work, Outcome.REJECTED, [1])]
    bench.store.finish_try(work, receipts, 30.0)
    work = bench.store.claim(bench.take()[0])
    assert work is not None
    assert work.lost == ()
    assert {p: r.outcome for p, r in work.known.items()} == {0: Outcome.UNKNOWN, 1: Outcome.REJECTED}


@pytest.mark.parametrize("outcome", [Outcome.ACCEPTED, Outcome.REJECTED])
@pytest.mark.parametrize("late", ["before the end", "after the end"])
def test_a_late_result_counts_as_much(bench: Bench, outcome: Outcome, late: str) -> None:
    """A worker that was taken for dead still knows the result: no person has to look it up."""
    bench.job("k", [2])
    task, _ = bench.take()
    late_worker = bench.store.claim(task)
    assert late_worker is not None
    claim = bench.store.start_request(late_worker, "t", [0, 1])
    assert claim is not None
    successor = bench.store.claim(task)
    assert successor is not None
    if late == "before the end":
        bench.store.complete_request(late_worker, claim, said(late_worker, outcome))
    bench.store.finish_try(successor, list(recover(successor).values()), None)
    if late == "after the end":
        assert bench.counted("k")[Outcome.UNKNOWN] == 2
        bench.store.complete_request(late_worker, claim, said(late_worker, outcome))
    assert bench.counted("k")[outcome] == 2
    assert bench.counted("k")[Outcome.UNKNOWN] == 0


def test_a_result_survives_its_worker(bench: Bench) -> None:
    """It is written down the moment it is there, not at the end of the batch."""
    bench.job("k", [2])
    task, _ = bench.take()
    work = bench.store.claim(task)
    assert work is not None
    claim = bench.store.start_request(work, "t", [0, 1])
    assert claim is not None
    bench.store.complete_request(work, claim, said(work, Outcome.ACCEPTED))
    successor = bench.store.claim(task)
    assert successor is not None
    assert successor.lost == ()
    assert [receipt.outcome for receipt in successor.completed] == [Outcome.ACCEPTED] * 2


def test_a_key_has_one_job(bench: Bench) -> None:
    """The second submission leaves nothing behind."""
    bench.job("k", [2])
    with pytest.raises(KeyTakenError):
        bench.job("k", [2])
    with bench.database.read() as db:
        assert db.execute(sa.text("select count(*) from notifykit_jobs")).scalar() == 1
        assert db.execute(sa.text("select count(*) from notifykit_contents")).scalar() == 1


def test_errors_of_the_database_show_no_addresses(bench: Bench) -> None:
    """Whatever the driver says: the statement is shown without its parameters."""
    job = bench.job("k", [1])
    [address] = numbers(1)
    with pytest.raises(sa.exc.IntegrityError) as caught:
        bench.store.add_batches(job, [NewBatch(0, [(0, Recipient(address))])])
    assert address not in str(caught.value)


def test_some_batches_of_a_job_run_at_once_and_each_is_queued_once(bench: Bench) -> None:
    """So that a job of any size leaves room for others in the queue."""
    bench.job("k", [1] * (PARTITIONS * 3))
    order = []
    assert len(bench.tasks) == PARTITIONS
    while bench.tasks:
        task, _ = bench.take()
        order.append(task.number)
        work = bench.store.claim(task)
        assert work is not None
        bench.store.finish_try(work, said(work, Outcome.ACCEPTED), None)
        assert len(bench.tasks) < PARTITIONS + 1
    assert sorted(order) == list(range(PARTITIONS * 3))
    assert bench.store.progress("k")[0].state is JobState.DONE


def test_a_paused_job_goes_on_where_it_stopped(bench: Bench) -> None:
    """Tasks that are delivered meanwhile are dropped, and each is queued once more."""
    job = bench.job("k", [1] * 6)
    bench.store.pause(job, paused=True)
    held = [bench.take() for _ in range(PARTITIONS)]
    assert [bench.store.claim(task) for task, _ in held] == [None] * PARTITIONS
    assert bench.store.progress("k")[0].state is JobState.PAUSED
    bench.store.pause(job, paused=False)
    assert sorted(task.number for task, _ in bench.tasks) == list(range(PARTITIONS))
    assert bench.store.claim(held[0][0]) is None


def test_pausing_and_resuming_at_once_sends_nothing_twice(bench: Bench) -> None:
    """There is one task more, and only the newest is worth anything."""
    job = bench.job("k", [1])
    bench.store.pause(job, paused=True)
    bench.store.pause(job, paused=False)
    assert [bench.store.claim(task) is not None for task, _ in bench.tasks] == [False, True]


def test_a_cancelled_job_ends_with_what_is_under_way(bench: Bench) -> None:
    """Every other recipient is skipped, with the reason."""
    job = bench.job("k", [2] * 6)
    work = bench.store.claim(bench.take()[0])
    assert work is not None
    bench.store.cancel(job)
    assert bench.store.progress("k")[0].finished is None
    bench.store.finish_try(work, said(work, Outcome.ACCEPTED), None)
    [progress] = bench.store.progress("k")
    assert (progress.state, progress.accepted, progress.skipped, progress.left) == (JobState.CANCELLED, 2, 10, 0)
    receipts = list(bench.store.receipts(job))
    assert [receipt.position for receipt in receipts] == list(range(12))
    assert {receipt.skipped for receipt in receipts[2:]} == {"cancelled"}
    assert all(bench.store.claim(task) is None for task, _ in bench.tasks)


def test_an_address_is_reserved_by_one_batch_at_a_time(bench: Bench) -> None:
    """Until its time is over; a time that a wrong clock wrote does not hold it for ever."""
    for key in ("one", "other"):
        bench.job(key, [1])
    one, other = (bench.store.claim(bench.take()[0]) for _ in range(2))
    assert one is not None
    assert other is not None
    a, b, c = numbers(3)
    assert bench.store.reserve(one, [a, b], 15.0) == {}
    bench.now += 5.0
    assert bench.store.reserve(other, [b, c], 15.0) == {b: pytest.approx(10.0)}
    assert bench.store.reserve(one, [a, b], 15.0) == {}, "its own reservation is no reason to wait"
    bench.now += 15.0
    assert bench.store.reserve(other, [a, b], 15.0) == {}
    bench.now -= 86_400
    assert bench.store.reserve(one, [a], 15.0) == {}
    assert bench.store.reserve(other, [], 15.0) == {}
    assert bench.store.reserve(other, [a], 0.0) == {}


def test_old_jobs_and_bodies_are_deleted_by_their_age(bench: Bench) -> None:
    """First texts and addresses, then all of it; what is not over is kept, however old."""
    for key in ("over", "open"):
        bench.job(key, [1])
    work = bench.store.claim(bench.take()[0])
    assert work is not None
    bench.store.finish_try(work, said(work, Outcome.ACCEPTED), None)
    half = bench.store.create({**JOB, "starts": bench.now})
    bench.now += 100.0
    bench.store.prune(keep_jobs=1000.0, keep_bodies=99.0)
    row = bench.store.find("over")
    assert row is not None
    assert row["body"] is None
    assert list(bench.store.receipts(row["id"])) == []
    assert bench.counted("over")[Outcome.ACCEPTED] == 1
    bench.now += 10_000.0
    bench.store.prune(keep_jobs=1000.0, keep_bodies=99.0)
    assert bench.store.find("over") is None
    kept = bench.store.find("open")
    assert kept is not None
    assert kept["body"] is not None
    with bench.database.read() as db:
        assert db.execute(sa.text("select count(*) from notifykit_jobs where id = :id"), {"id": half}).scalar() == 0
        assert db.execute(sa.text("select count(*) from notifykit_contents")).scalar() == 1


# --- any order of events ---


@attrs.define
class Execution:
    """A worker that claimed the batch, and its requests in flight."""

    batch: ClaimedBatch
    claims: list[tuple[str, list[int]]] = attrs.field(factory=list)


class FenceMachine(RuleBasedStateMachine):
    """One batch, workers that die and come back at any moment, and what must hold whatever happens."""

    #: The store of all examples: each has a job of its own.
    bench: Bench

    @initialize(size=st.integers(1, 3))
    def start(self, size: int) -> None:
        """Write a job of one batch."""
        self.size = size
        self.key = uuid.uuid4().hex
        self.bench.tasks.clear()
        self.job = self.bench.job(self.key, [size])
        self.newest, _ = self.bench.take()
        self.executions: list[Execution] = []
        #: The recipients who may have been sent to, as far as can be known.
        self.exposed: set[int] = set()
        self.accepted: set[int] = set()
        self.over = False
        self.take_over()

    @rule()
    def take_over(self) -> None:
        """Another worker claims the newest task, because the one before is taken for dead."""
        work = self.bench.store.claim(self.newest)
        assert (work is None) == self.over
        if work is not None:
            self.executions.append(Execution(work))

    @precondition(lambda self: not self.over)
    @rule(data=st.data(), stale=st.booleans())
    def claim(self, data: st.DataObject, stale: bool) -> None:
        """Start a request to the recipients without a final outcome, as a worker does."""
        execution = data.draw(st.sampled_from(self.executions), label="execution") if stale else self.executions[-1]
        known = {**execution.batch.known, **recover(execution.batch)}
        done = {p for p, receipt in known.items() if receipt.outcome in (Outcome.ACCEPTED, Outcome.UNKNOWN)}
        done |= {position for _, positions in execution.claims for position in positions}
        free = [position for position, _ in execution.batch.recipients if position not in done]
        if not free:
            return
        claim = self.bench.store.start_request(execution.batch, "t", free[:2])
        assert (claim is not None) == (execution is self.executions[-1]), (
            "a superseded worker starts a request, or the newest can not"
        )
        if claim is not None:
            assert not self.exposed & set(free[:2]), "sent to a recipient who may have got it"
            self.exposed |= set(free[:2])
            execution.claims.append((claim, free[:2]))

    @rule(data=st.data(), outcome=st.sampled_from([Outcome.ACCEPTED, Outcome.REJECTED, Outcome.UNKNOWN]))
    def answer(self, data: st.DataObject, outcome: Outcome) -> None:
        """A result comes, in time or long after another worker took over."""
        waiting = [execution for execution in self.executions if execution.claims]
        if not waiting:
            return
        execution = data.draw(st.sampled_from(waiting), label="execution")
        claim, positions = execution.claims.pop(0)
        receipts = said(execution.batch, outcome, positions)
        self.bench.store.complete_request(execution.batch, claim, receipts)
        execution.batch = attrs.evolve(execution.batch, completed=(*execution.batch.completed, *receipts))
        if outcome is Outcome.ACCEPTED:
            self.accepted |= set(positions)
        if outcome is Outcome.REJECTED:
            self.exposed -= set(positions)

    @precondition(lambda self: not self.over)
    @rule(again=st.booleans(), stale=st.booleans(), data=st.data())
    def end(self, again: bool, stale: bool, data: st.DataObject) -> None:
        """A worker ends a try: with the results it recovered, and lost requests as unknown."""
        execution = data.draw(st.sampled_from(self.executions), label="execution") if stale else self.executions[-1]
        if execution.claims:
            return
        receipts = list(recover(execution.batch).values())
        if not again:
            known = {receipt.position for receipt in receipts} | set(execution.batch.known)
            receipts += said(
                execution.batch, Outcome.REJECTED, [p for p, _ in execution.batch.recipients if p not in known]
            )
        if execution is not self.executions[-1]:
            with pytest.raises(Superseded):
                self.bench.store.finish_try(execution.batch, receipts, 1.0 if again else None)
        else:
            self.bench.store.finish_try(execution.batch, receipts, 1.0 if again else None)
            self.over = not again
            if again:
                self.newest, _ = self.bench.take()
                work = self.bench.store.claim(self.newest)
                assert work is not None
                self.executions.append(Execution(work))
        assert not self.bench.tasks

    @invariant()
    def the_counts_are_those_of_the_receipts(self) -> None:
        """Nothing is counted that is not there, and nothing is there that is not counted."""
        if not hasattr(self, "job"):
            return
        receipts = list(self.bench.store.receipts(self.job))
        assert len({receipt.position for receipt in receipts}) == len(receipts)
        counted = self.bench.counted(self.key)
        for outcome in (Outcome.ACCEPTED, Outcome.UNKNOWN, *([Outcome.REJECTED] if self.over else [])):
            assert counted[outcome] == sum(receipt.outcome is outcome for receipt in receipts), outcome
        if self.over:
            assert sum(counted.values()) == self.size
            known = {receipt.position for receipt in receipts if receipt.outcome is Outcome.ACCEPTED}
            assert known == self.accepted, "an acceptance was lost, or made up"


class TestFence(FenceMachine.TestCase):  # type: ignore[misc]
    """The state machine, on one database."""

    settings = hypothesis_settings(
        deadline=None,
        max_examples=20,
        stateful_step_count=15,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.TemporaryDirectory()
        environment = {"NOTIFYKIT_STATE_DIR": cls.folder.name}
        loaded = Settings.load(environment=environment, directory=pathlib.Path(cls.folder.name))
        FenceMachine.bench = Bench(DurableSettings.of(loaded))

    @classmethod
    def tearDownClass(cls) -> None:
        FenceMachine.bench.database.close()
        cls.folder.cleanup()


# --- size ---


@pytest.mark.slow
def test_a_million_recipients_are_counted_at_once(bench: Bench) -> None:
    """Looking at the jobs reads no recipient, so it takes as long as the batches are many: CPU seconds count."""
    job = bench.store.create({**JOB, "starts": bench.now})
    from notifykit.durable.tables import batches

    recipients = dump_recipients([(0, Recipient("96550000000", country="KW"))] * 200)
    with bench.database.begin() as db:
        rows = range(5000)
        db.execute(batches.insert(), [{"job": job, "number": n, "state": "waiting", "size": 200} for n in rows])
        insert = "insert into notifykit_contents (job, number, recipients) values (:job, :number, :recipients)"
        db.execute(sa.text(insert), [{"job": job, "number": n, "recipients": recipients} for n in rows])
    bench.store.publish(job, "million", {"total": 1_000_000, "batches": 5000, "fingerprint": {}})
    began = time.process_time()
    [progress] = bench.store.progress()
    assert time.process_time() - began < 3.0
    assert (progress.total, progress.left) == (1_000_000, 1_000_000)
    began = time.process_time()
    work = bench.store.claim(bench.take()[0])
    assert work is not None
    bench.store.finish_try(work, [], None)
    assert time.process_time() - began < 3.0
