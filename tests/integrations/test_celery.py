"""Tasks of Celery that send: what becomes of a task that is delivered again, and what nobody sees of it."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import pathlib
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from notifykit import ConfigError, Notifier, RateLimited
from notifykit.people import Preferences, preferences_of
from notifykit.testing import Outbox
from notifykit_kwtsms.sandbox import Rules, Sandbox

pytest.importorskip("celery", reason='this needs the extra "celery"')
pytest.importorskip("dbos", reason='this needs the extra "durable"')

from celery import Celery, signals
from celery.contrib.testing.worker import start_worker
from celery.signals import before_task_publish, task_retry

from notifykit.integrations.celery import SendTask, get_notifier, problems_of, send

pytestmark = pytest.mark.slow

ROOT = pathlib.Path(__file__).parents[2]
MOBILE = "96598765432"
TEXT = "Your code is 482913"


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    monkeypatch.setenv("NOTIFYKIT_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("NOTIFYKIT_TRANSPORT", "kwtsms://test:test@127.0.0.1:9?test=0&sender=MYAPP")


@pytest.fixture(name="app")
def _app(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Celery]:
    """An application of the test's own, whose tasks run where they are called."""
    app = Celery(f"app-{uuid.uuid4()}", broker="memory://", backend="cache+memory://", set_as_current=False)
    app.conf.update(task_always_eager=True, broker_transport_options={"polling_interval": 0.01}, result_extended=True)
    app.finalize()
    yield app
    signals.worker_shutdown.send(app)


@pytest.fixture(name="code")
def _code(app: Celery) -> SendTask:
    """A task as an application would write it."""

    @app.task(bind=True, base=SendTask, name="code", shared=False)
    def code(self: SendTask, mobile: str, text: str, **options: Any) -> object:
        return self.send(mobile, text, **options)

    return code


@pytest.fixture(name="countdowns")
def _countdowns() -> Iterator[list[float]]:
    """The seconds after which tasks want to be tried again."""
    found: list[float] = []

    def note(reason: Any, **_: Any) -> None:
        found.append(reason.when)

    task_retry.connect(note)
    yield found
    task_retry.disconnect(note)


@pytest.fixture(name="warnings")
def _warnings(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What the tasks log. Celery and Django replace the handlers and the level of the root logger, so nothing is asked of it."""
    found: list[str] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(self.format(record))

    logger, keeper = logging.getLogger("notifykit.celery"), Keeper()
    monkeypatch.setattr(logger, "disabled", False)
    level = logger.level
    logger.setLevel(logging.WARNING)
    logger.addHandler(keeper)
    yield found
    logger.removeHandler(keeper)
    logger.setLevel(level)


@contextlib.contextmanager
def worker(app: Celery) -> Iterator[None]:
    """Let a real worker take tasks from the broker in memory; the logging that Celery sets up ends with it."""
    root = logging.getLogger()
    level, handlers = root.level, [*root.handlers]
    try:
        with start_worker(app, perform_ping_check=False, loglevel="DEBUG"):
            yield
    finally:
        root.setLevel(level)
        root.handlers[:] = handlers


# --- one task ---


def test_a_task_sends_and_its_result_is_the_outcome(code: SendTask, notify_outbox: Outbox) -> None:
    """For a list it is how many had each one."""
    assert code.delay(MOBILE, TEXT, tags=["otp"]).get() == "accepted"
    assert notify_outbox.one(to=MOBILE, tags="otp").text == TEXT
    assert code.delay([MOBILE, "nobody", "96551112222"], TEXT).get() == {"accepted": 2, "rejected": 1}


def test_the_task_of_the_module_sends_too(app: Celery, notify_outbox: Outbox) -> None:
    """``notifykit.send`` is there in every application."""
    assert app.tasks["notifykit.send"].delay(MOBILE, TEXT).get() == "accepted"
    notify_outbox.one(to=MOBILE)
    assert send.name == "notifykit.send"


def test_a_task_sends_nothing_that_the_person_switched_off(
    app: Celery, code: SendTask, notify_outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its worker asks the guard, as every send does; what is for security is sent."""
    monkeypatch.setenv("NOTIFYKIT_GUARD_PREFERENCES", "sqlite")
    store = preferences_of(get_notifier(app)).store
    store.set(Preferences("u17", channels_off={"sms"}, addresses={"sms": MOBILE}))
    assert code.delay(MOBILE, "News", tags=["marketing"]).get() == "skipped"
    assert code.delay(MOBILE, TEXT, tags=["security"]).get() == "accepted"
    assert notify_outbox.one(to=MOBILE).text == TEXT


def test_a_task_that_is_delivered_twice_sends_once(code: SendTask, notify_outbox: Outbox) -> None:
    """The id is the key; a key of one's own holds over two tasks as well."""
    assert [code.apply_async((MOBILE, TEXT), task_id="one").get() for _ in range(2)] == ["accepted"] * 2
    notify_outbox.assert_count(1)
    assert [code.delay(MOBILE, "Order 17", key="order-17").get() for _ in range(2)] == ["accepted"] * 2
    notify_outbox.assert_count(1, text="Order 17")
    with pytest.raises(ConfigError, match="the text is another one"):
        code.delay(MOBILE, "Order 18", key="order-17").get()


def test_what_was_certainly_not_sent_is_tried_again_when_the_provider_says(
    code: SendTask, notify_outbox: Outbox, notify_script: Any, countdowns: list[float]
) -> None:
    """The broker waits for it, and no worker."""
    notify_script.queue_full(code="ERR013", times=2)
    assert code.delay(MOBILE, TEXT).get() == "accepted"
    assert [message.outcome for message in notify_outbox.attempts] == ["rejected", "rejected", "accepted"]
    assert len(countdowns) == 2
    assert min(countdowns) >= 30


def test_a_lost_answer_is_unknown_and_not_sent_again(
    code: SendTask, notify_outbox: Outbox, notify_script: Any, countdowns: list[float], warnings: list[str]
) -> None:
    """Neither by a retry nor by a second delivery; the log says where to look."""
    notify_script.unknown()
    assert [code.apply_async((MOBILE, TEXT), task_id="lost").get() for _ in range(2)] == ["unknown"] * 2
    assert len(notify_outbox.attempts) == 1
    assert not countdowns
    assert ["notifykit jobs celery-lost" in line for line in warnings] == [True, True]


def test_what_comes_too_late_is_skipped(code: SendTask, notify_outbox: Outbox) -> None:
    """Celery would revoke it, also where an earlier delivery may have sent it: nobody would know."""
    assert code.apply_async((MOBILE, TEXT), expires=-1).get() == "skipped"
    assert not notify_outbox.attempts
    assert code.apply_async((MOBILE, TEXT), expires=60, task_id="in time").get() == "accepted"
    assert code.apply_async((MOBILE, TEXT), expires=-1, task_id="in time").get() == "accepted"
    notify_outbox.assert_count(1)


def test_a_refusal_is_logged_once_without_number_or_text(
    code: SendTask, notify_script: Any, notify_outbox: Outbox, warnings: list[str]
) -> None:
    """What a person has to do is in it."""
    notify_script.refuse("ERR003")
    assert code.delay([MOBILE, "96551112222"], TEXT).get() == {"rejected": 2}
    assert len(notify_outbox.attempts) == 2
    (line,) = warnings
    assert "ERR003" in line
    assert "KWTSMS_PASSWORD" in line
    assert not any(secret in line for secret in (MOBILE, "98765432", "482913"))


def test_a_task_called_as_a_function_says_what_to_do(code: SendTask) -> None:
    """It has no id, so nothing would recognise it."""
    with pytest.raises(RuntimeError, match=r"code\.delay"):
        code(MOBILE, TEXT)


def test_one_notifier_in_a_process(app: Celery, code: SendTask, notify_outbox: Outbox) -> None:
    """Its settings are in the application's configuration."""
    app.conf.notifykit = {"timeout": 7}
    assert get_notifier(app).settings.timeout == 7
    code.delay(MOBILE, TEXT).get()
    assert get_notifier(app) is get_notifier(app)
    if hasattr(os, "fork"):
        before = id(get_notifier(app))
        reader, writer = os.pipe()
        if not os.fork():
            os.write(writer, b"other" if id(get_notifier(app)) != before else b"same")
            os._exit(0)
        os.wait()
        assert os.read(reader, 10) == b"other"


# --- through a broker ---


def test_nothing_that_monitors_see_has_a_number_or_a_text(
    app: Celery, code: SendTask, notify_outbox: Outbox, notify_script: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Not in messages' headers, events, ``inspect``, logs at the lowest level, or results with their arguments."""
    app.conf.task_always_eager = False
    seen: list[object] = []

    def note(headers: Any, **_: Any) -> None:
        seen.append(dict(headers))

    notify_script.refuse(RateLimited("The queue is full.", "ERR013", waits=(0.05,)))
    before_task_publish.connect(note)
    caplog.set_level(logging.DEBUG)
    logging.getLogger("celery").setLevel(logging.DEBUG)
    try:
        with worker(app):
            results = [code.delay(MOBILE, TEXT), app.send_task("code", ("96551112222", TEXT), {"sender": "MYAPP"})]
            wrong = app.send_task("code", (MOBILE, TEXT), {"nonsense": TEXT})
            assert [result.get(timeout=60) for result in results] == ["accepted", "accepted"]
            with pytest.raises(TypeError):
                wrong.get(timeout=60)
    finally:
        before_task_publish.disconnect(note)
    assert len(notify_outbox.refused) == 1
    ours = [headers for headers in seen if isinstance(headers, dict) and headers["argsrepr"] == "(…)"]
    assert len(ours) >= 2  # the task and its retry; ``send_task`` knows no class
    stored = [result.backend.get_task_meta(result.id) for result in [*results, wrong]]
    for secret in ("98765432", "51112222", "482913"):
        assert secret not in repr(ours)
        assert secret not in caplog.text
        assert secret not in repr(stored)


# --- what is refused ---


def test_a_worker_that_could_send_twice_does_not_start(
    app: Celery, code: SendTask, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker on another machine, and a file that the other machine's workers do not see; and a limit that cuts off."""
    assert problems_of(app) == []
    app.conf.broker_url = "amqp://broker.example//"
    code.soft_time_limit = 20
    store, limit = problems_of(app)
    assert "NOTIFYKIT_DATABASE_URL" in store
    assert str(tmp_path) in store
    assert "code: soft_time_limit is 20: give 45 seconds" in limit
    monkeypatch.setenv("NOTIFYKIT_DATABASE_URL", f"sqlite:///{tmp_path}/jobs.sqlite3")
    assert problems_of(app) == [limit]
    app.conf.broker_url = "memory://"
    with pytest.raises(SystemExit, match="soft_time_limit"), worker(app):
        pass


def test_without_the_store_the_worker_says_what_to_install(
    app: Celery, code: SendTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second delivery would not be recognised."""
    monkeypatch.setitem(sys.modules, "dbos", None)
    (problem,) = problems_of(app)
    assert "acks_late" in problem
    assert 'pip install "notifykit[durable]"' in problem


def test_wrong_settings_stop_the_worker(app: Celery, code: SendTask, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them at once, and the tasks stay in the queue."""
    monkeypatch.setenv("NOTIFYKIT_TIMEOUT", "soon")
    monkeypatch.setenv("NOTIFYKIT_DEADLINE", "late")
    assert len(problems_of(app)) == 2


# --- workers that are killed ---

#: The application of the workers that are killed. A task that finds no flag of its name ends its own process, once.
_KILLED = """
import os, pathlib, signal
from celery import Celery
from notifykit.integrations.celery import SendTask, send

here = pathlib.Path(os.environ["HERE"])
app = Celery("app", broker="filesystem://", backend=f"file://{here / 'results'}")
app.conf.update(
    broker_transport_options={n: str(here / f) for n, f in
        (("data_folder_in", "queue"), ("data_folder_out", "queue"), ("control_folder", "control"))},
    worker_prefetch_multiplier=1,
    worker_lost_wait=0.5,
)

def die(name):
    flag = here / f"{name}-{os.environ.get('ROUND', '')}"
    if not flag.exists():
        flag.touch()
        os.kill(os.getpid(), signal.SIGKILL)

class Guard:
    name = "killer"
    def check(self, context, counters):
        if "before" in context.message.tags:
            die("before")

app.conf.notifykit = {"guards": [Guard()]}

@app.task(bind=True, base=SendTask)
def code(self, mobile, text, when):
    (here / f"process-{mobile}").write_text(str(os.getpid()))
    outcome = self.send(mobile, text, tags=[when])
    if when == "after":
        die("after")
    return outcome
"""


class Running:
    """A worker with two processes, its broker and its gateway."""

    def __init__(self, folder: pathlib.Path, sandbox: Sandbox) -> None:
        self.folder = folder
        self.sandbox = sandbox
        for name in ("queue", "control", "results"):
            (folder / name).mkdir()
        (folder / "killed.py").write_text(_KILLED, encoding="utf-8")
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("NOTIFYKIT_", "KWTSMS_"))},
            "HERE": str(folder),
            "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT), *filter(None, sys.path)]),
            "NOTIFYKIT_STATE_DIR": str(folder / "state"),
            "NOTIFYKIT_TRANSPORT": sandbox.dsn.replace("test=1", "test=0"),
        }
        self.worker: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the worker."""
        words = [
            "-A",
            "killed",
            "worker",
            "--concurrency=2",
            "--without-mingle",
            "--without-gossip",
            "-l",
            "INFO",
            "-E",
        ]
        with (self.folder / "log").open("ab") as log:
            self.worker = subprocess.Popen(
                [sys.executable, "-m", "celery", *words],
                env=self.environment, stdout=log, stderr=log, cwd=self.folder, start_new_session=True,
            )  # fmt: skip

    def put(self, mobile: str, when: str, task_id: str | None = None, time_limit: float | None = None) -> str:
        """Put a task into the queue, as a web application does."""
        script = (
            "import sys, killed; mobile, when, task_id, limit = sys.argv[1:]; options = {'time_limit': float(limit)} if limit "
            "else {}; text = 'Your code is 482913'; "
            "print(killed.code.apply_async((mobile, text, when), task_id=task_id or None, **options).id)"
        )
        done = subprocess.run(
            [sys.executable, "-c", script, mobile, when, task_id or "", str(time_limit or "")],
            env=self.environment, capture_output=True, text=True, check=True, timeout=60, cwd=self.folder,
        )  # fmt: skip
        return done.stdout.strip()

    def result(self, task: str) -> object:
        """Return the result of a task when it is there."""
        file = self.folder / "results" / f"celery-task-meta-{task}"

        def finished() -> Any:
            meta = json.loads(file.read_bytes() or b"{}") if file.exists() else {}
            return meta if meta.get("status") in ("SUCCESS", "FAILURE", "REVOKED") else None

        return until(finished, self.log)["result"]

    def arrived(self, mobile: str) -> int:
        """Return how many messages to a number the gateway took."""
        return sum(mobile in message.numbers for message in self.sandbox.messages)

    def log(self) -> str:
        """Return what the worker wrote."""
        return (self.folder / "log").read_text("utf-8", "replace")

    def kill(self) -> None:
        """Kill the worker with all its processes."""
        if self.worker is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.worker.pid, signal.SIGKILL)
            self.worker.wait(30)
            self.worker = None


def until(condition: Callable[[], Any], log: Callable[[], str]) -> Any:
    """Return what a condition says once that is true."""
    ends = time.monotonic() + 60
    while not (found := condition()):
        assert time.monotonic() < ends, log()[-3000:]
        time.sleep(0.02)
    return found


@pytest.fixture(scope="module", name="running")
def _running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Sandbox(rules=Rules(rate_limit=None, same_number_gap=0)) as sandbox:
        sandbox.account.change(balance=1_000)
        running = Running(tmp_path_factory.mktemp("celery"), sandbox)
        running.start()
        yield running
        running.kill()


class TestKilled:
    """Workers that die with SIGKILL: nobody gets two messages, and each message has an outcome."""

    def test_before_the_request_the_next_worker_sends(self, running: Running) -> None:
        """It was certainly not sent."""
        task = running.put("96550000001", "before")
        assert running.result(task) == "accepted"
        assert running.arrived("96550000001") == 1
        assert (running.folder / "before-").exists()

    def test_after_the_answer_the_next_worker_keeps_it(self, running: Running) -> None:
        """The answer is in the store; only the acknowledgement was lost."""
        task = running.put("96550000002", "after")
        assert running.result(task) == "accepted"
        assert running.arrived("96550000002") == 1
        assert (running.folder / "after-").exists()

    def test_between_the_request_and_the_answer_it_is_unknown(self, running: Running) -> None:
        """The gateway took it, and nobody read the answer: it is not sent again, and somebody learns of it."""
        number = "96550000003"
        running.sandbox.chaos("hang", endpoint="send", to=number, after="accept", delay=60.0)
        task = running.put(number, "normally")
        until(lambda: running.arrived(number), running.log)
        os.kill(int((running.folder / f"process-{number}").read_text()), signal.SIGKILL)
        assert running.result(task) == "unknown"
        assert running.arrived(number) == 1
        until(lambda: f"notifykit jobs celery-{task}" in running.log(), running.log)
        assert number not in running.log()
        assert "482913" not in running.log()

    def test_the_hard_time_limit_sends_nothing_again(self, running: Running) -> None:
        """It kills the process between the request and the answer: the task failed, and delivered again it is unknown."""
        number = "96550000005"
        running.sandbox.chaos("hang", endpoint="send", to=number, after="accept", delay=60.0)
        task = running.put(number, "normally", "limited", time_limit=8)
        until(lambda: running.arrived(number), running.log)
        assert "TimeLimitExceeded" in repr(running.result(task))
        (running.folder / "results" / f"celery-task-meta-{task}").unlink()
        assert running.put(number, "normally", "limited") == task
        assert running.result(task) == "unknown"
        assert running.arrived(number) == 1
        assert number not in running.log()

    def test_when_all_processes_of_a_pool_die_at_once_the_next_ones_go_on(self, running: Running) -> None:
        """Each of their tasks is delivered again, and is unknown."""
        numbers = ["96550000006", "96550000007"]
        for number in numbers:
            running.sandbox.chaos("hang", endpoint="send", to=number, after="accept", delay=60.0)
        tasks = [running.put(number, "normally") for number in numbers]
        until(lambda: all(running.arrived(number) for number in numbers), running.log)
        for number in numbers:
            os.kill(int((running.folder / f"process-{number}").read_text()), signal.SIGKILL)
        assert [running.result(task) for task in tasks] == ["unknown", "unknown"]
        assert [running.arrived(number) for number in numbers] == [1, 1]

    def test_when_all_of_it_dies_the_broker_delivers_again(self, running: Running) -> None:
        """The broker in a folder forgets what was not acknowledged, so the message is put there again."""
        number = "96550000004"
        running.sandbox.chaos("hang", endpoint="send", to=number, after="accept", delay=60.0)
        task = running.put(number, "normally", "again")
        until(lambda: running.arrived(number), running.log)
        running.kill()
        running.start()
        assert running.put(number, "normally", "again") == task
        assert running.result(task) == "unknown"
        assert running.arrived(number) == 1
        environment = {
            "NOTIFYKIT_STATE_DIR": running.environment["NOTIFYKIT_STATE_DIR"],
            "NOTIFYKIT_WORKERS": "separate",
        }
        with Notifier.from_settings("memory", environment=environment) as notifier:
            assert notifier.job("celery-again").progress().unknown == 1
