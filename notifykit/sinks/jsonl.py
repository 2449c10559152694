"""``jsonl``: one JSON object a fact, one line an object, one write an event.

The file is made with mode 0600 and written by ``O_APPEND``, so several processes can share it and no line is torn.
Every row has ``v``, the version of this shape. An attempt is one row for each recipient: counting rows counts
messages. ``log_numbers`` and ``log_body`` decide what is in clear.
"""

from __future__ import annotations

import datetime
import json
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from json.encoder import encode_basestring
from typing import Any, Final

from notifykit.events import (
    AttemptFinished,
    BatchFinished,
    BatchSetAside,
    DeliveryChanged,
    Event,
    FailedOver,
    LoggedRecipient,
    MessagePlanned,
    PluginFailed,
    RecipientSetAside,
    RetryScheduled,
    SendFinished,
)
from notifykit.settings import Settings
from notifykit.sinks.lines import LineFile

#: The version of the shape of a row.
VERSION: Final = 1
_NOTHING: Final = datetime.timedelta(0)
_SECOND: Final = datetime.timedelta(seconds=1)


class JsonlSink:
    """Writes events to a file.

    :param path: the file; it is made where there is none.
    :raises ConfigError: where it can't be written.
    """

    name = "jsonl"

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._file = LineFile(path)

    def handle(self, event: Event) -> None:
        """Write the rows of one event."""
        self._file.append("\n".join(rows(event)))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def rows(event: Event) -> Iterator[str]:
    """Yield the rows of an event, as they are written.

    They are written as they are read here, field by field: an encoder that has to look what each field is takes three
    times as long.
    """
    head = f'{{"v":{VERSION},"ts":"{_stamp(event.at)}","event":"{event.name}","id":{_text(event.id)}'
    facts = _FACTS.get(type(event), _nothing)
    for fields in facts(event):
        yield f"{head}{fields}}}"


def _nothing(event: Event) -> Iterable[str]:
    return ("",)


def _message_planned(event: MessagePlanned) -> Iterable[str]:
    yield (
        f',"transport":{_text(event.transport)},"sender":{_text(event.sender)},"text":{_text(event.text)}'
        f',"edits":{_counts(event.edits)},"encoding":{_text(event.encoding)},"segments":{_number(event.segments)}'
        f',"units":{_number(event.units)},"tags":{_texts(event.tags)}'
    )


def _recipient_set_aside(event: RecipientSetAside) -> Iterable[str]:
    yield f'{_who(event.recipient)},"reason":{_text(event.reason)}'


def _batch_set_aside(event: BatchSetAside) -> Iterable[str]:
    return _each(event.recipients, f',"batch":{_text(event.batch)}', f',"reason":{_text(event.reason)}')


def _attempt_finished(event: AttemptFinished) -> Iterable[str]:
    before = (
        f',"batch":{_text(event.batch)},"attempt":{_number(event.attempt)},"transport":{_text(event.transport)}'
        f',"inside":{_text(event.inside)}'
    )
    after = (
        f',"error":{_text(event.error)},"sender":{_text(event.sender)},"encoding":{_text(event.encoding)}'
        f',"segments":{_number(event.segments)},"units":{_number(event.units)},"msg_id":{_text(event.message_id)}'
        f',"cost":{_share(event.cost, len(event.recipients))},"balance":{_number(event.balance)}'
        f',"elapsed_ms":{_number(event.elapsed_ms)},"test":{_truth(event.test)},"warnings":{_texts(event.warnings)}'
        f',"tags":{_texts(event.tags)}'
    )
    return _each(event.recipients, before, after)


def _retry_scheduled(event: RetryScheduled) -> Iterable[str]:
    yield (
        f',"batch":{_text(event.batch)},"attempt":{_number(event.attempt)},"transport":{_text(event.transport)}'
        f',"wait":{_number(event.wait)},"code":{_text(event.code)},"error":{_text(event.error)}'
    )


def _batch_finished(event: BatchFinished) -> Iterable[str]:
    before = f',"batch":{_text(event.batch)},"transport":{_text(event.transport)}'
    after = (
        f',"sender":{_text(event.sender)},"segments":{_number(event.segments)}'
        f',"cost":{_share(event.cost, len(event.recipients))},"test":{_truth(event.test)},"tags":{_texts(event.tags)}'
    )
    return _each(event.recipients, before, after)


def _failed_over(event: FailedOver) -> Iterable[str]:
    yield (
        f',"batch":{_text(event.batch)},"transport":{_text(event.transport)},"instead_of":{_text(event.instead_of)}'
        f',"numbers":{_number(event.numbers)},"code":{_text(event.code)},"scope":{_text(event.scope)}'
        f',"error":{_text(event.error)},"tags":{_texts(event.tags)}'
    )


def _send_finished(event: SendFinished) -> Iterable[str]:
    yield (
        f',"transport":{_text(event.transport)},"cost":{_number(event.cost)},"elapsed_ms":{_number(event.elapsed_ms)}'
        f',"counts":{_counts(event.counts)},"tags":{_texts(event.tags)}'
    )


def _delivery_changed(event: DeliveryChanged) -> Iterable[str]:
    happened = _stamp(event.happened) if event.happened else None
    yield (
        f',"msg_id":{_text(event.message_id)},"before":{_text(event.before)},"state":{_text(event.state)}'
        f',"words":{_text(event.words)},"to":{_text(event.to)},"to_hash":{_text(event.to_hash)}'
        f',"contradicted":{_truth(event.contradicted)},"transport":{_text(event.transport)}'
        f',"happened":{_text(happened)}'
    )


def _plugin_failed(event: PluginFailed) -> Iterable[str]:
    yield (
        f',"kind":{_text(event.kind)},"plugin":{_text(event.plugin)},"error":{_text(event.error)}'
        f',"traceback":{_text(event.traceback)}'
    )


_FACTS: Final[dict[type[Event], Callable[[Any], Iterable[str]]]] = {
    MessagePlanned: _message_planned,
    RecipientSetAside: _recipient_set_aside,
    BatchSetAside: _batch_set_aside,
    AttemptFinished: _attempt_finished,
    RetryScheduled: _retry_scheduled,
    BatchFinished: _batch_finished,
    FailedOver: _failed_over,
    SendFinished: _send_finished,
    DeliveryChanged: _delivery_changed,
    PluginFailed: _plugin_failed,
}


def _each(recipients: Iterable[LoggedRecipient], before: str, after: str) -> Iterable[str]:
    """Yield a row for each recipient; what they share is encoded once."""
    for recipient in recipients:
        yield f"{before}{_who(recipient)}{after}"


def _who(recipient: LoggedRecipient) -> str:
    return (
        f',"outcome":"{recipient.outcome}","code":{_text(recipient.code)},"to":{_text(recipient.to)}'
        f',"to_hash":{_text(recipient.to_hash)},"country":{_text(recipient.country)}'
    )


class _Stamps:
    """Times as they are written, UTC. Those of one second differ in their last digits only, and there may be many."""

    def __init__(self) -> None:
        self._second = (datetime.datetime.min.replace(tzinfo=datetime.UTC), "")

    def __call__(self, moment: datetime.datetime) -> str:
        second, words = self._second
        if not _NOTHING <= moment - second < _SECOND:
            second = moment.astimezone(datetime.UTC).replace(microsecond=0)
            words = second.isoformat().removesuffix("+00:00")
            self._second = second, words
        return f"{words}.{moment.microsecond // 1000:03}Z"


_stamp: Final = _Stamps()


def _text(text: object) -> str:
    """Return a text, or what a plugin gave in its place."""
    if text is None:
        return "null"
    return encode_basestring(text if isinstance(text, str) else str(text))


def _texts(texts: Iterable[object]) -> str:
    return f"[{','.join(map(_text, texts))}]"


def _number(number: object) -> str:
    """Return a number, a whole one without a point: a point more or less should not change the look of a log."""
    if number is None:
        return "null"
    if type(number) is int:
        return repr(number)
    if isinstance(number, float) and math.isfinite(number):
        return repr(int(number) if number.is_integer() else float(number))
    return json.dumps(None if isinstance(number, float) else number, default=str)


def _share(cost: Any, of: int) -> str:
    """Return what one of so many recipients cost."""
    return _number(cost / max(1, of) if isinstance(cost, int | float) else cost)


def _truth(truth: bool) -> str:
    return "true" if truth else "false"


def _counts(counts: Mapping[Any, int]) -> str:
    return f"{{{','.join([f'{_text(name)}:{count}' for name, count in counts.items()])}}}"


def notifykit_sinks(settings: Settings) -> list[JsonlSink]:
    """Bring ``jsonl`` where the settings name a log file."""
    return [JsonlSink(settings.log_file)] if settings.log_file else []
