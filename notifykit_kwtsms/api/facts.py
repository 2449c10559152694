"""What is fixed at the gateway: endpoints, limits, and the words for delivery states (gateway facts, sections 0, 1 and 3)."""

from __future__ import annotations

from typing import Final

import attrs

from notifykit import DeliveryState
from notifykit.redaction import scrub

#: Where the gateway lives; an endpoint's name and a slash follow.
BASE_URL: Final = "https://www.kwtsms.com/API/"


#: Recipients in one request (ERR007 beyond).
NUMBERS_PER_REQUEST: Final = 200


#: Requests a second the vendor advises.
ADVISED_PER_SECOND: Final = 2.0


#: Requests a second and IP, all endpoints together, beyond which the IP is blocked.
BLOCKED_ABOVE_PER_SECOND: Final = 5


#: Segments ("pages") of one message (ERR012 beyond). Older clients say 6; 7 was confirmed on the live gateway.
MAX_SEGMENTS: Final = 7


#: Seconds before the same number may be sent to again (ERR028 sooner).
SAME_NUMBER_GAP: Final = 15.0


#: Messages in the account's queue (ERR013 beyond).
QUEUE_LIMIT: Final = 1000


#: Characters of a sender ID.
SENDER_LENGTH: Final = 11


#: The shared sender for trying things out: promotional, throttled, blocked on some networks.
SHARED_SENDER: Final = "KWT-SMS"


@attrs.frozen
class Endpoint:
    """One address below ``/API/``."""

    #: The last part of its path.
    name: str
    #: The fields it needs besides ``username`` and ``password``.
    fields: tuple[str, ...] = ()


BALANCE: Final = Endpoint("balance")


SENDERID: Final = Endpoint("senderid")


COVERAGE: Final = Endpoint("coverage")


VALIDATE: Final = Endpoint("validate", ("mobile",))


SEND: Final = Endpoint("send", ("sender", "mobile", "message"))


STATUS: Final = Endpoint("status", ("msgid",))


DLR: Final = Endpoint("dlr", ("msgid",))


ENDPOINTS: Final = {endpoint.name: endpoint for endpoint in (BALANCE, SENDERID, COVERAGE, VALIDATE, SEND, STATUS, DLR)}


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
