"""The sandbox's own opinion of a number; the client has another, and the two may disagree."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_KUWAIT = "965"
_KUWAIT_MOBILE = re.compile(r"965[4569][0-9]{7}", re.ASCII)


def split(mobile: str) -> list[str]:
    """Return the numbers of a ``mobile`` field, as they stand; empty places are left out."""
    return [number for number in mobile.split(",") if number]


def well_formed(number: str, fewest: int, most: int, *, kuwait_rule: bool = True) -> bool:
    """Whether it is digits with a country code in front: for Kuwait 965 and eight digits, the first 4, 5, 6 or 9.

    So many digits at least and at most for other countries, for Kuwait too where its rule is off, and no zero in front
    (gateway facts, sections 3.7 and 4).
    """
    if not (number.isascii() and number.isdigit()) or number.startswith("0"):
        return False
    if kuwait_rule and number.startswith(_KUWAIT):
        return _KUWAIT_MOBILE.fullmatch(number) is not None
    return fewest <= len(number) <= most


def routed(number: str, prefixes: Iterable[str]) -> bool:
    """Whether the account has a route to the number's country. An empty prefix is no country."""
    return any(prefix and number.startswith(prefix) for prefix in prefixes)


def is_kuwaiti(number: str) -> bool:
    """Whether the number belongs to Kuwait, whose networks never report delivery."""
    return number.startswith(_KUWAIT)


def price(number: str, prices: Mapping[str, float]) -> float:
    """Return points a segment: that of the longest prefix which has one, else 1."""
    matches = [prefix for prefix in prices if prefix and number.startswith(prefix)]
    return prices[max(matches, key=len)] if matches else 1
