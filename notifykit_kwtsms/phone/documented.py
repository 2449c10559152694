"""The two checks of the official client, in its words.

Their texts show what was typed, because they are documented to. The framework's own reasons don't; see
:mod:`notifykit_kwtsms.phone.normalizer`.
"""

from __future__ import annotations

from notifykit.normalizers.reading import FEWEST_DIGITS, MOST_DIGITS
from notifykit_kwtsms.phone.digits import normalize_phone
from notifykit_kwtsms.phone.rules import find_rule


def validate_phone_input(raw: object) -> tuple[bool, str | None, str]:
    """Return whether a text is a number, what is wrong with it, and its digits as :func:`normalize_phone` gives them.

    Any 7 to 15 digits are a number here, whatever the rules of their country. The digits are empty where there are
    none and where the text is an email address. A number may be given as an int.
    """
    text = str(raw).strip()
    if not text:
        return False, "Phone number is required", ""
    if "@" in text:
        return False, f"'{text}' is an email address, not a phone number", ""
    digits = normalize_phone(text)
    if not digits:
        return False, f"'{text}' is not a valid phone number — no digits found", ""
    count = len(digits)
    if count < FEWEST_DIGITS:
        counted = "1 digit" if count == 1 else f"{count} digits"
        problem = f"is too short to be a valid phone number ({counted}, minimum is {FEWEST_DIGITS})"
        return False, f"'{text}' {problem}", digits
    if count > MOST_DIGITS:
        problem = f"is too long to be a valid phone number ({count} digits, maximum is {MOST_DIGITS})"
        return False, f"'{text}' {problem}", digits
    return True, None, digits


def validate_phone_format(number: str) -> tuple[bool, str | None]:
    """Return whether normalized digits keep the rule of their country, and where they break it.

    A number whose country has no rule passes.
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
