"""One connection to a mail server, with one deadline for everything on it, and the errors that its answers mean.

A message that is refused, or whose connection breaks before its last line, was certainly not sent. From the moment that
the last line is sent until its answer is read, the outcome is unknown.
"""

from __future__ import annotations

import base64
import contextlib
import enum
import re
import smtplib
import socket
import ssl
import sys
import time
from typing import Any, BinaryIO, Final, cast

from notifykit.errors import (
    AuthFailed,
    ContentRejected,
    DestinationNotCovered,
    InvalidRecipient,
    NotReached,
    OutcomeUnknown,
    ProviderUnavailable,
    RateLimited,
    Scope,
    SenderNotAllowed,
    TransportError,
    causes,
    raise_interrupt,
    without_frames,
)
from notifykit.http.network import (
    CONNECT_PROBLEMS,
    Network,
    connect_problem,
    forget_tls_contexts,
    tls_context,
    tls_problem,
)
from notifykit.http.sockets import CONNECT_LIMIT, DeadlineSocket, connect_socket, seconds_until
from notifykit.redaction import STARS, Secret, scrub

#: The most bytes of one answer, all its lines together.
MAX_ANSWER_BYTES: Final = 1 << 16
#: The most characters of a server's words that are kept.
MAX_WORDS: Final = 300

# The last line of a message follows its text at once: it should not wait for the acknowledgement of the text.
_SOCKET_OPTIONS: Final = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)
_DOMAIN: Final = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
# A line that begins with a dot gets another: a dot alone would end the message (RFC 5321, section 4.5.2).
_LEADING_DOT: Final = re.compile(rb"(?m)^\.")
# RFC 3463: class, subject and detail.
_ENHANCED_CODE: Final = re.compile(r"\s*([245]\.(\d{1,3})\.\d{1,3})\b")
_ADDRESS: Final = re.compile(r"[^\s<>\"'(),:;]+@[^\s<>\"'(),:;]+")
_INVISIBLE: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_QUEUE_ID: Final = (
    re.compile(r"\bqueued(?: mail)? as ([\w.=+-]{4,80})", re.IGNORECASE),
    re.compile(r"\b(?:queue[- ]?)?id[=:]\s*<?([\w.=+@-]{4,80})>?", re.IGNORECASE),
    re.compile(r"\A(?:2\.\d\.\d )?([A-Za-z0-9]{8,40}) message accepted", re.IGNORECASE),
    re.compile(r"\A(?:2\.\d\.\d )?ok:?\s+((?=\S*\d)[\w.=+-]{10,80})\Z", re.IGNORECASE),
)

_SAFE: Final = "Nothing was sent, so sending again is safe."
_LOOK: Final = (
    "It may have been sent. Look in the mail server's log, or ask the person, before you send it again; the same "
    "message would carry the same Message-ID."
)
#: Where a mail server asks for other actions than HTTP.
_ACTIONS: Final = {
    "tls_failed": "Check that the host is the name on the mail server's certificate, and whether this port speaks TLS from "
    "the start (smtps://) or by STARTTLS (smtp://); for an authority of your own, name its file with NOTIFYKIT_SMTP_CA_FILE.",
    "connect_timeout": "Check the firewall of this machine, and whether the mail server is up.",
    "connection_lost": "The mail server ended the conversation; its log says why.",
}


class Stage(enum.Enum):
    """The step of the conversation that a mail server refused."""

    GREETING = "the connection"
    HELLO = "the greeting"
    STARTTLS = "encryption"
    AUTH = "the credentials"
    MAIL = "the sender"
    RCPT = "the recipient"
    DATA = "to receive the message"
    #: The whole message was sent.
    TEXT = "the message"


class Session(smtplib.SMTP):
    """A connection to a mail server that is ready for messages: creating it connects, encrypts and logs in.

    :param tls: ``implicit``, ``required``, ``offered`` or ``none``.
    :param network: the certificates that TLS trusts.
    :param credentials: user name and password; None if the server asks for none.
    :param deadline: the monotonic time, in seconds, at which everything has to be over.
    :raises TransportError: if one of these steps fails; nothing was sent.
    """

    _host: str  # smtplib sets it

    def __init__(
        self, host: str, port: int, tls: str, network: Network, credentials: tuple[str, Secret] | None, deadline: float
    ) -> None:
        self._tls = tls
        self._network = network
        self._deadline = deadline
        #: How many messages were sent over it.
        self.messages = 0
        outer = sys.exception()
        try:
            # The name is set after connecting: smtplib would ask DNS for one, without a deadline.
            super().__init__(host, port, local_hostname="")
            self.ehlo_or_helo_if_needed()
            if tls in ("required", "offered"):
                self._start_tls()
            if credentials:
                self._login(*credentials)
        except smtplib.SMTPResponseException as error:
            self.close()
            raise_interrupt(error, outer)
            stage = {smtplib.SMTPConnectError: Stage.GREETING, smtplib.SMTPHeloError: Stage.HELLO}.get(type(error))
            raise refusal(stage or Stage.STARTTLS, error.smtp_code, cast("bytes", error.smtp_error)) from None
        except (OSError, ValueError) as error:
            self.close()
            raise_interrupt(error, outer)
            raise _not_reached(error, host, network) from without_frames(error)
        except TransportError:
            self.close()
            raise

    def set_deadline(self, deadline: float) -> None:
        """Set the monotonic time, in seconds, at which everything that follows has to be over."""
        self._deadline = deadline
        if self.sock:
            self.sock.settimeout(deadline - time.monotonic())

    def is_usable(self) -> bool:
        """Return whether the server still answers, and reset what it knows of an earlier message."""
        outer = sys.exception()
        try:
            return self.rset()[0] == 250
        except OSError as error:
            raise_interrupt(error, outer)
            return False

    def deliver(self, sender: str, address: str, content: bytes, *, utf8: bool) -> tuple[str | None, str]:
        """Send one message to one recipient and return its id in the server's queue, if known, and the server's words.

        :param content: header and text; every line ends with CR LF.
        :param utf8: whether an address of the message is not ASCII.
        :raises OutcomeUnknown: if the whole message was sent and no readable answer came.
        :raises TransportError: if the server certainly did not take it.
        """
        self.messages += 1
        if utf8 and not self.has_extn("smtputf8"):
            action = "Ask the person for an ASCII address, or use a mail server with SMTPUTF8."
            raise InvalidRecipient("This mail server takes only ASCII addresses.", "no_smtputf8", action=action)
        options = ["SMTPUTF8"] if utf8 else []
        if self.has_extn("size"):
            options.append(f"size={len(content)}")
        complete, outer = False, sys.exception()
        try:
            _expect(Stage.MAIL, self.mail(sender, options), sender, address)
            _expect(Stage.RCPT, self.rcpt(address), sender, address)
            _expect(Stage.DATA, self.docmd("DATA"), sender, address)
            # SMTP.data sends the last line together with the text, so it can't say in which of them the connection
            # broke: test_what_breaks_inside_the_text_was_not_sent.
            self.send(_LEADING_DOT.sub(b"..", content))
            seconds_until(self._deadline)
            complete = True
            self.send(b".\r\n")
            code, words = self.getreply()
        except (OSError, ValueError) as error:
            raise_interrupt(error, outer)
            if not complete:
                raise _not_reached(error, self._host, self._network) from without_frames(error)
            late = any(isinstance(cause, TimeoutError) for cause in causes(error))
            raise _unknown("timeout" if late else "connection_lost") from without_frames(error)
        if not 200 <= code < 600 or 300 <= code < 400:
            raise _unknown("bad_answer")
        _expect(Stage.TEXT, (code, words), sender, address)
        return queue_id(words), redact_words(_one_line(words), address)

    def quit_and_close(self) -> None:
        """Say QUIT and close; an error of the server changes nothing."""
        with contextlib.suppress(OSError):
            self.quit()
        self.close()

    # The methods below replace parts of smtplib, each because of the test that it names.

    def _get_socket(self, host: str, port: int, timeout: object) -> Any:
        """Connect, with one deadline: test_what_breaks_before_the_message_is_complete_was_not_sent."""
        limit = min(CONNECT_LIMIT, seconds_until(self._deadline))
        self._raw = connect_socket(host, port, limit, _SOCKET_OPTIONS)
        return self._encrypted() if self._tls == "implicit" else self._limited(self._raw)

    def getreply(self) -> tuple[int, bytes]:
        """Read one answer; see :class:`_Answers`."""
        if self.file is None and self.sock:
            self.file = _Answers(self.sock.makefile("rb"))
        if self.file:
            self.file.bytes_left = MAX_ANSWER_BYTES
        return super().getreply()

    def ehlo_or_helo_if_needed(self) -> None:
        """Say EHLO, and HELO only if EHLO is not known: test_a_refusal_says_what_it_is_about."""
        if self.sock and self.ehlo_resp is None and self.helo_resp is None:
            ip = self.sock.getsockname()[0].partition("%")[0]
            name = socket.gethostname()
            self.local_hostname = name if _DOMAIN.fullmatch(name) else f"[IPv6:{ip}]" if ":" in ip else f"[{ip}]"
            code, words = self.ehlo()
            if code in (500, 502):
                code, words = self.helo()
            if not 200 <= code < 300:
                raise smtplib.SMTPHeloError(code, words)

    def _start_tls(self) -> None:
        """Encrypt; ``SMTP.starttls`` knows no deadline: test_a_handshake_has_the_same_deadline."""
        if self.has_extn("starttls"):
            code, words = self.docmd("STARTTLS")
            if code != 220:
                raise smtplib.SMTPResponseException(code, words)
            self.sock = self._encrypted()
            # What came before encryption may come from an attacker.
            self.file = self.helo_resp = self.ehlo_resp = None
            self.esmtp_features = {}
            self.ehlo_or_helo_if_needed()
        elif self._tls == "required":
            action = "Check the port: 587 offers STARTTLS, 465 is smtps://. On this machine, tls=none goes without."
            detail = "The mail server does not offer encryption, so nothing was sent to it."
            raise ProviderUnavailable(detail, "no_starttls", action=action)

    def _encrypted(self) -> Any:
        self._raw.settimeout(seconds_until(self._deadline))
        return self._limited(tls_context(self._network).wrap_socket(self._raw, server_hostname=self._host))

    def _limited(self, sock: socket.socket) -> DeadlineSocket:
        return DeadlineSocket(sock, self._deadline - time.monotonic())

    def _login(self, user: str, password: Secret) -> None:
        """Log in by one method; ``SMTP.login`` tries all, and only ASCII: test_a_wrong_password_is_tried_once."""
        methods = self.esmtp_features.get("auth", "").upper().split()
        if "PLAIN" in methods:
            code, words = self.docmd("AUTH", f"PLAIN {_base64(f'{chr(0)}{user}{chr(0)}{password.reveal()}')}")
        elif "LOGIN" in methods:
            code, words = self.docmd("AUTH", "LOGIN")
            for line in (user, password.reveal()):
                if code == 334:
                    code, words = self.docmd(_base64(line))
        else:
            action = "Check host and port: programs send mail through port 587 or 465. Known are PLAIN and LOGIN."
            raise AuthFailed("The mail server offers no way to log in that is known here.", "no_auth", action=action)
        if code != 235:
            raise refusal(Stage.AUTH, code, words, user, password.reveal())


class _Answers:
    """The lines that a server sends.

    smtplib reads an answer that has no end, and takes half a line for a whole one:
    test_an_answer_without_an_end_is_not_read_for_ever, test_half_a_line_is_no_answer.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.close = file.close
        #: How many bytes the current answer may still have.
        self.bytes_left = MAX_ANSWER_BYTES

    def readline(self, size: int) -> bytes:
        # smtplib makes an answer with code 500 of a line that is as long as it allows.
        line = self._file.readline(min(size - 1, self.bytes_left))
        self.bytes_left -= len(line)
        if not line.endswith(b"\n"):
            raise OSError("the answer is cut off, or has no end")
        return line


def refusal(stage: Stage, code: int, words: bytes, *secrets: str) -> TransportError:
    """Return the error that an answer means: the server certainly did not take the message (RFC 5321, section 4.2.1).

    :param code: its code of three digits; another number if it gave none.
    :param words: its words, as they came.
    :param secrets: what must not be seen in the words.
    """
    text = _one_line(words)
    enhanced = _ENHANCED_CODE.match(text)
    own: dict[str, Any] = {"provider_words": redact_words(text, *secrets) or None}
    if 100 <= code <= 999:
        own["code"] = f"{code} {enhanced[1]}" if enhanced else str(code)
    if 400 <= code < 500:
        # A server that makes unknown senders wait, or a mailbox that is busy.
        scope = Scope.RECIPIENT if stage is Stage.RCPT and code not in (421, 452) else Scope.ACCOUNT
        action = "Nothing was sent; send again later. The mail server's words say why."
        return RateLimited(f"The mail server refused {stage.value} for now.", **own, action=action, scope=scope)
    if 500 <= code < 600:
        kind, detail, action = _permanent(stage, code, enhanced[2] if enhanced else "")
        return kind(detail or f"The mail server refused {stage.value}.", **own, action=action or kind.advice)
    action = f"Check that host and port are those of a mail server. {_SAFE}"
    return ProviderUnavailable(f"The mail server's answer to {stage.value} can't be understood.", **own, action=action)


def _permanent(stage: Stage, code: int, subject: str) -> tuple[type[TransportError], str, str]:  # noqa: PLR0911 - a table
    """Return kind, detail and action of a refusal for good; ``subject`` is the middle of the enhanced code."""
    match stage, code, subject:
        case Stage.TEXT, _, "1" | "2":
            return InvalidRecipient, "The mail server refused the recipient.", ""
        case Stage.TEXT, _, _:
            return ContentRejected, "", ""
        case _, 530, _:
            action = "Give user name and password: smtp://user:password@host, or NOTIFYKIT_SMTP_USER and …_PASSWORD."
            return AuthFailed, "The mail server wants a user name and a password.", action
        case Stage.AUTH, _, _:
            action = "Check user name and password of the mail account; some providers have passwords for programs."
            return AuthFailed, "", action
        case Stage.MAIL, 552, _:
            return ContentRejected, "The mail server says that the message is too large.", ""
        case Stage.MAIL, _, _:
            action = "Send from an address that this account may use: from= in the DSN, or NOTIFYKIT_SMTP_FROM."
            return SenderNotAllowed, "", action
        case Stage.RCPT, _, "7":
            action = "Log in, or use a mail server that relays for this sender; its words say why."
            return DestinationNotCovered, "The mail server does not carry mail to this recipient.", action
        case Stage.RCPT, _, _:
            return InvalidRecipient, "", ""
    return ProviderUnavailable, "", ""


def redact_words(text: str, *secrets: str) -> str:
    """Return a server's words without secrets (nor what is before their @), addresses, and what looks like a number."""
    parts = {part for secret in secrets for part in (secret, secret.rpartition("@")[0]) if part}
    for part in sorted(parts, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(part)}(?!\w)", STARS, text, flags=re.IGNORECASE)
    return scrub(_ADDRESS.sub(STARS, text))[:MAX_WORDS]


def queue_id(words: bytes) -> str | None:
    """Return the message's id in the server's queue; None if the server does not say it."""
    found = (pattern.search(_one_line(words)) for pattern in _QUEUE_ID)
    return next((match[1].rstrip(".") for match in found if match), None)


def _one_line(words: bytes) -> str:
    return _INVISIBLE.sub(" ", words.decode("utf-8", "replace")).strip()


def _expect(stage: Stage, answer: tuple[int, bytes], *secrets: str) -> None:
    code, words = answer
    if code not in ((354,) if stage is Stage.DATA else range(200, 300)):
        raise refusal(stage, code, words, *secrets)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")


def _unknown(code: str) -> OutcomeUnknown:
    why = code.replace("_", " ")
    return OutcomeUnknown(f"The whole message was sent, and no readable answer came: {why}.", code, action=_LOOK)


def _not_reached(error: Exception, host: str, network: Network) -> NotReached:
    code = connect_problem(error, lost="connection_lost")
    words, action = CONNECT_PROBLEMS.get(code, ("the connection broke off", ""))
    if code in _ACTIONS:
        action = f"{_ACTIONS[code]} {_SAFE}"
    if code == "tls_failed" and (problem := tls_problem(error, network)):
        words = f"{words} because {problem[0]}"
        action = f"{problem[1].replace('NOTIFYKIT_CA_FILE', 'NOTIFYKIT_SMTP_CA_FILE')}. {_SAFE}"
    why = ""
    if isinstance(error, ssl.SSLCertVerificationError):
        why = f" ({error.verify_message})"
        forget_tls_contexts()
    waits = () if code == "tls_failed" else NotReached.default_waits
    return NotReached(f"No message was handed to {host}: {words}{why}.", code, action=action, waits=waits)
