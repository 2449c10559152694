"""Show how far a send or a job is while it runs."""

from __future__ import annotations

from typing import Final

import attrs

from notifykit.cli.output import ProgressBar, format_duration, note
from notifykit.cli.signals import raise_received
from notifykit.events import AttemptFinished, Event, FailedOver, RetryScheduled
from notifykit.models.job import JobState, Progress
from notifykit.models.receipt import Outcome
from notifykit.protocols.engine import Job

#: Seconds between two looks at a job.
_POLL: Final = 0.25


@attrs.define
class ProgressSink:
    """A sink that prints waits and failovers, and remembers which requests were interrupted."""

    #: The name in listings.
    name = "progress"
    #: What it prints belongs to the moment.
    background = False

    #: The bar whose line must end before another is printed; None if there is none.
    bar: ProgressBar | None = None
    #: The batches whose requests were interrupted before their answers came: they may have been sent.
    interrupted: list[str] = attrs.field(factory=list)
    #: Failovers that were printed: a long list makes the same one with every request.
    _printed: set[tuple[str, str, str | None]] = attrs.field(factory=set, init=False)

    def handle(self, event: Event) -> None:
        """Print a wait before it begins and a failover once; remember what was interrupted."""
        if isinstance(event, RetryScheduled):
            self._print(f"{_reason(event)}: trying again in {event.wait:g} s")
            raise_received()
        elif isinstance(event, FailedOver):
            key = (event.instead_of, event.transport, event.code)
            if key not in self._printed:
                self._printed.add(key)
                self._print(f"{event.instead_of} did not take it: {_reason(event)}: asking {event.transport}")
        elif isinstance(event, AttemptFinished) and (event.outcome, event.code) == (Outcome.UNKNOWN, "interrupted"):
            self.interrupted.append(event.batch)

    def close(self) -> None:
        """Do nothing: there is nothing to close."""

    def _print(self, line: str) -> None:
        if self.bar is not None:
            self.bar.end()
        note(line)


def _reason(event: RetryScheduled | FailedOver) -> str:
    reason = event.error.rstrip(".")
    return f"{reason} ({event.code})" if event.code else reason


def watch_job(job: Job, bar: ProgressBar, poll: float = _POLL) -> tuple[Progress, bool]:
    """Wait until a job is finished or paused, and show how far it is.

    :param job: a job that this process or a worker sends.
    :param poll: seconds between two looks at it.
    :return: the progress at the end, and whether Ctrl-C ended the waiting.
    """
    shown: tuple[int, float | None] | None = None
    try:
        while True:
            try:
                progress = job.wait(poll)
            except TimeoutError:
                progress = job.progress()
            done = progress.total - progress.left
            # A log gets a line only when something changed.
            if done and (done, progress.rate) != shown:
                shown = (done, progress.rate)
                bar.advance(done, progress.accepted, more=_time_left(progress))
            if progress.finished is not None or progress.state is JobState.PAUSED:
                return progress, False
    except KeyboardInterrupt:
        return job.progress(), True
    finally:
        bar.end()


def _time_left(progress: Progress) -> str:
    if not progress.rate or not progress.seconds_left:
        return ""
    return f", {progress.rate:,.1f} a second, {format_duration(progress.seconds_left)} left"
