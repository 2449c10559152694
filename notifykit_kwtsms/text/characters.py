"""Emoji, hidden characters and Arabic digits: what the gateway cannot deliver in a text, found and replaced."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

#: The first and the last code point of a range.
Range: TypeAlias = tuple[int, int]


#: Everything with the property Emoji or Extended_Pictographic (emoji-data.txt), apart from ASCII, ©, ® and ™, which
#: are text of their own. The blocks 2600–27BF and 1F000–1FAFF go whole, because the gateway's vendor removes them
#: whole: the gateway may hold back any of their characters (gateway facts, section 3.6).
PICTOGRAPHS: Final[tuple[Range, ...]] = (
    (0x203C, 0x203C),  # ‼
    (0x2049, 0x2049),  # ⁉
    (0x2139, 0x2139),  # ℹ
    (0x2194, 0x2199),  # ↔ to ↙; the plain arrows ← ↑ → ↓ are not emoji
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
    (0x1FC00, 0x1FFFD),  # kept free for later emoji
)


#: The letters that flags are spelt with, in pairs.
FLAG_LETTERS: Final[tuple[Range, ...]] = ((0x1F1E6, 0x1F1FF),)


#: What follows a pictograph and belongs to it: nothing of this is seen by itself.
PICTOGRAPH_PARTS: Final[tuple[Range, ...]] = (
    (0x20E3, 0x20E3),  # the box of a keycap
    (0xFE00, 0xFE0F),  # variation selectors
    (0x1F3FB, 0x1F3FF),  # skin tones
    (0xE0000, 0xE007F),  # tags, which spell the flags of regions
    (0xE0100, 0xE01EF),  # variation selectors, supplement
)


#: Characters that nobody sees. General category Cc and Cf, without tab, line ends, and the Arabic, Syriac and Kaithi
#: number signs, which are Cf and drawn (property Prepended_Concatenation_Mark); everything Default_Ignorable; the
#: object replacement character; noncharacters; and lone surrogates, which UTF-8 can't carry.
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


#: What ends a line somewhere (Unicode Standard, section 5.8), besides the line feed itself.
LINE_ENDS: Final[tuple[Range, ...]] = ((0x000B, 0x000D), (0x0085, 0x0085), (0x2028, 0x2029))


#: General category Zs without the space itself: they look like it and make the whole text Unicode.
SPACES: Final[tuple[Range, ...]] = (
    (0x00A0, 0x00A0),
    (0x1680, 0x1680),
    (0x2000, 0x200A),
    (0x202F, 0x202F),
    (0x205F, 0x205F),
    (0x3000, 0x3000),
)


#: Letters of the Arabic script, and the marks that stand on them.
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


#: The digits of the Arabic script: Arabic-Indic, and the Persian ones.
ARABIC_DIGITS: Final[tuple[Range, ...]] = ((0x0660, 0x0669), (0x06F0, 0x06F9))


#: Everything beyond the Basic Multilingual Plane. A set of many small ranges up there is slow to search for: Python
#: looks at them one by one for every character. A search may take all of it instead, and then look closer.
ASTRAL: Final[tuple[Range, ...]] = ((0x10000, 0x10FFFF),)


def inside(*tables: Iterable[Range]) -> str:
    """Return the inside of a regular expression's ``[…]`` that stands for all the tables."""
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in merged(itertools.chain(*tables)))


def outside(*tables: Iterable[Range]) -> str:
    """Return the same for what is in none of the tables: faster than a ``[^…]``, which has to rule out every range."""
    edges = [-1, *itertools.chain(*merged(itertools.chain(*tables))), 0x110000]
    gaps = ((before + 1, after - 1) for before, after in zip(edges[::2], edges[1::2], strict=True))
    return inside((first, last) for first, last in gaps if first <= last)


def merged(ranges: Iterable[Range]) -> list[Range]:
    """Return the same code points as ranges in order that neither overlap nor touch."""
    result: list[Range] = []
    for first, last in sorted(ranges):
        if result and first <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(last, result[-1][1]))
        else:
            result.append((first, last))
    return result


#: Where a change starts and ends, what stands there afterwards, and why. A tuple, because a text may have thousands.
Change: TypeAlias = tuple[int, int, str, str]


def apply(text: str, changes: Sequence[Change]) -> str:
    """Return the text with the changes made."""
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


#: Emoji that stand for letters or marks, which are kept.
_SPELT: Final = {"‼": "!!", "⁉": "!?", "ℹ": "i", "Ⓜ": "M"}


#: What a keycap can show.
_KEYS: Final = frozenset("0123456789#*")


_BOX: Final = "\u20e3"


_KEYCAP_ENDS: Final = (_BOX, "\ufe0f" + _BOX)


_LEAVES_SOMETHING: Final = (*_SPELT, _BOX)


@functools.cache
def _sequence() -> re.Pattern[str]:
    """Return what finds a whole sequence as people see it (UTS #51, section 1.4.9).

    That is a pictograph or a pair of flag letters, its parts, and whatever is joined to it. The pattern starts with a
    set, so that the search for it runs in C; it is compiled when it is needed, because that takes milliseconds.
    """
    parts = f"[{inside(PICTOGRAPH_PARTS)}]*+"
    one = f"[{inside(PICTOGRAPHS, PICTOGRAPH_PARTS)}]"
    flag = f"[{inside(FLAG_LETTERS)}]"
    return re.compile(
        f"[{inside(PICTOGRAPHS, PICTOGRAPH_PARTS, ASTRAL)}](?<={one})"
        f"(?:(?<={flag}){flag})?+{parts}(?:\u200d++(?:{one}{parts})?+)*+"
    )


def find_emoji(text: str) -> list[Change]:
    """Return the changes that remove emoji, a whole sequence each, and keep the key of a keycap."""
    if text.isascii():
        return []
    changes: list[Change] = []
    done = 0
    for match in _sequence().finditer(text):
        start, end = match.span()
        first = text[start]
        # Losing the key would lose a digit of somebody's code.
        if start > done and text[start - 1] in _KEYS and text.startswith(_KEYCAP_ENDS, start):
            start -= 1
            changes.append((start, end, text[start], "keycap emoji"))
        else:
            changes.append((start, end, _SPELT.get(first, ""), "emoji"))
        done = end
    return changes


def strip_emoji(text: str) -> str:
    """Return the text after the changes of :func:`find_emoji`, faster."""
    if text.isascii():
        return text
    if any(character in text for character in _LEAVES_SOMETHING):
        return apply(text, find_emoji(text))
    return _sequence().sub("", text)


_NON_JOINER: Final = "\u200c"


@functools.cache
def _hidden_run() -> re.Pattern[str]:
    """Return what finds a run of one kind: with group 1 it is line ends, with group 2 spaces.

    The pattern starts with a set, so that the search for it runs in C, and looks back to see what it found.
    """
    hidden, space, line_end = (f"[{inside(table)}]" for table in (HIDDEN, SPACES, LINE_ENDS))
    return re.compile(
        f"[{inside(HIDDEN, LINE_ENDS, SPACES, ASTRAL)}]"
        f"(?:(?<={hidden}){hidden}*+|(?<={line_end})((?:(?<=\r)\n|{line_end})*+)|(?<={space})({space}*+))"
    )


@functools.cache
def _arabic() -> re.Pattern[str]:
    return re.compile(f"[{inside(ARABIC)}]")


def find_hidden(text: str) -> list[Change]:
    """Return the changes that remove hidden characters and normalize line ends and spaces."""
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
    """Whether hidden characters hold a word's parts apart, as Persian writes them: without them it reads wrong."""
    return (
        _NON_JOINER in text[start:end]
        and start > 0
        and _arabic().match(text, start - 1) is not None
        and _arabic().match(text, end) is not None
    )


_PERSIAN_ZERO: Final = "\u06f0"


_LATIN: Final = {first + value: ord("0") + value for first, _ in ARABIC_DIGITS for value in range(10)}


_PAIRS: Final = tuple((chr(digit), chr(latin)) for digit, latin in _LATIN.items())


@functools.cache
def _digit_run() -> re.Pattern[str]:
    """Return what finds digits in a row. It starts with a set, not a repetition, so that the search runs in C."""
    return re.compile(f"[{inside(ARABIC_DIGITS)}][{inside(ARABIC_DIGITS)}]*+")


def find_digits(text: str) -> list[Change]:
    """Return the changes that write Arabic-Indic and Persian digits as Latin ones, a number each."""
    if text.isascii():
        return []
    return [
        (
            match.start(),
            match.end(),
            match[0].translate(_LATIN),
            "Persian digits" if match[0][0] >= _PERSIAN_ZERO else "Arabic-Indic digits",
        )
        for match in _digit_run().finditer(text)
    ]


def strip_digits(text: str) -> str:
    """Return the text after the changes of :func:`find_digits`, faster."""
    if not text.isascii():
        for digit, latin in _PAIRS:
            text = text.replace(digit, latin)
    return text
