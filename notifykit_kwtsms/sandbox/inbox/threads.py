"""The inbox as a phone shows it: a row for each number, and one for each request that went to many."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from notifykit_kwtsms.sandbox.inbox.message import CapturedMessage
from notifykit_kwtsms.sandbox.models import show_number


@attrs.frozen
class Thread:
    """A conversation."""

    #: ``number``, or ``batch`` for one request to several numbers.
    kind: str
    #: Names it: the number, or ``batch:7``.
    key: str = attrs.field(repr=show_number)
    #: The number; None for a batch.
    number: str | None = attrs.field(repr=show_number)
    #: Its messages, newest first; there is at least one.
    messages: tuple[CapturedMessage, ...] = attrs.field(repr=False)

    @property
    def last(self) -> CapturedMessage:
        """The newest message."""
        return self.messages[0]


def threads(messages: Iterable[CapturedMessage], *, fold: bool = True) -> list[Thread]:
    """Return the conversations, the one with the newest message first.

    :param messages: newest first.
    :param fold: make one row of a request to several numbers; otherwise it stands in the row of each of them.
    """
    found: dict[str, list[CapturedMessage]] = {}
    batches: set[str] = set()
    for message in messages:
        if fold and len(message.numbers) > 1:
            key = f"batch:{message.id}"
            batches.add(key)
            found[key] = [message]
        else:
            # Each number once, also where a request named it twice; a request may name none at all.
            for number in dict.fromkeys(message.numbers) or ("",):
                found.setdefault(number, []).append(message)
    return [
        Thread("batch", key, None, tuple(inside)) if key in batches else Thread("number", key, key, tuple(inside))
        for key, inside in found.items()
    ]
