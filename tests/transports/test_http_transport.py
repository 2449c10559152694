"""The base of transports over HTTP: a provider in forty lines, with everything that HTTP asks for."""

from __future__ import annotations

import json
import urllib.parse

import pytest

from notifykit import (
    AuthFailed,
    Batch,
    Capabilities,
    ContentRejected,
    Dsn,
    Notifier,
    Outcome,
    OutcomeUnknown,
    PluginHost,
    ProviderUnavailable,
    RateLimit,
    RateLimited,
    RetryPolicy,
    Settings,
    Submission,
    TransportError,
)
from notifykit.http import HttpAnswer, HttpRequest, HttpTransport, error_for_status
from tests.transports.wire import answer, reset, scripted


class Provider(HttpTransport):
    """A provider that takes forms and answers in JSON."""

    name = "provider"
    capabilities = Capabilities(batch_size=1)
    provider = "The provider"

    def __init__(self, url: str) -> None:
        super().__init__(url, headers={"Authorization": "Bearer s3cret"})

    def request(self, batch: Batch) -> HttpRequest:
        """Return the form."""
        return HttpRequest.form({"To": batch.recipients[0].address, "Body": batch.message.text}, path="/Messages.json")

    def read(self, answer: HttpAnswer, batch: Batch) -> Submission:
        """Return the provider's id."""
        return Submission(message_id=json.loads(answer.body)["sid"])


def _notifier(url: str) -> Notifier:
    return Notifier(Provider(url), host=PluginHost(entry_points=False), retry=RetryPolicy.never())


def test_a_provider_is_a_request_and_the_reading_of_its_answer():
    """Headers, path and form are in the request, and the id on the receipt."""
    with scripted(answer(b'{"sid": "SM1"}')) as wire, _notifier(f"{wire.url}/v1") as notifier:
        receipt = notifier.send("96598765432", "Hello & bye")[0]
    assert receipt.message_id == "SM1"
    head, _, body = wire.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/Messages.json HTTP/1.1\r\n")
    assert b"\r\nAuthorization: Bearer s3cret\r\n" in head
    assert head.endswith(b"\r\nContent-Type: application/x-www-form-urlencoded")
    assert dict(urllib.parse.parse_qsl(body.decode())) == {"To": "96598765432", "Body": "Hello & bye"}


def test_what_breaks_is_unknown_and_what_is_refused_is_rejected():
    """As for every other transport."""
    with scripted(reset) as wire, _notifier(wire.url) as notifier:
        assert notifier.send("96598765432", "Hello")[0].outcome is Outcome.UNKNOWN
    with scripted(answer(b"", "401 Unauthorized")) as wire, _notifier(wire.url) as notifier:
        receipt = notifier.send("96598765432", "Hello")[0]
    assert (receipt.outcome, receipt.code) == (Outcome.REJECTED, "HTTP401")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'"sid"', b"null", b"[" * 100_000])
def test_an_answer_that_can_not_be_read_is_unknown(body):
    """Reading code needs no try: what it raises says that the answer is not the provider's."""

    class Reading(Provider):
        def read(self, answer: HttpAnswer, batch: Batch) -> Submission:
            return Submission(answer.json()["sid"].strip())

    with scripted(answer(body)) as wire:
        with Notifier(Reading(wire.url), host=PluginHost(entry_points=False), retry=RetryPolicy.never()) as notifier:
            (receipt,) = notifier.send("96598765432", "Hello")
    assert (receipt.outcome, receipt.code) == (Outcome.UNKNOWN, "unreadable")
    assert receipt.error.detail.startswith("The provider's answer can't be read (")
    assert receipt.error.__context__ is None


@pytest.mark.parametrize(
    ("dsn", "url", "shown"),
    [
        ("provider", "https://provider.example/v1", "provider://provider.example"),
        ("provider://api.example:8443/v2", "https://api.example:8443/v2", "provider://api.example:8443"),
        ("provider+http://localhost/s3cret", "http://localhost/s3cret", "provider+http://localhost"),
        ("provider+http://[::1]:80", "http://[::1]:80", "provider+http://[::1]:80"),
    ],
)
def test_a_dsn_names_the_address_and_is_shown_again(dsn, url, shown):
    """Without the path, which may be a secret; a DSN without a host means the provider's own address."""
    found = HttpTransport.url_of(Dsn.parse(dsn), "https://provider.example/v1")
    assert found == url
    transport = Provider(found)
    assert str(transport) == shown == str(Dsn.parse(shown))
    transport.sender = "MY SHOP"
    assert Dsn.parse(str(transport)).options == {"sender": "MY SHOP"}
    transport.close()


def test_where_there_is_a_rate_limit_it_connects_before_its_turn(tmp_path):
    """The connection is there before the request is sent, and is the one that carries it."""
    found = []

    class RateLimitedProvider(Provider):
        capabilities = Capabilities(batch_size=1, rate_limit=RateLimit(50, f"http-transport-{tmp_path.name}"))

        def request(self, batch: Batch) -> HttpRequest:
            assert wire.wait_for_connections(1)
            found.append((wire.connections, len(wire.requests)))
            return super().request(batch)

    with scripted(answer(b'{"sid": "SM1"}')) as wire:
        settings = Settings(state_dir=str(tmp_path))
        with Notifier(
            RateLimitedProvider(wire.url), host=PluginHost(entry_points=False), settings=settings
        ) as notifier:
            assert notifier.send("96598765432", "Hello").accepted
        assert found == [(1, 0)]
        assert wire.connections == 1


def test_nothing_secret_is_shown():
    """Neither by the transport nor by a request."""
    transport = Provider("https://provider.example/")
    request = HttpRequest.json({"text": "code 4711"}, path="/s3cret", headers={"X-Token": "s3cret"})
    assert "s3cret" not in f"{transport!r} {request!r}"
    assert "4711" not in repr(request)
    transport.close()


def test_half_a_surrogate_is_written_as_json_writes_it():
    """A text that no encoding has is still JSON."""
    assert json.loads(HttpRequest.json({"text": "a\ud800b"}).body) == {"text": "a\ud800b"}


def _answered(status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> HttpAnswer:
    return HttpAnswer(status, headers or {}, body)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (_answered(200), type(None)),
        (_answered(299), type(None)),
        (_answered(101), OutcomeUnknown),
        (_answered(301), ProviderUnavailable),
        (_answered(303), OutcomeUnknown),
        (_answered(304), OutcomeUnknown),
        (_answered(308), ProviderUnavailable),
        (_answered(400), ContentRejected),
        (_answered(401), AuthFailed),
        (_answered(403), AuthFailed),
        (_answered(404), ProviderUnavailable),
        (_answered(407), ProviderUnavailable),
        (_answered(408), OutcomeUnknown),
        (_answered(409), OutcomeUnknown),
        (_answered(410), ProviderUnavailable),
        (_answered(423), OutcomeUnknown),
        (_answered(425), OutcomeUnknown),
        (_answered(413), ContentRejected),
        (_answered(422), ContentRejected),
        (_answered(429), RateLimited),
        (_answered(500), OutcomeUnknown),
        (_answered(502), OutcomeUnknown),
        (_answered(503), ProviderUnavailable),
        (_answered(503, body=b"<html>"), OutcomeUnknown),
        (_answered(503, {"retry-after": "7"}, b"<html>"), ProviderUnavailable),
        (_answered(999), OutcomeUnknown),
    ],
    ids=lambda value: f"{value.status}-{len(value.body)}" if isinstance(value, HttpAnswer) else "",
)
def test_each_status_means_one_error(said: HttpAnswer, kind: type[TransportError]):
    """Unknown wherever the provider may have taken the message; else it certainly did not."""
    error = error_for_status(said, "Acme")
    assert type(error) is kind
    if error is not None:
        assert error.code == f"HTTP{said.status}"
        assert error.action
        assert error.safe_to_resend is (kind is not OutcomeUnknown)
        assert ("redirect" in str(error)) is (said.status in (301, 308))
    if isinstance(error, RateLimited | ProviderUnavailable) and said.retry_after:
        assert error.retry_after == 7
