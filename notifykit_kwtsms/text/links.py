"""The addresses of links in HTML: what a reader of plain text can use of an ``href``, and what is lost with it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote

from notifykit.errors import ContentRejected

#: The values of the setting ``links``, the default first.
KEEP, REFUSE_LOST, REFUSE = LINK_RULES = ("keep", "refuse-lost", "refuse")
#: The reason of an edit with which the address of a link is gone.
LOST: Final = "HTML tag; the address of its link is lost, because no phone can open it"

#: What the gateway answers to a text with HTML.
_CODE_OF_HTML: Final = "ERR027"
#: One letter is a Windows drive.
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")
#: What a relative address never starts with: ``www.``, or a host in front of a port or a path.
_HOST: Final = re.compile(r"www\.\w|(?:[\w-]+\.)+[A-Za-z]{2,}[:/]", re.IGNORECASE)
#: Addresses that people read without the scheme.
_BARE: Final = frozenset(("callto", "mailto", "sms", "smsto", "tel"))
#: Schemes that mean nothing without a host.
_WITH_HOST: Final = frozenset(("ftp", "http", "https"))
#: Schemes of what the sender's machine or the page itself holds.
_LOCAL: Final = frozenset(("about", "blob", "cid", "data", "file"))
_CODE: Final = frozenset(("javascript", "vbscript"))


def read_address(href: str) -> str | None:
    """Return the address that a reader can use; None where it is lost, and nothing where the link leads nowhere."""
    address = "".join(href.split())
    if not address or address.startswith("#"):
        return ""
    if address.startswith("//"):
        address = f"https:{address}"
    scheme = _SCHEME.match(address)
    if scheme is None:
        return address if _HOST.match(address) else None
    name, rest = scheme[1].lower(), address[scheme.end() :]
    if name in _CODE:
        return ""
    if name in _BARE:
        return "".join(unquote(rest.partition("?")[0]).split()) or None
    if name in _LOCAL or (name in _WITH_HOST and not re.match("//[^/?#]", rest)):
        return None
    return address


def says(words: str, address: str) -> bool:
    """Return whether the words of a link have its address already."""
    wanted = _comparable(address)
    return wanted == _comparable("".join(words.split())) or wanted in map(_comparable, words.split())


def _comparable(address: str) -> str:
    bare = re.sub(r"^https?://", "", address.strip("()[].,;:!?"), flags=re.IGNORECASE)
    host, slash, path = bare.partition("/")
    return f"{host.casefold().removeprefix('www.')}{slash}{path}".rstrip("/")


def refuse_links(addresses: Iterable[str | None], rule: str) -> None:
    """Refuse a text with links that the setting does not allow.

    :param addresses: the address of each link, None where it is lost.
    :param rule: ``keep``, ``refuse-lost`` or ``refuse``.
    :raises ContentRejected: if there is one.
    """
    if rule == KEEP:
        return
    found = [address for address in addresses if address != ""]
    if rule == REFUSE_LOST and None in found:
        raise ContentRejected(
            "The text has a link whose address no phone can open.",
            _CODE_OF_HTML,
            action='Write the whole address, https://…, or leave it out with the setting links = "keep".',
        )
    if rule == REFUSE and found:
        raise ContentRejected(
            "The text has a link in HTML.",
            _CODE_OF_HTML,
            action='Write its address as text, or let notifykit do so with the setting links = "keep".',
        )
