"""A job: a send that is stored on disk, what it is asked to do, its state, and how far it is."""

from __future__ import annotations

import datetime
import enum
from collections.abc import Iterable, Mapping

import attrs

from notifykit.models.message import Message
from notifykit.models.recipient import Recipient, Rejected


class JobState(enum.StrEnum):
    """The state of a job."""

    #: It waits for its time.
    SCHEDULED = "scheduled"
    #: It is being sent, or waits until other jobs are.
    RUNNING = "running"
    #: It was paused; nothing is sent until it is resumed.
    PAUSED = "paused"
    #: Every recipient has an outcome.
    DONE = "done"
    #: It was cancelled; recipients that were not sent to are skipped.
    CANCELLED = "cancelled"


class Settlement(enum.StrEnum):
    """What a person decides about recipients whose outcome is unknown."""

    #: Count them as accepted.
    AS_SENT = "as-sent"
    #: Send to them again; they may get it twice.
    RESEND = "resend"


@attrs.frozen
class JobSpec:
    """What a job shall send, to whom, and when."""

    #: The recipients, one by one.
    recipients: Iterable[Recipient | Rejected]
    #: The message, as the caller wrote it.
    message: Message
    #: The caller's name for the job; None for one that is made up.
    key: str | None = None
    #: The transport's name in the settings; None for the notifier's own.
    via: str | None = None
    #: When it may begin, UTC; None for now.
    at: datetime.datetime | None = None
    #: Seconds after that in which it may be sent; None for ever.
    expires_in: float | None = None
    #: Whether it is sent before jobs that are not; None lets the number of recipients decide.
    urgent: bool | None = None
    #: Whether what may have been sent is sent again, to a provider that recognises a repeated key.
    at_least_once: bool = False
    #: Whether a failover may go on after an unknown outcome.
    move_unknown: bool = False


@attrs.frozen
class Backlog:
    """How many jobs there are, and whether they get on."""

    #: How many there are in each state; a state that is absent has none.
    states: Mapping[JobState, int]
    #: Seconds since the oldest running job could start; None where none is running.
    oldest: float | None


@attrs.frozen
class Progress:
    """The progress of a job. Nothing in it is secret."""

    #: The caller's name for the job.
    key: str
    #: Its state.
    state: JobState
    #: Recipients in all.
    total: int
    #: Those that the provider accepted.
    accepted: int
    #: Those that were certainly not sent.
    rejected: int
    #: Those that may have been sent.
    unknown: int
    #: Those that were not tried.
    skipped: int
    #: When it was submitted, UTC.
    created: datetime.datetime
    #: When sending may start, UTC.
    starts: datetime.datetime
    #: When sending stops, whatever remains, UTC; None for never.
    expires: datetime.datetime | None
    #: When its last recipient got an outcome, UTC; None before that.
    finished: datetime.datetime | None
    #: What the provider charged so far, in its unit; None if it does not say.
    cost: float | None
    #: Recipients a second, over the last minute in which one got an outcome; None before that.
    rate: float | None

    @property
    def left(self) -> int:
        """Recipients without an outcome."""
        return self.total - self.accepted - self.rejected - self.unknown - self.skipped

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the end at the present rate; None if that is not known."""
        if not self.left:
            return 0.0
        return self.left / self.rate if self.rate and self.state is JobState.RUNNING else None

    def __str__(self) -> str:
        counts = (("accepted", self.accepted), ("rejected", self.rejected), ("unknown", self.unknown))
        parts = [
            f"{count} {word}" for word, count in (*counts, ("skipped", self.skipped), ("left", self.left)) if count
        ]
        return f"{self.key}: {self.state}, " + (", ".join(parts) or "no recipients")
