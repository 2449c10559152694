"""``notifykit jobs`` and ``notifykit worker``, as processes and inside this one."""

from __future__ import annotations

import contextlib
import io
import json
import signal
import subprocess
import sys
from collections.abc import Callable

import attrs
import pytest

from notifykit import Capabilities, Channel, Message, Notifier, Person
from notifykit.cli.main import main
from notifykit.errors import OutcomeUnknown
from notifykit.models.job import JobSpec, JobState
from notifykit_kwtsms.sandbox import Sandbox
from tests.durable.conftest import Recorder, Store, environment, live, numbers, people, until

pytestmark = pytest.mark.slow


@attrs.frozen
class Answer:
    """What the program printed, and how it ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Answer]


@pytest.fixture(name="run")
def _run(store: Store, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the program with its jobs in the test's file."""
    for name, value in {**sandbox.env, **store.environment, "KWTSMS_RATE": "4"}.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> Answer:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as caught:
            main(arguments)
        answer = Answer(int(str(caught.value.code)), out.getvalue(), err.getvalue())
        for secret in (sandbox.env["KWTSMS_PASSWORD"], "Your secret"):
            assert secret not in answer.out + answer.err
        return answer

    return run


@pytest.fixture(name="waiting")
def _waiting(store: Store, sandbox: Sandbox, notifiers: Callable[..., Notifier]) -> str:
    """A job that is not sent yet."""
    with notifiers(store, sandbox.dsn, workers="separate") as notifier:
        return notifier.submit(["abc", *numbers(3)], "Your secret", key="k").key


def test_without_jobs_it_says_how_to_make_one(run: Run) -> None:
    """And is content."""
    answer = run("jobs")
    assert (answer.code, answer.out) == (0, "")
    assert "--durable" in answer.err
    assert json.loads(run("jobs", "--json").out)["data"] == []


def test_a_job_is_listed_shown_and_sent(run: Run, waiting: str, sandbox: Sandbox) -> None:
    """Its numbers are redacted without --numbers."""
    assert waiting in run("jobs").out
    [listed] = json.loads(run("jobs", "--json").out)["data"]
    assert (listed["key"], listed["total"], listed["left"]) == ("k", 4, 4)
    assert "running" in run("jobs", "k").out
    assert run("jobs", "show", "k").out == run("jobs", "k").out
    resumed = run("jobs", "resume", "k")
    assert resumed.code == run("jobs", "k").code == 3, "one of the four is no number"
    assert len(sandbox.messages) == 1
    shown = run("jobs", "receipts", "k")
    first = next(numbers(1))
    assert first not in shown.out
    assert len(shown.out.splitlines()) == 4
    assert first in run("jobs", "receipts", "k", "--numbers").out
    rows = [
        json.loads(line) for line in run("jobs", "receipts", "k", "--outcome", "accepted", "--json").out.splitlines()
    ]
    assert [row.get("position") for row in rows if "position" in row] == [1, 2, 3]
    assert json.loads(run("jobs", "wait", "k", "--timeout", "5", "--json").out)["data"]["accepted"] == 3


def test_a_job_is_paused_and_cancelled(run: Run, waiting: str, sandbox: Sandbox) -> None:
    """And says what brings it back."""
    paused = run("jobs", "pause", "k")
    assert "paused" in paused.out
    assert "notifykit jobs resume k" in paused.err
    cancelled = run("jobs", "cancel", "k")
    assert "cancelled" in cancelled.out
    assert json.loads(run("jobs", "k", "--json").out)["data"]["skipped"] == 4
    assert not sandbox.messages


def test_waiting_has_an_end(run: Run, waiting: str) -> None:
    """The job goes on."""
    answer = run("jobs", "wait", "k", "--timeout", "0.1")
    assert answer.code != 0
    assert "it goes on" in answer.err


@pytest.mark.parametrize("decision", ["as-sent", "resend"])
def test_unknown_outcomes_are_settled(
    run: Run, store: Store, notifiers: Callable[..., Notifier], sandbox: Sandbox, decision: str
) -> None:
    """The exit code and the advice ask for it, until it is done."""

    def lost(batch: object, before: int) -> None:
        raise OutcomeUnknown("lost")

    with notifiers(store, Recorder(lost, Capabilities(batch_size=5, live=False))) as notifier:
        notifier.submit(numbers(2), "Your secret", key="k").wait(60)
    shown = run("jobs", "k")
    assert shown.code == 6
    assert "notifykit jobs settle k --unknown" in shown.err
    assert run("jobs", "settle", "k", "--unknown", decision).code == 0
    assert json.loads(run("jobs", "k", "--json").out)["data"]["accepted"] == 2
    assert len(sandbox.messages) == (1 if decision == "resend" else 0)


@pytest.mark.parametrize("words", [("k",), ("wait", "k"), ("cancel", "k"), ("receipts", "k"), ("settle", "k")])
def test_an_unknown_key_is_a_mistake_with_a_next_command(run: Run, words: tuple[str, ...]) -> None:
    """Nothing on standard output, exit code 2."""
    more = ("--unknown", "resend") if words[0] == "settle" else ()
    answer = run("jobs", *words, *more)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.splitlines()[-1].startswith("Next: notifykit")
    assert json.loads(run("jobs", *words, *more, "--json").out)["error"]["next"].startswith("notifykit")


def test_a_worker_sends_until_sigterm_and_prints_why_it_paused_a_job(
    store: Store, waiting: str, sandbox: Sandbox, notifiers: Callable[..., Notifier]
) -> None:
    """A test is not sent for real because a worker's settings say so. SIGTERM: it finishes requests, and ends with 0."""
    with notifiers(store, live(sandbox), workers="separate") as notifier:
        notifier.submit(numbers(1, 7), "Hello", key="live")
        process = subprocess.Popen(
            [sys.executable, "-m", "notifykit", "worker", "--json"],
            env=environment(store, **{**sandbox.env, "KWTSMS_TEST_MODE": "0", "KWTSMS_RATE": "4"}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            until(lambda: notifier.job("live").progress().finished, 60)
            until(lambda: notifier.job(waiting).progress().state is JobState.PAUSED, 60)
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0, err.decode()
    assert json.loads(out)["data"] == {"stopped": True}
    assert b"Finishing the requests in flight" in err
    assert b"it is paused" in err
    assert b"notifykit jobs resume k" in err
    assert [message.numbers for message in sandbox.messages] == [tuple(numbers(1, 7))]


def test_a_job_that_paused_by_itself_says_why(
    run: Run, store: Store, sandbox: Sandbox, notifiers: Callable[..., Notifier]
) -> None:
    """In words, in JSON, and with the command that continues; after a resume there is no reason any more."""
    with notifiers(store, sandbox.dsn, workers="separate") as notifier:
        engine = notifier._components.engine()
        job = engine.submit(JobSpec(people(3), Message("Hello"), "k"))
        reason = "rejected > 5%: 2 of 20 were rejected"
        engine.store.pause(job.id, paused=True, reason=reason)  # type: ignore[attr-defined]
        assert job.progress().reason == reason
        answer = run("jobs", "k")
        assert f"reason    {reason}" in answer.out.splitlines()
        assert "notifykit jobs resume k" in answer.err
        assert json.loads(run("jobs", "k", "--json").out)["data"]["reason"] == reason
        assert job.resume().reason is None


def test_a_job_of_a_notification_says_so(run: Run, store: Store, notifiers: Callable[..., Notifier]) -> None:
    """``notifykit jobs`` has a key that a person can read, and shows what became of the person."""
    with notifiers(store, Recorder(capabilities=Capabilities(channels=frozenset(Channel)))) as notifier:
        person = Person("u17", sms="96598765432", push="tag:sara")
        notifier.notify(person, text="Your secret", order=["push", "sms"], key="order-12").wait(60)
    assert "order-12:push" in run("jobs").out
    shown = run("jobs", "order-12:push")
    assert "notification order-12: accepted" in shown.out
    assert "The provider of push took it" in shown.err
    assert "tag:sara" not in shown.out + shown.err
