"""``email``: one e-mail address out of what somebody typed, or the reason why there is none.

The domain becomes lower case and, where it is not ASCII, its ``xn--`` form: that is what DNS and every mail server
knows, and two spellings of one domain become one recipient. The part before the ``@`` is the receiving server's own
affair (RFC 5321, section 2.4), so it is kept letter by letter.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

import attrs

from notifykit.errors import InvalidRecipient
from notifykit.models.message import Channel
from notifykit.models.recipient import Recipient, Rejected

#: The most octets of a whole address: a path of 256 without its angle brackets (RFC 5321, section 4.5.3.1.3).
MOST_OCTETS: Final = 254
#: The most octets before the ``@`` (RFC 5321, section 4.5.3.1.1).
MOST_LOCAL_OCTETS: Final = 64
#: The most octets of a domain, and of one part of it (RFC 1035, section 2.3.4).
_MOST_DOMAIN: Final = 253

_PLAIN: Final = re.compile(r"[A-Za-z0-9_+-]{1,60}@[a-z0-9]{2,60}\.[a-z]{2,60}")
_HIDDEN: Final = "\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff"
_AROUND: Final = re.compile(rf"\A[\s{_HIDDEN}]+|(?<![\s{_HIDDEN}])[\s{_HIDDEN}]+\Z")
_NAMED: Final = re.compile(r"(?P<name>[^<>]*)<(?P<address>[^<>]*)>")
_SCHEME: Final = re.compile(r"mailto:", re.IGNORECASE)
_LINE_ENDS: Final = re.compile("[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]")
_UNSEEN: Final = re.compile(rf"[\s\x00-\x1f\x7f-\x9f{_HIDDEN}\ud800-\udfff]")
_ATEXT: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u00a0-\U0010ffff-]+"
_LOCAL: Final = re.compile(rf"{_ATEXT}(?:\.{_ATEXT})*")
_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
#: What the two versions of the standard for domains take for different names (UTS #46, section 1.3.2).
_DEVIATIONS: Final = re.compile("[\u00df\u1e9e\u03c2\u200c\u200d]")

_ONE_EACH: Final = "Give each address as an item of its own."
_WHOLE: Final = "Give a whole address: name@domain.example."


@attrs.frozen
class EmailNormalizer:
    """Takes ``a@b.example``, ``Name <a@b.example>`` and ``mailto:a@b.example``, with spaces around."""

    #: What settings and listings call it.
    name = "email"

    def normalize(self, raw: str, channel: Channel) -> Recipient | Rejected | None:
        """Return the address in its canonical form, the reason why it has none, or None for another channel."""
        if channel is not Channel.EMAIL:
            return None
        if _PLAIN.fullmatch(raw):
            return Recipient(raw, channel, raw=raw)
        read = read_address(raw)
        return Rejected(raw, read) if isinstance(read, InvalidRecipient) else Recipient(read, channel, raw=raw)


def read_address(raw: str) -> str | InvalidRecipient:
    """Return the canonical form of the one address in a text, or the reason why there is none."""
    text = _around(raw)
    if not text:
        return InvalidRecipient("The address is empty.", action="Give an e-mail address.")
    text = text.replace("\uff20", "@")
    if _SCHEME.match(text):
        text = unquote(text[7:].partition("?")[0])
    if _LINE_ENDS.search(text):
        return InvalidRecipient("There is a line end inside this address.", action=_ONE_EACH)
    named = _NAMED.fullmatch(text)
    if named:
        address, name = _around(named["address"]), _around(named["name"])
        if "@" in name and name.strip("\"'").casefold() != address.casefold():
            return _several()
        text = address
    return _read_bare(text)


def _read_bare(text: str) -> str | InvalidRecipient:
    local, at, domain = text.partition("@")
    reason = _objection(local, at, domain)
    if reason:
        return reason
    canonical = _read_domain(domain)
    if isinstance(canonical, InvalidRecipient):
        return canonical
    address = f"{local}@{canonical}"
    return _too_long("an address", MOST_OCTETS) if len(address.encode()) > MOST_OCTETS else address


def _objection(local: str, at: str, domain: str) -> InvalidRecipient | None:
    reason = None
    if "@" in domain:
        reason = _several()
    elif not at:
        reason = InvalidRecipient("There is no @ in this address.", action=_WHOLE)
    elif _UNSEEN.search(local) or _UNSEEN.search(domain):
        reason = InvalidRecipient(
            "There is a space, or a character that can't be seen, inside this address.", action="Take it out."
        )
    elif not local or not domain:
        reason = InvalidRecipient(f"There is nothing {'behind' if local else 'before'} the @.", action=_WHOLE)
    elif len(local.encode()) > MOST_LOCAL_OCTETS:
        reason = _too_long("the part before the @", MOST_LOCAL_OCTETS)
    elif not _LOCAL.fullmatch(local):
        reason = InvalidRecipient(
            "The part before the @ has a sign that can't stand there, or a dot at an end or beside another.",
            action="Check how the address is spelled; letters, digits and .!#$%&'*+/=?^_`{|}~- can stand there.",
        )
    return reason


def _read_domain(domain: str) -> str | InvalidRecipient:
    if not domain.isascii():
        if _DEVIATIONS.search(domain):
            return InvalidRecipient(
                "The domain has a letter that two versions of the standard read as different domains.",
                action="Write the domain in its xn-- form.",
            )
        try:
            domain = domain.encode("idna").decode("ascii")
        except UnicodeError:
            return _no_domain()
    domain = domain.lower()
    labels = domain.split(".")
    if len(domain) > _MOST_DOMAIN or not all(map(_LABEL.fullmatch, labels)):
        return _no_domain()
    if len(labels) == 1 and domain != "localhost":
        return InvalidRecipient(
            "The domain has no dot.", action="Give the whole domain: example.com, not example; or localhost."
        )
    if labels[-1].isdigit():
        return _no_domain()
    return domain


def _around(text: str) -> str:
    """Return a text without the spaces and hidden characters around it."""
    return _AROUND.sub("", text)


def _several() -> InvalidRecipient:
    return InvalidRecipient("These are several addresses in one.", action=_ONE_EACH)


def _too_long(what: str, most: int) -> InvalidRecipient:
    return InvalidRecipient(
        f"It is too long: {what} has at most {most} octets.", action="Check the address with the person it belongs to."
    )


def _no_domain() -> InvalidRecipient:
    return InvalidRecipient(
        "What stands behind the @ is no domain.", action="Check how the domain is spelled: letters, digits, - and dots."
    )


def notifykit_normalizers() -> tuple[EmailNormalizer, ...]:
    """Bring the normalizer for e-mail; whoever knows more is asked before it."""
    return (EmailNormalizer(),)
