"""``logging``: one line of the standard library's logging for each event.

The event's name stands in ``nk_event`` and its fields in flat extras with the prefix ``nk_``, which every JSON
formatter keeps. Loggers: ``notifykit.send`` for messages, ``notifykit.transport.NAME`` for requests. Nothing is
configured here; bodies and full numbers are never logged.
"""

from __future__ import annotations

import collections
import functools
import logging
from collections.abc import Mapping
from typing import Any, Final

from notifykit.events import (
    AttemptFinished,
    BatchExcluded,
    BatchFinished,
    DeliveryChanged,
    Event,
    FailedOver,
    MessagePlanned,
    PluginFailed,
    RecipientExcluded,
    RetryScheduled,
    SendFinished,
    VerificationBlocked,
    VerificationChecked,
    VerificationStarted,
)
from notifykit.models.delivery import DeliveryState
from notifykit.models.receipt import Outcome
from notifykit.redaction import redact_address
from notifykit.settings.sources import Settings

_SEND: Final = logging.getLogger("notifykit.send")
_PLUGINS: Final = logging.getLogger("notifykit.plugins")
logging.getLogger("notifykit").addHandler(logging.NullHandler())

#: A sentence about an event, and its fields.
_Description = tuple[str, dict[str, Any]]


class LoggingSink:
    """Logs each event through :mod:`logging`."""

    name = "logging"

    def handle(self, event: Event) -> None:
        """Log one event."""
        logger, level = _SEND, _level(event)
        if isinstance(event, AttemptFinished | RetryScheduled | BatchFinished | FailedOver):
            logger = logging.getLogger(f"notifykit.transport.{event.transport.partition(':')[0]}")
        elif isinstance(event, PluginFailed):
            logger = _PLUGINS
        if logger.isEnabledFor(level):
            line, fields = _describe(event)
            extra = {f"nk_{name}": _whole(value) for name, value in fields.items() if value is not None}
            logger.log(
                level, "%s %s", event.name, _whole(line), extra={"nk_event": event.name, "nk_id": event.id, **extra}
            )


def _level(event: Event) -> int:
    match event:
        # An attempt that another one follows, or that is a composite's, is not the last one.
        case AttemptFinished() if event.again is not None or event.inside is not None:
            is_warning = True
        case AttemptFinished(outcome=Outcome.REJECTED | Outcome.UNKNOWN):
            return logging.ERROR
        case AttemptFinished():
            is_warning = event.outcome is Outcome.ACCEPTED and (event.test or bool(event.warnings))
        case RecipientExcluded():
            is_warning = event.recipient.outcome is Outcome.REJECTED
        case DeliveryChanged():
            is_warning = event.contradicted or event.state in (DeliveryState.UNDELIVERED, DeliveryState.EXPIRED)
        case BatchFinished():
            is_warning = False
        case VerificationBlocked():
            is_warning = event.held is not None or event.rule != "waits"
        case BatchExcluded() | RetryScheduled() | FailedOver() | PluginFailed():
            is_warning = True
        case _:
            return logging.DEBUG
    return logging.WARNING if is_warning else logging.INFO


@functools.singledispatch
def _describe(event: Event) -> _Description:
    return "", {}


@_describe.register
def _(event: MessagePlanned) -> _Description:
    return f"by {event.transport}", _fields(event, "transport", "sender", "encoding", "segments", "units", "tags")


@_describe.register
def _(event: RecipientExcluded) -> _Description:
    fields = _fields(event.recipient, "outcome", "code") | {"to": _redacted(event.recipient.to)}
    return f"{fields['to']} {fields['outcome']}: {event.reason}", fields


@_describe.register
def _(event: BatchExcluded) -> _Description:
    numbers = len(event.recipients)
    fields = _fields(event, "batch", "outcome", "code") | {"numbers": numbers}
    return f"{numbers} numbers {event.outcome} without a try: {event.reason}", fields


@_describe.register
def _(event: AttemptFinished) -> _Description:
    numbers = len(event.recipients)
    to = _redacted(event.recipients[0].to) if numbers == 1 else None
    fields = _fields(event, "outcome", "code", "scope", "batch", "attempt", "transport", "sender", "encoding")
    fields |= _fields(event, "segments", "cost", "balance", "elapsed_ms", "test")
    why = f": {event.code or ''} {event.error}" if event.error else ""
    why += f" → {event.action}" if event.action and event.again is None else ""
    notes = " (test: nothing reaches a phone)" if event.test else ""
    notes += "".join(f" ({warning})" for warning in event.warnings)
    line = f"{to or f'{numbers} numbers'} {event.outcome}{why}{notes}"
    return line, fields | {"to": to, "numbers": numbers, "msg_id": event.message_id}


@_describe.register
def _(event: RetryScheduled) -> _Description:
    line = f"again in {event.wait:g} s: {event.code or ''} {event.error}"
    return line, _fields(event, "batch", "attempt", "transport", "code", "wait")


@_describe.register
def _(event: BatchFinished) -> _Description:
    counts = collections.Counter(recipient.outcome.value for recipient in event.recipients)
    fields = _fields(event, "batch", "transport", "sender", "segments", "cost", "test")
    return _in_words(counts), fields | counts


@_describe.register
def _(event: FailedOver) -> _Description:
    line = f"{event.numbers} numbers by {event.transport} instead of {event.instead_of}"
    fields = _fields(event, "batch", "transport", "instead_of", "numbers", "code", "scope")
    return f"{line}: {event.code or ''} {event.error}", fields


@_describe.register
def _(event: SendFinished) -> _Description:
    counts = {outcome.value: count for outcome, count in event.counts.items()}
    return _in_words(counts), _fields(event, "cost", "elapsed_ms") | counts


@_describe.register
def _(event: DeliveryChanged) -> _Description:
    to = event.to and _redacted(event.to)
    words = f" ({event.words})" if event.words and event.words.casefold() != event.state else ""
    doubt = "; reports contradict each other" if event.contradicted else ""
    fields = _fields(event, "state", "before", "words", "contradicted", "transport")
    return f"{to or 'all recipients'} {event.state}{words}{doubt}", fields | {"to": to, "msg_id": event.message_id}


@_describe.register
def _(event: VerificationStarted) -> _Description:
    fields = _fields(event, "purpose", "status", "resend", "sends", "cost", "country") | {
        "to": _redacted(event.to or "")
    }
    return f"{fields['to']} code {'sent again' if event.resend else 'asked for'}: {event.status}", fields


@_describe.register
def _(event: VerificationChecked) -> _Description:
    fields = _fields(event, "purpose", "verified", "country") | {"to": _redacted(event.to or "")}
    return f"{fields['to']} {'verified' if event.verified else 'not verified'}", fields


@_describe.register
def _(event: VerificationBlocked) -> _Description:
    what = f"prefix {event.held}" if event.held else _redacted(event.to or "")
    fields = _fields(event, "purpose", "rule", "retry_after", "held", "country")
    return f"{what} held back by {event.rule}", fields | {"to": event.to and _redacted(event.to)}


@_describe.register
def _(event: PluginFailed) -> _Description:
    return f"{event.kind} {event.plugin} raised {event.error}", _fields(event, "kind", "plugin", "error")


def _fields(event: object, *names: str) -> dict[str, Any]:
    return {name: getattr(event, name) for name in names}


def _in_words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {outcome}" for outcome, count in counts.items())


def _whole(value: Any) -> Any:
    """Return a value without lone surrogates, which no handler can write."""
    if isinstance(value, tuple):
        return tuple(map(_whole, value))
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def _redacted(to: str) -> str:
    """Return an address redacted, also where the settings allow full ones: those are for files of their own."""
    return to if "*" in to else redact_address(to)


def notifykit_sinks(settings: Settings) -> list[LoggingSink]:
    """Bring ``logging``."""
    return [LoggingSink()]
