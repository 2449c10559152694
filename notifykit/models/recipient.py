"""An address that was read, or refused."""

from __future__ import annotations

import attrs

from notifykit.errors import InvalidRecipient
from notifykit.models.message import Channel
from notifykit.redaction import redact_address


@attrs.frozen(weakref_slot=False)
class Recipient:
    """An address in its canonical form: what the provider is given."""

    #: The canonical address: for SMS digits with the country code first.
    address: str = attrs.field(repr=redact_address)
    #: The medium it belongs to.
    channel: Channel = Channel.SMS
    #: ISO 3166 code of the country where it is known, ``KW``.
    country: str | None = None
    #: The language that the person reads, ``ar``, where the caller knows it: templates choose by it.
    language: str | None = attrs.field(default=None, kw_only=True)
    #: The address as it was given.
    raw: str = attrs.field(
        default=attrs.Factory(lambda self: self.address, takes_self=True), repr=False, eq=False, kw_only=True
    )
    #: What a person should know about the address, each a sentence without the address itself: that it may be a
    #: landline, or that a digit was put in.
    notices: tuple[str, ...] = attrs.field(default=(), repr=False, eq=False, kw_only=True)

    def __str__(self) -> str:
        return redact_address(self.address)


@attrs.frozen
class Rejected:
    """An address that nobody can send to, with the reason."""

    #: The address as it was given.
    raw: str = attrs.field(repr=redact_address)
    #: Why, and what to do about it.
    error: InvalidRecipient
    #: Who was probably meant; somebody has to say so before it is used.
    suggestion: Recipient | None = None

    def __str__(self) -> str:
        return redact_address(self.raw)
