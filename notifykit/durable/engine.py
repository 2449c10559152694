"""The engine: submits jobs to the store, returns them by key, and sends them in the background."""

from __future__ import annotations

import contextlib
import itertools
import logging
import math
import os
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs
from sqlalchemy.exc import SQLAlchemyError

from notifykit.durable.batch_state import Task
from notifykit.durable.database import Database, DurableSettings
from notifykit.durable.deliveries import IDS_PER_QUERY, Deliveries, read_deliveries, record_reports
from notifykit.durable.grouping import AddressSet, NewBatch, batches_of, batches_of_rows, chunks, portions
from notifykit.durable.notifications import Notifications
from notifykit.durable.queue import TURN, Consumer, Queue, Unfinished, is_limited
from notifykit.durable.rate_limit import DatabaseRateLimiters, slowest
from notifykit.durable.serialization import (
    Fingerprint,
    body_of,
    is_intercepted,
    key_conflict,
    options_of,
)
from notifykit.durable.store import JobStore, KeyTakenError, Superseded
from notifykit.durable.stored_job import StoredJob
from notifykit.durable.worker import Worker
from notifykit.errors import ConfigError
from notifykit.models.delivery import Delivery, DeliveryReport
from notifykit.models.job import Backlog, JobSpec, Progress
from notifykit.models.message import Message
from notifykit.pipeline.capabilities import leaves
from notifykit.pipeline.components import Components
from notifykit.pipeline.context import Prepared
from notifykit.pipeline.forking import renew_in_child
from notifykit.pipeline.stages import clean
from notifykit.protocols import Transport
from notifykit.settings.sources import Settings

if TYPE_CHECKING:
    import sqlalchemy as sa

_log = logging.getLogger("notifykit.durable")

#: A job of at most so many recipients is urgent unless it says otherwise.
_MOST_URGENT: Final = 10
_URGENT, _BULK = 1, 100
#: Seconds that requests in flight get when the engine is closed, besides their own timeout.
_GRACE: Final = 5.0
#: Seconds between two runs of :meth:`JobStore.prune`.
_PRUNE_EVERY: Final = 600.0
#: The most seconds until a job begins, and from then until it expires.
_LONGEST: Final = 10 * 366 * 86_400.0
#: Seconds until a job is looked at again that another worker has, or that a person paused.
_ELSEWHERE: Final = 30.0


class DurableEngine:
    """Keeps jobs in a database and sends them with one notifier.

    :param settings: where jobs are kept, and for how long.
    :param components: what the notifier is made of.
    :raises ConfigError: the database can't be used.
    """

    def __init__(self, settings: Settings, components: Components) -> None:
        self._settings = DurableSettings.of(settings)
        self._components = components
        #: Seconds since 1970: decides when jobs start, expire and are deleted.
        self.clock: Callable[[], float] = time.time
        self._reopening = threading.Lock()
        self._open()
        renew_in_child(self, _reopening=threading.Lock)

    def _open(self) -> None:
        self._database = Database(self._settings)
        self._queue = Queue(self._database)
        self.store = JobStore(self._database, self._queue.put, self._now)
        #: The notifications of people.
        self.notifications = Notifications(self, self._database, self._components)
        self._lock = threading.Lock()
        self._consumer: Consumer | None = None
        self._stopping = threading.Event()
        self._pruned = -math.inf
        self._pid = os.getpid()

    def _now(self) -> float:
        return self.clock()

    @contextlib.contextmanager
    def usable(self) -> Iterator[JobStore]:
        """Give the store, and make errors of the database a ConfigError that shows no value.

        A child process opens everything again: connections, locks and threads are the parent's.

        :raises ConfigError: the database can't be used.
        """
        with self._reopening:
            if os.getpid() != self._pid:
                self._database.engine.dispose(close=False)
                self._open()
        try:
            yield self.store
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise self._database.unusable(error) from None

    def submit(self, spec: JobSpec, connection: Any = None) -> StoredJob:
        """Submit a job: whole or not at all, and safe on disk when this returns.

        :param connection: a SQLAlchemy connection or session in a transaction on the same PostgreSQL database: the job
            is a part of it, and exists when it is committed.
        :raises ConfigError: another job has the key, or this one can't be sent.
        """
        with self.usable():
            _require_times(spec, self.clock())
            outer = None if connection is None else self._database.connection_of(connection)
            transport = self._transport(spec)
            key = uuid.uuid4().hex if spec.key is None else spec.key
            if not 0 < len(key) <= 200 or not key.isprintable():
                raise ConfigError("key: give 1 to 200 characters that can be seen")
            job = self._write(spec, key, transport, outer, self.store)
        if self._settings.embedded:
            self.work()
        return job

    def submit_part(self, spec: JobSpec, db: sa.Connection) -> str:
        """Submit a job with a key as a part of a transaction on this database, and return its id."""
        assert spec.key is not None
        return self._write(spec, spec.key, self._transport(spec), db, self.store).id

    def open_queue(self, transport: Transport) -> str:
        """Create the queue of a transport if there is none, and return its name."""
        return self._queue.open(slowest(leaf.capabilities.rate_limit for leaf in leaves(transport)))

    def attempt(self, spec: JobSpec) -> tuple[StoredJob, float | None]:
        """Send what is left of a job in this thread, once: for another library's queue, which delivers at least once.

        Called again with the same key it goes on: what a process that died may have sent is unknown, and is not sent again.

        :return: the job, and the seconds until this is to be called again; None where every recipient has an outcome.
        :raises ConfigError: another job has the key, or this one can't be sent.
        """
        assert spec.key is not None, "without a key, a second delivery is not recognised"
        waits: dict[int, float] = {}

        def enqueue(db: sa.Connection, task: Task, delay: float) -> None:
            waits[task.number] = delay

        with self.usable() as own:
            _require_times(spec, self.clock())
            store = attrs.evolve(own, enqueue=enqueue)
            job = self._write(spec, spec.key, self._transport(spec), None, store)
            limits: Any = DatabaseRateLimiters(self._database, self._components.settings.state_dir)
            worker = Worker(self._components, store, limits, self._now)
            while ready := [task for task in store.open_tasks(job.id) if waits.get(task.number, 0.0) <= 0]:
                for task in ready:
                    waits[task.number] = _ELSEWHERE
                    with contextlib.suppress(Superseded):
                        worker.run(task)
            left = [waits.get(task.number, 0.0) for task in store.open_tasks(job.id)]
            if not left and job.progress().finished is None:
                left = [_ELSEWHERE]
        self._prune_sometimes()
        return job, max(left, default=None)

    def job(self, key: str) -> StoredJob:
        """Return a job by its key.

        :raises KeyError: there is none.
        """
        with self.usable():
            row = self.store.find(key)
        if row is None:
            raise KeyError(f"there is no job {key!r}: `notifykit jobs` lists those that there are")
        return StoredJob(row["id"], key, self)

    def jobs(self, most: int = 100) -> Sequence[Progress]:
        """Return the progress of each job, the newest first.

        :param most: the most jobs to return.
        """
        with self.usable():
            return self.store.progress(most=most)

    def backlog(self) -> Backlog:
        """Return how many jobs there are in each state, and the age of the oldest one that is running."""
        with self.usable() as store:
            return store.backlog()

    def deliveries(self, message_ids: Iterable[str]) -> Deliveries:
        """Return what delivery reports said, by message id and canonical address.

        What was said of all recipients of a request is there under its id and None.
        """
        found: dict[tuple[str, str | None], Delivery] = {}
        for some in chunks(message_ids, IDS_PER_QUERY):
            with self.usable():
                found.update(read_deliveries(self._database, some))
        return found

    def record_delivery_reports(self, reports: Iterable[DeliveryReport]) -> None:
        """Store delivery reports; the same ones again, or in another order, change nothing.

        :raises ConfigError: the database can't be used.
        """
        with self.usable():
            record_reports(self._database, reports, self.clock())

    def idle_reason(self) -> str | None:
        """Return why no job is sent by this process, in one sentence; None where it works on them."""
        consumer = self._consumer
        if consumer is None or self._stopping.is_set():
            return "This process sends no jobs: it has not started, or it is ending."
        return consumer.idle_reason()

    def work(self) -> None:
        """Send jobs in the background, until :meth:`close`.

        A child of a process that sends does nothing here: what the queue has in memory does not survive a fork.
        """
        with self.usable(), self._lock:
            if self._consumer is not None or Consumer.is_in_parent():
                return
            rate_limiters: Any = DatabaseRateLimiters(self._database, self._components.settings.state_dir)
            worker = Worker(self._components, self.store, rate_limiters, self._now)

            def work(task: Task) -> None:
                # With a rate limit the queue decides which batch is next at each request.
                try:
                    worker.run(task, 0.0 if is_limited(task.queue) else TURN)
                except Superseded:  # the task is not over: it may stand for a batch that nobody works on
                    raise Unfinished from None
                self.notifications.news_of_job(task.job)

            consumer = Consumer(self._queue, self._database, work)
            consumer.start()
            self._consumer = consumer
            self.notifications.start(self._stopping)
            threading.Thread(target=self._prune, name="notifykit-prune", daemon=True).start()

    def close(self) -> None:
        """Wait for requests in flight, at most a request's timeout and five seconds, and close connections and files."""
        with self.usable(), self._lock:
            self._stopping.set()
            if self._consumer is not None:
                self._consumer.stop(self._components.settings.timeout + _GRACE)
                self._consumer = None
            self.notifications.stop(self._components.settings.timeout + _GRACE)
        self._queue.close()
        self._database.close()

    def _write(
        self, spec: JobSpec, key: str, transport: Transport, outer: sa.Connection | None, store: JobStore
    ) -> StoredJob:
        """Write a job to the store, and return it or the one that has its key."""
        live = transport.capabilities.live
        fingerprint = Fingerprint(spec, live=live)
        now = self.clock()
        starts = spec.at.timestamp() if spec.at else now
        row = {
            "starts": starts,
            "expires": None if spec.expires_in is None else starts + spec.expires_in,
            "options": {
                **options_of(spec, live=live),
                "intercepted": is_intercepted(transport),
                "trace": self._components.dispatcher.tracing.job_context(),
            },
            "body": body_of(spec),
            "queue": self.open_queue(transport),
            "priority": _BULK,
        }
        with AddressSet() as addresses:
            parts = portions(_batches(spec, fingerprint, transport.capabilities.batch_size, addresses))
            first, second = next(parts, []), next(parts, None)
            try:
                if second is None:
                    job_id = store.submit(key, row | _totals(spec, fingerprint, len(first)), first, outer)
                else:
                    parts = itertools.chain((first, second), parts)
                    job_id = self._write_parts(spec, key, row, parts, fingerprint, outer, store)
            except KeyTakenError:
                return self._existing(key, fingerprint, outer)
        return StoredJob(job_id, key, self)

    def _write_parts(
        self,
        spec: JobSpec,
        key: str,
        row: Mapping[str, Any],
        parts: Iterable[Sequence[NewBatch]],
        fingerprint: Fingerprint,
        outer: sa.Connection | None,
        store: JobStore,
    ) -> str:
        """Write a long job, so that other processes do not wait for the database until all of it is there."""
        job_id = store.create(row, outer)
        try:
            count = 0
            for some in parts:
                store.add_batches(job_id, some, outer)
                count += len(some)
            store.publish(job_id, key, _totals(spec, fingerprint, count), outer)
        except KeyTakenError:
            raise
        except BaseException:
            store.discard(job_id, outer)
            raise
        return job_id

    def _existing(self, key: str, fingerprint: Fingerprint, outer: sa.Connection | None) -> StoredJob:
        """Return the job that has a key, if its content is the same."""
        row = self.store.find(key, outer)
        if row is None:  # it was deleted just now
            raise ConfigError(f"key: {key!r} was taken a moment ago and is free again: submit once more")
        if row["fingerprint"] != fingerprint.as_dict():
            raise key_conflict(key, row["fingerprint"], fingerprint.as_dict())
        return StoredJob(row["id"], key, self)

    def cleaned(self, message: Message) -> Prepared:
        """Return a message as the cleaners of this process leave it."""
        return clean(message, self._components.context(None, None, window=None, dry_run=True))

    def _transport(self, spec: JobSpec) -> Transport:
        """Return the transport of a job, which every worker has to be able to build."""
        context = self._components.context(spec.via, None, window=None)
        if spec.at_least_once:
            unable = [str(leaf) for leaf in leaves(context.transport) if not leaf.capabilities.idempotent]
            if unable:
                raise ConfigError(
                    f"at_least_once: {', '.join(unable)} does not recognise a repeated request, so people would get it "
                    "twice: leave it out"
                )
        return context.transport

    def _prune(self) -> None:
        while True:
            self._prune_sometimes()
            if self._stopping.wait(_PRUNE_EVERY):
                return

    def _prune_sometimes(self) -> None:
        """Delete old jobs, if that was not done lately."""
        if time.monotonic() - self._pruned < _PRUNE_EVERY:
            return
        self._pruned = time.monotonic()
        try:
            self.store.prune(self._settings.keep_jobs, self._settings.keep_bodies)
            self.notifications.store.prune(self._settings.keep_jobs, self._settings.keep_bodies)
        except Exception as error:  # the database may be unavailable: the next run follows
            _log.debug("deleting old jobs raised %s", type(error).__name__)


def _batches(spec: JobSpec, fingerprint: Fingerprint, size: int, addresses: AddressSet) -> Iterator[NewBatch]:
    """Return the batches of a submission, and add what is in them to its fingerprint."""
    if spec.rows is None:
        return batches_of(fingerprint.add_all(spec.recipients), size, addresses)
    return batches_of_rows(fingerprint.add_rows(spec.rows), size, addresses)


def _totals(spec: JobSpec, fingerprint: Fingerprint, count: int) -> dict[str, Any]:
    """Return what is known of a job when all of its batches are.

    :param count: how many they are.
    """
    urgent = fingerprint.count <= _MOST_URGENT if spec.urgent is None else spec.urgent
    priority = _URGENT if urgent else _BULK
    return {"total": fingerprint.count, "batches": count, "fingerprint": fingerprint.as_dict(), "priority": priority}


def _require_times(spec: JobSpec, now: float) -> None:
    """Raise a :class:`ValueError` where a job's times can't be meant."""
    problems = []
    if spec.at is not None and not spec.at.timestamp() - now <= _LONGEST:
        problems.append(f"at is {spec.at:%Y-%m-%d}: give a time within the next ten years")
    if spec.at is not None and spec.at.timestamp() < 0:
        problems.append(f"at is {spec.at:%Y-%m-%d}: give a time to come")
    if spec.expires_in is not None and not 0 < spec.expires_in <= _LONGEST:
        problems.append(
            f"expires_in is {spec.expires_in:g}: give seconds above zero, at most ten years; leave it out for ever"
        )
    if spec.spread is not None and not 0 < spec.spread <= _LONGEST:
        problems.append(
            f"spread is {spec.spread:g}: give seconds above zero, at most ten years; leave it out for at once"
        )
    elif spec.spread is not None and spec.expires_in is not None and spec.spread >= spec.expires_in:
        problems.append(
            f"spread is {spec.spread:g} and expires_in is {spec.expires_in:g}: what begins after that is never sent: "
            "give a shorter spread, or a later end"
        )
    if problems:
        raise ValueError("; ".join(problems))
