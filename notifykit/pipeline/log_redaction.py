"""Addresses, texts and recipients as a log may show them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, overload

import attrs

from notifykit.errors import TransportError
from notifykit.events import LoggedRecipient
from notifykit.models.capabilities import Measurement
from notifykit.models.message import Message
from notifykit.models.receipt import Outcome, Receipt
from notifykit.models.recipient import Recipient
from notifykit.redaction import character_names, redact_address, text_shape

#: The label of messages with one-time codes: no log has their text.
CODE_TAG: Final = "verify"


@attrs.frozen
class Redaction:
    """How much of an address and a text a sink may see."""

    #: ``redacted`` or ``full``.
    numbers: str = "redacted"
    #: ``none``, ``shape`` or ``full``.
    body: str = "shape"
    #: The key of the hashes that stand for addresses; None for no hashes.
    key: bytes | None = attrs.field(default=None, repr=False)

    def address(self, address: str) -> str:
        """Return an address as a log may show it."""
        return address if self.numbers == "full" else redact_address(address)

    def text(self, message: Message) -> str | None:
        """Return the text of a message as a log may show it: never in full where it has a one-time code."""
        if self.body == "none":
            return None
        return message.text if self.body == "full" and CODE_TAG not in message.tags else text_shape(message.text)

    def forced(self, size: Measurement | None) -> tuple[str, ...]:
        """Return what forced the more expensive encoding, as a log may show it."""
        if size is None or not size.forced or self.body == "none":
            return ()
        return character_names(forced.character for forced in size.forced)

    def hash(self, address: str) -> str | None:
        """Return the keyed hash of an address."""
        if self.key is None:
            return None
        return hashlib.blake2b(address.encode("utf-8", "replace"), key=self.key, digest_size=12).hexdigest()

    def recipient(
        self, address: str, country: str | None, outcome: Outcome, error: TransportError | None
    ) -> LoggedRecipient:
        """Return a recipient and its outcome as a log may show them."""
        return LoggedRecipient(
            self.address(address), self.hash(address), country, outcome, error.code if error else None
        )

    def receipt(self, receipt: Receipt) -> LoggedRecipient:
        """Return the recipient of a receipt as a log may show it."""
        country = getattr(receipt.recipient, "country", None)
        return self.recipient(receipt.to, country, receipt.outcome, receipt.error)


@attrs.frozen(eq=False, repr=False)
class LoggedRecipients(Sequence[LoggedRecipient]):
    """The recipients of a batch, redacted when they are read: a sink that only counts them pays nothing."""

    _recipients: Sequence[Recipient]
    _redaction: Redaction
    _outcome: Outcome
    _error: TransportError | None
    _refused: Mapping[str, TransportError]

    def _view(self, recipient: Recipient) -> LoggedRecipient:
        refused = self._refused.get(recipient.address)
        outcome = Outcome.REJECTED if refused else self._outcome
        return self._redaction.recipient(recipient.address, recipient.country, outcome, refused or self._error)

    @overload
    def __getitem__(self, index: int) -> LoggedRecipient: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[LoggedRecipient]: ...
    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self._view(recipient) for recipient in self._recipients[index]]
        return self._view(self._recipients[index])

    def __iter__(self) -> Iterator[LoggedRecipient]:
        return map(self._view, self._recipients)

    def __len__(self) -> int:
        return len(self._recipients)

    def __repr__(self) -> str:
        return f"<{len(self)} recipients>"

    def __reduce__(self) -> tuple[Any, ...]:
        # An event that is pickled for another process has only the redacted recipients.
        return tuple, (list(self),)
