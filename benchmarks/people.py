"""Made-up recipients and texts, the same for every side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

#: One number, written in three ways.
CLEAN: Final = "96598000123"
WRITTEN: Final = "+965 9800-0123"
ARABIC: Final = "٩٦٥٩٨٠٠٠١٢٣"
#: A number of Egypt.
ABROAD: Final = "+20 10 0123 4567"
#: A one-time code.
CODE: Final = "Your code for MYAPP is 123456"

_TO_ARABIC: Final = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")


def number(index: int) -> str:
    """Return one of ten million clean numbers."""
    return f"9659{index % 10_000_000:07d}"


def mixed(how_many: int) -> Iterator[str]:
    """Yield different numbers as lists have them: 70 % clean, 20 % with signs between, 8 % in Arabic digits, 2 % wrong."""
    for index in range(how_many):
        clean = number(index)
        kind = index % 50
        if kind < 35:
            yield clean
        elif kind < 45:
            yield f"+{clean[:3]} {clean[3:7]}-{clean[7:]}"
        elif kind < 49:
            yield clean.translate(_TO_ARABIC)
        else:
            yield clean[:-3]


def valid(how_many: int) -> int:
    """Return how many of :func:`mixed` are right."""
    return how_many - how_many // 50


TEXTS: Final = {
    "160 ASCII": ("Your order 1234 has left the shop and will be with you tomorrow between 9 and 12. " * 2)[:160],
    "70 Arabic": ("رمز التحقق الخاص بك هو 482913 صالح لمدة خمس دقائق فقط لا تشاركه مع أحد من فضلك " * 2)[:70],
    "600 mixed": (
        "Hello <b>dear customer</b> 🎉 طلبك رقم ١٢٣٤ جاهز 👍🏽 visit us <span class='highlighted'>here</span> \u200bfor 10٪ "
        "off ❤️ until Friday 🇰🇼 thank you "
    )
    * 6,
}
TEXTS["600 mixed"] = TEXTS["600 mixed"][:600]
