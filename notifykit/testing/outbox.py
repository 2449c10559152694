"""Where the messages of a test land, whoever sends them: the list, the way into it, and what it answers."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, Final, Self, overload

from notifykit.errors import OutcomeUnknown, TransportError
from notifykit.models.merge import error_of, outcome_of
from notifykit.models.receipt import Outcome, Submission
from notifykit.pipeline.clock import VirtualClock
from notifykit.pipeline.components import Components
from notifykit.pipeline.intercept import Interception
from notifykit.pipeline.notifier import Notifier
from notifykit.testing import ground
from notifykit.testing.carrying import Carriers, Said
from notifykit.testing.clock import TestClock
from notifykit.testing.diverting import look
from notifykit.testing.ground import netloc, server_of
from notifykit.testing.matching import Expected
from notifykit.testing.opened import OPENED, environment
from notifykit.testing.owners import HEADER, owned
from notifykit.testing.plugging import Plugins
from notifykit.testing.relay import RELAY
from notifykit.testing.script import Played, Script, Scripted, scripted
from notifykit.testing.sent import Handed, Sent, sent_of
from notifykit.testing.tables import listed
from notifykit.testing.verbs import Verbs

#: What carries the messages of an outbox's own notifier, if nothing else did: a stand-in for a transport that measures.
_STAND_IN: Final = "memory"


class Outbox(Verbs, Sequence[Sent]):
    """The messages that were taken while it was open, oldest first, one for each recipient.

    It is open inside of its ``with`` block. What was tried and not taken is in :attr:`attempts`, :attr:`refused` and
    :attr:`unknown`. It takes the messages of the thread that opened it and of everything that was started from there:
    threads, tasks, processes; and of everybody else in this process while no other outbox is open.

    :param clock: the time of the test.
    :param plugins: the plugins of :attr:`notifier`.
    :param script: what the provider answers: a sequence as :meth:`Script.sequence` takes it, or a function of the script.
    :param strict: whether a message that nobody asserted is a failure at the end.
    """

    # Messages are compared, not outboxes kept in sets.
    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self,
        *,
        clock: VirtualClock | None = None,
        plugins: Plugins | None = None,
        script: Iterable[Played] | Callable[[Script], object] = (),
        strict: bool = False,
    ) -> None:
        #: Names it among others.
        self.token = uuid.uuid4().hex
        #: The time of everything that is sent into it: it passes only when somebody waits or moves it on.
        self.clock = clock or TestClock()
        #: The plugins of its notifier.
        self.plugins = plugins or Plugins()
        #: What the provider answers.
        self.script = Script(self.plugins)
        self.strict = strict
        #: What functions of the script raised instead of an answer: it is raised again in the end.
        self.broken: list[Exception] = []
        self._carriers = Carriers(self, self.clock)
        self._sent: list[Sent] = []
        self._known: set[int] = set()
        self._ids = itertools.count(1)
        self._tries: Counter[tuple[str, int, int]] = Counter()
        self._spied: set[str] = set()
        self._changed = threading.Condition()
        self._notifier: Notifier | None = None
        scripted(self.script, script)

    # --- open and closed

    def open(self) -> Self:
        """Take messages from now on."""
        if OPENED.open(self, look):
            rules = ground.here()
            assert rules is not None, "opening lays the ground"
            try:
                RELAY.start(rules)
            except BaseException:
                # Nobody will close what never opened.
                OPENED.close(self)
                raise
        return self

    def close(self) -> None:
        """Take no more messages; those that came stay."""
        if OPENED.close(self) and not _in_a_run():
            RELAY.stop()
        if self._notifier is not None:
            self._notifier.close()

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        __tracebackhide__ = True
        self.close()
        if error is None and self.broken:
            raise self.broken[0]
        if error is None and self.strict:
            self.assert_all_known()

    # --- what came

    @property
    def messages(self) -> tuple[Sent, ...]:
        """The messages that were taken."""
        return tuple(message for message in self._sent if message.accepted)

    @property
    def attempts(self) -> tuple[Sent, ...]:
        """Everything that was tried, taken or not, in order."""
        return tuple(self._sent)

    @property
    def refused(self) -> tuple[Sent, ...]:
        """What was tried and certainly not taken."""
        return tuple(message for message in self._sent if message.outcome is Outcome.REJECTED)

    @property
    def unknown(self) -> tuple[Sent, ...]:
        """What was tried with an answer that nobody read."""
        return tuple(message for message in self._sent if message.outcome is Outcome.UNKNOWN)

    @property
    def unasserted(self) -> tuple[Sent, ...]:
        """The messages that were taken and that no verb has returned or matched, nor an index or a loop."""
        return tuple(message for message in self.messages if id(message) not in self._known)

    def assert_all_known(self) -> None:
        """Fail the test where a message was taken that nobody asserted: what strict mode does at the end."""
        __tracebackhide__ = True
        said = self.left_over()
        if said:
            raise AssertionError(said)

    def left_over(self) -> str:
        """Return the words for messages that were taken and that nobody asserted; nothing where there are none."""
        left = self.unasserted
        what = "message was sent that nobody" if len(left) == 1 else "messages were sent that nobody"
        return listed(f"{len(left)} {what} asserted (notify is strict):", left) if left else ""

    def clear(self) -> None:
        """Forget what came."""
        with self._changed:
            self._sent.clear()
            self._known.clear()

    def wait(self, count: int = 1, *, timeout: float = 5.0, **fields: Any) -> Sent:
        """Return the newest message that fits, waiting real seconds for it: for what other processes and threads send.

        :param count: how many have to fit.
        :param timeout: the most seconds to wait; then the test fails.
        """
        __tracebackhide__ = True
        expected, ends = Expected(fields), time.monotonic() + timeout
        with self._changed:
            while len(found := self._fitting(expected)) < count and (left := ends - time.monotonic()) > 0:
                self._changed.wait(left)
        if len(found) < count:
            raise self._failure(f"{count} expected within {timeout:g} s", expected, len(found))
        self._asserted(found)
        return found[-1]

    # --- who sends

    @property
    def notifier(self) -> Notifier:
        """A notifier of its own, with the plugins of the test, that plans as kwtSMS does where that is installed."""
        if self._notifier is None:
            self._notifier = OutboxNotifier(self.plugins, self.clock)
        return self._notifier

    @property
    def headers(self) -> dict[str, str]:
        """The header by which a server knows that a request belongs to this test: see ``OwnerMiddleware``."""
        return {HEADER: self.token}

    @property
    def env(self) -> dict[str, str]:
        """The environment variables that let another process send into it, where its environment is not inherited."""
        return environment(self.token)

    def owning(self) -> contextlib.AbstractContextManager[None]:
        """Return a block in which everything that is sent, and everybody who is started, belongs to it."""
        return owned(self.token)

    def spy(self, url: str) -> None:
        """Let requests to a test server go their way, and take them down all the same.

        :param url: the server's address. Only what the script answers does not reach it.
        :raises ValueError: where it names no host.
        """
        self._spied.add(server_of(url))

    # --- the way into it

    @property
    def detour(self) -> Interception:
        """The way of a send into it."""
        return self._carriers.detour

    def answer(self, handed: Handed, timeout: float) -> Said:
        """Say what becomes of a request, and take it down."""
        try:
            said = self.script.play(handed.batch)
        except Exception as error:
            # The road takes it for a transport that broke, and goes on: the test has to hear of it.
            self.broken.append(error)
            self.record(handed, error)
            raise
        plain = said.answer is None and not said.delay and not said.refused
        if plain and netloc(handed.transport) in self._spied:
            return Said(None)
        elapsed = min(said.delay, timeout)
        if elapsed:
            self.clock.advance(elapsed)
        late = said.delay > timeout
        answer = OutcomeUnknown("No answer came in time.", "timeout") if late else self._answer(said, handed)
        self.record(handed, answer)
        return Said(answer, elapsed)

    def record(self, handed: Handed, answer: Submission | Exception) -> None:
        """Take down how a request ended."""
        said = answer if isinstance(answer, Submission) else error_of(answer)
        batch, now = handed.batch, self.clock.now()
        with self._changed:
            for position, recipient in zip(batch.positions, batch.recipients, strict=True):
                error = said.refused.get(recipient.address) if isinstance(said, Submission) else said
                key = (batch.message.id, batch.number, position)
                self._tries[key] += 1
                known = {"attempt": self._tries[key], "at": now}
                self._sent.append(sent_of(handed, position, recipient, said, outcome_of(error), **known))
            self._changed.notify_all()

    def _answer(self, said: Scripted, handed: Handed) -> Submission | Exception:
        if isinstance(said.answer, Exception):
            return said.answer
        recipients = handed.batch.recipients
        refused = {who.address: said.refused[who.address] for who in recipients if who.address in said.refused}
        if len(refused) == len(recipients):
            return next(iter(refused.values()))
        paid = [cost for who, cost in zip(recipients, handed.costs, strict=True) if who.address not in refused]
        cost = None if None in paid else sum(filter(None, paid))
        given = said.answer or Submission(test=not handed.live)
        return Submission(
            message_id=given.message_id or f"outbox-{next(self._ids)}",
            cost=cost if given.cost is None else given.cost,
            balance=given.balance,
            test=given.test,
            refused=_errors(given, refused),
            warnings=given.warnings,
            advice=given.advice,
            fields=given.fields,
        )

    # --- a list

    def _went_nowhere(self) -> int:
        return self._carriers.without_request({message for message, _, _ in self._tries})

    def _taken(self) -> tuple[Sent, ...]:
        return self.messages

    def _missed(self) -> tuple[Sent, ...]:
        return tuple(message for message in self._sent if not message.accepted)

    def _asserted(self, messages: Iterable[Sent]) -> None:
        self._known.update(map(id, messages))

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
        return listed(f"{len(messages)} in the outbox:", messages) if messages else "Nothing was sent."


class OutboxNotifier(Notifier):
    """A notifier that is put together when it is first used, so that plugins can be registered before.

    :param plugins: its plugins.
    :param clock: its time.
    """

    def __init__(self, plugins: Plugins, clock: VirtualClock) -> None:
        self._plugins = plugins
        self._time = clock

    def __getattr__(self, name: str) -> Any:
        if name != "_components":
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        self._components = Components(_STAND_IN, host=self._plugins.host, clock=self._time)
        return self._components

    def close(self) -> None:
        """Give back what it has, if it was ever used."""
        if "_components" in vars(self):
            super().close()


def capture(
    *,
    clock: VirtualClock | None = None,
    plugins: Plugins | None = None,
    script: Iterable[Played] | Callable[[Script], object] = (),
    strict: bool = False,
) -> Outbox:
    """Return an outbox for a ``with`` block: for scripts, for other test frameworks, and for examples of Hypothesis.

    >>> with capture() as outbox:  # doctest: +SKIP
    ...     sign_up("+965 9876 5432")
    >>> outbox.one(to="96598765432").otp  # doctest: +SKIP
    '123456'
    """
    return Outbox(clock=clock, plugins=plugins, script=script, strict=strict)


def _in_a_run() -> bool:
    """Return whether a test run goes on here, whose other outboxes will want to be reached too."""
    rules = ground.here()
    return rules is not None and rules.ours


def _errors(given: Submission, refused: dict[str, TransportError]) -> dict[str, TransportError]:
    return {**given.refused, **refused}
