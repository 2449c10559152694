"""``notifykit worker --metrics``: a real worker process is scraped, and asked whether it is ready."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Final

import attrs
import pytest

pytest.importorskip("prometheus_client", reason='metrics need the extra "prometheus"')
from prometheus_client.parser import text_string_to_metric_families

from notifykit import Notifier
from notifykit.durable.metrics_server import MetricsServer
from notifykit.models.job import JobState
from notifykit_kwtsms.sandbox import Sandbox
from tests.durable.conftest import Cluster, MakeNotifier, Recorder, Store, environment, live, numbers, until

pytestmark = pytest.mark.slow

TEXT: Final = "Your code is 778899"


def ask(url: str) -> tuple[int, str]:
    """Return the status and the body of an answer."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@attrs.frozen
class Working:
    """A worker that runs."""

    process: subprocess.Popen[bytes]
    url: str

    def is_ready(self) -> bool:
        return ask(f"{self.url}/readyz")[0] == 200

    def scrape(self) -> tuple[str, dict[tuple[str, frozenset[tuple[str, str]]], float]]:
        """Return what is served, and each sample of it."""
        _, text = ask(f"{self.url}/metrics")
        families = text_string_to_metric_families(text)
        return text, {(s.name, frozenset(s.labels.items())): s.value for f in families for s in f.samples}


@contextlib.contextmanager
def worker(store: Store, sandbox: Sandbox, **more: str) -> Iterator[Working]:
    """Run ``notifykit worker`` in a process of its own, and stop it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "notifykit", "worker", "--metrics", "127.0.0.1:0"],
        env=environment(store, **{**sandbox.env, "KWTSMS_TEST_MODE": "0", "KWTSMS_RATE": "4", **more}),
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        line = process.stderr.readline().decode()
        found = re.search(r"http://[0-9.:]+", line)
        assert found, line + process.stderr.read().decode()
        yield Working(process, found[0])
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err.decode()
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("sinks", [{}, {"NOTIFYKIT_SINKS": "logging,prometheus"}])
def test_a_worker_is_scraped_while_it_sends(
    store: Store, sandbox: Sandbox, notifiers: MakeNotifier, sinks: dict[str, str]
) -> None:
    """Counted once, whether or not the settings name the sink too; nothing secret is served."""
    secret_number = next(numbers(1))
    with notifiers(store, live(sandbox), workers="separate") as notifier:
        notifier.submit(["abc", *numbers(3), secret_number], TEXT, key="secret-key")
        with worker(store, sandbox, **sinks) as working:
            assert ask(f"{working.url}/healthz") == (200, "ok\n")
            until(working.is_ready)
            until(lambda: notifier.job("secret-key").progress().finished)
            until(lambda: (f'notifykit_jobs{{state="{JobState.DONE}"}} 1.0') in working.scrape()[0])
            until(lambda: "notifykit_messages_total" in working.scrape()[0])
            text, samples = working.scrape()
            assert ask(f"{working.url}/nothing")[0] == 404
    messages = {
        (dict(labels)["outcome"], dict(labels)["code"]): number
        for (name, labels), number in samples.items()
        if name == "notifykit_messages_total"
    }
    assert messages == {("accepted", ""): 3, ("rejected", "InvalidRecipient"): 1, ("skipped", "duplicate"): 1}
    assert samples["notifykit_segments_total", frozenset({("transport", "kwtsms"), ("test", "false")})] == 3
    assert samples["notifykit_job_oldest_seconds", frozenset()] == 0
    assert samples["notifykit_balance", frozenset({("transport", "kwtsms")})] == sandbox.account.balance
    for secret in (secret_number, "778899", "Your", "secret-key", "://", sandbox.env["KWTSMS_PASSWORD"]):
        assert secret not in text


def test_a_worker_without_its_database_is_not_ready(cluster: Cluster, store: Store, sandbox: Sandbox) -> None:
    """It lives, it serves its metrics without those of jobs, it says why, and it is ready again when the database is."""
    cluster.run("create database unreachable")
    url = cluster.url("unreachable")
    with worker(store, sandbox, NOTIFYKIT_DATABASE_URL=url) as working:
        until(working.is_ready)
        cluster.run("alter database unreachable allow_connections false")
        cluster.run("select pg_terminate_backend(pid) from pg_stat_activity where datname = 'unreachable'")
        until(lambda: not working.is_ready())
        status, reason = ask(f"{working.url}/readyz")
        assert status == 503
        assert reason.startswith("database_url: PostgreSQL can't be used")
        assert "s3cr3t-word" not in reason
        assert ask(f"{working.url}/healthz")[0] == 200
        assert "notifykit_jobs{" not in working.scrape()[0]
        cluster.run("alter database unreachable allow_connections true")
        until(working.is_ready)
    cluster.run("drop database unreachable with (force)")


def test_ready_means_that_it_works_on_jobs(connect: MakeNotifier) -> None:
    """Not while it starts, not before it works, and not any more when it ends."""
    notifier = connect(Recorder())
    with MetricsServer(("127.0.0.1", 0), ()) as server:
        url = f"{server.url}/readyz"
        assert ask(url) == (503, "The worker is starting.\n")
        server.follow(notifier)
        status, reason = ask(url)
        assert (status, "sends no jobs" in reason) == (503, True)
        notifier.work()
        assert ask(url) == (200, "ready\n")
        server.stop_following()
        assert ask(url) == (503, "The worker is ending: it finishes the requests in flight.\n")


def test_a_worker_that_does_not_reach_its_queue_is_not_ready(
    connect: MakeNotifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its thread hangs, or has ended."""
    notifier = connect(Recorder())
    notifier.work()
    assert notifier.idle_reason() is None
    monkeypatch.setattr("notifykit.durable.queue._STALE", -1.0)
    assert "has not reached the queue for" in str(notifier.idle_reason())


def test_the_oldest_job_is_the_one_that_could_have_started_first(connect: MakeNotifier) -> None:
    """Not one that waits for its time, or that is paused or over."""
    notifier = connect(Recorder(), workers="separate")
    assert (notifier.backlog().states, notifier.backlog().oldest) == ({}, None)
    engine = notifier._components.engine()
    now = engine.clock()  # type: ignore[attr-defined]
    for key, ago in (("paused", 300.0), ("old", 200.0), ("new", 100.0), ("cancelled", 400.0)):
        engine.clock = lambda ago=ago: now - ago  # type: ignore[attr-defined]
        job = notifier.submit(numbers(1), "Hello", key=key)
        if key == "paused":
            job.pause()
        if key == "cancelled":
            job.cancel()
    engine.clock = lambda: now  # type: ignore[attr-defined]
    backlog = notifier.backlog()
    assert backlog.states == {JobState.RUNNING: 2, JobState.PAUSED: 1, JobState.CANCELLED: 1}
    assert backlog.oldest == pytest.approx(200.0)


def test_the_backlog_is_counted_by_each_database(each_store: Store, notifiers: Callable[..., Notifier]) -> None:
    """On PostgreSQL too."""
    notifier = notifiers(each_store, Recorder(), workers="separate")
    notifier.submit(numbers(1), "Hello", key="k")
    assert notifier.backlog().states == {JobState.RUNNING: 1}


# --- what can't be served ---


def _fails(store: Store, sandbox: Sandbox, address: str, before: str = "", **more: str) -> str:
    script = f"import sys\n{before}\nfrom notifykit.cli.main import main\nmain(sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", script, "worker", "--json", "--metrics", address],
        env=environment(store, **sandbox.env, **more),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    return str(json.loads(done.stdout)["error"]["message"])


def test_an_address_in_use_is_an_error_with_its_cure(store: Store, sandbox: Sandbox) -> None:
    """Before anything is sent."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        said = _fails(store, sandbox, address)
    assert said == f"metrics: another process listens on {address}: stop it, or give another port"


@pytest.mark.parametrize("address", ["9464", "localhost", ":9464", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:70000"])
def test_what_is_no_address_is_an_error_with_an_example(store: Store, sandbox: Sandbox, address: str) -> None:
    """It is read before anything is opened."""
    said = _fails(store, sandbox, address)
    assert f"{address!r} is no address: give HOST:PORT, for example 127.0.0.1:9464." in said


def test_an_address_of_another_machine_is_an_error_with_an_example(store: Store, sandbox: Sandbox) -> None:
    """192.0.2.1 is nobody's."""
    said = _fails(store, sandbox, "192.0.2.1:9464")
    assert said.startswith("metrics: 192.0.2.1:9464 can't be listened on")
    assert "127.0.0.1:9464" in said


def test_without_the_library_it_says_what_to_install(store: Store, sandbox: Sandbox) -> None:
    """In one sentence."""
    said = _fails(store, sandbox, "127.0.0.1:0", "sys.modules['prometheus_client'] = None")
    assert said.endswith('pip install "notifykit[prometheus]"')


def test_a_missing_folder_of_the_multiprocess_mode_is_said(store: Store, sandbox: Sandbox) -> None:
    """It has to be there before any process starts."""
    said = _fails(store, sandbox, "127.0.0.1:0", PROMETHEUS_MULTIPROC_DIR="/nowhere/at/all")
    assert "PROMETHEUS_MULTIPROC_DIR: /nowhere/at/all is no folder" in said
