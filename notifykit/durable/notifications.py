"""Notifications of people: each step is an ordinary job, submitted in the transaction that stores the step.

So a process that is killed leaves a notification as it was before the step or as it is after it, and of several workers
one takes the step.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import threading
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

import attrs

from notifykit.durable.database import Database, moment
from notifykit.durable.deliveries import delivery_of, read_deliveries_of
from notifykit.durable.notification_store import NotificationStore, StoredCourse, job_key
from notifykit.durable.progress import wait_until_finished
from notifykit.durable.serialization import is_intercepted
from notifykit.durable.store import JobStore
from notifykit.errors import ConfigError, TransportError
from notifykit.models.delivery import Delivery
from notifykit.models.job import JobSpec
from notifykit.models.person import ChannelReceipt, ChannelState, NotificationSpec, PersonReceipt
from notifykit.models.receipt import Receipt
from notifykit.people.steps import Course, Decision, Step, decide
from notifykit.pipeline.components import Components
from notifykit.protocols import Transport

if TYPE_CHECKING:
    import sqlalchemy as sa

_log = logging.getLogger("notifykit.durable")

#: Seconds between two looks for notifications that are due.
_POLL: Final = 0.5
#: Notifications that one worker takes at a time.
_MOST: Final = 50
#: Seconds until a notification is looked at again that this worker can't go on with.
_POSTPONED: Final = 30.0
#: Tries to change a notification that others change at the same time.
_TRIES: Final = 20
#: Characters that the key of a step's job has after that of the notification.
_SUFFIX: Final = 10


class Jobs(Protocol):
    """What notifications need of the engine."""

    #: Seconds since 1970.
    clock: Callable[[], float]

    def usable(self) -> contextlib.AbstractContextManager[JobStore]:
        """Give the store of jobs, and make errors of the database a ConfigError."""
        ...

    def submit_part(self, spec: JobSpec, db: sa.Connection) -> str:
        """Submit a job as a part of a transaction on the database of jobs, and return its id."""
        ...

    def open_queue(self, transport: Transport) -> str:
        """Create the queue of a transport if there is none, and return its name."""
        ...

    def work(self) -> None:
        """Send jobs in the background."""
        ...


@attrs.frozen(eq=False, repr=False)
class StoredNotification:
    """A notification that is kept on disk. Any process that knows its key can follow it and cancel it."""

    #: The caller's name for it.
    key: str
    #: Where it is.
    _notifications: Notifications

    def receipt(self) -> PersonReceipt:
        """Return what is known now: one row a channel, and the verdict.

        :raises KeyError: it was deleted.
        :raises ConfigError: the database can't be used; so does every method.
        """
        return self._notifications.receipt(self.key)

    def wait(self, timeout: float | None = None) -> PersonReceipt:
        """Wait until no more channel will be taken, and return the receipt.

        :param timeout: the most seconds to wait.
        :raises TimeoutError: it has not ended by then; it goes on.
        """
        return wait_until_finished(self.receipt, timeout)

    def cancel(self) -> PersonReceipt:
        """Take no more channel, and do not send what has not been sent; a request in flight can't be recalled."""
        return self._notifications.cancel(self.key)

    def __repr__(self) -> str:
        return f"<Notification {self.key!r}>"


class Notifications:
    """The notifications of one database, and what takes their steps.

    :param jobs: submits the jobs of steps.
    :param database: where they are kept.
    :param components: what the notifier is made of.
    """

    def __init__(self, jobs: Jobs, database: Database, components: Components) -> None:
        self._jobs = jobs
        self._database = database
        self._components = components
        self.store = NotificationStore(database, self._now)
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def _now(self) -> float:
        return self._jobs.clock()

    def notify(self, spec: NotificationSpec) -> StoredNotification:
        """Store a notification, and submit the job of its first step.

        :raises ConfigError: another notification has the key, or it can't be stored.
        """
        key = uuid.uuid4().hex if spec.key is None else spec.key
        if not 0 < len(key) <= 200 - _SUFFIX or not key.isprintable():
            raise ConfigError(f"key: give 1 to {200 - _SUFFIX} characters that can be seen")
        transport = self._transport()
        with self._jobs.usable():
            self.store.create(spec, key, live=transport.capabilities.live, intercepted=is_intercepted(transport))
            self.advance(key)
        if self._database.settings.embedded:
            self._jobs.work()
        return StoredNotification(key, self)

    def notification(self, key: str) -> StoredNotification:
        """Return a notification by its key.

        :raises KeyError: there is none.
        """
        with self._jobs.usable():
            if self.store.read(key) is None:
                raise KeyError(f"there is no notification {key!r}, or it ended and has been deleted since")
        return StoredNotification(key, self)

    def receipt(self, key: str) -> PersonReceipt:
        """Return what is known of a notification.

        :raises KeyError: there is none.
        """
        with self._jobs.usable():
            found = self.store.read(key)
            if found is None:
                raise KeyError(f"there is no notification {key!r} any more: it ended, and has been deleted since")
            course = self._with_deliveries(found.course)
        rows = tuple(_row(found.key, step) for step in course.steps)
        finished = None if found.finished is None else moment(found.finished)
        return PersonReceipt(found.key, found.person, rows, moment(found.created), finished, course.cancelled)

    def cancel(self, key: str) -> PersonReceipt:
        """Cancel a notification, and return its receipt.

        :raises KeyError: there is none.
        :raises ConfigError: others changed it all the time, so that it is not cancelled.
        """
        with self._jobs.usable():
            for _ in range(_TRIES):
                found = self.store.read(key)
                if found is None or found.finished is not None or found.course.cancelled:
                    break
                course = attrs.evolve(found.course, cancelled=True)
                with self._database.begin() as db:
                    if self.store.swap(db, found, course, self._now()):
                        break
            else:
                raise ConfigError(
                    "others change this notification all the time, and it is not cancelled: call cancel again"
                )
            self.advance(key)
        return self.receipt(key)

    def advance(self, key: str) -> None:
        """Take the step of a notification that is due, if there is one. Any number of processes may do it at once."""
        cancelled = False
        for _ in range(_TRIES):
            found = self.store.read(key)
            if found is None or found.finished is not None:
                return
            decision = decide(self._with_deliveries(found.course), self._now())
            if decision.ask:
                reserved = self._reserve(found)
                if reserved is None:
                    continue
                found, asked = reserved, self._asked(decision)
                decision = decide(asked, self._now())
            if decision.start and (reason := self._other_mode(found)):
                _log.warning("notification %s %s", found.key, reason)
                decision = Decision(found.course, due=self._now() + _POSTPONED)
            if self._take(found, decision):
                if cancelled or not decision.cancel:
                    return
                cancelled = True  # what was not sent yet has its outcome now
        _log.debug("a notification is changed by others all the time: it is looked at again")

    def news_of_job(self, job: str) -> None:
        """Look at the notification whose job was worked on, if it is one's."""
        if self.store.touch(job):
            self._wake.set()

    def start(self, stopping: threading.Event) -> None:
        """Take the steps that are due, in a thread, until the event is set."""
        self._thread = threading.Thread(target=self._run, args=(stopping,), name="notifykit-notifications", daemon=True)
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Wait for the thread; the event that :meth:`start` was given is set."""
        self._wake.set()
        if self._thread is not None:
            self._thread.join(seconds)

    def advance_due(self) -> int:
        """Take the steps that are due, and return how many notifications that were."""
        keys = self.store.due(_MOST)
        for key in keys:
            try:
                self.advance(key)
            except Exception as error:  # one that can't be read, a setting that this worker lacks: the others go on
                _log.error("the step of a notification failed with %s: it is tried again", type(error).__name__)
        return len(keys)

    def _run(self, stopping: threading.Event) -> None:
        while not stopping.is_set():
            self._wake.clear()
            try:
                more = self.advance_due() == _MOST
            except Exception as error:  # the database may be unavailable: the next look follows
                _log.debug("taking the steps of notifications raised %s", type(error).__name__)
                more = False
            if not more:
                self._wake.wait(_POLL)

    def _take(self, found: StoredCourse, decision: Decision) -> bool:
        """Store a decision and submit its jobs, in one transaction; return whether it was still about what was read."""
        course = decision.course
        if decision.start:
            self._jobs.open_queue(self._transport())  # outside: it writes with a connection of its own
        with self._database.begin() as db:
            if not self.store.swap(db, found, course, decision.due):
                return False
            if decision.start:
                steps = list(course.steps)
                for number in decision.start:
                    steps[number] = self._submitted(found, number, steps[number], db)
                self.store.name_jobs(db, found, attrs.evolve(course, steps=tuple(steps)))
        with self._jobs.usable() as store:
            for number in decision.cancel:
                job = course.steps[number].job
                if job is not None:
                    store.cancel(job)
        return True

    def _submitted(self, found: StoredCourse, number: int, step: Step, db: sa.Connection) -> Step:
        """Submit the job of a step, and return the step with it; rejected where another job has its key."""
        spec = JobSpec(
            [found.recipients[number]],
            found.message(number),
            job_key(found.key, step.channel),
            move_unknown=found.course.move_unknown,
        )
        try:
            return attrs.evolve(step, job=self._jobs.submit_part(spec, db))
        except ConfigError as error:
            return attrs.evolve(step, state=ChannelState.REJECTED, reason=str(error))

    def _reserve(self, found: StoredCourse) -> StoredCourse | None:
        """Keep other workers from asking the same provider; None where the notification has changed."""
        until = self._now() + self._components.settings.timeout + _POSTPONED
        with self._database.begin() as db:
            swapped = self.store.swap(db, found, found.course, until)
        return attrs.evolve(found, version=found.version + 1) if swapped else None

    def _asked(self, decision: Decision) -> Course:
        """Return a course after its providers were asked about messages whose time is over."""
        steps = list(decision.course.steps)
        for number in decision.ask:
            step, delivery = steps[number], None
            if step.receipt is not None:
                delivery = self._ask(step.receipt)
            steps[number] = attrs.evolve(_with_reports(step, delivery), asked=True)
        return attrs.evolve(decision.course, steps=tuple(steps))

    def _ask(self, receipt: Receipt) -> Delivery | None:
        tracker, timeout = self._components.delivery_reports, self._components.settings.timeout
        try:
            (delivery,) = tracker.ask([receipt], self._components.transports_for(None), timeout)
        except TransportError as error:
            _log.warning("a provider could not be asked about a delivery: %s", error.code or type(error).__name__)
            return None
        return delivery

    def _with_deliveries(self, course: Course) -> Course:
        """Return a course with the reports that were pushed."""
        taken = [step.receipt for step in course.steps if step.receipt is not None]
        if not taken:
            return course
        known = read_deliveries_of(self._database, taken)
        steps = (_with_reports(step, delivery_of(step.receipt, known)) for step in course.steps)
        return attrs.evolve(course, steps=tuple(steps))

    def _transport(self) -> Transport:
        return self._components.context(None, None, window=None).transport

    def _other_mode(self, found: StoredCourse) -> str | None:
        """Return why this process may not send a notification: it would be sent live instead of as a test, or back."""
        transport = self._transport()
        live = transport.capabilities.live
        if found.options["live"] is not live:
            meant, actual = ("as a test", "for real") if live else ("for real", "in test mode")
            return f"was submitted to be sent {meant}, and this worker sends {actual}: it waits for another worker"
        if found.options["intercepted"] is not is_intercepted(transport):
            return "was submitted by a test, or this worker is in one: it waits for another worker"
        return None


def _with_reports(step: Step, delivery: Delivery | None) -> Step:
    """Return a step with more reports about its message."""
    if delivery is None or not delivery.reports:
        return step
    known = step.delivery or Delivery(delivery.message_id, delivery.address)
    return attrs.evolve(step, delivery=functools.reduce(Delivery.record, delivery.reports, known))


def _row(key: str, step: Step) -> ChannelReceipt:
    receipt = None if step.receipt is None else attrs.evolve(step.receipt, position=0)
    return ChannelReceipt(
        step.channel,
        step.state,
        None if step.since is None else moment(step.since),
        receipt,
        step.delivery,
        step.reason,
        job_key(key, step.channel) if step.job is not None else None,
    )
