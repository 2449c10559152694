"""What the client's side thinks of a text: its own count, what cheaper characters save, what its cleaners would do.

Only what the inbox shows comes from here. The gateway counts for itself, so that the two can disagree.
"""

from __future__ import annotations

from typing import Any

from notifykit_kwtsms.sandbox.inbox.message import CapturedMessage
from notifykit_kwtsms.sandbox.reading.segments import ROOM, Count, count
from notifykit_kwtsms.text.cleaning import clean
from notifykit_kwtsms.text.gsm7 import nearest
from notifykit_kwtsms.text.segments import count_segments, measure, to_gsm7


def offset16(text: str, position: int) -> int:
    """Return a place in a text in UTF-16 units, as JavaScript counts."""
    return position + sum(character > "\uffff" for character in text[:position])


def analysis(text: str, counted: Count) -> dict[str, Any]:
    """Return what a text takes up, with the place of every boundary and of every expensive character."""
    whole, part = ROOM[counted.encoding]
    room = whole if counted.segments == 1 else part
    used = [_size(piece, counted.encoding) for piece in _pieces(text, counted)[:-1]]
    saves = {character: _alone(text, character) for character in {item.character for item in counted.forced}}
    return {
        "encoding": counted.encoding,
        "units": counted.units,
        "segments": counted.segments,
        "room": room,
        "capacity": room * counted.segments,
        "units-left": counted.units_left,
        "starts": list(counted.starts),
        "starts16": [offset16(text, start) for start in counted.starts],
        "wasted": [room - units for units in used],
        "forced": [
            {
                "position": item.position,
                "position16": offset16(text, item.position),
                "character": item.character,
                "code": ord(item.character),
                "name": item.name,
                "reason": "not in GSM-7",
                "nearest": nearest(item.character),
                "saves": saves[item.character],
            }
            for item in counted.forced
        ],
    }


def savings(message: CapturedMessage) -> dict[str, Any] | None:
    """Return what the message would be with every expensive character replaced; None where nothing can be."""
    text = message.text
    found = list(dict.fromkeys(item.character for item in message.analysis.forced))
    swaps = [(character, replacement) for character in found if (replacement := nearest(character)) is not None]
    if not swaps:
        return None
    replaced = to_gsm7(text) if len(swaps) == len(found) else text
    if replaced == text:
        replaced = text.translate({ord(character): replacement for character, replacement in swaps})
    after = count(replaced)
    saved = message.segments - after.segments
    price = message.points / message.segments if message.accepted else 0
    return {
        "text": replaced,
        "encoding": after.encoding,
        "units": after.units,
        "segments": after.segments,
        "saves": saved,
        "points": round(saved * price, 4),
        "replace": [{"character": character, "nearest": replacement} for character, replacement in swaps],
    }


def own_count(message: CapturedMessage, price: float) -> dict[str, Any]:
    """Return what the client's side counts beside what the gateway charged.

    :param price: points that a segment costs for all numbers together.
    """
    size = measure(message.text)
    segments = max(size.segments, 1)
    points = round(segments * price, 4)
    said = message.points if message.accepted else None
    return {
        "encoding": size.encoding,
        "units": size.units,
        "segments": segments,
        "points": points,
        "gateway-points": said,
        "agrees": agrees(message, price),
    }


def agrees(message: CapturedMessage, price: float) -> bool | None:
    """Return whether the client's side counts as many points as the gateway charged; None where it charged none."""
    if not message.accepted:
        return None
    return abs(max(count_segments(message.text), 1) * price - message.points) < 0.001


def cleaned(message: CapturedMessage) -> dict[str, Any]:
    """Return what the client's cleaners would do to the text that arrived, edit by edit."""
    text = message.text
    result = clean(text)
    after = count(result.text)
    edits = []
    # The cleaners work one after the other: each finds the text that the one before it left.
    current, cleaner = text, ""
    pending: list[tuple[int, int, str]] = []
    for edit in result.edits:
        if edit.cleaner != cleaner:
            current, cleaner, pending = _applied(current, pending), edit.cleaner, []
        pending.append((edit.start, edit.end, edit.after))
        edits.append(
            {
                "cleaner": edit.cleaner,
                "reason": edit.reason,
                "position": edit.start,
                "position16": offset16(current, edit.start),
                "before": edit.before,
                "after": edit.after,
            }
        )
    return {
        "text": result.text,
        "changed": result.text != text,
        "encoding": after.encoding,
        "units": after.units,
        "segments": after.segments,
        "saves": message.segments - after.segments,
        "edits": edits,
    }


def _size(piece: str, encoding: str) -> int:
    return offset16(piece, len(piece)) if encoding == "ucs2" else count(piece).units


def _pieces(text: str, counted: Count) -> list[str]:
    ends = (*counted.starts[1:], len(text))
    return [text[start:end] for start, end in zip(counted.starts, ends, strict=True)]


def _alone(text: str, character: str) -> int:
    """Return the segments that are saved by replacing this character alone, everywhere."""
    replacement = nearest(character)
    if replacement is None:
        return 0
    return count(text).segments - count(text.replace(character, replacement)).segments


def _applied(text: str, changes: list[tuple[int, int, str]]) -> str:
    for start, end, after in reversed(changes):
        text = text[:start] + after + text[end:]
    return text
