"""Sizes of texts, and the characters that force Unicode, named so that no text can be read from them.

A letter or a digit is named by its script alone: ``Arabic letters``. What is left of a text is a set of signs.
"""

from __future__ import annotations

import re
from typing import Final

from notifykit.redaction import character_names

#: 3GPP TS 23.038, section 6.2.1: characters of one septet, and those of two.
_BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION: Final = "\f^{}\\[~]|€"
_FOREIGN: Final = re.compile(f"[^{re.escape(_BASIC + _EXTENSION)}]")
_TWO_SEPTETS: Final = re.compile(f"[{re.escape(_EXTENSION)}]")


def measure(text: str) -> tuple[str, int, int]:
    """Return the encoding of a text in SMS, its units, and its segments."""
    if _FOREIGN.search(text):
        units = len(text.encode("utf-16-le", "surrogatepass")) // 2
        return "ucs2", units, 1 if units <= 70 else -(-units // 67)
    units = len(text) + len(_TWO_SEPTETS.findall(text))
    return "gsm7", units, 1 if units <= 160 else -(-units // 153)


def forced_names(text: str) -> tuple[str, ...]:
    """Return the names of what forces a text into Unicode: signs as they are, letters and digits by their script."""
    return character_names(_FOREIGN.findall(text))
