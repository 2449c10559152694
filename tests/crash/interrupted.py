"""Killing the process that submits, in the middle of many thousand recipients."""

from __future__ import annotations

import datetime
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Final

import sqlalchemy as sa

from notifykit import Notifier
from notifykit.durable.store import JobStore
from notifykit.durable.tables import batches, contents, jobs
from tests.crash.scenarios import Plan, Stage, stage
from tests.crash.verdict import Verdict, database_of, judge
from tests.crash.workers import environment

#: Kills at most, and recipients of each job that is killed.
_TRIES: Final = 5
_MOST: Final = 100_000
#: More recipients than are read before anything is written.
_WRITTEN: Final = 12_000
_KEY: Final = "interrupted"


def interrupted_submit(plan: Plan) -> Verdict:
    """Kill the submitting process several times: there is no job, nothing is sent, and what was written is deleted later."""
    dice = random.Random(plan.seed)
    verdict = Verdict()
    with stage(plan) as on, on.workers(1) as workers:
        workers.wait_ready()
        tries, many = min(_TRIES, plan.kills), min(_MOST, plan.rows)
        killed_at = [_interrupt(on, dice.randrange(_WRITTEN, _WRITTEN + many // 2)) for _ in range(tries)]
        left = _rows(on)
        verdict.figures |= {"submits killed": tries, "after so many recipients": killed_at, "rows left behind": left}
        verdict.require(left["jobs"] == tries, "not every kill fell into the middle of a submit")
        verdict.require(not on.load.notifier.jobs(), "an order that was never finished can be seen")
        time.sleep(2.0)
        verdict.require(on.gateway.count() == 0, "something of an order that was never finished was sent")
        database = database_of(on.load)
        try:
            JobStore(database, lambda *_: None, lambda: time.time() + 7300.0).prune(1e9, 1e9)
        finally:
            database.close()
        verdict.figures["rows after two hours"] = after = _rows(on)
        verdict.require(not any(after.values()), "what a killed submit wrote was not forgotten")
        began = time.monotonic()
        later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
        whole = on.load.notifier.submit(_addresses(many), "Whole", key=_KEY, at=later)
        verdict.figures[f"submitting {many:,}, s"] = round(time.monotonic() - began, 2)
        verdict.require(whole.progress().total == many, "the key of a killed submit can't be used again")
        whole.cancel()
        on.load.campaign(300)
        verdict.require(on.load.wait(180) is not None, "a job was not over in time")
        return judge(on.load, verdict)


def _addresses(many: int) -> list[str]:
    return [f"9659{number:07d}" for number in range(many)]


def _interrupt(on: Stage, after: int) -> int:
    """Kill a process once it has submitted so many recipients; return how many it had by then."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.crash.interrupted"],
        cwd=on.store.folder,
        env=environment(on.environment),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    seen = 0
    with process.stdout as lines:
        for line in lines:
            seen = int(line)
            if seen >= after:
                break
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return seen


def _rows(on: Stage) -> dict[str, int]:
    database = database_of(on.load)
    try:
        with database.read() as db:
            return {
                table.name.removeprefix("notifykit_"): db.execute(
                    sa.select(sa.func.count()).select_from(table)
                ).scalar_one()
                for table in (jobs, batches, contents)
            }
    finally:
        database.close()


def _submit() -> None:
    """Submit, and say after each thousand recipients how many were asked for."""

    def said() -> Iterator[str]:
        for number, address in enumerate(_addresses(_MOST)):
            if number % 1000 == 0:
                sys.stdout.write(f"{number}\n")
                sys.stdout.flush()
            yield address

    with Notifier.from_settings() as notifier:
        notifier.submit(said(), "Interrupted", key=_KEY)


if __name__ == "__main__":
    _submit()
