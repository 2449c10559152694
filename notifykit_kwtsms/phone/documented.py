"""The number functions of the official client, as it documents them.

Their errors show the number that was given, because they are documented so; the errors of the framework's normalizer do
not. The table is the official client's too. It refuses numbers that exist, so only these functions use it.
"""

from __future__ import annotations

from typing import Final

from notifykit.errors import InvalidRecipient
from notifykit.normalizers.phone import FEWEST_DIGITS, MOST_DIGITS, is_cell, latin_digits, read_number
from notifykit_kwtsms.phone.rules import GULF, CountryRule

# Two facts are not the vendor's but the numbering plans': Italian landlines and, since 2021, all numbers of the Ivory
# Coast begin with a zero that is part of the number (ITU-T, national numbering plans of +39 and +225).
_TABLE: Final = (
    *GULF,
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
    CountryRule("1", "US", "USA", (10,)),
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


def find_rule(number: str) -> CountryRule | None:
    """Return the rule of a number's country; None if there is none."""
    return RULES.get(number[:3]) or RULES.get(number[:2]) or RULES.get(number[:1])


def find_country_code(number: str) -> str | None:
    """Return the country calling code of a number; None if the country has no rule."""
    rule = find_rule(number)
    return rule.code if rule else None


def normalize_phone(raw: str) -> str:
    """Return a number in the gateway's form: Latin digits, country code first, no ``+``, ``00`` or trunk zero.

    It checks nothing but for a number cell of a spreadsheet, ``96598765432.0``, which is read as one. A text without digits,
    or a cell whose digits are lost, becomes the empty text. A normalized number stays unchanged.
    """
    if is_cell(raw):
        reading = read_number(raw)
        raw = "" if isinstance(reading, InvalidRecipient) else reading[0]
    digits = latin_digits(raw).lstrip("0")
    rule = find_rule(digits)
    return rule.without_trunk_zero(digits) if rule else digits


def validate_phone_input(raw: object) -> tuple[bool, str | None, str]:
    """Return whether a text is a number, the error, and its digits by :func:`normalize_phone`.

    Any 7 to 15 digits are a number here, whatever the rules of their country; what stands between them is read as by
    the framework's normalizers. A number may be an int or a float.
    """
    text = "" if raw is None else str(raw).strip()
    digits = "" if "@" in text else normalize_phone(text)
    error = _problem(text, digits)
    possible = FEWEST_DIGITS <= len(digits) <= MOST_DIGITS
    return error is None, error, "" if error and possible else digits


def _problem(text: str, digits: str) -> str | None:
    """Return why a text is no number, in the documented words where there are some; None for a number."""
    if not text:
        return "Phone number is required"
    if "@" in text:
        return f"'{text}' is an email address, not a phone number"
    count = len(digits)
    if is_cell(text) or FEWEST_DIGITS <= count <= MOST_DIGITS:
        reading = read_number(text)
        if not isinstance(reading, InvalidRecipient):
            return None
        reason = f"{reading.detail[0].lower()}{reading.detail[1:].rstrip('.')}"
        return f"'{text}' is not a valid phone number — {reason} → {reading.action}"
    if not digits:
        return f"'{text}' is not a valid phone number — no digits found"
    length, limit = ("short", "minimum") if count < FEWEST_DIGITS else ("long", "maximum")
    counted = "1 digit" if count == 1 else f"{count} digits"
    bound = FEWEST_DIGITS if count < FEWEST_DIGITS else MOST_DIGITS
    return f"'{text}' is too {length} to be a valid phone number ({counted}, {limit} is {bound})"


def validate_phone_format(number: str) -> tuple[bool, str | None]:
    """Return whether normalized digits match the rule of their country, and the error.

    A number of a country without a rule is valid.
    """
    rule = find_rule(number)
    if rule is None:
        return True, None
    local = number[len(rule.code) :]
    if not rule.right_length(local):
        expected = " or ".join(map(str, rule.lengths))
        return False, f"Invalid {rule.name} number: expected {expected} digits after +{rule.code}, got {len(local)}"
    if not rule.right_start(local):
        starts = ", ".join(rule.first_digits)
        return False, f"Invalid {rule.name} mobile number: after +{rule.code} it must start with {starts}"
    return True, None
