"""Reading one telephone number out of what somebody typed, or saying why there is none.

A wrong guess here sends a paid message to a stranger, so anything that is not plainly one number is refused. Every
reason is written without the number itself: reasons end up in logs.
"""

from __future__ import annotations

import re
from typing import Final

from notifykit.errors import InvalidRecipient
from notifykit.normalizers.digits import compact, latin_digits

#: The fewest digits that are taken for a number, country code included.
FEWEST_DIGITS: Final = 7
#: The most digits that a number can have, country code included (ITU-T E.164, section 6).
MOST_DIGITS: Final = 15

_SCHEME: Final = re.compile(r"\s*(?:tel|sms):", re.IGNORECASE)
_PLAIN: Final = re.compile(r"\+?[0-9]+")
_LETTER: Final = re.compile(r"[^\W\d_]")
# The first gap leaves the separators out, so that a text of nothing but commas is read once and not squared.
_LIST: Final = re.compile(r"\d[^\d,;|&\n\r\u060c\u061b]*[,;|&\n\r\u060c\u061b]\D*\d")
_DECIMAL: Final = re.compile(r"\s*\d+\.0+\s*")

_WHOLE_NUMBER: Final = "Give the whole number: country code, then the number, digits only."


def read_number(raw: str) -> tuple[str, bool] | InvalidRecipient:
    """Return the digits of the one number in a text, and whether ``+`` or ``00`` marked the country code in front.

    Marked digits begin with the country code. Digits without a mark are as they were typed, so a zero in front is
    still there. Of either there are 7 to 15, not counting zeros in front.
    """
    if not raw.strip():
        return InvalidRecipient("The address is empty.", action="Give a telephone number.")
    scheme = _SCHEME.match(raw)
    text = compact(raw[scheme.end() :] if scheme else raw).strip()
    reason = None if _PLAIN.fullmatch(text) else _why_no_number(text)
    if reason is None and _DECIMAL.fullmatch(raw):
        reason = InvalidRecipient(
            "This is a decimal number, as a spreadsheet writes it.", action="Keep numbers as text, without .0 behind."
        )
    if reason:
        return reason
    digits = latin_digits(text)
    significant = digits.lstrip("0")
    if len(significant) < FEWEST_DIGITS:
        return too_short(len(significant))
    if len(significant) > MOST_DIGITS:
        return InvalidRecipient(
            f"A number has at most {MOST_DIGITS} digits; this one has {len(significant)}.",
            action="Look for digits too many, or several numbers in one; give each number as an item of its own.",
        )
    if "+" in text or digits.startswith("00"):
        return significant, True
    return digits, False


def too_short(count: int) -> InvalidRecipient:
    """Return the reason against a number of so few digits, zeros in front not counted."""
    return InvalidRecipient(
        f"A number has at least {FEWEST_DIGITS} digits; this one has {count}.", action=_WHOLE_NUMBER
    )


def national_form() -> InvalidRecipient:
    """Return the reason against a number with one zero in front: it is dialled like that inside a country only."""
    return InvalidRecipient(
        "This is a number as it is dialled inside its country, with a zero in front and no country code.",
        action="Give the country code instead of the zero.",
    )


def _why_no_number(text: str) -> InvalidRecipient | None:
    """Return why a compact text is not one number; None where its signs are harmless."""
    if "@" in text or "\uff20" in text:
        return InvalidRecipient(
            "This is an email address, not a phone number.", action="Give the person's mobile number instead."
        )
    if not latin_digits(text):
        return InvalidRecipient("There are no digits in this address.", action="Give a telephone number.")
    if _LETTER.search(text):
        return InvalidRecipient(
            "There are letters between the digits.", action="Leave out names, words and extensions: digits only."
        )
    if _LIST.search(text):
        return InvalidRecipient("These are several numbers in one.", action="Give each number as an item of its own.")
    if "*" in text or "#" in text:
        return InvalidRecipient("This is a dial code, not a phone number.", action=_WHOLE_NUMBER)
    # Right-to-left typing leaves the plus sign behind the digits; between them it means nothing.
    if "+" in text.strip("+"):
        return InvalidRecipient("There is a plus sign between the digits.", action="Write + only in front.")
    return None
