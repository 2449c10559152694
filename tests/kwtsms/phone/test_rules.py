"""The vendor's table and what is looked up in it."""

from __future__ import annotations

from itertools import permutations
from typing import Final

import attrs
import pytest

from notifykit_kwtsms.phone.documented import RULES, find_country_code, find_rule
from notifykit_kwtsms.phone.rules import BY_CODE, BY_COUNTRY, CountryRule, find_gulf_rule

#: The vendor's table as the gateway facts have it: code, colon, lengths, slash, first digits; a dash allows any.
VENDOR_TABLE: Final = """
965:8/4569 966:9/5 971:9/5 973:8/36 974:8/3567 968:8/79 962:9/7 961:7,8/378 970:9/5 964:10/7 963:9/9 967:9/7 972:9/5
20:10/1 218:9/9 216:8/2459 212:9/67 213:9/567 249:9/9 98:10/9 90:10/5
91:10/6789 92:10/3 880:10/1 94:9/7 960:7/79 86:11/1 81:10/789 82:10/1 886:9/9 65:8/89 60:9,10/1 62:9-12/8 63:10/9
66:9/689 84:9/35789 95:9/9 855:8,9/16789 976:8/689
44:10/7 33:9/67 49:10,11/1 39:10/3 34:9/67 31:9/6 32:9/– 41:9/7 43:10/6 47:8/49 48:9/– 30:10/6 420:9/67 46:9/7 45:8/–
40:9/7 36:9/– 380:9/– 1:10/– 52:10/– 55:11/– 57:10/3 54:10/9 56:9/9 58:10/4 51:9/9 593:9/9 53:8/56
27:9/678 234:10/789 254:9/17 233:9/25 251:9/79 255:9/67 256:9/7 237:9/6 225:10/– 221:9/7 252:9/67 250:9/7
61:9/4 64:8,9,10/2
"""


def lengths_of(text: str) -> tuple[int, ...]:
    if "-" in text:
        low, high = text.split("-")
        return tuple(range(int(low), int(high) + 1))
    return tuple(int(length) for length in text.split(","))


def test_the_table_is_the_vendors() -> None:
    """Each of the 81 rows has the code, lengths and first digits of the published table, and there is no other row."""
    published = {}
    for row in VENDOR_TABLE.split():
        code, _, rest = row.partition(":")
        lengths, _, first = rest.partition("/")
        published[code] = (lengths_of(lengths), set(first) - {"–"})
    assert len(published) == 81
    assert {code: (rule.lengths, set(rule.first_digits)) for code, rule in RULES.items()} == published


def test_no_code_begins_with_another() -> None:
    """A number has at most one code, so the order of the search can't matter."""
    assert not [(one, other) for one, other in permutations(RULES, 2) if other.startswith(one)]


def test_every_country_stands_once() -> None:
    """Codes and names of countries are unique and of the form that they should have."""
    countries = {rule.country for rule in RULES.values()}
    assert len(countries) == len(RULES) == len({rule.name for rule in RULES.values()})
    assert all(len(country) == 2 and country.isascii() and country.isupper() for country in countries)


def test_a_rule_does_not_change() -> None:
    """The table is shared."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        RULES["965"].name = "Elsewhere"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("96598765432", "965"),
        ("12125551234", "1"),
        ("201012345678", "20"),
        ("420601123456", "420"),
        ("447911123456", "44"),
        ("8887654", None),
        ("888456789012345", None),
        ("351912345678", None),
        ("9", None),
        ("", None),
    ],
)
def test_a_number_begins_with_its_countrys_code(number: str, code: str | None) -> None:
    """Three digits are tried, then two, then one."""
    assert find_country_code(number) == code


def test_the_gulf_has_rules_of_its_own() -> None:
    """Those of the table, for six countries."""
    assert sorted(BY_COUNTRY) == ["AE", "BH", "KW", "OM", "QA", "SA"]
    assert all(find_gulf_rule(f"{code}55555") is rule is RULES[code] for code, rule in BY_CODE.items())
    assert find_gulf_rule("447911123456") is None


@pytest.mark.parametrize(
    ("local", "matches"), [("98765432", True), ("22345678", False), ("9876543", False), ("", False), ("41234567", True)]
)
def test_a_local_number_matches_by_length_and_first_digit(local: str, matches: bool) -> None:
    """Both have to be right."""
    rule = find_rule("965" + local)
    assert isinstance(rule, CountryRule)
    assert rule.matches(local) is matches
