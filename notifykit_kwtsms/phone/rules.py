"""Mobile numbers of Kuwait and its neighbours, by the gateway's rules (gateway facts, section 4)."""

from __future__ import annotations

from typing import Final

import attrs


@attrs.frozen
class CountryRule:
    """The digits of a mobile number of one country after the country code."""

    #: The country calling code, ``965``.
    code: str
    #: ISO 3166 code of the country, ``KW``.
    country: str
    #: Its English name.
    name: str
    #: How many digits may follow the code.
    lengths: tuple[int, ...]
    #: The possible first digits; empty for any.
    first_digits: str = ""
    #: Whether a number may begin with 0 after the code, so that this zero is no trunk prefix.
    leading_zero: bool = False

    def right_length(self, local: str) -> bool:
        """Return whether the number of digits after the code is right."""
        return len(local) in self.lengths

    def right_start(self, local: str) -> bool:
        """Return whether the digits after the code begin like a mobile number."""
        return not self.first_digits or local[:1] in self.first_digits

    def matches(self, local: str) -> bool:
        """Return whether the digits after the code are a mobile number of this country."""
        return self.right_length(local) and self.right_start(local)

    def without_trunk_zero(self, number: str) -> str:
        """Return a number of this country without trunk zeros after the code: 966559123456 for 9660559123456."""
        end = len(self.code)
        if self.leading_zero or not number.startswith("0", end):
            return number
        return self.code + number[end:].lstrip("0")


KUWAIT: Final = CountryRule("965", "KW", "Kuwait", (8,), "4569")
#: Kuwait and the other countries of the Gulf Cooperation Council.
GULF: Final = (
    KUWAIT,
    CountryRule("966", "SA", "Saudi Arabia", (9,), "5"),
    CountryRule("971", "AE", "United Arab Emirates", (9,), "5"),
    CountryRule("973", "BH", "Bahrain", (8,), "36"),
    CountryRule("974", "QA", "Qatar", (8,), "3567"),
    CountryRule("968", "OM", "Oman", (8,), "79"),
)
#: Their rules by country calling code. Each code has three digits.
BY_CODE: Final = {rule.code: rule for rule in GULF}
#: Their rules by ISO 3166 code of the country.
BY_COUNTRY: Final = {rule.country: rule for rule in GULF}


def find_gulf_rule(number: str) -> CountryRule | None:
    """Return the rule of a number's Gulf country; None for other countries."""
    return BY_CODE.get(number[:3])
