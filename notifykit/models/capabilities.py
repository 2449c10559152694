"""What a transport can do, how large a text is there, and how fast requests may start."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from notifykit.errors import TransportError
from notifykit.models.message import Channel, Message
from notifykit.models.recipient import Recipient


@attrs.frozen
class ForcedCharacter:
    """A character that made a text more expensive, and a replacement for it."""

    #: Its position in the text, from 0.
    position: int
    #: The character.
    character: str
    #: Its Unicode name.
    name: str
    #: A similar character of the cheaper encoding; None if there is none.
    replacement: str | None


@attrs.frozen
class Measurement:
    """The size of a text as it is sent."""

    #: ``gsm7`` or ``ucs2`` for SMS.
    encoding: str
    #: Septets or UTF-16 units, not characters.
    units: int
    #: Parts that the text is split into; each is charged.
    segments: int
    #: Units that still fit into the last segment.
    units_left: int = 0
    #: The characters that forced the more expensive encoding, each once.
    forced: tuple[ForcedCharacter, ...] = ()


@attrs.frozen
class Capabilities:
    """What a transport can do. The pipeline plans by it."""

    #: The media that it sends by.
    channels: frozenset[Channel] = frozenset({Channel.SMS})
    #: The most recipients that one request may have.
    batch_size: int = attrs.field(default=1, validator=attrs.validators.ge(1))
    #: Whether it can accept without delivering. The DSN option ``test`` switches that on.
    test_mode: bool = False
    #: Whether messages reach people; False in test mode and for stubs.
    live: bool = True
    #: Whether the provider recognises a repeated ``idempotency_key``.
    idempotent: bool = False
    #: Whether a message may name its own sender.
    senders: bool = True
    #: Whether a message may have a subject.
    subjects: bool = False
    #: Whether the provider can be asked, later, whether a message was delivered.
    reports: bool = False
    #: The encodings of texts, the cheapest first; empty if they do not matter.
    encodings: tuple[str, ...] = ()
    #: Whether an error about a text or a sender is about one recipient only, as with mailboxes.
    personal: bool = False
    #: How fast requests may start; None for no limit.
    rate_limit: RateLimit | None = None
    #: How many messages the provider keeps until a person deletes some, as in its test mode; None for no limit.
    queue_limit: int | None = None
    #: The least seconds between two messages to one recipient; 0 for none.
    spacing: float = 0.0
    #: Pure: the size of a text; None if it does not matter.
    measure: Callable[[str], Measurement] | None = None
    #: Pure: the error that a message would get, or None.
    check: Callable[[Message], TransportError | None] | None = None
    #: Pure: what a person should know about a message before it is sent, each a sentence; it is sent all the same.
    warn: Callable[[Message], Sequence[str]] | None = None
    #: Pure: the cost of one recipient for a number of segments, in the provider's unit; None if unknown.
    price: Callable[[Recipient, int], float | None] | None = None
    #: The provider's name for one unit of cost: ``point``.
    unit: str = "unit"
    #: What a person should know before sending, each a sentence.
    notices: tuple[str, ...] = ()


@attrs.frozen
class RateLimit:
    """How fast a provider lets one account send requests."""

    #: Requests started in a second.
    per_second: float
    #: What the limit is for, such as the account; the same key is the same limit on the whole machine.
    key: str
