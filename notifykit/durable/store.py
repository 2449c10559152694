"""The store: what was submitted, which requests were started, and their results. It keeps every promise of a job.

A request is written down before it is sent (``start_request``) and completed by its result. A request that was started
by a worker that died, and has no result, leaves its recipients unknown: they are not sent to again unless a person
says so. Times are seconds since 1970, by the clock of the machine that writes.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Concatenate, Final, ParamSpec, TypeAlias, TypeVar

import attrs
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from notifykit.durable import batch_state as states
from notifykit.durable.batch_state import Enqueue, Task
from notifykit.durable.database import Database
from notifykit.durable.deliveries import prune_deliveries
from notifykit.durable.grouping import NewBatch, in_order
from notifykit.durable.progress import read_backlog, read_progress
from notifykit.durable.serialization import Positioned, message_of
from notifykit.durable.tables import batches, contents, jobs, requests, spacing
from notifykit.errors import ConfigError
from notifykit.models.job import Backlog, Progress
from notifykit.models.message import Message
from notifykit.models.receipt import Outcome, Receipt, SkipReason
from notifykit.pipeline.attempts import Abandoned

#: Seconds after which an unfinished submission is deleted: more than clocks may differ, summer time included.
_ABANDONED: Final = 2 * 3600.0
#: Batches that are read at a time.
_BATCHES_PER_READ: Final = 25
#: What is deleted of a batch before the job itself is.
_WITHOUT_BODY: Final = {"recipients": None, "receipts": None, "body": None, "cells": None}

#: A row as it is stored: its position, its cells, its own text, and its receipt.
StoredRow: TypeAlias = tuple[int, Mapping[str, str], str | None, Receipt | None]

_P = ParamSpec("_P")
_Result = TypeVar("_Result")


class Superseded(Abandoned):
    """Another worker has the batch now, or its end is stored already: nothing more of it is sent from here."""


class KeyTakenError(Exception):
    """Another job has this key already."""


@attrs.frozen
class ClaimedBatch:
    """A batch, as the worker that claims it finds it."""

    #: The task.
    task: Task
    #: The id of this execution.
    owner: str
    #: The job's row.
    job: Mapping[str, Any] = attrs.field(repr=False)
    #: Every recipient of the batch.
    recipients: tuple[Positioned, ...] = attrs.field(repr=False)
    #: The receipts so far, by position.
    known: Mapping[int, Receipt] = attrs.field(repr=False)
    #: Receipts of requests that a worker before completed in this try.
    completed: tuple[Receipt, ...] = attrs.field(repr=False)
    #: Transport and positions of each request that was started and never completed.
    lost: tuple[tuple[str, tuple[int, ...]], ...]
    #: Tries that have ended.
    tries: int
    #: The ids of the requests that ``completed`` is of.
    completed_ids: frozenset[str] = attrs.field(default=frozenset(), repr=False)
    #: Text and subject of a batch of rows; None where they are the job's.
    body: Mapping[str, Any] | None = attrs.field(default=None, repr=False)

    @property
    def message(self) -> Message:
        """What is sent to the recipients."""
        return message_of(self.job, self.task.number, self.body)


def _retried(
    method: Callable[Concatenate[JobStore, sa.Connection, _P], _Result],
) -> Callable[Concatenate[JobStore, _P], _Result]:
    """Run a method in a transaction, again while the database is unavailable: for what must not be lost."""

    @functools.wraps(method)
    def run(self: JobStore, /, *args: _P.args, **kwargs: _P.kwargs) -> _Result:
        return self.database.retry(lambda db: method(self, db, *args, **kwargs))

    return run


@attrs.frozen(eq=False)
class JobStore:
    """Reads and writes the store."""

    #: Where it is.
    database: Database
    #: Adds tasks to the queue.
    _enqueue: Enqueue
    #: Seconds since 1970.
    _time: Callable[[], float]

    # --- submitting ---

    def submit(
        self, key: str, row: Mapping[str, Any], added: Sequence[NewBatch], outer: sa.Connection | None = None
    ) -> str:
        """Create a job with all of its batches and queue the first ones in one transaction, and return its id.

        :param outer: the caller's transaction to take part in, here and in the methods below.
        :raises KeyTakenError: another job has the key.
        """
        try:
            with self._writing(outer) as db:
                job = self._insert_job(db, {"key": key, **row})
                _insert_batches(db, job, added)
                self._start(db, {"id": job, **row})
        except IntegrityError:
            raise KeyTakenError(key) from None
        return job

    def create(self, row: Mapping[str, Any], outer: sa.Connection | None = None) -> str:
        """Create a job that is not visible yet, and return its id."""
        with self._writing(outer) as db:
            return self._insert_job(db, row)

    def add_batches(self, job: str, added: Sequence[NewBatch], outer: sa.Connection | None = None) -> None:
        """Add batches to a job that is not visible yet."""
        with self._writing(outer) as db:
            self._update_draft(db, job)
            _insert_batches(db, job, added)

    def publish(self, job: str, key: str, row: Mapping[str, Any], outer: sa.Connection | None = None) -> None:
        """Make a job visible and queue its first batches in one transaction: from now on it will be sent.

        :raises KeyTakenError: another job has the key.
        """
        try:
            with self._writing(outer) as db:
                self._update_draft(db, job, key=key, **row)
                self._start(db, states.lock_job(db, job))
        except IntegrityError:
            self.discard(job, outer)
            raise KeyTakenError(key) from None

    def discard(self, job: str, outer: sa.Connection | None = None) -> None:
        """Delete a job that was not published; one that was, although the answer to that was lost, stays."""
        draft = sa.select(jobs.c.id).where((jobs.c.id == job) & jobs.c.key.is_(None)).with_for_update()
        with self._writing(outer) as db:
            _delete(db, db.execute(draft).scalars().all())

    def find(self, key: str, outer: sa.Connection | None = None) -> Mapping[str, Any] | None:
        """Return a job's row by its key."""
        with self._writing(outer) if outer is not None else self.database.read() as db:
            row = db.execute(sa.select(jobs).where(jobs.c.key == key)).mappings().first()
        return dict(row) if row else None

    # --- sending ---

    @_retried
    def claim(self, db: sa.Connection, task: Task) -> ClaimedBatch | None:
        """Claim a batch; None if the task is stale or the batch must not be sent now."""
        query = sa.select(jobs).where(jobs.c.id == task.job)
        job = db.execute(query).mappings().first()
        if job is not None and job["paused"]:  # nobody resumes it while its batch is put back
            job = db.execute(query.with_for_update()).mappings().first()
        row = states.lock_task(db, task)
        if job is None or row is None:
            return None
        number, owner = row["number"], uuid.uuid4().hex
        this = states.of(batches, task.job, number)
        if job["paused"] and row["state"] in (states.QUEUED, states.HELD):
            db.execute(batches.update().where(this).values(state=states.WAITING))
            return None
        db.execute(batches.update().where(this).values(state=states.RUNNING, owner=owner))
        open_ = states.in_state(task.job, number, states.STARTED, states.LOST, states.COMPLETED)
        found = db.execute(sa.select(requests).where(open_).order_by(requests.c.completed)).all()
        completed = [request for request in found if request.state == states.COMPLETED]
        lost = [request for request in found if request.state != states.COMPLETED]
        if lost:  # they stay lost until the end of a try: this worker may die as well
            incomplete = states.in_state(task.job, number, states.STARTED)
            db.execute(requests.update().where(incomplete).values(state=states.LOST))
        columns = (contents.c.recipients, contents.c.receipts, contents.c.body)
        content = db.execute(sa.select(*columns).where(states.of(contents, task.job, number))).mappings().one()
        return ClaimedBatch(
            attrs.evolve(task, number=number, run=row["run"], carrier=task.carrier or task.id),
            owner,
            dict(job),
            tuple(content["recipients"]),
            {receipt.position: receipt for receipt in content["receipts"] or ()},
            tuple(receipt for request in completed for receipt in request.receipts),
            tuple((request.transport, tuple(request.positions)) for request in lost),
            row["tries"],
            frozenset(request.id for request in completed),
            content["body"],
        )

    def open_tasks(self, job: str) -> list[Task]:
        """Return the newest task of each batch of a job that is queued, running or held."""
        c = batches.c
        this = (c.job == job) & c.state.in_((states.QUEUED, states.RUNNING, states.HELD)) & (jobs.c.id == c.job)
        query = sa.select(c.job, c.number, c.run, jobs.c.queue, jobs.c.priority).where(this).order_by(c.number)
        with self.database.read() as db:
            return [Task(*row) for row in db.execute(query)]

    def start_request(self, batch: ClaimedBatch, transport: str, positions: Iterable[int]) -> str | None:
        """Record that a request is about to be sent, and return its id; None if another worker has the batch now."""
        return self._start_request(batch, uuid.uuid4().hex, transport, list(positions))

    @_retried
    def _start_request(
        self, db: sa.Connection, batch: ClaimedBatch, request: str, transport: str, positions: list[int]
    ) -> str | None:
        job, number = batch.task.job, batch.task.number
        if not states.lock_batch(db, job, number, batch.owner):
            return None
        row = {"id": request, "job": job, "number": number, "owner": batch.owner, "state": states.STARTED}
        row |= {"transport": transport, "positions": positions, "started": self._time()}
        # Where it is stored already, the answer to the commit was lost.
        db.execute(self.database.insert(requests).values(row).on_conflict_do_nothing())
        return request

    @_retried
    def complete_request(
        self, db: sa.Connection, batch: ClaimedBatch, request: str, receipts: Sequence[Receipt]
    ) -> None:
        """Record the result of a request as soon as it is there.

        If another worker has taken the batch over since, its recipients are no longer unknown.
        """
        job, number, this = batch.task.job, batch.task.number, requests.c.id == request
        states.lock_batch(db, job, number)
        state = db.execute(sa.select(requests.c.state).where(this)).scalar()
        if (
            state is None or state == states.COMPLETED
        ):  # the job was deleted since; or it is stored, and the answer was lost
            return
        values: dict[str, Any] = {"state": states.COMPLETED, "receipts": receipts}
        if state not in (states.STARTED, states.LOST):
            values = {"state": states.MERGED}
            states.merge_receipts(db, job, number, (), late=receipts)
        db.execute(requests.update().where(this).values(completed=self._time(), **values))

    @_retried
    def finish_try(
        self,
        db: sa.Connection,
        batch: ClaimedBatch,
        receipts: Sequence[Receipt],
        retry_after: float | None,
        *,
        counts: bool = True,
        held: bool = False,
        final: Sequence[Receipt] = (),
        carry: bool = False,
    ) -> tuple[str | None, Task | None]:
        """End a try of a batch, then queue the next one: the same batch or the next of its partition.

        :param retry_after: seconds until the batch is tried again; None if it is done.
        :param counts: whether something was sent; waiting alone is not a try.
        :param held: whether the batch waits only for guards, so that the next one goes on meanwhile.
        :param final: receipts that have their last outcome since this try.
        :param carry: whether the next one stays with this worker if it may begin now, instead of being queued.
        :return: why the job is paused from now on, None where it goes on; and the task that stays with this worker.
        """
        job, number = batch.task.job, batch.task.number
        states.lock_job(db, job)
        if not states.lock_batch(db, job, number, batch.owner):
            raise Superseded
        # The results of a worker that was taken for dead, which came after this one had claimed the batch.
        since = states.in_state(job, number, states.COMPLETED) & (requests.c.owner != batch.owner)
        late = db.execute(sa.select(requests.c.receipts).where(since & requests.c.id.not_in(batch.completed_ids)))
        if retry_after is None:
            ended: dict[str, Any] = {"state": states.DONE, "ended": self._time(), "owner": None}
        else:
            ended = {"tries": batches.c.tries + int(counts)}
        states.merge_receipts(db, job, number, receipts, [r for result in late.scalars() for r in result], **ended)
        merged = states.in_state(job, number, states.COMPLETED, states.LOST)
        db.execute(requests.update().where(merged).values(state=states.MERGED, receipts=None))
        if retry_after is not None:
            states.enqueue_batch(db, batch.job, number, self._enqueue, retry_after, held=held)
        reason, task = states.check_stop_rule(db, batch.job, final), None
        if retry_after is None or held:
            carrier = batch.task.carrier if carry else None
            partition = number % states.PARTITIONS
            task = states.enqueue_next(db, batch.job, partition, self._enqueue, self._time(), carrier=carrier)
        if task is None:
            states.finish_job(db, job, self._time())
        return reason, task

    @_retried
    def postpone(self, db: sa.Connection, batch: ClaimedBatch, seconds: float) -> None:
        """Queue a batch again as it is, for another worker or a later time; it is not a try."""
        job, number = batch.task.job, batch.task.number
        if not states.lock_batch(db, job, number, batch.owner):
            raise Superseded
        states.enqueue_batch(db, batch.job, number, self._enqueue, seconds)
        # It stays running: there may be requests in flight.
        db.execute(batches.update().where(states.of(batches, job, number)).values(state=states.RUNNING))

    def reserve(self, batch: ClaimedBatch, addresses: Sequence[str], seconds: float) -> Mapping[str, float]:
        """Reserve addresses for a batch, and return the seconds to wait for each that another batch has reserved.

        What the batch itself has reserved holds it up no more: that was a worker which died before it sent to them.
        """
        return self._reserve(batch, addresses, seconds) if addresses and seconds else {}

    @_retried
    def _reserve(
        self, db: sa.Connection, batch: ClaimedBatch, addresses: Sequence[str], seconds: float
    ) -> Mapping[str, float]:
        now, holder = self._time(), f"{batch.task.job}:{batch.task.number}"
        values = {"free": now + seconds, "holder": holder}
        statement = self.database.insert(spacing).values([{"address": a, **values} for a in sorted(addresses)])
        statement = statement.on_conflict_do_update(
            index_elements=[spacing.c.address],
            set_=values,
            # A time too far ahead comes from a clock that has been corrected since.
            where=(spacing.c.free <= now) | (spacing.c.free > now + seconds) | (spacing.c.holder == holder),
        ).returning(spacing.c.address)
        busy = set(addresses) - set(db.execute(statement).scalars())
        query = sa.select(spacing.c.address, spacing.c.free).where(spacing.c.address.in_(busy))
        return {row.address: max(row.free - now, 0.0) for row in db.execute(query)} if busy else {}

    # --- what a person decides ---

    def pause(self, job: str, *, paused: bool, reason: str | None = None) -> None:
        """Pause a job, or resume it; ``stop_if`` is then judged anew.

        :param reason: why it is paused, where no person did.
        """
        with self.database.begin() as db:
            db.execute(jobs.update().where(jobs.c.id == job).values(paused=paused, reason=reason, judged=None))
            row = {} if paused else states.lock_job(db, job)
            for partition in range(states.PARTITIONS if row else 0):
                # New tasks in place of those in the queue, whatever their state: only the newest is valid.
                states.enqueue_next(db, row, partition, self._enqueue, self._time(), again=True)

    def cancel(self, job: str) -> None:
        """Cancel a job that is not over: batches that are not running are skipped, the others end as usual."""
        with self.database.begin() as db:
            db.execute(jobs.update().where((jobs.c.id == job) & jobs.c.finished.is_(None)).values(cancelled=True))
            idle = (batches.c.job == job) & batches.c.state.in_((states.WAITING, states.QUEUED, states.HELD))
            rest = batches.c.size - batches.c.accepted - batches.c.rejected - batches.c.unknown
            cancelled = {"state": states.DONE, "verdict": SkipReason.CANCELLED.value, "skipped": rest, "owner": None}
            db.execute(batches.update().where(idle).values(ended=self._time(), **cancelled))
            states.finish_job(db, job, self._time())

    def settle(self, job: str, decide: Callable[[Receipt], Receipt | None]) -> None:
        """Replace the receipts of unknown recipients in batches that are done.

        :param decide: returns the new receipt, or None to send again.
        """
        with self.database.begin() as db:
            row = states.lock_job(db, job)
            undecided = (batches.c.job == job) & (batches.c.state == states.DONE) & (batches.c.unknown > 0)
            for number in db.execute(sa.select(batches.c.number).where(undecided)).scalars().all():
                receipts = states.read_receipts(db, job, number)
                decided = [decide(r) if r.outcome is Outcome.UNKNOWN else r for r in receipts]
                kept = [receipt for receipt in decided if receipt is not None]
                again = {"tries": 0, "ended": None} if len(kept) < len(receipts) else {}
                states.write_receipts(db, job, number, kept, **again)
                if again:
                    states.enqueue_batch(db, row, number, self._enqueue, 0.0)
            reopened = (jobs.c.id == job) & jobs.c.finished.is_not(None) & states.has_open_batch(job)
            db.execute(jobs.update().where(reopened).values(finished=None, cancelled=False))

    # --- reading ---

    def progress(self, key: str | None = None, most: int = 100) -> list[Progress]:
        """Return the progress of jobs, the newest first."""
        return read_progress(self.database, self._time(), key, most)

    def backlog(self) -> Backlog:
        """Return how many jobs there are in each state, and the age of the oldest one that is running."""
        return read_backlog(self.database, self._time())

    def receipts(self, job: str) -> Iterator[Receipt]:
        """Yield the receipts of a job in the caller's order; no transaction is open meanwhile."""
        return (receipt for *_, receipt in in_order(self.batches_of(job, cells=False)) if receipt is not None)

    def batches_of(self, job: str, *, cells: bool = True) -> Iterator[list[tuple[int, StoredRow]]]:
        """Yield the rows of each batch of a job, with their positions, in the order of the batches.

        :param cells: whether the cells and the text are read.
        """
        for first in itertools.count(0, _BATCHES_PER_READ):
            some = self._some_batches(job, first, cells=cells)
            if not some:
                return
            yield from some

    def _some_batches(self, job: str, first: int, *, cells: bool) -> list[list[tuple[int, StoredRow]]]:
        more = (getattr(contents.c, name) if cells else sa.null().label(name) for name in ("cells", "body"))
        both = (contents.c.job == batches.c.job) & (contents.c.number == batches.c.number)
        number = contents.c.number
        query = (
            sa.select(contents.c.recipients, contents.c.receipts, batches.c.verdict, *more)
            .select_from(contents.join(batches, both))
            .where((contents.c.job == job) & (number >= first) & (number < first + _BATCHES_PER_READ))
            .order_by(number)
        )
        with self.database.read() as db:
            return [_stored_rows(*row) for row in db.execute(query)]

    # --- retention ---

    def prune(self, keep_jobs: float, keep_bodies: float) -> None:
        """Delete old jobs, texts and addresses of finished jobs, and submissions that were never completed.

        :param keep_jobs: seconds after the end of a job until it is deleted.
        :param keep_bodies: seconds after the end of a job until its text and addresses are deleted.
        """
        now = self._time()
        ended = jobs.c.finished.is_not(None)
        expired = ended & (jobs.c.finished < now - keep_jobs)
        abandoned = jobs.c.key.is_(None) & (jobs.c.touched < now - _ABANDONED)
        with_body = ended & (jobs.c.finished < now - keep_bodies) & jobs.c.body.is_not(None)
        with self.database.begin() as db:
            _delete(db, db.execute(sa.select(jobs.c.id).where(expired | abandoned)).scalars().all())
            bodies = db.execute(sa.select(jobs.c.id).where(with_body)).scalars().all()
            if bodies:
                db.execute(jobs.update().where(jobs.c.id.in_(bodies)).values(body=None))
                db.execute(contents.update().where(contents.c.job.in_(bodies)).values(**_WITHOUT_BODY))
            prune_deliveries(db, now, keep_jobs, keep_bodies)
            db.execute(spacing.delete().where(spacing.c.free < now))

    # --- in a transaction ---

    @contextlib.contextmanager
    def _writing(self, outer: sa.Connection | None) -> Iterator[sa.Connection]:
        """Give a transaction, or a savepoint in the caller's."""
        if outer is None:
            with self.database.begin() as db:
                yield db
        else:
            with outer.begin_nested():
                yield outer

    def _insert_job(self, db: sa.Connection, row: Mapping[str, Any]) -> str:
        job, now = uuid.uuid4().hex, self._time()
        db.execute(jobs.insert().values(id=job, touched=now, created=now, **row))
        return job

    def _start(self, db: sa.Connection, job: Mapping[str, Any]) -> None:
        """Queue the first batch of each partition of a job; a job without one is over.

        :param job: its row.
        """
        now = self._time()
        for number in range(min(states.PARTITIONS, job["batches"])):
            states.enqueue_batch(db, job, number, self._enqueue, states.delay_of(job, number, now))
        if not job["batches"]:
            states.finish_job(db, job["id"], now)

    def _update_draft(self, db: sa.Connection, job: str, **values: Any) -> None:
        """Update a job that is not visible yet.

        :raises ConfigError: it was deleted, because nothing was added for too long.
        """
        if db.execute(jobs.update().where(jobs.c.id == job).values(touched=self._time(), **values)).rowcount != 1:
            raise ConfigError(
                f"to: no recipients came for {_ABANDONED:.0f} s, so the job was given up and nothing of it is sent: "
                "submit it again, and faster"
            )


def _insert_batches(db: sa.Connection, job: str, added: Sequence[NewBatch]) -> None:
    if not added:
        return
    rows, large = [], []
    for batch in added:
        this = {"job": job, "number": batch.number}
        size, skipped = len(batch.recipients), len(batch.excluded)
        rows.append({**this, "state": states.WAITING, "size": size, "skipped": skipped})
        content = {"recipients": batch.recipients, "receipts": batch.excluded or None}
        large.append({**this, **content, "body": batch.body, "cells": batch.cells})
    db.execute(batches.insert(), rows)
    db.execute(contents.insert(), large)


def _stored_rows(
    recipients: Sequence[Positioned] | None,
    receipts: list[Receipt] | None,
    verdict: str | None,
    cells: Sequence[Mapping[str, str]] | None,
    body: Mapping[str, Any] | None,
) -> list[tuple[int, StoredRow]]:
    """Return the rows of a batch, with their positions."""
    known = {receipt.position: receipt for receipt in states.complete(receipts or [], recipients or (), verdict)}
    text = (body or {}).get("text")
    found = zip(recipients or (), cells or itertools.repeat({}), strict=False)
    return [(position, (position, row, text, known.get(position))) for (position, _), row in found]


def _delete(db: sa.Connection, ids: Sequence[str]) -> None:
    for table in (requests, contents, batches):
        db.execute(table.delete().where(table.c.job.in_(ids)))
    db.execute(jobs.delete().where(jobs.c.id.in_(ids)))
