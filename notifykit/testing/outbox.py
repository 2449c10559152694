"""The outbox of a test: the messages that were sent while it was open, and the answers that they got."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self, overload

import attrs

from notifykit.errors import OutcomeUnknown, TransportError
from notifykit.models.merge import error_of
from notifykit.models.receipt import Outcome, Submission
from notifykit.pipeline.clock import VirtualClock
from notifykit.pipeline.notifier import Notifier
from notifykit.testing.assertions import Assertions, Expected, message_table
from notifykit.testing.capturing import Capture, CaptureResult
from notifykit.testing.clock import TestClock
from notifykit.testing.messages import CapturedRequest, Sent
from notifykit.testing.notifier import OutboxNotifier, Plugins
from notifykit.testing.ownership import HEADER, owned_by
from notifykit.testing.processes import OPEN, variables_of
from notifykit.testing.rules import netloc, server_of
from notifykit.testing.script import Played, Script, ScriptedAnswer, play_all


class Outbox(Capture, Assertions, Sequence[Sent]):
    """The messages that were accepted while it was open, oldest first, one for each recipient.

    It is open inside of its ``with`` block. What was tried and not accepted is in :attr:`attempts`, :attr:`refused` and
    :attr:`unknown`. It captures what is sent by the thread that opened it and by everything that was started from there:
    threads, tasks, processes; and by the rest of this process while no other outbox is open.

    >>> with capture() as outbox:  # doctest: +SKIP
    ...     sign_up("+965 9876 5432")
    >>> outbox.one(to="96598765432").otp  # doctest: +SKIP
    '123456'

    :param clock: the time of the test.
    :param plugins: the plugins of :attr:`notifier`.
    :param script: what the provider answers: a sequence as :meth:`Script.sequence` takes it, or a function of the script.
    :param strict: whether a message that was not asserted is a failure at the end.
    """

    # Outboxes are compared by their messages and are mutable.
    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self,
        *,
        clock: VirtualClock | None = None,
        plugins: Plugins | None = None,
        script: Iterable[Played] | Callable[[Script], object] = (),
        strict: bool = False,
    ) -> None:
        super().__init__(uuid.uuid4().hex, clock or TestClock())
        #: The plugins of its notifier.
        self.plugins = plugins or Plugins()
        #: What the provider answers.
        self.script = Script(self.plugins)
        self.strict = strict
        #: What functions of the script raised instead of an answer: the first is raised again at the end.
        self.script_errors: list[Exception] = []
        self._sent: list[Sent] = []
        self._known: set[int] = set()
        self._ids = itertools.count(1)
        self._tries: Counter[tuple[str, int, int]] = Counter()
        self._spied: set[str] = set()
        self._changed = threading.Condition()
        self._notifier: Notifier | None = None
        play_all(self.script, script)

    # --- open and closed

    def open(self) -> Self:
        """Capture messages from now on.

        :raises OSError: if this process can't listen to others.
        """
        OPEN.open(self)
        return self

    def close(self) -> None:
        """Capture no more messages; those that were captured stay."""
        OPEN.close(self)
        if self._notifier is not None:
            self._notifier.close()

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        __tracebackhide__ = True
        self.close()
        if error is None and self.script_errors:
            raise self.script_errors[0]
        if error is None and self.strict and self.unasserted:
            raise AssertionError(self.unasserted_failure())

    # --- the messages

    @property
    def messages(self) -> tuple[Sent, ...]:
        """The messages that were accepted."""
        return self._with_outcome(Outcome.ACCEPTED)

    @property
    def attempts(self) -> tuple[Sent, ...]:
        """Everything that was tried, accepted or not, in order."""
        return tuple(self._sent)

    @property
    def refused(self) -> tuple[Sent, ...]:
        """What was tried and certainly not accepted."""
        return self._with_outcome(Outcome.REJECTED)

    @property
    def unknown(self) -> tuple[Sent, ...]:
        """What was tried without a readable answer."""
        return self._with_outcome(Outcome.UNKNOWN)

    @property
    def unasserted(self) -> tuple[Sent, ...]:
        """The accepted messages that no method has returned or matched, nor an index or a loop."""
        return tuple(message for message in self.messages if id(message) not in self._known)

    def unasserted_failure(self) -> str:
        """Return the text of a failure for the messages that were not asserted; empty where there are none."""
        messages = self.unasserted
        what = "message was" if len(messages) == 1 else "messages were"
        head = f"{len(messages)} {what} sent that the test did not assert (notify is strict):"
        return message_table(head, messages) if messages else ""

    def clear(self) -> None:
        """Forget all messages."""
        with self._changed:
            self._sent.clear()
            self._known.clear()

    def wait(self, count: int = 1, *, timeout: float = 5.0, **fields: Any) -> Sent:
        """Return the newest message that matches, waiting real seconds for what other processes and threads send.

        :param count: how many have to match.
        :param timeout: the most seconds to wait; then the test fails.
        """
        __tracebackhide__ = True
        expected, ends = Expected(fields), time.monotonic() + timeout
        with self._changed:
            while len(found := self._matching(expected)) < count and (rest := ends - time.monotonic()) > 0:
                self._changed.wait(rest)
        if len(found) < count:
            raise self._failure(f"{count} expected within {timeout:g} s", expected, len(found))
        self._asserted(found)
        return found[-1]

    # --- what sends into it

    @property
    def notifier(self) -> Notifier:
        """A notifier with the plugins of the test, which plans as kwtSMS does where that is installed."""
        if self._notifier is None:
            self._notifier = OutboxNotifier(self.plugins, self.clock)
        return self._notifier

    @property
    def headers(self) -> dict[str, str]:
        """The request header by which a server with ``OwnerMiddleware`` sends into it."""
        return {HEADER: self.token}

    @property
    def env(self) -> dict[str, str]:
        """The environment variables with which another process sends into it, where it does not inherit them."""
        return variables_of(self)

    def owning(self) -> contextlib.AbstractContextManager[None]:
        """Return a block in which everything that is sent or started belongs to it."""
        return owned_by(self.token)

    def spy(self, url: str) -> None:
        """Let transports make their requests to a test server, and record them.

        :param url: the server's address. A request that the script answers does not reach it.
        :raises ValueError: if it names no host.
        """
        self._spied.add(server_of(url))

    # --- answers

    def answer(self, request: CapturedRequest, timeout: float) -> CaptureResult:
        """Answer a request and record it."""
        try:
            scripted = self.script.play(request.batch)
        except Exception as error:
            # The pipeline takes it for a broken transport and goes on; the test has to fail.
            self.script_errors.append(error)
            self.record(request, error_of(error))
            raise
        if scripted.is_plain and netloc(request.messages[0].transport) in self._spied:
            return CaptureResult(None)
        elapsed = min(scripted.delay, timeout)
        if elapsed:
            self.clock.advance(elapsed)
        if scripted.delay > timeout:
            answer: Submission | Exception = OutcomeUnknown("No answer came in time.", "timeout")
        else:
            answer = self._answer_of(scripted, request)
        self.record(request, answer if isinstance(answer, Submission) else error_of(answer))
        return CaptureResult(answer, elapsed)

    def record(self, request: CapturedRequest, answer: Submission | TransportError) -> None:
        """Record how a request ended."""
        batch = request.batch
        with self._changed:
            for message in request.answered(answer, self.clock.now()):
                key = (batch.message.id, batch.number, message.position)
                self._tries[key] += 1
                self._sent.append(attrs.evolve(message, attempt=self._tries[key]))
            self._changed.notify_all()

    def _answer_of(self, scripted: ScriptedAnswer, request: CapturedRequest) -> Submission | Exception:
        if isinstance(scripted.answer, Exception):
            return scripted.answer
        refused = {
            message.to: scripted.refused[message.to] for message in request.messages if message.to in scripted.refused
        }
        if len(refused) == len(request.messages):
            return next(iter(refused.values()))
        costs = [message.cost for message in request.messages if message.to not in refused]
        cost = None if None in costs else sum(filter(None, costs))
        given = scripted.answer or Submission(test=not request.live)
        return attrs.evolve(
            given,
            message_id=given.message_id or f"outbox-{next(self._ids)}",
            cost=cost if given.cost is None else given.cost,
            refused={**given.refused, **refused},
        )

    # --- for assertions

    def _with_outcome(self, outcome: Outcome) -> tuple[Sent, ...]:
        return tuple(message for message in self._sent if message.outcome is outcome)

    def _sends_without_request(self) -> int:
        requested = {message for message, _, _ in self._tries}
        return sum(message not in requested for message in tuple(self._prepared))

    def _asserted(self, messages: Iterable[Sent]) -> None:
        self._known.update(map(id, messages))

    # --- a sequence

    @overload
    def __getitem__(self, index: int) -> Sent: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Sent, ...]: ...
    def __getitem__(self, index: int | slice) -> Sent | tuple[Sent, ...]:
        found = self.messages[index]
        self._asserted(found if isinstance(found, tuple) else (found,))
        return found

    def __iter__(self) -> Iterator[Sent]:
        for message in self.messages:
            self._asserted((message,))
            yield message

    def __len__(self) -> int:
        return len(self.messages)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, list | tuple | Outbox):
            return NotImplemented
        return self.messages == tuple(other)

    def __repr__(self) -> str:
        return f"<Outbox {list(self.messages)}>"

    def __str__(self) -> str:
        messages = self.messages
        return message_table(f"{len(messages)} in the outbox:", messages) if messages else "Nothing was sent."


#: The same as :class:`Outbox`, for a ``with`` block in scripts, other test frameworks and examples of Hypothesis.
capture = Outbox
