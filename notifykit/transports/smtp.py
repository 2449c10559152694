"""``smtp``: sends e-mail through a mail server.

``smtp://user:password@host?from=shop%40example.com&name=Shop`` uses STARTTLS, on port 587; ``smtps://`` is TLS from the
start, on port 465; without credentials the port is 25, and STARTTLS is used where it is offered. Credentials never
cross a network in clear.

Each recipient is a transaction of their own: everybody has their own outcome and sees nobody else's address.
"""

from __future__ import annotations

import collections
import os
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

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
from notifykit.settings.fields import Field, count, one_of, path, secret, text
from notifykit.settings.sources import Settings
from notifykit.transports.smtp_mail import Mailbox, email_bytes, one_line, subject_of

if TYPE_CHECKING:
    from notifykit.transports.smtp_session import Session

#: Messages after which a connection is closed: some servers end one after a hundred, in the middle of a message.
MESSAGES_PER_CONNECTION: Final = 90
#: Connections that are kept for later.
IDLE_CONNECTIONS: Final = 8
#: Seconds for the goodbye to the server.
_GOODBYE: Final = 1.0
#: Seconds for the question whether a kept connection is still good.
_STILL_THERE: Final = 2.0
_ADVICE: Final = "The mail server took it. Whether it arrives shows later: a message that can't be delivered comes back to the sender."


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


_FIELDS: Final = (
    Field("host", text, None, ("NOTIFYKIT_SMTP_HOST",), help="The mail server."),
    Field("port", _port, None, ("NOTIFYKIT_SMTP_PORT",), help="Its port: 587, smtps 465, without credentials 25."),
    Field("user", text, None, ("NOTIFYKIT_SMTP_USER",), help="The account's user name."),
    Field("password", secret, None, ("NOTIFYKIT_SMTP_PASSWORD",), help="The account's password."),
    Field("from", _mailbox, None, ("NOTIFYKIT_SMTP_FROM",), help="The sender's address; a name may be beside it."),
    Field("name", text, None, ("NOTIFYKIT_SMTP_NAME",), help="The sender's name where a message has none."),
    Field("reply_to", _mailbox, None, ("NOTIFYKIT_SMTP_REPLY_TO",), help="Where answers go, if not to the sender."),
    Field("subject", text, None, ("NOTIFYKIT_SMTP_SUBJECT",), help="The subject where a message has none."),
    Field(
        "tls",
        one_of("required", "offered", "none", "in-clear"),
        None,
        ("NOTIFYKIT_SMTP_TLS",),
        help="STARTTLS: required, where offered, none on this machine, or in-clear across a network.",
    ),
    Field("ca_file", path, None, ("NOTIFYKIT_SMTP_CA_FILE",), help="Certificates to trust instead of this machine's."),
)


def _check(message: Message) -> TransportError | None:
    """Refuse what no e-mail can carry."""
    if any("\ud800" <= character <= "\udfff" for character in message.text):
        return ContentRejected("The text has half a character, which no encoding can carry.", action="Take it out.")
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
    #: The account; None where the server asks for none.
    credentials: tuple[str, Secret] | None = attrs.field(default=None, repr=False)
    #: Who gets the answers; None for the sender.
    reply_to: Mailbox | None = None
    #: The subject where a message has none; None for the text's first line.
    subject: str | None = None
    #: Which certificates TLS trusts.
    network: Network = attrs.Factory(Network)


class SmtpTransport:
    """Sends e-mail through a mail server, over connections that it keeps.

    :param settings: the server, the sender, and how they are used.
    :param clock: dates the messages.
    :raises ConfigError: where the certificates can't be read.
    """

    name = "smtp"
    capabilities = CAPABILITIES

    def __init__(self, settings: SmtpSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        if settings.tls != "none":
            tls_context(settings.network)  # so that a file that can't be read is known now
        self._idle: dict[int, collections.deque[Session]] = {}
        self._closed = False

    def send(self, batch: Batch, timeout: float) -> Submission:
        """Send one message to one recipient."""
        deadline = time.monotonic() + timeout
        if self._closed:
            action = "Send before you close the notifier."
            raise NotReached("The transport is closed.", "closed", action=action, waits=())
        from email.utils import format_datetime

        sender = self._sender(batch.message)
        (recipient,) = batch.recipients
        address = recipient.address
        if Mailbox.parse(address) != Mailbox(address):
            raise InvalidRecipient("This is not a plain e-mail address.", action="Give name@domain.example.")
        problem = _check(batch.message)
        if problem:
            raise problem
        # The same for the same batch at every try, so that a message that came twice can be recognised.
        message_id = f"<{batch.id}@{sender.address.rpartition('@')[2]}>"
        header = {
            "Subject": subject_of(batch.message, self._settings.subject),
            "Date": format_datetime(self._clock.now()),
            "Message-ID": message_id,
            # No answering machine should answer a machine (RFC 3834, section 5).
            "Auto-Submitted": "auto-generated",
        }
        reply_to = self._settings.reply_to
        utf8 = not f"{sender.address}{address}{reply_to.address if reply_to else ''}".isascii()
        content = email_bytes(batch.message.text, header, sender, address, reply_to, utf8=utf8)
        words = self._deliver(sender.address, address, content, deadline, utf8=utf8)
        from notifykit.transports.smtp_session import hidden, queue_id, readable

        fields = {"message_id": message_id, "answer": hidden(readable(words), address)}
        return Submission(queue_id(words) or message_id, fields=fields, advice=_ADVICE)

    def close(self) -> None:
        """Say goodbye to the server on every connection that is kept."""
        self._closed = True
        deadline = time.monotonic() + _GOODBYE
        while session := self._take_idle():
            session.limit(deadline)
            session.leave()

    def _sender(self, message: Message) -> Mailbox:
        """Return whom a message is from: its own address, or our address under its name."""
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

    def _deliver(self, sender: str, address: str, content: bytes, deadline: float, *, utf8: bool) -> bytes:
        session = self._connect(deadline)
        reusable = False
        try:
            words = session.deliver(sender, address, content, utf8=utf8)
            reusable = True
        except TransportError as error:
            # After a refusal the connection is as it was before; after anything else nobody knows how it is.
            code = error.code or ""
            reusable = code.startswith(("4", "5")) and not code.startswith("421")
            raise
        finally:
            if not reusable:
                session.close()
            elif self._closed or session.messages >= MESSAGES_PER_CONNECTION or len(self._pool) >= IDLE_CONNECTIONS:
                session.limit(min(deadline, time.monotonic() + _GOODBYE))
                session.leave()
            else:
                self._pool.append(session)
        return words

    def _connect(self, deadline: float) -> Session:
        """Return a kept connection that is still good, or a new one."""
        while session := self._take_idle():
            session.limit(min(deadline, time.monotonic() + _STILL_THERE))
            if session.is_alive():
                session.limit(deadline)
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
    parts = {"host": host, "port": dsn.port, "user": dsn.user, "password": dsn.password}
    own: dict[str, Any] = {**dsn.options, **{name: value for name, value in parts.items() if value is not None}}
    values = {name: value.value for name, value in settings.section("smtp", _FIELDS, own).items()}
    host, user, password = values["host"], values["user"], values["password"]
    problems = []
    if dsn.path.strip("/"):
        problems.append("smtp: a mail server has no path: write smtp://host?option=value")
    if not host:
        problems.append("smtp: say which mail server: smtp://user:password@host, or NOTIFYKIT_SMTP_HOST")
    sender = values["from"] or (Mailbox.parse(user) if user else None)
    if sender is None:
        problems.append("smtp: say whom mail is from: from=shop%40example.com in the DSN, or NOTIFYKIT_SMTP_FROM")
    if bool(user) != bool(password):
        problems.append("smtp: user and password go together: give both, or neither")
    near = bool(host) and is_loopback(host)
    tls = (
        "implicit"
        if dsn.scheme == "smtps"
        else values["tls"] or ("required" if user else "none" if near else "offered")
    )
    if dsn.scheme == "smtps" and values["tls"] not in (None, "required"):
        problems.append("smtp.tls: smtps:// is TLS from the start: leave tls out, or write smtp://")
    if user and not near and tls in ("offered", "none", "in-clear"):
        problems.append("smtp.tls: credentials are not sent across a network in clear: leave tls out, or tls=required")
    elif tls == "none" and not near:
        problems.append(
            "smtp.tls: none is for this machine only. Write tls=in-clear if everybody on the way may read it"
        )
    if problems:
        raise ConfigError(problems)
    assert host is not None
    assert sender is not None
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
    """Return whether a mail server is named."""
    host = next(field for field in _FIELDS if field.name == "host")
    values, _ = settings.sources.resolve((host,), "smtp")
    return values["host"].value is not None


def notifykit_about() -> About:
    """Tell of the settings of ``smtp``."""
    return About("smtp", _FIELDS)
