"""The state of a job's batches, and the steps that change it inside a transaction."""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import attrs
import sqlalchemy as sa

from notifykit.durable.serialization import Positioned
from notifykit.durable.tables import batches, contents, jobs, requests
from notifykit.models.job import StopRule
from notifykit.models.receipt import Outcome, Receipt, SkipReason, cost_of, submissions_of

#: Partitions of a job's batches: one batch of each is queued or running at a time.
PARTITIONS: Final = 4

#: States of a batch. Held is queued too, for an hour at which guards let it pass: the next of its partition goes on.
WAITING, QUEUED, RUNNING, HELD, DONE = "waiting", "queued", "running", "held", "done"
#: Those of a batch that is not done. No query says "not done": that would read every batch that is.
OPEN: Final = (WAITING, QUEUED, RUNNING, HELD)
#: States of a request: merged means that the receipts of its batch hold its result.
STARTED, COMPLETED, LOST, MERGED = "started", "completed", "lost", "merged"


@attrs.frozen
class Task:
    """One delivery of a batch through the queue."""

    #: The job's id.
    job: str
    #: The batch's number, from 0.
    number: int
    #: The fencing token: of a batch's tasks only the newest is valid.
    run: int
    #: The name of the queue.
    queue: str
    #: Lower goes first.
    priority: int
    #: The id of the task in the queue that this one follows, where it is not in the queue itself.
    carrier: str | None = None

    @property
    def id(self) -> str:
        """Its name in the queue."""
        return f"{self.job}:{self.number}:{self.run}"


#: Adds a task to the queue in a transaction, delayed by that many seconds.
Enqueue = Callable[[sa.Connection, Task, float], None]


def of(table: sa.Table, job: str, number: int) -> sa.ColumnElement[bool]:
    """Return the condition for the rows of one batch."""
    return (table.c.job == job) & (table.c.number == number)


def in_state(job: str, number: int, *states: str) -> sa.ColumnElement[bool]:
    """Return the condition for a batch's requests in some states."""
    return of(requests, job, number) & requests.c.state.in_(states)


def has_open_batch(job: str) -> sa.Exists:
    """Return the condition that a job has a batch that is not done."""
    return sa.select(batches.c.job).where((batches.c.job == job) & batches.c.state.in_(OPEN)).exists()


def lock_job(db: sa.Connection, job: str) -> Mapping[str, Any]:
    """Lock a job's row until the end of the transaction, and return what queues its batches; empty if there is no row.

    It comes before the batches, so that no two transactions deadlock. Without it, two workers that finish the last two
    batches each see the other's as open, and the job never ends.
    """
    columns = (jobs.c.id, jobs.c.queue, jobs.c.priority, jobs.c.starts, jobs.c.options, jobs.c.batches)
    return dict(db.execute(sa.select(*columns).where(jobs.c.id == job).with_for_update()).mappings().first() or {})


def lock_batch(db: sa.Connection, job: str, number: int, owner: str | None = None) -> bool:
    """Lock a batch's row until the end of the transaction, and return whether there is one, of this owner if given."""
    where = of(batches, job, number)
    if owner is not None:
        where &= batches.c.owner == owner
    return db.execute(sa.select(batches.c.job).where(where).with_for_update()).first() is not None


def lock_task(db: sa.Connection, task: Task) -> Mapping[str, Any] | None:
    """Lock the row of the batch that a task is for, and return it; None if the task is stale.

    A task that is delivered again stands for the batch that its worker, which is dead, took along last.
    """
    own = of(batches, task.job, task.number) & (batches.c.run == task.run)
    own &= batches.c.state.in_((QUEUED, RUNNING, HELD))  # a batch that waits gets a new task
    carried = (batches.c.job == task.job) & batches.c.state.in_((QUEUED, RUNNING))
    carried &= batches.c.carrier == (task.carrier or task.id)
    row = db.execute(sa.select(batches).where(own).with_for_update()).mappings().first()
    # Whoever ended a batch while this one waited for its row has taken the next one along.
    while row is None and db.execute(sa.select(batches.c.number).where(carried)).first() is not None:
        row = db.execute(sa.select(batches).where(carried).with_for_update()).mappings().first()
    return None if row is None else dict(row)


def enqueue_next(
    db: sa.Connection,
    job: Mapping[str, Any],
    partition: int,
    enqueue: Enqueue,
    now: float,
    *,
    again: bool = False,
    carrier: str | None = None,
) -> Task | None:
    """Queue the next batch of a partition, unless one of it is queued or running.

    :param job: the job's row.
    :param again: whether a batch that is queued is queued again.
    :param carrier: the id of the task that takes the batch along if it may begin now.
    :return: the task of a batch that is taken along.
    """
    this = (batches.c.job == job["id"]) & (batches.c.number % PARTITIONS == partition)
    query = sa.select(batches.c.number, batches.c.state).order_by(batches.c.number).limit(1)
    row = db.execute(query.where(this & batches.c.state.in_((QUEUED, RUNNING)))).first()
    row = row or db.execute(query.where(this & (batches.c.state == WAITING))).first()
    if row is None or not (row.state == WAITING or (again and row.state == QUEUED)):
        return None
    delay = delay_of(job, row.number, now)
    if carrier is not None and not delay:
        return _new_task(db, job, row.number, QUEUED, carrier)
    enqueue_batch(db, job, row.number, enqueue, delay)
    return None


def delay_of(job: Mapping[str, Any], number: int, now: float) -> float:
    """Return the seconds until a batch may begin."""
    options = job["options"]
    begins: float = job["starts"] + options.get("spread", 0.0) * number / job["batches"]
    # Only the first batch of a partition waits for the start: a clock that is behind must not hold up the others.
    return max(begins - now, 0.0) if number < PARTITIONS or "spread" in options else 0.0


def enqueue_batch(
    db: sa.Connection, job: Mapping[str, Any], number: int, enqueue: Enqueue, delay: float, *, held: bool = False
) -> None:
    """Queue a batch with a new task.

    :param job: the job's row.
    :param delay: seconds until it may be claimed.
    :param held: whether the next batch of its partition is queued meanwhile.
    """
    enqueue(db, _new_task(db, job, number, HELD if held else QUEUED), delay)


def _new_task(db: sa.Connection, job: Mapping[str, Any], number: int, state: str, carrier: str | None = None) -> Task:
    """Give a batch a new task, which makes the older ones invalid."""
    update = batches.update().where(of(batches, job["id"], number))
    values = {"state": state, "run": batches.c.run + 1, "owner": None, "carrier": carrier}
    run = db.execute(update.values(values).returning(batches.c.run)).scalar_one()
    return Task(job["id"], number, run, job["queue"], job["priority"], carrier)


def merge_receipts(
    db: sa.Connection, job: str, number: int, receipts: Sequence[Receipt], late: Iterable[Receipt] = (), **values: Any
) -> None:
    """Add receipts to those of a batch, whose lock the caller has; accepted recipients stay accepted.

    :param late: those that count only for recipients who are unknown.
    :param values: what else changes in the batch's row.
    """
    found = db.execute(sa.select(contents.c.receipts).where(of(contents, job, number))).scalar_one()
    known = {receipt.position: receipt for receipt in found or ()}
    outcomes = {position: receipt.outcome for position, receipt in known.items()}
    known |= {r.position: r for r in receipts if outcomes.get(r.position) is not Outcome.ACCEPTED}
    for receipt in late:
        if receipt.position in known and known[receipt.position].outcome is Outcome.UNKNOWN:
            known[receipt.position] = receipt
    write_receipts(db, job, number, list(known.values()), **values)


def write_receipts(db: sa.Connection, job: str, number: int, receipts: Sequence[Receipt], **values: Any) -> None:
    """Replace the receipts of a batch, and count them.

    :param values: what else changes in the batch's row.
    """
    counts = {outcome.value: sum(r.outcome is outcome for r in receipts) for outcome in Outcome}
    cost = cost_of(submissions_of(receipts))
    db.execute(batches.update().where(of(batches, job, number)).values(cost=cost, **counts, **values))
    ordered = sorted(receipts, key=lambda receipt: receipt.position)
    db.execute(contents.update().where(of(contents, job, number)).values(receipts=ordered))


def read_receipts(db: sa.Connection, job: str, number: int) -> list[Receipt]:
    """Return the receipts of a batch; recipients that were skipped together get one from the batch's verdict."""
    columns = (contents.c.recipients, contents.c.receipts, batches.c.verdict)
    both = (contents.c.job == batches.c.job) & (contents.c.number == batches.c.number)
    query = sa.select(*columns).select_from(contents.join(batches, both)).where(of(contents, job, number))
    recipients, found, reason = db.execute(query).one()
    return complete(found or [], recipients or (), reason)


def complete(found: list[Receipt], recipients: Sequence[Positioned], verdict: str | None) -> list[Receipt]:
    """Add the receipts of recipients who were skipped together to those of a batch.

    :param verdict: why they were; None where none was.
    """
    if verdict and recipients:
        known = {receipt.position for receipt in found}
        found += [
            Receipt(position, recipient, Outcome.SKIPPED, skipped=SkipReason(verdict))
            for position, recipient in recipients
            if position not in known
        ]
        found.sort(key=lambda receipt: receipt.position)
    return found


def check_stop_rule(db: sa.Connection, row: Mapping[str, Any], final: Sequence[Receipt]) -> str | None:
    """Count receipts for the ``stop_if`` of a job, and return why it is paused from now on; None where it goes on.

    Recipients who were refused before anything was sent to them do not count: a person knows of them from the plan.

    :param row: the job's row; the caller has its lock.
    :param final: receipts that have their last outcome since the last call.
    """
    if "stop_if" not in row["options"]:
        return None
    job = row["id"]
    before, paused = db.execute(sa.select(jobs.c.judged, jobs.c.paused).where(jobs.c.id == job)).one()
    counts = collections.Counter(before or {})
    counts.update(r.outcome.value for r in final if r.attempts or r.outcome is Outcome.UNKNOWN)
    db.execute(jobs.update().where(jobs.c.id == job).values(judged=dict(counts)))
    reason = StopRule.parse(row["options"]["stop_if"]).broken({Outcome(name): n for name, n in counts.items()})
    if reason is None or paused or not db.execute(sa.select(has_open_batch(job))).scalar():
        return None
    db.execute(jobs.update().where(jobs.c.id == job).values(paused=True, reason=reason))
    return reason


def finish_job(db: sa.Connection, job: str, now: float) -> None:
    """Record the end of a job whose last batch is done."""
    done = (jobs.c.id == job) & jobs.c.finished.is_(None) & ~has_open_batch(job)
    db.execute(jobs.update().where(done).values(finished=now))
