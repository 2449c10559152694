"""How far jobs are, as their rows say."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Final, Protocol, TypeVar

import sqlalchemy as sa

from notifykit.durable import batch_state as states
from notifykit.durable.database import Database, moment
from notifykit.durable.tables import Damaged, batches, jobs
from notifykit.models.job import Backlog, JobState, Progress

_log = logging.getLogger("notifykit.durable")

#: Seconds between two looks of somebody who waits: the first, and the most that they grow to.
_LOOK: Final = 0.05
_LONGEST_LOOK: Final = 1.0
#: Seconds over which the present rate is taken.
_RATE_WINDOW: Final = 60.0
#: The columns of a job that its progress shows.
_SHOWN: Final = [
    jobs.c[name]
    for name in ("key", "total", "created", "starts", "expires", "finished", "paused", "cancelled", "reason")
]


def read_progress(database: Database, now: float, key: str | None = None, most: int = 100) -> list[Progress]:
    """Return the progress of jobs, the newest first.

    :param key: of this one only.
    """
    # Recipients of a batch that will be tried again have no final outcome, except those accepted or unknown.
    done = batches.c.state == states.DONE
    sums = {
        "accepted": batches.c.accepted,
        "rejected": sa.case((done, batches.c.rejected), else_=0),
        "unknown": batches.c.unknown,
        "skipped": sa.case((done, batches.c.skipped), else_=0),
        "recent": sa.case((batches.c.ended > now - _RATE_WINDOW, batches.c.size), else_=0),
    }
    columns = [sa.func.coalesce(sa.func.sum(column), 0).label(name) for name, column in sums.items()]
    columns += [sa.func.sum(batches.c.cost).label("cost"), sa.func.min(batches.c.ended).label("first_end")]
    chosen = sa.select(jobs.c.id).where(jobs.c.key.is_not(None) if key is None else jobs.c.key == key)
    query = (
        sa.select(*_SHOWN, *columns)
        .select_from(jobs.outerjoin(batches, batches.c.job == jobs.c.id))
        .where(jobs.c.id.in_(chosen.order_by(jobs.c.created.desc()).limit(most)))
        .group_by(*_SHOWN)
        .order_by(jobs.c.created.desc())
    )
    with database.read() as db:
        found = [dict(row) for row in db.execute(query).mappings()]
    progress = []
    for row in found:
        try:
            progress.append(_progress(row, now))
        except (ValueError, TypeError, OverflowError, OSError) as error:
            if key is not None:
                raise Damaged(f"the row of job {key!r} can't be read ({type(error).__name__})") from None
            _log.warning("the row of a job can't be read (%s): it is not listed", type(error).__name__)
    return progress


def read_backlog(database: Database, now: float) -> Backlog:
    """Return how many jobs there are in each state, and the age of the oldest one that is running."""
    state = sa.case(
        (jobs.c.cancelled, JobState.CANCELLED.value),
        (jobs.c.finished.is_not(None), JobState.DONE.value),
        (jobs.c.paused, JobState.PAUSED.value),
        (jobs.c.starts > now, JobState.SCHEDULED.value),
        else_=JobState.RUNNING.value,
    ).label("job_state")
    query = sa.select(state, sa.func.count(), sa.func.min(jobs.c.starts)).where(jobs.c.key.is_not(None))
    with database.read() as db:
        rows = db.execute(query.group_by("job_state")).all()
    oldest = next((starts for name, _, starts in rows if name == JobState.RUNNING), None)
    counts = {JobState(name): count for name, count, _ in rows}
    return Backlog(counts, None if oldest is None else max(0.0, now - oldest))


def _progress(row: dict[str, Any], now: float) -> Progress:
    starts, recent = row["starts"], row.pop("recent")
    conditions = {
        JobState.CANCELLED: row.pop("cancelled"),
        JobState.DONE: row["finished"] is not None,
        JobState.PAUSED: row.pop("paused"),
        JobState.SCHEDULED: starts > now,
        JobState.RUNNING: True,
    }
    window = _RATE_WINDOW
    if row.pop("first_end"):
        window = min(window, max(1.0, now - max(starts, row["created"])))
    for name in ("created", "starts", "expires", "finished"):
        row[name] = None if row[name] is None else moment(row[name])
    state = next(state for state, holds in conditions.items() if holds)
    if state is not JobState.PAUSED:
        row["reason"] = None
    return Progress(state=state, rate=float(recent) / window if recent else None, **row)


class _Finishing(Protocol):
    @property
    def finished(self) -> object | None: ...


_State = TypeVar("_State", bound=_Finishing)


def wait_until_finished(look: Callable[[], _State], timeout: float | None) -> _State:
    """Look at a job or a notification again and again, and return what is known of it once it is finished.

    :param timeout: the most seconds to wait; None for as long as it takes.
    :raises TimeoutError: it is not finished by then; it goes on.
    """
    ends = None if timeout is None else time.monotonic() + timeout
    pause = _LOOK
    while True:
        state = look()
        if state.finished is not None:
            return state
        if ends is not None and time.monotonic() + pause > ends:
            raise TimeoutError(f"not over after {timeout:g} s: {state}; it goes on")
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_LOOK)
