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

_WHOLE_NUMBER: Final = "Give the whole number: country code, then the number, digits only."

_SCHEME: Final = re.compile(r"\s*(?:tel|sms):", re.IGNORECASE)
_DECIMAL: Final = re.compile(r"\s*\+?\d+\.0+\s*")
_SEPARATORS: Final = r",;|&\n\r\u060c\u061b"

#: What makes a text something else than one number, with the reason and what to do, in the order of asking. In front of
#: the sign that each looks for there is nothing that could match the sign too: hostile texts are read once, not squared.
_OBJECTIONS: Final = (
    (
        re.compile("[@\uff20]"),
        "This is an email address, not a phone number.",
        "Give the person's mobile number instead.",
    ),
    (re.compile(r"\A\D*\Z"), "There are no digits in this address.", "Give a telephone number."),
    (
        re.compile(r"[^\W\d_]"),
        "There are letters between the digits.",
        "Leave out names, words and extensions: digits only.",
    ),
    (
        re.compile(rf"\d[^\d{_SEPARATORS}]*[{_SEPARATORS}]\D*\d"),
        "These are several numbers in one.",
        "Give each number as an item of its own.",
    ),
    (re.compile("[*#]"), "This is a dial code, not a phone number.", _WHOLE_NUMBER),
    # Right-to-left typing leaves the plus sign behind the digits, which is no objection.
    (re.compile(r"\d[^\d+]*\+\D*\d"), "There is a plus sign between the digits.", "Write + only in front."),
)


def read_number(raw: str) -> tuple[str, bool] | InvalidRecipient:
    """Return the digits of the one number in a text, and whether ``+`` or ``00`` marked the country code in front.

    Marked digits begin with the country code. Digits without a mark are as they were typed, so a zero in front is
    still there. Of either there are 7 to 15, not counting zeros in front.
    """
    text = compact(raw)
    digits = text.removeprefix("+")
    reason = None
    # Most texts have nothing else in them by now.
    if not (digits.isdecimal() and digits.isascii()):
        scheme = _SCHEME.match(raw)
        text = (compact(raw[scheme.end() :]) if scheme else text).strip()
        reason = _objection(text) if raw.strip() else _empty()
        digits = "" if reason else latin_digits(text)
    significant = digits.lstrip("0")
    reason = reason or _misread(raw) or _miscounted(len(significant))
    if reason:
        return reason
    if "+" in text or digits.startswith("00"):
        return significant, True
    return digits, False


def is_decimal(raw: str) -> bool:
    """Whether a text is a number with a point and nothing but zeros behind it: without its point it would be another."""
    return "." in raw and _DECIMAL.fullmatch(raw) is not None


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


def _empty() -> InvalidRecipient:
    return InvalidRecipient("The address is empty.", action="Give a telephone number.")


def _objection(text: str) -> InvalidRecipient | None:
    for pattern, detail, action in _OBJECTIONS:
        if pattern.search(text):
            return InvalidRecipient(detail, action=action)
    return None


def _misread(raw: str) -> InvalidRecipient | None:
    if not is_decimal(raw):
        return None
    return InvalidRecipient(
        "This is a decimal number, as a spreadsheet writes it.", action="Keep numbers as text, without .0 behind."
    )


def _miscounted(count: int) -> InvalidRecipient | None:
    if count < FEWEST_DIGITS:
        return too_short(count)
    if count > MOST_DIGITS:
        return InvalidRecipient(
            f"A number has at most {MOST_DIGITS} digits; this one has {count}.",
            action="Look for digits too many, or several numbers in one; give each number as an item of its own.",
        )
    return None
