"""The core's fallback for SMS."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, strategies as st

from notifykit.models.message import Channel
from notifykit.models.recipient import Recipient, Rejected
from notifykit.normalizers.phone import InternationalNormalizer, notifykit_normalizers

NORMALIZER = InternationalNormalizer()
ANY_TEXT = st.text(st.one_of(st.sampled_from("0123456789٠٩۰۹+- ().,;@*#aE\ud800\n"), st.characters(categories=None)))


def normalized(raw: str) -> Recipient | Rejected:
    answer = NORMALIZER.normalize(raw, Channel.SMS)
    assert answer is not None
    return answer


def detail(raw: str) -> str:
    answer = normalized(raw)
    assert isinstance(answer, Rejected), answer
    return answer.error.detail


@pytest.mark.parametrize(
    ("raw", "address"),
    [
        ("96598765432", "96598765432"),
        ("+965 9876-5432", "96598765432"),
        ("00 965 9876-5432", "96598765432"),
        ("965 98765432+", "96598765432"),
        ("＋٩٦٥٩٨٧٦٥٤٣٢", "96598765432"),
        ("९६५९८७६५४३२", "96598765432"),
        ("tel:+965-9876-5432", "96598765432"),
        ("SMS:+96598765432", "96598765432"),
        (" 96598765432\n", "96598765432"),
        ("\u202a+96598765432\u202c", "96598765432"),
        ("1234567", "1234567"),
        ("123456789012345", "123456789012345"),
        ("+00001234567", "1234567"),
        ("'96598765432", "96598765432"),
        ("'+965 98765432'", "96598765432"),
        ('="96598765432"', "96598765432"),
        ("96598765432.0", "96598765432"),
        ("96598765432,00", "96598765432"),
        ("\ufeff+96598765432.0", "96598765432"),
        ("9.6598765432E+10", "96598765432"),
        ("9,65987654320e10", "96598765432"),
        ("٩٦٥٩٨٧٦٥٤٣٢.0", "96598765432"),
    ],
)
def test_an_international_number_is_taken_however_it_is_set(raw: str, address: str) -> None:
    """Punctuation, script and the mark in front don't matter; the country is not guessed."""
    assert normalized(raw) == Recipient(address, Channel.SMS, None)
    assert normalized(raw).raw == raw


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("", "empty"),
        ("  \n", "empty"),
        ("\u200e", "no digits"),
        ("user@gmail.com", "email"),
        ("+965@98765432", "email"),
        ("abc", "no digits"),
        ("+", "no digits"),
        ("---", "no digits"),
        ("call 96598765432", "letters"),
        ("96598765432 ext 5", "letters"),
        ("12345abc", "letters"),
        ("9.65987654E10", "rounded"),
        ("9,65987E+10", "rounded"),
        ("9.6599E+10", "rounded"),
        ("96598765432.5", "fraction"),
        ("96598765432e3", "letters"),
        ("O6598765432", "letters"),
        ("+1 415 555 2671 x12", "letters"),
        ("01196598765432", "begins with 011"),
        ("96598765432,96598765433", "several"),
        ("96598765432\n96598765433", "several"),
        ("96598765432 ; 96598765433", "several"),
        ("*123*96598765432#", "dial code"),
        ("965+98765432", "plus sign between"),
        ("123456", "at least 7"),
        ("0000000", "at least 7"),
        ("1234567890123456", "at most 15"),
        ("0559123456", "dialled inside its country"),
    ],
)
def test_what_is_not_plainly_one_number_is_refused_with_the_reason(raw: str, reason: str) -> None:
    """A guess would send a paid message to a stranger."""
    assert reason in detail(raw)
    answer = normalized(raw)
    assert isinstance(answer, Rejected)
    assert answer.error.action
    assert answer.error.code is None


@pytest.mark.parametrize("channel", [Channel.EMAIL, Channel.PUSH])
def test_other_channels_are_for_other_normalizers(channel: Channel) -> None:
    """A number means nothing outside SMS, so the next normalizer is asked."""
    assert NORMALIZER.normalize("96598765432", channel) is None


@given(ANY_TEXT)
def test_any_text_gets_an_answer(raw: str) -> None:
    """Nothing raises, an address is 7 to 15 digits and stays itself, and a reason shows no digits of the input."""
    answer = normalized(raw)
    assert answer.raw == raw
    if isinstance(answer, Recipient):
        assert answer.address.isascii()
        assert answer.address.isdigit()
        assert 7 <= len(answer.address) <= 15
        assert normalized(answer.address).raw == answer.address
    elif len(raw) > 2 and any(character.isdigit() for character in raw):
        assert raw not in str(answer.error)


def test_it_joins_as_a_plugin() -> None:
    """The module brings exactly one normalizer, under its name."""
    assert [normalizer.name for normalizer in notifykit_normalizers()] == ["international"]


@pytest.mark.parametrize(
    "unit",
    [",", "1", "0", " ", "+", "!", "1,", "1!", "a", "@", "٣", "0.", "=", "E", "1E", "0.0", "\ud800", "\u200e", "\n"],
)
def test_a_hostile_text_costs_no_more_than_its_length(unit: str) -> None:
    """A hundred thousand of anything are answered at once; squared, it would take minutes."""
    started = time.process_time()
    normalized("1" + unit * 100_000)
    normalized("1234567" + unit * 100_000 + "x")
    assert time.process_time() - started < 2
