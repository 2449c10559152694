"""``memory``: keeps what it is given, for tests. It can be told what to answer."""

from __future__ import annotations

import collections
import itertools
import threading
from collections.abc import Callable, Iterable

from notifykit.models.capabilities import Capabilities
from notifykit.models.plan import Batch
from notifykit.models.receipt import Submission
from notifykit.protocols import BuildContext
from notifykit.settings.dsn import Dsn
from notifykit.transports.standin import ANYTHING, capabilities_like

#: What it may answer to a batch: a submission, an exception to raise, or a function of the batch that returns either.
Answer = Submission | Exception | Callable[[Batch], "Submission | Exception"]


class MemoryTransport:
    """Takes every batch and keeps it.

    :param answers: what to answer to the first, second, … batch; everything behind them is accepted.
    :param capabilities: what it pretends to be able to do.
    """

    name = "memory"

    def __init__(self, answers: Iterable[Answer] = (), capabilities: Capabilities | None = None) -> None:
        self.capabilities = capabilities or ANYTHING
        #: Every batch that was sent, in order, whatever was answered.
        self.batches: list[Batch] = []
        self._answers: collections.deque[Answer] = collections.deque(answers)
        self._ids = itertools.count(1)
        self._lock = threading.Lock()

    def send(self, batch: Batch, timeout: float) -> Submission:
        """Keep the batch and give the next answer."""
        with self._lock:
            self.batches.append(batch)
            number = next(self._ids)
            answer = self._answers.popleft() if self._answers else Submission(f"memory-{number}", test=True)
        if callable(answer):
            answer = answer(batch)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def answer(self, *answers: Answer) -> None:
        """Add to what it will answer."""
        with self._lock:
            self._answers.extend(answers)

    def close(self) -> None:
        """Keep everything: a test looks at it after the notifier is closed."""

    def __str__(self) -> str:
        return "memory://default"


def build(dsn: Dsn, context: BuildContext) -> MemoryTransport:
    """Build the transport from a DSN; ``like`` is its only option."""
    return MemoryTransport(capabilities=capabilities_like(dsn, context))
