"""Many processes and threads on one account: the gateway never sees them as a flood."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import threading

from notifykit import Notifier
from notifykit_kwtsms.sandbox import Sandbox
from tests.kwtsms.conftest import kwtsms_host

PROCESSES, THREADS, SECONDS = 4, 8, 4.0


def _flood(environment: dict[str, str], process: int, start: threading.Barrier) -> int:
    with Notifier.from_settings(environment=environment, host=kwtsms_host()) as notifier:
        start.wait(60)

        def send_one(thread: int) -> int:
            report = notifier.send(f"96599{process}{thread}0000", "Hello", deadline=SECONDS)
            return len(report.accepted + report.unknown)  # a slow machine may meet the deadline inside a request

        with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
            return sum(pool.map(send_one, range(THREADS)))


def test_thirty_two_threads_in_four_processes_keep_the_pace_of_one(tmp_path):
    """Never more than five requests start in any second, and nobody idles: the slots are used."""
    context = multiprocessing.get_context("spawn")
    with Sandbox() as sandbox, context.Manager() as manager:
        environment = {**sandbox.env, "NOTIFYKIT_STATE_DIR": str(tmp_path / "pace")}
        barrier = manager.Barrier(PROCESSES)
        with concurrent.futures.ProcessPoolExecutor(PROCESSES, context) as pool:
            jobs = [pool.submit(_flood, environment, process, barrier) for process in range(PROCESSES)]
            asked = sum(job.result(120) for job in jobs)
        starts = [request.started for request in sandbox.requests]
    assert len(starts) == asked == len(sandbox.messages)
    assert not any(request.blocked for request in sandbox.requests)
    most = max(sum(start <= other < start + 1 for other in starts) for start in starts)
    assert most <= 3
    assert asked >= 2 * SECONDS - 2
