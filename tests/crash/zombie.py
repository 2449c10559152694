"""Stopping a worker in the middle of a request, having others take it for dead, and waking it up."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import time
from typing import Final

import sqlalchemy as sa

from notifykit import Outcome
from notifykit.durable.database import Database
from notifykit.durable.leases import lock_number
from notifykit.durable.queue import Queue
from notifykit.durable.tables import contents, requests
from tests.crash.scenarios import Plan, Stage, stage
from tests.crash.verdict import Verdict, database_of
from tests.crash.workers import Worker, Workers

_MOST: Final = 3
#: Seconds that every answer takes: long enough to stop a worker that waits for it.
_ANSWER: Final = 2.5


def zombie(plan: Plan) -> Verdict:
    """Stop a worker that waits for an answer, let others take over, and wake it: nothing twice, and the truth wins."""
    verdict = Verdict()
    # Whoever wakes a stopped worker may be late, on a busy machine.
    with stage(plan) as on, on.workers(more={"NOTIFYKIT_TIMEOUT": "600"}) as workers:
        on.gateway.delay(_ANSWER, _ANSWER)
        on.load.mixed(plan.requests)
        workers.wait_ready()
        most = 0
        held = True
        rounds = min(_MOST, plan.workers)
        for _ in range(rounds):
            on.gateway.wait_for(on.gateway.count() + 4, 180)
            worker, name = _stop_one(on, workers)
            time.sleep(3.0)
            held = held and worker.pid not in workers.noticed
            _let_go(on, name)
            _wait_until(lambda pid=worker.pid: pid in workers.noticed, 180)
            # The worker that took over stores an unknown outcome, and goes on with the next batch.
            _wait_until(lambda: _unknown(on) > 0, 180)
            most = max(most, _unknown(on))
            os.kill(worker.pid, signal.SIGCONT)
        verdict.figures |= {"workers stopped and woken": rounds, "unknown while they were stopped, at most": most}
        verdict.require(held, "a worker that only stood still was taken for dead while it held its lock")
        verdict.require(most, "nothing was taken over from a worker that was stopped")
        on.finish(workers, verdict)
        verdict.require(not verdict.figures["recipients unknown"], "a late answer did not replace an unknown outcome")
        return verdict


def _stop_one(on: Stage, workers: Workers) -> tuple[Worker, str]:
    """Stop a worker that has asked and not been answered, and return it with its name."""
    database = database_of(on.load)
    queue = Queue(database)
    by_pid = {worker.pid: worker for worker in workers.alive}
    try:
        ends = time.monotonic() + 180
        while time.monotonic() < ends:
            for name, tasks in queue.pending().items():
                worker = by_pid.get(int(name.rsplit("-", 2)[1]))
                if worker is None or worker.pid in workers.noticed:
                    continue
                os.kill(worker.pid, signal.SIGSTOP)
                # Its other threads write too: one that stands still with the lock would hold up those who take over.
                if _is_writable(database) and any(_is_answered_late(on, database, task) for task, _ in tasks):
                    return worker, name
                os.kill(worker.pid, signal.SIGCONT)
            time.sleep(0.1)
        raise TimeoutError("no worker was found in the middle of a request")
    finally:
        queue.close()
        database.close()


def _is_writable(database: Database) -> bool:
    """Return whether nobody holds the lock of the file; PostgreSQL ends a session that holds one and stands still."""
    if database.file is None:
        return True
    with contextlib.closing(sqlite3.connect(database.file, timeout=0.5, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        connection.execute("ROLLBACK")
        return True


def _is_answered_late(on: Stage, database: Database, task: str) -> bool:
    """Return whether the request of a task has arrived, and its answer is on its way or waiting to be read."""
    job, number, _run = task.split(":")
    batch = (requests.c.job == contents.c.job) & (requests.c.number == contents.c.number)
    mine = (requests.c.job == job) & (requests.c.number == int(number)) & (requests.c.state == "started")
    with database.read() as db:
        columns = sa.select(requests.c.started, requests.c.positions, contents.c.recipients)
        row = db.execute(columns.select_from(requests.join(contents, batch)).where(mine)).first()
    if row is None or not 0.3 < time.time() - row.started < _ANSWER:
        return False
    numbers = {recipient.address for position, recipient in row.recipients if position in row.positions}
    return any(numbers <= set(arrival.numbers) for arrival in on.gateway.arrivals())


def _let_go(on: Stage, name: str) -> None:
    """Take from a stopped worker what says that it lives, as a lost connection or a cleaned folder would."""
    if on.store.cluster is None:
        (on.store.folder / "state" / "jobs.sqlite3.leases" / name).unlink()
        return
    key = lock_number(name) % (1 << 64)
    database = database_of(on.load)
    try:
        with database.begin() as db:
            db.execute(
                sa.text(
                    "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted "
                    "and classid::bigint = :high and objid::bigint = :low"
                ),
                {"high": key >> 32, "low": key & 0xFFFFFFFF},
            )
    finally:
        database.close()


def _unknown(on: Stage) -> int:
    return sum(r.outcome is Outcome.UNKNOWN for job in on.load.jobs for r in job.receipts())


def _wait_until(condition: object, seconds: float) -> None:
    assert callable(condition)
    ends = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends:
            raise TimeoutError(f"it did not happen within {seconds:g} s")
        time.sleep(0.1)
