"""The GSM 7-bit default alphabet and its extension table (3GPP TS 23.038, section 6.2.1)."""

from __future__ import annotations

from typing import Final

#: Characters of one septet. The escape code itself is no character and is not among them.
BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
#: Characters of two septets: an escape and a code.
EXTENSION: Final = frozenset("\f^{}\\[~]|€")
