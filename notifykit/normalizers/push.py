"""``push``: device tokens, topics and tags, whose form only the provider knows.

Only the spaces around an address are removed, and only what no provider can mean is refused.
"""

from __future__ import annotations

import re
from typing import Final

import attrs

from notifykit.errors import InvalidRecipient
from notifykit.models.message import Channel
from notifykit.models.recipient import Recipient, Rejected

#: The most characters of an address: longer than any device token.
MOST_CHARACTERS: Final = 4096

_UNSEEN: Final = re.compile(
    "[\\s\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


@attrs.frozen
class PushNormalizer:
    """Takes any name or token without spaces in it."""

    #: What settings and listings call it.
    name = "push"

    def normalize(self, raw: str, channel: Channel) -> Recipient | Rejected | None:
        """Return the address without the spaces around it, the reason why it is none, or None for another channel."""
        if channel is not Channel.PUSH:
            return None
        address = raw.strip()
        reason = _problem(address)
        return Rejected(raw, reason) if reason else Recipient(address, channel, raw=raw)


def _problem(address: str) -> InvalidRecipient | None:
    if not address:
        return InvalidRecipient("The address is empty.", action="Give the name or token that the provider knows.")
    if len(address) > MOST_CHARACTERS:
        return InvalidRecipient(f"A push address has at most {MOST_CHARACTERS} characters.")
    if _UNSEEN.search(address):
        return InvalidRecipient(
            "There is a space, or a character that can't be seen, inside this address.",
            action="Give each name or token as an item of its own.",
        )
    return None


def notifykit_normalizers() -> tuple[PushNormalizer, ...]:
    """Return the normalizer for push; those of other plugins are asked before it."""
    return (PushNormalizer(),)
