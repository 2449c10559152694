"""Hands redacted events to the log sinks; a sink that raises is logged and changes nothing."""

from __future__ import annotations

import collections
import contextvars
import logging
import sys
import traceback
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Final

from notifykit.errors import PluginError, TransportError, causes, error_type, raise_interrupt
from notifykit.events import (
    AttemptFinished,
    BatchExcluded,
    BatchFinished,
    CircuitOpened,
    DeliveryChanged,
    Event,
    FailedOver,
    MessagePlanned,
    PluginFailed,
    RecipientExcluded,
    RecipientsFinished,
    RequestStarted,
    RetryScheduled,
    SendFinished,
    SendStopped,
)
from notifykit.models.capabilities import Measurement
from notifykit.models.delivery import Delivery
from notifykit.models.message import Edit, Message
from notifykit.models.plan import Batch
from notifykit.models.receipt import Attempt, Outcome, Receipt, cost_of, submissions_of
from notifykit.models.recipient import Recipient
from notifykit.pipeline import tracing
from notifykit.pipeline.log_redaction import LoggedRecipients, Redaction
from notifykit.protocols import Clock, OpenedCircuit, Sink, shown
from notifykit.redaction import scrub

_log = logging.getLogger("notifykit.plugins")
#: The names of the sinks that handle an event now, in this thread or task. What is logged here counts as the sink ``logging``.
_at_work: Final = contextvars.ContextVar[frozenset[str]]("notifykit_sinks_at_work", default=frozenset())
_LOGGING: Final = "logging"


class EventDispatcher:
    """Hands events to every sink; one that raises is logged and changes nothing."""

    def __init__(self, sinks: Sequence[Sink], redaction: Redaction, clock: Clock, *, strict: bool = False) -> None:
        self._sinks = sinks
        self._redaction = redaction
        self._clock = clock
        self._strict = strict
        self._broken: set[str] = set()
        self._failures: dict[str, PluginError] = {}
        self._counting = [sink for sink in sinks if getattr(sink, "final_outcomes", False)]
        self.tracing = tracing.Tracing(sinks, self.sink_failed)
        #: Whether a sink counts final outcomes, and whether one traces.
        self.counts, self.traces = bool(self._counting), bool(self.tracing)

    def emit(self, event: Event, sinks: Sequence[Sink] | None = None) -> None:
        """Hand one event to every sink and to the observers of the process, or to some of them, in order.

        A sink that is at work gets none: what it sends itself would never end.
        """
        at_work, outer = _at_work.get(), sys.exception()
        for sink in (*self._sinks, *tracing.observers) if sinks is None else sinks:
            if sink.name in at_work:
                continue
            token = _at_work.set(at_work | {sink.name})
            try:
                sink.handle(event)
            except Exception as error:
                raise_interrupt(error, outer)
                self.sink_failed(sink.name, error, event.id)
            finally:
                _at_work.reset(token)

    def address_fields(self, recipient: Recipient) -> dict[str, str | None]:
        """Return the fields of an event about one recipient, as a log may show them."""
        address = recipient.address
        redaction = self._redaction
        return {"to": redaction.address(address), "to_hash": redaction.hash(address), "country": recipient.country}

    def planned(self, message: Message, edits: Sequence[Edit], measurement: Measurement | None, transport: str) -> None:
        """Emit that the message is cleaned and measured.

        :raises PluginError: in strict mode, if a sink raised: nothing has been sent yet.
        """
        self.emit(
            MessagePlanned(
                at=self._clock.now(),
                id=message.id,
                transport=transport,
                sender=message.sender,
                text=self._redaction.text(message),
                edits=collections.Counter(edit.reason for edit in edits) if edits else {},
                encoding=measurement.encoding if measurement else None,
                segments=measurement.segments if measurement else None,
                units=measurement.units if measurement else None,
                tags=message.tags,
            )
        )
        if self._failures:
            self.raise_failures(message.id)

    def excluded(self, message: Message, receipt: Receipt) -> None:
        """Emit that a recipient is not tried."""
        self.emit(
            RecipientExcluded(
                at=self._clock.now(),
                id=message.id,
                recipient=self._redaction.receipt(receipt),
                reason=receipt.error.detail if receipt.error else str(receipt.veto or receipt.skipped),
            )
        )

    def batch_excluded(self, batch: Batch, outcome: Outcome, error: TransportError | None, reason: str) -> None:
        """Emit that a whole batch is not tried."""
        self.emit(
            BatchExcluded(
                at=self._clock.now(),
                id=batch.message.id,
                batch=batch.id,
                outcome=outcome,
                code=error.code if error else None,
                recipients=LoggedRecipients(batch.recipients, self._redaction, outcome, error, {}),
                reason=reason,
            )
        )

    def attempt(
        self,
        batch: Batch,
        attempt: Attempt,
        outcome: Outcome,
        again: float | None = None,
        inside: str | None = None,
        *,
        test: bool = False,
        waited: float = 0.0,
    ) -> None:
        """Emit the end of a request, and the seconds until the next try.

        :param inside: the composite that assigned it.
        :param waited: the seconds that it waited for the rate limit.
        :param test: whether the transport reaches nobody.
        """
        error, submission, size = attempt.error, attempt.submission, batch.measurement
        recipients = LoggedRecipients(
            batch.recipients, self._redaction, outcome, error, submission.refused if submission else {}
        )
        self.emit(
            AttemptFinished(
                at=self._clock.now(),
                id=batch.message.id,
                batch=batch.id,
                attempt=attempt.number,
                transport=attempt.transport,
                inside=inside,
                outcome=outcome,
                code=error.code if error else None,
                scope=error.scope.value if error else None,
                error_type=error_type(error) if error else None,
                error=error.detail if error else None,
                action=error.action if error else None,
                again=again,
                recipients=recipients,
                sender=batch.message.sender,
                message_id=submission.message_id if submission else None,
                cost=submission.cost if submission else None,
                balance=submission.balance if submission else None,
                elapsed_ms=round(attempt.elapsed * 1000, 3),
                test=submission.test if submission else test,
                warnings=submission.warnings if submission else (),
                encoding=size.encoding if size else None,
                segments=size.segments if size else None,
                units=size.units if size else None,
                forced=self._redaction.forced(size) if size and size.forced else (),
                tags=batch.message.tags,
                waited=waited,
            )
        )

    def around_request(
        self, batch: Batch, number: int, transport: str, server: str | None
    ) -> AbstractContextManager[None]:
        """Return what is entered around a request, in the thread that makes it.

        :param number: which try this is.
        :param server: the provider's host.
        """
        return self.tracing.around_request(
            RequestStarted(
                at=self._clock.now(),
                id=batch.message.id,
                batch=batch.id,
                attempt=number,
                transport=transport,
                numbers=len(batch),
                server=server,
            )
        )

    def retry(
        self,
        batch: Batch,
        receipts: Sequence[Receipt],
        wait: float,
        inside: str | None = None,
        *,
        transport: str | None = None,
        test: bool = False,
    ) -> None:
        """Emit that a batch will be tried again, with the receipts of its recipients so far.

        :param inside: the composite that assigned it.
        :param transport: the transport that will carry it, where it is not the last one's.
        :param test: whether the transport reaches nobody.
        """
        last, error, size = receipts[0].attempts[-1], receipts[0].error, batch.measurement
        self.emit(
            RetryScheduled(
                at=self._clock.now(),
                id=batch.message.id,
                batch=batch.id,
                attempt=last.number,
                transport=transport or last.transport,
                inside=inside,
                wait=wait,
                code=error.code if error else None,
                error=error.detail if error else "",
                recipients=tuple(map(self._redaction.receipt, receipts)),
                sender=batch.message.sender,
                encoding=size.encoding if size else None,
                segments=size.segments if size else None,
                units=size.units if size else None,
                forced=self._redaction.forced(size),
                test=last.submission.test if last.submission else test,
                tags=batch.message.tags,
            )
        )

    def batch_finished(self, batch: Batch, transport: str, receipts: Sequence[Receipt], *, test: bool = False) -> None:
        """Emit the outcome of everybody in a batch that went through a composite.

        :param test: whether it reaches nobody.
        """
        said = submissions_of(receipts)
        self.emit(
            BatchFinished(
                at=self._clock.now(),
                id=batch.message.id,
                batch=batch.id,
                transport=transport,
                recipients=tuple(map(self._redaction.receipt, receipts)),
                sender=batch.message.sender,
                segments=batch.measurement.segments if batch.measurement else None,
                cost=cost_of(said),
                test=all(one.test for one in said) if said else test,
                tags=batch.message.tags,
            )
        )

    def failed_over(self, batch: Batch, instead_of: str, transport: str, because: TransportError) -> None:
        """Emit that another transport is asked for recipients that one did not take."""
        self.emit(
            FailedOver(
                at=self._clock.now(),
                id=batch.message.id,
                batch=batch.id,
                transport=transport,
                instead_of=instead_of,
                numbers=len(batch),
                code=because.code,
                scope=because.scope.value,
                error=because.detail,
                tags=batch.message.tags,
            )
        )

    def recipients_finished(
        self, message_id: str, transport: str, receipts: Sequence[Receipt], *, test: bool = False
    ) -> None:
        """Emit the outcomes of recipients for whom nothing more is tried, to the sinks that count them.

        :param test: whether the transport reaches nobody; an answer says it of its own recipients.
        """
        found: dict[bool, collections.Counter[tuple[Outcome, str | None]]] = {}
        for receipt in receipts:
            is_test = test if receipt.submission is None else receipt.submission.test
            found.setdefault(is_test, collections.Counter())[receipt.outcome, _code_of(receipt)] += 1
        for is_test, counts in found.items():
            now = self._clock.now()
            event = RecipientsFinished(at=now, id=message_id, transport=transport, counts=counts, test=is_test)
            self.emit(event, self._counting)

    def stopped(
        self, message: Message, transport: str, counts: Mapping[Outcome, int], error: BaseException | None
    ) -> None:
        """Emit that nothing more of a send is sent, though some recipients have no outcome."""
        name = type(error).__name__ if error else None
        now, tags = self._clock.now(), message.tags
        self.emit(SendStopped(at=now, id=message.id, transport=transport, counts=counts, error=name, tags=tags))

    def circuit_opened(self, message_id: str, inside: str, opened: OpenedCircuit) -> None:
        """Emit that a part of a failover rests.

        :param message_id: the message whose batch failed.
        :param inside: the failover.
        """
        error = opened.error
        self.emit(
            CircuitOpened(
                at=self._clock.now(),
                id=message_id,
                transport=shown(opened.transport),
                inside=inside,
                failures=opened.failures,
                rests=opened.rests,
                code=error.code if error else None,
                error=error.detail if error else None,
                action=error.action if error else None,
            )
        )

    def finished(
        self, message: Message, transport: str, counts: Mapping[Outcome, int], cost: float | None, elapsed: float
    ) -> None:
        """Emit that the last recipient has its outcome.

        :raises PluginError: in strict mode, if a sink raised during the send.
        """
        self.emit(
            SendFinished(
                at=self._clock.now(),
                id=message.id,
                transport=transport,
                counts=counts,
                cost=cost,
                elapsed_ms=round(elapsed * 1000, 3),
                tags=message.tags,
            )
        )
        if self._failures:
            self.raise_failures(message.id)

    def delivery_changed(self, before: Delivery, after: Delivery, transport: str | None) -> None:
        """Emit that a report changed what is known of the delivery of a message.

        :param transport: the transport that was asked; None where the report was pushed.
        """
        address, message_id = after.address, after.message_id or ""
        self.emit(
            DeliveryChanged(
                at=self._clock.now(),
                id=message_id,
                message_id=message_id,
                to=None if address is None else self._redaction.address(address),
                to_hash=None if address is None else self._redaction.hash(address),
                before=before.state if before.reports else None,
                state=after.state,
                words=after.words and scrub(after.words),
                happened=after.at,
                contradicted=after.contradicted,
                transport=transport,
            )
        )

    def plugin_failed(self, kind: str, name: str, error: BaseException, message: Message) -> None:
        """Log and emit that something of a plugin raised, and where, without the content of the message.

        :raises PluginError: in strict mode, except for a transport: its result must not be lost, so that is raised by
            :meth:`raise_failures`.
        """
        if self._strict:
            failure = PluginError(name, f"the {kind} raised {type(error).__name__}")
            if kind != "transport":
                raise failure from error
            self._fail(failure, error, message.id)
        became = "held the message back" if kind == "guard" else "was passed over"
        _log_once(logging.WARNING, "the %s %s raised %s and %s", kind, name, type(error).__name__, became)
        self.emit(
            PluginFailed(
                at=self._clock.now(),
                id=message.id,
                kind=kind,
                plugin=name,
                error=type(error).__name__,
                traceback=_frames(error),
            )
        )

    def raise_failures(self, *ids: str) -> None:
        """In strict mode, raise what the sinks raised over events with these ids, once nothing can be lost by it.

        :raises PluginError: for the first of them.
        """
        failures = [failure for each in ids if (failure := self._failures.pop(each, None))]
        if failures:
            raise failures[0]

    def sink_failed(self, name: str, error: BaseException, message_id: str) -> None:
        """Log that a sink raised; in strict mode, keep it for :meth:`raise_failures`."""
        if self._strict:
            self._fail(PluginError(name, f"the sink raised {type(error).__name__}"), error, message_id)
        level = logging.DEBUG if name in self._broken else logging.WARNING
        self._broken.add(name)
        _log_once(level, "the sink %s raised and was passed over:\n%s", name, _frames(error))

    def _fail(self, failure: PluginError, error: BaseException, message_id: str) -> None:
        failure.__cause__ = error
        self._failures.setdefault(message_id, failure)


def _code_of(receipt: Receipt) -> str | None:
    """Return the provider's code of an error, or its kind, or why a recipient was not tried."""
    if receipt.error is not None:
        return receipt.error.code or type(receipt.error).__name__
    return receipt.skipped.value if receipt.skipped else None


def _log_once(level: int, form: str, *places: str) -> None:
    """Log, but not what is sent by a handler of our own records."""
    at_work = _at_work.get()
    if _LOGGING not in at_work:
        token = _at_work.set(at_work | {_LOGGING})
        try:
            _log.log(level, form, *places)
        finally:
            _at_work.reset(token)


def _frames(error: BaseException) -> str:
    """Return the traceback and the kind of an exception, without its message, which may hold what was sent."""
    lines: list[str] = []
    for cause in causes(error):
        lines += [*traceback.format_tb(cause.__traceback__), f"{type(cause).__module__}.{type(cause).__qualname__}\n"]
    return "".join(lines)
