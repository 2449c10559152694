"""The vendor's rules for mobile numbers, country by country (gateway facts, section 4).

They are the gateway's, wider than the numbering plans in some places and narrower in others. A country without a rule
is judged by the number of digits alone.
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
    #: Whether other countries have the code too, so that it does not tell which one a number belongs to.
    shared: bool = False

    def right_length(self, local: str) -> bool:
        """Whether the digits behind the code are as many as they should be."""
        return len(local) in self.lengths

    def right_start(self, local: str) -> bool:
        """Whether the digits behind the code begin as a mobile number does."""
        return not self.first_digits or local[:1] in self.first_digits

    def fits(self, local: str) -> bool:
        """Whether the digits behind the code are a mobile number of this country."""
        return self.right_length(local) and self.right_start(local)


# Two facts are not the vendor's but the numbering plans': Italian landlines and, since 2021, all numbers of the Ivory
# Coast begin with a zero that is part of the number (ITU-T, national numbering plans of +39 and +225).
_TABLE: Final = (
    CountryRule("965", "KW", "Kuwait", (8,), "4569"),
    CountryRule("966", "SA", "Saudi Arabia", (9,), "5"),
    CountryRule("971", "AE", "United Arab Emirates", (9,), "5"),
    CountryRule("973", "BH", "Bahrain", (8,), "36"),
    CountryRule("974", "QA", "Qatar", (8,), "3567"),
    CountryRule("968", "OM", "Oman", (8,), "79"),
    CountryRule("962", "JO", "Jordan", (9,), "7"),
    CountryRule("961", "LB", "Lebanon", (7, 8), "378"),
    CountryRule("970", "PS", "Palestine", (9,), "5"),
    CountryRule("964", "IQ", "Iraq", (10,), "7"),
    CountryRule("963", "SY", "Syria", (9,), "9"),
    CountryRule("967", "YE", "Yemen", (9,), "7"),
    CountryRule("972", "IL", "Israel", (9,), "5"),
    CountryRule("20", "EG", "Egypt", (10,), "1"),
    CountryRule("218", "LY", "Libya", (9,), "9"),
    CountryRule("216", "TN", "Tunisia", (8,), "2459"),
    CountryRule("212", "MA", "Morocco", (9,), "67"),
    CountryRule("213", "DZ", "Algeria", (9,), "567"),
    CountryRule("249", "SD", "Sudan", (9,), "9"),
    CountryRule("98", "IR", "Iran", (10,), "9"),
    CountryRule("90", "TR", "Turkey", (10,), "5"),
    CountryRule("91", "IN", "India", (10,), "6789"),
    CountryRule("92", "PK", "Pakistan", (10,), "3"),
    CountryRule("880", "BD", "Bangladesh", (10,), "1"),
    CountryRule("94", "LK", "Sri Lanka", (9,), "7"),
    CountryRule("960", "MV", "Maldives", (7,), "79"),
    CountryRule("86", "CN", "China", (11,), "1"),
    CountryRule("81", "JP", "Japan", (10,), "789"),
    CountryRule("82", "KR", "South Korea", (10,), "1"),
    CountryRule("886", "TW", "Taiwan", (9,), "9"),
    CountryRule("65", "SG", "Singapore", (8,), "89"),
    CountryRule("60", "MY", "Malaysia", (9, 10), "1"),
    CountryRule("62", "ID", "Indonesia", (9, 10, 11, 12), "8"),
    CountryRule("63", "PH", "Philippines", (10,), "9"),
    CountryRule("66", "TH", "Thailand", (9,), "689"),
    CountryRule("84", "VN", "Vietnam", (9,), "35789"),
    CountryRule("95", "MM", "Myanmar", (9,), "9"),
    CountryRule("855", "KH", "Cambodia", (8, 9), "16789"),
    CountryRule("976", "MN", "Mongolia", (8,), "689"),
    CountryRule("44", "GB", "United Kingdom", (10,), "7"),
    CountryRule("33", "FR", "France", (9,), "67"),
    CountryRule("49", "DE", "Germany", (10, 11), "1"),
    CountryRule("39", "IT", "Italy", (10,), "3", leading_zero=True),
    CountryRule("34", "ES", "Spain", (9,), "67"),
    CountryRule("31", "NL", "Netherlands", (9,), "6"),
    CountryRule("32", "BE", "Belgium", (9,)),
    CountryRule("41", "CH", "Switzerland", (9,), "7"),
    CountryRule("43", "AT", "Austria", (10,), "6"),
    CountryRule("47", "NO", "Norway", (8,), "49"),
    CountryRule("48", "PL", "Poland", (9,)),
    CountryRule("30", "GR", "Greece", (10,), "6"),
    CountryRule("420", "CZ", "Czechia", (9,), "67"),
    CountryRule("46", "SE", "Sweden", (9,), "7"),
    CountryRule("45", "DK", "Denmark", (8,)),
    CountryRule("40", "RO", "Romania", (9,), "7"),
    CountryRule("36", "HU", "Hungary", (9,)),
    CountryRule("380", "UA", "Ukraine", (9,)),
    CountryRule("1", "US", "USA", (10,), shared=True),
    CountryRule("52", "MX", "Mexico", (10,)),
    CountryRule("55", "BR", "Brazil", (11,)),
    CountryRule("57", "CO", "Colombia", (10,), "3"),
    CountryRule("54", "AR", "Argentina", (10,), "9"),
    CountryRule("56", "CL", "Chile", (9,), "9"),
    CountryRule("58", "VE", "Venezuela", (10,), "4"),
    CountryRule("51", "PE", "Peru", (9,), "9"),
    CountryRule("593", "EC", "Ecuador", (9,), "9"),
    CountryRule("53", "CU", "Cuba", (8,), "56"),
    CountryRule("27", "ZA", "South Africa", (9,), "678"),
    CountryRule("234", "NG", "Nigeria", (10,), "789"),
    CountryRule("254", "KE", "Kenya", (9,), "17"),
    CountryRule("233", "GH", "Ghana", (9,), "25"),
    CountryRule("251", "ET", "Ethiopia", (9,), "79"),
    CountryRule("255", "TZ", "Tanzania", (9,), "67"),
    CountryRule("256", "UG", "Uganda", (9,), "7"),
    CountryRule("237", "CM", "Cameroon", (9,), "6"),
    CountryRule("225", "CI", "Ivory Coast", (10,), leading_zero=True),
    CountryRule("221", "SN", "Senegal", (9,), "7"),
    CountryRule("252", "SO", "Somalia", (9,), "67"),
    CountryRule("250", "RW", "Rwanda", (9,), "7"),
    CountryRule("61", "AU", "Australia", (9,), "4"),
    CountryRule("64", "NZ", "New Zealand", (8, 9, 10), "2"),
)

#: The rules by country calling code. No code begins with another, as ITU-T E.164 has it.
RULES: Final = {rule.code: rule for rule in _TABLE}
#: The rules by ISO 3166 code of the country.
RULES_BY_COUNTRY: Final = {rule.country: rule for rule in _TABLE}


def find_rule(number: str) -> CountryRule | None:
    """Return the rule of the country that a number belongs to; None where its code has none."""
    return RULES.get(number[:3]) or RULES.get(number[:2]) or RULES.get(number[:1])


def find_country_code(number: str) -> str | None:
    """Return the country calling code that a number begins with; None where it has no rule."""
    rule = find_rule(number)
    return rule.code if rule else None
