"""What words about delivery mean (gateway facts, sections 1.6 to 1.8 and 8.17).

Nobody has a list of them. So these are few: those that documents show, and those of the official client's webhook. A
word that is not here has no meaning, and is kept as it came.
"""

from __future__ import annotations

from typing import Final

from notifykit import DeliveryState
from notifykit.redaction import scrub

#: What ``status`` says is about the way inside the gateway. Its "delivered" is no handset's word, and so not more
#: than "sent".
DISPATCH: Final = {
    "pending": DeliveryState.PENDING,
    "queued": DeliveryState.PENDING,
    "sent": DeliveryState.SENT,
    "delivered": DeliveryState.SENT,
    "failed": DeliveryState.UNDELIVERED,
}

#: What networks report, and what is posted to a webhook.
REPORTED: Final = {
    "pending": DeliveryState.PENDING,
    "queued": DeliveryState.PENDING,
    "sent": DeliveryState.SENT,
    "delivered": DeliveryState.DELIVERED,
    "delivered to handset": DeliveryState.DELIVERED,
    "delivered to mobile": DeliveryState.DELIVERED,
    "received by recipient": DeliveryState.DELIVERED,
    "blacklisted": DeliveryState.UNDELIVERED,
    "failed": DeliveryState.UNDELIVERED,
    "rejected": DeliveryState.UNDELIVERED,
    "undelivered": DeliveryState.UNDELIVERED,
    "expired": DeliveryState.EXPIRED,
}

#: Words that are longer say nothing more to a person, and fill logs.
_LONGEST: Final = 200


def as_state(words: str, meanings: dict[str, DeliveryState]) -> DeliveryState:
    """Return what words mean, whatever their capitals and spaces; ``unconfirmed`` where nobody knows."""
    return meanings.get(" ".join(words.split()).casefold(), DeliveryState.UNCONFIRMED)


def shown(words: str) -> str | None:
    """Return words as a log may have them: on one line, printable, not long, and without numbers; None for no words."""
    line = "".join(character for character in " ".join(words.split()) if character.isprintable())
    return scrub(line)[:_LONGEST] or None
