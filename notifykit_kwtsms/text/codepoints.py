"""Which characters are what: the fact tables behind the cleaners, as ranges of code points.

The tables follow the Unicode Character Database and the emoji data, version 17.0. They are written down here rather
than asked of :mod:`unicodedata`, which knows nothing of emoji and is older or newer with each Python.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
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
