"""The e-mail that is made of a message. Nothing in the message can add a line to its header."""

from __future__ import annotations

import re
import textwrap
from typing import Final

import attrs

from notifykit.models.message import Message

#: The most characters of a subject that is made of the text's first line.
MAX_MADE_SUBJECT: Final = 60
#: The most characters of any subject or name: a header line may have 998 bytes (RFC 5322, section 2.1.1).
MAX_HEADER: Final = 200

_INVISIBLE: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_NAMED: Final = re.compile(r"\s*(?P<name>[^<>]*?)\s*<\s*(?P<address>[^<>]*?)\s*>\s*")
_ADDRESS: Final = re.compile(r"[^\s\x00-\x1f\x7f-\x9f<>()\[\]\\,;:\"@\ud800-\udfff]+@[A-Za-z0-9.-]+")
# What a mail server may change or refuse where it is in the text as it is.
_NEEDS_BASE64: Final = re.compile(r"[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f]")


@attrs.frozen
class Mailbox:
    """An address, and the name of whom it belongs to."""

    #: The address.
    address: str
    #: The name; empty where there is none.
    name: str = ""

    @classmethod
    def parse(cls, text: str) -> Mailbox | None:
        """Read ``a@b.example`` or ``Shop <a@b.example>``; None where it is neither."""
        named = _NAMED.fullmatch(text)
        address, name = (named["address"], named["name"].strip("\"'")) if named else (text.strip(), "")
        if not _ADDRESS.fullmatch(address) or not address.partition("@")[0].isprintable():
            return None
        return cls(address, one_line(name))


def one_line(text: str) -> str:
    """Return a text as a header can have it: one line of at most 200 characters, without control characters."""
    return _INVISIBLE.sub(" ", text).strip()[:MAX_HEADER]


def subject_of(message: Message, default: str | None) -> str:
    """Return the message's subject, the default one, or the beginning of the text."""
    subject = one_line(message.subject or "") or one_line(default or "")
    if subject:
        return subject
    subject = next(filter(None, map(one_line, message.text.splitlines())), "")
    if len(subject) > MAX_MADE_SUBJECT:
        return f"{textwrap.wrap(subject, MAX_MADE_SUBJECT - 1)[0]}…"
    return subject


def email_bytes(
    text: str, header: dict[str, str], sender: Mailbox, recipient: str, reply_to: Mailbox | None, *, utf8: bool
) -> bytes:
    """Return an e-mail; every line ends with CR LF.

    :param text: the text; it arrives as it is, whatever its characters and however long its lines.
    :param header: more fields of the header.
    :param reply_to: who gets the answers; None for the sender.
    :param utf8: whether an address is not ASCII, so that the header has to be UTF-8.
    """
    import email.headerregistry
    import email.message
    import email.policy

    # Seven bits, whatever the server offers: nothing on the way has a reason to change the text.
    policy = (email.policy.SMTPUTF8 if utf8 else email.policy.SMTP).clone(cte_type="7bit")
    mail = email.message.EmailMessage(policy=policy)
    for field, mailbox in (("From", sender), ("To", Mailbox(recipient)), ("Reply-To", reply_to)):
        if mailbox:
            user, _, domain = mailbox.address.rpartition("@")
            mail[field] = email.headerregistry.Address(mailbox.name, user, domain)
    for name, value in header.items():
        mail[name] = value
    mail.set_content(text, charset="utf-8", cte="base64" if _NEEDS_BASE64.search(text) else None)
    return mail.as_bytes()
