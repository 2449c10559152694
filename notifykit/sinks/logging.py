"""``logging``: one line of the standard library's logging for each event.

The event's name stands in ``nk_event`` and its fields in flat extras with the prefix ``nk_``, which every JSON
formatter keeps. Loggers: ``notifykit.send`` for messages, ``notifykit.transport.NAME`` for requests. Nothing is
configured here; bodies and full numbers are never logged.
"""

from __future__ import annotations

import collections
import functools
import logging
from typing import Any, Final

from notifykit.deliveries import DeliveryState
from notifykit.events import (
    AttemptFinished,
    BatchFinished,
    BatchSetAside,
    DeliveryChanged,
    Event,
    FailedOver,
    MessagePlanned,
    PluginFailed,
    RecipientSetAside,
    RetryScheduled,
    SendFinished,
)
from notifykit.masking import mask_address
from notifykit.models import Outcome
from notifykit.settings import Settings

_SEND: Final = logging.getLogger("notifykit.send")
_PLUGINS: Final = logging.getLogger("notifykit.plugins")
logging.getLogger("notifykit").addHandler(logging.NullHandler())

_OUTCOME_LEVEL: Final = {
    Outcome.ACCEPTED: logging.INFO,
    Outcome.SKIPPED: logging.INFO,
    Outcome.REJECTED: logging.ERROR,
    Outcome.UNKNOWN: logging.ERROR,
}
#: Events that are always told this quietly, nearly always to nobody: they are not put into words first.
_QUIET: Final[dict[type[Event], int]] = {MessagePlanned: logging.DEBUG, SendFinished: logging.DEBUG}
#: What takes a record to its handlers; tools that watch over errors put something of their own in its place.
_CALL_HANDLERS: Final = (
    logging.Logger.callHandlers
    if logging.Logger.callHandlers.__code__.co_filename == logging.getLogger.__code__.co_filename
    else None
)
#: Events that the logger of a transport tells.
_OF_REQUESTS: Final = (AttemptFinished, RetryScheduled, BatchFinished, FailedOver)


class LoggingSink:
    """Says what happened through :mod:`logging`."""

    name = "logging"

    def handle(self, event: Event) -> None:
        """Log one event."""
        logger = _logger(event)
        if not logger.isEnabledFor(_QUIET.get(type(event), logging.CRITICAL)) or not _is_heard(logger):
            return
        level, line, fields = _describe(event)
        if logger.isEnabledFor(level):
            extra = {f"nk_{name}": _whole(value) for name, value in fields.items() if value is not None}
            logger.log(
                level, "%s %s", event.name, _whole(line), extra={"nk_event": event.name, "nk_id": event.id, **extra}
            )


def _logger(event: Event) -> logging.Logger:
    if isinstance(event, _OF_REQUESTS):
        return _of_transport(event.transport)
    return _PLUGINS if isinstance(event, PluginFailed) else _SEND


@functools.lru_cache(maxsize=64)
def _of_transport(dsn: str) -> logging.Logger:
    return logging.getLogger(f"notifykit.transport.{dsn.partition(':')[0]}")


def _is_heard(logger: logging.Logger) -> bool:
    """Return whether anybody gets what a logger says: most programs of a test or a job set up no logging at all.

    Where logging is not as Python made it, somebody listens in a way of their own.
    """
    if (
        logging.Logger.callHandlers is not _CALL_HANDLERS
        or logging.getLogRecordFactory() is not logging.LogRecord
        or type(logger) is not logging.Logger
        or logger.filters
    ):
        return True
    at: logging.Logger | None = logger
    while at is not None:
        for handler in at.handlers:
            if type(handler) is not logging.NullHandler:
                return True
        at = at.parent if at.propagate else None
    return False


#: How loud and in which words to log an event, and its fields.
_Description = tuple[int, str, dict[str, Any]]


@functools.singledispatch
def _describe(event: Event) -> _Description:
    return logging.DEBUG, "", {}


@_describe.register
def _(event: AttemptFinished) -> _Description:
    to = _masked(event.recipients[0].to) if len(event.recipients) == 1 else None
    fields = {
        "to": to,
        "numbers": len(event.recipients),
        "outcome": event.outcome.value,
        "code": event.code,
        "scope": event.scope,
        "batch": event.batch,
        "attempt": event.attempt,
        "transport": event.transport,
        "sender": event.sender,
        "encoding": event.encoding,
        "segments": event.segments,
        "msg_id": event.message_id,
        "cost": event.cost,
        "balance": event.balance,
        "elapsed_ms": event.elapsed_ms,
        "test": event.test,
    }
    level = _OUTCOME_LEVEL[event.outcome]
    if (
        event.again is not None
        or event.inside is not None
        or (event.outcome is Outcome.ACCEPTED and (event.test or event.warnings))
    ):
        level = logging.WARNING
    why = f": {event.code or ''} {event.error}" if event.error else ""
    why += f" → {event.action}" if event.action and event.again is None else ""
    notes = " (test: nothing reaches a phone)" if event.test else ""
    notes += "".join(f" ({warning})" for warning in event.warnings)
    line = f"{to or f'{len(event.recipients)} numbers'} {event.outcome}{why}{notes}"
    return level, line, fields


@_describe.register
def _(event: RecipientSetAside) -> _Description:
    recipient = event.recipient
    fields = {"to": _masked(recipient.to), "outcome": recipient.outcome.value, "code": recipient.code}
    level = logging.WARNING if recipient.outcome is Outcome.REJECTED else logging.INFO
    return level, f"{fields['to']} {fields['outcome']}: {event.reason}", fields


@_describe.register
def _(event: BatchSetAside) -> _Description:
    fields = {
        "batch": event.batch,
        "numbers": len(event.recipients),
        "outcome": event.outcome.value,
        "code": event.code,
    }
    line = f"{len(event.recipients)} numbers {event.outcome} without a try: {event.reason}"
    return logging.WARNING, line, fields


@_describe.register
def _(event: RetryScheduled) -> _Description:
    names = ("batch", "attempt", "transport", "code", "wait")
    line = f"again in {event.wait:g} s: {event.code or ''} {event.error}"
    return logging.WARNING, line, {name: getattr(event, name) for name in names}


@_describe.register
def _(event: BatchFinished) -> _Description:
    counts = collections.Counter(recipient.outcome.value for recipient in event.recipients)
    names = ("batch", "transport", "sender", "segments", "cost", "test")
    line = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    return logging.INFO, line, {name: getattr(event, name) for name in names} | counts


@_describe.register
def _(event: FailedOver) -> _Description:
    names = ("batch", "transport", "instead_of", "numbers", "code", "scope")
    line = (
        f"{event.numbers} numbers by {event.transport} instead of {event.instead_of}: {event.code or ''} {event.error}"
    )
    return logging.WARNING, line, {name: getattr(event, name) for name in names}


@_describe.register
def _(event: MessagePlanned) -> _Description:
    names = ("transport", "sender", "encoding", "segments", "units", "tags")
    return logging.DEBUG, f"by {event.transport}", {name: getattr(event, name) for name in names}


@_describe.register
def _(event: SendFinished) -> _Description:
    counts = {outcome.value: count for outcome, count in event.counts.items()}
    line = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    return logging.DEBUG, line, {**counts, "cost": event.cost, "elapsed_ms": event.elapsed_ms}


@_describe.register
def _(event: DeliveryChanged) -> _Description:
    to = event.to and _masked(event.to)
    fields = {
        "to": to,
        "state": event.state.value,
        "before": event.before and event.before.value,
        "words": event.words,
        "msg_id": event.message_id,
        "contradicted": event.contradicted,
        "transport": event.transport,
    }
    said = f" ({event.words})" if event.words and event.words.casefold() != event.state else ""
    doubt = "; reports contradict each other" if event.contradicted else ""
    bad = event.contradicted or event.state in (DeliveryState.UNDELIVERED, DeliveryState.EXPIRED)
    line = f"{to or 'everybody'} {event.state}{said}{doubt}"
    return logging.WARNING if bad else logging.INFO, line, fields


@_describe.register
def _(event: PluginFailed) -> _Description:
    fields = {"kind": event.kind, "plugin": event.plugin, "error": event.error}
    return logging.WARNING, f"{event.kind} {event.plugin} raised {event.error}", fields


def _whole(value: Any) -> Any:
    """Return a value without half characters, which no handler can write."""
    if isinstance(value, tuple):
        return tuple(map(_whole, value))
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def _masked(to: str) -> str:
    """Mask again: a full number in the events is for sinks with a file of their own, never for the log."""
    return to if "*" in to else mask_address(to)


def notifykit_sinks(settings: Settings) -> list[LoggingSink]:
    """Bring ``logging``."""
    return [LoggingSink()]
