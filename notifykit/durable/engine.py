"""The engine: takes orders, hands out jobs, and sends in the background."""

from __future__ import annotations

import logging
import os
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.exc import SQLAlchemyError

from notifykit.durable.database import Database, unusable
from notifykit.durable.dedupe import Seen
from notifykit.durable.job import StoredJob
from notifykit.durable.job_spec import (
    BULK,
    MOST_URGENT,
    URGENT,
    Fingerprint,
    body_of,
    differences,
    diverted,
    duplicates,
    options_of,
    placed,
)
from notifykit.durable.queue import Consumer, Queue
from notifykit.durable.rate_limit import DatabaseRateLimiters, slowest
from notifykit.durable.serialization import dump
from notifykit.durable.settings import DurableSettings
from notifykit.durable.store import JobStore, KeyTakenError
from notifykit.durable.worker import Sender
from notifykit.errors import ConfigError
from notifykit.models.job import JobSpec, Progress
from notifykit.pipeline.capabilities import leaves
from notifykit.pipeline.components import Components
from notifykit.protocols import Transport
from notifykit.settings.sources import Settings

if TYPE_CHECKING:
    import sqlalchemy as sa

_log = logging.getLogger("notifykit.durable")

#: Batches that are written in one transaction, so that nobody else waits long for the database.
_AT_ONCE: Final = 25
#: Seconds that requests under way are given at the end, besides their own timeout.
_GRACE: Final = 5.0
#: Seconds between two rounds of forgetting.
_HOUSEKEEPING: Final = 600.0


class DurableEngine:
    """Keeps jobs in a database and sends them with one notifier.

    :param settings: where jobs are kept, and for how long.
    :param house: what the notifier is made of.
    :raises ConfigError: where the database can't be used.
    """

    def __init__(self, settings: Settings, house: Components) -> None:
        self._settings = DurableSettings.of(settings)
        self._components = house
        #: Seconds since 1970: by it jobs begin, expire and are forgotten.
        self.clock: Callable[[], float] = time.time
        self._open()

    def _open(self) -> None:
        self._pid = os.getpid()
        self._database = Database(self._settings)
        self._queue = Queue(self._database)
        self.store = JobStore(self._database, self._now)
        self._lock = threading.Lock()
        self._consumer: Consumer | None = None
        self._stopping = threading.Event()

    def _now(self) -> float:
        return self.clock()

    def _mind_the_fork(self) -> None:
        """Open everything anew in a child process: connections, locks and threads are the parent's."""
        if os.getpid() != self._pid:
            self._database.engine.dispose(close=False)
            self._open()

    def submit(self, order: JobSpec, connection: Any = None) -> StoredJob:
        """Take an order: whole or not at all, and safe on disk when this returns.

        :param connection: a SQLAlchemy connection or session in the middle of a transaction on the same PostgreSQL
            database: the job is a part of it, and exists when it is committed.
        :raises ConfigError: where the key is that of another order, or the order can't be carried out.
        """
        self._mind_the_fork()
        outer = None if connection is None else self._database.outer(connection)
        transport = self._carrier(order)
        key = uuid.uuid4().hex if order.key is None else order.key
        if not 0 < len(key) <= 200 or not key.isprintable():
            raise ConfigError("key: give 1 to 200 characters that can be seen")
        try:
            job = self._accept(order, key, transport, outer)
        except SQLAlchemyError as error:
            raise unusable(self._settings, error) from None
        if self._settings.embedded:
            self.work()
        return job

    def job(self, key: str) -> StoredJob:
        """Return a job by its key.

        :raises KeyError: where there is none.
        """
        self._mind_the_fork()
        row = self._asked(lambda: self.store.find(key))
        if row is None:
            raise KeyError(f"there is no job {key!r}: `notifykit jobs` lists those that there are")
        return self._job(row["id"], key)

    def jobs(self, most: int = 100) -> Sequence[Progress]:
        """Return how far each job is, the newest first."""
        self._mind_the_fork()
        found: Sequence[Progress] = self._asked(lambda: self.store.progress(most=most))
        return found

    def work(self) -> None:
        """Send what there is to send in the background, until :meth:`close`.

        A child of a process that sends leaves it to that one: what the queue has in memory does not survive a fork.
        """
        self._mind_the_fork()
        if Consumer.forked():
            return
        with self._lock:
            if self._consumer is not None:
                return
            rate_limiters: Any = DatabaseRateLimiters(self._database, self._components.settings.state_dir)
            sender = Sender(self._components, self.store, rate_limiters, self._queue.put, self._now)
            consumer = Consumer(self._queue, self._database, sender.run)
            consumer.start()
            self._consumer = consumer
            threading.Thread(target=self._keep_house, name="notifykit-housekeeping", daemon=True).start()

    def close(self) -> None:
        """Finish what is out, within the timeout of a request and five seconds, and give back connections and files."""
        self._mind_the_fork()
        self._stopping.set()
        with self._lock:
            if self._consumer is not None:
                self._consumer.stop(self._components.settings.timeout + _GRACE)
                self._consumer = None
        self._queue.close()
        self._database.close()

    def _accept(self, order: JobSpec, key: str, transport: Transport, outer: sa.Connection | None) -> StoredJob:
        live = transport.capabilities.live
        fingerprint = Fingerprint(order, live=live)
        now = self._now()
        starts = order.at.timestamp() if order.at else now
        queue = self._queue.open(slowest(leaf.capabilities.rate_limit for leaf in leaves(transport)))
        row = {
            "starts": starts,
            "expires": None if order.expires_in is None else max(starts, now) + order.expires_in,
            "options": dump(options_of(order, live=live) | {"diverted": diverted(transport)}),
            "body": body_of(order),
            "queue": queue,
            "priority": BULK,
        }
        written = self.store.open_job(row, outer)
        try:
            total = numbers = 0
            pending: list[Any] = []
            with Seen() as seen:
                for piece in placed(fingerprint.seeing(order.recipients), transport.capabilities.batch_size):
                    pending.append((piece, duplicates(piece, seen)))
                    total += len(piece)
                    if len(pending) == _AT_ONCE:
                        self.store.add(written, numbers, pending, outer)
                        numbers += len(pending)
                        pending = []
            if pending:
                self.store.add(written, numbers, pending, outer)
                numbers += len(pending)
            urgent = total <= MOST_URGENT if order.urgent is None else order.urgent
            last = {
                "total": total,
                "batches": numbers,
                "fingerprint": str(fingerprint),
                "priority": URGENT if urgent else BULK,
            }
            self.store.accept(written, key, last, self._queue.put, outer)
        except KeyTakenError:
            return self._same(key, str(fingerprint), outer)
        except BaseException:
            self.store.discard(written, outer)
            raise
        return self._job(written, key)

    def _same(self, key: str, fingerprint: str, outer: sa.Connection | None) -> StoredJob:
        """Return the job that has the key, where it is the same order."""
        row = self.store.find(key, outer)
        if row is None:  # it was forgotten this very moment
            raise ConfigError(f"key: {key!r} was taken a moment ago and is free again: submit once more")
        if row["fingerprint"] != fingerprint:
            raise differences(key, row["fingerprint"], fingerprint)
        return self._job(row["id"], key)

    def _carrier(self, order: JobSpec) -> Transport:
        """Return the transport of an order, which every worker has to be able to build."""
        context = self._components.context(order.via, None, window=None)
        if order.at_least_once:
            unable = [str(leaf) for leaf in leaves(context.transport) if not leaf.capabilities.idempotent]
            if unable:
                raise ConfigError(
                    f"at_least_once: {', '.join(unable)} does not recognise a repeated request, so people would get it "
                    "twice: leave it out"
                )
        return context.transport

    def _job(self, id: str, key: str) -> StoredJob:
        return StoredJob(id, key, self.store, self._queue.put)

    def _asked(self, question: Callable[[], Any]) -> Any:
        try:
            return question()
        except SQLAlchemyError as error:
            raise unusable(self._settings, error) from None

    def _keep_house(self) -> None:
        while True:
            try:
                self.store.prune(self._settings.keep_jobs, self._settings.keep_bodies)
            except Exception as error:  # the database may be away; the next round comes
                _log.debug("forgetting old jobs raised %s", type(error).__name__)
            if self._stopping.wait(_HOUSEKEEPING):
                return
