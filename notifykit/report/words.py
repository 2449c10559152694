"""The words and numbers of a report, in English or Arabic."""

from __future__ import annotations

import datetime
from collections.abc import Container
from typing import Any, Final

from notifykit.report.arabic import ARABIC, MONTHS, NOUNS, WEEKDAYS

LANGUAGES: Final = ("en", "ar")
_ARABIC_DIGITS: Final = str.maketrans("0123456789,.", "٠١٢٣٤٥٦٧٨٩٬٫")
_MONTHS: Final = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_WEEKDAYS: Final = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


class Words:
    """Writes words, numbers and dates in one language.

    :param language: ``en`` or ``ar``.
    """

    def __init__(self, language: str = "en") -> None:
        self.language = language
        #: Whether the language is read from right to left.
        self.rtl = language == "ar"

    def __call__(self, text: str, **values: Any) -> str:
        """Return a sentence in the language, with values filled in; numbers are written in its digits."""
        found = ARABIC[text] if self.rtl else text
        return found.format_map({name: self._value(value) for name, value in values.items()})

    def named(self, name: str, known: Container[str]) -> str:
        """Return a name in the language if it is a word of ours, and as it is if it comes from the log."""
        return self(name) if name in known else name

    def _value(self, value: Any) -> str:
        return value if isinstance(value, str) else self.number(value)

    def number(self, value: float) -> str:
        """Return a number in the digits of the language."""
        number = float(value)
        if number.is_integer():
            text = f"{int(number):,}"
        else:
            text = f"{number:,.0f}" if abs(number) >= 100 else f"{number:,.3g}"
        return text.translate(_ARABIC_DIGITS) if self.rtl else text

    def digits(self, text: str) -> str:
        """Return a text with its digits as the language writes them."""
        return text.translate(_ARABIC_DIGITS) if self.rtl else text

    def percent(self, part: float, whole: float) -> str:
        """Return a share in percent."""
        share = 100 * part / whole if whole else 0.0
        # A few errors among many messages are not none.
        text = f"{share:.0f}" if share in (0.0, 100.0) or 1 <= share <= 99 else f"{share:.2g}"
        if 99 < share < 100:
            text = f"{min(share, 99.9):.1f}"
        return f"{text.translate(_ARABIC_DIGITS)}٪" if self.rtl else f"{text} %"

    def count(self, amount: float, noun: str) -> str:
        """Return a number with its noun: ``1 message``, ``5 messages``."""
        if not self.rtl:
            return f"{self.number(amount)} {noun if amount == 1 else f'{noun}s'}"
        one, two, few, many, hundred = NOUNS[noun]
        if amount == 1:
            return one
        if amount == 2:
            return two
        rest = int(amount) % 100
        form = few if 3 <= rest <= 10 else many if rest >= 11 and float(amount).is_integer() else hundred
        return f"{self.number(amount)} {form}"

    def day(self, day: str) -> str:
        """Return a day, ``2026-06-01``, or a month, ``2026-06``, in short; what is neither stays as it is."""
        try:
            date = datetime.date.fromisoformat(day if len(day) > 7 else f"{day}-01")
        except ValueError:
            return self(day) if day == "no date" else day
        month = (MONTHS if self.rtl else _MONTHS)[date.month - 1]
        number = date.day if len(day) > 7 else date.year
        text = f"{number} {month}" if len(day) > 7 else f"{month} {number}"
        return text.translate(_ARABIC_DIGITS) if self.rtl else text

    def date(self, day: str) -> str:
        """Return a day with its year."""
        year = day[:4].translate(_ARABIC_DIGITS) if self.rtl else day[:4]
        return f"{self.day(day)} {year}" if len(day) >= 10 and day[:4].isdigit() else self.day(day)

    def weekday(self, number: int, *, short: bool = False) -> str:
        """Return the name of a weekday; Monday is 0."""
        name = (WEEKDAYS if self.rtl else _WEEKDAYS)[number]
        return name[:3] if short and not self.rtl else name

    def hour(self, hour: int) -> str:
        """Return an hour of the day in two digits."""
        text = f"{hour:02}"
        return text.translate(_ARABIC_DIGITS) if self.rtl else text
