"""What a test expects of a message: a literal, a regex, a predicate, a type, or several of which one has to fit."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Collection, Mapping
from typing import Any, Final, TypeGuard

import attrs

from notifykit.suggest import did_you_mean
from notifykit.testing.sent import FIELDS, Sent

#: What several literals may be given in.
_SEVERAL: Final[tuple[type, ...]] = (set, frozenset, list, tuple, range, type({}.keys()), type({}.values()))


@attrs.frozen
class Expected:
    """What is expected of a message, field by field.

    :raises TypeError: where a message has no field of that name.
    """

    #: What each field is expected to be.
    fields: Mapping[str, Any] = attrs.field()

    @fields.validator
    def _know_the_names(self, attribute: object, fields: Mapping[str, Any]) -> None:
        for name in fields:
            if name not in FIELDS:
                hint = did_you_mean(name, FIELDS, form="did you mean {!r}?")
                raise TypeError(f"a message has no field {name!r}: {hint}")

    def misses(self, message: Sent) -> tuple[str, ...]:
        """Return the fields in which a message is not what was expected."""
        return tuple(name for name, wanted in self.fields.items() if not fits(name, getattr(message, name), wanted))

    def fits(self, message: Sent) -> bool:
        """Return whether a message is what was expected."""
        return not self.misses(message)

    def distance(self, message: Sent) -> tuple[int, float]:
        """Return how far a message is from what was expected: the fields that differ, then how much they do."""
        misses = self.misses(message)
        return len(misses), sum(_difference(name, getattr(message, name), self.fields[name]) for name in misses)

    def lines(self) -> list[str]:
        """Return each field and what it was expected to be, for a person."""
        return [f"{name} {shown(wanted)}" for name, wanted in self.fields.items()]


def fits(name: str, value: object, wanted: object) -> bool:
    """Return whether the value of a field is what was expected of it."""
    if isinstance(wanted, re.Pattern):
        values = value if isinstance(value, tuple) else (value,)
        return any(one is not None and wanted.search(str(one)) is not None for one in values)
    if callable(wanted):
        return isinstance(value, wanted) if isinstance(wanted, type) else bool(wanted(value))
    if isinstance(wanted, bool) and not isinstance(value, bool):
        return bool(value) is wanted
    if isinstance(value, tuple):
        return _holds(value, wanted)
    if _is_several(wanted):
        return any(fits(name, value, one) for one in wanted)
    return _is(name, value, wanted)


def plain(address: str) -> str:
    """Return an address without what people write into it: ``+965 ٩٨٧٦-5432`` becomes ``96598765432``."""
    if "@" in address:
        return address.strip().casefold()
    digits = "".join(str(unicodedata.digit(c)) for c in address if c.isdigit())
    rest = [c for c in address if not (c.isdigit() or c.isspace() or c in "+-()./" or unicodedata.category(c) == "Cf")]
    return address.strip() if rest or not digits else digits.removeprefix("00")


def shown(wanted: object) -> str:
    """Return what was expected, as a person would say it."""
    if isinstance(wanted, re.Pattern):
        flags = "i" if wanted.flags & re.IGNORECASE else ""
        return f"like /{wanted.pattern}/{flags}"
    if isinstance(wanted, type):
        return f"a {wanted.__name__}"
    if callable(wanted):
        name = getattr(wanted, "__name__", type(wanted).__name__)
        return "as a lambda wants it" if name == "<lambda>" else f"as {name}() wants it"
    if _is_several(wanted):
        several = list(wanted)
        return f"one of {', '.join(shown(one).removeprefix('= ') for one in several)}" if several else "one of nothing"
    return f"= {wanted!r}"


def _is(name: str, value: object, wanted: object) -> bool:
    if name in ("to", "raw") and isinstance(value, str) and isinstance(wanted, str):
        return plain(value) == plain(wanted)
    return bool(wanted == value)


def _is_several(wanted: object) -> TypeGuard[Collection[Any]]:
    return isinstance(wanted, _SEVERAL)


def _holds(value: tuple[object, ...], wanted: object) -> bool:
    """Return whether a field that has several values has what was expected: all of a collection, or the one."""
    if _is_several(wanted):
        return all(one in value for one in wanted) if wanted else not value
    return wanted in value or wanted == value


def _difference(name: str, value: object, wanted: object) -> float:
    """Return how much a value differs from what was expected, at most 1: somebody else's address differs altogether."""
    if name == "to":
        return 1.0
    if isinstance(wanted, str) and isinstance(value, str):
        return 1 - difflib.SequenceMatcher(None, value[:500], wanted[:500], autojunk=False).quick_ratio()
    if _is_several(wanted) and not isinstance(value, tuple):
        return min((_difference(name, value, one) for one in wanted), default=1.0)
    return 0.9
