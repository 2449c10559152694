"""Step 1: raw addresses become recipients, or rejections with their reason."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from notifykit.errors import INTERRUPTS, InvalidRecipient
from notifykit.flow.trip import Trip
from notifykit.models import Channel, Message, Recipient, Rejected

#: What a caller may give: one address, several in one text, or any iterable of them.
Addresses = str | int | Recipient | Iterable[str | int | Recipient]

_ANSWERS: Final = (Recipient, Rejected)
_BETWEEN_NUMBERS: Final = re.compile(r"[,;\n]")


def normalize(to: Addresses, message: Message, trip: Trip) -> Iterator[Recipient | Rejected]:
    """Ask the normalizers about each address, lazily and in the caller's order.

    A text with commas, semicolons or line ends is several numbers where the channel is SMS.

    :raises TypeError: where ``to`` is nothing that can hold addresses.
    """
    if isinstance(to, Recipient | int) and not isinstance(to, bool):
        given: Iterable[object] = (to,)
    elif isinstance(to, str):
        given = _split(to) if message.channel is Channel.SMS else (to,)
    elif isinstance(to, Iterable) and not isinstance(to, bytes):
        given = to
    else:
        raise TypeError(f"to is a {type(to).__name__}: give an address or an iterable of addresses")
    return (
        _asked(address, message, trip) if type(address) is str else _recipient(address, message, trip)
        for address in given
    )


def _split(text: str) -> list[str]:
    parts = [part for part in _BETWEEN_NUMBERS.split(text) if part.strip()]
    return parts or [text]


def _recipient(address: object, message: Message, trip: Trip) -> Recipient | Rejected:
    language: str | None = None
    if isinstance(address, Recipient):
        language = address.language
        # Made by hand, it may be anything; a canonical number has its country code, and says so with a plus.
        canonical = address.address
        address = f"+{canonical}" if message.channel is Channel.SMS and canonical[:1].isdigit() else canonical
    if isinstance(address, int) and not isinstance(address, bool):
        address = str(address)
    if not isinstance(address, str):
        kind = type(address).__name__
        return Rejected(
            "", InvalidRecipient(f"The address is a {kind}, not a text.", action="Give addresses as texts.")
        )
    answer = _asked(address, message, trip)
    if isinstance(answer, Recipient) and language is not None:
        return attrs.evolve(answer, language=language)
    return answer


def _asked(address: str, message: Message, trip: Trip) -> Recipient | Rejected:
    """Ask the normalizers about one address, in their order; the first answer counts."""
    for normalizer in trip.registry.normalizers:
        try:
            answer = normalizer.normalize(address, message.channel)
            if not isinstance(answer, _ANSWERS):
                if answer is None:
                    continue
                raise TypeError("a normalizer returns a Recipient, a Rejected or None")
        except INTERRUPTS:
            raise
        except BaseException as error:  # a plugin may raise anything
            trip.recorder.plugin_failed("normalizer", normalizer.name, error, message)
            continue
        return answer
    return Rejected(
        address,
        InvalidRecipient(
            f"No normalizer knows addresses of the channel {message.channel}.",
            action="Install a plugin for this channel, or look at `notifykit plugins` for one that is switched off.",
        ),
    )
