"""One connection to a mail server whose every exchange counts against one deadline.

It knows three moments: before the message is complete, while the line that completes it leaves, and after the server's
word about it. Only the second and the wait for the third leave anything in doubt.
"""

from __future__ import annotations

import base64
import io
import re
import smtplib
import socket
import ssl
import time
from typing import Any, Final

from notifykit.connecting import CONNECT_LIMIT, connect_socket
from notifykit.errors import NotReached, OutcomeUnknown, TransportError, without_frames
from notifykit.masking import Secret
from notifykit.transports.smtp_answers import Stage, refusal

#: The line that completes a message follows its text at once: it should not wait for an answer to it.
_OPTIONS: Final = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)
#: The most octets of one answer, all its lines together.
ANSWER_LIMIT: Final = 1 << 16

#: A line that begins with a dot gets another: a dot alone would end the message (RFC 5321, section 4.5.2).
_LEADING_DOT: Final = re.compile(rb"(?m)^\.")
_SAFE: Final = "Nothing was sent, so sending again is safe."
#: What to do, by why a conversation ended before the message was complete.
_CURES: Final = {
    "name_not_found": f"Check how the mail server's host is spelled, and the DNS of this machine. {_SAFE}",
    "bad_certificate": (
        "Check that the host is the name on the mail server's certificate; for an authority of your own, name its file "
        f"with NOTIFYKIT_SMTP_CA_FILE. {_SAFE}"
    ),
    "tls_failed": f"Check whether this port speaks TLS from the start (smtps://) or by STARTTLS (smtp://). {_SAFE}",
    "connection_refused": f"Check host and port: nothing listens there, or a firewall refuses. {_SAFE}",
    "timeout": f"Check the firewall of this machine, and whether the mail server is up. {_SAFE}",
    "connection_lost": f"The mail server ended the conversation; its log says why. {_SAFE}",
}
_WORDS: Final = {
    "name_not_found": "its name was not found",
    "bad_certificate": "its certificate is not valid for it",
    "tls_failed": "there is no common TLS",
    "connection_refused": "the connection was refused",
    "timeout": "it did not answer in time",
    "connection_lost": "the connection was lost",
}


class Session(smtplib.SMTP):
    """A conversation with one mail server.

    :param host: the server.
    :param port: its port.
    :param ends: the monotonic time at which everything has to be over.
    """

    def __init__(self, host: str, port: int, ends: float) -> None:
        # With a name of its own, smtplib does not ask DNS for one.
        super().__init__(local_hostname="localhost", timeout=CONNECT_LIMIT)
        self._to = (host, port)
        #: How many messages it was used for.
        self.messages = 0
        #: The monotonic time at which everything has to be over.
        self.ends = ends

    def left(self) -> float:
        """Return the seconds until the deadline.

        :raises TimeoutError: where it has passed.
        """
        left = self.ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        return left

    # --- what smtplib asks for ---

    def getreply(self) -> tuple[int, bytes]:
        """Read one answer, whose every byte counts against the deadline."""
        if self.file is None and self.sock is not None:
            raw = self.sock.makefile("rb", buffering=0)
            self.file = io.BufferedReader(_Timed(self, raw, self.sock))
        if isinstance(self.file, io.BufferedReader) and isinstance(self.file.raw, _Timed):
            self.file.raw.allowed = ANSWER_LIMIT
        return super().getreply()

    def send(self, s: Any) -> None:
        """Send octets before the deadline."""
        if self.sock is not None:
            self.sock.settimeout(self.left())
        super().send(s)

    # --- the conversation ---

    def open(self, tls: str, context: ssl.SSLContext | None, credentials: tuple[str, Secret] | None) -> None:
        """Connect, agree on TLS and log in.

        :param tls: ``implicit``, ``required``, ``offered`` or ``none``.
        :param context: with which certificates.
        :param credentials: the account; None where there is none.
        :raises TransportError: where that does not come about; nothing was sent.
        """
        host = self._to[0]
        try:
            self.sock = connect_socket(*self._to, min(CONNECT_LIMIT, self.left()), _OPTIONS)
            self._host = host
            if tls == "implicit":
                self._wrap(context)
            self._introduce()
            self._expect(Stage.GREETING, *self.getreply())
            self._expect(Stage.HELLO, *self._hello())
            if tls == "required" and not self.has_extn("starttls"):
                raise refusal(Stage.NO_STARTTLS, 0, b"")
            if tls in ("required", "offered") and self.has_extn("starttls"):
                self._expect(Stage.STARTTLS, *self.docmd("STARTTLS"))
                self._wrap(context)
                # What was said in clear may have been somebody else's words.
                self.file = None
                self.helo_resp = self.ehlo_resp = None
                self.esmtp_features = {}
                self._expect(Stage.HELLO, *self._hello())
            if credentials:
                self._login(*credentials)
        except TransportError:
            self.close()
            raise
        except (OSError, ValueError) as error:
            self.close()
            raise _not_sent(error, host) from without_frames(error)

    def alive(self) -> bool:
        """Return whether the server still listens, and forget what it was told of an earlier message."""
        try:
            return self.docmd("RSET")[0] == 250
        except OSError:
            return False

    def deliver(self, sender: str, address: str, content: bytes, *, utf8: bool) -> bytes:
        """Hand over one message to one recipient and return the server's words.

        :param sender: the envelope's sender.
        :param address: the envelope's recipient.
        :param content: header and text, every line of them ending with CR LF.
        :param utf8: whether an address of the message is not ASCII.
        :raises OutcomeUnknown: where the message was complete and no readable answer came.
        :raises TransportError: where it was certainly not taken.
        """
        self.messages += 1
        try:
            if utf8 and not self.has_extn("smtputf8"):
                raise refusal(Stage.UTF8, 0, b"")
            options = ["SMTPUTF8"] if utf8 else []
            if self.has_extn("size"):
                options.append(f"size={len(content)}")
            self._expect(Stage.MAIL, *self.mail(sender, options))
            self._expect(Stage.RCPT, *self.rcpt(address))
            self._expect(Stage.DATA, *self.docmd("DATA"), wanted=354)
            self.send(_LEADING_DOT.sub(b"..", content))
            left = self.left()
        except (OSError, ValueError) as error:
            raise _not_sent(error, self._to[0]) from without_frames(error)
        return self._complete(left)

    def _complete(self, left: float) -> bytes:
        """Send the line that makes the message complete, and read what the server says to it."""
        assert self.sock is not None
        try:
            self.sock.settimeout(left)
            super().send(b".\r\n")
            code, words = self.getreply()
        except (OSError, ValueError) as error:
            why = _why(error)
            raise OutcomeUnknown(
                f"The mail server was given the whole message, and then {_WORDS[why]}.", why, action=_LOOK
            ) from without_frames(error)
        if 200 <= code < 300:
            return words
        if 400 <= code < 600:
            raise refusal(Stage.TEXT, code, words)
        raise OutcomeUnknown(
            "The mail server was given the whole message, and its answer can't be read.", "bad_answer", action=_LOOK
        )

    def leave(self) -> None:
        """Take leave and close; that the server minds changes nothing."""
        try:
            self.docmd("QUIT")
        except OSError:
            pass
        finally:
            self.close()

    # --- its parts ---

    def _wrap(self, context: ssl.SSLContext | None) -> None:
        assert self.sock is not None
        assert context is not None
        self.sock.settimeout(self.left())
        try:
            self.sock = context.wrap_socket(self.sock, server_hostname=self._to[0])
        except TimeoutError:
            raise
        except OSError as error:
            why = "bad_certificate" if isinstance(error, ssl.SSLCertVerificationError) else "tls_failed"
            waits: dict[str, Any] = {} if not isinstance(error, ssl.SSLError) else {"waits": ()}
            raise _failed(why, self._to[0], **waits) from without_frames(error)

    def _introduce(self) -> None:
        """Choose the name that this machine calls itself: its own, or its address where that is no domain."""
        assert self.sock is not None
        name = socket.gethostname()
        if not name.isascii() or "." not in name or not all(part.isprintable() and part for part in name.split(".")):
            ip = self.sock.getsockname()[0].partition("%")[0]
            name = f"[IPv6:{ip}]" if ":" in ip else f"[{ip}]"
        self.local_hostname = name

    def _hello(self) -> tuple[int, bytes]:
        code, words = self.ehlo()
        # Servers that never heard of EHLO answer 500 or 502, and then understand HELO.
        return self.helo() if code in (500, 502) else (code, words)

    def _login(self, user: str, password: Secret) -> None:
        """Log in by the first way that both sides know; once, because failures may lock an account."""
        ways = self.esmtp_features.get("auth", "").upper().split()
        if "PLAIN" in ways:
            code, words = self.docmd("AUTH", f"PLAIN {_base64(f'{chr(0)}{user}{chr(0)}{password.reveal()}')}")
        elif "LOGIN" in ways:
            code, words = self.docmd("AUTH", "LOGIN")
            for said in (user, password.reveal()):
                if code == 334:
                    code, words = self.docmd(_base64(said))
        else:
            raise refusal(Stage.NO_AUTH, 0, b"")
        if code != 235:
            raise refusal(Stage.AUTH, code, words, user, password.reveal())

    def _expect(self, stage: Stage, code: int, words: bytes, wanted: int | None = None) -> None:
        if code == wanted or (wanted is None and 200 <= code < 300):
            return
        raise refusal(stage, code, words)


_LOOK: Final = (
    "It may have been sent. Look in the mail server's log, or ask the person, before you send it again; the same "
    "message would carry the same Message-ID."
)


class _Timed(io.RawIOBase):
    """Reads from a connection until its deadline, and no more than an answer may have."""

    def __init__(self, session: Session, raw: Any, sock: socket.socket) -> None:
        self._session = session
        self._raw = raw
        self._sock = sock
        #: How many octets may still be read before the answer is too long.
        self.allowed = ANSWER_LIMIT

    def readable(self) -> bool:
        """Say yes."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read what is there before the deadline.

        :raises TimeoutError: where nothing came.
        """
        if self.allowed <= 0:
            raise OSError("the answer has no end")
        self._sock.settimeout(self._session.left())
        count: int | None = self._raw.readinto(buffer)
        self.allowed -= count or 0
        return count

    def close(self) -> None:
        """Give the socket back."""
        if not self.closed:
            self._raw.close()
        super().close()


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")


def _not_sent(error: Exception, host: str) -> TransportError:
    return _failed(_why(error), host)


def _failed(why: str, host: str, **more: Any) -> NotReached:
    return NotReached(f"No message was handed to {host}: {_WORDS[why]}.", why, action=_CURES[why], **more)


def _why(error: BaseException) -> str:
    """Return why a conversation ended; smtplib wraps what the socket said."""
    said: BaseException | None = error
    while said is not None:
        for kind, why in _KINDS:
            if isinstance(said, kind):
                return why
        said = said.__cause__ or said.__context__
    return "connection_lost"


_KINDS: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (socket.gaierror, "name_not_found"),
    (ssl.SSLCertVerificationError, "bad_certificate"),
    (ConnectionRefusedError, "connection_refused"),
    (TimeoutError, "timeout"),
    (ssl.SSLEOFError, "connection_lost"),
    (ssl.SSLZeroReturnError, "connection_lost"),
    (ssl.SSLError, "tls_failed"),
)
