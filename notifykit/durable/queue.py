"""The queue behind the ledger: DBOS, which delivers each ticket at least once, after its delay and by its priority.

Only this module knows it. What it must not do is decide: whether a request was made stands in the ledger alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from notifykit.durable.alive import liveness
from notifykit.durable.database import Database, new_engine, unusable
from notifykit.durable.ledger import Ticket
from notifykit.errors import ConfigError
from notifykit.models import Pace

_log = logging.getLogger("notifykit.durable")

#: Names the application in the queue's tables.
_NAME: Final = "notifykit"
#: A ticket of one version is not taken by a worker of another; changed only where tickets change their meaning.
_VERSION: Final = "notifykit-1"
_WORKFLOW: Final = "notifykit_batch"
#: Seconds between two looks into a queue.
_POLL: Final = 0.15
#: Seconds between two looks for dead workers.
_WATCH: Final = 1.0
#: Batches that one worker has under way at once.
_CONCURRENCY: Final = 4
#: Finished tickets are forgotten so many at a time.
_SWEPT: Final = 500


def queue_of(pace: Pace | None) -> str:
    """Return the queue of everything that shares a pace."""
    return "notifykit" if pace is None else f"notifykit-{hashlib.sha256(pace.key.encode()).hexdigest()[:24]}"


class Queue:
    """Puts tickets in, and hands them to a worker.

    :param database: where the queue lives, beside the ledger.
    :raises ConfigError: where it can't be used.
    """

    def __init__(self, database: Database) -> None:
        from dbos import DBOS, DBOSClient

        logging.getLogger("dbos").setLevel(logging.ERROR)
        self._db = database
        self._known: set[str] = set()
        with _one_at_a_time(database):
            try:
                DBOS.migrate(_plain(database))
                # It goes on where the database comes back, instead of waiting inside for as long as it takes.
                self._client = DBOSClient(
                    system_database_engine=database.engine,
                    serializer=_serializer(),
                    application_name=_NAME,
                    retry_connection_errors=False,
                )
            except SQLAlchemyError as error:
                raise unusable(database.settings, error) from None

    def open(self, pace: Pace | None) -> str:
        """Make the queue of a pace where there is none, and return its name."""
        name = queue_of(pace)
        if name not in self._known:
            limiter: Any = None if pace is None else {"limit": 1, "period": 1.0 / pace.per_second}
            self._client.register_queue(
                name,
                limiter=limiter,
                worker_concurrency=_CONCURRENCY,
                polling_interval_sec=_POLL,
                on_conflict="always_update",
                application_name=_NAME,
            )
            self._known.add(name)
        return name

    def put(self, connection: sa.Connection, ticket: Ticket, delay: float) -> None:
        """Put a ticket in, as part of a transaction."""
        from dbos import EnqueueOptions

        options = EnqueueOptions(
            workflow_name=_WORKFLOW,
            queue_name=ticket.queue,
            workflow_id=ticket.id,
            app_version=_VERSION,
            priority=ticket.priority,
        )
        if delay > 0:
            options["delay_seconds"] = delay
        arguments = (ticket.job, ticket.number, ticket.run, ticket.queue, ticket.priority)
        self._client.enqueue_in_transaction(connection, options, *arguments)

    def sweep(self) -> None:
        """Forget tickets that are over."""
        over = self._client.list_workflows(
            status=["SUCCESS", "ERROR", "CANCELLED"], limit=_SWEPT, load_input=False, load_output=False
        )
        if over:
            self._client.delete_workflows([workflow.workflow_id for workflow in over])

    def pending(self) -> dict[str, list[tuple[str, str]]]:
        """Return the tickets that workers have in hand: by worker, each with its queue."""
        found: dict[str, list[tuple[str, str]]] = {}
        for workflow in self._client.list_workflows(status="PENDING", load_input=False, load_output=False):
            if workflow.executor_id and workflow.queue_name:
                found.setdefault(workflow.executor_id, []).append((workflow.workflow_id, workflow.queue_name))
        return found

    def deliver_again(self, tickets: Iterable[tuple[str, str]]) -> None:
        """Put the tickets of a dead worker back into their queues."""
        queues: dict[str, list[str]] = {}
        for ticket, queue in tickets:
            queues.setdefault(queue, []).append(ticket)
        for queue, ids in queues.items():
            self._client.resume_workflows(ids, queue_name=queue)

    def close(self) -> None:
        """Give back connections."""
        self._client.destroy()


class Consumer:
    """Takes tickets out of the queues of one database; a process has one at most.

    :param queue: the queue.
    :param database: where it lives.
    :param run: works on a ticket.
    """

    _only: ClassVar[Consumer | None] = None
    _guard: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, queue: Queue, database: Database, run: Callable[[Ticket], None]) -> None:
        self._queue = queue
        self._db = database
        self._run = run
        self._alive = liveness(database)
        self._stopping = threading.Event()
        self._watcher: threading.Thread | None = None
        self.pid = os.getpid()
        self.name = f"{socket.gethostname()[:40]}-{os.getpid()}-{secrets.token_hex(4)}"

    @classmethod
    def forked(cls) -> bool:
        """Return whether this process is the child of one that takes tickets."""
        return cls._only is not None and cls._only.pid != os.getpid()

    def start(self) -> None:
        """Begin.

        :raises ConfigError: where this process takes tickets of another database already.
        """
        from dbos import DBOS, DBOSConfig

        with Consumer._guard:
            if Consumer._only is not None:
                raise ConfigError(
                    "database_url: this process sends the jobs of another database already: one process, one database"
                )
            Consumer._only = self
        self._alive.live(self.name)
        self._engine = new_engine(self._db.settings)
        config = DBOSConfig(
            name=_NAME,
            system_database_url=_plain(self._db),
            system_database_engine=self._engine,
            application_version=_VERSION,
            executor_id=self.name,
            run_migrations=False,
            log_level="ERROR",
            serializer=_serializer(),
            scheduler_polling_interval_sec=3600.0,
        )
        DBOS(config=config)

        def work(job: str, number: int, run: int, queue: str, priority: int) -> None:
            self._run(Ticket(job, number, run, queue, priority))

        DBOS.workflow(name=_WORKFLOW, max_recovery_attempts=None)(work)
        DBOS.launch()
        self._watcher = threading.Thread(target=self._watch, name="notifykit-watch", daemon=True)
        self._watcher.start()

    def stop(self, seconds: float) -> None:
        """Take no more, and finish what is in hand within so many seconds."""
        from dbos import DBOS

        self._stopping.set()
        DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=max(1, round(seconds)))
        if self._watcher is not None:
            self._watcher.join(_WATCH * 3)
        self._alive.die()
        self._engine.dispose()
        with Consumer._guard:
            Consumer._only = None

    def _watch(self) -> None:
        """Look for workers that died, take over what they had in hand, and forget what is over."""
        while not self._stopping.wait(_WATCH):
            try:
                self._alive.keep()
                for name, tickets in self._queue.pending().items():
                    if name != self.name and self._alive.is_dead(name):
                        _log.warning("worker %s is gone: %d batches are taken over", name, len(tickets))
                        self._queue.deliver_again(tickets)
                self._queue.sweep()
            except Exception as error:  # the database may be away; the next look comes
                _log.debug("looking for dead workers raised %s", type(error).__name__)


def _serializer() -> Any:
    """Return one that pickles nothing: whoever can write the database runs no code in the workers."""
    from dbos import DBOSPortableJSONSerializer

    return DBOSPortableJSONSerializer()


def _plain(database: Database) -> str:
    return database.settings.url.reveal().replace("+psycopg", "")


@contextlib.contextmanager
def _one_at_a_time(database: Database) -> Any:
    """Let one process at a time make the queue's tables."""
    if database.file is not None:
        import fcntl

        with database.file.with_name(f"{database.file.name}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        return
    with database.engine.connect() as connection:
        connection.execute(sa.text("select pg_advisory_lock(7203165)"))
        try:
            yield
        finally:
            connection.execute(sa.text("select pg_advisory_unlock(7203165)"))
