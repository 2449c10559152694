"""Every transport that comes with notifykit, through the contract that strangers' transports are held to."""

from __future__ import annotations

import base64
import email
import email.policy
import io
import json
from collections.abc import Sequence

import pytest

from notifykit import Channel, Failover, FanOut, MemoryTransport, RoundRobin, Route, Secret, Weighted
from notifykit.pipeline.clock import SystemClock, VirtualClock
from notifykit.protocols import Transport
from notifykit.testing.contracts import TransportContract, WireContract, body_of, http_answer
from notifykit.transports.apprise import AppriseTransport, Target
from notifykit.transports.file import FileTransport
from notifykit.transports.smtp import Mailbox, SmtpSettings, SmtpTransport
from notifykit.transports.stubs import ConsoleTransport, NullTransport
from notifykit.transports.webhook import WebhookTransport
from tests.testing.contracts.smtp_wire import SmtpWire


def _kept(*transports: MemoryTransport) -> list[tuple[str, str]]:
    batches = [batch for transport in transports for batch in transport.batches]
    return [(recipient.address, batch.message.text) for batch in batches for recipient in batch.recipients]


class TestMemory(TransportContract):
    """``memory``."""

    def transport(self) -> MemoryTransport:
        return MemoryTransport()

    def arrived(self, transport: Transport) -> Sequence[tuple[str, str]]:
        assert isinstance(transport, MemoryTransport)
        return _kept(transport)


class TestNull(TransportContract):
    """``null``."""

    channel = Channel.PUSH

    def transport(self) -> Transport:
        return NullTransport()


class TestConsole(TransportContract):
    """``console``."""

    def transport(self) -> Transport:
        self.stream = io.StringIO()
        return ConsoleTransport(self.stream)

    def arrived(self, transport: Transport) -> Sequence[tuple[str, str]]:
        shown = self.stream.getvalue().split("sms → ")[1:]
        pairs = [one.split("\n", 1) for one in shown]
        return [(address, text) for head, text in pairs for address in head.split(", ")]


class TestFile(TransportContract):
    """``file``."""

    def transport(self) -> Transport:
        return FileTransport(self.folder / "messages.jsonl", SystemClock())

    def arrived(self, transport: Transport) -> Sequence[tuple[str, str]]:
        lines = (self.folder / "messages.jsonl").read_text(encoding="utf-8").splitlines()
        return [(row["to"], row["text"]) for row in map(json.loads, lines)]


class _OfMemory(TransportContract):
    """A transport that is made of others."""

    def transport(self) -> Transport:
        self.parts = [MemoryTransport(), MemoryTransport()]
        return self.made_of(*self.parts)

    def made_of(self, *parts: MemoryTransport) -> Transport:
        raise NotImplementedError


class TestFailover(_OfMemory):
    """``failover``."""

    def made_of(self, *parts: MemoryTransport) -> Transport:
        return Failover(*parts)

    def arrived(self, transport: Transport) -> Sequence[tuple[str, str]]:
        return _kept(*self.parts)


class TestFanOut(_OfMemory):
    """``fanout``: each part gets everything, so what the first gets is looked at."""

    def made_of(self, *parts: MemoryTransport) -> Transport:
        return FanOut(*parts)

    def arrived(self, transport: Transport) -> Sequence[tuple[str, str]]:
        return _kept(self.parts[0])


class TestRoundRobin(_OfMemory):
    """``roundrobin``."""

    def made_of(self, *parts: MemoryTransport) -> Transport:
        return RoundRobin(*parts)


class TestWebhook(WireContract):
    """``webhook``: an endpoint of your own, whose every success is a yes."""

    any_success_is_yes = True
    secrets = ("hunter2", "me:hunter2")

    def transport_to(self, url: str) -> Transport:
        token = base64.b64encode(b"me:hunter2").decode()
        return WebhookTransport(f"{url}/hooks/s3cret", authorization=Secret(f"Basic {token}"))

    def yes(self, request: bytes) -> bytes:
        return http_answer('{"message_id": "17"}')

    def no(self) -> dict[str, bytes]:
        return {
            "bad credentials": http_answer("{}", "401 Unauthorized"),
            "a bad message": http_answer("{}", "422 Unprocessable Content"),
            "too often": http_answer("", "429 Too Many Requests", "Retry-After: 3"),
            "not now": http_answer("", "503 Service Unavailable", "Retry-After: 3"),
        }

    def reads(self, request: bytes) -> list[tuple[str, str]]:
        sent = json.loads(body_of(request))
        return [(address, sent["text"]) for address in sent["to"]]

    def quotes(self, request: bytes) -> dict[str, bytes]:
        sent = json.loads(body_of(request))
        why = f"{sent['to'][0]} does not want {sent['text']!r}"
        return {"a reason with everything in it": http_answer(json.dumps({"rejected": {sent["to"][0]: why}}))}


class TestApprise(TransportContract):
    """``apprise``, with a target that takes everything."""

    channel = Channel.PUSH
    to = ("ops-team-on-duty", "ops-team-at-home")

    def transport(self) -> Transport:
        apprise = pytest.importorskip("apprise")
        self.sent_texts: list[tuple[str, str]] = []

        class Recording(apprise.NotifyBase):  # type: ignore[name-defined,misc]
            def __init__(recording, name: str) -> None:
                super().__init__()
                recording.name = name

            def send(recording, body: str, title: str = "", **options: object) -> bool:
                self.sent_texts.append((recording.name, body))
                return True

        return AppriseTransport([Target(Recording(name), frozenset({name})) for name in self.to])

    def arrived(self, transport: Transport) -> Sequence[tuple[str, str]]:
        return self.sent_texts


class TestWeighted(_OfMemory):
    """``weighted``."""

    def made_of(self, *parts: MemoryTransport) -> Transport:
        return Weighted(*((number, part) for number, part in enumerate(parts, 1)))


class TestRoute(_OfMemory):
    """``route``."""

    def made_of(self, *parts: MemoryTransport) -> Transport:
        return Route(("country=SA", parts[1]), (None, parts[0]))

    def arrived(self, transport: Transport) -> Sequence[tuple[str, str]]:
        return _kept(*self.parts)


class TestSmtp(WireContract):
    """``smtp``, against a mail server that fails once it has the whole message."""

    wire = SmtpWire()
    channel = Channel.EMAIL

    def transport_to(self, url: str) -> Transport:
        port = int(url.rpartition(":")[2])
        sender = Mailbox("shop@example.com")
        return SmtpTransport(SmtpSettings(host="127.0.0.1", port=port, sender=sender, tls="none"), VirtualClock())

    def yes(self, request: bytes) -> bytes:
        return b"250 2.0.0 Ok: queued as 4XyZ12abc\r\n"

    def no(self) -> dict[str, bytes]:
        return {"spam": b"554 5.7.1 no\r\n", "full": b"452 4.3.1 no room\r\n", "no recipient": b"550 5.1.1 who?\r\n"}

    def reads(self, request: bytes) -> list[tuple[str, str]]:
        mail = email.message_from_bytes(request, policy=email.policy.SMTP)
        assert isinstance(mail, email.message.EmailMessage)
        return [(str(mail["To"]), mail.get_content().strip())]
