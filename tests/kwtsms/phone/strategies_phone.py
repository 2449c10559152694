"""Strategies for numbers and for what people type in their place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

from notifykit_kwtsms.phone.rules import RULES, CountryRule

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

#: Where the zeros of a few scripts stand: Latin, Arabic-Indic, Persian, Devanagari, Bengali, fullwidth, mathematical.
ZEROS: Final = (0x30, 0x660, 0x6F0, 0x966, 0x9E6, 0xFF10, 0x1D7CE)
#: What may stand between digits without saying anything.
SEPARATORS: Final = ("", " ", "-", ".", "/", "(", ")", "\t", "\u00a0", "\u200e", "\u202c", "\ufeff", "–", "\u200b")


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
    """Draw a mobile number of a country that has a rule, in its canonical form."""
    rule = draw(st.sampled_from(tuple(RULES.values())) if rules is None else rules)
    length = draw(st.sampled_from(rule.lengths))
    starts = rule.first_digits or ("0123456789" if rule.leading_zero else "123456789")
    return (
        rule.code
        + draw(st.sampled_from(starts))
        + draw(st.text("0123456789", min_size=length - 1, max_size=length - 1))
    )


@st.composite
def spellings(draw: st.DrawFn, number: str, marks: tuple[str, ...] = ("", "+", "00")) -> str:
    """Draw a canonical number as somebody might type it: another script, separators, a mark in front."""
    zero = draw(st.sampled_from(ZEROS))
    digits = [chr(zero + int(digit)) for digit in number]
    gaps = draw(st.lists(st.sampled_from(SEPARATORS), min_size=len(digits), max_size=len(digits)))
    return draw(st.sampled_from(marks)) + "".join(gap + digit for gap, digit in zip(gaps, digits, strict=True))
