"""What is raised into the thread of a caller comes out of the send; nothing more is sent, and the log has what was in flight."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final

import attrs
import pytest

from notifykit import (
    Batch,
    Failover,
    MemoryTransport,
    Notifier,
    NotReached,
    OutcomeUnknown,
    PluginHost,
    Submission,
)
from notifykit.transports.smtp import SmtpTransport
from notifykit.transports.webhook import WebhookTransport
from tests.pipeline.test_send import _host_with
from tests.transports.wire import scripted, stall

TWO: Final = ["96598765432", "96598765433"]
#: Seconds after which a test gives up.
PATIENCE: Final = 10


class SoftTimeLimitExceeded(Exception):
    """What Celery's signal handler raises."""


class GreenletTimeout(BaseException):
    """What gevent raises."""


@pytest.fixture(name="on_signal")
def _on_signal() -> Iterator[Callable[[Any], None]]:
    """Install a handler of SIGALRM for the length of a test."""
    before = signal.getsignal(signal.SIGALRM)
    yield lambda handler: signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def interrupt_main_thread() -> None:
    """Send the signal to the thread that runs the tests."""
    main = threading.main_thread().ident
    assert main is not None
    signal.pthread_kill(main, signal.SIGALRM)


def notifier(transport: Any, recorder: Any) -> Notifier:
    """Return a notifier that logs to the recorder."""
    return Notifier(transport, host=PluginHost(entry_points=False), sinks=[recorder])


def one_at_a_time(url: str) -> WebhookTransport:
    """Return a transport that makes a request for each recipient."""
    transport = WebhookTransport(url)
    transport.capabilities = attrs.evolve(transport.capabilities, batch_size=1)
    return transport


def raising(error: type[BaseException]) -> Callable[..., None]:
    """Return a signal handler."""

    def handler(*_: Any) -> None:
        raise error("late")

    return handler


class Handler:
    """A handler in the forms that Python takes."""

    def method(self, *_: Any) -> None:
        """Raise."""
        raise SoftTimeLimitExceeded

    def __call__(self, *_: Any) -> None:
        """Raise."""
        raise SoftTimeLimitExceeded


@pytest.mark.parametrize("raised", [SystemExit, SoftTimeLimitExceeded, TimeoutError, GreenletTimeout, ValueError])
def test_what_a_signal_handler_raises_while_an_answer_is_waited_for_comes_out(
    recorder: Any, on_signal: Any, raised: Any
) -> None:
    """urllib3 makes a ReadTimeoutError of an alarm's TimeoutError; the second request is not made."""
    on_signal(raising(raised))

    def interrupting(connection: socket.socket, request: bytes) -> None:
        interrupt_main_thread()
        stall(connection, request)

    with scripted(interrupting) as wire, notifier(one_at_a_time(wire.url), recorder) as made:
        with pytest.raises(raised, match="late") as caught:
            made.send(TWO, "Hello")
        assert len(wire.requests) == 1
    assert len(caught.value.report) == 0
    assert [(event.outcome, event.code) for event in recorder.named("attempt_finished")] == [("unknown", "interrupted")]


@pytest.mark.parametrize(
    "handler",
    [Handler().method, Handler(), functools.partial(Handler.method, None), functools.partial(Handler().method, 1)],
    ids=["method", "object", "partial", "partial-method"],
)
def test_a_handler_may_have_any_form(recorder: Any, on_signal: Any, handler: Any) -> None:
    """It is known by its code."""
    on_signal(handler)
    transport = MemoryTransport([lambda batch: interrupt_main_thread() or Submission("id")])
    with notifier(transport, recorder) as made, pytest.raises(SoftTimeLimitExceeded):
        made.send(TWO[0], "Hello")


def test_an_alarm_while_a_connection_is_made_is_no_lost_network(recorder: Any, on_signal: Any) -> None:
    """Neither is another address tried, nor the same one again."""
    on_signal(raising(TimeoutError))
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, contextlib.ExitStack() as waiting:
        for _ in range(3):  # the queue is full: whoever connects now gets no answer
            client = waiting.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        with notifier(one_at_a_time(f"http://127.0.0.1:{full.getsockname()[1]}"), recorder) as made:
            signal.setitimer(signal.ITIMER_REAL, 0.3)
            with pytest.raises(TimeoutError, match="late"):
                made.send(TWO, "Hello")
    assert recorder.named("retry_scheduled") == []


def test_an_alarm_in_the_tls_handshake_is_no_lost_network(recorder: Any, on_signal: Any) -> None:
    """The handshake's errors are those of the system too."""
    on_signal(raising(TimeoutError))
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            connection, _ = listener.accept()
            with connection:
                assert connection.recv(1)
                interrupt_main_thread()
                while connection.recv(4096):
                    pass

        server = threading.Thread(target=accept)
        server.start()
        with notifier(one_at_a_time(f"https://127.0.0.1:{listener.getsockname()[1]}"), recorder) as made:
            with pytest.raises(TimeoutError, match="late"):
                made.send(TWO, "Hello")
        server.join(PATIENCE)


def test_an_alarm_while_a_mail_server_is_waited_for_comes_out(recorder: Any, on_signal: Any) -> None:
    """Errors of its own are what smtplib makes of it."""
    on_signal(raising(TimeoutError))
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"220 here\r\n")
                assert connection.recv(4096)
                interrupt_main_thread()
                connection.recv(4096)

        server = threading.Thread(target=accept)
        server.start()
        dsn = f"smtp://127.0.0.1:{listener.getsockname()[1]}?from=a%40example.com"
        parts = {"host": PluginHost(entry_points=False), "environment": {}, "sinks": [recorder]}
        with Notifier.from_settings(dsn, **parts) as made:
            assert isinstance(made.transport, SmtpTransport)
            with pytest.raises(TimeoutError, match="late"):
                made.send(["a@example.com", "b@example.com"], "Hello", channel="email")
        server.join(PATIENCE)


class Interrupted:
    """A component of every kind that is interrupted when it is asked."""

    name = "interrupted"

    def _interrupted(self, *_: Any) -> Any:
        try:
            interrupt_main_thread()
        except SoftTimeLimitExceeded as error:
            raise OSError("wrapped") from error

    normalize = clean = check = handle = assign = _interrupted


@pytest.mark.parametrize("kind", ["normalizers", "cleaners", "guards", "sinks"])
def test_every_other_component_lets_it_out_too(recorder: Any, on_signal: Any, kind: str) -> None:
    """Also where the component made an exception of its own of it."""
    on_signal(Handler())
    transport = MemoryTransport()
    host = _host_with(**{kind: Interrupted()})
    with Notifier(transport, host=host) as made, pytest.raises(SoftTimeLimitExceeded):
        made.send(TWO, "Hello")


def test_a_measure_and_a_price_let_it_out_too(on_signal: Any) -> None:
    """They are asked before anything is sent."""
    on_signal(Handler())
    for name in ("measure", "check"):
        transport = MemoryTransport()
        transport.capabilities = attrs.evolve(transport.capabilities, **{name: Interrupted().check})
        with Notifier(transport, host=PluginHost(entry_points=False)) as made, pytest.raises(SoftTimeLimitExceeded):
            made.send(TWO, "Hello")
        assert transport.batches == []


def test_no_other_part_of_a_failover_is_asked(recorder: Any, on_signal: Any) -> None:
    """A send that was interrupted is over."""
    on_signal(Handler())
    first, second = MemoryTransport([lambda batch: Interrupted().check()]), MemoryTransport()
    with notifier(Failover(first, second), recorder) as made, pytest.raises(SoftTimeLimitExceeded):
        made.send(TWO[0], "Hello", move_unknown=True)
    assert second.batches == []


@pytest.mark.parametrize("ended", [SystemExit, GreenletTimeout])
def test_what_is_no_exception_comes_out_whoever_raised_it(recorder: Any, ended: Any) -> None:
    """Nobody can know whether it was meant for the program."""

    def end(batch: Batch) -> Submission:
        raise ended

    transport = MemoryTransport([end])
    transport.capabilities = attrs.evolve(transport.capabilities, batch_size=1)
    with notifier(transport, recorder) as made, pytest.raises(ended):
        made.send(TWO, "Hello")
    assert len(transport.batches) == 1
    assert [event.code for event in recorder.named("attempt_finished")] == ["interrupted"]


def test_what_another_thread_raises_here_comes_out(recorder: Any) -> None:
    """As libraries do that stop threads: the interpreter raises it, and no statement."""

    def work(batch: Batch) -> Submission:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(threading.get_ident()), ctypes.py_object(SoftTimeLimitExceeded)
        )
        while True:
            sys.getsizeof(batch)

    transport = MemoryTransport([work])
    with notifier(transport, recorder) as made, pytest.raises(SoftTimeLimitExceeded):
        made.send(TWO[0], "Hello")


@pytest.mark.parametrize("error", [TimeoutError, SoftTimeLimitExceeded, LookupError, OSError])
def test_what_a_transport_raises_by_itself_is_its_answer(recorder: Any, on_signal: Any, error: Any) -> None:
    """A handler that is installed changes nothing about it, nor does the type."""
    on_signal(raising(error))

    def fail(batch: Batch) -> Submission:
        raise error

    with notifier(MemoryTransport([fail]), recorder) as made:
        assert len(made.send(TWO[0], "Hello").unknown) == 1


def test_a_send_in_the_handling_of_an_interrupt_is_a_send_like_any_other(recorder: Any, on_signal: Any) -> None:
    """A task that took too long may have to be reported; what the transport raises then is its own."""
    on_signal(raising(SoftTimeLimitExceeded))
    transport = MemoryTransport([OutcomeUnknown("No answer."), NotReached("No network.", waits=()), LookupError()])
    with notifier(transport, recorder) as made:
        try:
            interrupt_main_thread()
        except SoftTimeLimitExceeded:
            reports = [made.send(TWO[0], "Too late") for _ in range(4)]
    assert [len(report.unknown) for report in reports] == [1, 0, 1, 0]
    assert len(reports[3].accepted) == 1
