"""Threads of several processes on one account: together they keep the rate limit."""

from __future__ import annotations

import collections
import concurrent.futures
import multiprocessing
import threading

from notifykit import Notifier, Outcome
from notifykit_kwtsms.sandbox import Sandbox
from tests.kwtsms.conftest import kwtsms_host

PROCESSES, THREADS, SECONDS = 2, 8, 2.5


def _send_from_threads(
    environment: dict[str, str], process: int, start: threading.Barrier
) -> collections.Counter[Outcome]:
    """Return how the sends of one process ended; a slow machine may meet the deadline inside a request."""
    with Notifier.from_settings(environment=environment, host=kwtsms_host()) as notifier:
        start.wait(60)

        def send_one(thread: int) -> Outcome:
            return notifier.send(f"96599{process}{thread}0000", "Hello", deadline=SECONDS)[0].outcome

        with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
            return collections.Counter(pool.map(send_one, range(THREADS)))


def test_threads_of_several_processes_share_one_rate_limit(tmp_path):
    """Never more than five requests start in any second, and no slot stays unused."""
    context = multiprocessing.get_context("spawn")
    with Sandbox() as sandbox, context.Manager() as manager:
        environment = {**sandbox.env, "NOTIFYKIT_STATE_DIR": str(tmp_path / "state")}
        barrier = manager.Barrier(PROCESSES)
        with concurrent.futures.ProcessPoolExecutor(PROCESSES, context) as pool:
            jobs = [pool.submit(_send_from_threads, environment, process, barrier) for process in range(PROCESSES)]
            outcomes = sum((job.result(120) for job in jobs), collections.Counter())
    starts = [request.started for request in sandbox.requests]
    accepted, unknown = outcomes[Outcome.ACCEPTED], outcomes[Outcome.UNKNOWN]
    assert len(starts) == accepted + unknown
    # A request that the deadline cut between its head and its body started, and is no message.
    assert accepted <= len(sandbox.messages) <= accepted + unknown
    assert not any(request.blocked for request in sandbox.requests)
    most = max(sum(start <= other < start + 1 for other in starts) for start in starts)
    assert most <= 3
    assert len(starts) >= 2 * SECONDS - 2
