"""The mail transport against a real mail server, and against one that breaks wherever a test wants."""

from __future__ import annotations

import base64
import contextlib
import email
import email.policy
import multiprocessing
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from urllib.parse import quote

import attrs
import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from hypothesis import given, settings as hypothesis_settings, strategies as st

from notifykit import ConfigError, Notifier, Outcome, PluginHost, Recipient, RetryPolicy, VirtualClock
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
)
from notifykit.http.network import Network
from notifykit.models.message import Channel, Message
from notifykit.models.plan import Batch
from notifykit.transports import smtp
from notifykit.transports.smtp import Mailbox, SmtpSettings, SmtpTransport, email_bytes, one_line, subject_of
from notifykit.transports.smtp_session import Session, Stage, queue_id, redact_words, refusal
from tests.transports.post import USUAL, Post, close, dribble_of, in_turn, post_office, reset, stall

BUILTINS = (
    "notifykit.normalizers.phone",
    "notifykit.normalizers.email",
    "notifykit.cleaners.unicode",
    "notifykit.transports.smtp",
)
PERSON = "some.body@example.org"
FROM = "from=shop%40example.com"


def notifier(dsn: str, **parts) -> Notifier:
    parts.setdefault("host", PluginHost(entry_points=False, builtins=BUILTINS))
    parts.setdefault("clock", VirtualClock())
    return Notifier(dsn, **parts)


def build(dsn: str = "smtp", **environment: str) -> Notifier:
    return Notifier.from_settings(
        dsn, host=PluginHost(entry_points=False, builtins=BUILTINS), environment=environment, clock=VirtualClock()
    )


def batch(text: str = "Hello", address: str = PERSON, **parts) -> Batch:
    message = Message(text, Channel.EMAIL, **parts)
    return Batch(message, (Recipient(address, Channel.EMAIL),), (0,))


def transport_to(post: Post, **parts) -> SmtpTransport:
    parts = {"host": "127.0.0.1", "port": post.port, "sender": Mailbox("shop@example.com"), "tls": "none"} | parts
    return SmtpTransport(SmtpSettings(**parts), VirtualClock())


def refused(kind, answers=None, *, given: Batch | None = None, timeout: float = 5, **parts):
    """Return the server and the error of one send that fails."""
    with post_office(answers or {}) as post, contextlib.closing(transport_to(post, **parts)) as transport:
        with pytest.raises(kind) as caught:
            transport.send(given or batch(), timeout)
    return post, caught.value


def taken(report) -> bool:
    return {receipt.outcome for receipt in report.receipts} == {Outcome.ACCEPTED}


def dsn(post: Post, rest: str = "") -> str:
    return f"smtp://127.0.0.1:{post.port}?{FROM}{rest}"


def text_of(octets: bytes) -> str:
    return parsed(octets).get_content().replace("\r\n", "\n")


def parsed(octets: bytes) -> email.message.EmailMessage:
    mail = email.message_from_bytes(octets, policy=email.policy.SMTP)
    assert isinstance(mail, email.message.EmailMessage)
    return mail


# --- a real server ---


class Inbox:
    """Keeps what a real server was given."""

    def __init__(self) -> None:
        self.envelopes: list = []

    async def handle_DATA(self, server, session, envelope) -> str:
        self.envelopes.append(envelope)
        return "250 2.0.0 Ok: queued as A1B2C3D4"


class AnyPort(Controller):
    """Takes whatever port is free, and knocks at that one to see whether the server is up."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextlib.contextmanager
def real_server(**options) -> Iterator[tuple[Inbox, int]]:
    inbox = Inbox()
    controller = AnyPort(inbox, hostname="127.0.0.1", port=0, **options)
    controller.start()
    try:
        yield inbox, controller.port
    finally:
        controller.stop()


@pytest.fixture(scope="module", name="authority")
def _authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module", name="ca_file")
def _ca_file(authority, tmp_path_factory) -> str:
    file = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    return str(file)


def certified(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*(names or ("127.0.0.1",))).configure_cert(context)
    return context


def test_a_message_arrives_as_an_e_mail():
    """Sender, recipient, subject, date and text are what was said; each recipient sees only their own address."""
    with real_server() as (inbox, port), notifier(f"smtp://127.0.0.1:{port}?{FROM}&name=Shop") as sender:
        report = sender.send(
            [PERSON, "Other <other@Example.NET>"], "Your order\nis on its way: ١٢٣ 😀", channel="email"
        )
    assert [receipt.outcome for receipt in report.receipts] == [Outcome.ACCEPTED] * 2
    assert report.receipts[0].message_id == "A1B2C3D4"
    assert [envelope.rcpt_tos for envelope in inbox.envelopes] == [[PERSON], ["other@example.net"]]
    mail = parsed(inbox.envelopes[0].content)
    assert inbox.envelopes[0].mail_from == "shop@example.com"
    assert mail["From"] == "Shop <shop@example.com>"
    assert mail["To"] == PERSON
    assert mail["Subject"] == "Your order"
    assert mail["Date"] == "Thu, 01 Jan 2026 00:00:00 +0000"
    assert mail["Message-ID"].endswith("@example.com>")
    assert mail["Message-ID"] == report.receipts[0].submission.fields["message_id"]
    assert text_of(inbox.envelopes[0].content) == "Your order\nis on its way: ١٢٣ 😀\n"
    assert "other@example.net" not in inbox.envelopes[0].content.decode()


def test_each_mail_carries_the_link_of_its_recipient_and_no_other():
    """RFC 8058: both fields on a line each, however long the link is; nothing of it in the text."""
    links = {PERSON: f"https://shop.example/u/{'a' * 200}.b", "other@example.net": "https://shop.example/u/c.d"}
    with real_server() as (inbox, port), notifier(f"smtp://127.0.0.1:{port}?{FROM}", guards=[Links(links)]) as sender:
        assert taken(sender.send([*links, "third@example.net"], "News", channel="email", tags="marketing"))
    for envelope, link in zip(inbox.envelopes, [*links.values(), None], strict=True):
        lines = envelope.content.decode().split("\r\n\r\n")[0].split("\r\n")
        fields = [line for line in lines if line.startswith("List-")]
        expected = [f"List-Unsubscribe: <{link}>", "List-Unsubscribe-Post: List-Unsubscribe=One-Click"]
        assert fields == (expected if link else [])
        assert parsed(envelope.content)["To"] == envelope.rcpt_tos[0]
        assert text_of(envelope.content) == "News\n"


@pytest.mark.parametrize(
    "link", ["https://x.example/a\r\nBcc: y@x.example", "javascript:x", "https://x.example/>", "é", ""]
)
def test_a_link_can_not_add_to_the_header(link):
    """What is no link is left out."""
    content = email_bytes("Hi", {}, Mailbox("a@b.example"), PERSON, None, utf8=False, unsubscribe=link)
    assert b"List-" not in content
    assert b"Bcc" not in content


class Links:
    """A guard that knows the link of each recipient."""

    name = "links"

    def __init__(self, links: dict[str, str]) -> None:
        self.links = links

    def check(self, context, counters):
        """Return the recipient with their link."""
        return attrs.evolve(context.recipient, unsubscribe=self.links.get(context.recipient.address))


def test_credentials_go_through_starttls(authority, ca_file):
    """A server with an account is logged in to, over a certificate that was checked."""
    seen = []

    def account(server, session, envelope, mechanism, data):
        seen.append((data.login, data.password, session.ssl is not None))
        return AuthResult(success=data.password == b"hunter2", handled=False)

    options = {
        "tls_context": certified(authority),
        "require_starttls": True,
        "authenticator": account,
        "auth_required": True,
    }
    with real_server(**options) as (inbox, port):
        for password, outcome in (("hunter2", Outcome.ACCEPTED), ("wrong", Outcome.REJECTED)):
            with build(
                f"smtp://shop%40example.com:{password}@127.0.0.1:{port}", NOTIFYKIT_SMTP_CA_FILE=ca_file
            ) as sender:
                (receipt,) = sender.send(PERSON, "Hi", channel="email").receipts
                assert receipt.outcome is outcome
                assert "hunter2" not in f"{sender.transport!r} {sender!r} {receipt!r} {receipt}"
    assert isinstance(receipt.error, AuthFailed)
    assert receipt.error.code == "535 5.7.8"
    assert (b"shop@example.com", b"hunter2", True) in seen
    assert all(over_tls for *_, over_tls in seen)
    assert len(inbox.envelopes) == 1
    assert inbox.envelopes[0].mail_from == "shop@example.com"


@pytest.mark.parametrize("ways", ["PLAIN LOGIN", "LOGIN", "XOAUTH2 LOGIN"])
@pytest.mark.parametrize("password", ["hunter2", "пароль %"])
def test_a_wrong_password_is_tried_once(ways, password):
    """By one way: every failure counts where accounts are locked after a few."""
    login = {"PLAIN": b"235 2.7.0 in\r\n", "LOGIN": b"334 VXNlcm5hbWU6\r\n"}["PLAIN" if "PLAIN" in ways else "LOGIN"]
    said = base64.b64encode(password.encode()).upper().decode()
    answers = {
        "EHLO": f"250-post.example\r\n250 AUTH {ways}\r\n".encode(),
        "AUTH": login,
        "BWU=": b"334 UGFzc3dvcmQ6\r\n",
        said: in_turn(b"535 5.7.8 me: wrong, not " + password.encode() + b"\r\n", b"235 2.7.0 in\r\n"),
    }
    if "PLAIN" in ways:
        answers["AUTH"] = in_turn(b"535 5.7.8 me: wrong, not " + password.encode() + b"\r\n", login)
    with post_office(answers) as post:
        with notifier(f"smtp://me:{quote(password)}@127.0.0.1:{post.port}?{FROM}&tls=none") as sender:
            (refused,) = sender.send(PERSON, "Hi", channel="email").receipts
            assert post.count("AUTH") == 1
            assert taken(sender.send(PERSON, "Hi", channel="email"))
    assert isinstance(refused.error, AuthFailed)
    assert password not in f"{refused.error!r}{refused.error.provider_words}"
    assert len(post.messages) == 1


def test_smtps_is_encrypted_from_the_start(authority, ca_file):
    """The other way that providers offer."""
    with (
        post_office(tls=certified(authority)) as post,
        build(f"smtps://127.0.0.1:{post.port}?{FROM}", NOTIFYKIT_SMTP_CA_FILE=ca_file) as sender,
    ):
        assert taken(sender.send([PERSON, "b@example.org"], "Hi", channel="email"))
        assert str(sender.transport).startswith(f"smtps://127.0.0.1:{post.port}?")
    assert len(post.messages) == 2
    assert post.connections == 1


@pytest.mark.parametrize("trusted", [True, False])
def test_a_bad_certificate_is_refused_before_anything_is_sent(authority, ca_file, trusted):
    """Of an unknown authority, or for another host: no password and no message is sent to it."""
    context = certified(authority, "elsewhere.example") if trusted else certified(trustme.CA())
    with (
        real_server(tls_context=context) as (inbox, port),
        build(f"smtp://me:hunter2@127.0.0.1:{port}?{FROM}", NOTIFYKIT_SMTP_CA_FILE=ca_file) as sender,
    ):
        (receipt,) = sender.send(PERSON, "Hi", channel="email").receipts
    assert receipt.outcome is Outcome.REJECTED
    assert isinstance(receipt.error, NotReached)
    assert receipt.error.code == "tls_failed"
    assert "certificate" in receipt.error.detail
    assert not receipt.error.retryable
    assert len(receipt.attempts) == 1
    assert inbox.envelopes == []


def test_a_server_without_encryption_never_sees_the_password():
    """An attacker on the way could have removed the offer."""
    with post_office() as post, notifier(f"smtp://me:hunter2@127.0.0.1:{post.port}?{FROM}") as sender:
        (receipt,) = sender.send(PERSON, "Hi", channel="email").receipts
    assert isinstance(receipt.error, ProviderUnavailable)
    assert receipt.error.code == "no_starttls"
    assert post.commands == ["EHLO"]


def test_answers_from_before_encryption_are_dropped(authority, ca_file):
    """An answer that was slipped in before the handshake is not taken for one that came after it."""
    offered = b"250-post.example\r\n250 STARTTLS\r\n"
    answers = {"EHLO": offered, "STARTTLS": b"220 go\r\n250-evil\r\n250 AUTH PLAIN\r\n"}
    with (
        post_office(answers) as post,
        build(f"smtp://me:hunter2@127.0.0.1:{post.port}?{FROM}", NOTIFYKIT_SMTP_CA_FILE=ca_file) as sender,
    ):
        (receipt,) = sender.send(PERSON, "Hi", channel="email").receipts
    assert receipt.outcome is Outcome.REJECTED
    assert "AUTH" not in post.commands


def test_a_client_certificate_is_shown(authority, ca_file, tmp_path):
    """To a server that wants one, over the same settings as HTTP."""
    mine = tmp_path / "client.pem"
    authority.issue_cert("client@example.com").private_key_and_cert_chain_pem.write_to_path(str(mine))
    context = certified(authority)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    with post_office(tls=context) as post:
        for certificate in (None, str(mine)):
            network = Network(ca_file=ca_file, client_cert=certificate)
            with contextlib.closing(transport_to(post, tls="implicit", network=network)) as transport:
                with contextlib.nullcontext() if certificate else pytest.raises(NotReached):
                    transport.send(batch(), 5)
    assert len(post.messages) == 1


def test_a_port_without_tls_is_not_asked_again():
    """It is the wrong one, today and tomorrow."""
    _, error = refused(NotReached, tls="implicit")
    assert error.code == "tls_failed"
    assert not error.retryable


def test_encryption_that_is_refused(ca_file):
    """It is offered, and then there is none: the password stays here."""
    answers = {"EHLO": b"250-post.example\r\n250 STARTTLS\r\n", "STARTTLS": b"454 4.7.0 not now\r\n"}
    post, error = refused(RateLimited, answers, tls="required", network=Network(ca_file=ca_file))
    assert error.code == "454 4.7.0"
    assert post.commands == ["EHLO", "STARTTLS"]


def test_a_server_that_does_not_know_ehlo():
    """Old, and understands HELO."""
    with post_office({"EHLO": b"502 5.5.1 what?\r\n"}) as post, notifier(dsn(post)) as sender:
        assert taken(sender.send(PERSON, "Hi", channel="email"))
    assert post.commands[:2] == ["EHLO", "HELO"]


def test_a_server_without_a_known_way_to_log_in(authority, ca_file):
    """The port is most often the wrong one."""
    with (
        post_office(tls=certified(authority)) as post,
        build(f"smtps://me:hunter2@127.0.0.1:{post.port}?{FROM}", NOTIFYKIT_SMTP_CA_FILE=ca_file) as sender,
    ):
        (receipt,) = sender.send(PERSON, "Hi", channel="email").receipts
    assert isinstance(receipt.error, AuthFailed)
    assert receipt.error.code == "no_auth"


# --- where it breaks ---


@pytest.mark.parametrize("word", ["greeting", "EHLO", "MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("how", [reset, close, stall, dribble_of(b"250-" + b"x" * 2000)])
def test_what_breaks_before_the_message_is_complete_was_not_sent(word, how):
    """And the server has no message to prove it."""
    began = time.monotonic()
    post, error = refused(NotReached, {word: how}, timeout=1.0)
    assert time.monotonic() - began < 10
    assert error.safe_to_resend
    assert post.messages == []


def cut(answer: bytes):
    def act(talk) -> None:
        talk.sock.sendall(answer)

    return act


LONG_LINE = b"250 " + b"x" * 9000 + b"\r\n"


@pytest.mark.parametrize(
    "how", [reset, close, stall, dribble_of(b"250-" + b"x" * 2000), b"what?\r\n", b"199 hm\r\n", LONG_LINE]
)
def test_what_breaks_behind_the_message_is_unknown(how):
    """The server has the message, once, and it is not sent again."""
    with post_office({"text": how}) as post:
        with notifier(dsn(post), retry=RetryPolicy()) as sender:
            sender.transport.send = _hurried(sender.transport.send)
            (receipt,) = sender.send(PERSON, "Hi", channel="email").receipts
        assert len(post.messages) == 1
    assert receipt.outcome is Outcome.UNKNOWN
    assert isinstance(receipt.error, OutcomeUnknown)
    assert len(receipt.attempts) == 1


@pytest.mark.parametrize("answer", [b"250", b"250 2.0.0 Ok", b"250-2.0.0 Ok\r\n", b"550 5.7.1 no"])
def test_half_a_line_is_no_answer(answer):
    """The rest could have been anything."""
    refused(OutcomeUnknown, {"text": cut(answer)})
    refused(NotReached, {"RCPT": cut(answer)})


def sip(talk) -> None:
    """Read the text slowly: all of it would take minutes."""
    pause = threading.Event()
    while talk.sock.recv(100):
        pause.wait(0.02)


@pytest.mark.parametrize("how", [reset, close, sip])
@pytest.mark.parametrize("tls", ["none", "implicit"])
def test_what_breaks_inside_the_text_was_not_sent(authority, ca_file, how, tls):
    """The server has no whole message, however much of it was sent; and sending keeps to the deadline as well."""

    def act(talk) -> None:
        talk.sock.sendall(b"354 go on\r\n")
        talk.sock.recv(100)
        how(talk)

    with post_office({"DATA": act}, tls=certified(authority) if tls == "implicit" else None) as post:
        post.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        content = b"\r\n" + (b"x" * 70 + b"\r\n") * 90_000
        began = time.monotonic()
        deadline = began + (1.5 if how is sip else 20)
        session = Session("127.0.0.1", post.port, tls, Network(ca_file=ca_file), None, deadline)
        with contextlib.closing(session), pytest.raises(NotReached) as caught:
            session.deliver("shop@example.com", PERSON, content, utf8=False)
        assert how is not sip or time.monotonic() - began < 10
    assert caught.value.code == ("connect_timeout" if how is sip else "connection_lost")
    assert post.messages == []


def test_a_handshake_has_the_same_deadline(ca_file):
    """The time that the answer to STARTTLS took is not given again."""

    def slowly(talk) -> None:
        threading.Event().wait(1.5)
        talk.sock.sendall(b"220 go on\r\n")
        while talk.sock.recv(4096):  # and say nothing to it
            pass

    answers = {"EHLO": b"250-post.example\r\n250 STARTTLS\r\n", "STARTTLS": slowly}
    with post_office(answers) as post:
        with contextlib.closing(transport_to(post, tls="required", network=Network(ca_file=ca_file))) as transport:
            began = time.monotonic()
            with pytest.raises(NotReached) as caught:
                transport.send(batch(), 2.0)
            assert time.monotonic() - began < 3.3
    assert caught.value.code == "connect_timeout"


def _hurried(send):
    return lambda batch, timeout: send(batch, 1.0)


@pytest.mark.parametrize("how", [reset, close, stall, b"500 no\r\n"])
def test_a_goodbye_that_fails_changes_nothing(how):
    """It was accepted before."""
    with post_office({"QUIT": how}) as post:
        with notifier(dsn(post)) as sender:
            report = sender.send(PERSON, "Hi", channel="email")
            began = time.monotonic()
        assert time.monotonic() - began < 10
    assert taken(report)
    assert len(post.messages) == 1


def test_an_answer_without_an_end_is_not_read_for_ever():
    """A connection to a server that floods is closed before the memory is full."""
    flood = b"".join(b"250-" + b"x" * 1000 + b"\r\n" for _ in range(200))
    post, _ = refused(NotReached, {"EHLO": flood})
    assert post.messages == []


def test_a_closed_port():
    """Refused, tried again by the pipeline, and certainly not sent."""
    with post_office() as post:
        pass
    with notifier(dsn(post)) as sender:
        (receipt,) = sender.send(PERSON, "Hi", channel="email").receipts
    assert receipt.error is not None
    assert receipt.error.code == "connection_refused"
    assert len(receipt.attempts) == 3


@pytest.mark.parametrize(
    ("word", "answer", "kind", "code"),
    [
        ("greeting", b"554 5.3.2 no service\r\n", ProviderUnavailable, "554 5.3.2"),
        ("greeting", b"421 4.7.0 too many connections\r\n", RateLimited, "421 4.7.0"),
        ("greeting", b"HTTP/1.1 400 Bad Request\r\n", ProviderUnavailable, None),
        ("EHLO", b"550 go away\r\n", ProviderUnavailable, "550"),
        ("MAIL", b"530 5.7.0 authentication required\r\n", AuthFailed, "530 5.7.0"),
        ("MAIL", b"553 5.7.1 not owned by user\r\n", SenderNotAllowed, "553 5.7.1"),
        ("MAIL", b"552 5.3.4 too large\r\n", ContentRejected, "552 5.3.4"),
        ("MAIL", b"452 4.3.1 no room\r\n", RateLimited, "452 4.3.1"),
        ("RCPT", b"550-5.1.1 no such\r\n550 5.1.1 user\r\n", InvalidRecipient, "550 5.1.1"),
        ("RCPT", b"551 not here\r\n", InvalidRecipient, "551"),
        ("RCPT", b"553 5.1.3 bad\r\n", InvalidRecipient, "553 5.1.3"),
        ("RCPT", b"554 5.7.1 relay access denied\r\n", DestinationNotCovered, "554 5.7.1"),
        ("RCPT", b"450 4.2.0 greylisted\r\n", RateLimited, "450 4.2.0"),
        ("DATA", b"451 4.3.0 later\r\n", RateLimited, "451 4.3.0"),
        ("DATA", b"503 5.5.1 bad order\r\n", ProviderUnavailable, "503 5.5.1"),
        ("DATA", b"250 ok\r\n", ProviderUnavailable, "250"),
        ("text", b"554 5.7.1 looks like spam\r\n", ContentRejected, "554 5.7.1"),
        ("text", b"552 5.3.4 too large\r\n", ContentRejected, "552 5.3.4"),
        ("text", b"550 5.2.2 mailbox full\r\n", InvalidRecipient, "550 5.2.2"),
        ("text", b"451 4.3.0 try later\r\n", RateLimited, "451 4.3.0"),
    ],
)
def test_a_refusal_says_what_it_is_about(word, answer, kind, code):
    """Each code at each place is the error that a person, a retry and another transport can act on."""
    _, error = refused(kind, {word: answer})
    assert type(error) is kind
    assert error.code == code
    assert error.retryable is (kind is RateLimited)


def test_a_recipient_who_has_to_wait_is_about_the_recipient():
    """A grey list is no reason to hold up a single send, or to turn to another server; a full server is."""
    assert refusal(Stage.RCPT, 450, b"4.2.0 greylisted").scope is Scope.RECIPIENT
    assert refusal(Stage.RCPT, 452, b"too many").scope is Scope.ACCOUNT


def test_a_busy_server_is_asked_again_and_gets_it_once():
    """The pipeline waits, and the message arrives once."""
    clock = VirtualClock()
    with post_office({"MAIL": in_turn(b"421 4.7.0 busy\r\n", USUAL["MAIL"])}) as post:
        with notifier(dsn(post), clock=clock) as sender:
            report = sender.send(PERSON, "Hi", channel="email")
    assert taken(report)
    assert clock.sleeps == [30.0]
    assert len(post.messages) == 1


def test_one_bad_recipient_does_not_keep_the_others_from_theirs():
    """Each has an outcome of their own, over one connection."""
    with post_office({"RCPT": in_turn(USUAL["RCPT"], b"550 5.1.1 no\r\n", USUAL["RCPT"])}) as post:
        with notifier(dsn(post)) as sender:
            report = sender.send([f"{name}@example.org" for name in "abc"], "Hi", channel="email")
    assert [receipt.outcome.value for receipt in report.receipts] == ["accepted", "rejected", "accepted"]
    assert len(post.messages) == 2
    assert post.connections == 1


def test_the_servers_words_are_kept_without_addresses():
    """A person reads why; a log does not learn who."""
    said = b"550 5.1.1 <some.body@example.org>: user some.body unknown, ask +965 9876 5432\r\n"
    _, error = refused(InvalidRecipient, {"RCPT": said})
    words = error.provider_words
    assert words is not None
    assert "unknown" in words
    assert "some.body" not in f"{words} {error!r} {error}"
    assert "9876" not in words


@given(st.binary(max_size=80))
def test_any_words_can_be_read(words):
    """Whatever a server sends, an answer to it is an error of ours without control characters."""
    for stage in Stage:
        error = refusal(stage, 550, words)
        assert str(error)
        assert not set(error.provider_words or "") & set("\r\n\x00\x1b\x85\u2028")
    queue_id(words)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (b"2.0.0 Ok: queued as 4XyZ12abc", "4XyZ12abc"),
        (b"OK id=1qAbCd-000123-Ab", "1qAbCd-000123-Ab"),
        (b"2.0.0 5ABCdefg012345 Message accepted for delivery", "5ABCdefg012345"),
        (b"Ok 0100018c1234abcd-12345678-1234", "0100018c1234abcd-12345678-1234"),
        (b"2.0.0 Ok", None),
        (b"OK", None),
        (b"Thank you for your message", None),
    ],
)
def test_the_name_in_the_queue_is_found(words, name):
    """As the common servers say it."""
    assert queue_id(words) == name


def test_words_are_cut_and_cleaned():
    """A long answer does not fill the log."""
    assert redact_words("see a@b.example " + "x" * 1000).startswith("see **** x")
    assert len(redact_words("x" * 1000)) <= 300


# --- connections ---


def test_a_connection_is_kept_and_replaced_when_it_is_gone():
    """A server that has hung up in the meantime costs a new connection, not a message."""
    with post_office({"RSET": in_turn(USUAL["RSET"], reset, USUAL["RSET"])}) as post:
        with notifier(dsn(post)) as sender:
            for _ in range(4):
                assert taken(sender.send(PERSON, "Hi", channel="email"))
    assert len(post.messages) == 4
    assert post.connections == 2
    assert post.count("QUIT") == 1


def test_a_kept_connection_that_is_silent_does_not_eat_the_deadline():
    """The question whether it is still good has a short answer, or none."""
    with post_office({"RSET": stall}) as post, contextlib.closing(transport_to(post)) as transport:
        transport.send(batch(), 5)
        began = time.monotonic()
        with pytest.raises(NotReached):
            transport.send(batch(), 0.5)
        assert time.monotonic() - began < 10


def test_threads_do_not_share_connections():
    """Every message arrives once, whole, and to its own recipient."""
    with post_office() as post, contextlib.closing(transport_to(post)) as transport:
        addresses = [f"r{index}@example.org" for index in range(24)]

        def work(mine: list[str]) -> None:
            for address in mine:
                transport.send(batch(f"for {address}", address), 10)

        threads = [threading.Thread(target=work, args=(addresses[start::6],)) for start in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    mails = [parsed(message) for message in post.messages]
    assert sorted(mail["To"] for mail in mails) == sorted(addresses)
    assert all(mail["To"] in mail.get_content() for mail in mails)
    assert post.connections <= 6


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="there is no fork here")
def test_a_forked_child_opens_a_connection_of_its_own():
    """Its parent's would answer the wrong one of them."""
    with post_office() as post, contextlib.closing(transport_to(post)) as transport:
        transport.send(batch("parent"), 5)
        child = multiprocessing.get_context("fork").Process(target=transport.send, args=(batch("child"), 5))
        child.start()
        child.join(30)
        assert child.exitcode == 0
        transport.send(batch("parent again"), 5)
        assert post.connections == 2
        assert [parsed(m).get_content().strip() for m in post.messages] == ["parent", "child", "parent again"]


def test_a_closed_transport_sends_nothing():
    """And says so."""
    with post_office() as post:
        transport = transport_to(post)
        transport.close()
        with pytest.raises(NotReached, match="closed"):
            transport.send(batch(), 5)
    assert post.connections == 0


# --- what is in the mail ---

NASTY = st.text(
    st.one_of(
        st.sampled_from("\r\n\t\x00\x0b\x85\u2028 <>@,;:\"'\\()=?_é١😀aB.\ud800"), st.characters(categories=None)
    ),
    max_size=120,
)
TEXT = st.text(
    st.one_of(st.sampled_from("\n\t .\u00e9١😀aB<>"), st.characters(exclude_categories=["Cs"])), max_size=400
)


def octets(text: str = "Hi", subject: str = "S", name: str = "") -> bytes:
    sender = Mailbox("shop@example.com", one_line(name))
    header = {"Subject": subject_of(Message(text, Channel.EMAIL, subject=subject), None)}
    return email_bytes(text, header, sender, PERSON, None, utf8=False)


@given(subject=NASTY, name=NASTY)
@hypothesis_settings(deadline=None)
def test_a_subject_or_name_can_add_nothing_to_the_header(subject, name):
    """Whatever they hold, there is one subject, one sender and one recipient, and they say what was given."""
    mail = parsed(octets(subject=subject, name=name))
    assert sorted(mail.keys()) == sorted(
        ["From", "To", "Subject", "Content-Type", "Content-Transfer-Encoding", "MIME-Version"]
    )
    assert mail["From"].addresses[0].addr_spec == "shop@example.com"
    assert len(mail["From"].addresses) == 1
    assert mail.get_content().rstrip() == "Hi"


@given(TEXT)
@hypothesis_settings(deadline=None)
def test_a_text_arrives_as_it_is(text):
    """Every character, however long the line; line ends become those of mail."""
    mail = octets(text)
    assert all(len(line) <= 998 for line in mail.split(b"\r\n"))
    assert b"\n" not in mail.replace(b"\r\n", b"")
    assert mail.isascii()
    lines = parsed(mail).get_payload(decode=True).decode().replace("\r\n", "\n")
    assert lines.rstrip("\n") == text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")


def test_a_dot_alone_does_not_end_a_message():
    """Nor does what follows it become a command."""
    text = "one\n.\nMAIL FROM:<evil@example.org>\n..two"
    with real_server() as (inbox, port), notifier(f"smtp://127.0.0.1:{port}?{FROM}") as sender:
        assert taken(sender.send(PERSON, text, channel="email"))
    assert len(inbox.envelopes) == 1
    assert text_of(inbox.envelopes[0].content).rstrip() == text


def test_a_subject_that_would_be_cut_is_refused():
    """Nobody would know what is missing."""
    assert smtp.CAPABILITIES.check(Message("Hi", Channel.EMAIL, subject="x" * 200)) is None
    refusal = smtp.CAPABILITIES.check(Message("Hi", Channel.EMAIL, subject="x" * 201))
    assert (refusal.detail, refusal.action) == (
        "The subject has 201 characters, and at most 200 are sent.",
        "Shorten it.",
    )


@pytest.mark.parametrize(
    ("message", "usual", "subject"),
    [
        (Message("text", subject="Given"), "Usual", "Given"),
        (Message("text", subject=" \n"), "Usual", "Usual"),
        (Message("\n\n first line \nsecond"), None, "first line"),
        (Message("word " * 30), None, "word " * 11 + "word…"),
        (Message("x" * 100), None, "x" * 59 + "…"),
        (Message(""), None, ""),
        (Message("t", subject="a\r\nBcc: x@y.example"), None, "a Bcc: x@y.example"),
    ],
)
def test_the_subject(message, usual, subject):
    """The message's, the usual one, or the beginning of the text."""
    assert subject_of(message, usual) == subject


@pytest.mark.parametrize(
    ("sender", "shown"),
    [
        (None, "Shop <shop@example.com>"),
        ("Billing", "Billing <shop@example.com>"),
        ("billing@example.com", "billing@example.com"),
        ("Bills <billing@example.com>", "Bills <billing@example.com>"),
    ],
)
def test_a_sender_is_a_name_or_an_address(sender, shown):
    """Or both; what is missing is the transport's own."""
    with (
        post_office() as post,
        contextlib.closing(
            transport_to(post, sender=Mailbox("shop@example.com", "Shop"), reply_to=Mailbox("help@example.com"))
        ) as transport,
    ):
        transport.send(batch(sender=sender), 5)
    assert parsed(post.messages[0])["From"] == shown
    assert parsed(post.messages[0])["Reply-To"] == "help@example.com"


def test_a_sender_that_is_half_an_address_is_refused():
    """It would be shown beside an address that it is not."""
    post, _ = refused(SenderNotAllowed, given=batch(sender="boss@bank@example"))
    assert post.connections == 0


def test_a_repeated_batch_can_be_recognised():
    """The same batch has the same Message-ID at every try, and another one has another."""
    with post_office() as post, contextlib.closing(transport_to(post)) as transport:
        one, other = batch(), batch()
        for each in (one, one, other):
            transport.send(each, 5)
    ids = [parsed(message)["Message-ID"] for message in post.messages]
    assert ids == [f"<{each.id}@example.com>" for each in (one, one, other)]
    assert len(set(ids)) == 2


def test_an_address_outside_ascii_needs_a_server_that_takes_it():
    """Where there is one, envelope and header are UTF-8; where there is none, it is said before anything is sent."""
    person = "用户@example.org"
    able = b"250-post.example\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"
    with post_office({"EHLO": able}) as post, notifier(dsn(post)) as sender:
        assert taken(sender.send(person, "Hi", channel="email"))
    assert any(line.lower().startswith(f"rcpt to:<{person}>".encode()) for line in post.lines)
    assert any("SMTPUTF8" in line.decode() for line in post.lines)
    with post_office() as post, notifier(dsn(post)) as sender:
        (receipt,) = sender.send(person, "Hi", channel="email").receipts
    assert receipt.error is not None
    assert receipt.error.code == "no_smtputf8"
    assert post.messages == []


@pytest.mark.parametrize("address", ["a@b.example\r\nRCPT TO:<c@d.example>", "a b@c.example", "<a@b.example>", "", "a"])
def test_an_address_can_say_no_command(address):
    """Not even one that was not normalized."""
    post, _ = refused(InvalidRecipient, given=batch(address=address))
    assert post.connections == 0


def test_half_a_character_is_refused_before_it_is_sent():
    """If the text was not cleaned."""
    post, _ = refused(ContentRejected, given=batch("a\ud800"))
    assert post.connections == 0
    assert smtp.CAPABILITIES.check(Message("a\ud800")) is not None


# --- settings ---


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (f"smtp://default?{FROM}", "mail server is missing"),
        ("smtp://mail.example", "sender is missing"),
        (f"smtp://me@mail.example?{FROM}", "go together"),
        (f"smtp://me:pw@mail.example?{FROM}&tls=none", "not sent across a network in clear"),
        (f"smtp://me:pw@mail.example?{FROM}&tls=offered", "not sent across a network in clear"),
        (f"smtp://me:pw@mail.example?{FROM}&tls=in-clear", "not sent across a network in clear"),
        (f"smtp://mail.example?{FROM}&tls=none", "tls=in-clear"),
        (f"smtps://mail.example?{FROM}&tls=none", "TLS from the start"),
        (f"smtp://mail.example/path?{FROM}", "no path"),
        ("smtp://mail.example?from=nobody", "no e-mail address"),
        (f"smtp://mail.example?{FROM}&form=x", "did you mean from"),
        (f"smtp://mail.example?{FROM}&ca_file=/nowhere.pem", "ca_file"),
    ],
)
def test_settings_that_cannot_be_used(given, problem):
    """Each says what to do, and none shows the password."""
    with pytest.raises(ConfigError, match=problem) as caught:
        build(given)
    assert "pw" not in str(caught.value)


def test_every_problem_is_reported_at_once():
    """Not one after the other."""
    with pytest.raises(ConfigError) as caught:
        build("smtp://me@default")
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (f"smtp://mail.example?{FROM}", ("offered", 25)),
        (f"smtp://localhost?{FROM}", ("none", 25)),
        (f"smtp://me:pw@mail.example?{FROM}", ("required", 587)),
        (f"smtp://me:pw@localhost?{FROM}", ("required", 587)),
        (f"smtp://me:pw@localhost?{FROM}&tls=none", ("none", 587)),
        (f"smtp://mail.example:2525?{FROM}&tls=in-clear", ("none", 2525)),
        (f"smtps://me:pw@mail.example?{FROM}", ("implicit", 465)),
    ],
)
def test_port_and_encryption_follow_from_each_other(given, expected):
    """The careful choice wherever a password or a network is involved; and its DSN can be read back."""
    with build(given) as sender:
        made = sender.transport._settings
        shown = str(sender.transport)
    assert (made.tls, made.port) == expected
    assert "pw" not in shown
    with build(shown) as again:
        assert attrs.evolve(again.transport._settings, credentials=None) == attrs.evolve(made, credentials=None)


def test_settings_come_from_the_environment():
    """And name the transport by being there."""
    environment = {
        "NOTIFYKIT_SMTP_HOST": "mail.example",
        "NOTIFYKIT_SMTP_PORT": "2587",
        "NOTIFYKIT_SMTP_USER": "shop@example.com",
        "NOTIFYKIT_SMTP_PASSWORD": "hunter2",
        "NOTIFYKIT_SMTP_NAME": "Shop",
        "NOTIFYKIT_SENDER": "Somebody",
    }
    with Notifier.from_settings(
        host=PluginHost(entry_points=False, builtins=BUILTINS), environment=environment
    ) as sender:
        made = sender.transport._settings
    assert made.sender == Mailbox("shop@example.com", "Shop")
    assert (made.host, made.port, made.tls) == ("mail.example", 2587, "required")
    assert "hunter2" not in repr(made)


@given(NASTY)
def test_a_mailbox_is_plain_or_none(text):
    """Whatever is read as one can be in a command."""
    found = Mailbox.parse(text)
    if found is not None:
        assert found.address.isprintable()
        assert not set(found.address) & set("<> \r\n")
        assert "\n" not in found.name
