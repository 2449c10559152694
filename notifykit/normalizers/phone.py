"""Telephone numbers: how one is read, and the rule for numbers of any country."""

from __future__ import annotations

import re
from typing import Final

import attrs

from notifykit.errors import InvalidRecipient
from notifykit.models.message import Channel
from notifykit.models.recipient import Recipient, Rejected

_SPACES: Final = " \t\u00a0\u2002\u2003\u2007\u2009\u202f\u3000"
_DASHES: Final = "-\u00ad\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d"
_MARKS: Final = "./()\u00b7\uff08\uff09\uff0e\uff0f"
#: Zero-width characters, the byte order mark, and the control characters of right-to-left text.
_HIDDEN: Final = (
    "\u061c\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
)
_COMPACTING: Final[dict[int, int | None]] = {
    **dict.fromkeys(map(ord, _SPACES + _DASHES + _MARKS + _HIDDEN)),
    **{zero + value: ord("0") + value for zero in (0x0660, 0x06F0) for value in range(10)},
    ord("\uff0b"): ord("+"),
    # A character that is missing here costs an exception inside translate, so the usual ones are here too.
    **{ord(usual): ord(usual) for usual in "+0123456789"},
}
#: The same within ASCII, for which bytes are faster.
_ASCII_PUNCTUATION: Final = "".join(filter(str.isascii, _SPACES + _DASHES + _MARKS)).encode()
_UNCHANGED: Final = bytes(range(256))  # saves translate from making one for every call
_NO_DIGITS: Final = re.compile(r"\D+")


def compact(raw: str) -> str:
    """Return a text without spaces, dashes, dots, brackets, slashes and hidden characters, as numbers have them.

    Arabic-Indic and Persian digits become Latin. Everything else is kept.
    """
    if raw.isascii():
        return raw.encode().translate(_UNCHANGED, _ASCII_PUNCTUATION).decode()
    return raw.translate(_COMPACTING)


def latin_digits(raw: str) -> str:
    """Return only the digits of a text, as Latin digits."""
    if raw.isascii() and raw.isdigit():
        return raw
    digits = _NO_DIGITS.sub("", compact(raw))
    return digits if digits.isascii() else "".join([str(int(digit)) for digit in digits])


#: The fewest digits of a number, country code included.
FEWEST_DIGITS: Final = 7
#: The most digits that a number can have, country code included (ITU-T E.164, section 6).
MOST_DIGITS: Final = 15
_FROM_NORTH_AMERICA: Final = "011"
#: With so many digits or more, 011 is no trunk zero and area code: 01123456789 is a number of Egypt.
_DIALLED_ABROAD: Final = 13
_WHOLE_NUMBER: Final = "Give the whole number: country code, then the number, digits only."
_SCHEME: Final = re.compile(r"\s*(?:tel|sms):", re.IGNORECASE)
#: A number cell of a spreadsheet as text: with a fraction, or one digit, a fraction and an exponent.
_CELL: Final = re.compile(
    r"\+?(?:(?P<whole>\d+)[.,](?P<zeros>00?)|\d+\.0+|\d{7,}\.\d{1,2}"
    r"|(?P<first>\d)(?:[.,](?P<fraction>\d{0,20}))?[eE]\+?(?P<exponent>\d{1,2}))"
)
#: What spreadsheets and people put around a cell: ``="965…"``, ``'965…``.
_AROUND_CELLS: Final = f"='\"\r\n{_SPACES}{_HIDDEN}"
#: How a column of a spreadsheet keeps its digits.
_AS_TEXT: Final = (
    "Format the column as text in the spreadsheet (in Excel: Format Cells, Number, Text), enter the number again, and "
    "export it as CSV."
)
_BETWEEN_ADDRESSES: Final = re.compile(r"[,;\n\u060c\u061b]")
_SEPARATORS: Final = r",;|&\n\r\u060c\u061b"
#: Patterns of texts that are not one number, each with the reason and what to do; the first match counts. What is before
#: the sign that a pattern looks for can't match that sign, so hostile texts take linear time.
_PROBLEMS: Final = (
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
    # Right-to-left typing leaves the plus sign after the digits, which is no problem.
    (re.compile(r"\d[^\d+]*\+\D*\d"), "There is a plus sign between the digits.", "Write + only in front."),
)


def read_number(raw: str) -> tuple[str, bool] | InvalidRecipient:
    """Return the digits of the one number in a text, and whether it has the prefix ``+`` or ``00``; else the reason.

    With the prefix, the digits begin with the country code. Without it they are as they were typed, leading zeros
    included. There are 7 to 15 of them, not counting leading zeros.
    """
    if is_cell(raw):
        cell = _read_cell(raw)
        return cell if isinstance(cell, InvalidRecipient) else read_number(cell)
    text = compact(raw)
    digits = text.removeprefix("+")
    reason = None
    # Most texts are only digits now.
    if not (digits.isdecimal() and digits.isascii()):
        scheme = _SCHEME.match(raw)
        text = (compact(raw[scheme.end() :]) if scheme else text).strip()
        empty = InvalidRecipient("The address is empty.", action="Give a telephone number.")
        reason = _problem(text) if raw.strip() else empty
        digits = "" if reason else latin_digits(text)
    significant = digits.lstrip("0")
    reason = reason or _wrong_length(len(significant))
    if reason:
        return reason
    if "+" in text or digits.startswith("00"):
        return significant, True
    return digits, False


def is_cell(raw: str) -> bool:
    """Return whether a text is a number cell of a spreadsheet, ``96598765432.0`` or ``9.65E+10``.

    All its digits, put together, would be another number.
    """
    return any(sign in raw for sign in ".,eE") and _CELL.fullmatch(raw.strip(_AROUND_CELLS)) is not None


def split_addresses(text: str) -> list[str]:
    """Return the addresses of a text with commas, semicolons or line ends between them.

    The comma of ``9,65987E+10`` separates nothing. A text without any address comes back as it is.
    """
    if is_cell(text):
        return [text]
    return [part.strip() for part in _BETWEEN_ADDRESSES.split(text) if part.strip()] or [text]


def _read_cell(raw: str) -> str | InvalidRecipient:
    """Return the number of a cell, or the error where the spreadsheet may have dropped digits."""
    text = raw.strip(_AROUND_CELLS)
    cell = _CELL.fullmatch(text)
    assert cell is not None
    plus = "+" if text.startswith("+") else ""
    if cell["whole"]:
        return plus + cell["whole"]
    if not cell["first"]:
        return InvalidRecipient("This is a number with a fraction, not a phone number.", action=_AS_TEXT)
    fraction, places = cell["fraction"] or "", int(cell["exponent"])
    if len(fraction) < places or latin_digits(fraction[places:]).strip("0"):
        return InvalidRecipient("A spreadsheet rounded this number: its last digits are lost.", action=_AS_TEXT)
    return plus + cell["first"] + fraction[:places]


def too_short(count: int) -> InvalidRecipient:
    """Return the error of a number with too few digits, leading zeros not counted."""
    return InvalidRecipient(
        f"A number has at least {FEWEST_DIGITS} digits; this one has {count}.", action=_WHOLE_NUMBER
    )


def national_form(digits: str) -> InvalidRecipient:
    """Return the error of a number with one leading zero, as it is dialled inside its country or from North America."""
    if digits.startswith(_FROM_NORTH_AMERICA) and len(digits) >= _DIALLED_ABROAD:
        return InvalidRecipient(
            "This number begins with 011, as numbers abroad are dialled in North America.",
            action="Write + in place of 011.",
        )
    return InvalidRecipient(
        "This is a number as it is dialled inside its country, with a zero in front and no country code.",
        action="Give the country code instead of the zero.",
    )


def _problem(text: str) -> InvalidRecipient | None:
    matching = (found for found in _PROBLEMS if found[0].search(text))
    return next((InvalidRecipient(detail, action=action) for _, detail, action in matching), None)


def _wrong_length(count: int) -> InvalidRecipient | None:
    if count < FEWEST_DIGITS:
        return too_short(count)
    if count > MOST_DIGITS:
        return InvalidRecipient(
            f"A number has at most {MOST_DIGITS} digits; this one has {count}.",
            action="Look for digits too many, or several numbers in one; give each number as an item of its own.",
        )
    return None


_SMS: Final = Channel.SMS
_CANONICAL: Final = re.compile(rf"[1-9][0-9]{{{FEWEST_DIGITS - 1},{MOST_DIGITS - 1}}}")


@attrs.frozen
class InternationalNormalizer:
    """Takes 7 to 15 digits with the country code in front, with or without ``+`` or ``00`` (ITU-T E.164).

    It knows no country's rules; a provider's plugin may have better ones.
    """

    #: What settings and listings call it.
    name = "international"

    def normalize(self, raw: str, channel: Channel) -> Recipient | Rejected | None:
        """Return the number in its canonical form, the reason why it has none, or None for another channel."""
        if channel is not _SMS:
            return None
        if _CANONICAL.fullmatch(raw):
            return Recipient(raw, channel, raw=raw)
        reading = read_number(raw)
        if isinstance(reading, InvalidRecipient):
            return Rejected(raw, reading)
        digits, _ = reading
        if digits.startswith("0"):
            return Rejected(raw, national_form(digits))
        return Recipient(digits, channel, raw=raw)


def notifykit_normalizers() -> tuple[InternationalNormalizer, ...]:
    """Return the normalizer for any country; those of other plugins are asked before it."""
    return (InternationalNormalizer(),)
