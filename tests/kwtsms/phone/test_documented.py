"""The official client's functions, word for word where words are documented."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from notifykit_kwtsms.phone.documented import RULES, normalize_phone, validate_phone_format, validate_phone_input
from tests.kwtsms.phone.strategies_phone import EXAMPLES_ABROAD, any_text, mobiles, spellings


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
    """Italian landlines and numbers of the Ivory Coast begin with 0; for an unknown code there is no rule."""
    assert normalize_phone(number) == number


@given(any_text())
def test_any_text_gives_digits_only(raw: str) -> None:
    """Nothing raises, and the result is ASCII digits without a leading zero, or nothing."""
    digits = normalize_phone(raw)
    assert digits == "" or (digits.isascii() and digits.isdigit())
    assert not digits.startswith("0")


@given(any_text())
def test_normalizing_twice_is_normalizing_once(raw: str) -> None:
    """A canonical number is its own canonical form."""
    once = normalize_phone(raw)
    assert normalize_phone(once) == once


@given(st.sampled_from(sorted(RULES)), st.text("0123456789", max_size=12))
def test_normalizing_twice_is_normalizing_once_for_every_country(code: str, local: str) -> None:
    """No zero that is removed makes a number of another country."""
    once = normalize_phone(code + local)
    assert normalize_phone(once) == once
    assert once.startswith(code)


@given(st.data(), mobiles())
def test_every_spelling_of_a_number_is_that_number(data: st.DataObject, number: str) -> None:
    """Script, punctuation and mark don't matter."""
    assert normalize_phone(data.draw(spellings(number))) == number


@pytest.mark.parametrize("number", EXAMPLES_ABROAD)
def test_a_canonical_number_is_left_alone(number: str) -> None:
    """Of every country: delivery reports and webhooks are matched by the number that this function returns."""
    assert normalize_phone(number) == number


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


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("9.65987654E10", "a spreadsheet rounded this number: its last digits are lost → Format the column as text"),
        ("9,65987E+10", "a spreadsheet rounded this number"),
        ("O6598765432", "there are letters between the digits → "),
        ("+20 10 1234 567 or 8", "there are letters between the digits"),
        ("+1 415 555 2671 x12", "there are letters between the digits"),
        ("96598765432.5", "this is a number with a fraction"),
        ("9659876,5432123", "these are several numbers in one"),
        ("*123*96598765432#", "this is a dial code"),
        ("965+98765432", "there is a plus sign between the digits"),
    ],
)
def test_what_is_not_plainly_one_number_is_refused_as_by_the_framework(raw: str, reason: str) -> None:
    """Digits read out of a text that is no number are the number of a stranger."""
    valid, error, digits = validate_phone_input(raw)
    assert (valid, digits) == (False, "")
    assert error is not None
    assert error.startswith(f"'{raw}' is not a valid phone number — {reason}")


@pytest.mark.parametrize("cell", ["96598765432.0", "9.6598765432E+10", '="96598765432"', "'96598765432", 96598765432.0])
def test_a_cell_of_a_spreadsheet_is_read_where_no_digit_is_lost(cell: object) -> None:
    """By both functions; what is lost is no number."""
    assert validate_phone_input(cell) == (True, None, "96598765432")
    assert normalize_phone(str(cell)) == "96598765432"
    assert normalize_phone("9.65987654E10") == ""


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
def test_a_number_against_its_countrys_rule_names_the_rule(number: str, words: tuple[str, ...]) -> None:
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
