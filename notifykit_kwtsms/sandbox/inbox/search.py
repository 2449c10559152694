"""The query language of the inbox: ``to:9659* is:test -code:ERR013 segments:>1 "your code"``."""

from __future__ import annotations

import datetime
import operator
import re
from collections.abc import Callable
from typing import Final

from notifykit_kwtsms.sandbox.inbox.message import CapturedMessage
from notifykit_kwtsms.sandbox.inbox.store import Matches
from notifykit_kwtsms.sandbox.text_rules import country_of

# What stands before two slashes is an address and no key.
_TERM = re.compile(r'(?P<negated>[-!]?)(?:(?P<key>[a-z]+):(?!//))?(?:"(?P<quoted>[^"]*)"|(?P<word>\S+))')
_AGO = re.compile(r"(?P<number>\d{1,6})(?P<unit>[smhd])", re.ASCII)
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_ARABIC = re.compile("[\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufefc]")
_COMPARISON = re.compile(r"(?P<sign><=|>=|<|>|=?)(?P<number>\d+(?:\.\d+)?)", re.ASCII)
_SIGNS: Final[dict[str, Callable[[float, float], bool]]] = {
    "": operator.eq,
    "=": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}


def parse(query: str, now: datetime.datetime | None = None) -> Matches:
    """Return whether a message matches a query as a function. All terms must match; ``-`` or ``!`` turns one round.

    Keys: ``to sender text id tag account state encoding code country fault`` and ``segments cost units`` with
    ``> < =``, ``is:`` and ``has:`` with one of their words, ``before: after:`` with an ISO date or time (UTC), or with
    ``30m 2h 7d`` before ``now``. A word alone is looked for in the text, ``*`` stands for anything in ``to sender tag
    fault``. A term that makes no sense is a :class:`ValueError`.
    """
    present = now or datetime.datetime.now(datetime.UTC)
    terms = [_term(found, present) for found in _TERM.finditer(query)]
    return lambda message: all(term(message) for term in terms)


def _term(found: re.Match[str], now: datetime.datetime) -> Matches:
    key = found["key"] or "text"
    value = found["word"] if found["quoted"] is None else found["quoted"]
    if key not in _KEYS and key not in _MOMENTS:
        raise ValueError(f"no such search key: {key}; there are {', '.join((*_KEYS, *_MOMENTS))}")
    if not value or (value.endswith(":") and (value[:-1] in _KEYS or value[:-1] in _MOMENTS)):
        raise ValueError(f"{found[0]} says nothing to look for")
    matches = _moment(_MOMENTS[key], value, now) if key in _MOMENTS else _KEYS[key](value)
    return (lambda message: not matches(message)) if found["negated"] else matches


def _to(value: str) -> Matches:
    fits = _glob(value)
    return lambda message: any(map(fits, message.numbers))


def _glob(value: str) -> Callable[[str], bool]:
    """Return whether a text is the one wanted, in which a star stands for anything."""
    if "*" not in value:
        return value.__eq__
    pattern = re.compile(".*".join(map(re.escape, value.split("*"))), re.DOTALL)
    return lambda text: pattern.fullmatch(text) is not None


def _sender(value: str) -> Matches:
    fits = _glob(value)
    return lambda message: fits(message.sender)


def _text(value: str) -> Matches:
    folded = value.casefold()
    return lambda message: folded in message.text.casefold()


def _id(value: str) -> Matches:
    wanted = frozenset(value.split(","))
    return lambda message: message.msg_id in wanted or str(message.id) in wanted


def _encoding(value: str) -> Matches:
    wanted = _ENCODINGS.get(value.casefold())
    if wanted is None:
        raise ValueError(f"encoding: takes {', '.join(_ENCODINGS)}, not {value!r}")
    return lambda message: message.encoding == wanted


def _tag(value: str) -> Matches:
    fits = _glob(value)
    return lambda message: any(map(fits, message.tags))


def _country(value: str) -> Matches:
    if value.isdigit():
        return lambda message: any(number.startswith(value) for number in message.numbers)
    letters = value.upper()
    return lambda message: any(country_of(number) == letters for number in message.numbers)


def _fault(value: str) -> Matches:
    fits = _glob(f"*{value}*")
    return lambda message: message.fault is not None and fits(message.fault)


def _same(name: str) -> Callable[[str], Matches]:
    def of(value: str) -> Matches:
        return lambda message: getattr(message, name) == value

    return of


def _number(name: str) -> Callable[[str], Matches]:
    def of(value: str) -> Matches:
        found = _COMPARISON.fullmatch(value)
        if found is None:
            raise ValueError(f"{value!r} is no number with > < or = before it")
        sign, number = _SIGNS[found["sign"]], float(found["number"])
        return lambda message: sign(float(getattr(message, name)), number)

    return of


def _moment(
    sign: Callable[[datetime.datetime, datetime.datetime], bool], value: str, now: datetime.datetime
) -> Matches:
    ago = _AGO.fullmatch(value)
    if ago:
        moment = now - datetime.timedelta(**{_UNITS[ago["unit"]]: int(ago["number"])})
    else:
        try:
            moment = datetime.datetime.fromisoformat(value)
        except ValueError as problem:
            raise ValueError(f"{value!r} is no date such as 2026-11-22, and no time ago such as 30m") from problem
    aware = moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
    return lambda message: sign(message.at, aware)


def _choice(key: str, choices: dict[str, Callable[[CapturedMessage], bool]]) -> Callable[[str], Matches]:
    def of(value: str) -> Matches:
        if value not in choices:
            raise ValueError(f"{key}: takes {', '.join(choices)}, not {value!r}")
        return choices[value]

    return of


_ENCODINGS: Final = {"gsm7": "gsm7", "gsm-7": "gsm7", "gsm": "gsm7", "ucs2": "ucs2", "unicode": "ucs2"}
_IS: Final[dict[str, Matches]] = {
    "unread": lambda message: message.unread,
    "read": lambda message: not message.unread,
    "test": lambda message: message.test,
    "live": lambda message: not message.test,
    "accepted": lambda message: message.accepted,
    "rejected": lambda message: not message.accepted,
    "queued": lambda message: message.queued,
    "tagged": lambda message: bool(message.tags),
    "batch": lambda message: len(message.numbers) > 1,
}
_HAS: Final[dict[str, Matches]] = {
    "otp": lambda message: message.otp is not None,
    "link": lambda message: bool(message.links),
    "fault": lambda message: message.fault is not None,
    "dropped": lambda message: bool(message.dropped),
    "tag": lambda message: bool(message.tags),
    "arabic": lambda message: _ARABIC.search(message.text) is not None,
}
_KEYS: Final[dict[str, Callable[[str], Matches]]] = {
    "to": _to,
    "sender": _sender,
    "text": _text,
    "id": _id,
    "tag": _tag,
    "account": _same("account"),
    "state": _same("state"),
    "encoding": _encoding,
    "code": _same("code"),
    "country": _country,
    "fault": _fault,
    "segments": _number("segments"),
    "cost": _number("points"),
    "units": _number("units"),
    "is": _choice("is", _IS),
    "has": _choice("has", _HAS),
}
_MOMENTS: Final = {"before": operator.lt, "after": operator.ge}
