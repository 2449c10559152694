"""Transports that reach no recipient: ``memory`` for tests, ``console`` for development, ``null`` to discard messages.

They plan as a real transport does: ``memory://default?like=kwtsms`` has segments, costs and batches of ``kwtsms``.
"""

from __future__ import annotations

import collections
import itertools
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Final, TextIO

import attrs

from notifykit.errors import ConfigError
from notifykit.models.capabilities import Capabilities
from notifykit.models.message import Channel
from notifykit.models.plan import Batch
from notifykit.models.receipt import Submission
from notifykit.protocols import BuildContext, Transport
from notifykit.settings.dsn import Dsn

#: The capabilities of a stub that imitates no transport.
ANYTHING: Final = Capabilities(channels=frozenset(Channel), batch_size=200, subjects=True, idempotent=True, live=False)
#: An answer to a batch: a submission, an exception to raise, or a function of the batch that returns either.
Answer = Submission | Exception | Callable[[Batch], "Submission | Exception"]
_MOST_SHOWN: Final = 5


class _Stub:
    """A transport that reaches no recipient.

    :param capabilities: the capabilities that it imitates.
    """

    name: str

    def __init__(self, capabilities: Capabilities | None = None) -> None:
        self.capabilities = capabilities or ANYTHING

    def close(self) -> None:
        """Keep everything open and as it is: a test or the program still uses it."""

    def __str__(self) -> str:
        return f"{self.name}://default"


class MemoryTransport(_Stub):
    """Keeps every batch, and answers what a test wants.

    :param answers: the answers to the first, second, … batch; all later ones are accepted.
    :param capabilities: the capabilities that it imitates.
    """

    name = "memory"

    def __init__(self, answers: Iterable[Answer] = (), capabilities: Capabilities | None = None) -> None:
        super().__init__(capabilities)
        #: Every batch that was sent, in order, whatever the answer.
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
        """Add answers behind those that are not used up."""
        with self._lock:
            self._answers.extend(answers)


class ConsoleTransport(_Stub):
    """Writes every batch to a stream, with addresses and texts in clear: it is the destination, not a log.

    :param stream: standard error by default, so that a program's own output stays clean.
    :param capabilities: the capabilities that it imitates.
    """

    name = "console"

    def __init__(self, stream: TextIO | None = None, capabilities: Capabilities | None = None) -> None:
        super().__init__(capabilities)
        self._stream = stream

    def send(self, batch: Batch, timeout: float) -> Submission:
        """Show the batch."""
        stream = self._stream or sys.stderr
        message = batch.message
        addresses = ", ".join(recipient.address for recipient in batch.recipients[:_MOST_SHOWN])
        more = f" and {len(batch) - _MOST_SHOWN} more" if len(batch) > _MOST_SHOWN else ""
        size = f" [{batch.measurement.encoding}, {batch.measurement.segments} seg.]" if batch.measurement else ""
        sender = f"{message.sender} " if message.sender else ""
        subject = f"  {message.subject}\n" if message.subject else ""
        shown = f"{message.channel} {sender}→ {addresses}{more}{size}\n{subject}  {message.text}\n"
        encoding = getattr(stream, "encoding", None) or "utf-8"
        stream.write(shown.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
        return Submission(test=True)


class NullTransport(_Stub):
    """Accepts every batch as a test and discards it."""

    name = "null"

    def send(self, batch: Batch, timeout: float) -> Submission:
        """Accept the batch."""
        return Submission(test=True)


def capabilities_like(dsn: Dsn, context: BuildContext) -> Capabilities:
    """Return the capabilities of the transport that ``?like=`` names, or of the first that can measure texts.

    All channels and subjects are added. Rate limit, notices and delivery reports are left out: a stub needs no wait, and
    delivers nothing.

    :raises ConfigError: if there is no transport of that name, or if there is another option.
    """
    unknown = set(dsn.options) - {"like"}
    if unknown:
        raise ConfigError(f"{dsn.scheme}: {', '.join(sorted(unknown))} is not an option; there is only like=NAME")
    like = dsn.options.get("like")
    model = context.imitate(like)
    if model is None and like is not None:
        raise ConfigError(f"{dsn.scheme}: there is no transport {like!r} to be like")
    if model is None or not model.live:  # another stub, which imitates a transport itself
        model = context.imitate(None) or ANYTHING
    channels = frozenset(Channel)
    return attrs.evolve(model, channels=channels, subjects=True, reports=False, rate_limit=None, notices=(), live=False)


@attrs.frozen
class _Plugin:
    """What a host needs to know of one of the stubs."""

    transport: Callable[..., Transport]
    #: For the host, as modules have it.
    CAPABILITIES = ANYTHING

    def build(self, dsn: Dsn, context: BuildContext) -> Transport:
        return self.transport(capabilities=capabilities_like(dsn, context))


memory: Final = _Plugin(MemoryTransport)
console: Final = _Plugin(ConsoleTransport)
null: Final = _Plugin(NullTransport)
