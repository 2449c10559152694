"""A job that another library's queue delivers: sent in the thread that calls, and once however often it is delivered."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from notifykit import Batch, ConfigError, Notifier, NotReached, Submission
from notifykit.durable.engine import DurableEngine
from notifykit.models.job import JobSpec
from notifykit.models.message import Message
from tests.durable.conftest import MakeNotifier, Recorder, people, until


def engine_of(notifier: Notifier) -> DurableEngine:
    engine = notifier._components.engine()
    assert isinstance(engine, DurableEngine)
    return engine


def spec(count: int = 1, text: str = "Hello", **more: Any) -> JobSpec:
    return JobSpec(people(count), Message(text), "a task", **more)


def _not_reached_at_first(batch: Batch, before: int) -> Submission | None:
    if not before:
        raise NotReached("There is no connection.")
    return None


def test_every_batch_is_sent_at_once_and_once(connect: MakeNotifier) -> None:
    """Delivered again, there is nothing left to do."""
    recorder = Recorder()
    engine = engine_of(connect(recorder, workers="separate"))
    for _ in range(2):
        job, wait = engine.attempt(spec(12))
        assert wait is None
        assert job.progress().accepted == 12
    assert [len(batch) for batch in recorder.batches] == [5, 5, 2]


def test_what_was_certainly_not_sent_waits_for_another_delivery(connect: MakeNotifier) -> None:
    """The seconds are the error's, and nothing sleeps here."""
    recorder = Recorder(_not_reached_at_first)
    engine = engine_of(connect(recorder, workers="separate"))
    _, wait = engine.attempt(spec())
    assert wait == NotReached("").waits[0]
    job, wait = engine.attempt(spec())
    assert (wait, job.progress().accepted) == (None, 1)
    assert len(recorder.batches) == 2


def test_a_delivery_while_the_first_one_still_sends_sends_nothing(connect: MakeNotifier) -> None:
    """Its outcome is unknown until the answer of the first is there, which counts."""
    arrived, go_on = threading.Event(), threading.Event()

    def answer(batch: Batch, before: int) -> Submission | None:
        arrived.set()
        assert go_on.wait(30)
        return None

    recorder = Recorder(answer)
    engine = engine_of(connect(recorder, workers="separate"))
    first = threading.Thread(target=lambda: engine.attempt(spec()))
    first.start()
    assert arrived.wait(30)
    job, wait = engine.attempt(spec())
    assert (wait, job.progress().unknown) == (None, 1)
    go_on.set()
    first.join(30)
    assert job.progress().accepted == 1
    assert len(recorder.batches) == 1


def test_a_worker_beside_it_leaves_the_job_alone(connect: MakeNotifier) -> None:
    """It is in no queue of ours: two would send it, and each count what the other does as lost."""
    recorder = Recorder(_not_reached_at_first)
    notifier = connect(recorder)
    notifier.work()
    engine_of(notifier).attempt(spec())
    assert notifier.submit(["96551112222"], "Another", key="another").wait(30).accepted == 1
    assert [batch.message.text for batch in recorder.batches] == ["Hello", "Another"]


def test_a_job_that_a_person_paused_waits(connect: MakeNotifier) -> None:
    """Resumed, it is for a worker: the person wants it now."""
    recorder = Recorder(_not_reached_at_first)
    notifier = connect(recorder)
    job, _ = engine_of(notifier).attempt(spec())
    job.pause()
    _, wait = engine_of(notifier).attempt(spec())
    assert wait
    assert len(recorder.batches) == 1
    job.resume()
    notifier.work()
    until(lambda: job.progress().accepted == 1)
    assert engine_of(notifier).attempt(spec())[1] is None
    assert len(recorder.batches) == 2


def test_a_key_is_of_one_content(connect: MakeNotifier) -> None:
    """A task that would send another text under it says so."""
    engine = engine_of(connect(Recorder(), workers="separate"))
    engine.attempt(spec())
    with pytest.raises(ConfigError, match="the text is another one"):
        engine.attempt(spec(text="Goodbye"))
