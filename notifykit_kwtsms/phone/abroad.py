"""Numbers of countries without a rule in this package, by the library ``phonenumbers``.

This module imports the library; it is itself imported with the first number that needs it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

import phonenumbers
from phonenumbers import NumberParseException, PhoneMetadata, PhoneNumber, PhoneNumberType, ValidationResult

from notifykit.errors import ConfigError, InvalidRecipient
from notifykit.models.message import Channel
from notifykit.models.recipient import Recipient

_MOBILE: Final = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
_KINDS: Final = {
    PhoneNumberType.FIXED_LINE: "landline",
    PhoneNumberType.TOLL_FREE: "toll-free number",
    PhoneNumberType.PREMIUM_RATE: "premium-rate number",
    PhoneNumberType.SHARED_COST: "shared-cost number",
    PhoneNumberType.VOIP: "VoIP number",
    PhoneNumberType.PERSONAL_NUMBER: "personal number, which forwards calls",
    PhoneNumberType.PAGER: "pager",
    PhoneNumberType.UAN: "company-wide number",
    PhoneNumberType.VOICEMAIL: "voicemail access number",
}
#: The region of numbers of no country, such as those of satellite networks.
_WORLD: Final = "001"
_CHECK_CODE: Final = "check that the country code is the right one."

_ARGENTINA: Final = 54
_ARGENTINA_NOTICE: Final = (
    "This number of Argentina (AR) had no 9 after the country code, as mobile numbers there have: it was added. "
    "If it is a landline, it can't receive SMS."
)
_MEXICO: Final = 52
_MEXICAN_DIGITS: Final = 10
_NORTH_AMERICA: Final = 1


def read_abroad(digits: str, raw: str, strict: Collection[str] = ()) -> Recipient | InvalidRecipient:
    """Return the recipient of a number with its country code, or the error of an impossible number.

    A possible number that may not be a mobile number gets a notice.

    :param digits: the number, its country code first, without ``+``.
    :param raw: the number as it was given.
    :param strict: ISO 3166 codes of countries of which only mobile numbers are accepted.
    """
    try:
        number = phonenumbers.parse(f"+{digits}")
    except NumberParseException as error:
        return _unreadable(error)
    number, notice = _corrected(number)
    kind = phonenumbers.number_type(number)
    if kind == PhoneNumberType.UNKNOWN:
        reason = _impossible(number)
        if reason:
            return reason
    if kind not in _MOBILE:
        if _is_strict(number, strict):
            return _not_mobile(number, kind)
        notice = _doubt(number, kind)
    return _recipient(number, raw, notice)


def complete(digits: str, region: str, raw: str) -> Recipient | None:
    """Return the recipient of a local number of a country; None if it is no mobile number there.

    :param region: ISO 3166 code of the country.
    :param raw: the number as it was given.
    """
    try:
        number, notice = _corrected(phonenumbers.parse(digits, region))
    except NumberParseException:
        return None
    at_home = number.country_code == phonenumbers.country_code_for_region(region)
    return _recipient(number, raw, notice) if at_home and phonenumbers.number_type(number) in _MOBILE else None


def find_region(name: str) -> str | None:
    """Return the ISO 3166 code of a country for that code or its calling code; None if there is no such country.

    Of the countries that share a calling code, it is the largest.
    """
    if name in phonenumbers.SUPPORTED_REGIONS:
        return name
    code = name.lstrip("+0")
    region = phonenumbers.region_code_for_country_code(int(code)) if code.isdecimal() and code.isascii() else None
    return region if region in phonenumbers.SUPPORTED_REGIONS else None


def check_countries(names: Iterable[str]) -> None:
    """Check that names are ISO 3166 codes of countries.

    :raises ConfigError: with what to write instead.
    """
    for name in names:
        if name not in phonenumbers.SUPPORTED_REGIONS:
            meant = find_region(name)
            hint = f"write {meant}" if meant else "write ISO codes of two letters: SA, EG"
            raise ConfigError(f"strict_countries: {name!r} is not the ISO code of a country; {hint}")


def _recipient(number: PhoneNumber, raw: str, notice: str | None) -> Recipient:
    region = phonenumbers.region_code_for_number(number)
    return Recipient(
        f"{number.country_code}{phonenumbers.national_significant_number(number)}",
        Channel.SMS,
        None if region == _WORLD else region,
        raw=raw,
        notices=(notice,) if notice else (),
    )


def _corrected(number: PhoneNumber) -> tuple[PhoneNumber, str | None]:
    """Return a number in the present form of mobile numbers of its country, and a notice where that is a guess."""
    national = str(number.national_number)
    if number.country_code == _MEXICO and len(national) == _MEXICAN_DIGITS + 1 and national.startswith("1"):
        # Until 2019, calls from abroad needed a 1 before mobile numbers.
        return PhoneNumber(country_code=_MEXICO, national_number=int(national[1:])), None
    if number.country_code == _ARGENTINA and not national.startswith("9"):
        mobile = PhoneNumber(country_code=_ARGENTINA, national_number=int(f"9{national}"))
        if phonenumbers.number_type(mobile) in _MOBILE:
            return mobile, _ARGENTINA_NOTICE
    return number, None


def _is_strict(number: PhoneNumber, strict: Collection[str]) -> bool:
    if not strict:
        return False
    region = phonenumbers.region_code_for_number(number)
    regions = (region,) if region else phonenumbers.region_codes_for_country_code(number.country_code or 0)
    return any(one in strict for one in regions)


def _likely_region(number: PhoneNumber) -> str:
    """Return the region of a number; if unknown, the largest of those that share its calling code."""
    region = phonenumbers.region_code_for_number(number)
    return region or phonenumbers.region_code_for_country_code(number.country_code or 0)


def _where(number: PhoneNumber) -> str:
    """Return ``+44 (GB)``: the calling code of a number, and its country if it has one."""
    region = _likely_region(number)
    return f"+{number.country_code}" if region == _WORLD else f"+{number.country_code} ({region})"


def _unreadable(error: NumberParseException) -> InvalidRecipient:
    if error.error_type == NumberParseException.INVALID_COUNTRY_CODE:
        return InvalidRecipient(
            "No country has the country code that this number begins with.",
            action="Give the country code first, 965 for Kuwait, then the number.",
        )
    return InvalidRecipient(
        "There are too few digits for a number with its country code.",
        action=f"Look for missing digits, and {_CHECK_CODE}",
    )


def _impossible(number: PhoneNumber) -> InvalidRecipient | None:
    """Return the error of a number of no known range; None if it may be a mobile number."""
    found = phonenumbers.is_possible_number_for_type_with_reason(number, PhoneNumberType.MOBILE)
    if found == ValidationResult.IS_POSSIBLE:
        national = phonenumbers.national_significant_number(number)
        if phonenumbers.parse(f"+{number.country_code}{national}") != number:  # it would lose another trunk zero
            return InvalidRecipient("There are too many zeros after the country code.", action="Remove the zeros.")
        return _outside_north_american_plan(number)
    count = len(phonenumbers.national_significant_number(number))
    detail = f"Mobile numbers of {_where(number)} have {_lengths(number)} digits after the code; this one has {count}."
    if found == ValidationResult.TOO_LONG:
        return InvalidRecipient(detail, action=f"Look for digits too many, and {_CHECK_CODE}")
    if found == ValidationResult.IS_POSSIBLE_LOCAL_ONLY:
        return InvalidRecipient(detail, action="Give the whole number: country code, area code, then the rest.")
    missing = "missing digits" if found == ValidationResult.TOO_SHORT else "a digit missing or too many"
    return InvalidRecipient(detail, action=f"Look for {missing}, and {_CHECK_CODE}")


def _outside_north_american_plan(number: PhoneNumber) -> InvalidRecipient | None:
    """Return the error of a number of +1 whose area code or exchange begins with 0 or 1; None for other numbers."""
    national = phonenumbers.national_significant_number(number)
    if number.country_code != _NORTH_AMERICA or (national[0] not in "01" and national[3] not in "01"):
        return None
    return InvalidRecipient(
        "In numbers of +1, neither the area code nor the three digits after it begin with 0 or 1.",
        action=f"Look for a wrong digit, and {_CHECK_CODE}",
    )


def _lengths(number: PhoneNumber) -> str:
    """Return how many digits mobile numbers of a country have after its code, ``7 to 9``."""
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(number.country_code or 0, _likely_region(number))
    lengths: tuple[int, ...] = ()
    for kind in (metadata.mobile, metadata.general_desc) if metadata else ():
        lengths = lengths or tuple(length for length in (kind and kind.possible_length) or () if length > 0)
    if len(lengths) > 1:
        return f"{min(lengths)} {'or' if len(lengths) == 2 else 'to'} {max(lengths)}"
    return str(*lengths) if lengths else "other numbers of"


def _doubt(number: PhoneNumber, kind: int) -> str:
    if kind == PhoneNumberType.UNKNOWN:
        return f"This number of {_where(number)} is in no range that is known to be in use: it may not exist."
    return f"This number of {_where(number)} is a {_KINDS[kind]}: it may not be able to receive SMS."


def _not_mobile(number: PhoneNumber, kind: int) -> InvalidRecipient:
    what = f"is a {_KINDS[kind]}" if kind in _KINDS else "is in no range that is known to be in use"
    return InvalidRecipient(
        f"This number of {_where(number)} {what}.",
        action="Give a mobile number, or take the country out of strict_countries.",
    )
