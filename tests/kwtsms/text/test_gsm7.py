"""What GSM-7 has in place of what it lacks."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given

from notifykit_kwtsms.text.gsm7 import BASIC, EXTENSION, nearest
from notifykit_kwtsms.text.segments import count_segments, measure, to_gsm7
from tests.kwtsms.text.strategies_text import any_text, long_texts, messy


@pytest.mark.parametrize(
    ("character", "replacement"),
    [
        *zip("‘’“”«»", '\'\'""""', strict=True),
        *zip("–—−•×÷`´", "---" + "-" + "x/''", strict=True),
        *zip("çêşğıİłŁđÅΩ", "cesgiIlLdÅΩ", strict=True),
        *zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧΆ", "ABEZHIKMNOPTYXA", strict=True),
        *zip("٣۵１²", "3512", strict=True),
        *zip("،؛؟", ",;?", strict=True),
        ("…", "..."),
        ("™", "TM"),
        ("©", "(c)"),
        ("№", "No"),
        ("œ", "oe"),
        ("ﬁ", "fi"),
        ("½", "1/2"),
        ("\u00a0", " "),
        ("\t", " "),
        ("\u0301", ""),
        ("\u212b", "Å"),
        ("a", "a"),
        ("€", "€"),
        ("ي", None),
        ("ﷺ", None),
        ("آ", None),
        ("й", None),
        ("漢", None),
        ("😀", None),
        ("≮", None),
        ("¯", None),
        ("°", None),
        ("\u200b", None),
        ("\u034f", None),
        ("\ud83d", None),
    ],
)
def test_nearest(character: str, replacement: str | None) -> None:
    """What looks or reads alike, and nothing where nothing does or where it would say something else."""
    assert nearest(character) == replacement


def test_every_replacement_is_gsm7() -> None:
    """Of all characters there are, each is replaced by GSM-7 or by nothing; no Arabic letter is replaced."""
    for code in range(sys.maxunicode + 1):
        replacement = nearest(chr(code))
        assert replacement is None or set(replacement) <= BASIC | EXTENSION
        assert replacement is None or not ("\u0620" <= chr(code) <= "\u064a")


@pytest.mark.parametrize(
    ("text", "replaced"),
    [
        ("“Hi” – it’s me…", '"Hi" - it\'s me...'),
        ("cafe\u0301", "café"),
        ("s\u0327e\u0301\u0316", "sé"),
        ("français", "francais"),
        ("“مرحبا”", "“مرحبا”"),
        ("Hi", "Hi"),
        ("", ""),
        ("…" * 70, "…" * 70),
        ("a" + "\u0301" * 20_000 + "\u0316" * 20_000, "a"),
    ],
    ids=lambda text: ascii(text[:20]),
)
def test_to_gsm7(text: str, replaced: str) -> None:
    """All is replaced or nothing: a single Arabic letter keeps the text Unicode, and so does what would cost more."""
    assert to_gsm7(text) == replaced


@pytest.mark.parametrize(
    ("text", "segments"), [("“" + "a" * 150, 2), ("’", 0), ("a" * 300, 0), ("ي" * 300 + "’", 0), ("…" * 70, 0)]
)
def test_saved_segments(text: str, segments: int) -> None:
    """One curly quote can cost two segments."""
    assert count_segments(text) - count_segments(to_gsm7(text)) == segments


@given(any_text | messy | long_texts)
def test_a_replaced_text_never_needs_more_segments(text: str) -> None:
    """It is GSM-7 or the text itself, and has no more segments."""
    replaced = to_gsm7(text)
    assert replaced == text or measure(replaced).encoding == "gsm7"
    assert measure(replaced).segments <= measure(text).segments
    assert to_gsm7(replaced) == replaced
