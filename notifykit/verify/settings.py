"""The settings of one-time codes: the table ``[tool.notifykit.verify]``, or ``NOTIFYKIT_VERIFY_…``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import attrs

from notifykit.errors import ConfigError
from notifykit.guards.options import Limit, limits
from notifykit.plugins import PluginHost
from notifykit.protocols import About
from notifykit.settings.fields import Field, count, duration, fields_of, names, one_of, setting, text
from notifykit.settings.sources import Settings

SECTION: Final = "verify"
#: The country of codes where no setting names one.
_KUWAIT: Final = "KW"
#: Seconds within which the kwtSMS gateway refuses a second message to a number.
_GATEWAY_WAIT: Final = 15.0
_LENGTHS: Final = range(4, 11)
_COUNTRY: Final = re.compile(r"[A-Z]{2}|[1-9][0-9]{0,6}")
_DOMAIN: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9-]+(\.[a-z0-9-]+)+")
_ANDROID_HASH: Final = re.compile(r"[A-Za-z0-9+/]{11}")


def _code_length(value: object) -> int:
    """Read how many characters a code has, 4 to 10."""
    length = count(value)
    if length not in _LENGTHS:
        raise ValueError("is not between 4 and 10")
    return length


def _waits(value: object) -> tuple[float, ...]:
    """Read the times before the second, the third and each later message: ``30s, 60s, 120s``."""
    found = tuple(map(duration, names(str(value) if isinstance(value, int | float) else value)))
    if not found or min(found) < _GATEWAY_WAIT:
        raise ValueError("needs times of 15s or more, as 30s, 60s, 120s: the gateway refuses a second message before")
    return found


def _share(value: object) -> float:
    """Read a part of a whole, from 0 to below 1."""
    try:
        found = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else -1.0
    except ValueError:
        found = -1.0
    if not 0 <= found < 1:
        raise ValueError("is not a number from 0 to below 1")
    return found


def _countries(value: object) -> tuple[str, ...]:
    """Read countries: ISO codes or calling codes, ``KW, 966``."""
    found = tuple(name.upper().removeprefix("+") for name in names(value))
    if not found or not all(map(_COUNTRY.fullmatch, found)):
        raise ValueError("is not a list of countries: write KW, SA or their calling codes")
    return found


def _domain(value: object) -> str:
    """Read the domain that browsers fill the code in for: ``example.com``."""
    found = text(value).lower()
    if not _DOMAIN.fullmatch(found):
        raise ValueError("is not a domain: write example.com")
    return found


def _android_hash(value: object) -> str:
    """Read the 11 characters that Google Play gives to an app."""
    found = text(value)
    if not _ANDROID_HASH.fullmatch(found):
        raise ValueError("is not the hash of an app: it has 11 letters, digits, + or /")
    return found


_DAY: Final = 86_400.0
_HOUR: Final = 3600.0


@attrs.frozen(kw_only=True)
class VerifySettings:
    """The settings of one-time codes, each with the sentence about it. Times are seconds."""

    app: str = setting(
        text, help="Your application's name, which the message shows.", converter=attrs.converters.default_if_none("")
    )
    length: int = setting(_code_length, 6, help="Characters of a code, 4 to 10.")
    alphabet: str = setting(
        one_of("digits", "letters"), "digits", help="digits; letters: those that look like no other."
    )
    lifetime: float = setting(duration, 600.0, help="How long a code is valid: 10m.")
    guesses: int = setting(count, 5, help="Guesses for one code.")
    guesses_per_day: int = setting(count, 20, help="Wrong guesses for a number in a day, over all its codes.")
    waits: tuple[float, ...] = setting(
        _waits, (30.0, 60.0, 120.0), help="Time before each further message to a number: 30s, 60s, 120s."
    )
    per_number: tuple[Limit, ...] = setting(
        limits, (Limit(5, _HOUR), Limit(10, _DAY)), help="Messages to a number: 5/1h, 10/1d."
    )
    per_client: tuple[Limit, ...] = setting(
        limits, (Limit(10, _HOUR), Limit(30, _DAY)), help="Messages for a client address: 10/1h, 30/1d."
    )
    per_prefix: tuple[Limit, ...] = setting(
        limits, (Limit(20, _HOUR),), help="Messages to 1,000 numbers with the same beginning: 20/1h."
    )
    per_country: tuple[Limit, ...] = setting(limits, (Limit(1000, _HOUR),), help="Messages to a country: 1000/1h.")
    points: tuple[Limit, ...] = setting(
        limits, (Limit(500, _HOUR),), help="The most that codes may cost, in the provider's unit: 500/1h."
    )
    countries: tuple[str, ...] = setting(
        _countries,
        help="The only countries that codes are sent to: KW, SA.",
        converter=attrs.converters.default_if_none((_KUWAIT,)),
    )
    conversion: float = setting(
        _share, 0.2, help="The share of verified codes below which a prefix is held; 0 holds none."
    )
    conversion_codes: int = setting(count, 10, help="How many codes of a prefix have ended before its share counts.")
    template: str | None = setting(
        text, help="The name of a template with {code}, instead of the texts for Arabic and English."
    )
    language: str = setting(text, "en", help="The language where a call names none.")
    domain: str | None = setting(_domain, help="The site whose page fills the code in by itself: example.com.")
    android_hash: str | None = setting(
        _android_hash, help="The 11 characters by which your Android app finds the message."
    )
    deadline: float = setting(duration, 20.0, help="How long a person waits for one message to be sent: 20s.")

    @classmethod
    def of(cls, settings: Settings, host: PluginHost | None = None) -> VerifySettings:
        """Resolve the settings.

        :param host: the plugins: codes go to the default country of one of them where ``countries`` is not set.
        :raises ConfigError: with every problem.
        """
        found = {name: value.value for name, value in settings.section(SECTION, FIELDS).items()}
        found["app"] = found["app"] or settings.sender
        found["countries"] = found["countries"] or _default_countries(settings, host)
        return cls(**found)


FIELDS: Final = fields_of(VerifySettings, SECTION)


def _default_countries(settings: Settings, host: PluginHost | None) -> tuple[str, ...]:
    """Return the country that a plugin completes local numbers for, else Kuwait."""
    for about in host.about().values() if host else ():
        fields: Sequence[Field] = [field for field in about.fields if field.name == "default_country"]
        values: dict[str, Any] = {}
        if fields:
            values, _ = settings.sources.resolve(fields, about.section)
        if values and values["default_country"].value:
            try:
                return _countries(values["default_country"].value)
            except ValueError as error:
                raise ConfigError(f"default_country {error}") from None
    return (_KUWAIT,)


def notifykit_about() -> About:
    """Return the settings."""
    return About(section=SECTION, fields=FIELDS)
