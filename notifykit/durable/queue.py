"""The queue: DBOS, which delivers each task at least once, after its delay and by its priority.

It also takes over the tasks of a worker that died. Only this module knows DBOS. The queue decides nothing: whether a
request was sent is known to the store alone.
"""

from __future__ import annotations

import collections
import hashlib
import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Final

from sqlalchemy.exc import SQLAlchemyError

from notifykit.durable.batch_state import PARTITIONS, Task
from notifykit.durable.database import Database, close_engine, new_engine
from notifykit.durable.leases import leases_of
from notifykit.errors import ConfigError
from notifykit.models.capabilities import RateLimit
from notifykit.pipeline.forking import renew_in_child

if TYPE_CHECKING:
    import sqlalchemy as sa

_log = logging.getLogger("notifykit.durable")

#: The name of the application in DBOS's tables, and of the queue of transports without a rate limit.
_NAME: Final = "notifykit"
#: A worker takes no task of another version; changed only when the arguments of a task change.
_VERSION: Final = "notifykit-2"
_WORKFLOW: Final = "notifykit_batch"
#: Seconds between two polls of a queue.
_POLL: Final = 0.15
#: Seconds between two looks for expired leases.
_WATCH: Final = 1.0
#: Batches that one worker sends at a time: more than one job has in the queue, so that a code need not wait for one.
_CONCURRENCY: Final = PARTITIONS + 2
#: Seconds after which a task lets others of the queue come first.
TURN: Final = 0.5
#: Seconds without a look after which a worker counts as idle.
_STALE: Final = 15.0
#: Seconds until a batch that failed for want of the database is retried: the first time, and the most they grow to.
_RETRY: Final = 1.0
_LONGEST_RETRY: Final = 60.0
#: Looks after which a task of this worker that is not running is an orphan.
_LOOKS: Final = 5
#: Finished tasks that are deleted at a time.
_SWEEP: Final = 500


class Queue:
    """Adds tasks to the queue, and returns those of dead workers to it.

    :param database: where the queue is, beside the store.
    :raises ConfigError: it can't be used.
    """

    def __init__(self, database: Database) -> None:
        from dbos import DBOS, DBOSClient

        logging.getLogger("dbos").setLevel(logging.CRITICAL)
        self._known: set[str] = set()
        with database.migration_lock():
            try:
                DBOS.migrate(_url(database))
                # Without its own retries: it would wait inside a call for as long as the database is unavailable.
                self._client = DBOSClient(
                    system_database_engine=database.engine,
                    serializer=_serializer(),
                    application_name=_NAME,
                    retry_connection_errors=False,
                )
            except SQLAlchemyError as error:
                raise database.unusable(error) from None

    def open(self, rate_limit: RateLimit | None) -> str:
        """Create the queue of a rate limit if there is none, and return its name."""
        limiter: Any = None
        name = _NAME
        if rate_limit is not None:
            limiter = {"limit": 1, "period": 1.0 / rate_limit.per_second}
            name = f"{_NAME}-{hashlib.sha256(rate_limit.key.encode()).hexdigest()[:24]}"
        if name not in self._known:
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

    def put(self, connection: sa.Connection, task: Task, delay: float) -> None:
        """Add a task, as part of a transaction.

        :param delay: seconds until it is delivered.
        """
        from dbos import EnqueueOptions

        options = EnqueueOptions(
            workflow_name=_WORKFLOW,
            queue_name=task.queue,
            workflow_id=task.id,
            app_version=_VERSION,
            priority=task.priority,
        )
        if delay > 0:
            options["delay_seconds"] = delay
        arguments = (task.job, task.number, task.run, task.queue, task.priority)
        self._client.enqueue_in_transaction(connection, options, *arguments)

    def sweep(self) -> None:
        """Delete finished tasks."""
        finished = self._client.list_workflows(
            status=["SUCCESS", "ERROR", "CANCELLED"], limit=_SWEEP, load_input=False, load_output=False
        )
        if finished:
            self._client.delete_workflows([workflow.workflow_id for workflow in finished])

    def pending(self) -> dict[str, list[tuple[str, str]]]:
        """Return the tasks that each worker has taken, with their queues."""
        found: dict[str, list[tuple[str, str]]] = {}
        for workflow in self._client.list_workflows(status="PENDING", load_input=False, load_output=False):
            if workflow.executor_id and workflow.queue_name:
                found.setdefault(workflow.executor_id, []).append((workflow.workflow_id, workflow.queue_name))
        return found

    def redeliver(self, tasks: Iterable[tuple[str, str]], worker: str) -> None:
        """Return tasks to their queues, where that worker still has them: another one may have taken them over."""
        for task, queue in tasks:
            # The client's own method returns a task whoever has it by now.
            self._client._sys_db.reenqueue_for_recovery(task, [worker], queue)  # noqa: SLF001

    def close(self) -> None:
        """Close the connections."""
        self._client.destroy()


def is_limited(name: str) -> bool:
    """Return whether a queue is that of a rate limit."""
    return name != _NAME


class Unfinished(BaseException):
    """The worker stops before its batch is done: the queue records nothing, and another worker takes the batch over."""


class Consumer:
    """Takes tasks out of the queues of one database. A process has at most one.

    :param queue: the queue.
    :param database: where it is.
    :param run: works on a task.
    """

    _only: ClassVar[Consumer | None] = None
    _starting: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, queue: Queue, database: Database, run: Callable[[Task], None]) -> None:
        self._queue = queue
        self._db = database
        self._run = run
        self._leases = leases_of(database)
        self._guard = threading.Lock()
        self._running: collections.Counter[str] = collections.Counter()
        self._idle: dict[str, int] = {}
        self._stopping = threading.Event()
        self._stopped = False
        self._watcher: threading.Thread | None = None
        self._looked = time.monotonic()
        self.pid = os.getpid()
        self.name = f"{socket.gethostname()[:40]}-{os.getpid()}-{secrets.token_hex(4)}"

    @classmethod
    def is_in_parent(cls) -> bool:
        """Return whether this process was forked from one that takes tasks."""
        return cls._only is not None and cls._only.pid != os.getpid()

    def start(self) -> None:
        """Begin to take tasks.

        :raises ConfigError: this process takes tasks of another database already.
        """
        with Consumer._starting:
            if Consumer._only is not None:
                raise ConfigError(
                    "database_url: this process sends the jobs of another database already: one process, one database"
                )
            Consumer._only = self
        try:
            self._launch()
        except BaseException:
            Consumer._only = None
            raise

    def _launch(self) -> None:
        from dbos import DBOS, DBOSConfig

        self._leases.acquire(self.name)
        self._engine = new_engine(self._db.settings)
        config = DBOSConfig(
            name=_NAME,
            system_database_url=_url(self._db),
            system_database_engine=self._engine,
            application_version=_VERSION,
            executor_id=self.name,
            run_migrations=False,
            log_level="CRITICAL",
            serializer=_serializer(),
            scheduler_polling_interval_sec=3600.0,
            # DBOS's own notifications are not used, but closing waits for the thread that polls them.
            use_listen_notify=False,
            notification_listener_polling_interval_sec=_POLL,
        )
        DBOS(config=config)

        def work(job: str, number: int, run: int, queue: str, priority: int) -> None:
            self._work(Task(job, number, run, queue, priority))

        DBOS.workflow(name=_WORKFLOW, max_recovery_attempts=None)(work)
        DBOS.launch()
        self._watcher = threading.Thread(target=self._watch, name="notifykit-watch", daemon=True)
        self._watcher.start()

    def stop(self, seconds: float) -> None:
        """Take no more tasks, and finish the running ones.

        :param seconds: the most to wait for them.
        """
        from dbos import DBOS

        self._stopping.set()
        with self._guard:
            self._stopped = not self._running
        # With any timeout, DBOS waits a whole second before it looks whether there is anything to wait for.
        wait = 0 if self._stopped else max(1, round(seconds))
        DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=wait)
        if self._watcher is not None:
            self._watcher.join(_WATCH * 3)
        self._leases.release()
        close_engine(self._engine)
        with Consumer._starting:
            Consumer._only = None

    def idle_reason(self) -> str | None:
        """Return why no tasks are taken, in one sentence; None where they are."""
        if self._stopping.is_set():
            return "The worker is ending: it finishes the requests in flight."
        behind = time.monotonic() - self._looked
        if self._watcher is None or not self._watcher.is_alive() or behind > _STALE:
            return f"The worker has not reached the queue for {behind:.0f} s."
        return None

    def _work(self, task: Task) -> None:
        """Work on a task until that succeeds: DBOS drops tasks that fail.

        Starting again sends nothing twice: the store knows which requests were started.

        :raises Unfinished: the worker stops, or has stopped and would not wait for the task.
        """
        with self._guard:
            if self._stopped:
                raise Unfinished
            self._running[task.id] += 1
        pause = _RETRY
        try:
            while True:
                try:
                    return self._run(task)
                except Exception as error:
                    _log.warning("a batch is retried in %.0f s: %s", pause, type(error).__name__)
                if self._stopping.wait(pause):
                    raise Unfinished
                pause = min(pause * 2, _LONGEST_RETRY)
        finally:
            with self._guard:
                self._running -= collections.Counter([task.id])

    def _orphans(self, tasks: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return the tasks that the queue counts as running here and that are not, for several looks.

        The database was lost while the queue delivered them, or recorded their end.
        """
        with self._guard:
            idle = [(task, queue) for task, queue in tasks if task not in self._running]
        self._idle = {task: self._idle.get(task, 0) + 1 for task, _ in idle}
        return [(task, queue) for task, queue in idle if self._idle[task] > _LOOKS]

    def _watch(self) -> None:
        """Renew the lease, take over the tasks of dead workers, and delete finished ones."""
        while not self._stopping.wait(_WATCH):
            try:
                self._leases.renew()
                pending = self._queue.pending()
                if orphans := self._orphans(pending.pop(self.name, [])):
                    self._queue.redeliver(orphans, self.name)
                for name, tasks in pending.items():
                    if self._leases.has_expired(name):
                        _log.warning("worker %s is gone: %d batches are taken over", name, len(tasks))
                        self._queue.redeliver(tasks, name)
                self._leases.remove_expired()
                self._queue.sweep()
                self._looked = time.monotonic()
            except Exception as error:  # the database may be unavailable: the next look follows
                _log.debug("looking for dead workers raised %s", type(error).__name__)


renew_in_child(Consumer, _starting=threading.Lock)


def _serializer() -> Any:
    """Return a serializer without pickle: write access to the database must not run code in a worker."""
    from dbos import DBOSPortableJSONSerializer

    return DBOSPortableJSONSerializer()


def _url(database: Database) -> str:
    return database.settings.url.reveal().replace("+psycopg", "")
