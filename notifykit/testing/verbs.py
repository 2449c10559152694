"""What a test asks of messages: verbs that return them, and verbs that fail with a table of what was sent."""

from __future__ import annotations

import abc
import re
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from notifykit.testing.matching import Expected
from notifykit.testing.sent import Sent
from notifykit.testing.tables import explained

#: What :meth:`Verbs.assert_in_order` takes for one message: its fields, or only its text.
Step = Mapping[str, Any] | str | re.Pattern[str]


class Verbs(abc.ABC):
    """The verbs. Each takes what is expected of a message by the names of the fields of :class:`Sent`.

    What is expected of a field is a literal, a regex that is found in it, a predicate, a type, or a set, list or tuple
    of which one has to fit. An address fits however it is written, ``+965 9876 5432`` as well as ``96598765432``; a text
    literal is the whole text. ``True`` and ``False`` ask whether there is anything: ``otp=True``. For ``tags``, ``edits``
    and ``links`` a literal has to be among them, and of a collection all. A name that is no field is a TypeError.
    """

    @abc.abstractmethod
    def _taken(self) -> tuple[Sent, ...]:
        """Return what was sent, in order."""

    @abc.abstractmethod
    def _missed(self) -> tuple[Sent, ...]:
        """Return what was tried and not taken."""

    @abc.abstractmethod
    def _went_nowhere(self) -> int:
        """Return how many sends made no request at all."""

    @abc.abstractmethod
    def _asserted(self, messages: tuple[Sent, ...]) -> None:
        """Remember what a test knows of."""

    def one(self, **fields: Any) -> Sent:
        """Return the only message that fits; none, or several, fail the test."""
        __tracebackhide__ = True
        return self._exactly(1, Expected(fields))[0]

    def all(self, **fields: Any) -> tuple[Sent, ...]:
        """Return the messages that fit, in order; there may be none."""
        found = self._fitting(Expected(fields))
        self._asserted(found)
        return found

    def first(self, **fields: Any) -> Sent:
        """Return the first message that fits; none fails the test."""
        __tracebackhide__ = True
        return self._some(Expected(fields))[0]

    def last(self, **fields: Any) -> Sent:
        """Return the last message that fits; none fails the test."""
        __tracebackhide__ = True
        return self._some(Expected(fields), newest=True)[-1]

    def none(self, **fields: Any) -> bool:
        """Return True where no message fits; one that does fails the test."""
        __tracebackhide__ = True
        self.assert_none(**fields)
        return True

    def otp(self, **fields: Any) -> str:
        """Return the code of 4 to 8 digits in the last message that fits and has one; none fails the test."""
        __tracebackhide__ = True
        code = self.last(**{"otp": True, **fields}).otp
        assert code is not None
        return code

    def assert_sent(self, **fields: Any) -> None:
        """Fail the test where no message fits."""
        __tracebackhide__ = True
        expected = Expected(fields)
        found = self._fitting(expected)
        if not found:
            raise self._failure("at least one message was expected", expected, 0)
        self._asserted(found)

    def assert_none(self, **fields: Any) -> None:
        """Fail the test where a message fits."""
        __tracebackhide__ = True
        expected = Expected(fields)
        found = self._fitting(expected)
        if found:
            raise self._failure("no message was expected", expected, len(found))

    def assert_count(self, count: int, **fields: Any) -> None:
        """Fail the test where not so many messages fit."""
        __tracebackhide__ = True
        self._exactly(count, Expected(fields))

    def assert_in_order(self, *steps: Step) -> None:
        """Fail the test where messages that fit did not come in this order; others may come between them.

        :param steps: the fields of each, ``{"to": "96598765432", "text": "Hello"}``; a text or a regex is its text.
        """
        __tracebackhide__ = True
        taken, position = self._taken(), 0
        found: list[Sent] = []
        for number, step in enumerate(steps, 1):
            expected = Expected(step if isinstance(step, Mapping) else {"text": step})
            while position < len(taken) and not expected.fits(taken[position]):
                position += 1
            if position == len(taken):
                early = sum(expected.fits(message) for message in taken)
                where = (
                    f"behind message {taken.index(found[-1]) + 1}, which is number {number - 1}" if found else "at all"
                )
                said = f"message number {number} of {len(steps)} was expected, and is not there {where}"
                raise self._failure(said, expected, early)
            found.append(taken[position])
            position += 1
        self._asserted(tuple(found))

    def expect(self, count: int, **fields: Any) -> Expecting:
        """Return a block in which so many messages that fit have to be sent: ``with outbox.expect(1, to=number):``."""
        return Expecting(self, count, Expected(fields))

    def _fitting(self, expected: Expected) -> tuple[Sent, ...]:
        return tuple(message for message in self._taken() if expected.fits(message))

    def _exactly(self, count: int, expected: Expected) -> tuple[Sent, ...]:
        __tracebackhide__ = True
        found = self._fitting(expected)
        if len(found) != count:
            raise self._failure(f"exactly {_counted(count)} expected", expected, len(found))
        self._asserted(found)
        return found

    def _some(self, expected: Expected, *, newest: bool = False) -> tuple[Sent, ...]:
        __tracebackhide__ = True
        found = self._fitting(expected)
        if not found:
            raise self._failure("a message was expected", expected, 0)
        self._asserted(found[-1:] if newest else found[:1])
        return found

    def _failure(self, said: str, expected: Expected, fitting: int) -> AssertionError:
        taken = self._taken()
        asked = " with" if expected.fields else ""
        head = f"{said}, {fitting} of the {len(taken)} that were sent {'fits' if fitting == 1 else 'fit'}{asked}"
        words = explained(head + (":" if asked else "."), expected, taken, self._missed())
        return AssertionError(words + _nowhere(self._went_nowhere()))


class Expecting(Verbs):
    """The messages of one block."""

    def __init__(self, whole: Verbs, count: int, expected: Expected) -> None:
        self._whole = whole
        self._count = count
        self._expected = expected
        self._before: frozenset[int] = frozenset()
        self._until: tuple[tuple[Sent, ...], tuple[Sent, ...]] | None = None

    def __enter__(self) -> Self:
        self._before = frozenset(map(id, (*self._whole._taken(), *self._whole._missed())))  # noqa: SLF001 - its own kind
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        __tracebackhide__ = True
        self._until = (self._taken(), self._missed())
        if error is None:
            self._exactly(self._count, self._expected)

    def _taken(self) -> tuple[Sent, ...]:
        return self._until[0] if self._until else self._new(self._whole._taken())  # noqa: SLF001

    def _missed(self) -> tuple[Sent, ...]:
        return self._until[1] if self._until else self._new(self._whole._missed())  # noqa: SLF001

    def _went_nowhere(self) -> int:
        return self._whole._went_nowhere()  # noqa: SLF001

    def _asserted(self, messages: tuple[Sent, ...]) -> None:
        self._whole._asserted(messages)  # noqa: SLF001

    def _new(self, messages: tuple[Sent, ...]) -> tuple[Sent, ...]:
        return tuple(message for message in messages if id(message) not in self._before)


def _nowhere(sends: int) -> str:
    if not sends:
        return ""
    what = "1 send was" if sends == 1 else f"{sends} sends were"
    why = "everybody's address was rejected, or they were skipped or held back by a guard: their reports say why"
    return f"\n\n{what} made that reached no transport: {why}."


def _counted(count: int) -> str:
    return "one message was" if count == 1 else f"{count} messages were"
