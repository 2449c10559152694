"""``smtp``: sends e-mail through a mail server.

``smtp://user:password@host?from=shop%40example.com&name=Shop`` asks for STARTTLS, on port 587; ``smtps://`` is TLS from
the start, on port 465; without credentials the port is 25, and STARTTLS is used where it is offered. Credentials never
cross a network in clear.

One recipient is one transaction, so each has an outcome of their own and sees nobody else's address; the connection is
kept for the next. What is refused or breaks before the line that completes the message was certainly not sent. From the
moment that line begins to leave until the server's answer to it has been read, the outcome is unknown.
"""

from __future__ import annotations

import collections
import os
import ssl
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import attrs

from notifykit.dsn import Dsn
from notifykit.errors import (
    ConfigError,
    ContentRejected,
    InvalidRecipient,
    NotReached,
    SenderNotAllowed,
    TransportError,
)
from notifykit.hosts import is_loopback
from notifykit.masking import Secret
from notifykit.models import Batch, Capabilities, Channel, Message, Submission
from notifykit.protocols import About, BuildContext, Clock
from notifykit.settings import Field, Settings, one_of, path, secret, text
from notifykit.transports.smtp_answers import hidden, queue_id, readable
from notifykit.transports.smtp_mail import Mailbox, as_octets, message_id, one_line, read_mailbox, subject_of

if TYPE_CHECKING:
    from notifykit.transports.smtp_session import Session

#: Messages after which a connection is closed: some servers end one in the middle after a hundred.
MESSAGES_PER_CONNECTION: Final = 90
#: Connections that are kept for later.
IDLE_CONNECTIONS: Final = 8
#: Seconds for taking leave of the server.
_GOODBYE: Final = 1.0
#: Seconds for asking whether a connection that was kept is still good.
_STILL_THERE: Final = 2.0


def _mailbox(value: object) -> Mailbox:
    found = read_mailbox(text(value))
    if found is None:
        raise ValueError("is no e-mail address: write shop@example.com or Shop <shop@example.com>")
    return found


def _port(value: object) -> int:
    number = int(value) if isinstance(value, str | int) and str(value).strip().isdecimal() else 0
    if not 0 < number < 1 << 16:
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
    Field("ca_file", path, None, ("NOTIFYKIT_SMTP_CA_FILE",), help="Certificates to trust instead of the system's."),
)


def _check(message: Message) -> TransportError | None:
    """Refuse what no e-mail can carry."""
    if any("\ud800" <= character <= "\udfff" for character in message.text):
        return ContentRejected("The text has half a character, which no encoding can carry.", action="Take it out.")
    return None


CAPABILITIES: Final = Capabilities(channels=frozenset({Channel.EMAIL}), subjects=True, personal=True, check=_check)


@attrs.frozen
class SmtpSettings:
    """How mail is handed over."""

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
    #: Where answers go; None for the sender.
    reply_to: Mailbox | None = None
    #: The subject where a message has none; None for the text's first line.
    subject: str | None = None
    #: A file of certificates to trust instead of the system's.
    ca_file: str | None = None


class SmtpTransport:
    """Hands e-mail to a mail server over connections that it keeps.

    :param settings: how.
    :param clock: dates the messages.
    :raises ConfigError: where the certificates can't be read.
    """

    name = "smtp"
    capabilities = CAPABILITIES

    def __init__(self, settings: SmtpSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._context = _tls_context(settings)
        self._idle: dict[int, collections.deque[Session]] = {}
        self._closed = False

    def send(self, batch: Batch, timeout: float) -> Submission:
        """Hand over one message to one recipient."""
        if self._closed:
            raise NotReached(
                "The transport is closed.", "closed", action="Send before you close the notifier.", waits=()
            )
        from email.utils import format_datetime

        sender = self._sender(batch.message)
        (recipient,) = batch.recipients
        address = recipient.address
        if read_mailbox(address) != Mailbox(address):
            raise InvalidRecipient("This is not a plain e-mail address.", action="Give name@domain.example.")
        problem = _check(batch.message)
        if problem:
            raise problem
        ours = message_id(batch, sender.address.rpartition("@")[2])
        header = {
            "Subject": subject_of(batch.message, self._settings.subject),
            "Date": format_datetime(self._clock.now()),
            "Message-ID": ours,
            # No answering machine should answer a machine (RFC 3834, section 5).
            "Auto-Submitted": "auto-generated",
        }
        answers = self._settings.reply_to
        boxes = (sender.address, address, answers.address if answers else "")
        utf8 = not all(box.isascii() for box in boxes)
        content = as_octets(batch.message.text, header, sender, address, answers, utf8=utf8)
        try:
            words = self._hand_over(sender.address, address, content, timeout, utf8=utf8)
        except TransportError as error:
            raise _scrubbed(error, address, sender.address) from error.__cause__
        said = readable(words)
        fields = {"message_id": ours, "answer": hidden(said, *_parts(address))}
        return Submission(queue_id(words) or ours, fields=fields, advice=_ADVICE)

    def close(self) -> None:
        """Take leave of the server on every connection that is kept."""
        self._closed = True
        ends = time.monotonic() + _GOODBYE
        idle = self._pool
        while idle:
            session = idle.pop()
            session.ends = ends
            session.leave()

    @property
    def _pool(self) -> collections.deque[Session]:
        """The connections that this process keeps: a forked child must not speak into those of its parent."""
        return self._idle.setdefault(os.getpid(), collections.deque())

    def _sender(self, message: Message) -> Mailbox:
        """Return whom a message is from: its own address, or our address under its name."""
        usual = self._settings.sender
        if not message.sender:
            return usual
        named = read_mailbox(message.sender)
        if named is None and "@" in message.sender:
            raise SenderNotAllowed(
                "The sender is neither a name nor an e-mail address.",
                action="Give a name, shop@example.com, or Shop <shop@example.com>.",
            )
        return named or attrs.evolve(usual, name=one_line(message.sender))

    def _hand_over(self, sender: str, address: str, content: bytes, timeout: float, *, utf8: bool) -> bytes:
        from notifykit.transports.smtp_session import Session

        ends = time.monotonic() + timeout
        session = self._kept(ends)
        if session is None:
            session = Session(self._settings.host, self._settings.port, ends)
            session.open(self._settings.tls, self._context, self._settings.credentials)
        usable = False
        try:
            words = session.deliver(sender, address, content, utf8=utf8)
            usable = True
        except TransportError as error:
            # A refusal leaves the conversation as it was; whatever else happened, nobody knows where it stands.
            usable = bool(error.code and error.code[0] in "45") and not (error.code or "").startswith("421")
            raise
        finally:
            if usable:
                self._keep(session)
            else:
                session.close()
        return words

    def _kept(self, ends: float) -> Session | None:
        """Return a connection that is still good; None where there is none."""
        idle = self._pool
        while idle:
            try:
                session = idle.pop()
            except IndexError:  # another thread was faster
                return None
            session.ends = min(ends, time.monotonic() + _STILL_THERE)
            if session.alive():
                session.ends = ends
                return session
            session.close()
        return None

    def _keep(self, session: Session) -> None:
        idle = self._pool
        if self._closed or session.messages >= MESSAGES_PER_CONNECTION or len(idle) >= IDLE_CONNECTIONS:
            session.ends = min(session.ends, time.monotonic() + _GOODBYE)
            session.leave()
        else:
            idle.append(session)

    def __str__(self) -> str:
        scheme = "smtps" if self._settings.tls == "implicit" else "smtp"
        host = f"[{self._settings.host}]" if ":" in self._settings.host else self._settings.host
        options = {"from": self._settings.sender.address}
        if scheme == "smtp":
            across = self._settings.tls == "none" and not is_loopback(self._settings.host)
            options["tls"] = "in-clear" if across else self._settings.tls
        return f"{scheme}://{host}:{self._settings.port}?{urlencode(options)}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"


_ADVICE: Final = "The mail server took it. Whether it arrives shows later: a message that can't be delivered comes back to the sender."


def _tls_context(settings: SmtpSettings) -> ssl.SSLContext | None:
    if settings.tls == "none":
        return None
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"smtp.ca_file can't be used ({type(error).__name__}): name a file of certificates in PEM form"
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _parts(address: str) -> tuple[str, str]:
    """Return how an address may stand in somebody's words: whole, and by what is before the @."""
    return address, address.rpartition("@")[0]


def _scrubbed(error: TransportError, *addresses: str) -> TransportError:
    if not error.provider_words:
        return error
    parts = [part for address in addresses for part in _parts(address)]
    return attrs.evolve(error, provider_words=hidden(error.provider_words, *parts))


def _settings(dsn: Dsn, settings: Settings) -> SmtpSettings:
    """Read how mail is handed over.

    :raises ConfigError: with every problem.
    """
    own: dict[str, Any] = dict(dsn.options)
    if dsn.host != "default":
        own["host"] = dsn.host
    own |= {
        name: value
        for name, value in (("port", dsn.port), ("user", dsn.user), ("password", dsn.password))
        if value is not None
    }
    values = {name: value.value for name, value in settings.section("smtp", _FIELDS, own).items()}
    host, user, password = values["host"], values["user"], values["password"]
    problems = []
    if dsn.path.strip("/"):
        problems.append("smtp: a mail server has no path: write smtp://host?option=value")
    if not host:
        problems.append("smtp: say which mail server: smtp://user:password@host, or NOTIFYKIT_SMTP_HOST")
    sender = values["from"] or (read_mailbox(user) if user else None)
    if sender is None:
        problems.append("smtp: say whom mail is from: from=shop%40example.com in the DSN, or NOTIFYKIT_SMTP_FROM")
    if bool(user) != bool(password):
        problems.append("smtp: user and password go together: give both, or neither")
    near = bool(host) and is_loopback(host)
    tls = "implicit" if dsn.scheme == "smtps" else values["tls"] or _usual_tls(near=near, known=bool(user))
    if dsn.scheme == "smtps" and values["tls"] not in (None, "required"):
        problems.append("smtp.tls: smtps:// is TLS from the start: leave tls out, or write smtp://")
    if user and not near and tls in ("offered", "none", "in-clear"):
        problems.append("smtp.tls: credentials are not sent across a network in clear: leave tls out, or tls=required")
    elif tls == "none" and not near:
        problems.append(
            "smtp.tls: none is for this machine only. Write tls=in-clear if everybody on the way may read the messages"
        )
    if problems:
        raise ConfigError(problems)
    assert host is not None
    assert sender is not None
    name = values["name"] or sender.name or settings.sender or ""
    return SmtpSettings(
        host=host,
        port=values["port"] or (465 if tls == "implicit" else 587 if user else 25),
        sender=attrs.evolve(sender, name=one_line(name) if "@" not in name else ""),
        tls="none" if tls == "in-clear" else tls,
        credentials=(user, password) if user else None,
        reply_to=values["reply_to"],
        subject=values["subject"],
        ca_file=values["ca_file"],
    )


def _usual_tls(*, near: bool, known: bool) -> str:
    return "required" if known else "none" if near else "offered"


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
