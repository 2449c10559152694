"""Strategies for numbers and for what people type in their place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import phonenumbers
from hypothesis import strategies as st

from notifykit_kwtsms.phone.documented import RULES
from notifykit_kwtsms.phone.rules import BY_COUNTRY, GULF, CountryRule

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

#: Where the zeros of a few scripts stand: Latin, Arabic-Indic, Persian, Devanagari, Bengali, fullwidth, mathematical.
ZEROS: Final = (0x30, 0x660, 0x6F0, 0x966, 0x9E6, 0xFF10, 0x1D7CE)
#: What may stand between digits without saying anything.
SEPARATORS: Final = ("", " ", "-", ".", "/", "(", ")", "\t", "\u00a0", "\u200e", "\u202c", "\ufeff", "–", "\u200b")


def e164(number: phonenumbers.PhoneNumber) -> str:
    """Return the canonical form of a number of phonenumbers."""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164).removeprefix("+")


#: Examples of mobile numbers, one a country outside the Gulf; those of islands with few digits can be local numbers.
EXAMPLES_ABROAD: Final = tuple(
    sorted(
        {
            e164(example)
            for region in phonenumbers.SUPPORTED_REGIONS - BY_COUNTRY.keys()
            if (example := phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE))
        }
    )
)


def any_text() -> SearchStrategy[str]:
    """Draw any text at all, lone surrogates and control characters included, and often with digits in it."""
    anything = st.characters(min_codepoint=0, max_codepoint=0x10FFFF, categories=None)
    likely = st.sampled_from("0123456789٠١٢٣٤٥٦٧٨٩۰۹+ -().,;@*#abcE\ud800\u200e\n")
    return st.text(st.one_of(likely, anything), max_size=40)


@st.composite
def kuwait_mobiles(draw: st.DrawFn) -> str:
    """Draw a Kuwaiti mobile number in its canonical form."""
    return "965" + draw(st.sampled_from("4569")) + draw(st.text("0123456789", min_size=7, max_size=7))


@st.composite
def mobiles(draw: st.DrawFn, rules: SearchStrategy[CountryRule] | None = None) -> str:
    """Draw a mobile number as the vendor's table has it, in its canonical form; of any of its countries by default."""
    rule = draw(st.sampled_from(tuple(RULES.values())) if rules is None else rules)
    length = draw(st.sampled_from(rule.lengths))
    starts = rule.first_digits or ("0123456789" if rule.leading_zero else "123456789")
    return (
        rule.code
        + draw(st.sampled_from(starts))
        + draw(st.text("0123456789", min_size=length - 1, max_size=length - 1))
    )


def gulf_mobiles() -> SearchStrategy[str]:
    """Draw a mobile number of Kuwait or one of its neighbours, in its canonical form."""
    return mobiles(st.sampled_from(GULF))


def examples_abroad() -> SearchStrategy[str]:
    """Draw the example of a mobile number that phonenumbers has for a country, in its canonical form."""
    return st.sampled_from(EXAMPLES_ABROAD)


@st.composite
def spellings(draw: st.DrawFn, number: str, marks: tuple[str, ...] = ("", "+", "00")) -> str:
    """Draw a canonical number as a person might type it: another script, separators, a prefix."""
    zero = draw(st.sampled_from(ZEROS))
    digits = [chr(zero + int(digit)) for digit in number]
    gaps = draw(st.lists(st.sampled_from(SEPARATORS), min_size=len(digits), max_size=len(digits)))
    return draw(st.sampled_from(marks)) + "".join(gap + digit for gap, digit in zip(gaps, digits, strict=True))
