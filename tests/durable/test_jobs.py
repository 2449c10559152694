"""Deciding over a job: when it begins, until when it is sent, holding it, stopping it, waiting for it."""

from __future__ import annotations

import datetime
import threading
import time
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from notifykit import Batch, Capabilities, ConfigError, Notifier, RateLimit
from notifykit.errors import RateLimited
from notifykit.models.job import JobState
from tests.durable.conftest import MakeNotifier, Recorder, Store, numbers, shorten_delays, until

#: One recipient per request, one request at a time.
SLOW = Capabilities(batch_size=1, rate_limit=RateLimit(25.0, "durable-test"))


def now() -> datetime.datetime:
    """Return the time of day."""
    return datetime.datetime.now(datetime.UTC)


def test_a_job_begins_at_its_time(connect: MakeNotifier, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until then it is scheduled, and nothing of it is sent; a time that is past is now. Here the hour is a second."""
    delays = shorten_delays(monkeypatch, most=1.0)
    transport = Recorder()
    with connect(transport) as notifier:
        past = notifier.submit(numbers(1, 5), "Hello", at=now() - datetime.timedelta(days=1))
        assert past.wait(60).state is JobState.DONE
        at = now() + datetime.timedelta(hours=1)
        submitted = time.monotonic()
        job = notifier.submit(numbers(2), "Hello", key="later", at=at)
        progress = job.progress()
        assert (progress.state, progress.starts) == (JobState.SCHEDULED, at)
        assert job.wait(60).state is JobState.DONE
    assert transport.times[1] - submitted >= 1.0
    assert delays[0] == 0.0
    assert delays[1] == pytest.approx(3600, abs=60)


def test_what_is_late_is_skipped(connect: MakeNotifier) -> None:
    """No message is sent after its time: here the time ends while the first request is in flight."""
    passed = 0.0

    def an_hour(batch: Batch, before: int) -> None:
        nonlocal passed
        passed = 3600.0

    transport = Recorder(an_hour, SLOW)
    with connect(transport) as notifier:
        notifier._components.engine().clock = lambda: time.time() + passed
        progress = notifier.submit(numbers(8), "Hello", key="k", expires_in=600.0).wait(60)
        assert 0 < progress.accepted < 8
        assert progress.accepted + progress.skipped == 8
        assert {r.skipped for r in notifier.job("k").receipts() if r.skipped} == {"deadline"}


def test_a_job_is_paused_and_resumed(connect: MakeNotifier) -> None:
    """Between two requests; every recipient gets it, and none twice."""
    out, go = threading.Event(), threading.Event()

    def third_waits(batch: Batch, before: int) -> None:
        if before >= 2:
            out.set()
            assert go.wait(60)

    transport = Recorder(third_waits, SLOW)
    with connect(transport) as notifier:
        job = notifier.submit(numbers(8), "Hello", key="k")
        assert out.wait(60)
        assert job.pause().state is JobState.PAUSED
        go.set()

        def is_still() -> bool:
            held = len(transport.batches)
            time.sleep(0.3)  # seven requests at this rate
            return job.progress().accepted == len(transport.batches) == held

        # What a thread had taken when the pause came still goes.
        until(is_still)
        assert len(transport.batches) < 8
        with pytest.raises(TimeoutError, match="it goes on"):
            job.wait(0.1)
        assert job.resume().state is JobState.RUNNING
        assert job.wait(60).accepted == 8
    assert sorted(transport.addresses) == list(numbers(8))


def test_a_job_that_is_over_stays_done_when_it_is_cancelled(connect: MakeNotifier) -> None:
    """Everybody has got it: nothing was cancelled."""
    job = connect(Recorder()).submit("96550000001", "Hi", key="over")
    job.wait(60)
    assert job.cancel().state is JobState.DONE
    assert job.progress().accepted == 1


def test_a_job_is_cancelled(connect: MakeNotifier) -> None:
    """Requests in flight end; the others are skipped, and the job is finished."""
    out, go = threading.Event(), threading.Event()

    def waits(batch: Batch, before: int) -> None:
        out.set()
        assert go.wait(60)

    transport = Recorder(waits, SLOW)
    with connect(transport) as notifier:
        job = notifier.submit(numbers(8), "Hello", key="k")
        assert out.wait(60)
        job.cancel()
        go.set()
        progress = job.wait(60)
        assert progress.state is JobState.CANCELLED
        assert progress.accepted == len(transport.batches) < 8
        assert progress.accepted + progress.skipped == 8
        assert [receipt.position for receipt in job.receipts()] == list(range(8))


def test_a_wait_for_the_provider_survives_a_restart(store: Store, connect: MakeNotifier) -> None:
    """A retry after some seconds is made once, by any process."""

    def full(batch: Batch, before: int) -> None:
        raise RateLimited("full", "ERR013", waits=(0.5, 60.0))

    transport = Recorder(full)
    with connect(transport) as notifier:
        job = notifier.submit(numbers(2), "Hello", key="k")
        until(lambda: transport.batches)
        until(lambda: list(job.receipts()))
        progress = job.progress()
        assert (progress.rejected, progress.left, progress.state) == (0, 2, JobState.RUNNING)
    began = time.monotonic()
    again = Recorder()
    with connect(again) as notifier:
        notifier.work()
        assert notifier.job("k").wait(60).accepted == 2
    assert len(again.batches) == 1
    assert time.monotonic() - began < 10


def test_the_rate_limit_is_kept(connect: MakeNotifier) -> None:
    """By everything that sends together."""
    transport = Recorder(capabilities=attrs.evolve(SLOW, rate_limit=RateLimit(10.0, f"rate-{time.monotonic_ns()}")))
    with connect(transport) as notifier:
        jobs = [notifier.submit(numbers(5, 10 * n), "Hello", urgent=False) for n in range(2)]
        for job in jobs:
            job.wait(60)
    # What starts at its time may arrive late on a busy machine, and the next one in time: compare the whole span.
    assert max(transport.times) - min(transport.times) > 0.1 * (len(transport.times) - 1) - 0.3
    assert transport.times[-1] - transport.times[0] > 0.8


def test_deleted_texts_leave_nothing_to_decide(store: Store, notifiers: Callable[..., Notifier]) -> None:
    """The counts stay as they were."""
    with notifiers(store, Recorder()) as notifier:
        job = notifier.submit(numbers(2), "Hello", key="k")
        job.wait(60)
        engine: Any = notifier._components.engine()
        engine.store.prune(1e9, -1.0)
        for decision in ("as-sent", "resend"):
            with pytest.raises(ConfigError, match="deleted"):
                job.settle(decision)
        assert job.progress().accepted == 2
        assert job.report().receipts == ()
        engine.store.prune(-1.0, -1.0)
        with pytest.raises(KeyError, match="deleted"):
            job.progress()


def test_many_threads_may_wait(connect: MakeNotifier) -> None:
    """For the same job, and for others."""
    with connect(Recorder()) as notifier:
        jobs = [notifier.submit(numbers(3, 10 * n), "Hello") for n in range(5)]
        found: list[int] = []
        threads = [threading.Thread(target=lambda job=job: found.append(job.wait(60).accepted)) for job in jobs * 3]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == [3] * 15
