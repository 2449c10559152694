"""Numbers as the gateway wants them."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from notifykit_kwtsms.phone.digits import normalize_phone, to_digits, without_trunk_zero
from notifykit_kwtsms.phone.rules import RULES
from tests.kwtsms.phone.strategies_phone import any_text, mobiles, spellings


@pytest.mark.parametrize(
    ("raw", "digits"),
    [
        ("+96598765432", "96598765432"),
        ("0096598765432", "96598765432"),
        ("00 965 9876-5432", "96598765432"),
        ("965 9876 5432", "96598765432"),
        ("965-9876-5432", "96598765432"),
        ("(965) 9876.5432", "96598765432"),
        ("965/98765432", "96598765432"),
        ("٩٦٥٩٨٧٦٥٤٣٢", "96598765432"),
        ("۹۶۵۹۸۷۶۵۴۳۲", "96598765432"),
        ("+٩٦٥9876۵۴۳۲", "96598765432"),
        ("\u200e+965\u200f98765432\ufeff", "96598765432"),
        ("96598765432", "96598765432"),
        ("+96512345678", "96512345678"),
        ("0096511111111", "96511111111"),
        ("098765432", "98765432"),
        ("abc", ""),
        ("", ""),
        ("000", ""),
    ],
)
def test_marks_and_punctuation_go_and_digits_become_latin(raw: str, digits: str) -> None:
    """The documented samples and each kind of sign that they name."""
    assert normalize_phone(raw) == digits
    assert to_digits(raw) == digits


@pytest.mark.parametrize(
    ("raw", "digits"),
    [
        ("9660559123456", "966559123456"),
        ("+9660559123456", "966559123456"),
        ("009660559123456", "966559123456"),
        ("971050123456", "97150123456"),
        ("200101234567", "20101234567"),
        ("+44 (0) 7911 123456", "447911123456"),
        ("96500559123456", "965559123456"),
        ("96598765432", "96598765432"),
        ("96550012345", "96550012345"),
    ],
)
def test_a_trunk_zero_behind_a_known_code_goes(raw: str, digits: str) -> None:
    """The zero is dialled inside the country only; Kuwait has none and its numbers stay as they are."""
    assert normalize_phone(raw) == digits


@pytest.mark.parametrize("number", ["390612345678", "2250712345678", "8880123456"])
def test_a_zero_that_belongs_to_the_number_stays(number: str) -> None:
    """Italian landlines and numbers of the Ivory Coast begin with 0; of an unknown code nobody knows."""
    assert normalize_phone(number) == number


def test_digits_keep_their_trunk_zero() -> None:
    """Reading digits knows no country; only normalizing does."""
    assert to_digits("+9660559123456") == "9660559123456"
    assert without_trunk_zero("9660559123456") == "966559123456"


@given(any_text())
def test_any_text_gives_digits_only(raw: str) -> None:
    """Nothing raises, and what comes out is ASCII digits without a zero in front, or nothing."""
    for read in (to_digits, normalize_phone):
        digits = read(raw)
        assert digits == "" or (digits.isascii() and digits.isdigit())
        assert not digits.startswith("0")


@given(any_text())
def test_normalizing_twice_is_normalizing_once(raw: str) -> None:
    """A canonical number is its own canonical form."""
    once = normalize_phone(raw)
    assert normalize_phone(once) == once
    assert to_digits(to_digits(raw)) == to_digits(raw)


@given(st.sampled_from(sorted(RULES)), st.text("0123456789", max_size=12))
def test_normalizing_twice_is_normalizing_once_for_every_country(code: str, local: str) -> None:
    """No zero that is taken away makes a number of another country."""
    once = normalize_phone(code + local)
    assert normalize_phone(once) == once
    assert once.startswith(code)


@given(st.data(), mobiles())
def test_every_spelling_of_a_number_is_that_number(data: st.DataObject, number: str) -> None:
    """Script, punctuation and mark don't matter."""
    assert normalize_phone(data.draw(spellings(number))) == number
