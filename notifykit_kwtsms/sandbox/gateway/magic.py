"""Numbers and senders that make the gateway misbehave on purpose: 965 4500 NNNN, an unassigned block."""

from __future__ import annotations

import enum
import re
from typing import Final

import attrs

from notifykit.redaction import redact_address

#: Possible numbers by their length and first digit, and unassigned.
PREFIX: Final = "9654500"
#: Codes that 965 4500 0NNN may stand for; 014 to 018 exist nowhere, so they try what a client does with a new one.
_CODES = range(1, 34)
_SENDER = re.compile(r"ERR[0-9]{3}", re.ASCII)

#: What 965 4500 4NNN does to the answer, by NNN: the fault, and when it happens. The first can't be a refused port,
#: because the request is already here: it is a reset before acceptance, the nearest thing to it.
WIRE: Final = (
    ("reset", "receive"),
    ("reset", "accept"),
    ("close", "accept"),
    ("hang", "accept"),
    ("half-body", "accept"),
    ("dribble", "accept"),
    ("html-200", "accept"),
    ("broken-json", "accept"),
    ("json-403", "receive"),
    ("empty-503", "receive"),
    ("no-msg-id", "accept"),
    ("string-numbers", "accept"),
    ("redirect", "receive"),
    ("stale", "accept"),
)


class Kind(enum.StrEnum):
    """What a magic number does."""

    #: 0NNN: the whole request is refused with ERRNNN.
    REFUSE = "refuse"
    #: 1NNN: only this number is dropped, with ERRNNN.
    DROP = "drop"
    #: 0000 and 2000 to 2009: how delivery goes.
    DELIVERY = "delivery"
    #: 3SSS: the answer comes SSS × 100 milliseconds late.
    SLOW = "slow"
    #: 4000 and up: a wire fault of :data:`WIRE`.
    WIRE = "wire"
    #: 5NNN: the first NNN attempts are refused with ERR013.
    QUEUE_FULL = "queue-full"
    #: 6NNN: the answers to the first NNN accepted attempts are cut off.
    CUT_OFF = "cut-off"


class Outcome(enum.IntEnum):
    """How delivery to 965 4500 200N goes, by N."""

    DELIVERED = 0
    FAILED = 1
    EXPIRED = 2
    BLACKLISTED = 3
    SWITCHED_OFF = 4
    STUCK = 5
    UNKNOWN_ID = 6
    NOT_READY = 7
    DUPLICATE = 8
    EARLY = 9


@attrs.frozen
class Magic:
    """A magic number."""

    #: The number.
    number: str = attrs.field(repr=redact_address)
    #: What it does.
    kind: Kind
    #: The NNN of it.
    value: int

    @property
    def code(self) -> str:
        """The error code of its NNN; 000 is ERR025."""
        return f"ERR{self.value or 25:03}"


_THOUSANDS = {
    "1": Kind.DROP,
    "3": Kind.SLOW,
    "5": Kind.QUEUE_FULL,
    "6": Kind.CUT_OFF,
}


def read(number: str) -> Magic | None:
    """Return what a number does, or None for one that follows the normal rules."""
    rest = number.removeprefix(PREFIX)
    if rest == number or len(rest) != 4 or not (rest.isascii() and rest.isdigit()):
        return None
    thousand, value = rest[0], int(rest[1:])
    if thousand in _THOUSANDS:
        return Magic(number, _THOUSANDS[thousand], value)
    if rest == "0000" or (thousand == "2" and value < len(Outcome)):
        return Magic(number, Kind.DELIVERY, value)
    if thousand == "0" and value in _CODES:
        return Magic(number, Kind.REFUSE, value)
    if thousand == "4" and value < len(WIRE):
        return Magic(number, Kind.WIRE, value)
    return None


def sender_code(sender: str) -> str | None:
    """Return the code that a magic sender (``ERR008``) is refused with, or None for any other sender."""
    return sender if _SENDER.fullmatch(sender) else None
