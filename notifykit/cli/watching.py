"""Waiting for a job while it is sent: how far it is, how fast, and when it will be over."""

from __future__ import annotations

from typing import Final

from notifykit.cli.output import ProgressBar as Bar, format_duration
from notifykit.models.job import JobState, Progress
from notifykit.protocols import Job

#: Seconds between two looks at a job.
_LOOK: Final = 0.25


def watch(job: Job, bar: Bar) -> tuple[Progress, bool]:
    """Wait until a job is over or paused, and show how far it is.

    :param job: the job; somebody else sends it, in this process or another.
    :param bar: shows it.
    :return: how far it is at the end, and whether Ctrl-C ended the waiting.
    """
    shown: tuple[int, float | None] | None = None
    try:
        while True:
            progress = _after(job, _LOOK)
            done = progress.total - progress.left
            # What has not begun is no news, and a log gets a line only where something happened.
            if done and (done, progress.rate) != shown:
                shown = (done, progress.rate)
                bar.advance(done, progress.accepted, more=_rate_limit(progress))
            if progress.finished is not None or progress.state is JobState.PAUSED:
                return progress, False
    except KeyboardInterrupt:
        return job.progress(), True
    finally:
        bar.end()


def _after(job: Job, seconds: float) -> Progress:
    """Return how far a job is, as soon as it is over and after so many seconds at the latest."""
    try:
        return job.wait(seconds)
    except TimeoutError:
        return job.progress()


def _rate_limit(progress: Progress) -> str:
    """Return how fast it goes and how long it will take, as far as anybody can tell."""
    if not progress.rate or not progress.seconds_left:
        return ""
    return f", {progress.rate:,.1f} a second, {format_duration(progress.seconds_left)} left"
