"""What a test asks of messages: methods that return messages, or fail with a table of what was sent.

Numbers and texts are in the failures in clear: they are those of a test, and its reader has to find the difference.
"""

from __future__ import annotations

import abc
import difflib
import re
import shutil
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self, TypeGuard

import attrs

from notifykit.suggest import did_you_mean
from notifykit.testing.messages import FIELDS, Sent

#: pytest shows the line of the test, and not those of this module.
__tracebackhide__ = True

#: What :meth:`Assertions.assert_in_order` takes for one message: its fields, or only its text.
Step = Mapping[str, Any] | str | re.Pattern[str]

#: The collections that mean "one of these".
_COLLECTIONS: Final[tuple[type, ...]] = (set, frozenset, list, tuple, range, type({}.keys()), type({}.values()))
#: The most messages that a table shows.
_MOST_ROWS: Final = 20
#: The narrowest and the widest table, in columns of the screen.
_WIDTHS: Final = (72, 160)
#: The widest column but the text's.
_WIDEST_COLUMN: Final = 32
#: Stands before a value that is not as expected.
_MARK: Final = "! "
_MORE: Final = "..."
#: A space at the end of a value.
_SPACE: Final = "\\x20"


class Assertions(abc.ABC):
    """The methods. Each takes what is expected of a message by the names of the fields of :class:`Sent`.

    A field is expected to be a literal, to have a regex in it, to satisfy a predicate, to be of a type, or to be one of a
    set, list or tuple. Addresses match however they are written, ``+965 9876 5432`` as well as ``96598765432``; a text
    literal is the whole text. ``True`` and ``False`` ask whether there is anything: ``otp=True``. ``tags``, ``edits``
    and ``links`` have to contain a literal, and all of a collection. A name that is no field is a TypeError.
    """

    @property
    @abc.abstractmethod
    def attempts(self) -> tuple[Sent, ...]:
        """Everything that was tried, accepted or not, in order."""

    @abc.abstractmethod
    def _sends_without_request(self) -> int:
        """Return how many sends made no request at all."""

    @abc.abstractmethod
    def _asserted(self, messages: tuple[Sent, ...]) -> None:
        """Remember messages as asserted."""

    def one(self, **fields: Any) -> Sent:
        """Return the only message that matches; none, or several, fail the test."""
        return self._exactly(1, Expected(fields))[0]

    def all(self, **fields: Any) -> tuple[Sent, ...]:
        """Return the messages that match, in order; there may be none."""
        found = self._matching(Expected(fields))
        self._asserted(found)
        return found

    def first(self, **fields: Any) -> Sent:
        """Return the first message that matches; none fails the test."""
        return self._some(Expected(fields), 0, "a message was expected")

    def last(self, **fields: Any) -> Sent:
        """Return the last message that matches; none fails the test."""
        return self._some(Expected(fields), -1, "a message was expected")

    def none(self, **fields: Any) -> bool:
        """Return True where no message matches, for ``assert outbox.none()``; one fails the test."""
        self.assert_none(**fields)
        return True

    def otp(self, **fields: Any) -> str:
        """Return the code of 4 to 8 digits in the last message that matches and has one; none fails the test."""
        code = self.last(**{"otp": True, **fields}).otp
        assert code is not None
        return code

    def assert_sent(self, **fields: Any) -> None:
        """Fail the test where no message matches."""
        expected = Expected(fields)
        self._some(expected, 0, "at least one message was expected")
        self._asserted(self._matching(expected))

    def assert_none(self, **fields: Any) -> None:
        """Fail the test where a message matches."""
        expected = Expected(fields)
        found = self._matching(expected)
        if found:
            raise self._failure("no message was expected", expected, len(found))

    def assert_count(self, count: int, **fields: Any) -> None:
        """Fail the test where more or fewer messages match."""
        self._exactly(count, Expected(fields))

    def assert_in_order(self, *steps: Step) -> None:
        """Fail the test where messages that match were not sent in this order; others may be between them.

        :param steps: the fields of each, ``{"to": "96598765432", "text": "Hello"}``; a text or a regex is its text.
        """
        accepted, start = self._accepted(), 0
        for number, step in enumerate(steps, 1):
            expected = Expected(step if isinstance(step, Mapping) else {"text": step})
            place = next((p for p in range(start, len(accepted)) if expected.matches(accepted[p])), None)
            if place is None:
                where = f"behind message {start}, which is number {number - 1}" if start else "at all"
                head = f"message number {number} of {len(steps)} was expected, and is not there {where}"
                raise self._failure(head, expected, len(self._matching(expected)))
            self._asserted((accepted[place],))
            start = place + 1

    def expect(self, count: int, **fields: Any) -> Expectation:
        """Return a block in which so many messages that match have to be sent: ``with outbox.expect(1, to=number):``."""
        return Expectation(self, count, Expected(fields))

    def _accepted(self) -> tuple[Sent, ...]:
        return tuple(message for message in self.attempts if message.accepted)

    def _matching(self, expected: Expected) -> tuple[Sent, ...]:
        return tuple(message for message in self._accepted() if expected.matches(message))

    def _exactly(self, count: int, expected: Expected) -> tuple[Sent, ...]:
        found = self._matching(expected)
        if len(found) != count:
            messages = "one message was" if count == 1 else f"{count} messages were"
            raise self._failure(f"exactly {messages} expected", expected, len(found))
        self._asserted(found)
        return found

    def _some(self, expected: Expected, index: int, head: str) -> Sent:
        found = self._matching(expected)
        if not found:
            raise self._failure(head, expected, 0)
        self._asserted((found[index],))
        return found[index]

    def _failure(self, head: str, expected: Expected, matching: int) -> AssertionError:
        accepted = self._accepted()
        end = " with:" if expected.fields else "."
        head = (
            f"{head}, {matching} of the {len(accepted)} that were sent {'matches' if matching == 1 else 'match'}{end}"
        )
        refused = [message for message in self.attempts if not message.accepted]
        text = failure_text(head, expected, accepted, refused)
        sends = self._sends_without_request()
        if sends:
            what = "1 send" if sends == 1 else f"{sends} sends"
            text += (
                f"\n\n{what} reached no transport: all recipients were rejected, skipped, or held back by a guard. "
                "The report of the send says why."
            )
        return AssertionError(text)


class Expectation(Assertions):
    """The messages of one block."""

    def __init__(self, outbox: Assertions, count: int, expected: Expected) -> None:
        self._outbox = outbox
        self._count = count
        self._expected = expected
        self._before: frozenset[int] = frozenset()
        self._result: tuple[Sent, ...] | None = None

    def __enter__(self) -> Self:
        self._before = frozenset(map(id, self._outbox.attempts))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._result = self.attempts
        if error is None:
            self._exactly(self._count, self._expected)

    @property
    def attempts(self) -> tuple[Sent, ...]:
        """Everything that was tried in the block."""
        if self._result is not None:
            return self._result
        return tuple(message for message in self._outbox.attempts if id(message) not in self._before)

    def _sends_without_request(self) -> int:
        return self._outbox._sends_without_request()  # noqa: SLF001

    def _asserted(self, messages: tuple[Sent, ...]) -> None:
        self._outbox._asserted(messages)  # noqa: SLF001


# --- what matches ---


@attrs.frozen
class Expected:
    """What is expected of a message, field by field.

    :raises TypeError: if a message has no field of that name.
    """

    #: What each field is expected to be.
    fields: Mapping[str, Any] = attrs.field()

    @fields.validator
    def _check_names(self, attribute: object, fields: Mapping[str, Any]) -> None:
        for name in fields:
            if name not in FIELDS:
                hint = did_you_mean(name, FIELDS, form="did you mean {!r}?")
                raise TypeError(f"a message has no field {name!r}: {hint}")

    def misses(self, message: Sent) -> tuple[str, ...]:
        """Return the fields in which a message is not as expected."""
        return tuple(
            name for name, want in self.fields.items() if not field_matches(name, getattr(message, name), want)
        )

    def matches(self, message: Sent) -> bool:
        """Return whether a message is as expected."""
        return not self.misses(message)

    def distance(self, message: Sent) -> tuple[int, float]:
        """Return how far a message is from what was expected: the fields that differ, then how much they do."""
        misses = self.misses(message)
        return len(misses), sum(_difference(name, getattr(message, name), self.fields[name]) for name in misses)

    def lines(self) -> list[str]:
        """Return each field and what it was expected to be, as text."""
        return [f"{name} {_shown(wanted)}" for name, wanted in self.fields.items()]


def field_matches(name: str, value: object, wanted: object) -> bool:
    """Return whether the value of a field is as expected."""
    if isinstance(wanted, re.Pattern):
        values = value if isinstance(value, tuple) else (value,)
        return any(one is not None and wanted.search(str(one)) is not None for one in values)
    if callable(wanted):
        return isinstance(value, wanted) if isinstance(wanted, type) else bool(wanted(value))
    if _is_collection(wanted):
        return _matches_collection(name, value, wanted)
    if isinstance(wanted, bool) and not isinstance(value, bool):
        return bool(value) is wanted
    if name in ("to", "raw") and isinstance(value, str) and isinstance(wanted, str):
        return plain_address(value) == plain_address(wanted)
    return bool(wanted == value) or (isinstance(value, tuple) and wanted in value)


def _matches_collection(name: str, value: object, wanted: Collection[Any]) -> bool:
    """Return whether a field with several values has all of a collection, or one with a single value is one of it."""
    if isinstance(value, tuple):
        return all(one in value for one in wanted) if wanted else not value
    return any(field_matches(name, value, one) for one in wanted)


def plain_address(address: str) -> str:
    """Return an address without what people write into it: ``+965 ٩٨٧٦-5432`` becomes ``96598765432``."""
    if "@" in address:
        return address.strip().casefold()
    digits = "".join(str(unicodedata.digit(c)) for c in address if c.isdigit())
    rest = [c for c in address if not (c.isdigit() or c.isspace() or c in "+-()./" or unicodedata.category(c) == "Cf")]
    return address.strip() if rest or not digits else digits.removeprefix("00")


def _shown(wanted: object) -> str:
    if isinstance(wanted, re.Pattern):
        flags = "i" if wanted.flags & re.IGNORECASE else ""
        return f"like /{wanted.pattern}/{flags}"
    if isinstance(wanted, type):
        return f"a {wanted.__name__}"
    if callable(wanted):
        name = getattr(wanted, "__name__", type(wanted).__name__)
        return "for which a lambda is true" if name == "<lambda>" else f"for which {name}() is true"
    if _is_collection(wanted):
        several = list(wanted)
        return f"one of {', '.join(_shown(one).removeprefix('= ') for one in several)}" if several else "one of nothing"
    return f"= {wanted!r}"


def _is_collection(wanted: object) -> TypeGuard[Collection[Any]]:
    return isinstance(wanted, _COLLECTIONS)


def _difference(name: str, value: object, wanted: object) -> float:
    """Return how much a value differs from what was expected, at most 1; another address differs by 1."""
    if name == "to":
        return 1.0
    if isinstance(wanted, str) and isinstance(value, str):
        return 1 - difflib.SequenceMatcher(None, value[:500], wanted[:500], autojunk=False).quick_ratio()
    if _is_collection(wanted) and not isinstance(value, tuple):
        return min((_difference(name, value, one) for one in wanted), default=1.0)
    return 0.9


# --- tables ---


def failure_text(head: str, expected: Expected, sent: Sequence[Sent], refused: Sequence[Sent] = ()) -> str:
    """Return the text of a failed assertion, the nearest message first.

    :param head: what should have happened, in one sentence.
    :param expected: what was expected of a message.
    :param sent: the messages that were accepted.
    :param refused: what was tried and not accepted.
    """
    lines = [head, *(f"    {line}" for line in expected.lines()), ""]
    lines += _table(expected, sent) if sent else ["Nothing was sent."]
    matching = [message for message in refused if expected.matches(message)]
    if matching:
        what = "message that matches was" if len(matching) == 1 else "messages that match were"
        lines += [
            "",
            f"{len(matching)} {what} tried and not accepted: see outbox.attempts.",
            *_table(expected, matching),
        ]
    text, texts = expected.fields.get("text"), [message.text for message in sent]
    if isinstance(text, str) and text and text not in texts and any(text in other for other in texts):
        lines += ["", "The text is a part of one that was sent: text=re.compile(re.escape(...)) asks for a part."]
    return "\n".join(lines)


def message_table(head: str, messages: Sequence[Sent]) -> str:
    """Return a sentence and a table of the messages that it is about."""
    return "\n".join((head, "", *_table(Expected({}), messages)))


@attrs.frozen
class _Cell:
    text: str
    differs: bool = False


def _table(expected: Expected, sent: Sequence[Sent]) -> list[str]:
    numbered = list(enumerate(sent, 1))
    if expected.fields:
        numbered.sort(key=lambda pair: expected.distance(pair[1]))
    # The text is the last column: right-to-left letters would reorder the columns behind it.
    names = [*(name for name in dict.fromkeys(("to", "sender", *expected.fields)) if name != "text"), "text"]
    rows = [[_Cell(str(number)), *_cells(expected, message, names)] for number, message in numbered[:_MOST_ROWS]]
    marks = any(cell.differs for row in rows for cell in row)
    header = [_Cell("#"), *(_Cell(name) for name in names)]
    columns = list(zip(header, *rows, strict=True))[:-1]
    limits = [min(max(_width(cell.text) for cell in column), _WIDEST_COLUMN) for column in columns]
    narrowest, widest = _WIDTHS
    screen = min(max(shutil.get_terminal_size((100, 24)).columns, narrowest), widest)
    room = screen - sum(limits) - (2 + len(_MARK) * marks) * len(header)
    lines = [_line(row, [*limits, max(room, 24)], marks=marks) for row in (header, *rows)]
    if len(sent) > _MOST_ROWS:
        lines.append(f"{len(sent) - _MOST_ROWS} more are not shown.")
    if marks:
        lines.append(f"({_MARK.strip()} marks what differs; # is the order in which they were sent)")
    return lines


def _cells(expected: Expected, message: Sent, names: Iterable[str]) -> Iterable[_Cell]:
    misses = expected.misses(message)
    for name in names:
        value, wanted = getattr(message, name), expected.fields.get(name)
        text = _cell_text(name, value)
        if name in misses and isinstance(wanted, str) and isinstance(value, str):
            pairs = enumerate(zip(value, wanted, strict=False))
            first = next((index for index, (one, other) in pairs if one != other), min(len(value), len(wanted)))
            # A long text begins shortly before the first difference.
            text = text if first < 30 else f"{_MORE}{text[first - 15 :]}"
        yield _Cell(text, name in misses)


def _cell_text(name: str, value: object) -> str:
    """Return a value as text, with everything visible that is hidden: line breaks, marks, spaces at an end."""
    if isinstance(value, tuple):
        value = len(value) if name == "edits" else ", ".join(map(str, value))
    text = "-" if value is None else str(value)
    shown = "".join(_visible(character) for character in text.strip(" "))
    before, behind = len(text) - len(text.lstrip(" ")), len(text) - len(text.rstrip(" "))
    return f"{_SPACE * before}{shown}{_SPACE * behind}" if shown else _SPACE * len(text)


def _visible(character: str) -> str:
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"):
        return character.encode("unicode_escape", "surrogatepass").decode()
    return character


def _line(row: Sequence[_Cell], limits: Sequence[int], *, marks: bool) -> str:
    parts = []
    for index, (cell, limit) in enumerate(zip(row, limits, strict=True)):
        mark = (_MARK if cell.differs else " " * len(_MARK)) if marks and index else ""
        text = cell.text
        if _width(text) > limit:
            while text and _width(text) > limit - len(_MORE):
                text = text[:-1]
            text += _MORE
        parts.append(f"{mark}{text}{' ' * (limit - _width(text))}")
    return "  ".join(parts).rstrip()


def _width(text: str) -> int:
    """Return the columns that a text takes on a screen."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
