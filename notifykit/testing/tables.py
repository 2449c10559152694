"""A failure that a person can read: what was expected, and what was sent, the nearest miss first.

Numbers and texts stand in it in clear: they are those of a test, and whoever reads it has to find the difference.
"""

from __future__ import annotations

import shutil
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

import attrs

from notifykit.testing.matching import Expected
from notifykit.testing.sent import Sent

#: The most messages that are shown.
_MOST: Final = 20
_NARROWEST: Final = 72
_WIDEST: Final = 160
#: What a column other than the text may take at most.
_COLUMN: Final = 32
_ALWAYS: Final = ("to", "sender")
#: Stands in front of what is not as it was expected.
_MARK: Final = "! "
_MORE: Final = "..."
#: A space where nobody would see it.
_SPACE: Final = "\\x20"


def explained(head: str, expected: Expected, sent: Sequence[Sent], refused: Sequence[Sent] = ()) -> str:
    """Return the words of a failed assertion.

    :param head: what was expected to happen, in one sentence.
    :param expected: what was expected of a message.
    :param sent: what was sent.
    :param refused: what was tried, and not taken.
    """
    lines = [head]
    lines += [f"    {line}" for line in expected.lines()]
    lines += ["", *(_table(expected, sent) if sent else ["Nothing was sent."])]
    fitting = [message for message in refused if expected.fits(message)]
    if fitting:
        what = "message that fits was" if len(fitting) == 1 else "messages that fit were"
        lines += ["", f"{len(fitting)} {what} tried and not taken: see outbox.attempts.", *_table(expected, fitting)]
    lines += _hints(expected, sent)
    return "\n".join(lines)


def listed(head: str, messages: Sequence[Sent]) -> str:
    """Return a sentence and the messages that it is about."""
    return "\n".join((head, "", *_table(Expected({}), messages)))


@attrs.frozen
class _Cell:
    text: str
    differs: bool = False


def _table(expected: Expected, sent: Sequence[Sent]) -> list[str]:
    numbered = list(enumerate(sent, 1))
    if expected.fields:
        numbered.sort(key=lambda pair: expected.distance(pair[1]))
    names = [*dict.fromkeys((*_ALWAYS, *expected.fields))]
    # The text comes last: letters that are written from the right would put columns behind it out of order.
    names = [*(name for name in names if name != "text"), "text"]
    rows = [[_Cell(str(number)), *_cells(expected, message, names)] for number, message in numbered[:_MOST]]
    marks = any(cell.differs for row in rows for cell in row)
    header = [_Cell("#"), *(_Cell(name) for name in names)]
    last = _width("text")
    limits = [max(map(_width, (row[i].text for row in (header, *rows)))) for i in range(len(header) - 1)]
    limits = [min(limit, _COLUMN) for limit in limits]
    room = _room() - sum(limits) - (2 + len(_MARK) * marks) * len(header)
    lines = [_line(row, [*limits, max(room, last + 20)], marks=marks) for row in (header, *rows)]
    if len(sent) > _MOST:
        lines.append(f"{len(sent) - _MOST} more are not shown.")
    if marks:
        lines.append(f"({_MARK.strip()} stands in front of what differs; # is the order in which they were sent)")
    return lines


def _cells(expected: Expected, message: Sent, names: Iterable[str]) -> Iterable[_Cell]:
    misses = expected.misses(message)
    for name in names:
        value = getattr(message, name)
        wanted = expected.fields.get(name)
        text = _said(name, value)
        if name in misses and isinstance(wanted, str) and isinstance(value, str):
            text = _around(text, _first_difference(value, wanted))
        yield _Cell(text, name in misses)


def _said(name: str, value: object) -> str:
    if isinstance(value, tuple):
        value = len(value) if name == "edits" else ", ".join(map(str, value))
    text = "-" if value is None else str(value)
    # Line breaks and hidden characters would break the table, and are what a person has to see; so are spaces at an end.
    shown = "".join(_visible(character) for character in text.strip(" "))
    before, behind = len(text) - len(text.lstrip(" ")), len(text) - len(text.rstrip(" "))
    return f"{_SPACE * before}{shown}{_SPACE * behind}" if shown else _SPACE * len(text)


def _visible(character: str) -> str:
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"):
        return character.encode("unicode_escape", "surrogatepass").decode()
    return character


def _first_difference(value: str, wanted: str) -> int:
    pairs = enumerate(zip(value, wanted, strict=False))
    return next((index for index, (one, other) in pairs if one != other), min(len(value), len(wanted)))


def _around(text: str, index: int) -> str:
    """Return a long text from a little before the place that a person has to see."""
    return text if index < 30 else f"{_MORE}{text[index - 15 :]}"


def _line(row: Sequence[_Cell], limits: Sequence[int], *, marks: bool) -> str:
    parts = []
    for index, (cell, limit) in enumerate(zip(row, limits, strict=True)):
        mark = (_MARK if cell.differs else " " * len(_MARK)) if marks and index else ""
        text = _short(cell.text, limit)
        parts.append(f"{mark}{text}{' ' * (limit - _width(text))}")
    return "  ".join(parts).rstrip()


def _short(text: str, limit: int) -> str:
    if _width(text) <= limit:
        return text
    while text and _width(text) > limit - len(_MORE):
        text = text[:-1]
    return text + _MORE


def _width(text: str) -> int:
    """Return the columns that a text takes up on a screen."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _room() -> int:
    return min(max(shutil.get_terminal_size((100, 24)).columns, _NARROWEST), _WIDEST)


def _hints(expected: Expected, sent: Sequence[Sent]) -> list[str]:
    text = expected.fields.get("text")
    texts = [message.text for message in sent]
    if isinstance(text, str) and text and text not in texts and any(text in other for other in texts):
        return ["", "The text stands inside of one that was sent: text=re.compile(re.escape(...)) asks for a part."]
    return []
