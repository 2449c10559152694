"""What is known of each recipient after a send: one receipt each, and the report that holds them."""

from __future__ import annotations

import datetime
import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from typing import Any

import attrs

from notifykit.errors import TransportError
from notifykit.models.capabilities import Measurement
from notifykit.models.message import Edit, Message
from notifykit.models.recipient import Recipient, Rejected


class Outcome(enum.StrEnum):
    """What sending knows about one recipient. Delivery is another vocabulary."""

    #: The provider confirmed that it took the message.
    ACCEPTED = "accepted"
    #: It was certainly not sent.
    REJECTED = "rejected"
    #: It may have been sent: the request may have arrived, and no readable answer came back.
    UNKNOWN = "unknown"
    #: We did not try, and say why.
    SKIPPED = "skipped"


class SkipReason(enum.StrEnum):
    """Why a recipient was not tried."""

    DUPLICATE = "duplicate"
    GUARD = "guard"
    DEADLINE = "deadline"
    CANCELLED = "cancelled"


_SKIP_ADVICE = {
    SkipReason.DUPLICATE: "The same recipient stands earlier in the list; nothing to do.",
    SkipReason.GUARD: "A guard held it back; it was not sent.",
    SkipReason.DEADLINE: "The deadline came first; it was not sent, so sending it again is safe.",
    SkipReason.CANCELLED: "Somebody cancelled it before it was sent; sending it again is safe.",
}


def show_count(things: Sized) -> str:
    """Return how many there are, for a ``repr`` that shows none of them."""
    return f"<{len(things)}>"


@attrs.frozen
class Veto:
    """Why a guard held a message back from one recipient."""

    #: The guard's name.
    guard: str
    #: Why, in one sentence without addresses or texts.
    reason: str
    #: What a person does about it.
    action: str = "It was not sent. Change the guard's settings if it should have been."
    #: Seconds until the guard would let it pass; None where time does not change its mind.
    retry_after: float | None = None

    def __str__(self) -> str:
        return f"{self.guard}: {self.reason}"


def _are_errors(instance: object, attribute: object, value: Any) -> None:
    if not isinstance(value, Mapping) or not all(isinstance(error, TransportError) for error in value.values()):
        raise TypeError("refused is a mapping of canonical addresses to TransportErrors")


@attrs.frozen
class Submission:
    """What the provider said about a batch that it took."""

    #: The provider's id; needed for every later question.
    message_id: str | None = None
    #: What the batch cost, in the provider's unit; None where it did not say.
    cost: float | None = None
    #: What is left on the account after it.
    balance: float | None = None
    #: Whether it was a test: taken, never delivered.
    test: bool = False
    #: Recipients of the batch that it did not take, by canonical address.
    refused: Mapping[str, TransportError] = attrs.field(factory=dict, repr=show_count, validator=_are_errors)
    #: Where the answer departs from the provider's contract, each a sentence.
    warnings: tuple[str, ...] = ()
    #: What a person should know now that it was taken; None for nothing special.
    advice: str | None = None
    #: The provider's answer, field by field, as far as the transport keeps it.
    fields: Mapping[str, Any] = attrs.field(factory=dict, repr=show_count)


@attrs.frozen
class Attempt:
    """One request for a batch, and how it ended."""

    #: Which try this was, from 1.
    number: int
    #: The transport that made it, without secrets.
    transport: str
    #: When it started, UTC.
    started: datetime.datetime
    #: How long it took, in seconds.
    elapsed: float
    #: Why it failed; None where the batch was taken.
    error: TransportError | None = None
    #: What the provider said where the batch was taken.
    submission: Submission | None = attrs.field(default=None, repr=False)


@attrs.frozen(weakref_slot=False)
class Receipt:
    """What happened to one recipient, with the evidence."""

    #: Where the recipient stood in the caller's list, from 0.
    position: int
    #: Who it was for.
    recipient: Recipient | Rejected
    #: How it ended.
    outcome: Outcome
    #: Why it was rejected or is unknown.
    error: TransportError | None = None
    #: Why it was skipped.
    skipped: SkipReason | None = None
    #: The guard's reasons where one held it back.
    veto: Veto | None = attrs.field(default=None, kw_only=True)
    #: What the provider said about the batch.
    submission: Submission | None = attrs.field(default=None, repr=False)
    #: The tries, in order.
    attempts: tuple[Attempt, ...] = attrs.field(default=(), repr=show_count)
    #: Which batch of the send the recipient was in, from 1; None for one that was in none.
    batch: int | None = None

    @property
    def to(self) -> str:
        """The canonical address, in clear; of a rejected one what the caller gave."""
        return self.recipient.raw if isinstance(self.recipient, Rejected) else self.recipient.address

    @property
    def message_id(self) -> str | None:
        """The provider's id of the request that this recipient was in."""
        return self.submission.message_id if self.submission else None

    @property
    def code(self) -> str | None:
        """The provider's code where there was an error."""
        return self.error.code if self.error else None

    @property
    def test(self) -> bool:
        """Whether it was taken as a test, so that nothing reaches a phone."""
        return self.submission is not None and self.submission.test

    @property
    def retry_after(self) -> float | None:
        """Seconds before another try makes sense; None where it does not or is not needed."""
        if self.veto:
            return self.veto.retry_after
        return self.error.retry_after if self.error else None

    @property
    def advice(self) -> str:
        """What a person does now."""
        if self.error:
            return self.error.action
        if self.veto:
            return self.veto.action
        if self.skipped:
            return _SKIP_ADVICE[self.skipped]
        if self.submission is None:
            return ""
        told = self.submission.advice
        if told is None and self.test:
            told = "It was a test: nothing reaches a phone."
        if told is None and self.message_id:
            told = "Keep the message id: status and delivery reports are asked by it."
        return " ".join((*self.submission.warnings, told or "The provider took it; there is nothing to do."))

    def __str__(self) -> str:
        why = str(self.error or self.veto or self.skipped or "")
        return f"{self.recipient}: {self.outcome}" + (f", {why}" if why else "")


def submissions_of(receipts: Iterable[Receipt]) -> tuple[Submission, ...]:
    """Return what providers said in receipts, once a request that was taken, in order.

    The tries have it; what a composite made of it on a receipt is no request of its own.
    """
    found: dict[int, Submission] = {}
    attempts: tuple[Attempt, ...] = ()
    for receipt in receipts:
        if attempts and receipt.attempts is attempts:
            continue  # the same request as the one before
        attempts = receipt.attempts
        said = [attempt.submission for attempt in receipt.attempts if attempt.submission is not None]
        for submission in said or filter(None, (receipt.submission,)):
            found[id(submission)] = submission
    return tuple(found.values())


def cost_of(submissions: Iterable[Submission]) -> float | None:
    """Return what providers say they charged in all; None where none of them said, in a number."""
    costs = [said.cost for said in submissions if isinstance(said.cost, int | float)]
    return sum(costs) if costs else None


@attrs.frozen
class Report(Sequence[Receipt]):
    """One receipt a recipient, in the caller's order."""

    #: The receipts.
    receipts: tuple[Receipt, ...] = attrs.field(repr=show_count)
    #: The message after cleaning.
    message: Message
    #: What the cleaners changed.
    edits: tuple[Edit, ...] = ()
    #: What the text takes up; None where the transport does not measure.
    measurement: Measurement | None = None

    @property
    def accepted(self) -> tuple[Receipt, ...]:
        """Those that the provider took."""
        return self._with(Outcome.ACCEPTED)

    @property
    def rejected(self) -> tuple[Receipt, ...]:
        """Those that were certainly not sent."""
        return self._with(Outcome.REJECTED)

    @property
    def unknown(self) -> tuple[Receipt, ...]:
        """Those that may have been sent."""
        return self._with(Outcome.UNKNOWN)

    @property
    def skipped(self) -> tuple[Receipt, ...]:
        """Those that were not tried."""
        return self._with(Outcome.SKIPPED)

    @property
    def submissions(self) -> tuple[Submission, ...]:
        """What the provider said, one a batch that it took, in order."""
        return submissions_of(self.receipts)

    @property
    def message_ids(self) -> tuple[str, ...]:
        """The provider's ids, one a batch that it took."""
        return tuple(s.message_id for s in self.submissions if s.message_id)

    @property
    def cost(self) -> float | None:
        """What the provider says it charged in all; None where it said nothing."""
        return cost_of(self.submissions)

    @property
    def balance(self) -> float | None:
        """What the provider says is left after the last batch it took."""
        return next((s.balance for s in reversed(self.submissions) if s.balance is not None), None)

    def _with(self, outcome: Outcome) -> tuple[Receipt, ...]:
        return tuple(receipt for receipt in self.receipts if receipt.outcome is outcome)

    def __getitem__(self, index: Any) -> Any:
        return self.receipts[index]

    def __iter__(self) -> Iterator[Receipt]:
        return iter(self.receipts)

    def __len__(self) -> int:
        return len(self.receipts)

    def __bool__(self) -> bool:
        raise TypeError(
            "a Report is neither true nor false: ask report.accepted, report.rejected, report.unknown or report.skipped"
        )

    def __str__(self) -> str:
        counts = ((outcome, len(self._with(outcome))) for outcome in Outcome)
        return ", ".join(f"{count} {outcome}" for outcome, count in counts if count) or "no recipients"
