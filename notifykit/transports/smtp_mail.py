"""The e-mail that a message becomes: its header, its text, and nothing that somebody could smuggle into either."""

from __future__ import annotations

import re
from typing import Final

import attrs

from notifykit.models import Batch, Message

#: The most characters of a subject that is made of the text's first line.
MOST_MADE_SUBJECT: Final = 60
#: The most characters of any subject or name: a header line may have 998 octets (RFC 5322, section 2.1.1).
MOST_HEADER: Final = 200

_UNSEEN: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_NAMED: Final = re.compile(r"\s*(?P<name>[^<>]*?)\s*<\s*(?P<address>[^<>]*?)\s*>\s*")
_ADDRESS: Final = re.compile(r"[^\s\x00-\x1f\x7f-\x9f<>()\[\]\\,;:\"@\ud800-\udfff]+@[A-Za-z0-9.-]+")
#: What a mail server may change or refuse where it stands in the text as it is.
_NEEDS_BASE64: Final = re.compile(r"[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f]")


@attrs.frozen
class Mailbox:
    """Who an e-mail is from, or whom an answer goes to."""

    #: The address.
    address: str
    #: The name beside it; empty where there is none.
    name: str = ""


def read_mailbox(text: str) -> Mailbox | None:
    """Return the mailbox that a text like ``a@b.example`` or ``Shop <a@b.example>`` names; None where it names none."""
    named = _NAMED.fullmatch(text)
    address, name = (named["address"], named["name"].strip("\"'")) if named else (text.strip(), "")
    if not _ADDRESS.fullmatch(address) or not address.partition("@")[0].isprintable():
        return None
    return Mailbox(address, one_line(name))


def one_line(text: str) -> str:
    """Return a text as a header may carry it: on one line, without control characters, not endless."""
    return _UNSEEN.sub(" ", text).strip()[:MOST_HEADER]


def subject_of(message: Message, usual: str | None) -> str:
    """Return what stands in the subject: the message's, the usual one, or the beginning of the text."""
    for said in (message.subject, usual):
        if said and one_line(said):
            return one_line(said)
    first = next((line for line in map(one_line, message.text.splitlines()) if line), "")
    if len(first) <= MOST_MADE_SUBJECT:
        return first
    whole_words = first[:MOST_MADE_SUBJECT].rpartition(" ")[0]
    return f"{whole_words or first[: MOST_MADE_SUBJECT - 1]}…"


def message_id(batch: Batch, domain: str) -> str:
    """Return the ``Message-ID``: the same for the same batch at every try, so that a repetition can be recognised."""
    return f"<{batch.id}@{domain}>"


def as_octets(
    text: str, header: dict[str, str], sender: Mailbox, recipient: str, answers: Mailbox | None, *, utf8: bool
) -> bytes:
    """Return an e-mail, every line of it ending with CR LF.

    :param text: the text; it arrives as it is, whatever characters and however long lines it has.
    :param header: the other fields of the header.
    :param sender: who it is from.
    :param recipient: whom it is for.
    :param answers: whom answers go to; None for the sender.
    :param utf8: whether an address is not ASCII, so that the header has to be UTF-8.
    """
    import email.headerregistry
    import email.message
    import email.policy

    # Seven bits, whatever the server offers: nothing on the way has a reason to touch the text.
    policy = (email.policy.SMTPUTF8 if utf8 else email.policy.SMTP).clone(cte_type="7bit")
    mail = email.message.EmailMessage(policy=policy)

    def mailbox(one: Mailbox) -> email.headerregistry.Address:
        user, _, domain = one.address.rpartition("@")
        return email.headerregistry.Address(one.name, user, domain)

    mail["From"] = mailbox(sender)
    mail["To"] = mailbox(Mailbox(recipient))
    if answers:
        mail["Reply-To"] = mailbox(answers)
    for name, value in header.items():
        mail[name] = value
    mail.set_content(text, charset="utf-8", cte="base64" if _NEEDS_BASE64.search(text) else None)
    return mail.as_bytes()
