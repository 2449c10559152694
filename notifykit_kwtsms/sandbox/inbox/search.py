"""The query language of the inbox: ``to:9659* is:test -code:ERR013 segments:>1 "your code"``."""

from __future__ import annotations

import datetime
import fnmatch
import operator
import re
from collections.abc import Callable
from typing import Final

from notifykit_kwtsms.sandbox.inbox.captured import CapturedMessage
from notifykit_kwtsms.sandbox.inbox.store import Matches

_TERM = re.compile(r'(?P<negated>[-!]?)(?:(?P<key>[a-z]+):)?(?:"(?P<quoted>[^"]*)"|(?P<word>\S+))')
_COMPARISON = re.compile(r"(?P<sign><=|>=|<|>|=?)(?P<number>\d+(?:\.\d+)?)", re.ASCII)
_SIGNS: Final[dict[str, Callable[[float, float], bool]]] = {
    "": operator.eq,
    "=": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}


def parse(query: str) -> Matches:
    """Return whether a message matches a query as a function. All terms must match; ``-`` or ``!`` turns one round.

    Keys: ``to sender text id tag account state encoding code country fault`` and ``segments cost`` with ``> < =``,
    ``is:unread|read|test|live|accepted|rejected``, ``has:otp|link|fault|dropped``, ``before: after:`` with an ISO
    date or time (UTC). A word alone is looked for in the text. A term that makes no sense is a :class:`ValueError`.
    """
    terms = [_term(found) for found in _TERM.finditer(query)]
    return lambda message: all(term(message) for term in terms)


def _term(found: re.Match[str]) -> Matches:
    key = found["key"] or "text"
    value = found["word"] if found["quoted"] is None else found["quoted"]
    if key not in _KEYS:
        raise ValueError(f"no such search key: {key}; there are {', '.join(_KEYS)}")
    matches = _KEYS[key](value)
    return (lambda message: not matches(message)) if found["negated"] else matches


def _to(value: str) -> Matches:
    return lambda message: any(fnmatch.fnmatchcase(number, value) for number in message.numbers)


def _text(value: str) -> Matches:
    folded = value.casefold()
    return lambda message: folded in message.text.casefold()


def _id(value: str) -> Matches:
    return lambda message: value in (message.msg_id, str(message.id))


def _tag(value: str) -> Matches:
    return lambda message: value in message.tags


def _country(value: str) -> Matches:
    return lambda message: any(number.startswith(value) for number in message.numbers)


def _fault(value: str) -> Matches:
    return lambda message: message.fault is not None and value in message.fault


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


def _moment(sign: Callable[[datetime.datetime, datetime.datetime], bool]) -> Callable[[str], Matches]:
    def of(value: str) -> Matches:
        moment = datetime.datetime.fromisoformat(value)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
        return lambda message: sign(message.at, aware)

    return of


def _choice(key: str, choices: dict[str, Callable[[CapturedMessage], bool]]) -> Callable[[str], Matches]:
    def of(value: str) -> Matches:
        if value not in choices:
            raise ValueError(f"{key}: takes {', '.join(choices)}, not {value!r}")
        return choices[value]

    return of


_IS: Final[dict[str, Matches]] = {
    "unread": lambda message: message.unread,
    "read": lambda message: not message.unread,
    "test": lambda message: message.test,
    "live": lambda message: not message.test,
    "accepted": lambda message: message.accepted,
    "rejected": lambda message: not message.accepted,
}
_HAS: Final[dict[str, Matches]] = {
    "otp": lambda message: message.otp is not None,
    "link": lambda message: bool(message.links),
    "fault": lambda message: message.fault is not None,
    "dropped": lambda message: bool(message.dropped),
}
_KEYS: Final[dict[str, Callable[[str], Matches]]] = {
    "to": _to,
    "sender": _same("sender"),
    "text": _text,
    "id": _id,
    "tag": _tag,
    "account": _same("account"),
    "state": _same("state"),
    "encoding": _same("encoding"),
    "code": _same("code"),
    "country": _country,
    "fault": _fault,
    "segments": _number("segments"),
    "cost": _number("points"),
    "is": _choice("is", _IS),
    "has": _choice("has", _HAS),
    "before": _moment(operator.lt),
    "after": _moment(operator.ge),
}
