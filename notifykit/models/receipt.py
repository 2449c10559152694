"""The result of a send: a receipt for each recipient, and the report of all receipts."""

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
    """The outcome of sending to one recipient. Delivery has states of its own."""

    #: The provider confirmed that it accepted the message.
    ACCEPTED = "accepted"
    #: It was certainly not sent.
    REJECTED = "rejected"
    #: It may have been sent: the request may have arrived, and no readable answer came.
    UNKNOWN = "unknown"
    #: It was not tried; the receipt says why.
    SKIPPED = "skipped"


class SkipReason(enum.StrEnum):
    """Why a recipient was not tried."""

    DUPLICATE = "duplicate"
    GUARD = "guard"
    DEADLINE = "deadline"
    CANCELLED = "cancelled"


_SKIP_ADVICE = {
    SkipReason.DUPLICATE: "The same recipient is earlier in the list; nothing to do.",
    SkipReason.GUARD: "A guard held it back; it was not sent.",
    SkipReason.DEADLINE: "The deadline came first; it was not sent, so sending it again is safe.",
    SkipReason.CANCELLED: "It was cancelled before it was sent; sending it again is safe.",
}


def show_count(things: Sized) -> str:
    """Return the number of things, for a ``repr`` that shows none of them."""
    return f"<{len(things)}>"


@attrs.frozen
class Veto:
    """Why a guard held a message back from one recipient."""

    #: The guard's name.
    guard: str
    #: The reason, in one sentence without addresses or texts.
    reason: str
    #: What a person does now.
    action: str = "It was not sent. Change the guard's settings if it should have been."
    #: Seconds until the guard would let it pass; None if waiting does not help.
    retry_after: float | None = None
    #: Whether a job waits that long and then asks again; a plain send skips the recipient.
    postpone: bool = False

    def __str__(self) -> str:
        return f"{self.guard}: {self.reason}"


def _are_errors(instance: object, attribute: object, value: Any) -> None:
    if not isinstance(value, Mapping) or not all(isinstance(error, TransportError) for error in value.values()):
        raise TypeError("refused is a mapping of canonical addresses to TransportErrors")


@attrs.frozen
class Submission:
    """The provider's answer to a batch that it accepted."""

    #: The provider's id; status and delivery reports are asked by it.
    message_id: str | None = None
    #: The cost of the batch, in the provider's unit; None if it does not say.
    cost: float | None = None
    #: The balance of the account after it.
    balance: float | None = None
    #: Whether it was a test: accepted, never delivered.
    test: bool = False
    #: Recipients of the batch that it refused, by canonical address.
    refused: Mapping[str, TransportError] = attrs.field(factory=dict, repr=show_count, validator=_are_errors)
    #: What in the answer is not as documented, each a sentence.
    warnings: tuple[str, ...] = ()
    #: What a person does now; None for nothing special.
    advice: str | None = None
    #: The fields of the provider's answer that the transport keeps.
    fields: Mapping[str, Any] = attrs.field(factory=dict, repr=show_count)


@attrs.frozen
class Attempt:
    """One request for a batch, and its result."""

    #: The number of the try, from 1.
    number: int
    #: The transport that made it, without secrets.
    transport: str
    #: When it started, UTC.
    started: datetime.datetime
    #: How long it took, in seconds.
    elapsed: float
    #: Why it failed; None if the batch was accepted.
    error: TransportError | None = None
    #: The provider's answer; None if it failed.
    submission: Submission | None = attrs.field(default=None, repr=False)


@attrs.frozen(weakref_slot=False)
class Receipt:
    """The result for one recipient, with every attempt."""

    #: The recipient's position in the caller's list, from 0.
    position: int
    #: The recipient.
    recipient: Recipient | Rejected
    #: The outcome.
    outcome: Outcome
    #: Why it was rejected or is unknown.
    error: TransportError | None = None
    #: Why it was skipped.
    skipped: SkipReason | None = None
    #: Why a guard held it back.
    veto: Veto | None = attrs.field(default=None, kw_only=True)
    #: The provider's answer to the batch.
    submission: Submission | None = attrs.field(default=None, repr=False)
    #: The attempts, in order.
    attempts: tuple[Attempt, ...] = attrs.field(default=(), repr=show_count)
    #: The number of the recipient's batch, from 1; None if it was in none.
    batch: int | None = None

    @property
    def to(self) -> str:
        """The canonical address, in clear; what the caller gave if it was rejected."""
        return self.recipient.raw if isinstance(self.recipient, Rejected) else self.recipient.address

    @property
    def message_id(self) -> str | None:
        """The provider's id of the request that this recipient was in."""
        return self.submission.message_id if self.submission else None

    @property
    def code(self) -> str | None:
        """The provider's code of the error; None without one."""
        return self.error.code if self.error else None

    @property
    def test(self) -> bool:
        """Whether it was accepted as a test, so that nothing reaches a phone."""
        return self.submission is not None and self.submission.test

    @property
    def retry_after(self) -> float | None:
        """Seconds before another try makes sense; None if it does not or is not needed."""
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
        advice = self.submission.advice
        if advice is None and self.test:
            advice = "It was a test: nothing reaches a phone."
        if advice is None and self.message_id:
            advice = "Keep the message id: status and delivery reports are asked by it."
        return " ".join((*self.submission.warnings, advice or "The provider took it; there is nothing to do."))

    def __str__(self) -> str:
        why = str(self.error or self.veto or self.skipped or "")
        return f"{self.recipient}: {self.outcome}" + (f", {why}" if why else "")


def submissions_of(receipts: Iterable[Receipt]) -> tuple[Submission, ...]:
    """Return the answers of providers, one for each request that was accepted, in order.

    They are those of the attempts; the submission of a receipt may be put together by a composite.
    """
    found: dict[int, Submission] = {}
    attempts: tuple[Attempt, ...] = ()
    for receipt in receipts:
        if attempts and receipt.attempts is attempts:
            continue  # the same request as the one before
        attempts = receipt.attempts
        answers = [attempt.submission for attempt in receipt.attempts if attempt.submission is not None]
        for submission in answers or filter(None, (receipt.submission,)):
            found[id(submission)] = submission
    return tuple(found.values())


def cost_of(submissions: Iterable[Submission]) -> float | None:
    """Return the sum of all costs; None if no provider said one."""
    costs = [one.cost for one in submissions if isinstance(one.cost, int | float)]
    return sum(costs) if costs else None


@attrs.frozen
class Report(Sequence[Receipt]):
    """A receipt for each recipient, in the caller's order."""

    #: The receipts.
    receipts: tuple[Receipt, ...] = attrs.field(repr=show_count)
    #: The message after cleaning.
    message: Message
    #: What the cleaners changed.
    edits: tuple[Edit, ...] = ()
    #: The size of the text; None if the transport does not measure.
    measurement: Measurement | None = None

    @property
    def accepted(self) -> tuple[Receipt, ...]:
        """Those that the provider accepted."""
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
        """The provider's answers, one for each batch that it accepted, in order."""
        return submissions_of(self.receipts)

    @property
    def message_ids(self) -> tuple[str, ...]:
        """The provider's ids, one for each batch that it accepted."""
        return tuple(s.message_id for s in self.submissions if s.message_id)

    @property
    def cost(self) -> float | None:
        """The cost of all batches; None if the provider does not say it."""
        return cost_of(self.submissions)

    @property
    def balance(self) -> float | None:
        """The balance after the last batch that was accepted; None if the provider does not say it."""
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
