"""The official client's checks, word for word where words are documented."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from notifykit_kwtsms.phone.digits import normalize_phone
from notifykit_kwtsms.phone.documented import validate_phone_format, validate_phone_input
from tests.kwtsms.phone.strategies_phone import any_text, mobiles


@pytest.mark.parametrize(
    ("raw", "answer"),
    [
        ("+96598765432", (True, None, "96598765432")),
        ("user@gmail.com", (False, "'user@gmail.com' is an email address, not a phone number", "")),
        ("user+965@gmail.com", (False, "'user+965@gmail.com' is an email address, not a phone number", "")),
        ("abc", (False, "'abc' is not a valid phone number — no digits found", "")),
        ("---", (False, "'---' is not a valid phone number — no digits found", "")),
        ("123", (False, "'123' is too short to be a valid phone number (3 digits, minimum is 7)", "123")),
        ("1", (False, "'1' is too short to be a valid phone number (1 digit, minimum is 7)", "1")),
        (
            "1234567890123456",
            (
                False,
                "'1234567890123456' is too long to be a valid phone number (16 digits, maximum is 15)",
                "1234567890123456",
            ),
        ),
        ("", (False, "Phone number is required", "")),
        ("  \n", (False, "Phone number is required", "")),
    ],
)
def test_documented_answers(raw: str, answer: tuple[bool, str | None, str]) -> None:
    """The whole answer, in the documented words."""
    assert validate_phone_input(raw) == answer


@pytest.mark.parametrize(
    ("raw", "digits"),
    [
        ("96512345678", "96512345678"),
        ("0096511111111", "96511111111"),
        ("8887654", "8887654"),
        ("888456789012345", "888456789012345"),
        ("٩٦٥٩٨٧٦٥٤٣٢", "96598765432"),
        ("9660559123456", "966559123456"),
    ],
)
def test_any_7_to_15_digits_are_a_number(raw: str, digits: str) -> None:
    """The documentation's own samples break the Kuwait rule, so no country's rule applies here."""
    assert validate_phone_input(raw) == (True, None, digits)


@pytest.mark.parametrize(("raw", "words"), [("abc123", "too short"), ("888765", "too short"), (" abc ", "'abc'")])
def test_further_words(raw: str, words: str) -> None:
    """Letters beside too few digits are too short, and blanks around the input are not shown."""
    valid, error, _ = validate_phone_input(raw)
    assert not valid
    assert words in (error or "")


@given(any_text())
def test_any_text_gets_an_answer(raw: str) -> None:
    """Nothing raises; there is an error exactly where the answer is no, and the digits are the normalized ones."""
    valid, error, digits = validate_phone_input(raw)
    assert valid is (error is None)
    assert digits in ("", normalize_phone(raw))
    assert not valid or 7 <= len(digits) <= 15


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("96512345678", ("Kuwait", "4, 5, 6, 9")),
        ("96522345678", ("Kuwait", "4, 5, 6, 9")),
        ("9659876543", ("Kuwait", "8 digits")),
        ("965987654321", ("Kuwait", "8 digits")),
        ("966459123456", ("Saudi", "5")),
        ("96655912345", ("Saudi", "9 digits")),
        ("1212555123", ("USA", "10 digits")),
        ("91512345678", ("India", "10 digits")),
        ("915123456789", ("India", "6, 7, 8, 9")),
        ("446911123456", ("United Kingdom", "7")),
        ("96112345", ("Lebanon", "7 or 8 digits")),
    ],
)
def test_a_number_against_its_countrys_rule_is_told_which(number: str, words: tuple[str, ...]) -> None:
    """The text names the country and what it expects."""
    valid, error = validate_phone_format(number)
    assert not valid
    assert all(word in (error or "") for word in words), error


@given(mobiles())
def test_a_number_that_keeps_its_rule_passes(number: str) -> None:
    """Of every country in the table."""
    assert validate_phone_format(number) == (True, None)


@given(st.text("0123456789", max_size=13).map("888".__add__))
def test_a_number_without_a_rule_passes(number: str) -> None:
    """888 belongs to no country."""
    assert validate_phone_format(number) == (True, None)
    assert validate_phone_format("") == (True, None)
