"""Lists of addresses that a person wrote into settings or a file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

import attrs

from notifykit.models.message import Channel
from notifykit.models.recipient import Recipient, Rejected

#: Reads an address as the pipeline does.
Normalize = Callable[[str, Channel], Recipient | Rejected]

_PUSH: Final = "push:"
_PUNCTUATION: Final = re.compile(r"[\s+().\-]")
_DIGITS: Final = re.compile("[0-9]+")


def read_address(written: str, normalize: Normalize) -> Recipient:
    """Return the recipient: with an @ an e-mail address, after ``push:`` a push token, else a telephone number.

    :raises ValueError: if it is no address; the message does not show it.
    """
    written = written.strip()
    channel = Channel.EMAIL if "@" in written else Channel.PUSH if written.startswith(_PUSH) else Channel.SMS
    read = normalize(written.removeprefix(_PUSH), channel)
    if isinstance(read, Rejected):
        raise ValueError(f"{read.error.detail} {read.error.action}")  # noqa: TRY004 - it is of the right type
    return read


def written_address(recipient: Recipient) -> str:
    """Return the address of a recipient as :func:`read_address` reads it, in small letters."""
    return f"{_PUSH if recipient.channel is Channel.PUSH else ''}{recipient.address.casefold()}"


@attrs.frozen
class AddressList:
    """Addresses, prefixes of numbers, and domains of e-mail addresses."""

    #: Canonical addresses.
    addresses: frozenset[str] = attrs.field(repr=lambda addresses: f"<{len(addresses)}>")
    #: Digits that numbers begin with.
    prefixes: tuple[str, ...] = attrs.field(default=(), repr=False)
    #: What e-mail addresses end with, from the @ on.
    domains: tuple[str, ...] = attrs.field(default=(), repr=False)

    def __contains__(self, recipient: object) -> bool:
        if not isinstance(recipient, Recipient):
            return False
        address = recipient.address.casefold()
        if address in self.addresses:
            return True
        if recipient.channel is Channel.SMS:
            return address.startswith(self.prefixes)
        return recipient.channel is Channel.EMAIL and address.endswith(self.domains)


def read_list(entries: Iterable[str], normalize: Normalize) -> tuple[AddressList, list[str]]:
    """Return the list, and a problem for each entry that is neither an address nor a pattern."""
    addresses, prefixes, domains, problems = set(), [], [], []
    for number, entry in enumerate(entries, 1):
        try:
            if entry.startswith("*@"):
                domains.append(_domain(entry))
            elif "*" in entry and "@" not in entry:
                prefixes.append(_prefix(entry))
            else:
                addresses.add(read_address(entry, normalize).address.casefold())
        except ValueError as error:
            problems.append(f"entry {number} is no address: {error}")
    return AddressList(frozenset(addresses), tuple(prefixes), tuple(domains)), problems


def _domain(entry: str) -> str:
    domain = entry.removeprefix("*").casefold()
    if "*" in domain or "." not in domain:
        raise ValueError("Write *@example.com.")
    return domain


def _prefix(entry: str) -> str:
    prefix = _PUNCTUATION.sub("", entry.removesuffix("*")).removeprefix("00")
    if not entry.endswith("*") or not _DIGITS.fullmatch(prefix):
        raise ValueError("Write the beginning of a number, with its country code, and one * behind it: 965500*.")
    return prefix
