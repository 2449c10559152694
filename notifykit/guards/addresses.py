"""Addresses that a person wrote into settings or a file, compared with those that messages go to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

import attrs

from notifykit.models.message import Channel
from notifykit.models.recipient import Recipient, Rejected

#: Reads an address as the road does.
Normalize = Callable[[str, Channel], Recipient | Rejected]

_PUSH: Final = "push:"
_SET_IN: Final = re.compile(r"[\s+().\-]")
_DIGITS: Final = re.compile("[0-9]+")


def read_address(written: str, normalize: Normalize) -> Recipient:
    """Return who is meant: with an @ an e-mail address, behind ``push:`` a push token, else a telephone number.

    :raises ValueError: where it is no address; the reason does not show it.
    """
    written = written.strip()
    channel = Channel.EMAIL if "@" in written else Channel.PUSH if written.startswith(_PUSH) else Channel.SMS
    read = normalize(written.removeprefix(_PUSH), channel)
    if isinstance(read, Rejected):
        raise ValueError(f"{read.error.detail} {read.error.action}")  # noqa: TRY004 - it is of the right type
    return read


@attrs.frozen
class AddressList:
    """Addresses, beginnings of numbers, and domains."""

    #: Canonical addresses.
    addresses: frozenset[str] = attrs.field(repr=lambda addresses: f"<{len(addresses)}>")
    #: What numbers may begin with.
    beginnings: tuple[str, ...] = attrs.field(default=(), repr=False)
    #: What e-mail addresses may end with, from the @ on.
    endings: tuple[str, ...] = attrs.field(default=(), repr=False)

    def __contains__(self, recipient: object) -> bool:
        if not isinstance(recipient, Recipient):
            return False
        address = recipient.address.casefold()
        if address in self.addresses:
            return True
        if recipient.channel is Channel.SMS:
            return address.startswith(self.beginnings)
        return recipient.channel is Channel.EMAIL and address.endswith(self.endings)


def read_list(entries: Iterable[str], normalize: Normalize) -> tuple[AddressList, list[str]]:
    """Return the list, and a problem for each entry that is neither an address nor a pattern."""
    addresses, beginnings, endings = set(), [], []
    problems = []
    for number, entry in enumerate(entries, 1):
        try:
            if entry.startswith("*@"):
                endings.append(_ending(entry))
            elif "*" in entry and "@" not in entry:
                beginnings.append(_beginning(entry))
            else:
                addresses.add(read_address(entry, normalize).address.casefold())
        except ValueError as error:
            problems.append(f"entry {number} is no address: {error}")
    return AddressList(frozenset(addresses), tuple(beginnings), tuple(endings)), problems


def _ending(entry: str) -> str:
    ending = entry.removeprefix("*").casefold()
    if "*" in ending or "." not in ending:
        raise ValueError("Write *@example.com.")
    return ending


def _beginning(entry: str) -> str:
    beginning = _SET_IN.sub("", entry.removesuffix("*")).removeprefix("00")
    if not entry.endswith("*") or not _DIGITS.fullmatch(beginning):
        raise ValueError("Write the beginning of a number, with its country code, and one * behind it: 965500*.")
    return beginning
