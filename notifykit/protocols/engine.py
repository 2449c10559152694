"""Protocols of durable sending: a job, and the engine that a plugin brings for jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import attrs

if TYPE_CHECKING:
    from notifykit.models.delivery import Delivery, DeliveryReport
    from notifykit.models.job import Backlog, JobRow, JobSpec, Progress, Settlement
    from notifykit.models.receipt import Receipt, Report
    from notifykit.settings.sources import Settings


def _never(settings: Settings) -> bool:
    return False


class Job(Protocol):
    """A send that is stored on disk: any process that knows its key can read and change it."""

    @property
    def key(self) -> str:
        """The caller's name for it."""
        ...

    def progress(self) -> Progress:
        """Return its progress."""
        ...

    def wait(self, timeout: float | None = None) -> Progress:
        """Return when every recipient has an outcome.

        :param timeout: the most seconds to wait.
        :raises TimeoutError: if it has not ended by then; it goes on.
        """
        ...

    def receipts(self) -> Iterator[Receipt]:
        """Yield what is known of each recipient, in the caller's order, in constant memory."""
        ...

    def report(self) -> Report:
        """Return what is known of each recipient so far, without those who have no outcome yet."""
        ...

    def rows(self) -> Iterator[JobRow]:
        """Yield every row of it with what is known, in the caller's order, in constant memory.

        :raises ConfigError: its texts, addresses and cells have been deleted.
        """
        ...

    def cancel(self) -> Progress:
        """Stop it between two batches; recipients who were not sent to are skipped."""
        ...

    def pause(self) -> Progress:
        """Send nothing more of it until it is resumed."""
        ...

    def resume(self) -> Progress:
        """Go on with it."""
        ...

    def settle(self, decision: Settlement | str) -> Progress:
        """Decide about the recipients whose outcome is unknown.

        :param decision: ``as-sent``: they got it; ``resend``: send to them again, and they may get it twice.
        """
        ...


class Engine(Protocol):
    """Stores jobs on disk, and sends them."""

    def submit(self, spec: JobSpec, connection: Any = None) -> Job:
        """Store a job, whole or not at all: it is safe on disk when this returns.

        :param connection: a transaction of the caller that the job shall be a part of, where the engine can do that.
        :raises ConfigError: if the key is that of another job, with what differs.
        """
        ...

    def job(self, key: str) -> Job:
        """Return a job by its key.

        :raises KeyError: if there is none.
        """
        ...

    def jobs(self) -> Sequence[Progress]:
        """Return the progress of each job, the newest first."""
        ...

    def backlog(self) -> Backlog:
        """Return how many jobs there are, and whether they get on."""
        ...

    def idle_reason(self) -> str | None:
        """Return why this process sends no jobs, in one sentence; None where it does."""
        ...

    def deliveries(self, message_ids: Iterable[str]) -> Mapping[tuple[str, str | None], Delivery]:
        """Return what delivery reports said, by message id and canonical address.

        What was said of all recipients of a request is there under its id and None.
        """
        ...

    def record_delivery_reports(self, reports: Iterable[DeliveryReport]) -> None:
        """Store delivery reports; the same ones again, or in another order, change nothing."""
        ...

    def work(self) -> None:
        """Send the jobs in the background, until :meth:`close`."""
        ...

    def close(self) -> None:
        """Wait for requests in flight, within a limit, then close connections and files."""
        ...


@attrs.frozen
class EngineFactory:
    """Builds the engine of a plugin."""

    #: Its name: people switch it off by it.
    name: str
    #: Builds one from the settings and the components of a notifier.
    build: Callable[[Settings, Any], Engine]
    #: Whether jobs are stored with these settings already, so that delivery reports are stored beside them.
    in_use: Callable[[Settings], bool] = _never
