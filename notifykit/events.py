"""Events: what happened, in the past tense, as log sinks are given it.

Events are redacted before a sink sees them: addresses are redacted and hashed, texts are shapes, unless the settings
``log_numbers`` and ``log_body`` say otherwise in words.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from typing import ClassVar

import attrs

from notifykit.models.delivery import DeliveryState
from notifykit.models.receipt import Outcome


@attrs.frozen(slots=False)
class LoggedRecipient:
    """A recipient as a log may show it."""

    #: The address, redacted unless ``log_numbers`` is ``full``.
    to: str
    #: A keyed hash of the address: the same person can be counted without being known. None without a key.
    to_hash: str | None
    #: ISO 3166 code of the country where it is known.
    country: str | None
    #: How it ended for this recipient, as far as this event knows.
    outcome: Outcome
    #: The provider's code where there was an error.
    code: str | None = None


@attrs.frozen(kw_only=True, slots=False)
class Event:
    """Something that happened to a message.

    Events have no slots: they are not kept, and ``vars(event)`` is what a sink writes.
    """

    #: Its name in logs; every subclass has its own.
    name: ClassVar[str] = "event"

    #: When, UTC.
    at: datetime.datetime
    #: The message that it is about.
    id: str

    def __init_subclass__(cls) -> None:
        cls.name = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()


@attrs.frozen(kw_only=True, slots=False)
class MessagePlanned(Event):
    """A message was cleaned and measured; nothing has been sent yet."""

    #: The transport that will carry it.
    transport: str
    #: The sender's name; None where the transport's own is used.
    sender: str | None
    #: The text as ``log_body`` allows it.
    text: str | None
    #: How many edits were made for each reason.
    edits: Mapping[str, int]
    #: The encoding on the air; None where it does not matter.
    encoding: str | None
    #: Segments of the text.
    segments: int | None
    #: Septets or UTF-16 units of the text.
    units: int | None
    #: The caller's labels.
    tags: tuple[str, ...]


@attrs.frozen(kw_only=True, slots=False)
class RecipientExcluded(Event):
    """A recipient was in no batch: a bad address, a duplicate, a text that can't be sent, or a guard that held it back."""

    #: Who, and how it ended.
    recipient: LoggedRecipient
    #: Why, in one sentence.
    reason: str


@attrs.frozen(kw_only=True, slots=False)
class BatchExcluded(Event):
    """A whole batch was not tried: an error that it would meet as well came before it, or the deadline."""

    #: The batch: the message's id and the batch's number.
    batch: str
    #: How it ended for everyone in it.
    outcome: Outcome
    #: The provider's code where there was an error.
    code: str | None
    #: Everyone in the batch.
    recipients: Sequence[LoggedRecipient]
    #: Why, in one sentence.
    reason: str


@attrs.frozen(kw_only=True, slots=False)
class AttemptFinished(Event):
    """One request for one batch came to an end."""

    #: The batch: the message's id and the batch's number.
    batch: str
    #: Which try this was, from 1.
    attempt: int
    #: The transport that made it.
    transport: str
    #: The composite that assigned it, whose ``batch_finished`` has the outcomes of the recipients; None without one.
    inside: str | None = None
    #: How it ended for the batch; single recipients may differ.
    outcome: Outcome
    #: The provider's code where there was an error.
    code: str | None
    #: What the error was about; None where there was none.
    scope: str | None
    #: The class of :mod:`notifykit.errors` that the error is of: ``AuthFailed``; None where there was none.
    error_type: str | None = None
    #: What happened, in one sentence; None where the batch was taken.
    error: str | None
    #: What a person does about it; None where the batch was taken.
    action: str | None
    #: Seconds until the next try; None where this was the last.
    again: float | None
    #: Everyone in the batch.
    recipients: Sequence[LoggedRecipient]
    #: The sender's name; None where the transport's own is used.
    sender: str | None
    #: The encoding on the air; None where it does not matter.
    encoding: str | None
    #: Segments of the text.
    segments: int | None
    #: Septets or UTF-16 units of the text.
    units: int | None
    #: The provider's id of the request.
    message_id: str | None
    #: What the whole batch cost, in the provider's unit.
    cost: float | None
    #: What is left on the account.
    balance: float | None
    #: How long the request took, in milliseconds.
    elapsed_ms: float
    #: What forced the more expensive encoding: signs as they are, letters and digits by their script alone.
    forced: tuple[str, ...] = ()
    #: Whether it was a test: taken, never delivered.
    test: bool
    #: Where the answer departs from the provider's contract.
    warnings: tuple[str, ...]
    #: The caller's labels.
    tags: tuple[str, ...]
    #: How long the request waited for the rate limit before it, in seconds.
    waited: float = 0.0


@attrs.frozen(kw_only=True, slots=False)
class RequestStarted(Event):
    """A request is about to be made. Only the method ``around_request`` of a sink that traces is given it."""

    #: The batch: the message's id and the batch's number.
    batch: str
    #: Which try this is, from 1.
    attempt: int
    #: The transport that makes it.
    transport: str
    #: How many recipients it has.
    numbers: int
    #: The provider's host, and its port after a colon where it is no usual one, as the transport's attribute ``server``
    #: says; None where it says nothing.
    server: str | None = None


@attrs.frozen(kw_only=True, slots=False)
class RetryScheduled(Event):
    """A batch will be tried again: it was certainly not sent, and waiting helps.

    What the failed try said of these recipients is no longer true: who counts messages takes it back.
    """

    #: The batch.
    batch: str
    #: Which try failed, from 1.
    attempt: int
    #: The transport.
    transport: str
    #: The composite that assigned the batch; None without one.
    inside: str | None = None
    #: Everyone who will be tried again, each with the outcome that is taken back.
    recipients: Sequence[LoggedRecipient] = ()
    #: The sender's name; None where the transport's own is used.
    sender: str | None = None
    #: The encoding on the air; None where it does not matter.
    encoding: str | None = None
    #: Segments of the text.
    segments: int | None = None
    #: Septets or UTF-16 units of the text.
    units: int | None = None
    #: What forced the more expensive encoding, as in ``attempt_finished``.
    forced: tuple[str, ...] = ()
    #: Whether the try was a test.
    test: bool = False
    #: The caller's labels.
    tags: tuple[str, ...] = ()
    #: Seconds until the next try.
    wait: float
    #: The provider's code of the error.
    code: str | None
    #: What happened, in one sentence.
    error: str


@attrs.frozen(kw_only=True, slots=False)
class BatchFinished(Event):
    """Every recipient of a batch that was sent through a composite has an outcome."""

    #: The batch: the message's id and the batch's number.
    batch: str
    #: The composite.
    transport: str
    #: Every recipient of the batch, each with the outcome.
    recipients: Sequence[LoggedRecipient]
    #: The sender's name; None where the transport's own is used.
    sender: str | None
    #: Segments of the text.
    segments: int | None
    #: What the batch cost in all, in the provider's unit.
    cost: float | None
    #: Whether all of it was a test.
    test: bool
    #: The caller's labels.
    tags: tuple[str, ...]


@attrs.frozen(kw_only=True, slots=False)
class FailedOver(Event):
    """One transport did not take some recipients, and another one is asked."""

    #: The batch.
    batch: str
    #: The transport that is asked now.
    transport: str
    #: The transport that did not take them.
    instead_of: str
    #: How many recipients.
    numbers: int
    #: The provider's code of the error.
    code: str | None
    #: What the error was about.
    scope: str
    #: What happened, in one sentence.
    error: str
    #: The caller's labels.
    tags: tuple[str, ...]


@attrs.frozen(kw_only=True, slots=False)
class RecipientsFinished(Event):
    """Some recipients have their outcomes, and nothing more is tried for them: each recipient is counted once.

    Only sinks with an attribute ``final_outcomes`` that is true are given it: it exists to count messages. In a job, a
    recipient that is tried again later is counted at the end of the last try.
    """

    #: The transport of the send; a composite where there is one.
    transport: str
    #: How many recipients there are of each outcome and code: the provider's code of an error, or the kind of an error
    #: without one (``InvalidRecipient``); why somebody was not tried (``duplicate``, ``guard``, ``deadline`` or
    #: ``cancelled``); else None.
    counts: Mapping[tuple[Outcome, str | None], int]
    #: Whether they were tests: nobody got them. Tests and others have an event each.
    test: bool = False


@attrs.frozen(kw_only=True, slots=False)
class CircuitOpened(Event):
    """The circuit breaker of a part of a failover opened: the part rests, and the others are asked."""

    #: The part.
    transport: str
    #: The failover.
    inside: str
    #: Failures in a row.
    failures: int
    #: Seconds until it is probed.
    rests: float
    #: The provider's code of its last error.
    code: str | None
    #: What its last error was, in one sentence.
    error: str | None
    #: What a person does about it.
    action: str | None


@attrs.frozen(kw_only=True, slots=False)
class SendFinished(Event):
    """The last recipient of a send has its outcome."""

    #: The transport.
    transport: str
    #: How many recipients ended how.
    counts: Mapping[Outcome, int]
    #: What the provider says it charged in all; None where it said nothing.
    cost: float | None
    #: How long the send took, in milliseconds, waits included.
    elapsed_ms: float
    #: The caller's labels.
    tags: tuple[str, ...]


@attrs.frozen(kw_only=True, slots=False)
class SendStopped(Event):
    """A send ended before its last recipient: it was interrupted, or the caller wanted no more receipts."""

    #: The transport.
    transport: str
    #: How many recipients ended how before that.
    counts: Mapping[Outcome, int]
    #: The kind of exception that stopped it; None where the caller stopped iterating.
    error: str | None
    #: The caller's labels.
    tags: tuple[str, ...]


@attrs.frozen(kw_only=True, slots=False)
class DeliveryChanged(Event):
    """A report changed what is known of the delivery of a message: its state is new, or reports contradict each other.

    ``id`` is the provider's id of the request: a report that is pushed has no other. Where several threads record reports
    about one recipient at once, their events may come in another order; ``before`` and ``state`` show it.
    """

    #: The provider's id of the request.
    message_id: str
    #: The address, redacted unless ``log_numbers`` is ``full``; None where the report is about all recipients of the request.
    to: str | None
    #: A keyed hash of the address. None without a key.
    to_hash: str | None
    #: The state before; None where there was no report.
    before: DeliveryState | None
    #: The state now.
    state: DeliveryState
    #: The provider's own word for it, scrubbed of what looks like a number.
    words: str | None
    #: When the provider says that it happened, UTC; None where it does not say.
    happened: datetime.datetime | None
    #: Whether reports say different ends.
    contradicted: bool
    #: The transport that was asked; None where the report was pushed.
    transport: str | None


@attrs.frozen(kw_only=True, slots=False)
class VerificationEvent(Event):
    """Something that happened to a one-time code. ``id`` is the same in all events of one code; nothing has the code."""

    #: What the code is for.
    purpose: str
    #: The number, redacted unless ``log_numbers`` is ``full``; None where the event is about a prefix.
    to: str | None = None
    #: A keyed hash of the number. None without a key.
    to_hash: str | None = None
    #: ISO 3166 code of the country where it is known.
    country: str | None = None


@attrs.frozen(kw_only=True, slots=False)
class VerificationStarted(VerificationEvent):
    """A message with a one-time code was sent, or could not be."""

    #: ``sent``, ``unknown``, ``wait``, ``blocked`` by a guard, or ``failed``.
    status: str
    #: Whether the code was sent before.
    resend: bool
    #: How many messages had this code so far.
    sends: int
    #: What the message cost, in the provider's unit; None where that is not known.
    cost: float | None


@attrs.frozen(kw_only=True, slots=False)
class VerificationChecked(VerificationEvent):
    """A code was typed. Why another one was refused is not in the event, nor whether it was near."""

    #: Whether it was the right one.
    verified: bool


@attrs.frozen(kw_only=True, slots=False)
class VerificationBlocked(VerificationEvent):
    """A rule held a one-time code back, so that no message was sent."""

    #: The setting: ``waits``, ``per_number``, ``per_client``, ``per_prefix``, ``per_country``, ``points``, ``countries``,
    #: ``guesses_per_day`` or ``conversion``.
    rule: str
    #: Seconds until it ends by itself; None where it does not.
    retry_after: float | None
    #: The prefix, where the event says that it is held from now on; such an event has no number.
    held: str | None = None


@attrs.frozen(kw_only=True, slots=False)
class PluginFailed(Event):
    """Something of a plugin raised during a send.

    The send went on without it; a guard that raises holds the message back instead.
    """

    #: What kind of thing it was: ``normalizer``, ``cleaner``, ``guard``, ``transport`` or ``sink``.
    kind: str
    #: Its name.
    plugin: str
    #: The kind of exception.
    error: str
    #: Where it came from, scrubbed of what the message contained.
    traceback: str
