"""``jsonl``: one JSON object a fact, one line an object, one write a line.

The file is made with mode 0600 and written by ``O_APPEND``, so several processes can share it and no line is torn.
Every row has ``v``, the version of this shape. An attempt is one row for each recipient: counting rows counts
messages. ``log_numbers`` and ``log_body`` decide what is in clear.
"""

from __future__ import annotations

import datetime
import functools
import os
from collections.abc import Iterable, Iterator
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
from notifykit.hookspecs import hookimpl
from notifykit.settings import Settings
from notifykit.sinks.lines import LineFile

#: The version of the shape of a row.
VERSION: Final = 1


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
        for row in rows(event):
            self._file.write(row)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def rows(event: Event) -> Iterator[dict[str, Any]]:
    """Return the rows of an event, as they are written."""
    head = {"v": VERSION, "ts": _stamp(event.at), "event": event.name, "id": event.id}
    for facts in _facts(event):
        yield head | facts


@functools.singledispatch
def _facts(event: Event) -> Iterable[dict[str, Any]]:
    return [{}]


@_facts.register
def _(event: AttemptFinished) -> Iterable[dict[str, Any]]:
    before = {"batch": event.batch, "attempt": event.attempt, "transport": event.transport, "inside": event.inside}
    after = {
        "error": event.error,
        "sender": event.sender,
        "encoding": event.encoding,
        "segments": event.segments,
        "units": event.units,
        "msg_id": event.message_id,
        "cost": None if event.cost is None else _plain(event.cost / max(1, len(event.recipients))),
        "balance": None if event.balance is None else _plain(event.balance),
        "elapsed_ms": event.elapsed_ms,
        "test": event.test,
        "warnings": list(event.warnings),
        "tags": list(event.tags),
    }
    return (before | _who(recipient) | after for recipient in event.recipients)


@_facts.register
def _(event: RecipientSetAside) -> Iterable[dict[str, Any]]:
    return [_who(event.recipient) | {"reason": event.reason}]


@_facts.register
def _(event: BatchSetAside) -> Iterable[dict[str, Any]]:
    return ({"batch": event.batch} | _who(recipient) | {"reason": event.reason} for recipient in event.recipients)


@_facts.register
def _(event: RetryScheduled) -> Iterable[dict[str, Any]]:
    return [_picked(event, "batch", "attempt", "transport", "wait", "code", "error")]


@_facts.register
def _(event: BatchFinished) -> Iterable[dict[str, Any]]:
    before = {"batch": event.batch, "transport": event.transport}
    after = {
        "sender": event.sender,
        "segments": event.segments,
        "cost": None if event.cost is None else _plain(event.cost / max(1, len(event.recipients))),
        "test": event.test,
        "tags": list(event.tags),
    }
    return (before | _who(recipient) | after for recipient in event.recipients)


@_facts.register
def _(event: FailedOver) -> Iterable[dict[str, Any]]:
    return [
        _picked(event, "batch", "transport", "instead_of", "numbers", "code", "scope", "error")
        | {"tags": list(event.tags)}
    ]


@_facts.register
def _(event: MessagePlanned) -> Iterable[dict[str, Any]]:
    sizes = _picked(event, "encoding", "segments", "units")
    edits = {"edits": dict(event.edits)}
    return [_picked(event, "transport", "sender", "text") | edits | sizes | {"tags": list(event.tags)}]


@_facts.register
def _(event: SendFinished) -> Iterable[dict[str, Any]]:
    counts = {"counts": {outcome.value: count for outcome, count in event.counts.items()}}
    return [_picked(event, "transport", "cost", "elapsed_ms") | counts | {"tags": list(event.tags)}]


@_facts.register
def _(event: DeliveryChanged) -> Iterable[dict[str, Any]]:
    facts = {"msg_id": event.message_id, "before": event.before and event.before.value, "state": event.state.value}
    happened = {"happened": event.happened and _stamp(event.happened)}
    return [facts | _picked(event, "words", "to", "to_hash", "contradicted", "transport") | happened]


@_facts.register
def _(event: PluginFailed) -> Iterable[dict[str, Any]]:
    return [_picked(event, "kind", "plugin", "error", "traceback")]


def _stamp(moment: datetime.datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _picked(event: Event, *names: str) -> dict[str, Any]:
    return {name: getattr(event, name) for name in names}


def _who(recipient: LoggedRecipient) -> dict[str, Any]:
    return {
        "outcome": recipient.outcome.value,
        "code": recipient.code,
        "to": recipient.to,
        "to_hash": recipient.to_hash,
        "country": recipient.country,
    }


def _plain(number: float) -> float:
    """Return a whole number as an int: a point more or less in a log should not change its look."""
    return int(number) if number == int(number) else number


@hookimpl
def notifykit_sinks(settings: Settings) -> list[JsonlSink]:
    """Bring ``jsonl`` where the settings name a log file."""
    return [JsonlSink(settings.log_file)] if settings.log_file else []
