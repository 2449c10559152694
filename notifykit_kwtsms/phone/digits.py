"""From a number as somebody typed it to the digits that the gateway wants (gateway facts, section 3.7)."""

from __future__ import annotations

from notifykit.normalizers.digits import latin_digits
from notifykit_kwtsms.phone.rules import CountryRule, find_rule


def to_digits(raw: str) -> str:
    """Return the digits of a text as Latin digits, without the zeros in front; empty where it has none."""
    return latin_digits(raw).lstrip("0")


def without_trunk_zero(number: str) -> str:
    """Return a number without the zeros between a known country code and the rest.

    That zero is dialled inside a country only: 966 0559123456 is 966 559123456.
    """
    return drop_trunk_zero(number, find_rule(number))


def drop_trunk_zero(number: str, rule: CountryRule | None) -> str:
    """Return the same where the rule of the number's country is known already; None where it has none."""
    if rule is None or rule.leading_zero:
        return number
    end = len(rule.code)
    return rule.code + number[end:].lstrip("0") if number.startswith("0", end) else number


def normalize_phone(raw: str) -> str:
    """Return a number as the gateway wants it: Latin digits, country code first, no ``+``, ``00`` or trunk zero.

    It judges nothing: any text is taken, and one without digits becomes the empty text. What it returns, it returns
    unchanged when it is given it.
    """
    return without_trunk_zero(to_digits(raw))
