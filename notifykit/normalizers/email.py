"""``email``: the one e-mail address in what a person typed, or the reason why there is none.

The domain becomes lower case and, if it is not ASCII, its ``xn--`` form, which DNS and every mail server know. So two
spellings of one domain are one recipient. The part before the ``@`` is kept as it is: only the receiving server knows
what it means (RFC 5321, section 2.4).
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
#: Letters that make different names in the two versions of the standard (UTS #46, section 1.3.2).
_DEVIATIONS: Final = re.compile("[\u00df\u1e9e\u03c2\u200c\u200d]")

_ONE_EACH: Final = "Give each address as an item of its own."
_WHOLE: Final = "Give a whole address: name@domain.example."
_SEVERAL: Final = "These are several addresses in one."
_TOO_LONG: Final = "It is too long: {} has at most {} octets."
_CHECK_WITH_PERSON: Final = "Check the address with the person it belongs to."


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
    text = _AROUND.sub("", raw)
    if not text:
        return InvalidRecipient("The address is empty.", action="Give an e-mail address.")
    text = text.replace("\uff20", "@")
    if _SCHEME.match(text):
        text = unquote(text[7:].partition("?")[0])
    if _LINE_ENDS.search(text):
        return InvalidRecipient("There is a line end inside this address.", action=_ONE_EACH)
    named = _NAMED.fullmatch(text)
    if named:
        text, name = _AROUND.sub("", named["address"]), _AROUND.sub("", named["name"])
        if "@" in name and name.strip("\"'").casefold() != text.casefold():
            return InvalidRecipient(_SEVERAL, action=_ONE_EACH)
    local, at, domain = text.partition("@")
    problem = _problem(local, at, domain)
    if problem:
        return problem
    canonical = _read_domain(domain)
    address = f"{local}@{canonical}"
    if isinstance(canonical, str) and len(address.encode()) > MOST_OCTETS:
        return InvalidRecipient(_TOO_LONG.format("an address", MOST_OCTETS), action=_CHECK_WITH_PERSON)
    return address if isinstance(canonical, str) else canonical


def _problem(local: str, at: str, domain: str) -> InvalidRecipient | None:
    problems = (
        ("@" in domain, _SEVERAL, _ONE_EACH),
        (not at, "There is no @ in this address.", _WHOLE),
        (
            _UNSEEN.search(local + domain),
            "There is a space, or a character that can't be seen, inside this address.",
            "Take it out.",
        ),
        (not local or not domain, f"There is nothing {'after' if local else 'before'} the @.", _WHOLE),
        (
            len(local.encode(errors="replace")) > MOST_LOCAL_OCTETS,
            _TOO_LONG.format("the part before the @", MOST_LOCAL_OCTETS),
            _CHECK_WITH_PERSON,
        ),
        (
            not _LOCAL.fullmatch(local),
            "The part before the @ has a character that can't be there, or a dot at an end or beside another.",
            "Check how the address is spelled; letters, digits and .!#$%&'*+/=?^_`{|}~- can be there.",
        ),
    )
    return next((InvalidRecipient(detail, action=action) for wrong, detail, action in problems if wrong), None)


def _read_domain(domain: str) -> str | InvalidRecipient:
    if _DEVIATIONS.search(domain):
        return InvalidRecipient(
            "The domain has a letter that two versions of the standard read as different domains.",
            action="Write the domain in its xn-- form.",
        )
    try:
        domain = domain.lower() if domain.isascii() else domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        domain = ""
    labels = domain.split(".")
    if len(domain) > _MOST_DOMAIN or not all(map(_LABEL.fullmatch, labels)) or labels[-1].isdigit():
        return InvalidRecipient(
            "What is after the @ is no domain.", action="Check how the domain is spelled: letters, digits, - and dots."
        )
    if len(labels) == 1 and domain != "localhost":
        return InvalidRecipient(
            "The domain has no dot.", action="Give the whole domain: example.com, not example; or localhost."
        )
    return domain


def notifykit_normalizers() -> tuple[EmailNormalizer, ...]:
    """Return the normalizer for e-mail; those of other plugins are asked before it."""
    return (EmailNormalizer(),)
