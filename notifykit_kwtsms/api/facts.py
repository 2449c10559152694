"""The gateway's limits, endpoints and words for delivery states (gateway facts, sections 0, 1, 3 and 8.17)."""

from __future__ import annotations

from typing import Final

import attrs

from notifykit import DeliveryState
from notifykit.redaction import scrub

#: The gateway's address; an endpoint's name and a slash follow.
BASE_URL: Final = "https://www.kwtsms.com/API/"
#: Recipients in one request (ERR007 above).
NUMBERS_PER_REQUEST: Final = 200
#: Requests a second that the vendor advises.
ADVISED_PER_SECOND: Final = 2.0
#: Requests a second and IP, all endpoints together, above which the IP is blocked.
BLOCKED_ABOVE_PER_SECOND: Final = 5
#: Segments ("pages") of one message (ERR012 above). Older clients say 6; 7 was confirmed on the live gateway.
MAX_SEGMENTS: Final = 7
#: Seconds between two messages to the same number (ERR028 below).
SAME_NUMBER_GAP: Final = 15.0
#: Messages in the account's queue (ERR013 above).
QUEUE_LIMIT: Final = 1000
#: Characters of a sender ID.
SENDER_LENGTH: Final = 11
#: The shared sender for tests: promotional, throttled, blocked on some networks.
SHARED_SENDER: Final = "KWT-SMS"
#: Kuwait's country code.
KUWAIT_CODE: Final = "965"


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
#: All of them by name. There is no eighth: ``report`` does not exist.
ENDPOINTS: Final = {endpoint.name: endpoint for endpoint in (BALANCE, SENDERID, COVERAGE, VALIDATE, SEND, STATUS, DLR)}

#: The words of ``status``, which is about the queue inside the gateway: its "delivered" is no handset's word.
STATUS_STATES: Final = {
    "pending": DeliveryState.PENDING,
    "queued": DeliveryState.PENDING,
    "sent": DeliveryState.SENT,
    "delivered": DeliveryState.SENT,
    "failed": DeliveryState.UNDELIVERED,
}
#: The words of networks and webhooks. No list is documented: these are from examples and from the official client.
REPORT_STATES: Final = {
    "pending": DeliveryState.PENDING,
    "queued": DeliveryState.PENDING,
    "sent": DeliveryState.SENT,
    **dict.fromkeys(
        ("delivered", "delivered to handset", "delivered to mobile", "received by recipient"), DeliveryState.DELIVERED
    ),
    **dict.fromkeys(("blacklisted", "failed", "rejected", "undelivered"), DeliveryState.UNDELIVERED),
    "expired": DeliveryState.EXPIRED,
}
_MAX_WORDS: Final = 200


def delivery_state(words: str, states: dict[str, DeliveryState]) -> DeliveryState:
    """Return the state for the gateway's words, whatever their capitals and spaces; ``unconfirmed`` for unknown ones."""
    return states.get(" ".join(words.split()).casefold(), DeliveryState.UNCONFIRMED)


def loggable(words: str) -> str | None:
    """Return words for a log: one line, printable, at most 200 characters, without numbers; None for no words."""
    line = "".join(character for character in " ".join(words.split()) if character.isprintable())
    return scrub(line)[:_MAX_WORDS] or None
