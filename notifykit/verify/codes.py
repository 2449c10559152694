"""Codes and keyed hashes: what is stored of a code says nothing without the key, and a resend sends the same code.

The id of a code comes from :mod:`secrets`. The code is derived from the id with the key, so that it need not be stored to
be sent again; stored are the id and the keyed hash of the code, bound to number, purpose and id.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import pathlib
import secrets
import string
import unicodedata
from typing import Final

import attrs

from notifykit.errors import ConfigError
from notifykit.redaction import Secret
from notifykit.settings.folders import key_beside
from notifykit.settings.sources import Settings

#: What a code is made of. The letters leave out those that look like another one or like a digit.
ALPHABETS: Final = {"digits": string.digits, "letters": "ACDEFGHJKMNPQRTUVWXY"}
#: Digits at the end of a number that its prefix leaves out: it stands for 1,000 numbers.
_IN_PREFIX: Final = 3
#: The bits of an IPv6 address that one customer of a provider shares.
_NETWORK: Final = 64


def new_id() -> str:
    """Return the id of a new code: 128 random bits."""
    return secrets.token_hex(16)


@attrs.frozen
class Keyring:
    """Everything that is done with the key. Each use has a name, so that no two of them give the same bytes."""

    _key: bytes = attrs.field(repr=False)

    @classmethod
    def of(cls, settings: Settings, *, shared: bool) -> Keyring:
        """Return the keys of an application: from ``hash_key``, else from the key file of the log.

        :param shared: whether other machines use the same codes, so that a file of this one is not enough.
        :raises ConfigError: if there is no key.
        """
        if settings.hash_key:
            return cls(hashlib.sha256(settings.hash_key.reveal().encode("utf-8", "surrogatepass")).digest())
        if shared:
            raise ConfigError(
                "hash_key: codes in PostgreSQL need a key that all machines have: set NOTIFYKIT_HASH_KEY to 32 random "
                "characters or more, the same everywhere"
            )
        return cls(key_beside(pathlib.Path(settings.sources.directory)))

    @classmethod
    def temporary(cls) -> Keyring:
        """Return keys for codes that are in this process's memory only."""
        return cls(secrets.token_bytes(32))

    def _digest(self, use: str, *parts: str) -> bytes:
        # With their lengths, two lists of parts never give one text.
        text = "".join(f"{len(part)}:{part}" for part in (use, *parts))
        return hmac.digest(self._key, text.encode("utf-8", "surrogatepass"), "sha256")

    def code(self, number: str, purpose: str, id: str, alphabet: str, length: int) -> Secret:
        """Return the code that belongs to an id."""
        # 256 bits modulo at most 20 ** 10: no code is likelier than another by more than 2 ** -212.
        rest = int.from_bytes(self._digest("code", number, purpose, id, alphabet, str(length)))
        characters = []
        for _ in range(length):
            rest, index = divmod(rest, len(alphabet))
            characters.append(alphabet[index])
        return Secret("".join(characters))

    def hash(self, code: Secret, number: str, purpose: str, id: str) -> str:
        """Return what is stored of a code."""
        return self._digest("hash", number, purpose, id, code.reveal()).hex()

    def row(self, number: str, purpose: str) -> str:
        """Return the name under which the code of a number for a purpose is stored."""
        return self._digest("row", number, purpose).hex()

    def number(self, number: str) -> str:
        """Return what stands for a number in counters."""
        return self._digest("number", number).hex()[:40]

    def client(self, client: str) -> str:
        """Return what stands for a client's network in counters."""
        return self._digest("client", client).hex()[:40]

    def event(self, id: str) -> str:
        """Return what stands for a code in events: without the key nobody finds its id."""
        return self._digest("event", id).hex()[:32]


def same(one: str, other: str) -> bool:
    """Compare two hashes in constant time."""
    return hmac.compare_digest(one, other)


def read_code(typed: object) -> Secret:
    """Return a code as a person typed it: digits of any script as Latin ones, capitals, and nothing between them."""
    text = typed.reveal() if isinstance(typed, Secret) else str(typed)
    characters = []
    for character in unicodedata.normalize("NFKC", text):
        digit = unicodedata.digit(character, None)
        if digit is not None:
            characters.append(str(digit))
        elif character.isalpha():
            characters.append(character.upper())
    return Secret("".join(characters))


def prefix_of(number: str) -> str:
    """Return the beginning that a number shares with 999 others."""
    return number[:-_IN_PREFIX]


def network_of(client: object) -> str:
    """Return the network that a client's address stands for: an IPv4 address, or the first 64 bits of an IPv6 one.

    :raises ValueError: if it is no address.
    """
    try:
        address = ipaddress.ip_address(str(client).strip().partition("%")[0])
    except ValueError:
        raise ValueError("client is no IP address: give request.remote_addr or what your proxy passes on") from None
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, _NETWORK), strict=False))
    return str(address)
