"""The normalizer for numbers to which the kwtSMS gateway delivers (gateway facts, sections 3.7 and 4)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import attrs

from notifykit.errors import ConfigError, InvalidRecipient
from notifykit.models.message import Channel
from notifykit.models.recipient import Recipient, Rejected
from notifykit.normalizers.phone import (
    FEWEST_DIGITS,
    MOST_DIGITS,
    compact,
    is_cell,
    national_form,
    read_number,
    too_short,
)
from notifykit_kwtsms.phone.documented import normalize_phone
from notifykit_kwtsms.phone.rules import BY_CODE, BY_COUNTRY, KUWAIT, CountryRule, find_gulf_rule

_SMS: Final = Channel.SMS
#: Digits of a Kuwaiti mobile number with its code.
_KUWAITI_DIGITS: Final = 11
_PUNCTUATION: Final = b" \t-./()"
_UNCHANGED: Final = bytes(range(256))
#: At most so many digits without ``+`` are a local number: nearly all mobile numbers with their code have more.
_LOCAL_DIGITS: Final = 8


def _country(given: str | None) -> str | None:
    """Return the ISO 3166 code for a calling code or an ISO 3166 code; None for an empty text."""
    name = (given or "").strip().upper()
    if not name:
        return None
    rule = BY_COUNTRY.get(name) or BY_CODE.get(name.lstrip("+0"))
    if rule:
        return rule.country
    from notifykit_kwtsms.phone.abroad import find_region

    region = find_region(name)
    if region is None:
        raise ConfigError(
            f"default_country: {name!r} is not a country; give its calling code or its ISO code, 965 or KW for Kuwait"
        )
    return region


def _countries(given: Iterable[str]) -> frozenset[str]:
    """Return ISO 3166 codes of countries in capitals."""
    names = frozenset(name.strip().upper() for name in given)
    if not names <= BY_COUNTRY.keys():
        from notifykit_kwtsms.phone.abroad import check_countries

        check_countries(sorted(names))
    return names


def _known_rule(instance: object, attribute: object, value: str) -> None:
    if value not in ("strict", "relaxed"):
        raise ConfigError(f"kuwait_rule: {value!r} is neither 'strict' nor 'relaxed'")


@attrs.frozen
class KwtSmsNormalizer:
    """Accepts numbers to which the gateway can deliver, and rejects every other with the reason.

    Kuwait and the other Gulf countries have the gateway's own rules. Numbers of other countries are read by
    ``phonenumbers``, which is imported with the first of them: an impossible number is rejected, and one that may not be
    a mobile number gets a notice.

    A number without ``+`` or ``00`` that is a local mobile number of the default country is read as one before
    anything else: 96612345 is a Kuwaiti number without its code, and not a short Saudi one.
    """

    #: The name in settings and lists.
    name = "kwtsms"

    #: The ISO 3166 code of the country of local numbers, given as ``965`` or as ``KW``; None rejects them.
    default_country: str | None = attrs.field(default=None, converter=_country)
    #: ``strict`` applies the rules of each country, ``relaxed`` accepts any 7 to 15 digits.
    kuwait_rule: str = attrs.field(default="strict", validator=_known_rule)
    #: ISO 3166 codes of further countries of which only mobile numbers are accepted.
    strict_countries: frozenset[str] = attrs.field(default=frozenset(), converter=_countries)

    def normalize(self, raw: str, channel: Channel) -> Recipient | Rejected | None:
        """Return the number in the gateway's form, the reason why it is rejected, or None for another channel."""
        if channel is not _SMS:
            return None
        # The fast path: nearly every number is Kuwaiti. Comparing texts is faster than a pattern.
        address = raw
        if not raw.isascii():
            # int() reads digits of every script, faster than a look-up of each.
            address = str(int(raw)) if len(raw) <= MOST_DIGITS and raw.isdecimal() else _compacted(raw)
        elif len(raw) != _KUWAITI_DIGITS:
            plain = raw.encode().translate(_UNCHANGED, _PUNCTUATION)
            address = plain.removeprefix(b"+").lstrip(b"0").decode()
            if "." in raw and is_cell(raw):
                return self._normalize_any(raw)
        if (
            len(address) != _KUWAITI_DIGITS
            or not ("9659" <= address < "966" or "9654" <= address < "9657")
            or not address.isdecimal()
        ):
            return self._normalize_any(raw)
        return Recipient(address, channel, "KW", raw=raw)

    def _normalize_any(self, raw: str) -> Recipient | Rejected:
        reading = read_number(raw)
        if isinstance(reading, InvalidRecipient):
            return Rejected(raw, reading)
        digits, marked = reading
        number = digits.lstrip("0")
        found: Recipient | InvalidRecipient | None = None if marked else self._completed(digits, raw)
        if found is None and self.kuwait_rule == "relaxed":
            found = _relaxed(digits, raw, marked)
        elif found is None and not marked and self.default_country and _is_local(digits):
            found = self._not_completed(number)
        elif found is None and digits.startswith("0") and not _is_kuwaiti(number):
            found = national_form(digits)
        elif found is None and len(digits) <= _LOCAL_DIGITS and not marked:
            suggestion = Recipient(KUWAIT.code + digits, _SMS, "KW") if KUWAIT.matches(digits) else None
            return Rejected(raw, _no_country_code(digits), suggestion)
        elif found is None:
            rule = find_gulf_rule(number)
            found = _read_gulf(number, rule, raw) if rule else self._read_abroad(number, raw)
        return Rejected(raw, found) if isinstance(found, InvalidRecipient) else found

    def _completed(self, digits: str, raw: str) -> Recipient | None:
        """Return the recipient of local digits of the default country; None if they are none."""
        if self.default_country is None:
            return None
        rule = BY_COUNTRY.get(self.default_country)
        if rule is None:
            from notifykit_kwtsms.phone.abroad import complete

            return complete(digits, self.default_country, raw)
        local = digits.lstrip("0")
        return Recipient(rule.code + local, _SMS, rule.country, raw=raw) if rule.matches(local) else None

    def _not_completed(self, local: str) -> InvalidRecipient:
        """Return the error of local digits that are no mobile number of the default country."""
        rule = BY_COUNTRY.get(self.default_country or "")
        error = _read_gulf(rule.code + local, rule, local) if rule else None
        if isinstance(error, InvalidRecipient):
            return error
        return InvalidRecipient(
            f"This is not a mobile number of {self.default_country}, the default country.",
            action="Look for a digit missing or too many, or give the whole number: +, country code, then the number.",
        )

    def _read_abroad(self, number: str, raw: str) -> Recipient | InvalidRecipient:
        from notifykit_kwtsms.phone.abroad import read_abroad

        return read_abroad(number, raw, self.strict_countries)


def _compacted(raw: str) -> str:
    """Return the digits for the fast path; empty for a cell of a spreadsheet or digits of a rare script."""
    address = compact(raw).removeprefix("+").lstrip("0")
    return address if address.isascii() and not is_cell(raw) else ""


def _read_gulf(number: str, rule: CountryRule, raw: str) -> Recipient | InvalidRecipient:
    address = rule.without_trunk_zero(number)
    local = address.removeprefix(rule.code)
    if not rule.right_length(local):
        return _wrong_length(rule, local)
    return Recipient(address, _SMS, rule.country, raw=raw) if rule.right_start(local) else _wrong_start(rule, local)


def _relaxed(digits: str, raw: str, marked: bool) -> Recipient | InvalidRecipient:
    """Return the recipient of any 7 to 15 digits, with the country if they surely begin with its code."""
    address = normalize_phone(digits)
    if len(address) < FEWEST_DIGITS:
        return too_short(len(address))
    country = None
    rule = find_gulf_rule(address)
    if rule:
        country = rule.country if rule.right_length(address.removeprefix(rule.code)) else None
    elif marked or len(digits) > _LOCAL_DIGITS:
        from notifykit_kwtsms.phone.abroad import read_abroad

        found = read_abroad(address, raw)
        country = found.country if isinstance(found, Recipient) else None
    return Recipient(address, _SMS, country, raw=raw)


def _is_local(digits: str) -> bool:
    """Whether digits without ``+`` have no country code: they are few, or have one trunk zero in front."""
    number = digits.lstrip("0")
    return len(digits) <= _LOCAL_DIGITS or (digits != number and len(number) < _KUWAITI_DIGITS)


def _is_kuwaiti(number: str) -> bool:
    """Whether it is a Kuwaiti number with its code: inside Kuwait, no zero is dialled before one."""
    return number.startswith(KUWAIT.code) and KUWAIT.matches(number[len(KUWAIT.code) :])


def _no_country_code(digits: str) -> InvalidRecipient:
    if not KUWAIT.right_length(digits):
        return InvalidRecipient(
            f"{len(digits)} digits are too few for a mobile number with its country code.",
            action="Give the whole number: country code, then the number, digits only.",
        )
    if KUWAIT.right_start(digits):
        return InvalidRecipient(
            "This looks like a Kuwait mobile number without its country code.",
            action="Give the country code: 965 first, then the eight digits. Or set default_country to 965.",
        )
    return InvalidRecipient(
        "Eight digits are a number without its country code.",
        action="Give the country code first: 965 for Kuwait, where mobile numbers start with 4, 5, 6 or 9.",
    )


def _wrong_length(rule: CountryRule, local: str) -> InvalidRecipient:
    return InvalidRecipient(
        f"{rule.name} mobile numbers have {_any_of(rule.lengths)} digits after {rule.code}; this one has {len(local)}.",
        action="Look for a digit missing or too many, and check that the country code is the right one.",
    )


def _wrong_start(rule: CountryRule, local: str) -> InvalidRecipient:
    detail = f"{rule.name} mobile numbers start with {_any_of(rule.first_digits)} after {rule.code}"
    if rule.code == "965" and local.startswith("2"):
        detail += "; 2 is a landline, which can't receive SMS"
    return InvalidRecipient(f"{detail}.", action="Give a mobile number.")


def _any_of(choices: tuple[int, ...] | str) -> str:
    *most, last = map(str, choices)
    return f"{', '.join(most)} or {last}" if most else last
