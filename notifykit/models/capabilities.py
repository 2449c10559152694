"""What a transport can do, how much room a text takes there, and how fast it may be asked."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from notifykit.errors import TransportError
from notifykit.models.message import Channel, Message
from notifykit.models.recipient import Recipient


@attrs.frozen
class ForcedCharacter:
    """A character that made a text more expensive, and what could stand in its place."""

    #: Where it stands in the text.
    position: int
    #: The character.
    character: str
    #: Its Unicode name.
    name: str
    #: What the cheap encoding has instead; None where it has nothing like it.
    replacement: str | None


@attrs.frozen
class Measurement:
    """What a text takes up on the air."""

    #: ``gsm7`` or ``ucs2`` for SMS.
    encoding: str
    #: Septets or UTF-16 units, not characters.
    units: int
    #: Parts that the text is cut into; each is paid for.
    segments: int
    #: Units that still fit into the last segment.
    units_left: int = 0
    #: The characters that forced the more expensive encoding, each once.
    forced: tuple[ForcedCharacter, ...] = ()


@attrs.frozen
class Capabilities:
    """What a transport can do. The road plans by it."""

    #: The media it carries.
    channels: frozenset[Channel] = frozenset({Channel.SMS})
    #: The most recipients that one request may have.
    batch_size: int = attrs.field(default=1, validator=attrs.validators.ge(1))
    #: Whether it can pretend: accept without delivering. The DSN option ``test`` says which.
    test_mode: bool = False
    #: Whether what it takes reaches people; False where it pretends, and for stand-ins.
    live: bool = True
    #: Whether the provider recognises a repeated ``idempotency_key``.
    idempotent: bool = False
    #: Whether a message may name its own sender.
    senders: bool = True
    #: Whether a message may have a subject.
    subjects: bool = False
    #: Whether the provider can be asked, later, whether a message was delivered.
    reports: bool = False
    #: The encodings that texts travel in, the cheapest first; empty where it does not matter.
    encodings: tuple[str, ...] = ()
    #: Whether what it says of a text or a sender is about one recipient only, as mailboxes do.
    personal: bool = False
    #: How fast it may be asked; None where there is no limit.
    rate_limit: RateLimit | None = None
    #: Seconds that have to be between two messages to one recipient; 0 for none.
    spacing: float = 0.0
    #: Pure: what a text takes up; None where it does not matter.
    measure: Callable[[str], Measurement] | None = None
    #: Pure: why a message would be refused; None where it would not.
    check: Callable[[Message], TransportError | None] | None = None
    #: Pure: what one recipient of a text of so many segments costs, in the provider's unit; None where unknown.
    price: Callable[[Recipient, int], float | None] | None = None
    #: What the provider calls one unit of cost: ``point``.
    unit: str = "unit"
    #: What a person should know before sending, each a sentence.
    notices: tuple[str, ...] = ()


@attrs.frozen
class RateLimit:
    """How fast a provider lets one account ask."""

    #: Requests started in a second.
    per_second: float
    #: What shares the limit, the account for one; the same key is the same limit on the whole machine.
    key: str
