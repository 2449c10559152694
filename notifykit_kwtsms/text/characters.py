"""Emoji, hidden characters and Arabic digits: what the gateway cannot deliver, found in a text (gateway facts, 3.6).

The tables follow the Unicode Character Database and the emoji data, version 17.0. :mod:`unicodedata` cannot replace
them: it knows no emoji, and its version differs with each Python. U+FFFD stays: the gateway carries it, and a reader
sees that something is missing.
"""

from __future__ import annotations

import functools
import itertools
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

#: The first and the last code point of a range.
Range: TypeAlias = tuple[int, int]


#: Everything with the property Emoji or Extended_Pictographic (emoji-data.txt), apart from ASCII, ©, ® and ™, which
#: are text. The blocks 2600–27BF and 1F000–1FAFF are complete, because the gateway's vendor removes them completely:
#: the gateway may hold back any of their characters.
PICTOGRAPHS: Final[tuple[Range, ...]] = (
    (0x203C, 0x203C),  # ‼
    (0x2049, 0x2049),  # ⁉
    (0x2139, 0x2139),  # ℹ
    (0x2194, 0x2199),  # ↔ to ↙ are emoji; the plain arrows ← ↑ → ↓ are not
    (0x21A9, 0x21AA),  # ↩ ↪
    (0x231A, 0x231B),  # ⌚ ⌛
    (0x2328, 0x2328),  # ⌨
    (0x23CF, 0x23CF),  # ⏏
    (0x23E9, 0x23F3),  # ⏩ to ⏳
    (0x23F8, 0x23FA),  # ⏸ ⏹ ⏺
    (0x24C2, 0x24C2),  # Ⓜ
    (0x25AA, 0x25AB),  # ▪ ▫
    (0x25B6, 0x25B6),  # ▶
    (0x25C0, 0x25C0),  # ◀
    (0x25FB, 0x25FE),  # ◻ ◼ ◽ ◾
    (0x2600, 0x27BF),  # Miscellaneous Symbols, Dingbats
    (0x2934, 0x2935),  # ⤴ ⤵
    (0x2B05, 0x2B07),  # ⬅ ⬆ ⬇
    (0x2B1B, 0x2B1C),  # ⬛ ⬜
    (0x2B50, 0x2B50),  # ⭐
    (0x2B55, 0x2B55),  # ⭕
    (0x3030, 0x3030),  # 〰
    (0x303D, 0x303D),  # 〽
    (0x3297, 0x3297),  # ㊗
    (0x3299, 0x3299),  # ㊙
    (0x1F000, 0x1FAFF),  # Mahjong Tiles to Symbols and Pictographs Extended-A, flags and skin tones among them
    (0x1FC00, 0x1FFFD),  # reserved for later emoji
)


#: Regional indicators: two of them are a flag.
FLAG_LETTERS: Final[tuple[Range, ...]] = ((0x1F1E6, 0x1F1FF),)


#: What follows a pictograph and belongs to it; invisible alone.
PICTOGRAPH_PARTS: Final[tuple[Range, ...]] = (
    (0x20E3, 0x20E3),  # the box of a keycap
    (0xFE00, 0xFE0F),  # variation selectors
    (0x1F3FB, 0x1F3FF),  # skin tones
    (0xE0000, 0xE007F),  # tags, which spell the flags of regions
    (0xE0100, 0xE01EF),  # variation selectors, supplement
)


#: Invisible characters. General category Cc and Cf, without tab, line ends, and the Arabic, Syriac and Kaithi
#: number signs, which are Cf and drawn (property Prepended_Concatenation_Mark); everything Default_Ignorable; the
#: object replacement character; noncharacters; and lone surrogates, which UTF-8 can't encode.
HIDDEN: Final[tuple[Range, ...]] = (
    (0x0000, 0x0008),
    (0x000E, 0x001F),
    (0x007F, 0x0084),
    (0x0086, 0x009F),
    (0x00AD, 0x00AD),  # soft hyphen
    (0x034F, 0x034F),  # combining grapheme joiner
    (0x061C, 0x061C),  # Arabic letter mark
    (0x115F, 0x1160),  # Hangul fillers
    (0x17B4, 0x17B5),  # Khmer inherent vowels
    (0x180B, 0x180F),  # Mongolian variation selectors and vowel separator
    (0x200B, 0x200F),  # zero-width space, non-joiner and joiner; marks of direction
    (0x202A, 0x202E),  # embeddings and overrides of direction
    (0x2060, 0x206F),  # word joiner, invisible operators, isolates of direction
    (0x3164, 0x3164),  # Hangul filler
    (0xD800, 0xDFFF),  # surrogates
    (0xFDD0, 0xFDEF),  # noncharacters
    (0xFE00, 0xFE0F),  # variation selectors
    (0xFEFF, 0xFEFF),  # byte order mark
    (0xFFA0, 0xFFA0),  # halfwidth Hangul filler
    (0xFFF0, 0xFFFC),  # interlinear annotation, object replacement
    *((plane | 0xFFFE, plane | 0xFFFF) for plane in range(0, 0x110000, 0x10000)),  # noncharacters
    (0x13430, 0x1343F),  # Egyptian hieroglyph joiners
    (0x1BCA0, 0x1BCA3),  # shorthand format controls
    (0x1D173, 0x1D17A),  # musical format controls
    (0xE0000, 0xE0FFF),  # tags, variation selectors
)


#: Line ends (Unicode Standard, section 5.8) without the line feed.
LINE_ENDS: Final[tuple[Range, ...]] = ((0x000B, 0x000D), (0x0085, 0x0085), (0x2028, 0x2029))


#: What looks like a space and makes the whole text Unicode: general category Zs without the space itself, the tab, which
#: the gateway carries and phones show as a space or not at all, and the blank of Braille.
SPACES: Final[tuple[Range, ...]] = (
    (0x0009, 0x0009),
    (0x00A0, 0x00A0),
    (0x1680, 0x1680),
    (0x2000, 0x200A),
    (0x202F, 0x202F),
    (0x205F, 0x205F),
    (0x2800, 0x2800),
    (0x3000, 0x3000),
)


#: Letters of the Arabic script and their marks.
ARABIC: Final[tuple[Range, ...]] = (
    (0x0610, 0x061A),
    (0x0620, 0x065F),
    (0x066E, 0x06D3),
    (0x06D5, 0x06DC),
    (0x06DF, 0x06E8),
    (0x06EA, 0x06EF),
    (0x06FA, 0x06FF),
    (0x0750, 0x077F),
    (0x0870, 0x088F),
    (0x0897, 0x08E1),
    (0x08E3, 0x08FF),
    (0xFB50, 0xFD3D),
    (0xFD50, 0xFDCF),
    (0xFDF0, 0xFDFC),
    (0xFE70, 0xFEFC),
)


#: Arabic-Indic digits, and Persian digits.
ARABIC_DIGITS: Final[tuple[Range, ...]] = ((0x0660, 0x0669), (0x06F0, 0x06F9))


#: All planes above the first. A set of many small ranges there is slow to search: Python compares them one by one for
#: every character. A search may take the whole plane and then look closer.
ASTRAL: Final[tuple[Range, ...]] = ((0x10000, 0x10FFFF),)


def inside(*tables: Iterable[Range]) -> str:
    """Return the inside of a regular expression's ``[…]`` for all the tables."""
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in _merged(itertools.chain(*tables)))


def outside(*tables: Iterable[Range]) -> str:
    """Return the same for characters in none of the tables; faster than ``[^…]``, which compares every range."""
    edges = [-1, *itertools.chain(*_merged(itertools.chain(*tables))), 0x110000]
    gaps = ((before + 1, after - 1) for before, after in zip(edges[::2], edges[1::2], strict=True))
    return inside((first, last) for first, last in gaps if first <= last)


def _merged(ranges: Iterable[Range]) -> list[Range]:
    result: list[Range] = []
    for first, last in sorted(ranges):
        if result and first <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(last, result[-1][1]))
        else:
            result.append((first, last))
    return result


@functools.cache
def clean_text() -> re.Pattern[str]:
    """Return the pattern of a text in which no cleaner finds anything; faster than a search for what is wrong."""
    sign = ((ord("<"), ord("<")),)
    return re.compile(
        f"[{outside(PICTOGRAPHS, PICTOGRAPH_PARTS, HIDDEN, LINE_ENDS, SPACES, ARABIC_DIGITS, ASTRAL, sign)}]*+"
    )


#: Start, end, replacement and reason of a change. A tuple, because a text may have thousands of them.
Change: TypeAlias = tuple[int, int, str, str]


def apply(text: str, changes: Sequence[Change]) -> str:
    """Return the text after the changes."""
    if not changes:
        return text
    pieces: list[str] = []
    position = 0
    for start, end, after, _ in changes:
        pieces.append(text[position:start])
        pieces.append(after)
        position = end
    pieces.append(text[position:])
    return "".join(pieces)


#: Emoji that stand for marks, which stay: without them a list of what is paid, or a number of stars, would be lost.
_SPELLED: Final = {
    **dict(zip("‼⁉ℹⓂ↔⬅♥", ("!!", "!?", "i", "M", "<->", "<-", "<3"), strict=True)),
    **dict.fromkeys("➔➙➛➜➝➞➟➠➡", "->"),
    **dict.fromkeys("✓✔☑✅", "√"),  # the mark that is no emoji; GSM-7 has none
    **dict.fromkeys("✕✖✗✘☒❌", "x"),
    **dict.fromkeys("★⭐", "*"),
}
#: ``NEGATIVE SQUARED LATIN CAPITAL LETTER A``, ``SQUARED OK``.
_SQUARED_LETTERS: Final = re.compile(r"(?:NEGATIVE )?(?:SQUARED|CIRCLED) (?:LATIN CAPITAL LETTER )?([A-Z]{1,4})")
_KEYCAP_KEYS: Final = frozenset("0123456789#*")
_KEYCAP_ENDS: Final = ("\u20e3", "\ufe0f\u20e3")


@functools.lru_cache(maxsize=1024)
def _plain_form(character: str) -> str:
    """Return the digits, the letters or the mark that an emoji stands for; nothing for a picture."""
    if character in _SPELLED:
        return _SPELLED[character]
    number = unicodedata.numeric(character, None)
    if number is not None and number.is_integer():
        return str(int(number))
    plain = unicodedata.normalize("NFKD", character)
    if plain != character and plain.isascii():
        return plain
    # The name of an older symbol, such as SQUARED KEY, is no spelling.
    letters = _SQUARED_LETTERS.fullmatch(unicodedata.name(character, "")) if character >= "\U0001f100" else None
    return letters[1] if letters else ""


@functools.cache
def _emoji_sequence() -> re.Pattern[str]:
    """Return the pattern of a whole emoji sequence (UTS #51, section 1.4.9).

    That is a pictograph or a pair of flag letters, its parts, and whatever is joined to it. The pattern starts with a
    set, so that the search runs in C; it is compiled on first use, because that takes milliseconds.
    """
    parts = f"[{inside(PICTOGRAPH_PARTS)}]*+"
    one = f"[{inside(PICTOGRAPHS, PICTOGRAPH_PARTS)}]"
    flag = f"[{inside(FLAG_LETTERS)}]"
    return re.compile(
        f"[{inside(PICTOGRAPHS, PICTOGRAPH_PARTS, ASTRAL)}](?<={one})"
        f"(?:(?<={flag}){flag})?+{parts}(?:\u200d++(?:{one}{parts})?+)*+"
    )


def find_emoji(text: str) -> list[Change]:
    """Return the changes that remove emoji: the gateway charges for them and never delivers them."""
    if text.isascii():
        return []
    changes: list[Change] = []
    done = 0
    for match in _emoji_sequence().finditer(text):
        start, end = match.span()
        # The key of a keycap stays: it may be a digit of a code.
        if start > done and text[start - 1] in _KEYCAP_KEYS and text.startswith(_KEYCAP_ENDS, start):
            changes.append((start - 1, end, text[start - 1], "keycap emoji"))
        else:
            changes.append((start, end, _plain_form(text[start]), "emoji"))
        done = end
    return changes


@functools.cache
def _hidden_run() -> re.Pattern[str]:
    """Return the pattern of a run of one kind: with group 1 line ends, with group 2 spaces, without a group hidden."""
    hidden, space, line_end = (f"[{inside(table)}]" for table in (HIDDEN, SPACES, LINE_ENDS))
    return re.compile(
        f"[{inside(HIDDEN, LINE_ENDS, SPACES, ASTRAL)}]"
        f"(?:(?<={hidden}){hidden}*+|(?<={line_end})((?:(?<=\r)\n|{line_end})*+)|(?<={space})({space}*+))"
    )


@functools.cache
def _arabic() -> re.Pattern[str]:
    return re.compile(f"[{inside(ARABIC)}]")


def find_hidden(text: str) -> list[Change]:
    """Return the changes that remove hidden characters, and write line ends and spaces as every phone has them."""
    if text.isascii() and text.isprintable():
        return []
    changes: list[Change] = []
    for match in _hidden_run().finditer(text):
        start, end = match.span()
        if match.lastindex is None:
            if _separates(text, start, end):
                changes.append((start, end, " ", "zero-width non-joiner"))
            else:
                changes.append((start, end, "", "hidden character"))
        elif match.lastindex == 1:
            changes.append((start, end, "\n" * (end - start - match[0].count("\r\n")), "line end"))
        else:
            changes.append((start, end, " " * (end - start), "unusual space"))
    return changes


def _separates(text: str, start: int, end: int) -> bool:
    """Whether hidden characters separate the parts of a Persian word, which is misread without them."""
    return (
        "\u200c" in text[start:end]
        and start > 0
        and _arabic().match(text, start - 1) is not None
        and _arabic().match(text, end) is not None
    )


_LATIN_DIGITS: Final = {first + value: ord("0") + value for first, _ in ARABIC_DIGITS for value in range(10)}
_PERSIAN_ZERO: Final = "\u06f0"


@functools.cache
def _digit_run() -> re.Pattern[str]:
    digit = f"[{inside(ARABIC_DIGITS)}]"
    return re.compile(f"{digit}{digit}*+")  # starts with a set, so that the search runs in C


def find_digits(text: str) -> list[Change]:
    """Return the changes that write Arabic-Indic and Persian digits, which phones show inconsistently, as Latin ones."""
    if text.isascii():
        return []
    return [
        (
            match.start(),
            match.end(),
            match[0].translate(_LATIN_DIGITS),
            "Persian digits" if match[0][0] >= _PERSIAN_ZERO else "Arabic-Indic digits",
        )
        for match in _digit_run().finditer(text)
    ]
