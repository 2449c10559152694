"""What mobile numbers of Kuwait and its neighbours look like (gateway facts, section 4).

The rules are the gateway's, and looked up in a few nanoseconds: nearly all numbers are of these countries.
"""

from __future__ import annotations

from typing import Final

import attrs


@attrs.frozen
class CountryRule:
    """What a mobile number of one country looks like behind the country code."""

    #: The country calling code, ``965``.
    code: str
    #: ISO 3166 code of the country, ``KW``.
    country: str
    #: Its English name.
    name: str
    #: How many digits may follow the code.
    lengths: tuple[int, ...]
    #: The digits that the first of them may be; empty where any may.
    first_digits: str = ""
    #: Whether a number may itself begin with 0 behind the code, so that a zero there is no trunk prefix.
    leading_zero: bool = False

    def right_length(self, local: str) -> bool:
        """Return whether the digits behind the code are as many as they should be."""
        return len(local) in self.lengths

    def right_start(self, local: str) -> bool:
        """Return whether the digits behind the code begin as a mobile number does."""
        return not self.first_digits or local[:1] in self.first_digits

    def fits(self, local: str) -> bool:
        """Return whether the digits behind the code are a mobile number of this country."""
        return self.right_length(local) and self.right_start(local)

    def without_trunk_zero(self, number: str) -> str:
        """Return a number of this country without the zeros behind the code, which are dialled inside it only.

        966 0559123456 is 966 559123456.
        """
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
    """Return the rule of the Gulf country that a number belongs to; None where it is from elsewhere."""
    return BY_CODE.get(number[:3])
