"""A job, as whoever asks sees it: nothing is kept here, everything is read from the store."""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Iterator
from typing import Final

import attrs

from notifykit.durable.job_spec import message_of
from notifykit.durable.store import Enqueue, JobStore
from notifykit.errors import ConfigError
from notifykit.models.job import Progress, Settlement
from notifykit.models.message import Channel, Message
from notifykit.models.receipt import Outcome, Receipt, Report, Submission

#: Seconds between two looks of somebody who waits, and the most that they grow to.
_POLL: Final = 0.05
_LONGEST_POLL: Final = 1.0


class StoredJob:
    """A send that is kept on disk: any process that knows its key can look at it and decide over it.

    :param id: its id in the store.
    :param key: the caller's name for it.
    :param store: the store.
    :param enqueue: puts tickets into the queue.
    """

    def __init__(self, id: str, key: str, store: JobStore, enqueue: Enqueue) -> None:
        self._id = id
        self._key = key
        self._store = store
        self._enqueue = enqueue

    @property
    def key(self) -> str:
        """The caller's name for it."""
        return self._key

    def progress(self) -> Progress:
        """Return how far it is.

        :raises KeyError: where it was forgotten since.
        """
        found = self._store.progress(self._key)
        if not found:
            raise KeyError(f"there is no job {self._key!r} any more: it was over, and is forgotten")
        return found[0]

    def wait(self, timeout: float | None = None) -> Progress:
        """Return when every recipient has an outcome.

        :param timeout: the most seconds to wait.
        :raises TimeoutError: where it is not over by then; it goes on.
        """
        ends = None if timeout is None else time.monotonic() + timeout
        pause = _POLL
        while True:
            progress = self.progress()
            if progress.finished is not None:
                return progress
            if ends is not None and time.monotonic() + pause > ends:
                raise TimeoutError(f"not over after {timeout:g} s: {progress}; it goes on")
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_POLL)

    def receipts(self) -> Iterator[Receipt]:
        """Yield what is known of each recipient, in the caller's order, in constant memory."""
        return self._store.receipts(self._id)

    def report(self) -> Report:
        """Return what is known of each recipient so far; whoever has no outcome yet is not in it."""
        row = self._store.find(self._key)
        if row is None or row["body"] is None:
            options = json.loads(row["options"]) if row else {}
            return Report((), Message("", Channel(options.get("channel", "sms"))))
        return Report(tuple(self.receipts()), message_of(row, 0))

    def cancel(self) -> Progress:
        """Stop it between two batches; whoever has not been sent to is skipped."""
        self._store.cancel(self._id)
        return self.progress()

    def pause(self) -> Progress:
        """Send nothing more of it until it is resumed; a batch that is under way ends."""
        self._store.pause(self._id, paused=True, enqueue=self._enqueue)
        return self.progress()

    def resume(self) -> Progress:
        """Go on with it."""
        self._store.pause(self._id, paused=False, enqueue=self._enqueue)
        return self.progress()

    def settle(self, decision: Settlement | str) -> Progress:
        """Decide about the recipients whose outcome is unknown.

        :param decision: ``as-sent``: they got it; ``resend``: send to them again, and they may get it twice.
        :raises ConfigError: where its text and addresses are forgotten.
        :raises ValueError: where the decision is none.
        """
        decision = Settlement(decision)
        row = self._store.find(self._key)
        if row is None or row["body"] is None:
            raise ConfigError(f"{self._key}: its text and addresses are forgotten, so nothing is left to decide about")
        self._store.settle(self._id, _DECISIONS[decision], self._enqueue)
        return self.progress()

    def __repr__(self) -> str:
        return f"<Job {self._key!r}>"


def _as_sent(receipt: Receipt) -> Receipt:
    said = f"A person settled it as sent on {datetime.datetime.now(datetime.UTC):%Y-%m-%d}; the provider never said so."
    return attrs.evolve(receipt, outcome=Outcome.ACCEPTED, error=None, submission=Submission(warnings=(said,)))


def _resend(receipt: Receipt) -> None:
    return None


_DECISIONS: Final = {Settlement.AS_SENT: _as_sent, Settlement.RESEND: _resend}
