"""What flows along the road: Message → Recipient | Rejected → Plan of Batches → Receipts → Report.

Everything here is frozen, and nothing shows a number or a text in its ``repr``.
"""

from __future__ import annotations

import datetime
import enum
import itertools
import os
import zlib
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence, Sized
from typing import Any

import attrs

from notifykit.errors import InvalidRecipient, TransportError
from notifykit.filling import thawed
from notifykit.masking import describe_text, mask_address


class Channel(enum.StrEnum):
    """The medium, never the provider."""

    SMS = "sms"
    EMAIL = "email"
    PUSH = "push"


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


def _counted(things: Sized) -> str:
    return f"<{len(things)}>"


def _new_id() -> str:
    return os.urandom(16).hex()


@attrs.frozen
class Message:
    """What to say, and how it should look to the person who gets it."""

    #: The text, as the caller wrote it or as the cleaners left it.
    text: str = attrs.field(repr=describe_text)
    #: The medium it travels by.
    channel: Channel = Channel.SMS
    #: The sender's name; None takes the transport's own.
    sender: str | None = None
    #: What stands above the text, for the channels that have such a line: an e-mail's subject, a push's title.
    subject: str | None = attrs.field(
        default=None, repr=lambda subject: str(subject and describe_text(subject)), kw_only=True
    )
    #: Free labels that events and logs carry.
    tags: tuple[str, ...] = ()
    #: The caller's name for this send, passed on to providers that can use it.
    idempotency_key: str | None = None
    #: Ties the events, attempts and receipts of one send together.
    id: str = attrs.field(factory=_new_id)


@attrs.frozen(weakref_slot=False)
class Recipient:
    """An address in its canonical form: what the provider is given."""

    #: The canonical address: for SMS digits with the country code first.
    address: str = attrs.field(repr=mask_address)
    #: The medium it belongs to.
    channel: Channel = Channel.SMS
    #: ISO 3166 code of the country where it is known, ``KW``.
    country: str | None = None
    #: The language that the person reads, ``ar``, where the caller knows it: templates choose by it.
    language: str | None = attrs.field(default=None, kw_only=True)
    #: The address as it was given.
    raw: str = attrs.field(
        default=attrs.Factory(lambda self: self.address, takes_self=True), repr=False, eq=False, kw_only=True
    )

    def __str__(self) -> str:
        return mask_address(self.address)


#: An empty recipient, for normalizers in a hurry: who fills in every field makes it a :class:`Recipient` at the end.
open_recipient: Callable[[], Any] = thawed(Recipient)


def new_recipient(address: str, channel: Channel, country: str | None, language: str | None, raw: str) -> Recipient:
    """Return a recipient from all of its fields, in a fifth of the time that its class takes."""
    made = open_recipient()
    made.address = address
    made.channel = channel
    made.country = country
    made.language = language
    made.raw = raw
    made.__class__ = Recipient
    return made  # type: ignore[no-any-return]


@attrs.frozen
class Rejected:
    """An address that nobody can send to, with the reason."""

    #: The address as it was given.
    raw: str = attrs.field(repr=mask_address)
    #: Why, and what to do about it.
    error: InvalidRecipient
    #: Who was probably meant; somebody has to say so before it is used.
    suggestion: Recipient | None = None

    def __str__(self) -> str:
        return mask_address(self.raw)


_open_rejected: Callable[[], Any] = thawed(Rejected)


def new_rejected(raw: str, error: InvalidRecipient, suggestion: Recipient | None) -> Rejected:
    """Return a rejected address from all of its fields, in a third of the time that its class takes."""
    made = _open_rejected()
    made.raw = raw
    made.error = error
    made.suggestion = suggestion
    made.__class__ = Rejected
    return made  # type: ignore[no-any-return]


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


@attrs.frozen
class Edit:
    """One change a cleaner made: ``text[start:end]`` became ``after``."""

    #: Where the change starts in the text that entered the cleaner.
    start: int
    #: Where it ends there.
    end: int
    #: What stood there.
    before: str = attrs.field(repr=describe_text)
    #: What stands there now.
    after: str = attrs.field(repr=describe_text)
    #: Why, in words for the author of the text: ``emoji``, ``Arabic-Indic digits``.
    reason: str
    #: The cleaner that made it.
    cleaner: str


_open_edit: Callable[[], Any] = thawed(Edit)


def new_edit(start: int, end: int, before: str, after: str, reason: str, cleaner: str) -> Edit:
    """Return an edit from all of its fields, in a fifth of the time that its class takes: a text may have thousands."""
    made = _open_edit()
    made.start = start
    made.end = end
    made.before = before
    made.after = after
    made.reason = reason
    made.cleaner = cleaner
    made.__class__ = Edit
    return made  # type: ignore[no-any-return]


@attrs.frozen
class Cleaned:
    """What a cleaner returns: the text, and the edits that lead there, in order of their position."""

    #: The text after the edits.
    text: str = attrs.field(repr=describe_text)
    #: The edits; empty where nothing changed.
    edits: tuple[Edit, ...] = ()


_open_cleaned = thawed(Cleaned)


def unchanged(text: str) -> Cleaned:
    """Return what a cleaner says of a text in which it found nothing to do, as nearly always."""
    made = _open_cleaned()
    made.text = text
    made.edits = ()
    made.__class__ = Cleaned
    return made  # type: ignore[no-any-return]


def replay(text: str, edits: Iterable[Edit]) -> str:
    """Apply edits to the text they were made on and return the result.

    Edits of several cleaners may follow each other: those of one cleaner count from the text that it was given.
    """
    for _, group in itertools.groupby(edits, key=lambda edit: edit.cleaner):
        pieces: list[str] = []
        position = 0
        for edit in group:
            pieces += (text[position : edit.start], edit.after)
            position = edit.end
        text = "".join(pieces) + text[position:]
    return text


@attrs.frozen
class ForcedCharacter:
    """A character that made a text more expensive, and what could stand in its place."""

    #: Where it stands in the text.
    position: int
    #: The character.
    character: str
    #: Its Unicode name.
    name: str
    #: What the cheap encoding has instead; None where it has nothing like it.
    replacement: str | None


@attrs.frozen
class Measurement:
    """What a text takes up on the air."""

    #: ``gsm7`` or ``ucs2`` for SMS.
    encoding: str
    #: Septets or UTF-16 units, not characters.
    units: int
    #: Parts that the text is cut into; each is paid for.
    segments: int
    #: Units that still fit into the last segment.
    units_left: int = 0
    #: The characters that forced the more expensive encoding, each once.
    forced: tuple[ForcedCharacter, ...] = ()


@attrs.frozen
class Pace:
    """How fast a provider lets one account ask."""

    #: Requests started in a second.
    per_second: float
    #: What shares the limit, the account for one; the same key is the same limit on the whole machine.
    key: str


@attrs.frozen
class Capabilities:
    """What a transport can do. The road plans by it."""

    #: The media it carries.
    channels: frozenset[Channel] = frozenset({Channel.SMS})
    #: The most recipients that one request may have.
    batch_size: int = attrs.field(default=1, validator=attrs.validators.ge(1))
    #: Whether it can pretend: accept without delivering. The DSN option ``test`` says which.
    test_mode: bool = False
    #: Whether what it takes reaches people; False where it pretends, and for stand-ins.
    live: bool = True
    #: Whether the provider recognises a repeated ``idempotency_key``.
    idempotent: bool = False
    #: Whether a message may name its own sender.
    senders: bool = True
    #: Whether a message may have a subject.
    subjects: bool = False
    #: Whether the provider can be asked, later, whether a message was delivered.
    reports: bool = False
    #: The encodings that texts travel in, the cheapest first; empty where it does not matter.
    encodings: tuple[str, ...] = ()
    #: Whether what it says of a text or a sender is about one recipient only, as mailboxes do.
    personal: bool = False
    #: How fast it may be asked; None where there is no limit.
    pace: Pace | None = None
    #: Seconds that have to be between two messages to one recipient; 0 for none.
    spacing: float = 0.0
    #: Pure: what a text takes up; None where it does not matter.
    measure: Callable[[str], Measurement] | None = None
    #: Pure: why a message would be refused; None where it would not.
    check: Callable[[Message], TransportError | None] | None = None
    #: Pure: what one recipient of a text of so many segments costs, in the provider's unit; None where unknown.
    price: Callable[[Recipient, int], float | None] | None = None
    #: What the provider calls one unit of cost: ``point``.
    unit: str = "unit"
    #: What a person should know before sending, each a sentence.
    notices: tuple[str, ...] = ()


@attrs.frozen
class Batch:
    """The recipients of one request."""

    #: What they get.
    message: Message
    #: Who gets it.
    recipients: tuple[Recipient, ...]
    #: Where each recipient stood in the caller's list, from 0.
    positions: tuple[int, ...] = attrs.field(repr=False)
    #: Which batch of the send this is, from 1.
    number: int = 1
    #: What the text takes up; None where the transport does not measure.
    measurement: Measurement | None = None
    #: The transport that a plan expects to make the request, without secrets; None where nobody has asked yet.
    transport: str | None = None
    #: Which of its recipients these are, where they are not all of them; empty for the whole batch.
    part: str = ""

    @property
    def id(self) -> str:
        """Names the batch in events: the message's id, the batch's number, and which part of it this is."""
        return f"{self.message.id}-{self.number}{self.part and f'.{self.part}'}"

    @property
    def idempotency_key(self) -> str:
        """The caller's key where this is the whole send, else one that no other request of the send has."""
        key = self.message.idempotency_key
        if key is None:
            return self.id
        return key if self.number == 1 and not self.part else f"{key}-{self.number}{self.part and f'.{self.part}'}"

    def __len__(self) -> int:
        return len(self.recipients)

    def only(self, positions: Container[int]) -> Batch:
        """Return the batch with only the recipients that stand at these positions of the caller's list."""
        kept = [(p, r) for p, r in zip(self.positions, self.recipients, strict=True) if p in positions]
        return self._kept(tuple(r for _, r in kept), tuple(p for p, _ in kept))

    def pieces(self, size: int) -> Iterator[Batch]:
        """Yield the batch in pieces of at most so many recipients, in order."""
        for start in range(0, len(self), size):
            yield self._kept(self.recipients[start : start + size], self.positions[start : start + size])

    def _kept(self, recipients: tuple[Recipient, ...], positions: tuple[int, ...]) -> Batch:
        if len(positions) == len(self):
            return self
        part = f"{zlib.crc32(repr(list(positions)).encode()):08x}"
        return attrs.evolve(self, recipients=recipients, positions=positions, part=part)


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
    refused: Mapping[str, TransportError] = attrs.field(factory=dict, repr=_counted, validator=_are_errors)
    #: Where the answer departs from the provider's contract, each a sentence.
    warnings: tuple[str, ...] = ()
    #: What a person should know now that it was taken; None for nothing special.
    advice: str | None = None
    #: The provider's answer, field by field, as far as the transport keeps it.
    fields: Mapping[str, Any] = attrs.field(factory=dict, repr=_counted)


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
    attempts: tuple[Attempt, ...] = attrs.field(default=(), repr=_counted)
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


_open_receipt: Callable[[], Any] = thawed(Receipt)


def new_receipt(
    position: int,
    recipient: Recipient | Rejected,
    outcome: Outcome,
    error: TransportError | None,
    skipped: SkipReason | None,
    veto: Veto | None,
    submission: Submission | None,
    attempts: tuple[Attempt, ...],
    batch: int | None,
) -> Receipt:
    """Return a receipt from all of its fields, in a third of the time that its class takes."""
    made = _open_receipt()
    made.position = position
    made.recipient = recipient
    made.outcome = outcome
    made.error = error
    made.skipped = skipped
    made.veto = veto
    made.submission = submission
    made.attempts = attempts
    made.batch = batch
    made.__class__ = Receipt
    return made  # type: ignore[no-any-return]


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
    """Return what providers say they charged in all; None where none of them said."""
    costs = [said.cost for said in submissions if said.cost is not None]
    return sum(costs) if costs else None


@attrs.frozen
class Plan:
    """Everything that would be done, before anything is done."""

    #: The message after cleaning.
    message: Message
    #: What the cleaners changed.
    edits: tuple[Edit, ...]
    #: What the text takes up; None where the transport does not measure.
    measurement: Measurement | None
    #: The requests that would be made.
    batches: tuple[Batch, ...] = attrs.field(repr=_counted)
    #: The recipients that would not be tried, with the reason.
    set_aside: tuple[Receipt, ...] = attrs.field(repr=_counted)
    #: What it would cost in the provider's unit; None where that is not known.
    cost: float | None = None
    #: What a person should know before sending, each a sentence.
    notices: tuple[str, ...] = ()

    @property
    def recipients(self) -> tuple[Recipient, ...]:
        """Everyone who would be sent to, in order."""
        return tuple(itertools.chain.from_iterable(batch.recipients for batch in self.batches))

    @property
    def segments(self) -> int | None:
        """Segments of the text for one recipient."""
        return self.measurement.segments if self.measurement else None


@attrs.frozen
class Report(Sequence[Receipt]):
    """One receipt a recipient, in the caller's order."""

    #: The receipts.
    receipts: tuple[Receipt, ...] = attrs.field(repr=_counted)
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
