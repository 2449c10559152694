"""What the gateway finds in a text and in a number: segments, tags, codes, links, countries, prices."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final, Literal

import attrs

from notifykit_kwtsms.sandbox.models import show_count
from notifykit_kwtsms.text.gsm7 import BASIC, EXTENSION

_TAG = re.compile(r"<[a-zA-Z/!][^<>]*>")
_CODE = re.compile(r"(?<!\d)\d{4,8}(?!\d)")
_LINK = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
_KEPT_CONTROLS = frozenset("\n\r\t")
_HIDDEN = frozenset("\u200b\u200c\u200d\u2060\u00ad\ufeff\ufffc")
#: Blocks of pictures; a text with one is taken, charged and never sent (gateway facts, section 3.6).
_PICTURES: Final = (
    range(0x1F000, 0x1FB00),
    range(0x2600, 0x27C0),
    range(0xFE00, 0xFE10),
    range(0x20E3, 0x20E4),
    range(0xE0000, 0xE0080),
)


def has_tags(text: str) -> bool:
    """Whether HTML tags are in it (ERR027)."""
    return _TAG.search(text) is not None


def has_word(text: str, words: Iterable[str]) -> bool:
    """Whether one of the words is in it, without regard to case."""
    folded = text.casefold()
    return any(word.casefold() in folded for word in words if word)


def gets_stuck(text: str) -> bool:
    """Whether it holds pictures or hidden characters: accepted and charged, then ERR030 for ever."""
    return any(_is_stuck(character) for character in text)


def _is_stuck(character: str) -> bool:
    if character in _KEPT_CONTROLS:
        return False
    if character in _HIDDEN or unicodedata.category(character) in ("Cc", "Cf"):
        return True
    return any(ord(character) in block for block in _PICTURES)


def find_code(text: str) -> str | None:
    """Return the first run of 4 to 8 digits, in Latin digits, or None."""
    found = _CODE.search(text)
    return "".join(str(unicodedata.digit(digit)) for digit in found[0]) if found else None


def find_links(text: str) -> tuple[str, ...]:
    """Return the addresses in it, for a person to look at; the sandbox never fetches one."""
    return tuple(match.rstrip(".,;:!?)") for match in _LINK.findall(text))


def is_right_to_left(text: str) -> bool:
    """Whether the first letter with a direction is written from the right, as ``dir="auto"`` decides."""
    for character in text:
        direction = unicodedata.bidirectional(character)
        if direction in ("R", "AL", "L"):
            return direction != "L"
    return False


_KUWAIT = "965"
_KUWAIT_MOBILE = re.compile(r"965[4569][0-9]{7}", re.ASCII)


def split_numbers(mobile: str) -> list[str]:
    """Return the numbers of a ``mobile`` field, as they stand, without empty ones."""
    return [number for number in mobile.split(",") if number]


def well_formed(number: str, fewest: int, most: int, *, kuwait_rule: bool = True) -> bool:
    """Whether it is digits with a country code: for Kuwait 965 and eight digits, the first 4, 5, 6 or 9.

    So many digits at least and at most for other countries, for Kuwait too where its rule is off, and no leading zero
    (gateway facts, sections 3.7 and 4).
    """
    if not (number.isascii() and number.isdigit()) or number.startswith("0"):
        return False
    if kuwait_rule and number.startswith(_KUWAIT):
        return _KUWAIT_MOBILE.fullmatch(number) is not None
    return fewest <= len(number) <= most


def routed(number: str, prefixes: Iterable[str]) -> bool:
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


#: Units of a text that fits into one segment, and of each segment of a longer one (gateway facts, section 3.3).
ROOM: Final = {"gsm7": (160, 153), "ucs2": (70, 67)}


@attrs.frozen
class Forced:
    """A character that GSM-7 does not have."""

    #: Where it stands in the text.
    position: int
    #: The character.
    character: str
    #: Its Unicode name.
    name: str


@attrs.frozen
class Count:
    """What a text takes up on the air."""

    #: The alphabet it needs.
    encoding: Literal["gsm7", "ucs2"]
    #: Septets or UTF-16 units of the text, without what is lost at the boundaries.
    units: int
    #: Where each segment starts in the text; the first is 0.
    starts: tuple[int, ...]
    #: Units that still fit into the last segment.
    units_left: int
    #: The characters that forced UCS-2.
    forced: tuple[Forced, ...] = attrs.field(repr=show_count)

    @property
    def segments(self) -> int:
        """Segments the text is cut into; an empty text is one."""
        return len(self.starts)


def count_text(text: str) -> Count:
    """Count a text: 160 or 70 units in one segment, else 153 or 67 in each, pairs never split over a boundary."""
    forced = tuple(
        Forced(position, character, unicodedata.name(character, f"U+{ord(character):04X}"))
        for position, character in enumerate(text)
        if character not in BASIC and character not in EXTENSION
    )
    encoding: Literal["gsm7", "ucs2"] = "ucs2" if forced else "gsm7"
    whole, part = ROOM[encoding]
    sizes = [_units_of(character, encoding) for character in text]
    units = sum(sizes)
    if units <= whole:
        return Count(encoding, units, (0,), whole - units, forced)
    starts = [0]
    used = 0
    for position, size in enumerate(sizes):
        if used + size > part:
            starts.append(position)
            used = 0
        used += size
    return Count(encoding, units, tuple(starts), part - used, forced)


def _units_of(character: str, encoding: str) -> int:
    if encoding == "gsm7":
        return 2 if character in EXTENSION else 1
    return 2 if ord(character) > 0xFFFF else 1
