"""What the network says later about a message that was sent: a vocabulary of its own, apart from the outcome of sending."""

from __future__ import annotations

import datetime
import enum

import attrs

from notifykit.masking import mask_address


class DeliveryState(enum.StrEnum):
    """Where a message is, as far as anybody says."""

    #: The provider has it, and has not passed it on.
    PENDING = "pending"
    #: The provider has passed it on to the network.
    SENT = "sent"
    #: It reached the person's device.
    DELIVERED = "delivered"
    #: It will not reach the person.
    UNDELIVERED = "undelivered"
    #: It was not delivered within the time that it had.
    EXPIRED = "expired"
    #: Nobody will ever say, or what was said is understood by nobody.
    UNCONFIRMED = "unconfirmed"


@attrs.frozen
class DeliveryReport:
    """What somebody said about one recipient of a message (also called a DLR)."""

    #: The provider's id of the request.
    message_id: str
    #: The canonical address; None where the report is about everybody in the request.
    address: str | None = attrs.field(repr=lambda address: str(address and mask_address(address)))
    #: What it means.
    state: DeliveryState
    #: The provider's own word for it; None where it used none.
    words: str | None = None
    #: When the provider says that it happened, UTC; None where it does not say.
    at: datetime.datetime | None = None
