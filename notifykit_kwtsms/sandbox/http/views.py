"""What the sandbox's API shows of messages, conversations, faults and the queue.

The inbox also shows what notifykit thinks of a text: its own count, what replacing characters saves, what its cleaners
would do. The gateway counts for itself, so that the two can disagree.
"""

from __future__ import annotations

import datetime
import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, TypeAlias

import attrs

from notifykit_kwtsms.api.codes import CODES
from notifykit_kwtsms.sandbox.clock import as_utc
from notifykit_kwtsms.sandbox.faults.active import ActiveFault
from notifykit_kwtsms.sandbox.faults.catalogue import KINDS
from notifykit_kwtsms.sandbox.gateway import delivery
from notifykit_kwtsms.sandbox.gateway.accounts import Account
from notifykit_kwtsms.sandbox.inbox.message import CapturedMessage, CapturedRequest, CapturedResponse, Dropped, Event
from notifykit_kwtsms.sandbox.models import View
from notifykit_kwtsms.sandbox.numbers import country_of, is_kuwaiti, price
from notifykit_kwtsms.sandbox.segments import ROOM, Count, count_text
from notifykit_kwtsms.sandbox.texts import gets_stuck, has_tags, is_right_to_left
from notifykit_kwtsms.text.cleaning import clean
from notifykit_kwtsms.text.gsm7 import nearest
from notifykit_kwtsms.text.segments import count_segments, measure, to_gsm7

_Encoding: TypeAlias = Literal["gsm7", "ucs2"]
_Numbers: TypeAlias = tuple[int, ...]
_Texts: TypeAlias = tuple[str, ...]


@attrs.frozen
class Check:
    """A remark about a message."""

    #: How grave it is.
    level: Literal["error", "warning", "info"]
    #: Its name.
    name: str
    #: The remark.
    words: str


def offset16(text: str, position: int) -> int:
    """Return a place in a text in UTF-16 units, as JavaScript counts."""
    return position + sum(character > "\uffff" for character in text[:position])


@functools.lru_cache(maxsize=64)
def _saves(text: str, character: str) -> int:
    """Return the segments that are saved by replacing this character alone, everywhere."""
    replacement = nearest(character)
    return (
        0
        if replacement is None
        else len(count_text(text).starts) - count_text(text.replace(character, replacement)).segments
    )


def _room(counted: Count) -> int:
    whole, part = ROOM[counted.encoding]
    return whole if counted.segments == 1 else part


def _wasted(counted: Count, text: str) -> Iterator[int]:
    """Yield the unused units of each segment but the last."""
    for start, end in zip(counted.starts, counted.starts[1:], strict=False):
        piece = text[start:end]
        used = offset16(piece, len(piece)) if counted.encoding == "ucs2" else count_text(piece).units
        yield _room(counted) - used


_SIZE: Final = View("Size", {"encoding": _Encoding, "units": int, "segments": int})
_FORCED: Final = View(
    "ForcedCharacter",
    {
        "position": int,
        "position16": (int, lambda forced, text: offset16(text, forced.position)),
        "character": str,
        "code": (int, lambda forced, text: ord(forced.character)),
        "name": str,
        "reason": (str, lambda forced, text: "not in GSM-7"),
        "nearest": (str | None, lambda forced, text: nearest(forced.character)),
        "saves": (int, lambda forced, text: _saves(text, forced.character)),
    },
)
#: What a text takes up, with the place of every boundary and of every character outside GSM-7. Takes count and text.
ANALYSIS: Final = View(
    "Analysis",
    {
        "room": (int, lambda counted, text: _room(counted)),
        "capacity": (int, lambda counted, text: _room(counted) * counted.segments),
        "units-left": int,
        "starts": _Numbers,
        "starts16": (_Numbers, lambda counted, text: [offset16(text, start) for start in counted.starts]),
        "wasted": (_Numbers, lambda counted, text: list(_wasted(counted, text))),
        "forced": ([_FORCED], lambda counted, text: [_FORCED(forced, text) for forced in counted.forced]),
    },
    extends=_SIZE,
)

_REPLACEMENT: Final = View(
    "Replacement", {"character": (str, lambda character: character), "nearest": (str | None, nearest)}
)
_SUGGESTIONS: Final = View(
    "Savings",
    {
        "text": (str, lambda after, message, text, replaced: text),
        "saves": (int, lambda after, message, *_: message.segments - after.segments),
        "points": (float, lambda after, message, *_: _saved_points(message, after)),
        "replace": ([_REPLACEMENT], lambda after, message, text, replaced: [_REPLACEMENT(item) for item in replaced]),
    },
    extends=_SIZE,
)


def _saved_points(message: CapturedMessage, after: Count) -> float:
    each = message.points / message.segments if message.accepted else 0
    return round((message.segments - after.segments) * each, 4)


def _suggestions(message: CapturedMessage) -> dict[str, Any] | None:
    """Return what the message would be with every character outside GSM-7 replaced; None where nothing can be."""
    text = message.text
    found = list(dict.fromkeys(item.character for item in message.analysis.forced))
    swaps = {character: replacement for character in found if (replacement := nearest(character)) is not None}
    if not swaps:
        return None
    replaced = to_gsm7(text) if len(swaps) == len(found) else text
    if replaced == text:
        replaced = text.translate({ord(character): replacement for character, replacement in swaps.items()})
    return _SUGGESTIONS(count_text(replaced), message, replaced, swaps)


def _price_of(message: CapturedMessage, account: Account | None) -> float:
    """Return points that a segment of a message costs for all its numbers together."""
    return sum(price(number, account.prices if account else {}) for number in message.numbers)


def _agrees(message: CapturedMessage, account: Account | None) -> bool | None:
    """Return whether notifykit counts as many points as the gateway charged; None where it charged none."""
    if not message.accepted:
        return None
    return abs(max(count_segments(message.text), 1) * _price_of(message, account) - message.points) < 0.001


_CLIENT_COUNT: Final = View(
    "ClientCount",
    {
        "segments": (int, lambda size, message, account: max(size.segments, 1)),
        "points": (
            float,
            lambda size, message, account: round(max(size.segments, 1) * _price_of(message, account), 4),
        ),
        "gateway-points": (float | None, lambda size, message, _: message.points if message.accepted else None),
        "agrees": (bool | None, lambda size, message, account: _agrees(message, account)),
    },
    extends=_SIZE,
)
_EDIT: Final = View(
    "CleanerEdit",
    {
        "cleaner": str,
        "reason": str,
        "position": (int, lambda edit, text: edit.start),
        "position16": (int, lambda edit, text: offset16(text, edit.start)),
        "before": str,
        "after": str,
    },
)
_CLEANED: Final = View(
    "Cleaned",
    {
        "text": (str, lambda after, result, message: result.text),
        "changed": (bool, lambda after, result, message: result.text != message.text),
        "saves": (int, lambda after, result, message: message.segments - after.segments),
        "edits": ([_EDIT], lambda after, result, message: list(_edits(message.text, result.edits))),
    },
    extends=_SIZE,
)


def _cleaned(message: CapturedMessage) -> dict[str, Any]:
    """Return what notifykit's cleaners would do to the text that arrived, edit by edit."""
    result = clean(message.text)
    return _CLEANED(count_text(result.text), result, message)


def _edits(text: str, edits: tuple[Any, ...]) -> Iterator[dict[str, Any]]:
    # The cleaners work one after the other: each finds the text that the one before it made.
    cleaner = ""
    pending: list[Any] = []
    for edit in edits:
        if edit.cleaner != cleaner:
            for done in reversed(pending):
                text = text[: done.start] + done.after + text[done.end :]
            cleaner, pending = edit.cleaner, []
        pending.append(edit)
        yield _EDIT(edit, text)


def _checks(message: CapturedMessage, account: Account | None) -> Iterator[Check]:
    """Yield remarks about a message, the gravest first: the SMS counterpart of a spam check."""
    if message.code:
        yield Check(
            "error", message.code, CODES[message.code].meaning if message.code in CODES else "The gateway refused it."
        )
    if message.dropped:
        yield Check(
            "warning", "dropped", f"{len(message.dropped)} of the numbers were dropped; the answer doesn't say so."
        )
    if has_tags(message.text):
        yield Check("warning", "html", "The text holds HTML tags: the gateway refuses those with ERR027.")
    if gets_stuck(message.text):
        stuck = "Emoji or hidden characters: the gateway takes the message, charges for it, and never sends it."
        yield Check("warning", "stuck", stuck)
    if message.links and not all(map(is_kuwaiti, message.numbers)):
        yield Check("warning", "links", "Networks outside Kuwait filter messages with links.")
    if account is not None and message.sender in account.promotional:
        yield Check(
            "warning", "promotional", "A promotional sender: slow, and never delivered to people who opted out."
        )
        if message.otp:
            yield Check("warning", "otp-sender", "A code goes by a transactional sender, or some people never see it.")
    yield from _size_checks(message)


def _size_checks(message: CapturedMessage) -> Iterator[Check]:
    if message.analysis.forced:
        shown = " ".join(list(dict.fromkeys(item.character for item in message.analysis.forced))[:8])
        yield Check("info", "unicode", f"Unicode, 70 characters instead of 160, because of: {shown}")
    if message.segments > 1:
        yield Check("info", "segments", f"{message.segments} segments: every number costs that many times.")
    if message.queued:
        yield Check(
            "info", "test", "A test: it stays in the queue, reaches no phone, and its credits can be recovered."
        )


#: A fault as the inbox keeps it: ``close after accept (magic)``.
_FAULT_TEXT: Final = re.compile(r"(?P<do>\S+)(?: after (?P<after>\S+))?(?: \((?P<source>[^()]*)\))?")
_FAULT: Final = View(
    "FaultDetail",
    {
        "do": (str, lambda found: found["do"]),
        "after": (str | None, lambda found: found["after"]),
        "source": (str | None, lambda found: found["source"]),
        "meaning": (str, lambda found: _meaning(found["do"])),
    },
)


def _fault(described: str | None) -> dict[str, Any] | None:
    found = _FAULT_TEXT.match(described or "")
    return _FAULT(found) if found else None


def _meaning(do: str) -> str:
    return KINDS[do].meaning if do in KINDS else f"The gateway refuses with {do}."


#: What a list shows of a message. Takes message and account.
SUMMARY: Final = View(
    "MessageSummary",
    {
        "id": int,
        "msg-id": str | None,
        "at": datetime.datetime,
        "account": str,
        "sender": str,
        "to": (_Texts, lambda message, account: message.numbers),
        "count": (int, lambda message, account: len(message.numbers)),
        "text": str,
        "otp": str | None,
        "links": _Texts,
        **_SIZE.fields,
        "points": float,
        "balance-after": float | None,
        "test": bool,
        "accepted": bool,
        "code": str | None,
        "fault": str | None,
        "state": str,
        "queued": bool,
        "unread": bool,
        "tags": _Texts,
        "rtl": (bool, lambda message, account: is_right_to_left(message.text)),
        "agrees": (bool | None, _agrees),
    },
)
_STEP: Final = View(
    "PlannedStep",
    {"due": (datetime.datetime, lambda step: as_utc(step.due)), "state": str, "number": str | None},
)
#: Everything about a message. Takes message and account.
DETAIL: Final = View(
    "MessageDetail",
    {
        "dropped": tuple[Dropped, ...],
        "analysis": (ANALYSIS, lambda message, account: ANALYSIS(message.analysis, message.text)),
        "savings": (_SUGGESTIONS | None, lambda message, account: _suggestions(message)),
        "own": (_CLIENT_COUNT, lambda message, account: _CLIENT_COUNT(measure(message.text), message, account)),
        "cleaned": (_CLEANED, lambda message, account: _cleaned(message)),
        "checks": (tuple[Check, ...], lambda message, account: list(_checks(message, account))),
        "request": CapturedRequest,
        "response": CapturedResponse | None,
        "fault-detail": (_FAULT | None, lambda message, account: _fault(message.fault)),
        "states": (
            Mapping[str, str],
            lambda message, account: {number: message.state_of(number) for number in message.numbers},
        ),
        "timeline": tuple[Event, ...],
        "planned": ([_STEP], lambda message, account: [_STEP(step) for step in message.planned]),
        "next": (
            str | None,
            lambda message, account: delivery.next_state(message.state) if message.accepted else None,
        ),
        "possible": (_Texts, lambda message, account: delivery.STATES if message.accepted else ()),
    },
    extends=SUMMARY,
)
#: A row of the list of conversations. Takes thread and account.
THREAD: Final = View(
    "Thread",
    {
        "kind": Literal["number", "batch"],
        "key": str,
        "number": str | None,
        "count": (int, lambda thread, account: len(thread.last.numbers) if thread.number is None else 1),
        "messages": (int, lambda thread, account: len(thread.messages)),
        "unread": (int, lambda thread, account: sum(message.unread for message in thread.messages)),
        "rejected": (int, lambda thread, account: sum(not message.accepted for message in thread.messages)),
        "country": (
            str | None,
            lambda thread, account: country_of(thread.number or thread.last.to.partition(",")[0]),
        ),
        "sender": (str, lambda thread, account: thread.last.sender),
        "last": (SUMMARY, lambda thread, account: SUMMARY(thread.last, account)),
    },
)
#: An entry of a queue. Takes entry and message.
QUEUED: Final = View(
    "QueueEntry",
    {
        "msg-id": str,
        "account": str,
        "size": int,
        "points": float,
        "test": bool,
        "message": (int | None, lambda entry, message: message.id if message else None),
    },
)


def active_fault(item: ActiveFault) -> dict[str, Any]:
    """Return an active fault with its counters."""
    counters = {"id": item.id, "seen": item.seen, "fired": item.fired, "expires-in": item.expires_in}
    return counters | item.fault.to_json()
