"""The types that a variable of a template may have, and how each is written and read."""

from __future__ import annotations

import datetime
import decimal
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

#: The most digits of a number; Python refuses to write some that have more.
_MOST_DIGITS: Final = 400
Date, Time, Moment = datetime.date, datetime.time, datetime.datetime


class LosesZerosError(ValueError):
    """A text that would lose its zeros as a number: most likely a code."""


@attrs.frozen
class Kind:
    """One type that a variable may have."""

    #: The types of the values that it takes.
    takes: tuple[type, ...]
    #: Returns a value as a text; a ValueError says what is wrong with it.
    write: Callable[[Any], str]
    #: Returns the value of a text; a ValueError or an ArithmeticError if it has none.
    read: Callable[[str], Any]
    #: An example of such a text.
    example: str
    #: Subclasses of those types that mean something else.
    refuses: tuple[type, ...] = (bool,)


def _number(value: Any) -> str:
    # The float 3.0 is written 3.
    number = decimal.Decimal(float.__repr__(value).removesuffix(".0") if isinstance(value, float) else value)
    if not number.is_finite():
        raise ValueError("is not a finite number")
    _, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int), "it is finite"
    if max(len(digits) + exponent, len(digits), -exponent) > _MOST_DIGITS:
        raise ValueError(f"has more than {_MOST_DIGITS} digits")
    return decimal.Decimal.__format__(number, "f")


def _integer(text: str) -> int:
    if re.match(r"[+-]?0[0-9]", text):
        raise LosesZerosError("starts with a zero, which an int loses: make the variable a str")
    return int(text)


def _timespec(value: datetime.time | datetime.datetime) -> str:
    return "seconds" if value.second else "minutes"


KINDS: Final[Mapping[type, Kind]] = {
    # Not str(value): it writes the member's name for some enumerations.
    str: Kind((str,), str.__str__, str, "any text"),
    int: Kind((int,), _number, _integer, "42"),
    float: Kind((float, int), _number, float, "12.5"),
    decimal.Decimal: Kind((decimal.Decimal, int), _number, decimal.Decimal, "12.500"),
    datetime.date: Kind((Date,), Date.isoformat, Date.fromisoformat, "2026-12-31", refuses=(Moment,)),
    datetime.time: Kind((Time,), lambda value: Time.isoformat(value, _timespec(value)), Time.fromisoformat, "09:30"),
    datetime.datetime: Kind(
        (Moment,),
        lambda value: Moment.isoformat(value, " ", _timespec(value)),
        Moment.fromisoformat,
        "2026-12-31 09:30",
    ),
}


#: The same by their names in small letters.
KINDS_BY_NAME: Final = {kind.__name__.lower(): kind for kind in KINDS}


def write_value(kind: type, value: object) -> str:
    """Return a value as it is written in a text.

    :raises ValueError: if it is not of this type; the message follows the variable's name.
    """
    known = KINDS[kind]
    if not isinstance(value, known.takes) or isinstance(value, known.refuses):
        problem = f"is {with_article(type(value))}: give {with_article(kind)}"
        raise ValueError(problem)  # noqa: TRY004 - it is listed with what else is wrong
    try:
        return known.write(value)
    except ValueError:
        raise
    except Exception as error:  # the time zone of a moment may be any code
        raise ValueError(f"can't be written: {type(error).__name__}") from None


def read_value(kind: type, text: str) -> Any:
    """Return the value of a text.

    :raises ValueError: if it has none of this type; the message follows the variable's name.
    """
    try:
        return KINDS[kind].read(text if kind is str else text.strip())
    except LosesZerosError:
        raise
    except (ValueError, ArithmeticError):
        raise ValueError(f"is no {kind.__name__}: write it like {KINDS[kind].example}") from None


def rewrite_value(kind: type, value: object) -> str:
    """Return a value as it is written in a text; a ``str`` is read as a value of the type first."""
    return write_value(kind, read_value(kind, value) if isinstance(value, str) else value)


def with_article(kind: type) -> str:
    """Return the name of a type with ``a`` or ``an`` in front."""
    return f"{'an' if kind.__name__[:1].lower() in 'aeiou' else 'a'} {kind.__name__}"
