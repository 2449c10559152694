"""A job: a send that is stored on disk, what it is asked to do, its state, and how far it is."""

from __future__ import annotations

import datetime
import enum
import re
from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from notifykit.models.delivery import Delivery
from notifykit.models.message import Message
from notifykit.models.receipt import Outcome, Receipt, show_count
from notifykit.models.recipient import Recipient, Rejected
from notifykit.redaction import describe_text


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


#: ``rejected > 5%``.
_RULE: Final = re.compile(r"\s*([a-z]+)\s*>\s*([0-9]+(?:\.[0-9]+)?)\s*(%?)\s*")


#: Recipients who need an outcome before a share is judged.
_FEWEST: Final = 20


@attrs.frozen
class StopRule:
    """When a job pauses by itself: more than a share, or more than a count, of its recipients have an outcome.

    Recipients who were refused before anything was sent to them, for a bad number or by a guard, do not count.

    >>> rule = StopRule.parse("rejected > 5%")
    >>> rule.broken({Outcome.ACCEPTED: 94, Outcome.REJECTED: 6})
    'rejected > 5%: 6 of 100 were rejected'
    """

    #: The outcome that is counted: rejected or unknown.
    outcome: Outcome
    #: The most that there may be: percent where it is a share, else recipients.
    most: float
    #: Whether it is a share.
    is_share: bool

    @classmethod
    def parse(cls, text: str) -> StopRule:
        """Read a rule: ``rejected > 5%`` or ``unknown > 20``.

        :raises ValueError: it can't be understood.
        """
        found = _RULE.fullmatch(text.lower())
        if found is None or found[1] not in (Outcome.REJECTED, Outcome.UNKNOWN):
            raise ValueError(
                f'stop_if is {text!r}: give rejected or unknown and the most that there may be: "rejected > 5%", '
                '"unknown > 20"'
            )
        if found[3] and float(found[2]) >= 100:
            raise ValueError(f"stop_if is {text!r}: there are never more than 100 %: give a smaller share")
        return cls(Outcome(found[1]), float(found[2]), bool(found[3]))

    def broken(self, counts: Mapping[Outcome, int]) -> str | None:
        """Return why a job with so many of each outcome pauses; None where it goes on."""
        count = counts.get(self.outcome, 0)
        of = sum(counts.get(outcome, 0) for outcome in (Outcome.ACCEPTED, Outcome.REJECTED, Outcome.UNKNOWN))
        is_judged = of >= _FEWEST or not self.is_share
        broken = is_judged and count > (self.most * of / 100 if self.is_share else self.most)
        return f"{self}: {count:,} of {of:,} were {self.outcome}" if broken else None

    def __str__(self) -> str:
        return f"{self.outcome} > {self.most:g}{'%' if self.is_share else ''}"


@attrs.frozen
class Row:
    """One row of a campaign: who gets it, the text, and the cells that it was made of."""

    #: Who gets it, or why nobody does.
    recipient: Recipient | Rejected
    #: The text, rendered; empty for a row that is rejected.
    text: str = attrs.field(repr=describe_text)
    #: The subject of an e-mail, or the title of a push notification.
    subject: str | None = attrs.field(default=None, repr=lambda subject: str(subject and describe_text(subject)))
    #: The row as it came in, by column: for the results.
    cells: Mapping[str, str] = attrs.field(factory=dict, repr=show_count)


@attrs.frozen
class JobRow:
    """One row of a job, and what is known of it."""

    #: Its position in the caller's order, from 0.
    position: int
    #: The row as it came in, by column; empty for a job without rows.
    cells: Mapping[str, str] = attrs.field(repr=show_count)
    #: The result; None where it has none yet.
    receipt: Receipt | None
    #: What is known of the delivery; None where nothing is.
    delivery: Delivery | None
    #: Its own text as it was submitted; None for a job without rows, and for a row that was rejected before.
    text: str | None = attrs.field(default=None, repr=lambda text: str(text and describe_text(text)))


@attrs.frozen
class JobSpec:
    """What a job shall send, to whom, and when."""

    #: The recipients, one by one; not used where there are rows.
    recipients: Iterable[Recipient | Rejected]
    #: The message, as the caller wrote it; with rows, its text and subject are those of each row.
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
    #: The rows, one by one, each with its own text; None where everybody gets the same.
    rows: Iterable[Row] | None = attrs.field(default=None, kw_only=True)
    #: Seconds after its start over which its requests begin evenly; None for as fast as they can.
    spread: float | None = attrs.field(default=None, kw_only=True)
    #: When it pauses by itself; None for never.
    stop_if: StopRule | None = attrs.field(default=None, kw_only=True)


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
    #: Why it was paused by itself; None where a person did, or it is not paused.
    reason: str | None = None

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
        why = f" ({self.reason})" if self.reason else ""
        return f"{self.key}: {self.state}{why}, " + (", ".join(parts) or "no recipients")
