"""Which outbox the sends of threads, processes and servers reach, and which are blocked."""

from __future__ import annotations

import asyncio
import datetime
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest

from notifykit import (
    AsyncNotifier,
    Failover,
    MemoryTransport,
    Notifier,
    PluginHost,
    RateLimited,
)
from notifykit.pipeline import intercept
from notifykit.testing import (
    AmbiguousOutbox,
    LiveSendBlocked,
    Outbox,
    OutboxUnreachable,
    OwnerMiddleware,
    capture,
    processes,
    rules,
    trusting,
)
from notifykit.testing.ownership import current_owner, set_owner
from notifykit.testing.rules import Rules
from tests.testing.conftest import ONE, SEND, TWO, Real

pytestmark = pytest.mark.slow


def python(*words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run another Python, and return what it said."""
    return subprocess.run([sys.executable, *words], env=env, capture_output=True, check=False, text=True, timeout=60)


def test_everything_that_is_started_inherits_the_owner(send: Callable[..., Any]) -> None:
    """Two outboxes are open at once: threads, tasks of a pool and of asyncio land each in the right one."""
    pool = ThreadPoolExecutor(1)
    pool.submit(int).result()  # its thread is there before, and has no owner
    ready = threading.Barrier(2, timeout=20)
    failed: list[BaseException] = []

    async def gathered(to: str) -> None:
        async with AsyncNotifier(Real(), host=PluginHost(entry_points=False)) as notifier:
            await asyncio.gather(*(notifier.send(to, f"task {number}") for number in range(3)))

    def a_test(to: str) -> None:
        try:
            with capture() as outbox:
                ready.wait()
                send(to, "direct")
                thread = threading.Thread(target=send, args=(to, "thread"))
                thread.start()
                thread.join()
                pool.submit(send, to, "pool").result()
                asyncio.run(gathered(to))
                child = subprocess.run(
                    [sys.executable, "-c", SEND, to, "process"],
                    env={**os.environ, **outbox.env},
                    check=True,
                    timeout=60,
                )
                assert child.returncode == 0
                ready.wait()
                texts = {message.text for message in outbox.all(to=to)}
                assert texts == {"direct", "thread", "pool", "process", "task 0", "task 1", "task 2"}
                assert len(outbox) == 7
        except BaseException as error:
            failed.append(error)
            ready.abort()

    tests = [threading.Thread(target=a_test, args=(to,)) for to in (ONE, TWO)]
    for test in tests:
        test.start()
    for test in tests:
        test.join()
    pool.shutdown()
    assert failed == []


def test_a_send_without_an_owner_goes_to_the_only_outbox_and_to_none_of_several(send: Callable[..., Any]) -> None:
    """Where nothing says which, it is an error that says what to do; one that is closed is as none."""
    start, kept = threading.Thread.start, current_owner()
    with capture() as outer:
        token = outer.token
        assert os.environ["NOTIFYKIT_OWNER"] == token
        set_owner(None)
        send(ONE, "unowned")
        set_owner("of a test that is over")
        send(ONE, "late")
        with capture() as parallel:
            assert os.environ["NOTIFYKIT_OWNER"] == "several"
            set_owner(None)
            with pytest.raises(AmbiguousOutbox, match=r"outbox\.owning") as caught:
                send(ONE, "unowned")
            assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
            with parallel.owning():
                send(ONE, "parallel")
            with outer.owning(), capture() as inner:
                send(ONE, "inner")
                assert outer.env["NOTIFYKIT_OWNER"] == token
            assert [message.text for message in inner] == ["inner"]
        assert [message.text for message in parallel] == ["parallel"]
        set_owner(token)
        with capture() as nested:
            assert os.environ["NOTIFYKIT_OWNER"] == nested.token
            send(ONE, "nested")
        send(ONE, "outer again")
    assert [message.text for message in outer] == ["unowned", "late", "outer again"]
    assert threading.Thread.start is start
    assert current_owner() is kept
    assert "NOTIFYKIT_OWNER" not in os.environ


def test_a_thread_keeps_a_run_of_its_own(outbox: Outbox, send: Callable[..., Any]) -> None:
    """Subclasses with ``run``, and instances whose ``run`` was replaced, work as ever."""

    class Worker(threading.Thread):
        def run(self) -> None:
            send(ONE, "subclass")

    worker, patched = Worker(), threading.Thread()
    patched.run = lambda: send(TWO, "patched")  # type: ignore[method-assign]
    for thread in (worker, patched):
        thread.start()
        thread.join()
    outbox.assert_in_order("subclass", "patched")
    assert "run" not in vars(worker)


def test_other_processes_hand_over_and_are_answered(outbox: Outbox) -> None:
    """The script answers them, and they wait in the time of the test."""
    outbox.script.queue_full().unknown(to=TWO, delay=2)
    done = python("-c", SEND, f"{ONE},{TWO}", "Hello")
    assert done.stdout.split() == ["unknown", "unknown"]
    assert [message.outcome.value for message in outbox.attempts] == ["rejected"] * 2 + ["unknown"] * 2
    assert outbox.clock.sleeps == [30.0]
    assert outbox.clock.monotonic() == 32.0
    assert outbox.unknown[0].at - outbox.refused[0].at == datetime.timedelta(seconds=32)


def test_a_process_whose_outbox_can_not_be_reached_sends_nothing(outbox: Outbox) -> None:
    """Also a stand-in raises there: else the message would miss its outbox, and the test would not say why."""
    elsewhere = {**outbox.env, **Rules.new(live=False).variables()}
    child = python("-c", SEND, ONE, "Hello", env={**os.environ, **elsewhere})
    assert (child.returncode, child.stdout) == (1, "")
    assert f"OutboxUnreachable: a test started this process, and process {os.getpid()}" in child.stderr
    assert outbox == []
    error = OutboxUnreachable(1, "EOFError")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_a_process_that_was_started_beside_several_outboxes_sends_nothing_after_them() -> None:
    """It belongs to none of them, and its send is not let through where nobody can say so any more."""
    first, second = Outbox().open(), Outbox()
    set_owner(None)
    second.open()
    environment = dict(os.environ)
    second.close()
    first.close()
    child = python("-c", SEND, ONE, "Hello", env=environment)
    assert (child.returncode, child.stdout) == (1, "")
    assert "OutboxUnreachable" in child.stderr


ORPHAN = """
import os
from notifykit.testing import capture
with capture():
    if child := os.fork():
        os._exit(0)
    with capture() as outbox:
        print("open")
print("closed", flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_a_forked_process_has_outboxes_of_its_own_after_its_parent_has_ended() -> None:
    """It does not wait for the parent's listener, of which it has a copy."""
    done = python("-W", "ignore", "-c", ORPHAN)
    assert done.stdout.split() == ["open", "closed"]
    assert "Exception ignored" not in done.stderr


def test_other_rules_take_the_outboxes_to_another_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run within a run has rules of its own: its processes find their outbox, and those of the outer run theirs."""
    outer = Rules.new(live=False)
    for known in (outer, Rules.new(live=False), outer):
        monkeypatch.setattr(rules, "held", known)
        rules.apply(known)
        with capture() as outbox:
            subprocess.run([sys.executable, "-c", SEND, ONE, "Hello"], check=True, timeout=60)
        assert outbox.one().text == "Hello"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_process_hands_over_too(outbox: Outbox, send: Callable[..., Any]) -> None:
    """What it inherits of the outbox is a copy without effect."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if send(ONE, "forked").accepted and not len(outbox) else 2
            with capture() as own:
                send(ONE, "its own")
            code += 4 * (len(own) != 1)
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert outbox.one().text == "forked"


def test_a_server_knows_the_owner_of_a_request_by_its_header(send: Callable[..., Any]) -> None:
    """WSGI, its body made while it is read too; ASGI; and Django's middleware. Without a header nothing changes."""

    def wsgi(environ: dict[str, Any], start: Any) -> Iterator[bytes]:
        send(ONE, "in the answer")

        def body() -> Iterator[bytes]:
            send(ONE, "in the body")
            yield b"ok"

        return body()

    async def asgi(scope: Any, receive: Any, respond: Any) -> None:
        send(ONE, "asgi")

    class Request:
        def __init__(self, headers: dict[str, str]) -> None:
            self.headers = headers

    with capture() as one:
        set_owner(None)
        with capture() as other:
            set_owner(None)
            for outbox in (one, other):
                environ: dict[str, Any] = {
                    f"HTTP_{name.upper().replace('-', '_')}": v for name, v in outbox.headers.items()
                }
                setup_testing_defaults(environ)
                answer = OwnerMiddleware(wsgi)(environ, None)
                assert b"".join(answer) == b"ok"
                answer.close()
                headers = [(name.lower().encode(), value.encode()) for name, value in outbox.headers.items()]
                asyncio.run(OwnerMiddleware(asgi)({"type": "http", "headers": headers}, None, None))
                OwnerMiddleware(lambda request: send(ONE, "django"))(Request(outbox.headers))
            with pytest.raises(AmbiguousOutbox):
                list(OwnerMiddleware(wsgi)({}, None))
            with pytest.raises(AmbiguousOutbox):
                asyncio.run(OwnerMiddleware(asgi)({"type": "lifespan"}, None, None))
            assert current_owner() is None
    for outbox in (one, other):
        assert [message.text for message in outbox] == ["in the answer", "in the body", "asgi", "django"]


@pytest.fixture(name="forbidden")
def _forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run in which nothing is allowed."""
    known = Rules.new(live=False)
    for name, value in known.variables().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(rules, "held", known)
    monkeypatch.setattr(processes, "blocked", [])


@pytest.mark.usefixtures("forbidden")
def test_a_live_send_is_blocked_where_no_outbox_takes_it(send: Callable[..., Any]) -> None:
    """The error says which test, through what, and the three ways out; a stand-in goes its way."""
    with pytest.raises(LiveSendBlocked) as caught:
        send(ONE, "Hello")
    for words in (
        "test_processes.py::test_a_live_send_is_blocked",
        "real://default?sender=SHOP",
        "notify_outbox",
        "sms_sandbox",
        "@pytest.mark.notify(live=True)",
        "--notifykit-live",
        "notifykit_live = allow",
    ):
        assert words in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    host = PluginHost(entry_points=False)
    with Notifier("memory", host=host) as stand_in:
        assert stand_in.send(ONE, "Hello").accepted
    with Notifier(Failover(MemoryTransport(), Real()), host=host) as notifier, pytest.raises(LiveSendBlocked):
        notifier.send(ONE, "Hello")
    child = python("-c", SEND.replace("'memory'", "'webhook://example.invalid/x'"), ONE, "Hello")
    assert "LiveSendBlocked: " in child.stderr
    with capture() as outbox:
        assert send(ONE, "Hello").accepted
    outbox.assert_count(1)


@pytest.mark.usefixtures("forbidden")
def test_a_test_server_is_trusted_by_its_address() -> None:
    """What is sent there goes its way, whatever the transport believes; an outbox that spies takes it down too."""
    real = Real("real://user@127.0.0.1:8965?test=0")
    with Notifier(real, host=PluginHost(entry_points=False)) as notifier:
        with trusting("http://127.0.0.1:8965"):
            assert notifier.send(ONE, "Hello").accepted
            with trusting("http://127.0.0.1:1"):
                assert notifier.send(ONE, "Hello").accepted
            with capture() as outbox:
                notifier.send(ONE, "captured")
                outbox.spy("http://127.0.0.1:8965/")
                notifier.send(ONE, "Hello")
                outbox.script.unavailable()
                notifier.send(ONE, "Hello")
                real.answer(RateLimited("Too much.", "X", waits=()), OSError("broken"))
                notifier.send(ONE, "Hello")
                notifier.send(ONE, "Hello")
        with pytest.raises(LiveSendBlocked):
            notifier.send(ONE, "Hello")
    assert len(real.batches) == 5
    assert [(m.message_id, m.code, m.outcome.value) for m in outbox.attempts] == [
        ("outbox-1", None, "accepted"),
        ("memory-3", None, "accepted"),
        (None, "UNAVAILABLE", "rejected"),
        (None, "X", "rejected"),
        (None, "OSError", "unknown"),
    ]


def test_a_spied_process_makes_its_requests_itself(outbox: Outbox) -> None:
    """And records how they ended, also with an exception that does not unpickle here."""
    code = (
        "from notifykit import MemoryTransport, Notifier, PluginHost\n"
        "class Odd(Exception): pass\n"
        "class Spied(MemoryTransport):\n"
        "    def __str__(self): return 'spied://127.0.0.1:8965'\n"
        "with Notifier(Spied([Odd()]), host=PluginHost(entry_points=False)) as notifier:\n"
        "    assert notifier.send('96598765432', 'Hello').unknown\n"
        "    assert notifier.send('96598765432', 'Hello').accepted\n"
    )
    outbox.spy("http://127.0.0.1:8965")
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert [message.code for message in outbox.unknown] == ["Odd"]
    assert outbox.one().message_id == "memory-2"


def test_the_rules_and_the_pipeline_use_the_same_variable() -> None:
    """The rules can't import it: it is too heavy for runs that test something else."""
    assert rules.INTERCEPTOR == intercept.VARIABLE


def _send_from_a_pool(text: str) -> None:
    with Notifier(MemoryTransport(), host=PluginHost(entry_points=False)) as notifier:
        notifier.send(ONE, text)


def test_a_pool_of_processes_sends_for_the_test_that_submits() -> None:
    """Its processes were started when another outbox was the innermost one."""
    before = (ProcessPoolExecutor.submit, threading.Thread.start)
    with capture() as outer, ProcessPoolExecutor(1) as pool:
        pool.submit(_send_from_a_pool, "outer").result(timeout=60)
        with capture() as inner:
            pool.submit(_send_from_a_pool, "inner").result(timeout=60)
    assert [message.text for message in outer] == ["outer"]
    assert [message.text for message in inner] == ["inner"]
    assert (ProcessPoolExecutor.submit, threading.Thread.start) == before


#: A test that starts a process, and ends by force as soon as its outbox is asked about that process's message.
RELAY = """
import os, subprocess, sys
from notifykit.testing import Outbox, capture, processes
from notifykit.testing.capturing import Capture

class Vanishing(Outbox):
    def answer(self, request, timeout):
        os._exit(9)

with Vanishing():
    child = subprocess.Popen([sys.executable, "-c", sys.argv[1]])
    child.wait(60)
"""
#: Two recipients, each in a request of its own; says what came out.
SENDER = """
import asyncio, os, sys
from notifykit import AsyncNotifier, Capabilities, MemoryTransport, Notifier, PluginHost
import attrs
from notifykit.testing import OutboxUnreachable
transport = MemoryTransport()
transport.capabilities = attrs.evolve(transport.capabilities, batch_size=1)
async def send():
    async with AsyncNotifier(transport, host=PluginHost(entry_points=False)) as notifier:
        await notifier.send(["96598765432", "96598765433"], "Hello")
try:
    if {asynchronous}:
        asyncio.run(send())
    else:
        Notifier(transport, host=PluginHost(entry_points=False)).send(["96598765432", "96598765433"], "Hello")
except OutboxUnreachable as error:
    print("unreachable", len(error.report), len(transport.batches), flush=True)
"""


@pytest.mark.parametrize("asynchronous", [False, True])
def test_an_outbox_that_disappears_in_the_middle_of_a_send_is_an_error(asynchronous: bool) -> None:
    """It is no answer of a provider: the exception comes out, and the second message is not tried."""
    sender = SENDER.replace("{asynchronous}", str(asynchronous))
    outside = {name: value for name, value in os.environ.items() if not name.startswith("NOTIFYKIT")}
    done = python("-c", RELAY, sender, env=outside)
    assert done.stdout == "unreachable 0 0\n", done.stderr
