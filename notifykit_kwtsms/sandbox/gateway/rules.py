"""Every unknown of the real gateway as a switch (gateway facts, section 9)."""

from __future__ import annotations

import http
from collections.abc import Mapping
from typing import Any, Final, Literal

import attrs

from notifykit_kwtsms.api.facts import BLOCKED_ABOVE_PER_SECOND, MAX_SEGMENTS, NUMBERS_PER_REQUEST, SAME_NUMBER_GAP

#: The checks that every endpoint makes, in the default order.
ACCESS_CHECKS: Final = ("fields", "login", "blocked", "api-access", "api-enabled", "ip")
#: The checks that only ``send`` makes after them, in the default order.
SEND_CHECKS: Final = (
    "magic",
    "sender-empty",
    "message-empty",
    "html",
    "language",
    "spam",
    "pages",
    "mobile-empty",
    "too-many",
    "numbers",
    "route",
    "duplicates",
    "sender",
    "same-number",
    "queue",
    "balance-zero",
    "balance-short",
)
#: All of them. The real order is not published; this one is section 9.3.
CHECKS: Final = ACCESS_CHECKS + SEND_CHECKS

#: When a rule that may depend on test mode applies.
When = Literal["live", "always", "never"]

_FORBIDDEN = frozenset({"ERR001", "ERR003", "ERR004", "ERR005", "ERR024"})


def _one_of(*choices: str) -> Any:
    """Return a field that is one of these, the first by default."""
    return attrs.field(default=choices[0], validator=attrs.validators.in_(choices))


def _not_negative(instance: Rules, attribute: attrs.Attribute[float], value: float) -> None:
    if not 0 <= value < float("inf"):
        raise ValueError(f"{attribute.name} is a number of seconds from 0 up")


def _real_statuses(instance: Rules, attribute: attrs.Attribute[Mapping[str, int]], value: Mapping[str, int]) -> None:
    for status in value.values():
        http.HTTPStatus(status)


def _known_checks(instance: Rules, attribute: attrs.Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    unknown = [name for name in value if name not in CHECKS]
    if unknown:
        raise ValueError(f"no such check: {', '.join(unknown)}; there are {', '.join(CHECKS)}")


@attrs.frozen
class Rules:
    """How this sandbox behaves where the behaviour of the real gateway is not known."""

    #: The checks in the order they are made; one that is missing is switched off.
    checks: tuple[str, ...] = attrs.field(default=CHECKS, converter=tuple, validator=_known_checks)
    #: Good and bad numbers in one request: ``drop`` the bad ones, or refuse the request (``strict``).
    mixed_numbers: Literal["drop", "strict"] = _one_of("drop", "strict")
    #: A number given twice in one request: taken ``once``, taken and ``bill``ed each time, or ``refuse``d with ERR028.
    duplicates: Literal["once", "bill", "refuse"] = _one_of("once", "bill", "refuse")
    #: When ERR028 (the same number too soon) is enforced.
    same_number: Literal["live", "always", "never"] = _one_of("live", "always", "never")
    #: Virtual seconds before the same number may be sent to again.
    same_number_gap: float = attrs.field(default=SAME_NUMBER_GAP, validator=_not_negative)
    #: When an unregistered sender is refused with ERR008.
    unknown_sender: Literal["live", "always", "never"] = _one_of("live", "always", "never")
    #: Answer errors with HTTP 200 too.
    errors_as_200: bool = False
    #: HTTP status for single codes, over everything else: ``{"ERR013": 429}``.
    statuses: Mapping[str, int] = attrs.field(factory=dict, validator=_real_statuses)
    #: Requests that one IP may start in any one second of real time; None switches the rule off.
    rate_limit: int | None = BLOCKED_ABOVE_PER_SECOND
    #: Virtual seconds that an IP stays blocked after it went over the limit.
    block_seconds: float = attrs.field(default=60.0, validator=_not_negative)
    #: What a blocked IP gets: a 403 with a web page, or a dropped connection.
    block_answer: Literal["html403", "drop"] = _one_of("html403", "drop")
    #: Seconds added to ``unix-timestamp``; 10800 if the gateway's clock is GMT+3 dressed up as UTC.
    timestamp_shift: int = 0
    #: Virtual seconds after which ``status`` answers ``sent`` (live) or ERR030 (test); ``queued`` until then.
    status_delay: float = attrs.field(default=0.0, validator=_not_negative)
    #: Virtual seconds after which a foreign number has a delivery report.
    dlr_delay: float = attrs.field(default=300.0, validator=_not_negative)
    #: What ``dlr`` answers until then.
    pending_dlr: Literal["ERR021", "ERR022"] = _one_of("ERR021", "ERR022")
    #: What ``dlr`` answers for Kuwait, which never reports.
    kuwait_dlr: Literal["ERR019", "ERR021"] = _one_of("ERR019", "ERR021")
    #: The key of the list that ``coverage`` answers.
    coverage_key: Literal["prefixes", "coverage"] = _one_of("prefixes", "coverage")
    #: Write numbers in answers as strings, ``"149"``.
    numbers_as_strings: bool = False
    #: Segments of one message (ERR012 beyond): 7, or 6 as older documents say.
    max_pages: int = attrs.field(default=MAX_SEGMENTS, validator=attrs.validators.ge(1))
    #: Answer requests that are not JSON in the old text form; otherwise with a 415.
    text_mode: bool = True
    #: Live messages leave the queue when they are sent; otherwise they stay and fill it (ERR013).
    drain_live: bool = True
    #: Fewest digits of a number, its country code included: shorter ones have none (ERR025).
    fewest_digits: int = 9
    #: Most digits of a number (ERR025).
    most_digits: int = 15
    #: Whether numbers in Kuwait are eight digits of which the first is 4, 5, 6 or 9 (ERR025); documents have others.
    kuwait_rule: bool = True
    #: Numbers in one ``validate`` request (ERR007 beyond); the real limit is not known.
    validate_limit: int = NUMBERS_PER_REQUEST
    #: Words that are refused with ERR031, compared without regard to case.
    bad_words: tuple[str, ...] = attrs.field(default=(), converter=tuple)
    #: Words that are refused with ERR032.
    spam_words: tuple[str, ...] = attrs.field(default=(), converter=tuple)

    def status_of(self, code: str) -> int:
        """Return the HTTP status that an error code is answered with (gateway facts, section 9.9)."""
        if code in self.statuses:
            return self.statuses[code]
        if self.errors_as_200:
            return 200
        return 403 if code in _FORBIDDEN else 400
