"""The gateway's rules of numbers: form, country, route, price."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

_KUWAIT = "965"
_KUWAIT_MOBILE = re.compile(r"965[4569][0-9]{7}", re.ASCII)


def split_numbers(mobile: str) -> list[str]:
    """Return the numbers of a ``mobile`` field, as they stand, without empty ones."""
    return [number for number in mobile.split(",") if number]


def is_well_formed(number: str, fewest: int, most: int, *, kuwait_rule: bool = True) -> bool:
    """Whether it is digits with a country code: for Kuwait 965 and eight digits, the first 4, 5, 6 or 9.

    So many digits at least and at most for other countries, for Kuwait too where its rule is off, and no leading zero
    (gateway facts, sections 3.7 and 4).
    """
    if not (number.isascii() and number.isdigit()) or number.startswith("0"):
        return False
    if kuwait_rule and number.startswith(_KUWAIT):
        return _KUWAIT_MOBILE.fullmatch(number) is not None
    return fewest <= len(number) <= most


def is_routed(number: str, prefixes: Iterable[str]) -> bool:
    """Whether the account has a route to the number's country. An empty prefix is no country."""
    return any(prefix and number.startswith(prefix) for prefix in prefixes)


def is_kuwaiti(number: str) -> bool:
    """Whether the number belongs to Kuwait, whose networks never report delivery."""
    return number.startswith(_KUWAIT)


def price(number: str, prices: Mapping[str, float]) -> float:
    """Return points a segment: that of the longest prefix which has one, else 1."""
    matches = [prefix for prefix in prices if prefix and number.startswith(prefix)]
    return prices[max(matches, key=len)] if matches else 1


_TABLE: Final = """
965:KW 966:SA 971:AE 973:BH 974:QA 968:OM 962:JO 961:LB 970:PS 964:IQ 963:SY 967:YE 972:IL 20:EG 218:LY
216:TN 212:MA 213:DZ 249:SD 98:IR 90:TR 91:IN 92:PK 880:BD 94:LK 960:MV 86:CN 81:JP 82:KR 886:TW 65:SG 60:MY
62:ID 63:PH 66:TH 84:VN 95:MM 855:KH 976:MN 44:GB 33:FR 49:DE 39:IT 34:ES 31:NL 32:BE 41:CH 43:AT 47:NO 48:PL
30:GR 420:CZ 46:SE 45:DK 40:RO 36:HU 380:UA 1:US 52:MX 55:BR 57:CO 54:AR 56:CL 58:VE 51:PE 593:EC 53:CU 27:ZA
234:NG 254:KE 233:GH 251:ET 255:TZ 256:UG 237:CM 225:CI 221:SN 252:SO 250:RW 61:AU 64:NZ
"""


#: Country codes of two letters by telephone prefix: those that the gateway has routes to.
BY_PREFIX: Final = dict(pair.split(":") for pair in _TABLE.split())


def country_of(number: str) -> str | None:
    """Return the two letters of a number's country, or None where it is not known."""
    if not (number.isascii() and number.isdigit()):
        return None
    return next((BY_PREFIX[number[:length]] for length in (3, 2, 1) if number[:length] in BY_PREFIX), None)
