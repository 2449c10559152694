"""The query language of the inbox: ``to:9659* is:test -code:ERR013 segments:>1 "your code"``."""

from __future__ import annotations

import datetime
import functools
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from notifykit_kwtsms.sandbox.inbox.message import CapturedMessage
from notifykit_kwtsms.sandbox.inbox.store import Matches
from notifykit_kwtsms.sandbox.numbers import country_of

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
    """Return whether a message matches a query, as a function. All terms must match; ``-`` or ``!`` negates one.

    Keys: ``to sender text id tag account state encoding code country fault`` and ``segments cost units`` with
    ``> < =``, ``is:`` and ``has:`` with one of their words, ``before: after:`` with an ISO date or time (UTC), or with
    ``30m 2h 7d`` before ``now``. A word alone is looked for in the text, ``*`` stands for anything in ``to sender tag
    fault``. A term that makes no sense is a :class:`ValueError`.
    """
    present = now or datetime.datetime.now(datetime.UTC)
    keys = {**_KEYS, "before": _moment(operator.lt, present), "after": _moment(operator.ge, present)}
    terms = [_term(found, keys) for found in _TERM.finditer(query)]
    return functools.reduce(_both, terms) if terms else lambda message: True


def _both(one: Matches, other: Matches) -> Matches:
    # It is called for each message of the inbox, where all() over a generator takes several times as long.
    return lambda message: one(message) and other(message)


def _term(found: re.Match[str], keys: Mapping[str, Callable[[str], Matches]]) -> Matches:
    key = found["key"] or "text"
    value = found["word"] if found["quoted"] is None else found["quoted"]
    if key not in keys:
        raise ValueError(f"no such search key: {key}; there are {', '.join(keys)}")
    if not value or (value.endswith(":") and value[:-1] in keys):
        raise ValueError(f"{found[0]} has nothing to look for")
    matches = keys[key](value)
    return (lambda message: not matches(message)) if found["negated"] else matches


def _glob(values: Callable[[CapturedMessage], Iterable[str]], *, within: bool = False) -> Callable[[str], Matches]:
    """Look for a value, in which a star stands for anything, or within one."""

    def of(wanted: str) -> Matches:
        pattern = re.compile(".*".join(map(re.escape, wanted.split("*"))), re.DOTALL)
        match = pattern.search if within else pattern.fullmatch
        return lambda message: any(match(value) is not None for value in values(message))

    return of


def _same(name: str) -> Callable[[str], Matches]:
    return lambda value: lambda message: bool(getattr(message, name) == value)


def _text(value: str) -> Matches:
    folded = value.casefold()
    return lambda message: folded in message.folded


def _id(value: str) -> Matches:
    wanted = frozenset(value.split(","))
    return lambda message: message.msg_id in wanted or str(message.id) in wanted


def _country(value: str) -> Matches:
    if value.isdigit():
        return lambda message: any(number.startswith(value) for number in message.numbers)
    letters = value.upper()
    return lambda message: any(country_of(number) == letters for number in message.numbers)


def _number(name: str) -> Callable[[str], Matches]:
    def of(value: str) -> Matches:
        found = _COMPARISON.fullmatch(value)
        if found is None:
            raise ValueError(f"{value!r} is no number with > < or = before it")
        sign, number = _SIGNS[found["sign"]], float(found["number"])
        return lambda message: sign(float(getattr(message, name)), number)

    return of


def _moment(sign: Callable[[Any, Any], bool], now: datetime.datetime) -> Callable[[str], Matches]:
    def of(value: str) -> Matches:
        ago = _AGO.fullmatch(value)
        if ago:
            moment = now - datetime.timedelta(**{_UNITS[ago["unit"]]: int(ago["number"])})
        else:
            try:
                moment = datetime.datetime.fromisoformat(value)
            except ValueError as error:
                raise ValueError(f"{value!r} is no date such as 2026-11-22, and no time ago such as 30m") from error
        aware = moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
        return lambda message: sign(message.at, aware)

    return of


def _choice(key: str, choices: dict[str, Matches]) -> Callable[[str], Matches]:
    def of(value: str) -> Matches:
        if value not in choices:
            raise ValueError(f"{key}: takes {', '.join(choices)}, not {value!r}")
        return choices[value]

    return of


_ENCODINGS: Final = {
    word: _same("encoding")(encoding)
    for encoding, words in {"gsm7": ("gsm7", "gsm-7", "gsm"), "ucs2": ("ucs2", "unicode")}.items()
    for word in words
}
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
    "to": _glob(lambda message: message.numbers),
    "sender": _glob(lambda message: (message.sender,)),
    "text": _text,
    "id": _id,
    "tag": _glob(lambda message: message.tags),
    "account": _same("account"),
    "state": _same("state"),
    "encoding": lambda value: _choice("encoding", _ENCODINGS)(value.casefold()),
    "code": _same("code"),
    "country": _country,
    "fault": _glob(lambda message: (message.fault,) if message.fault else (), within=True),
    "segments": _number("segments"),
    "cost": _number("points"),
    "units": _number("units"),
    "is": _choice("is", _IS),
    "has": _choice("has", _HAS),
}
