"""The strategies keep their word."""

from __future__ import annotations

import re

from hypothesis import given, strategies as st

from notifykit.normalizers.phone import latin_digits
from notifykit_kwtsms.phone.documented import find_rule
from tests.kwtsms.phone.strategies_phone import kuwait_mobiles, mobiles, spellings


@given(kuwait_mobiles())
def test_kuwait_mobiles_are_kuwaiti(number: str) -> None:
    """965, then eight digits of which the first is 4, 5, 6 or 9."""
    assert re.fullmatch("965[4569][0-9]{7}", number)


@given(mobiles())
def test_mobiles_fit_a_rule(number: str) -> None:
    """The code has a rule, and what follows keeps it."""
    rule = find_rule(number)
    assert rule is not None
    assert rule.matches(number.removeprefix(rule.code))


@given(st.data(), mobiles())
def test_spellings_have_the_digits_of_the_number(data: st.DataObject, number: str) -> None:
    """Nothing but the mark adds digits."""
    assert latin_digits(data.draw(spellings(number))).removeprefix("00") == number
