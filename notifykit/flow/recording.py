"""Telling the log sinks what happened, redacted, each in its own guard."""

from __future__ import annotations

import collections
import hashlib
import logging
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, overload

import attrs

from notifykit.errors import PluginError
from notifykit.events import (
    AttemptFinished,
    Event,
    LoggedRecipient,
    MessagePlanned,
    PluginFailed,
    RecipientSetAside,
    RetryScheduled,
    SendFinished,
)
from notifykit.masking import mask_address, scrub, text_shape
from notifykit.models import Attempt, Batch, Edit, Measurement, Message, Outcome, Receipt, Recipient, Submission
from notifykit.protocols import Clock, Sink

_log = logging.getLogger("notifykit.plugins")


@attrs.frozen
class Redaction:
    """How much of an address and a text a sink may see."""

    #: ``masked`` or ``full``.
    numbers: str = "masked"
    #: ``none``, ``shape`` or ``full``.
    body: str = "shape"
    #: The key of the hashes that stand for addresses; None for no hashes.
    key: bytes | None = attrs.field(default=None, repr=False)

    def address(self, address: str) -> str:
        """Return an address as it may be seen."""
        return address if self.numbers == "full" else mask_address(address)

    def text(self, text: str) -> str | None:
        """Return a text as it may be seen."""
        return {"full": text, "none": None}.get(self.body) if self.body != "shape" else text_shape(text)

    def hash(self, address: str) -> str | None:
        """Return the keyed hash of an address."""
        if self.key is None:
            return None
        return hashlib.blake2b(address.encode("utf-8", "replace"), key=self.key, digest_size=12).hexdigest()


class _LoggedRecipients(Sequence[LoggedRecipient]):
    """The recipients of a batch, redacted when somebody looks: a sink that only counts them pays nothing."""

    def __init__(self, recipients: Sequence[Recipient], view: Callable[[Recipient], LoggedRecipient]) -> None:
        self.__recipients = recipients
        self.__view = view

    @overload
    def __getitem__(self, index: int) -> LoggedRecipient: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[LoggedRecipient]: ...
    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self.__view(recipient) for recipient in self.__recipients[index]]
        return self.__view(self.__recipients[index])

    def __iter__(self) -> Iterator[LoggedRecipient]:
        return map(self.__view, self.__recipients)

    def __len__(self) -> int:
        return len(self.__recipients)

    def __repr__(self) -> str:
        return f"<{len(self)} recipients>"


class Recorder:
    """Tells every sink; one that raises is noted and changes nothing."""

    def __init__(self, sinks: Sequence[Sink], redaction: Redaction, clock: Clock, *, strict: bool = False) -> None:
        self._sinks = sinks
        self._redaction = redaction
        self._clock = clock
        self._strict = strict
        self._broken: set[str] = set()
        self._failures: dict[str, PluginError] = {}

    def tell(self, event: Event) -> None:
        """Hand one event to every sink, in order."""
        for sink in self._sinks:
            try:
                sink.handle(event)
            except Exception as error:  # a sink may raise anything
                self._sink_failed(sink.name, error, event.id)

    def planned(self, message: Message, edits: Sequence[Edit], measurement: Measurement | None, transport: str) -> None:
        """Tell that the message is cleaned and measured."""
        if self._sinks:
            self.tell(
                MessagePlanned(
                    at=self._clock.now(),
                    id=message.id,
                    transport=transport,
                    sender=message.sender,
                    text=self._redaction.text(message.text),
                    edits=collections.Counter(edit.reason for edit in edits),
                    tags=message.tags,
                    **_size(measurement),
                )
            )

    def set_aside(self, message: Message, receipt: Receipt) -> None:
        """Tell that a recipient is not tried."""
        if self._sinks:
            self.tell(
                RecipientSetAside(
                    at=self._clock.now(),
                    id=message.id,
                    recipient=LoggedRecipient(
                        to=self._redaction.address(receipt.to),
                        to_hash=self._redaction.hash(receipt.to),
                        country=getattr(receipt.recipient, "country", None),
                        outcome=receipt.outcome,
                        code=receipt.code,
                    ),
                    reason=receipt.error.detail if receipt.error else str(receipt.skipped),
                )
            )

    def attempt(self, batch: Batch, attempt: Attempt, outcome: Outcome, submission: Submission | None) -> None:
        """Tell that a request came to an end."""
        if not self._sinks:
            return
        error = attempt.error
        refused = submission.refused if submission else {}

        def view(recipient: Recipient) -> LoggedRecipient:
            own = refused.get(recipient.address)
            return LoggedRecipient(
                to=self._redaction.address(recipient.address),
                to_hash=self._redaction.hash(recipient.address),
                country=recipient.country,
                outcome=Outcome.REJECTED if own else outcome,
                code=(own or error).code if own or error else None,  # type: ignore[union-attr]
            )

        self.tell(
            AttemptFinished(
                at=self._clock.now(),
                id=batch.message.id,
                batch=batch.id,
                attempt=attempt.number,
                transport=attempt.transport,
                outcome=outcome,
                code=error.code if error else None,
                scope=error.scope.value if error else None,
                error=error.detail if error else None,
                recipients=_LoggedRecipients(batch.recipients, view),
                sender=batch.message.sender,
                message_id=submission.message_id if submission else None,
                cost=submission.cost if submission else None,
                balance=submission.balance if submission else None,
                elapsed_ms=round(attempt.elapsed * 1000, 3),
                test=submission.test if submission else False,
                warnings=submission.warnings if submission else (),
                tags=batch.message.tags,
                **_size(batch.measurement),
            )
        )

    def retry(self, batch: Batch, attempt: Attempt, wait: float) -> None:
        """Tell that a batch will be tried again."""
        if attempt.error:
            self.tell(
                RetryScheduled(
                    at=self._clock.now(),
                    id=batch.message.id,
                    batch=batch.id,
                    attempt=attempt.number,
                    transport=attempt.transport,
                    wait=wait,
                    code=attempt.error.code,
                    error=attempt.error.detail,
                )
            )

    def finished(
        self, message: Message, transport: str, counts: Mapping[Outcome, int], cost: float | None, elapsed: float
    ) -> None:
        """Tell that the last recipient has its outcome."""
        self.tell(
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

    def plugin_failed(self, kind: str, name: str, error: Exception, message: Message, *secrets: str) -> None:
        """Something that a plugin brought raised; note where, without what the message contained.

        :raises PluginError: in strict mode.
        """
        if self._strict:
            raise PluginError(name, f"the {kind} raised {type(error).__name__}") from error
        _log.warning("the %s %s raised %s and was passed over", kind, name, type(error).__name__)
        self.tell(
            PluginFailed(
                at=self._clock.now(),
                id=message.id,
                kind=kind,
                plugin=name,
                error=type(error).__name__,
                traceback=scrub("".join(traceback.format_exception(error)), message.text, *secrets),
            )
        )

    def raise_failures(self, message: Message) -> None:
        """In strict mode, raise what the sinks raised over this message: once nothing can be lost by it.

        :raises PluginError: for the first of them.
        """
        failure = self._failures.pop(message.id, None)
        if failure:
            raise failure

    def _sink_failed(self, name: str, error: Exception, message_id: str) -> None:
        if self._strict:
            failure = PluginError(name, f"the sink raised {type(error).__name__}")
            failure.__cause__ = error
            self._failures.setdefault(message_id, failure)
        level = logging.DEBUG if name in self._broken else logging.WARNING
        self._broken.add(name)
        _log.log(level, "the sink %s raised and was passed over:\n%s", name, "".join(traceback.format_exception(error)))


def _size(measurement: Measurement | None) -> dict[str, Any]:
    return {
        "encoding": measurement.encoding if measurement else None,
        "segments": measurement.segments if measurement else None,
        "units": measurement.units if measurement else None,
    }
