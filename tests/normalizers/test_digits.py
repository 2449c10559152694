"""The core's reading of digits."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given, strategies as st

from notifykit.normalizers.phone import compact, latin_digits, split_addresses

ANY_TEXT = st.text(st.one_of(st.sampled_from("0123456789٠٩۰۹+- ()a\ud800\u200e"), st.characters(categories=None)))


@pytest.mark.parametrize(
    ("raw", "digits"),
    [
        ("", ""),
        ("96598765432", "96598765432"),
        ("+965 9876-5432", "96598765432"),
        ("(965) 9876.5432/1", "965987654321"),
        ("٩٦٥٩٨٧٦٥٤٣٢", "96598765432"),
        ("۹۶۵۹۸۷۶۵۴۳۲", "96598765432"),
        ("９６５", "965"),
        ("९६५ and ৯", "9659"),
        ("²①Ⅷ", ""),
        ("\u202a965\u202c\ufeff", "965"),
        ("00965", "00965"),
        ("\ud800 9 \udfff", "9"),
    ],
)
def test_the_digits_of_a_text_come_out_latin_and_alone(raw: str, digits: str) -> None:
    """Every decimal digit of any script counts; superscripts, circled and Roman numerals don't."""
    assert latin_digits(raw) == digits


def test_every_decimal_digit_of_unicode_is_read() -> None:
    """What Unicode calls a decimal digit is one, and has the value that Unicode says."""
    decimals = [chr(point) for point in range(sys.maxunicode + 1) if unicodedata.category(chr(point)) == "Nd"]
    assert latin_digits("".join(decimals)) == "".join(str(unicodedata.decimal(digit)) for digit in decimals)


@given(ANY_TEXT)
def test_digits_are_digits_whatever_the_text(raw: str) -> None:
    """Any text gives ASCII digits or nothing, and giving them again changes nothing."""
    digits = latin_digits(raw)
    assert digits == "" or (digits.isascii() and digits.isdigit())
    assert latin_digits(digits) == digits


@given(ANY_TEXT)
def test_compacting_loses_no_digit(raw: str) -> None:
    """Compacting takes only what says nothing: the digits are the same before and after, and twice is once."""
    assert latin_digits(compact(raw)) == latin_digits(raw)
    assert compact(compact(raw)) == compact(raw)


def test_compacting_leaves_what_says_something() -> None:
    """Letters, the plus sign, separators of lists and dial codes stay for a caller to see."""
    assert compact(" +965 (9876)\u200e-5432, *#ab@ ") == "+96598765432,*#ab@"


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("96598765432, 96598765433;96598765434\n96598765435", [f"9659876543{digit}" for digit in range(2, 6)]),
        ("96598765432،96598765433", ["96598765432", "96598765433"]),
        ("9,65987E+10", ["9,65987E+10"]),
        ("96598765432,0", ["96598765432,0"]),
        (" , ", [" , "]),
    ],
)
def test_commas_separate_addresses_but_not_a_number_from_its_fraction(text: str, addresses: list[str]) -> None:
    """A spreadsheet of many countries writes a comma for the decimal point."""
    assert split_addresses(text) == addresses


def test_a_long_text_is_no_problem() -> None:
    """More digits than Python turns into an integer are still read."""
    assert latin_digits("९" * 100_000) == "9" * 100_000
