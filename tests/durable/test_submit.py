"""Submitting: at once, safe on disk, once for a key; and the outcome of every recipient, from any process."""

from __future__ import annotations

import datetime
import json
import logging
import stat
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from notifykit import Capabilities, ConfigError, Notifier, Outcome, PluginHost, SkipReason, Veto
from notifykit.errors import OutcomeUnknown
from notifykit.models.job import JobState
from notifykit_kwtsms.sandbox import Sandbox
from tests.durable.conftest import MakeNotifier, Recorder, Store, elsewhere, environment, live, numbers, spawn, until

#: Prints what another process reads of a job.
READ = """
import json, sys
from notifykit import Notifier, PluginHost
with Notifier.from_settings("memory", host=PluginHost(entry_points=False)) as notifier:
    job = notifier.job(sys.argv[1])
    progress = job.progress()
    print(json.dumps([progress.state, progress.total, [receipt.outcome for receipt in job.receipts()]]))
"""


class NotTo:
    """A guard that vetoes one address."""

    name = "not-to"

    def __init__(self, address: str) -> None:
        self._address = address

    def check(self, envelope: Any, book: Any) -> Veto | None:
        return Veto(self.name, "Not this one.") if envelope.recipient.address == self._address else None


@pytest.mark.slow
def test_submitting_is_safe_before_anything_is_sent(store: Store, connect: MakeNotifier) -> None:
    """Another process sees the job as soon as submit returns, whether or not this one does anything more."""
    transport = Recorder()
    with connect(transport, workers="separate") as notifier:
        job = notifier.submit(numbers(12), "Hello", key="k")
        assert job.key == "k"
        assert elsewhere(store, READ, "k", NOTIFYKIT_WORKERS="separate") == ["running", 12, []]
    assert not transport.batches


def test_every_outcome_survives_with_its_ids_costs_and_attempts(
    smoke_store: Store, notifiers: Callable[..., Notifier], sandbox: Sandbox
) -> None:
    """Over the wire: accepted, a bad address, a duplicate, a veto, a refusal and a lost answer, read from the disk."""
    a, b, vetoed = numbers(3)
    with notifiers(smoke_store, sandbox.dsn + "&rate=4", guards=[NotTo(vetoed)]) as notifier:
        progress = notifier.submit([a, "abc", a, vetoed, b], "Hello", key="all").wait(60)
        assert (progress.accepted, progress.rejected, progress.skipped, progress.cost) == (2, 1, 2, 2.0)
        sandbox.chaos("ERR010", endpoint="send")
        refused = notifier.submit(a, "Hello", key="refused").wait(60)
        assert (refused.rejected, refused.left) == (1, 0)
        sandbox.chaos("reset", endpoint="send", after="accept")
        unknown = notifier.submit(b, "Hello", key="unknown").wait(60)
        assert (unknown.unknown, unknown.state) == (1, JobState.DONE)
    with notifiers(smoke_store, "memory", workers="separate") as other:
        job = other.job("all")
        receipts = list(job.receipts())
        report = job.report()
        assert len(report.accepted) == 2
        assert report.message_ids == (sandbox.messages[0].msg_id,)
        assert job.progress().cost == 2.0
        assert a not in repr(job) + repr(job.progress()) + str(job.progress())
        assert [receipt.code for receipt in other.job("refused").receipts()] == ["ERR010"]
        assert [receipt.outcome for receipt in other.job("unknown").receipts()] == ["unknown"]
    assert [receipt.outcome for receipt in receipts] == ["accepted", "rejected", "skipped", "skipped", "accepted"]
    assert [receipt.skipped for receipt in receipts] == [None, None, SkipReason.DUPLICATE, SkipReason.GUARD, None]
    assert str(receipts[3].veto) == "not-to: Not this one."
    assert receipts[0].message_id == receipts[4].message_id == sandbox.messages[0].msg_id
    assert [len(receipt.attempts) for receipt in receipts] == [1, 0, 0, 0, 1]
    assert sandbox.accepted(b) == 2


def test_a_duplicate_far_down_the_list_is_skipped(connect: MakeNotifier) -> None:
    """As in a plain send: it does not matter how many requests are between the two."""
    transport = Recorder(capabilities=Capabilities(batch_size=5))
    with connect(transport) as notifier:
        progress = notifier.submit([*numbers(12), *numbers(2)], "Hello").wait(60)
    assert (progress.accepted, progress.skipped) == (12, 2)
    assert len(transport.addresses) == 12


def test_the_same_key_and_content_are_the_same_job(connect: MakeNotifier) -> None:
    """However often it is submitted, at any time."""
    transport = Recorder()
    with connect(transport) as notifier:
        for _ in range(3):
            job = notifier.submit(numbers(7), "Hello", key="k")
            job.wait(60)
    assert len(transport.addresses) == 7


def test_another_content_under_the_same_key_is_refused_without_showing_either(connect: MakeNotifier) -> None:
    """Every difference is named; texts and numbers are not."""
    transport = Recorder()
    with connect(transport) as notifier:
        notifier.submit(numbers(3), "Your secret is 123456", key="k", tags=["a"]).wait(60)
        with pytest.raises(ConfigError) as caught:
            notifier.submit(numbers(4, 5), "Your secret is 654321", key="k", tags=["b"])
        with pytest.raises(ConfigError, match="recipients are others") as other:
            notifier.submit(numbers(3, 5), "Your secret is 123456", key="k", tags=["a"])
        assert len(notifier.jobs()) == 1
    said = str(caught.value) + str(other.value)
    for words in ("the text is another one", "recipients: 3 then, 4 now", "recipients are others", "tags", "jobs k"):
        assert words in said
    for secret in ("123456", "654321", "9655"):
        assert secret not in said
    assert len(transport.addresses) == 3


#: Submits the same job from several threads, and from as many processes as run this.
RACE = """
import json, sys, threading
from notifykit import Notifier
from tests.durable.conftest import host
numbers = [str(96550000000 + n) for n in range(20)]
with Notifier.from_settings(sys.argv[1], host=host()) as notifier:
    notifier.jobs()
    print("ready", flush=True)
    sys.stdin.readline()
    failed = []
    def submit():
        try:
            notifier.submit(numbers, "Hello", key="race")
        except BaseException as error:
            failed.append(repr(error))
    threads = [threading.Thread(target=submit) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    progress = notifier.job("race").wait(150)
    print(json.dumps([failed, progress.accepted]))
"""


@pytest.mark.slow
def test_many_processes_and_threads_that_submit_at_once_make_one_job(smoke_store: Store, sandbox: Sandbox) -> None:
    """Counted at the gateway; their databases are made at the same moment too."""
    command = [sys.executable, "-c", RACE, sandbox.dsn]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    processes = [subprocess.Popen(command, env=environment(smoke_store), **pipes) for _ in range(2)]
    for process in processes:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line == b"ready\n", process.communicate()[1].decode()
    said = []
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.flush()
    for process in processes:
        out, err = process.communicate(timeout=180)
        assert process.returncode == 0, err.decode()
        said.append(json.loads(out))
    assert said == [[[], 20]] * 2
    assert {sandbox.accepted(number) for number in numbers(20)} == {1}


def test_an_iterator_that_raises_leaves_nothing(store: Store, connect: MakeNotifier) -> None:
    """All of it or nothing: no job, no row, and nothing was sent."""

    def broken() -> Iterator[str]:
        yield from numbers(700)
        raise RuntimeError("the file ends here")

    transport = Recorder()
    with connect(transport) as notifier:
        with pytest.raises(RuntimeError, match="the file ends here"):
            notifier.submit(broken(), "Hello", key="k")
        assert notifier.jobs() == []
        with pytest.raises(KeyError, match="notifykit jobs"):
            notifier.job("k")
        import sqlalchemy as sa

        with notifier._components.engine()._database.read() as db:
            for table in ("jobs", "batches", "contents"):
                assert db.execute(sa.text(f"select count(*) from notifykit_{table}")).scalar() == 0
        notifier.submit(numbers(2), "Hello", key="k").wait(60)
    assert transport.addresses == list(numbers(2))


def test_a_list_of_any_length_takes_constant_memory(store: Store, notifiers: Callable[..., Notifier]) -> None:
    """Four times the recipients take no more of it: only the batches that are being written are kept."""
    transport = Recorder(capabilities=Capabilities(batch_size=20))
    peaks = []
    with notifiers(store, transport, workers="separate") as notifier:
        notifier.submit(numbers(100), "Hello", key="warm")
        tracemalloc.start()
        try:
            for count in (1_000, 4_000):
                tracemalloc.reset_peak()
                before = tracemalloc.get_traced_memory()[0]
                notifier.submit(numbers(count), "Hello", key=f"k{count}")
                peaks.append(tracemalloc.get_traced_memory()[1] - before)
        finally:
            tracemalloc.stop()
        assert notifier.job("k4000").progress().total == 4_000
    assert peaks[1] < peaks[0] * 2


def test_a_job_may_have_no_recipients(connect: MakeNotifier) -> None:
    """It is over at once."""
    with connect(Recorder()) as notifier:
        progress = notifier.submit([], "Hello", key="k").wait(60)
    assert (progress.state, progress.total) == (JobState.DONE, 0)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"at": datetime.datetime(2030, 1, 1)}, ValueError, "time zone"),
        ({"expires_in": 0}, ValueError, "above zero"),
        ({"expires_in": -1}, ValueError, "above zero"),
        ({"key": ""}, ConfigError, "1 to 200"),
        ({"key": "a" * 201}, ConfigError, "1 to 200"),
        ({"key": "a\nb"}, ConfigError, "1 to 200"),
        ({"via": "kwtsms://user:password@default"}, TypeError, "name"),
        ({"at_least_once": True}, ConfigError, "does not recognise a repeated request"),
    ],
)
def test_a_job_that_can_not_be_sent_is_refused_at_once(
    store: Store, notifiers: Callable[..., Notifier], arguments: Any, error: type[Exception], words: str
) -> None:
    """And makes no job."""
    with notifiers(store, Recorder()) as notifier:
        with pytest.raises(error, match=words):
            notifier.submit(numbers(2), "Hello", **arguments)
        assert notifier.jobs() == []


def test_nothing_secret_is_in_logs_reprs_and_files_that_others_can_read(
    store: Store, notifiers: Callable[..., Notifier], caplog: pytest.LogCaptureFixture
) -> None:
    """The file is its owner's alone."""
    caplog.set_level(logging.DEBUG)
    number = next(numbers(1, 4321))
    with notifiers(store, Recorder()) as notifier:
        job = notifier.submit(number, "Your code is 778899", key="k")
        job.wait(60)
        shown = repr(job) + repr(notifier.jobs()) + repr(list(job.receipts())) + repr(job.report())
    for secret in (number, "778899"):
        assert secret not in shown + caplog.text
    for file in store.folder.glob("jobs.sqlite3*[!k]"):
        assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0, file.name


def test_closing_finishes_requests_in_flight(connect: MakeNotifier) -> None:
    """A slow answer is waited for: closing the notifier makes no outcome unknown."""
    out, go = threading.Event(), threading.Event()

    def slow(batch: Any, before: int) -> None:
        out.set()
        go.wait(60)

    transport = Recorder(slow)
    notifier = connect(transport)
    notifier.submit(numbers(3), "Hello", key="k")
    assert out.wait(60)
    threading.Timer(0.3, go.set).start()
    notifier.close()
    with connect(Recorder(), workers="separate") as other:
        progress = other.job("k").progress()
    assert (progress.accepted, progress.unknown, progress.left) == (3, 0, 0)


def test_a_code_goes_ahead_of_a_campaign(connect: MakeNotifier, sandbox: Sandbox) -> None:
    """Submitted while thousands wait at four requests a second, it passes all that have not begun."""

    def requests() -> int:
        return sum(record.endpoint == "send" for record in sandbox.requests)

    with connect(live(sandbox, rate=4)) as notifier:
        campaign = notifier.submit(numbers(6000), "Campaign", key="campaign")
        sandbox.wait(text="Campaign", timeout=60)
        notifier.submit("96598765432", "Your code is 123456")
        before = requests()
        assert sandbox.otp("96598765432", timeout=60) == "123456"
        assert requests() - before <= 12  # of thirty
        until(lambda: campaign.progress().rate is not None, 60)  # the code may come before the end of the first request
        progress = campaign.progress()
        assert progress.left > 0
        assert progress.seconds_left is not None
        assert progress.seconds_left > 0
        campaign.cancel()


@pytest.mark.slow
def test_a_worker_that_was_killed_leaves_unknown_what_was_in_flight(
    smoke_store: Store, sandbox: Sandbox, notifiers: Callable[..., Notifier]
) -> None:
    """The next worker finishes the rest, and sends nothing twice."""
    script = """
import sys, time
from notifykit import Notifier
from tests.durable.conftest import host, numbers
with Notifier.from_settings(sys.argv[1], host=host()) as notifier:
    notifier.submit(numbers(800), "Hello", key="k")
    time.sleep(60)
"""
    sandbox.chaos("hang", endpoint="send", nth=2, after="accept")
    process = spawn(smoke_store, script, live(sandbox, rate=4))
    try:
        until(lambda: len(sandbox.messages) >= 3, 60)  # the second one hangs
    finally:
        process.kill()
        process.communicate()
    sandbox.calm()
    with notifiers(smoke_store, live(sandbox, rate=4)) as notifier:
        notifier.work()
        progress = notifier.job("k").wait(150)
    assert (progress.accepted + progress.unknown, progress.left) == (800, 0)
    assert progress.unknown % 200 == 0
    times = [sandbox.accepted(number) for number in numbers(800)]
    assert max(times) == 1
    # A request that was about to be sent when its worker died is unknown too.
    assert times.count(0) <= progress.unknown


def test_without_the_extra_submitting_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """And everything else works as ever."""
    for name in [name for name in sys.modules if name.startswith("notifykit.durable.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    with Notifier("memory", host=PluginHost(entry_points=False)) as notifier:
        assert notifier.send("96598765432", "Hello").receipts[0].outcome is Outcome.ACCEPTED
        with pytest.raises(ConfigError, match=r'pip install "notifykit\[durable\]"'):
            notifier.submit("96598765432", "Hello")


def test_an_unknown_outcome_is_decided_by_a_person(connect: MakeNotifier) -> None:
    """As sent, or sent again; nothing else of the job is touched."""

    def lost(batch: Any, before: int) -> None:
        if before < 2:
            raise OutcomeUnknown("lost")

    transport = Recorder(lost)
    with connect(transport) as notifier:
        first, second = (notifier.submit(numbers(2, n), "Hello", key=f"k{n}") for n in (0, 5))
        assert [job.wait(60).unknown for job in (first, second)] == [2, 2]
        assert len(transport.batches) == 2
        progress = first.settle("as-sent")
        assert (progress.accepted, progress.unknown, progress.state) == (2, 0, JobState.DONE)
        receipt = next(first.receipts())
        assert receipt.submission is not None
        assert "settled it as sent" in receipt.submission.warnings[0]
        second.settle("resend")
        progress = second.wait(60)
        assert (progress.accepted, progress.unknown) == (2, 0)
        assert sorted(transport.addresses) == sorted([*numbers(2), *numbers(2, 5), *numbers(2, 5)])
        with pytest.raises(ValueError, match="perhaps"):
            second.settle("perhaps")
