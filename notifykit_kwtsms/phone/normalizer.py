"""The normalizer that knows what the kwtSMS gateway delivers to (gateway facts, sections 3.7 and 4)."""

from __future__ import annotations

from typing import Final

import attrs

from notifykit.errors import ConfigError, InvalidRecipient
from notifykit.letters import Channel, Recipient, Rejected
from notifykit.normalizers.digits import compact
from notifykit.normalizers.reading import FEWEST_DIGITS, MOST_DIGITS, is_decimal, national_form, read_number, too_short
from notifykit_kwtsms.phone.digits import drop_trunk_zero
from notifykit_kwtsms.phone.rules import RULES, RULES_BY_COUNTRY, CountryRule, find_rule

_SMS: Final = Channel.SMS
#: Digits of a Kuwaiti mobile number, written in full.
_KUWAITI_DIGITS: Final = 11
#: What numbers are usually set with.
_PUNCTUATION: Final = b" \t-./()"
_UNCHANGED: Final = bytes(range(256))
#: Up to here digits are a local number: the shortest mobile numbers with their country code have more.
_LOCAL_DIGITS: Final = 8


def _country(given: str | None) -> str | None:
    """Return the calling code that a calling code or an ISO 3166 code stands for; the empty text sets none."""
    name = (given or "").strip().upper()
    if not name:
        return None
    rule = RULES_BY_COUNTRY.get(name) or RULES.get(name.lstrip("+0"))
    if rule is None:
        raise ConfigError(
            f"default_country: {name!r} is not a country that kwtSMS has a rule for; "
            "give its calling code or its ISO code, 965 or KW for Kuwait"
        )
    return rule.code


def _known_rule(instance: object, attribute: object, value: str) -> None:
    if value not in ("strict", "relaxed"):
        raise ConfigError(f"kuwait_rule: {value!r} is neither 'strict' nor 'relaxed'")


@attrs.frozen
class KwtSmsNormalizer:
    """Takes what the gateway can deliver to, and says of everything else why it can't.

    A number that is written without ``+`` or ``00`` and has the form of the default country's local numbers is one of
    them, before anything else is tried: 96612345 is a Kuwaiti number without its code, and not a short Saudi one.
    """

    #: What settings and listings call it.
    name = "kwtsms"

    #: The calling code that local numbers get, given as ``965`` or as ``KW``; None refuses local numbers.
    default_country: str | None = attrs.field(default=None, converter=_country)
    #: ``strict`` keeps the rules of Kuwait and of the other countries, ``relaxed`` takes any 7 to 15 digits.
    kuwait_rule: str = attrs.field(default="strict", validator=_known_rule)
    # As many digits as a number known at sight has; none are known where a Kuwaiti one could as well be a local number.
    _digits_at_sight: int = attrs.field(init=False, repr=False, eq=False)

    @_digits_at_sight.default
    def _(self) -> int:
        return 0 if self._has_lookalikes() else _KUWAITI_DIGITS

    def normalize(self, raw: str, channel: Channel) -> Recipient | Rejected | None:
        """Return the number as the gateway wants it, the reason why it wants none, or None for another channel."""
        if channel is not _SMS:
            return None
        # Nearly every number is a Kuwaiti one, and known at sight. A call of a function, or a pattern, would cost a
        # quarter of the whole: so digits are told by comparing texts.
        address = raw
        if not raw.isascii():
            # An integer is read from the digits of every script, faster than they are looked up.
            address = str(int(raw)) if len(raw) <= MOST_DIGITS and raw.isdecimal() else _compacted(raw)
        elif len(raw) != _KUWAITI_DIGITS:
            plain = raw.encode().translate(_UNCHANGED, _PUNCTUATION)
            address = plain.removeprefix(b"+").lstrip(b"0").decode()
            if "." in raw and is_decimal(raw):
                return self._look_closely(raw, channel)
        if (
            len(address) != self._digits_at_sight
            or not ("9659" <= address < "966" or "9654" <= address < "9657")
            or not address.isdecimal()
        ):
            return self._look_closely(raw, channel)
        return Recipient(address, channel, "KW", raw=raw)

    def _look_closely(self, raw: str, channel: Channel) -> Recipient | Rejected:
        reading = read_number(raw)
        if isinstance(reading, InvalidRecipient):
            return Rejected(raw, reading)
        digits, marked = reading
        address = None if marked else self._completed(digits)
        if address is None:
            number = digits.lstrip("0")
            rule = find_rule(number)
            address = drop_trunk_zero(number, rule)
            reason = self._reason_against(address, rule, digits, marked)
            if reason:
                return Rejected(raw, reason, None if marked else _perhaps_kuwaiti(digits, channel))
        else:
            rule = find_rule(address)
        return Recipient(address, channel, _country_of(address, rule), raw=raw)

    def _completed(self, digits: str) -> str | None:
        """Return local digits of the default country with its code in front; None where they are not such digits."""
        if self.default_country is None:
            return None
        rule = RULES[self.default_country]
        local = digits if rule.leading_zero else digits.lstrip("0")
        return rule.code + local if rule.fits(local) else None

    def _reason_against(
        self, address: str, rule: CountryRule | None, digits: str, marked: bool
    ) -> InvalidRecipient | None:
        if self.kuwait_rule == "relaxed":
            return too_short(len(address)) if len(address) < FEWEST_DIGITS else None
        if digits.startswith("0") and not _is_kuwaiti(digits.lstrip("0")):
            return national_form()
        if len(digits) <= _LOCAL_DIGITS and not (marked and rule):
            return _no_country_code(digits)
        if rule is None:
            return None
        local = address[len(rule.code) :]
        if not rule.right_length(local):
            return _wrong_length(rule, local)
        return None if rule.right_start(local) else _wrong_start(rule, local)

    def _has_lookalikes(self) -> bool:
        """Whether a Kuwaiti number with its code could as well be a local number of the default country."""
        return self.default_country is not None and RULES[self.default_country].fits("9" * 11)


def _compacted(raw: str) -> str:
    """Return a text as far as it can be known at sight: empty where it is a decimal or has digits of a rare script."""
    address = compact(raw).removeprefix("+").lstrip("0")
    return address if address.isascii() and not is_decimal(raw) else ""


def _country_of(address: str, rule: CountryRule | None) -> str | None:
    if rule is None or rule.shared or not rule.right_length(address[len(rule.code) :]):
        return None
    return rule.country


def _is_kuwaiti(number: str) -> bool:
    """Whether it is a whole Kuwaiti number: nobody dials a zero in front of those inside the country."""
    return number.startswith("965") and RULES["965"].fits(number[3:])


def _perhaps_kuwaiti(digits: str, channel: Channel) -> Recipient | None:
    """Return the Kuwaiti number that somebody may have left the country code off."""
    kuwait = RULES["965"]
    address = f"965{digits}"
    return Recipient(address, channel, "KW") if kuwait.fits(digits) else None


def _no_country_code(digits: str) -> InvalidRecipient:
    kuwait = RULES["965"]
    if not kuwait.right_length(digits):
        return InvalidRecipient(
            f"{len(digits)} digits are too few for a mobile number with its country code.",
            action="Give the whole number: country code, then the number, digits only.",
        )
    if kuwait.right_start(digits):
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
