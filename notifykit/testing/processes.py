"""How sends reach an outbox: which outbox is open, what intercepts the sends, and the way in from other processes."""

from __future__ import annotations

import contextlib
import datetime
import functools
import itertools
import os
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from notifykit.errors import ConfigError, NotifyError, NotReached, TransportError, mark_interrupt
from notifykit.models.receipt import Submission
from notifykit.pipeline.capabilities import leaves
from notifykit.pipeline.clock import VirtualClock
from notifykit.pipeline.intercept import Interception, Interceptor, set_interceptor
from notifykit.protocols import Transport
from notifykit.testing import rules
from notifykit.testing.capturing import Capture, CaptureResult
from notifykit.testing.messages import CapturedRequest
from notifykit.testing.ownership import current_owner, inherited, set_owner
from notifykit.testing.rules import Rules

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

#: Processes that may connect at the same moment; a process that finds no room takes the outbox for unreachable.
_BACKLOG: Final = 128

#: The owner of processes that are started while several outboxes are open: none of them, and the send is not let through
#: when they are closed.
_NOBODY: Final = "several"


class LiveSendBlocked(NotifyError):  # noqa: N818 - it says what happened
    """A test was about to send for real. Nothing was sent.

    :param test: the test.
    :param transport: the transport, without secrets.
    """

    def __init__(self, test: str, transport: str) -> None:
        self.test = test
        self.transport = transport
        super().__init__(test, transport)

    def __str__(self) -> str:
        return (
            f"{self.test} was about to send for real through {self.transport}; nothing was sent. Three ways out: "
            "let the test take the fixture notify_outbox, which captures messages; let it send to a test server, such as "
            "the fixture sms_sandbox; or allow it: @pytest.mark.notify(live=True) for one test, --notifykit-live for a "
            "run, notifykit_live = allow in the settings of pytest"
        )


class AmbiguousOutbox(NotifyError):  # noqa: N818 - it says what is the case
    """Several outboxes are open, and the send belongs to none of them."""

    def __str__(self) -> str:
        return (
            "several outboxes are open, and nothing says which of them this send belongs to. In a thread that was started "
            "before the outbox, put `with outbox.owning():` around the send; give a process that you start "
            "`env=outbox.env`; send a server `headers=outbox.headers` and put notifykit.testing.OwnerMiddleware "
            "around its application"
        )


class OutboxUnreachable(NotifyError):  # noqa: N818 - it says what is the case
    """The process that has the outboxes does not answer. Nothing was sent. It comes out of a send that has begun, too.

    :param pid: that process.
    :param reason: why the connection failed, without secrets.
    """

    def __init__(self, pid: int, reason: str) -> None:
        self.pid = pid
        self.reason = reason
        super().__init__(pid, reason)
        mark_interrupt(self)

    def __str__(self) -> str:
        return (
            f"a test started this process, and process {self.pid}, which has the test's outbox, does not answer "
            f"({self.reason}); nothing was sent. Let the test wait for the processes that it starts before it ends, or "
            f"start one that outlives it without the variables {rules.RULES}, {rules.INTERCEPTOR} and {rules.OWNER}"
        )


# --- what intercepts every send of a test run ---

#: The live sends that were blocked in this process, also where the error was caught: test and transport.
blocked: Final[list[tuple[str, str]]] = []


def intercept(transport: Transport) -> Interception | None:
    """Return the interception of the outbox that a send belongs to; None where the transport sends it.

    :raises LiveSendBlocked: if it would be sent for real, and that is not allowed.
    :raises AmbiguousOutbox: if several outboxes are open and the send has no owner.
    :raises OutboxUnreachable: if it belongs to an outbox of a process that does not answer.
    """
    outbox = OPEN.find(current_owner())
    if outbox is not None:
        return outbox.interception
    known = rules.current()
    if known is None:
        _require_rules()
        return None
    try:
        found = None if known.ours else _find_remote(known)
    except OutboxUnreachable:
        _forbid_live(known, transport)
        raise
    if found is None:
        _forbid_live(known, transport)
    return found


def forbid_in(threads: Iterable[threading.Thread], known: Rules) -> Interceptor:
    """Return an interceptor that forbids live sends in some threads: those that outlive a test run."""
    theirs = weakref.WeakSet(threads)

    def intercept_thread(transport: Transport) -> Interception | None:
        if threading.current_thread() in theirs:
            _forbid_live(known, transport)
        return None

    return intercept_thread


def _require_rules() -> None:
    if os.environ.get(rules.INTERCEPTOR) == rules.INTERCEPT:
        raise ConfigError(
            f"{rules.INTERCEPTOR} says that a test started this process, and {rules.RULES} does not say what it may send: "
            "give it both, env={**env, **outbox.env}, or neither"
        )


def _forbid_live(known: Rules, transport: Transport) -> None:
    if known.live:
        return
    for leaf in leaves(transport):
        if leaf.capabilities.live and not known.is_test_server(str(leaf)):
            test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0] or "Something outside of any test"
            blocked.append((test, str(leaf)))
            raise LiveSendBlocked(test, str(leaf))


def _find_remote(known: Rules) -> Interception | None:
    """Return the interception of an outbox of the process that started this one; None where none is open there."""
    owner = current_owner() or os.environ.get(rules.OWNER)
    # A process that was started while no outbox was open has no owner, and the other may not listen at all.
    if owner is None and os.name != "nt" and not os.path.exists(known.address):  # noqa: PTH110 - costs no import
        return None
    found = _ask(known, "find", owner)
    return _RemoteOutbox(known, *found).interception if isinstance(found, tuple) else None


# --- the outboxes of this process ---


class OpenOutboxes:
    """The open outboxes of this process, in the order in which they were opened."""

    def __init__(self) -> None:
        self._outboxes: dict[str, Capture] = {}
        #: The owner that was current when each was opened.
        self._outer: dict[str, str | None] = {}
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._undo = contextlib.ExitStack()

    def find(self, owner: str | None) -> Capture | None:
        """Return the outbox of an owner, or the only one; None where none is open.

        :raises AmbiguousOutbox: if several are open and none is the owner's.
        """
        if not self._outboxes or self._pid != os.getpid():
            return None
        outboxes = dict(self._outboxes)
        if owner in outboxes:
            return outboxes[owner]
        if len(outboxes) > 1:
            raise AmbiguousOutbox
        return next(iter(outboxes.values()), None)

    def get(self, token: str) -> Capture | None:
        """Return an outbox by its token; None where it is closed."""
        return self._outboxes.get(token)

    def open(self, outbox: Capture) -> None:
        """Let an outbox capture the sends that belong to it.

        :raises OSError: if this process can't listen to others; then nothing has changed.
        """
        with self._lock:
            if self._pid != os.getpid():  # forked: the outboxes are the parent's
                self._outboxes, self._outer = {}, {}
                self._pid, self._undo = os.getpid(), contextlib.ExitStack()
            if not self._outboxes:
                self._start()
            self._outer[outbox.token] = current_owner()
            self._outboxes[outbox.token] = outbox
            set_owner(outbox.token)
            self._set_owner_of_processes()

    def close(self, outbox: Capture) -> None:
        """Let an outbox capture no more; a second time changes nothing."""
        with self._lock:
            if self._outboxes.pop(outbox.token, None) is None:
                return
            outer = self._outer.pop(outbox.token)
            if current_owner() == outbox.token:
                set_owner(outer)
            if self._outboxes:
                self._set_owner_of_processes()
            else:
                self._undo.close()

    def _start(self) -> None:
        known = rules.current()
        if known is None or not known.ours:
            # A process that is started while an outbox is open must not send for real when it is closed.
            known = Rules.new(live=known.live if known else False)
        with contextlib.ExitStack() as undo:
            for name, value in {**known.variables(), rules.OWNER: os.environ.get(rules.OWNER)}.items():
                if name == rules.OWNER or os.environ.get(name) != value:
                    undo.callback(rules.set_variable, name, os.environ.get(name))
                    rules.set_variable(name, value)
            undo.enter_context(inherited())
            undo.callback(set_interceptor, set_interceptor(intercept))
            undo.enter_context(_served(known))
            self._undo = undo.pop_all()

    def _set_owner_of_processes(self) -> None:
        """Let processes that are started now belong to the innermost outbox, if each was opened inside of another."""
        tokens = list(self._outboxes)
        nested = all(self._outer[inner] == outer for outer, inner in itertools.pairwise(tokens))
        rules.set_variable(rules.OWNER, tokens[-1] if nested else _NOBODY)


#: Those of this process.
OPEN: Final = OpenOutboxes()


def variables_of(outbox: Capture) -> dict[str, str]:
    """Return the environment variables that let another process send to an open outbox."""
    known = rules.current()
    return {**(known.variables() if known else {}), rules.OWNER: outbox.token}


# --- other processes: each question is a connection of its own ---


@contextlib.contextmanager
def _served(known: Rules) -> Iterator[None]:
    """Answer the questions of other processes in the block, in threads of this one."""
    from multiprocessing import AuthenticationError
    from multiprocessing.connection import Client, Listener

    listener = Listener(known.address, backlog=_BACKLOG, authkey=known.key.encode())
    closed = threading.Event()

    def serve() -> None:
        while not closed.is_set():
            try:
                connection = listener.accept()
            except Exception:  # noqa: S112 - a process without the key, or one that was killed
                continue
            if closed.is_set():  # the connection below, which has no question
                connection.close()
                return
            threading.Thread(target=_serve_one, args=(connection,), daemon=True).start()

    threading.Thread(target=serve, name="notifykit-outbox", daemon=True).start()
    try:
        yield
    finally:
        closed.set()
        if known.ours:  # a forked process has a copy of the listener, and no thread that accepts
            with contextlib.suppress(OSError, EOFError, AuthenticationError):
                Client(known.address, authkey=known.key.encode()).close()  # accept() returns only for a connection
        listener.close()


def _serve_one(connection: Connection) -> None:  # type: ignore[type-arg,unused-ignore]
    with connection, contextlib.suppress(OSError, EOFError):
        question = connection.recv()
        try:
            answer = _reply(*question)
        except Exception as error:
            answer = error
        connection.send(answer)


def _reply(question: str, token: str, *arguments: Any) -> Any:
    if question == "find":
        found = OPEN.find(token)
        return None if found is None else (found.token, found.clock.now())
    outbox = OPEN.get(token)
    if outbox is None:
        return NotReached("The outbox was closed before the request came.", "closed", waits=())
    questions: dict[str, Callable[..., Any]] = {
        "answer": outbox.answer,
        "record": outbox.record,
        "sleep": outbox.clock.sleep,
    }
    return questions[question](*arguments)


def _ask(known: Rules, *question: Any) -> Any:
    """Ask the process that has the outboxes.

    :raises OutboxUnreachable: if it does not listen, or ends before it answers.
    """
    from multiprocessing import AuthenticationError
    from multiprocessing.connection import Client

    try:
        with Client(known.address, authkey=known.key.encode()) as connection:
            connection.send(question)
            answer = connection.recv()
    except (OSError, EOFError, AuthenticationError) as error:
        raise OutboxUnreachable(known.pid, type(error).__name__) from error
    if isinstance(answer, AmbiguousOutbox):
        raise answer
    return answer


class _RemoteOutbox(Capture):
    """An outbox of another process, for one send."""

    def __init__(self, known: Rules, token: str, now: datetime.datetime) -> None:
        super().__init__(token, _RemoteClock(now, functools.partial(self._ask, "sleep")))
        self._rules = known

    def answer(self, request: CapturedRequest, timeout: float) -> CaptureResult:
        answer = self._ask("answer", request, timeout)
        if isinstance(answer, CaptureResult):
            self.clock.advance(answer.elapsed)
            return answer
        return CaptureResult(answer)

    def record(self, request: CapturedRequest, answer: Submission | TransportError) -> None:
        self._ask("record", request, answer)

    def _ask(self, question: str, *arguments: Any) -> Any:
        return _ask(self._rules, question, self.token, *arguments)


class _RemoteClock(VirtualClock):
    """The time of an outbox in another process."""

    def __init__(self, start: datetime.datetime, on_sleep: Callable[[float], object]) -> None:
        super().__init__(start)
        self._on_sleep = on_sleep

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        with contextlib.suppress(OutboxUnreachable):  # its request says so
            self._on_sleep(seconds)
