"""The encoding, the units, the segments, and the characters that force Unicode."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given

from notifykit.models.capabilities import ForcedCharacter, Measurement
from notifykit_kwtsms.text.gsm7 import BASIC, EXTENSION
from notifykit_kwtsms.text.segments import boundaries, measure
from tests.kwtsms.text.strategies_text import any_text, long_texts, messy


def encode(text: str) -> tuple[str, int, list[int], int]:
    """Encode a text character by character, and return encoding, units, where segments begin, and room in the last."""
    gsm7 = all(character in BASIC or character in EXTENSION for character in text)
    single, part = (160, 153) if gsm7 else (70, 67)
    sizes = [2 if (character in EXTENSION if gsm7 else ord(character) > 0xFFFF) else 1 for character in text]
    limit = single if sum(sizes) <= single else part
    starts: list[int] = []
    used = 0
    for position, size in enumerate(sizes):
        if used + size > limit:
            starts.append(position)
            used = 0
        used += size
    return "gsm7" if gsm7 else "ucs2", sum(sizes), starts, limit - used


@pytest.mark.parametrize(
    ("text", "encoding", "units", "segments", "free"),
    [
        ("", "gsm7", 0, 0, 160),
        ("a", "gsm7", 1, 1, 159),
        ("a" * 160, "gsm7", 160, 1, 0),
        ("a" * 161, "gsm7", 161, 2, 145),
        ("a" * 306, "gsm7", 306, 2, 0),
        ("a" * 1071, "gsm7", 1071, 7, 0),
        ("a" * 1072, "gsm7", 1072, 8, 152),
        ("€" * 80, "gsm7", 160, 1, 0),
        ("a" * 159 + "€", "gsm7", 161, 2, 145),
        ("a" * 152 + "€" + "a" * 152, "gsm7", 306, 3, 152),
        ("ي" * 70, "ucs2", 70, 1, 0),
        ("ي" * 71, "ucs2", 71, 2, 63),
        ("ي" * 469, "ucs2", 469, 7, 0),
        ("ي" * 470, "ucs2", 470, 8, 66),
        ("😀" * 35, "ucs2", 70, 1, 0),
        ("😀" * 36, "ucs2", 72, 2, 61),
        ("a" * 66 + "😀" + "a" * 66, "ucs2", 134, 3, 66),
        ("a`", "ucs2", 2, 1, 68),
        ("\t", "ucs2", 1, 1, 69),
        ("\x1b", "ucs2", 1, 1, 69),
    ],
)
def test_limits(text: str, encoding: str, units: int, segments: int, free: int) -> None:
    """160 and 153 septets, 70 and 67 UTF-16 units; a character of two units never stands astride."""
    measured = measure(text)
    assert (measured.encoding, measured.units, measured.segments, measured.units_left) == (
        encoding,
        units,
        segments,
        free,
    )


@given(any_text | messy | long_texts)
@example("a" * 152 + "€" * 80)
@example("ي" * 66 + "😀" * 40)
@example("a" * 306 + "€")
def test_agrees_with_an_encoder(text: str) -> None:
    """An encoder that works character by character gets the same, boundaries included."""
    encoding, units, starts, free = encode(text)
    measured = measure(text)
    assert measured.encoding == encoding
    assert measured.units == units
    assert measured.units_left == free
    assert measured.segments == (len(starts) + 1 if text else 0)
    assert list(boundaries(text)) == starts


@given(any_text | messy)
def test_forced_characters(text: str) -> None:
    """Each character outside of GSM-7 is named once, where it stands first."""
    outside = {
        character: text.index(character) for character in dict.fromkeys(text) if character not in BASIC | EXTENSION
    }
    forced = measure(text).forced
    assert {character.character: character.position for character in forced} == outside
    assert [character.position for character in forced] == sorted(outside.values())
    for character in forced:
        assert character.name == unicodedata.name(character.character, character.name)


def test_forced_characters_say_what_to_do() -> None:
    """A forced character comes with its name and with what could stand in its place."""
    assert measure("It’s ي \x80’") == Measurement(
        "ucs2",
        9,
        1,
        61,
        (
            ForcedCharacter(2, "’", "RIGHT SINGLE QUOTATION MARK", "'"),
            ForcedCharacter(5, "ي", "ARABIC LETTER YEH", None),
            ForcedCharacter(7, "\x80", "U+0080", None),
        ),
    )


@pytest.mark.parametrize("size", [20_000, 40_000])
@pytest.mark.parametrize("unit", ["a", "€", "a€", "ي", "😀", "a😀", "\ud83d", "a\u0301"], ids=ascii)
def test_very_long_texts(unit: str, size: int) -> None:
    """Texts far beyond what can be sent are measured too."""
    text = unit * (size // len(unit))
    encoding, units, starts, _ = encode(text)
    measured = measure(text)
    assert (measured.encoding, measured.units, measured.segments) == (encoding, units, len(starts) + 1)
