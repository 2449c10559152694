"""A store whose queue is a list: a test takes the tasks out by hand, in any order and as often as it likes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from notifykit import Outcome, Receipt, Recipient, Submission
from notifykit.durable.batch_state import Task
from notifykit.durable.database import Database, DurableSettings
from notifykit.durable.grouping import NewBatch
from notifykit.durable.store import ClaimedBatch, JobStore
from notifykit.errors import OutcomeUnknown, RateLimited
from tests.durable.conftest import numbers

if TYPE_CHECKING:
    import sqlalchemy as sa

#: The options and the row of a job, as the engine writes it.
OPTIONS = {"channel": "sms", "sender": None, "tags": [], "via": None, "idempotency_key": None}
OPTIONS |= {"at_least_once": False, "move_unknown": False}
JOB = {
    "starts": 0.0,
    "expires": None,
    "options": OPTIONS,
    "body": {"text": "Hello", "subject": None},
    "queue": "q",
    "priority": 100,
}


class Bench:
    """A store with a clock that stands still, and a queue that is a list."""

    def __init__(self, durable: DurableSettings) -> None:
        self.database = Database(durable)
        self.now = 1_000_000.0
        self.store = JobStore(self.database, self.enqueue, lambda: self.now)
        self.tasks: list[tuple[Task, float]] = []

    def enqueue(self, connection: sa.Connection, task: Task, delay: float) -> None:
        """Take a task."""
        self.tasks.append((task, delay))

    def job(self, key: str, sizes: list[int], **row: Any) -> str:
        """Write a job with batches of these sizes."""
        job = self.store.create({**JOB, "starts": self.now, **row})
        recipients = iter(enumerate(Recipient(address) for address in numbers(sum(sizes))))
        sized = [[next(recipients) for _ in range(size)] for size in sizes]
        self.store.add_batches(job, [NewBatch(number, some) for number, some in enumerate(sized)])
        about = {"total": sum(sizes), "batches": len(sizes), "fingerprint": {}}
        self.store.publish(job, key, about)
        return job

    def people(self, count: int) -> list[Recipient]:
        """Return who is in a job of so many."""
        return [Recipient(address) for address in numbers(count)]

    def take(self) -> tuple[Task, float]:
        """Return the next task."""
        return self.tasks.pop(0)

    def counted(self, key: str) -> dict[Outcome, int]:
        """Return how many of each outcome the progress of a job says there are."""
        [progress] = self.store.progress(key)
        return {outcome: getattr(progress, outcome.value) for outcome in Outcome}


def said(batch: ClaimedBatch, outcome: Outcome, positions: list[int] | None = None) -> list[Receipt]:
    """Return receipts of a batch with one outcome."""
    error = {
        Outcome.ACCEPTED: None,
        Outcome.REJECTED: RateLimited("full", "ERR013"),
        Outcome.UNKNOWN: OutcomeUnknown("lost"),
    }[outcome]
    submission = Submission("id", cost=1.0) if outcome is Outcome.ACCEPTED else None
    return [
        Receipt(position, who, outcome, error, None, submission, batch=batch.task.number + 1)
        for position, who in batch.recipients
        if positions is None or position in positions
    ]
