"""The queue behind the store: DBOS, which delivers each ticket at least once, after its delay and by its priority.

Only this module knows it. What it must not do is decide: whether a request was made stands in the store alone.
"""

from __future__ import annotations

import collections
import contextlib
import hashlib
import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Final

from sqlalchemy.exc import SQLAlchemyError

from notifykit.durable.database import Database, new_engine, unusable
from notifykit.durable.leases import liveness
from notifykit.durable.store import Ticket
from notifykit.errors import ConfigError
from notifykit.models.capabilities import RateLimit

if TYPE_CHECKING:
    import sqlalchemy as sa

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
#: Seconds until a batch that failed for want of the database is begun again, and the most that they grow to.
_AGAIN: Final = 1.0
_LONGEST_AGAIN: Final = 60.0
#: Looks after which a ticket that nobody works on is a stray.
_LOOKS: Final = 5
#: Finished tickets are forgotten so many at a time.
_SWEPT: Final = 500


def queue_of(rate_limit: RateLimit | None) -> str:
    """Return the queue of everything that shares a rate limit."""
    return (
        "notifykit" if rate_limit is None else f"notifykit-{hashlib.sha256(rate_limit.key.encode()).hexdigest()[:24]}"
    )


class Queue:
    """Puts tickets in, and hands them to a worker.

    :param database: where the queue lives, beside the store.
    :raises ConfigError: where it can't be used.
    """

    def __init__(self, database: Database) -> None:
        from dbos import DBOS, DBOSClient

        logging.getLogger("dbos").setLevel(logging.CRITICAL)
        self._known: set[str] = set()
        with database.alone():
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

    def open(self, rate_limit: RateLimit | None) -> str:
        """Make the queue of a rate limit where there is none, and return its name."""
        name = queue_of(rate_limit)
        if name not in self._known:
            limiter: Any = None if rate_limit is None else {"limit": 1, "period": 1.0 / rate_limit.per_second}
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


class Unfinished(BaseException):
    """A worker ends before its batch does: the queue notes nothing, and somebody else goes on with it."""


class Consumer:
    """Takes tickets out of the queues of one database; a process has one at most.

    :param queue: the queue.
    :param database: where it lives.
    :param run: works on a ticket.
    """

    _only: ClassVar[Consumer | None] = None
    _starting: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, queue: Queue, database: Database, run: Callable[[Ticket], None]) -> None:
        self._queue = queue
        self._db = database
        self._run = run
        self._alive = liveness(database)
        self._guard = threading.Lock()
        self._in_hand: collections.Counter[str] = collections.Counter()
        self._idle: dict[str, int] = {}
        self._stopping = threading.Event()
        self._over = False
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

        self._alive.live(self.name)
        self._engine = new_engine(self._db.settings)
        config = DBOSConfig(
            name=_NAME,
            system_database_url=_plain(self._db),
            system_database_engine=self._engine,
            application_version=_VERSION,
            executor_id=self.name,
            run_migrations=False,
            # What it says of a database that is away is long, and said by us already.
            log_level="CRITICAL",
            serializer=_serializer(),
            scheduler_polling_interval_sec=3600.0,
            # Nobody sends notifications, but closing waits for the one who looks for them.
            notification_listener_polling_interval_sec=_POLL,
        )
        DBOS(config=config)

        def work(job: str, number: int, run: int, queue: str, priority: int) -> None:
            self._work(Ticket(job, number, run, queue, priority))

        DBOS.workflow(name=_WORKFLOW, max_recovery_attempts=None)(work)
        DBOS.launch()
        self._watcher = threading.Thread(target=self._watch, name="notifykit-watch", daemon=True)
        self._watcher.start()

    def stop(self, seconds: float) -> None:
        """Take no more, and finish what is in hand within so many seconds."""
        from dbos import DBOS

        self._stopping.set()
        with self._guard:
            self._over = not self._in_hand
        # With any timeout DBOS waits a whole second before it looks whether there is something to wait for.
        wait = 0 if self._over else max(1, round(seconds))
        DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=wait)
        if self._watcher is not None:
            self._watcher.join(_WATCH * 3)
        self._alive.die()
        self._engine.dispose()
        with Consumer._starting:
            Consumer._only = None

    def _work(self, ticket: Ticket) -> None:
        """Work on a ticket until that ends well: the queue forgets those that fail, and with them their batch.

        The store knows what was begun and answered. So to begin again sends nothing twice.

        :raises Unfinished: where the worker ends before.
        """
        pause = _AGAIN
        with self._holding(ticket.id):
            while True:
                try:
                    return self._run(ticket)
                except Exception as error:
                    _log.warning("a batch is begun again in %.0f s: %s", pause, type(error).__name__)
                if self._stopping.wait(pause):
                    raise Unfinished
                pause = min(pause * 2, _LONGEST_AGAIN)

    @contextlib.contextmanager
    def _holding(self, ticket: str) -> Iterator[None]:
        """Note that a ticket is being worked on here.

        :raises Unfinished: where the worker has ended, and nobody would wait for it.
        """
        with self._guard:
            if self._over:
                raise Unfinished
            self._in_hand[ticket] += 1
        try:
            yield
        finally:
            with self._guard:
                self._in_hand[ticket] -= 1
                if not self._in_hand[ticket]:
                    del self._in_hand[ticket]

    def _find_strays(self, tickets: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return tickets that the queue takes for being worked on here, look after look, and that nobody works on.

        The database went away while the queue handed them out, or noted that they are over.
        """
        with self._guard:
            idle = [(ticket, queue) for ticket, queue in tickets if ticket not in self._in_hand]
        self._idle = {ticket: self._idle.get(ticket, 0) + 1 for ticket, _ in idle}
        return [(ticket, queue) for ticket, queue in idle if self._idle[ticket] > _LOOKS]

    def _watch(self) -> None:
        """Look for workers that died, take over what they had in hand, and forget what is over."""
        while not self._stopping.wait(_WATCH):
            try:
                self._alive.keep()
                pending = self._queue.pending()
                if strays := self._find_strays(pending.pop(self.name, [])):
                    self._queue.deliver_again(strays)
                for name, tickets in pending.items():
                    if self._alive.is_dead(name):
                        _log.warning("worker %s is gone: %d batches are taken over", name, len(tickets))
                        self._queue.deliver_again(tickets)
                self._alive.forget_dead()
                self._queue.sweep()
            except Exception as error:  # the database may be away; the next look comes
                _log.debug("looking for dead workers raised %s", type(error).__name__)


def _serializer() -> Any:
    """Return one that pickles nothing: whoever can write the database runs no code in the workers."""
    from dbos import DBOSPortableJSONSerializer

    return DBOSPortableJSONSerializer()


def _plain(database: Database) -> str:
    return database.settings.url.reveal().replace("+psycopg", "")
