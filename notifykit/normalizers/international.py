"""The core's own rule for SMS: any number in the international form, whatever its country."""

from __future__ import annotations

import re
from typing import Final

import attrs

from notifykit.errors import InvalidRecipient
from notifykit.letters import Channel, Recipient, Rejected
from notifykit.normalizers.reading import FEWEST_DIGITS, MOST_DIGITS, national_form, read_number

_SMS: Final = Channel.SMS
_CANONICAL: Final = re.compile(rf"[1-9][0-9]{{{FEWEST_DIGITS - 1},{MOST_DIGITS - 1}}}")


@attrs.frozen
class InternationalNormalizer:
    """Takes 7 to 15 digits with the country code in front, with or without ``+`` or ``00`` (ITU-T E.164).

    It knows no country's rules, so it is what is left where no provider brings better ones.
    """

    #: What settings and listings call it.
    name = "international"

    def normalize(self, raw: str, channel: Channel) -> Recipient | Rejected | None:
        """Return the number in its canonical form, the reason why it has none, or None for another channel."""
        if channel is not _SMS:
            return None
        if _CANONICAL.fullmatch(raw):
            return Recipient(raw, channel, raw=raw)
        reading = read_number(raw)
        if isinstance(reading, InvalidRecipient):
            return Rejected(raw, reading)
        digits, _ = reading
        if digits.startswith("0"):
            return Rejected(raw, national_form())
        return Recipient(digits, channel, raw=raw)


def notifykit_normalizers() -> tuple[InternationalNormalizer, ...]:
    """Bring the framework's own normalizer; whoever knows more is asked before it."""
    return (InternationalNormalizer(),)
