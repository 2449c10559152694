"""The sandbox's own count of segments."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from notifykit_kwtsms.sandbox.segments import ROOM, count_text
from notifykit_kwtsms.text.gsm7 import BASIC, EXTENSION


@pytest.mark.parametrize(
    ("text", "encoding", "segments"),
    [
        ("", "gsm7", 1),
        ("a" * 160, "gsm7", 1),
        ("a" * 161, "gsm7", 2),
        ("a" * 306, "gsm7", 2),
        ("a" * 307, "gsm7", 3),
        ("a" * 1071, "gsm7", 7),
        ("a" * 1072, "gsm7", 8),
        ("ش" * 70, "ucs2", 1),
        ("ش" * 71, "ucs2", 2),
        ("ش" * 469, "ucs2", 7),
        ("ش" * 470, "ucs2", 8),
        ("€" * 80, "gsm7", 1),
        ("€" * 81, "gsm7", 2),
        ("😀" * 35, "ucs2", 1),
        ("😀" * 36, "ucs2", 2),
    ],
)
def test_published_limits_are_the_limits(text: str, encoding: str, segments: int) -> None:
    """160/153 septets and 70/67 UTF-16 units, as the facts say."""
    counted = count_text(text)
    assert (counted.encoding, counted.segments) == (encoding, segments)


def test_an_escape_pair_moves_whole_to_the_next_segment() -> None:
    """The unit that is left over at the end of a segment is lost."""
    counted = count_text("a" * 152 + "€" + "a" * 10)
    assert counted.starts == (0, 152)
    assert counted.units == 164
    assert counted.units_left == 153 - 12


def test_forced_characters_are_named_with_their_place() -> None:
    """Each character outside GSM-7 has position, character and name."""
    (forced,) = count_text("caf\u00e9 \u2019").forced
    assert (forced.position, forced.character, forced.name) == (5, "\u2019", "RIGHT SINGLE QUOTATION MARK")


def test_a_count_does_not_show_the_text() -> None:
    """The characters of a text stay out of the repr."""
    assert "\u2019" not in repr(count_text("it\u2019s 123456"))


def _units(character: str, encoding: str) -> int:
    return len(character.encode("utf-16-le")) // 2 if encoding == "ucs2" else 1 + (character in EXTENSION)


@given(st.text(st.sampled_from([*sorted(BASIC | EXTENSION), "😀", "ش", "𝒳"]), max_size=700))
def test_no_pair_is_split_and_no_segment_overflows(text: str) -> None:
    """Cut at the starts, every part fits, none could have taken the next character, and nothing is lost."""
    counted = count_text(text)
    ends = [*counted.starts[1:], len(text)]
    parts = [text[start:end] for start, end in zip(counted.starts, ends, strict=True)]
    assert "".join(parts) == text
    whole, part = ROOM[counted.encoding]
    room = whole if len(parts) == 1 else part
    sizes = [sum(_units(character, counted.encoding) for character in piece) for piece in parts]
    assert sum(sizes) == counted.units
    assert all(size <= room for size in sizes)
    assert counted.units_left == room - sizes[-1]
    for size, following in zip(sizes, parts[1:], strict=False):
        assert size + _units(following[0], counted.encoding) > room
