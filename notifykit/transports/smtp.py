"""``smtp``: sends e-mail through a mail server.

``smtp://user:password@host?from=shop%40example.com&name=Shop`` uses STARTTLS, on port 587; ``smtps://`` is TLS from the
start, on port 465; without credentials the port is 25, and STARTTLS is used if it is offered. Credentials never
cross a network in clear.

Each recipient is a transaction of their own, so each has an outcome of their own and sees no other address. Nothing in a
message can add a line to its header.
"""

from __future__ import annotations

import collections
import datetime
import os
import re
import textwrap
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urlsplit

import attrs

from notifykit.errors import (
    ConfigError,
    ContentRejected,
    InvalidRecipient,
    NotReached,
    SenderNotAllowed,
    TransportError,
)
from notifykit.http.network import Network, is_loopback, tls_context, url_host
from notifykit.models.capabilities import Capabilities
from notifykit.models.message import Channel, Message
from notifykit.models.plan import Batch
from notifykit.models.receipt import Submission
from notifykit.protocols import About, BuildContext, Clock
from notifykit.redaction import Secret
from notifykit.settings.dsn import Dsn
from notifykit.settings.fields import Field, count, one_of, path, secret, section_fields, text
from notifykit.settings.sources import Settings

if TYPE_CHECKING:
    from notifykit.transports.smtp_session import Session

#: Messages after which a connection is closed: some servers end one after a hundred, in the middle of a message.
MESSAGES_PER_CONNECTION: Final = 90
#: Connections that are kept for later.
IDLE_CONNECTIONS: Final = 8
#: The most characters of a subject that is made of the text's first line.
MAX_MADE_SUBJECT: Final = 60
#: The most characters of any subject or name: a header line may have 998 bytes (RFC 5322, section 2.1.1).
MAX_HEADER: Final = 200

#: Seconds for QUIT.
_QUIT_LIMIT: Final = 1.0
#: Seconds for the question whether a kept connection is still usable.
_CHECK_LIMIT: Final = 2.0
_ADVICE: Final = "The mail server took it. Whether it arrives shows later: a message that can't be delivered comes back to the sender."
_INVISIBLE: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_NAMED: Final = re.compile(r"\s*(?P<name>[^<>]*?)\s*<\s*(?P<address>[^<>]*?)\s*>\s*")
_ADDRESS: Final = re.compile(r"[^\s\x00-\x1f\x7f-\x9f<>()\[\]\\,;:\"@\ud800-\udfff]+@[A-Za-z0-9.-]+")
#: A link that fits into one line of a header.
_LINK: Final = re.compile(r"https?://[!#-;=?-~]{1,900}")
# What a mail server may change or refuse in a text that is not encoded.
_NEEDS_BASE64: Final = re.compile(r"[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f]")


@attrs.frozen
class Mailbox:
    """An e-mail address and the name of its owner."""

    #: The address.
    address: str
    #: The name; empty for none.
    name: str = ""

    @classmethod
    def parse(cls, text: str) -> Mailbox | None:
        """Read ``a@b.example`` or ``Shop <a@b.example>``; None if it is neither."""
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
    return subject if len(subject) <= MAX_MADE_SUBJECT else f"{textwrap.wrap(subject, MAX_MADE_SUBJECT - 1)[0]}…"


def email_bytes(
    text: str,
    header: dict[str, str | datetime.datetime],
    sender: Mailbox,
    recipient: str,
    reply_to: Mailbox | None,
    *,
    utf8: bool,
    unsubscribe: str | None = None,
) -> bytes:
    """Return an e-mail; every line ends with CR LF.

    :param text: the text; it arrives as it is, whatever its characters and however long its lines.
    :param header: more fields of the header.
    :param reply_to: the address for answers; None for the sender.
    :param utf8: whether an address is not ASCII, so that the header has to be UTF-8.
    :param unsubscribe: the recipient's link to unsubscribe, which mail programs post to with one click (RFC 8058).
    """
    import email.headerregistry
    import email.message
    import email.policy

    # Seven bits, whatever the server offers: no server has a reason to change the text.
    policy = (email.policy.SMTPUTF8 if utf8 else email.policy.SMTP).clone(cte_type="7bit")
    mail = email.message.EmailMessage(policy=policy)
    for field, mailbox in (("From", sender), ("To", Mailbox(recipient)), ("Reply-To", reply_to)):
        if mailbox:
            user, _, domain = mailbox.address.rpartition("@")
            mail[field] = email.headerregistry.Address(mailbox.name, user, domain)
    for name, value in header.items():
        mail[name] = value
    mail.set_content(text, charset="utf-8", cte="base64" if _NEEDS_BASE64.search(text) else None)
    return _unsubscribe_header(unsubscribe) + mail.as_bytes()


def _unsubscribe_header(link: str | None) -> bytes:
    """Return the fields of RFC 2369 and RFC 8058; none for what is no link.

    They are not left to :mod:`email`: it would encode a link that is longer than a line.
    """
    if link is None or not _LINK.fullmatch(link):
        return b""
    fields = f"List-Unsubscribe: <{link}>\r\n"
    if link.startswith("https:") or is_loopback(urlsplit(link).hostname or ""):
        fields += "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    return fields.encode()


def _mailbox(value: object) -> Mailbox:
    mailbox = Mailbox.parse(text(value))
    if mailbox is None:
        raise ValueError("is no e-mail address: write shop@example.com or Shop <shop@example.com>")
    return mailbox


def _port(value: object) -> int:
    number = count(value)
    if number >= 1 << 16:
        raise ValueError("is not a port: write a number from 1 to 65535")
    return number


_FIELDS: Final = section_fields(
    "smtp",
    Field("host", text, help="The mail server."),
    Field("port", _port, help="Its port: 587, smtps 465, without credentials 25."),
    Field("user", text, help="The account's user name."),
    Field("password", secret, help="The account's password."),
    Field("from", _mailbox, help="The sender's address; a name may be beside it."),
    Field("name", text, help="The sender's name if a message has none."),
    Field("reply_to", _mailbox, help="Where answers go, if not to the sender."),
    Field("subject", text, help="The subject if a message has none."),
    Field(
        "tls",
        one_of("required", "offered", "none", "in-clear"),
        help="STARTTLS: required, if offered, none on this machine, or in-clear across a network.",
    ),
    Field("ca_file", path, help="Certificates to trust instead of this machine's."),
)


def _check(message: Message) -> TransportError | None:
    if any("\ud800" <= character <= "\udfff" for character in message.text):
        return ContentRejected("The text has half a character, which no encoding can carry.", action="Take it out.")
    length = len((message.subject or "").strip())
    if length > MAX_HEADER:
        return ContentRejected(
            f"The subject has {length} characters, and at most {MAX_HEADER} are sent.", action="Shorten it."
        )
    return None


CAPABILITIES: Final = Capabilities(channels=frozenset({Channel.EMAIL}), subjects=True, personal=True, check=_check)


@attrs.frozen
class SmtpSettings:
    """The mail server, the sender, and how they are used."""

    #: The mail server.
    host: str
    #: Its port.
    port: int
    #: The sender.
    sender: Mailbox
    #: ``implicit``, ``required``, ``offered`` or ``none``.
    tls: str
    #: The account; None if the server asks for none.
    credentials: tuple[str, Secret] | None = attrs.field(default=None, repr=False)
    #: The address for answers; None for the sender.
    reply_to: Mailbox | None = None
    #: The subject if a message has none; None for the text's first line.
    subject: str | None = None
    #: The certificates that TLS trusts.
    network: Network = attrs.Factory(Network)


class SmtpTransport:
    """Sends e-mail through a mail server, over connections that it keeps.

    :param settings: the server, the sender, and how they are used.
    :param clock: dates the messages.
    :raises ConfigError: if the certificates can't be read.
    """

    name = "smtp"
    capabilities = CAPABILITIES

    def __init__(self, settings: SmtpSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        if settings.tls != "none":
            tls_context(settings.network)  # it raises now if a file can't be read
        self._idle: dict[int, collections.deque[Session]] = {}
        self._closed = False

    def send(self, batch: Batch, timeout: float) -> Submission:
        """Send one message to one recipient."""
        deadline = time.monotonic() + timeout
        if self._closed:
            action = "Send before you close the notifier."
            raise NotReached("The transport is closed.", "closed", action=action, waits=())
        own = self._settings
        sender = self._sender(batch.message)
        (recipient,) = batch.recipients
        address = recipient.address
        if Mailbox.parse(address) != Mailbox(address):
            raise InvalidRecipient("This is not a plain e-mail address.", action="Give name@domain.example.")
        problem = _check(batch.message)
        if problem:
            raise problem
        # Every try of the same batch has the same id, so that a message that came twice can be recognised.
        message_id = f"<{batch.id}@{sender.address.rpartition('@')[2]}>"
        header: dict[str, str | datetime.datetime] = {
            "Subject": subject_of(batch.message, own.subject),
            "Date": self._clock.now(),
            "Message-ID": message_id,
            "Auto-Submitted": "auto-generated",  # so that no machine answers it (RFC 3834, section 5)
        }
        utf8 = not f"{sender.address}{address}{own.reply_to.address if own.reply_to else ''}".isascii()
        content = email_bytes(
            batch.message.text, header, sender, address, own.reply_to, utf8=utf8, unsubscribe=recipient.unsubscribe
        )
        queue_id, words = self._deliver(sender.address, address, content, deadline, utf8=utf8)
        return Submission(queue_id or message_id, fields={"message_id": message_id, "answer": words}, advice=_ADVICE)

    def close(self) -> None:
        """Say QUIT on every connection that is kept, and close it."""
        self._closed = True
        deadline = time.monotonic() + _QUIT_LIMIT
        while session := self._take_idle():
            session.set_deadline(deadline)
            session.quit_and_close()

    def _sender(self, message: Message) -> Mailbox:
        """Return the sender of a message: its own address, or the usual one under the message's name."""
        usual = self._settings.sender
        if not message.sender:
            return usual
        sender = Mailbox.parse(message.sender)
        if sender is None and "@" in message.sender:
            raise SenderNotAllowed(
                "The sender is neither a name nor an e-mail address.",
                action="Give a name, shop@example.com, or Shop <shop@example.com>.",
            )
        return sender or attrs.evolve(usual, name=one_line(message.sender))

    def _deliver(
        self, sender: str, address: str, content: bytes, deadline: float, *, utf8: bool
    ) -> tuple[str | None, str]:
        session = self._connect(deadline)
        reusable = False
        try:
            answer = session.deliver(sender, address, content, utf8=utf8)
            reusable = True
        except TransportError as error:
            # After a refusal the connection is as it was before; after anything else its state is not known.
            code = error.code or ""
            reusable = code.startswith(("4", "5")) and not code.startswith("421")
            raise
        finally:
            if not reusable:
                session.close()
            elif self._closed or session.messages >= MESSAGES_PER_CONNECTION or len(self._pool) >= IDLE_CONNECTIONS:
                session.set_deadline(min(deadline, time.monotonic() + _QUIT_LIMIT))
                session.quit_and_close()
            else:
                self._pool.append(session)
        return answer

    def _connect(self, deadline: float) -> Session:
        """Return a kept connection that is still usable, or a new one."""
        while session := self._take_idle():
            session.set_deadline(min(deadline, time.monotonic() + _CHECK_LIMIT))
            if session.is_usable():
                session.set_deadline(deadline)
                return session
            session.close()
        from notifykit.transports.smtp_session import Session

        own = self._settings
        return Session(own.host, own.port, own.tls, own.network, own.credentials, deadline)

    @property
    def _pool(self) -> collections.deque[Session]:
        """The connections that this process keeps: a forked child must not use those of its parent."""
        return self._idle.setdefault(os.getpid(), collections.deque())

    def _take_idle(self) -> Session | None:
        try:
            return self._pool.pop()
        except IndexError:
            return None

    def __str__(self) -> str:
        scheme = "smtps" if self._settings.tls == "implicit" else "smtp"
        options = {"from": self._settings.sender.address}
        if scheme == "smtp":
            in_clear = self._settings.tls == "none" and not is_loopback(self._settings.host)
            options["tls"] = "in-clear" if in_clear else self._settings.tls
        return f"{scheme}://{url_host(self._settings.host)}:{self._settings.port}?{urlencode(options)}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"


def _settings(dsn: Dsn, settings: Settings) -> SmtpSettings:
    """Read the transport's settings.

    :raises ConfigError: with every problem.
    """
    host = None if dsn.host == "default" else dsn.host
    parts = (("host", host), ("port", dsn.port), ("user", dsn.user), ("password", dsn.password))
    given = dict(dsn.options) | {name: value for name, value in parts if value is not None}
    values = {name: value.value for name, value in settings.section("smtp", _FIELDS, given).items()}
    host, user, password = values["host"], values["user"], values["password"]
    sender = values["from"] or (Mailbox.parse(user) if user else None)
    local = bool(host) and is_loopback(host)
    tls = values["tls"] or ("required" if user else "none" if local else "offered")
    if dsn.scheme == "smtps":
        tls = "implicit"
    problems = []
    if dsn.path.strip("/"):
        problems.append("smtp: a mail server has no path: write smtp://host?option=value")
    if not host:
        problems.append("smtp: the mail server is missing: write smtp://user:password@host, or set NOTIFYKIT_SMTP_HOST")
    if sender is None:
        problems.append(
            "smtp: the sender is missing: add from=shop%40example.com to the DSN, or set NOTIFYKIT_SMTP_FROM"
        )
    if bool(user) != bool(password):
        problems.append("smtp: user and password go together: give both, or neither")
    if tls == "implicit" and values["tls"] not in (None, "required"):
        problems.append("smtp.tls: smtps:// is TLS from the start: leave tls out, or write smtp://")
    if user and not local and tls in ("offered", "none", "in-clear"):
        problems.append("smtp.tls: credentials are not sent across a network in clear: leave tls out, or tls=required")
    elif tls == "none" and not local:
        problems.append("smtp.tls: none is for this machine only: tls=in-clear sends readable mail across a network")
    if problems or sender is None:
        raise ConfigError(problems)
    network = settings.network
    name = values["name"] or sender.name or settings.sender or ""
    return SmtpSettings(
        host=host,
        port=values["port"] or (465 if tls == "implicit" else 587 if user else 25),
        sender=attrs.evolve(sender, name=one_line(name) if "@" not in name else ""),
        tls="none" if tls == "in-clear" else tls,
        credentials=(user, password) if user else None,
        reply_to=values["reply_to"],
        subject=values["subject"],
        network=attrs.evolve(network, ca_file=values["ca_file"] or network.ca_file),
    )


def build(dsn: Dsn, context: BuildContext) -> SmtpTransport:
    """Build the transport from a DSN and the settings.

    :raises ConfigError: with every problem.
    """
    return SmtpTransport(_settings(dsn, context.settings), context.clock)


def is_configured(settings: Settings) -> bool:
    """Return whether the settings name a mail server."""
    values, _ = settings.sources.resolve(_FIELDS[:1], "smtp")
    return values["host"].value is not None


def notifykit_about() -> About:
    """Return the settings of ``smtp``."""
    return About("smtp", _FIELDS)
