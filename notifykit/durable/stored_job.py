"""A job that is stored: its progress, its rows and receipts, and what a person decides about it."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import attrs

from notifykit.durable.deliveries import IDS_PER_QUERY, delivery_of, read_deliveries_of
from notifykit.durable.grouping import chunks, in_order
from notifykit.durable.progress import wait_until_finished
from notifykit.durable.serialization import message_of
from notifykit.durable.store import JobStore, StoredRow
from notifykit.errors import ConfigError
from notifykit.models.job import JobRow, Progress, Settlement
from notifykit.models.message import Channel, Message
from notifykit.models.receipt import Outcome, Receipt, Report, Submission
from notifykit.pipeline.context import Prepared


class JobEngine(Protocol):
    """What a job needs of its engine."""

    def usable(self) -> contextlib.AbstractContextManager[JobStore]:
        """Give the store, and make errors of the database a ConfigError."""
        ...

    def cleaned(self, message: Message) -> Prepared:
        """Return a message as the cleaners of this process leave it."""
        ...


@attrs.frozen(eq=False, repr=False)
class StoredJob:
    """A send that is kept on disk. Any process that knows its key can follow it and decide about it."""

    #: Its id in the store.
    id: str
    #: The caller's name for it.
    key: str
    #: The engine: it knows whether this process was forked since.
    _engine: JobEngine

    def progress(self) -> Progress:
        """Return its progress.

        :raises KeyError: it was deleted.
        :raises ConfigError: the database can't be used; so does every method.
        """
        with self._engine.usable() as store:
            found = store.progress(self.key)
        if not found:
            raise KeyError(f"there is no job {self.key!r} any more: it was finished, and has been deleted since")
        return found[0]

    def wait(self, timeout: float | None = None) -> Progress:
        """Wait until every recipient has an outcome, and return the progress.

        :param timeout: the most seconds to wait.
        :raises TimeoutError: it is not finished by then; it goes on.
        """
        return wait_until_finished(self.progress, timeout)

    def receipts(self) -> Iterator[Receipt]:
        """Yield the receipt of each recipient, in the caller's order, in constant memory."""
        return (receipt for *_, receipt in self._stored(cells=False) if receipt is not None)

    def rows(self) -> Iterator[JobRow]:
        """Yield every row with what is known of it, in the caller's order, in constant memory.

        :raises ConfigError: its texts, addresses and cells have been deleted.
        """
        with self._engine.usable() as store:
            self._require_body(store.find(self.key), "nothing to show: NOTIFYKIT_KEEP_BODIES keeps them longer")
        return self._rows()  # the error comes before the first row is asked for

    def _rows(self) -> Iterator[JobRow]:
        for some in chunks(self._stored(cells=True), IDS_PER_QUERY):
            sent = [receipt for *_, receipt in some if receipt is not None]
            with self._engine.usable() as store:
                known = read_deliveries_of(store.database, sent)
            for position, cells, text, receipt in some:
                yield JobRow(position, cells, receipt, delivery_of(receipt, known), text)

    def _stored(self, *, cells: bool) -> Iterator[StoredRow]:
        def read() -> Iterator[list[tuple[int, StoredRow]]]:
            with self._engine.usable() as store:
                batches = store.batches_of(self.id, cells=cells)
            while True:
                with self._engine.usable():  # for errors of the database; what the caller does is none of them
                    some = next(batches, None)
                if some is None:
                    return
                yield some

        return in_order(read())

    def _require_body(self, row: Mapping[str, Any] | None, consequence: str) -> None:
        if row is None or row["body"] is None:
            raise ConfigError(f"{self.key}: its text and addresses have been deleted, so there is {consequence}")

    def report(self) -> Report:
        """Return the report so far, without the recipients that have no outcome yet."""
        with self._engine.usable() as store:
            row = store.find(self.key)
        if row is None or row["body"] is None:
            return Report((), Message("", Channel(row["options"]["channel"] if row else "sms")))
        if row["options"].get("rows"):
            return Report(tuple(self.receipts()), message_of(row, 0))
        found = self._engine.cleaned(message_of(row, 0))
        return Report(tuple(self.receipts()), found.message, found.cleaned.edits)

    def cancel(self) -> Progress:
        """Cancel it between two batches; recipients that have not been sent to are skipped."""
        with self._engine.usable() as store:
            store.cancel(self.id)
        return self.progress()

    def pause(self) -> Progress:
        """Send nothing more of it until it is resumed; a batch that is running ends."""
        with self._engine.usable() as store:
            store.pause(self.id, paused=True)
        return self.progress()

    def resume(self) -> Progress:
        """Resume it."""
        with self._engine.usable() as store:
            store.pause(self.id, paused=False)
        return self.progress()

    def settle(self, decision: Settlement | str) -> Progress:
        """Decide about the recipients whose outcome is unknown.

        :param decision: ``as-sent``: they got it; ``resend``: send to them again, and they may get it twice.
        :raises ConfigError: its text and addresses have been deleted.
        :raises ValueError: there is no such decision.
        """
        decide = _as_sent if Settlement(decision) is Settlement.AS_SENT else _resend
        with self._engine.usable() as store:
            row = store.find(self.key)
            self._require_body(row, "nothing to decide about: send to these people with a new job")
            store.settle(self.id, decide)
        return self.progress()

    def __repr__(self) -> str:
        return f"<Job {self.key!r}>"


def _as_sent(receipt: Receipt) -> Receipt:
    note = f"A person settled it as sent on {datetime.datetime.now(datetime.UTC):%Y-%m-%d}; the provider never said so."
    return attrs.evolve(receipt, outcome=Outcome.ACCEPTED, error=None, submission=Submission(warnings=(note,)))


def _resend(receipt: Receipt) -> None:
    return None
