"""Texts for tests of cleaners and segments, and facts about characters that do not come from the code under test."""

from __future__ import annotations

import re
import unicodedata

from hypothesis import strategies as st

#: Code points with the property Emoji or Extended_Pictographic outside 2600–27BF and 1F000–1FAFF, and without
#: ASCII, ©, ® and ™: Unicode 17.0, as the engine of a JavaScript interpreter lists them.
OTHER_PICTOGRAPHS = {
    chr(code)
    for span in [
        "203c",
        "2049",
        "2139",
        "2194-2199",
        "21a9-21aa",
        "231a-231b",
        "2328",
        "23cf",
        "23e9-23f3",
        "23f8-23fa",
        "24c2",
        "25aa-25ab",
        "25b6",
        "25c0",
        "25fb-25fe",
        "2934-2935",
        "2b05-2b07",
        "2b1b-2b1c",
        "2b50",
        "2b55",
        "3030",
        "303d",
        "3297",
        "3299",
        "1fc00-1fffd",
    ]
    for code in range(int(span.split("-")[0], 16), int(span.split("-")[-1], 16) + 1)
}
#: Default_Ignorable_Code_Point that is neither Cc nor Cf nor unassigned, and the object replacement character.
OTHER_HIDDEN = set("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0\ufffc")
#: Cf, and drawn: Prepended_Concatenation_Mark.
DRAWN_FORMATS = set("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
#: What the gateway, or a phone, may take for a tag.
TAG = re.compile(r"<[A-Za-z/!?][^>]*>")

PLAIN = [
    "Hello",
    "Your OTP is: 123456",
    "عزيزي العميل",
    "می",
    "خواهم",
    "a < b",
    "c > d",
    "<3",
    "1<2>1",
    "→ © ® ™",
    "漢字",
    "ﷺ",
    "\u0600",
]
EMOJI_SEQUENCES = [
    "😀",
    "❤️",
    "👍🏽",
    "👩‍👩‍👧‍👦",
    "🧑🏿‍🚒",
    "🏳️‍🌈",
    "👁️‍🗨️",
    "🇰🇼",
    "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "☎",
    "⌚",
    "〰️",
    "㊗️",
    "🀄",
    "⛹🏻‍♀️",
]
#: Emoji that stand for digits, letters or marks, and what they stand for.
SPELLED = {"‼": "!!", "⁉": "!?", "ℹ": "i", "Ⓜ": "M", "↔": "<->", "✓": "√", "✘": "x", "★": "*", "♥": "<3", "➜": "->"}
SPELLED |= {"❷": "2", "❿": "10", "🅰": "A", "🆗": "OK", "🄰": "A", "🄒": "(C)", "🄆": "5"}
FRAGMENTS = [
    *PLAIN,
    *EMOJI_SEQUENCES,
    *SPELLED,
    *"<>/!?a b1\n\t\r\v\f\x85\u2028\u2029\u00a0\u3000\u200b\u200c\u200d\u200e\ufeff\u00ad\u034f\ufe0f\u20e3#*5",
    *"‼⁉ℹⓂ٠١٩۰۵۹^{}[]~|€\\é`“”…–",
    "<b>",
    "</b>",
    "<",
    "</",
    "<br/>",
    "<!--",
    "-->",
    "<p>",
    "</p>",
    "<td>",
    '<a href="https://x.example/?a=1&amp;b=2">',
    "</a>",
    "<https://pay.example.com/i/1>",
    "<sara@example.com>",
    "<name>",
    "&amp;",
    "&lt;",
    "&gt;",
    "&#39;",
    "&nbsp;",
    "&#128512;",
    "<script>",
    "</script>",
    '"',
    "'",
    "\r\n",
    "\ud83d",
    "\ude00",
    "\ufffe",
    "\U000e0041",
    "\U0001f1e6",
]

#: Any text at all, lone surrogates included.
any_text = st.text(st.characters())
#: Texts in which the cleaners meet what they are for, closely packed.
messy = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=3)), max_size=25).map("".join)
#: Nothing but what brackets are made of.
brackets = st.text("<>/!?ab1 \u200b", max_size=60)
#: What the cleaners are tried on.
texts = st.one_of(messy, any_text, brackets)
#: Long texts of few kinds of characters, so that segments begin at interesting places.
long_texts = st.builds(
    lambda pieces, times: "".join(pieces) * times,
    st.lists(
        st.sampled_from(["a", "€", "[", "é", "ي", "😀", "\n", "abc", "\ud83d", "\ude00"]), min_size=1, max_size=12
    ),
    st.integers(1, 90),
)


def is_pictograph(character: str) -> bool:
    """Whether the gateway may hold a text back for this character."""
    code = ord(character)
    return character in OTHER_PICTOGRAPHS or 0x2600 <= code <= 0x27BF or 0x1F000 <= code <= 0x1FAFF or code == 0x20E3


def is_hidden(character: str) -> bool:
    """Whether a character is invisible and is neither a space, a tab nor a line feed."""
    code = ord(character)
    return (
        (unicodedata.category(character) in ("Cc", "Cf", "Cs") and character not in DRAWN_FORMATS | set("\n\t"))
        or character in OTHER_HIDDEN
        or 0xFE00 <= code <= 0xFE0F
        or 0xE0000 <= code <= 0xE0FFF
        or 0xFDD0 <= code <= 0xFDEF
        or code & 0xFFFE == 0xFFFE
    )


def is_odd_space(character: str) -> bool:
    """Whether a character looks like a space or ends a line, and is neither the space nor the line feed."""
    return character in "\t\u2800" or (unicodedata.category(character) in ("Zs", "Zl", "Zp") and character != " ")


def is_arabic_digit(character: str) -> bool:
    """Whether a character is an Arabic-Indic or a Persian digit."""
    return "\u0660" <= character <= "\u0669" or "\u06f0" <= character <= "\u06f9"
