"""Rows of the documented kwtSMS client: a row is a request, and one field holds all its numbers.

It has the texts themselves. They are measured here, and what forces them into Unicode is named so that no text can be read
from it: a letter or a digit by its script alone, ``Arabic letters``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from notifykit.analytics.records import Fact, Kind, Other, amount, segments_lost
from notifykit.redaction import character_names

#: 3GPP TS 23.038, section 6.2.1: characters of one septet, and those of two.
_BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION: Final = "\f^{}\\[~]|€"
_FOREIGN: Final = re.compile(f"[^{re.escape(_BASIC + _EXTENSION)}]")
_TWO_SEPTETS: Final = re.compile(f"[{re.escape(_EXTENSION)}]")


def documented_fact(row: Mapping[str, Any]) -> Fact | Other | bool:
    """Return what a row says: a fact, or True for a row that is not counted."""
    request, response = row.get("request") or {}, row.get("response") or {}
    if row["endpoint"] != "send":
        available = amount(response.get("available")) if row["endpoint"] == "balance" else None
        return True if available is None else Other(row["ts"], "balance", "kwtsms", None, available)
    numbers = [number.strip() for number in str(request.get("mobile") or "").split(",") if number.strip()]
    outcome = "accepted" if row.get("ok") else "rejected" if response else "unknown"
    text = str(request.get("message") or "")
    encoding, units, segments = _measure(text) if text else (None, 0, None)
    forced = _forced_names(text) if encoding == "ucs2" else ()
    error = response.get("description") or row.get("error")
    kind = Kind(
        1,
        outcome,
        str(request.get("test")) == "1",
        response.get("code"),
        None,
        str(error) if error else None,
        "kwtsms",
        request.get("sender"),
        (),
        None,
        encoding,
        segments,
        forced,
        segments_lost(segments, units) if forced else 0,
    )
    return Fact(
        kind,
        row["ts"],
        len(numbers),
        amount(response.get("points-charged")) or 0.0,
        amount(response.get("balance-after")),
        None,
        [(number, number) for number in numbers],
        str(response.get("msg-id") or "") or None,
    )


def _measure(text: str) -> tuple[str, int, int]:
    """Return the encoding of a text in SMS, its units, and its segments."""
    if _FOREIGN.search(text):
        units = len(text.encode("utf-16-le", "surrogatepass")) // 2
        return "ucs2", units, 1 if units <= 70 else -(-units // 67)
    units = len(text) + len(_TWO_SEPTETS.findall(text))
    return "gsm7", units, 1 if units <= 160 else -(-units // 153)


def _forced_names(text: str) -> tuple[str, ...]:
    """Return the names of what forces a text into Unicode: signs as they are, letters and digits by their script."""
    return character_names(_FOREIGN.findall(text))
