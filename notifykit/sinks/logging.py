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
    CircuitOpened,
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
from notifykit.redaction import one_line, redact_address
from notifykit.settings.sources import Settings

_SEND: Final = logging.getLogger("notifykit.send")
_PLUGINS: Final = logging.getLogger("notifykit.plugins")
logging.getLogger("notifykit").addHandler(logging.NullHandler())

_OF_TRANSPORTS: Final = (AttemptFinished, RetryScheduled, BatchFinished, FailedOver, CircuitOpened)
#: The level of each kind of event, where nothing makes it graver; DEBUG for the others.
_LEVELS: Final[dict[type[Event], int]] = {
    **dict.fromkeys((RecipientExcluded, BatchFinished, DeliveryChanged), logging.INFO),
    **dict.fromkeys((BatchExcluded, RetryScheduled, FailedOver, CircuitOpened, PluginFailed), logging.WARNING),
}
#: The form of a sentence about an event, what goes into its places, and the event's fields.
_Description = tuple[str, tuple[object, ...], dict[str, Any]]


class LoggingSink:
    """Logs each event through :mod:`logging`."""

    name = "logging"
    #: It runs in the thread that sends: for slow handlers the standard library has a ``QueueHandler``.
    background = False
    #: Whether levels count that no logger of the standard library lets pass.
    always = False

    def handle(self, event: Event) -> None:
        """Log one event."""
        level = _LEVELS.get(type(event), logging.DEBUG)
        if isinstance(event, AttemptFinished):
            # An attempt that another one follows, or that is a composite's, is not the last one.
            followed = event.again is not None or event.inside is not None
            failed = event.outcome in (Outcome.REJECTED, Outcome.UNKNOWN)
            noted = not failed and (event.test or event.warnings)
            level = logging.WARNING if followed or noted else logging.ERROR if failed else logging.INFO
        elif isinstance(event, RecipientExcluded) and event.recipient.outcome is Outcome.REJECTED:
            level = logging.WARNING
        elif isinstance(event, DeliveryChanged):
            failed = event.state in (DeliveryState.UNDELIVERED, DeliveryState.EXPIRED)
            level = logging.WARNING if event.contradicted or failed else logging.INFO
        elif isinstance(event, VerificationBlocked):
            level = logging.WARNING if event.held is not None or event.rule != "waits" else logging.INFO
        logger = _SEND
        if isinstance(event, _OF_TRANSPORTS):
            logger = logging.getLogger(f"notifykit.transport.{event.transport.partition(':')[0]}")
        elif isinstance(event, PluginFailed):
            logger = _PLUGINS
        if self.always or logger.isEnabledFor(level):
            self.log(logger, level, event)

    def log(self, logger: logging.Logger, level: int, event: Event) -> None:
        """Log an event under a form that is the same for events of one kind: error trackers group records by it."""
        form, places, fields = _describe(event)
        extra = {f"nk_{name}": value for name, value in _present(fields).items()}
        logger.log(
            level,
            f"{event.name} {form}",
            *map(_whole, places),
            extra={"nk_event": event.name, "nk_id": event.id, **extra},
        )


def fields_of(event: Event) -> dict[str, Any]:
    """Return the flat fields of an event that are not None: no number in full and no text, whatever the settings say."""
    return _present(_describe(event)[2])


def _present(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _whole(value) for name, value in fields.items() if value is not None}


def _constant(words: object) -> str:
    """Return words as a part of a form."""
    return one_line(str(words)).replace("%", "%%")


@functools.singledispatch
def _describe(event: Event) -> _Description:
    return "", (), {}


@_describe.register
def _(event: MessagePlanned) -> _Description:
    fields = _fields(event, "transport", "sender", "encoding", "segments", "units", "tags")
    return "by %s", (event.transport,), fields


@_describe.register
def _(event: RecipientExcluded) -> _Description:
    fields = _fields(event.recipient, "outcome", "code") | {"to": redact_address(event.recipient.to)}
    return f"%s {fields['outcome']}: %s", (fields["to"], event.reason), fields


@_describe.register
def _(event: BatchExcluded) -> _Description:
    numbers = len(event.recipients)
    fields = _fields(event, "batch", "outcome", "code") | {"numbers": numbers}
    return f"%s numbers {event.outcome} without a try: %s", (numbers, event.reason), fields


@_describe.register
def _(event: AttemptFinished) -> _Description:
    numbers = len(event.recipients)
    to = redact_address(event.recipients[0].to) if numbers == 1 else None
    fields = _fields(event, "outcome", "code", "scope", "batch", "attempt", "transport", "sender", "encoding")
    fields |= _fields(event, "segments", "cost", "balance", "elapsed_ms", "test")
    why = f": {_constant(event.code or '')} " if event.error else ""
    said = event.error or ""
    said += f" → {event.action}" if event.action and event.again is None else ""
    said += " (test: nothing reaches a phone)" if event.test else ""
    said += "".join(f" ({warning})" for warning in event.warnings)
    places = (to or f"{numbers} numbers", said)
    return f"%s {event.outcome}{why}%s", places, fields | {"to": to, "numbers": numbers, "msg_id": event.message_id}


@_describe.register
def _(event: RetryScheduled) -> _Description:
    fields = _fields(event, "batch", "attempt", "transport", "code", "wait")
    return f"again in %g s: {_constant(event.code or '')} %s", (event.wait, event.error), fields


@_describe.register
def _(event: BatchFinished) -> _Description:
    counts = collections.Counter(recipient.outcome.value for recipient in event.recipients)
    fields = _fields(event, "batch", "transport", "sender", "segments", "cost", "test")
    return "%s", (_in_words(counts),), fields | counts


@_describe.register
def _(event: FailedOver) -> _Description:
    fields = _fields(event, "batch", "transport", "instead_of", "numbers", "code", "scope")
    form = f"%s numbers by %s instead of %s: {_constant(event.code or '')} %s"
    return form, (event.numbers, event.transport, event.instead_of, event.error), fields


@_describe.register
def _(event: CircuitOpened) -> _Description:
    fields = _fields(event, "transport", "inside", "failures", "rests", "code")
    form = f"%s rests for %g s: {_constant(event.code or '')} %s"
    said = f"{event.error} → {event.action}" if event.action else event.error
    return form, (event.transport, event.rests, said), fields


@_describe.register
def _(event: SendFinished) -> _Description:
    counts = {outcome.value: count for outcome, count in event.counts.items()}
    return "%s", (_in_words(counts),), _fields(event, "cost", "elapsed_ms") | counts


@_describe.register
def _(event: DeliveryChanged) -> _Description:
    to = event.to and redact_address(event.to)
    words = f" ({event.words})" if event.words and event.words.casefold() != event.state else ""
    doubt = "; reports contradict each other" if event.contradicted else ""
    fields = _fields(event, "state", "before", "words", "contradicted", "transport")
    places = (to or "all recipients", words)
    return f"%s {event.state}%s{doubt}", places, fields | {"to": to, "msg_id": event.message_id}


@_describe.register
def _(event: VerificationStarted) -> _Description:
    fields = _fields(event, "purpose", "status", "resend", "sends", "cost", "country") | {
        "to": redact_address(event.to or "")
    }
    return (
        f"%s code {'sent again' if event.resend else 'asked for'}: {_constant(event.status)}",
        (fields["to"],),
        fields,
    )


@_describe.register
def _(event: VerificationChecked) -> _Description:
    fields = _fields(event, "purpose", "verified", "country") | {"to": redact_address(event.to or "")}
    return f"%s {'verified' if event.verified else 'not verified'}", (fields["to"],), fields


@_describe.register
def _(event: VerificationBlocked) -> _Description:
    what = f"prefix {event.held}" if event.held else redact_address(event.to or "")
    fields = _fields(event, "purpose", "rule", "retry_after", "held", "country")
    return f"%s held back by {_constant(event.rule)}", (what,), fields | {"to": event.to and redact_address(event.to)}


@_describe.register
def _(event: PluginFailed) -> _Description:
    fields = _fields(event, "kind", "plugin", "error")
    return f"{_constant(event.kind)} {_constant(event.plugin)} raised %s", (event.error,), fields


def _fields(event: object, *names: str) -> dict[str, Any]:
    return {name: getattr(event, name) for name in names}


def _in_words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {outcome}" for outcome, count in counts.items())


def _whole(value: Any) -> Any:
    """Return a value in one line and without lone surrogates, which no handler can write: the words may be foreign."""
    if isinstance(value, tuple):
        return tuple(map(_whole, value))
    return one_line(value) if isinstance(value, str) else value


def notifykit_sinks(settings: Settings) -> list[LoggingSink]:
    """Bring ``logging``."""
    return [LoggingSink()]
