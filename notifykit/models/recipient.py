"""An address in its canonical form, or the reason why it has none."""

from __future__ import annotations

import attrs

from notifykit.errors import InvalidRecipient
from notifykit.models.message import Channel
from notifykit.redaction import redact_address


@attrs.frozen(weakref_slot=False)
class Recipient:
    """An address in its canonical form, as it is sent to the provider."""

    #: The canonical address: for SMS digits with the country code first.
    address: str = attrs.field(repr=redact_address)
    #: Its medium.
    channel: Channel = Channel.SMS
    #: ISO 3166 code of the country, ``KW``; None if it is not known.
    country: str | None = None
    #: The person's language, ``ar``, which templates choose by; None if it is not known.
    language: str | None = attrs.field(default=None, kw_only=True)
    #: The link with which the person stops such messages: no one else may get it. A guard sets it; None for none.
    unsubscribe: str | None = attrs.field(default=None, repr=False, eq=False, kw_only=True)
    #: The address as it was given.
    raw: str = attrs.field(
        default=attrs.Factory(lambda self: self.address, takes_self=True), repr=False, eq=False, kw_only=True
    )
    #: What a person should know about the address, each a sentence without the address: that it may be a landline.
    notices: tuple[str, ...] = attrs.field(default=(), repr=False, eq=False, kw_only=True)

    def __str__(self) -> str:
        return redact_address(self.address)


@attrs.frozen
class Rejected:
    """An address that can't be sent to, with the reason."""

    #: The address as it was given.
    raw: str = attrs.field(repr=redact_address)
    #: The reason, and what to do.
    error: InvalidRecipient
    #: The address that was probably meant; a person has to confirm it.
    suggestion: Recipient | None = None

    def __str__(self) -> str:
        return redact_address(self.raw)
