"""The webhook transport against a server on loopback."""

from __future__ import annotations

import base64
import json

import pytest

from notifykit import ConfigError, Notifier, Outcome, PluginHost, VirtualClock
from tests.transports.wire import answer, close, scripted

NUMBER = "96598765432"


def _notifier(dsn: str, **parts) -> Notifier:
    return Notifier(dsn, host=PluginHost(entry_points=False), clock=VirtualClock(), **parts)


def _dsn(wire, rest: str = "/hooks/s3cret", user: str = "") -> str:
    return f"webhook+http://{user}127.0.0.1:{wire.port}{rest}"


def test_a_batch_is_one_json_document():
    """Everything an endpoint needs is in the body, and a key that it can recognise a repetition by."""
    with scripted(answer(b'{"message_id": 17}')) as wire, _notifier(_dsn(wire)) as notifier:
        report = notifier.send([NUMBER, "96598765433"], "مرحبا", sender="ACME", tags=["otp"], idempotency_key="k")
    head, _, body = wire.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /hooks/s3cret HTTP/1.1")
    assert b"idempotency-key: k" in head.lower()
    sent = json.loads(body)
    assert sent.pop("id").endswith("-1")
    assert sent == {
        "v": 1,
        "channel": "sms",
        "sender": "ACME",
        "subject": None,
        "text": "مرحبا",
        "to": [NUMBER, "96598765433"],
        "tags": ["otp"],
        "idempotency_key": "k",
    }
    assert report.message_ids == ("17",)
    assert len(report.accepted) == 2


@pytest.mark.parametrize(
    ("user", "rest", "expected"),
    [
        ("", "/h?bearer=t0ken", "Bearer t0ken"),
        ("me:p%40ss@", "/h", "Basic " + base64.b64encode(b"me:p@ss").decode()),
    ],
)
def test_credentials_travel_in_the_authorization_header(user, rest, expected):
    """And stay out of the URL."""
    with scripted(answer()) as wire, _notifier(_dsn(wire, rest, user)) as notifier:
        notifier.send(NUMBER, "Hi")
    head = wire.requests[0].partition(b"\r\n\r\n")[0].decode()
    assert f"authorization: {expected}".lower() in head.lower()
    assert "t0ken" not in head.splitlines()[0]


def test_options_of_the_endpoint_stay_in_its_url():
    """What is not ours belongs to the endpoint, spelled as it was."""
    with scripted(answer()) as wire, _notifier(_dsn(wire, "/h?team=a%26b&sender=ACME")) as notifier:
        notifier.send(NUMBER, "Hi")
    assert wire.requests[0].startswith(b"POST /h?team=a%26b HTTP/1.1")
    assert b'"sender": "ACME"' in wire.requests[0]


def test_nothing_secret_is_shown():
    """Path, token and password are in no repr and no DSN that is printed."""
    with _notifier("webhook://me:hunter2@example.com/s3cret?bearer=t0ken") as notifier:
        shown = f"{notifier.transport} {notifier.transport!r} {notifier!r} {notifier.settings!r}"
    assert "example.com" in shown
    for secret in ("hunter2", "s3cret", "t0ken"):
        assert secret not in shown


@pytest.mark.parametrize(
    ("status", "headers", "outcome", "code", "tries"),
    [
        ("204 No Content", "", Outcome.ACCEPTED, None, 1),
        ("301 Moved", "Location: http://127.0.0.1:9/\r\n", Outcome.REJECTED, "HTTP301", 1),
        ("400 Bad", "", Outcome.REJECTED, "HTTP400", 1),
        ("401 Who", "", Outcome.REJECTED, "HTTP401", 1),
        ("404 Gone", "", Outcome.REJECTED, "HTTP404", 1),
        ("429 Slow", "Retry-After: 3\r\n", Outcome.REJECTED, "HTTP429", 3),
        ("503 Busy", "Retry-After: 3\r\n", Outcome.REJECTED, "HTTP503", 1),
        ("500 Oops", "", Outcome.UNKNOWN, "HTTP500", 1),
        ("502 Proxy", "", Outcome.UNKNOWN, "HTTP502", 1),
        ("504 Proxy", "", Outcome.UNKNOWN, "HTTP504", 1),
    ],
)
def test_a_status_means_what_it_says_about_sending(status, headers, outcome, code, tries):
    """A refusal is a refusal, and a server that failed half-way leaves an unknown outcome that is not repeated."""
    with scripted(answer(b"", status, headers)) as wire, _notifier(_dsn(wire)) as notifier:
        (receipt,) = notifier.send(NUMBER, "Hi")
    assert (receipt.outcome, receipt.code, len(wire.requests)) == (outcome, code, tries)
    assert receipt.advice


def test_single_recipients_may_be_refused():
    """An endpoint says which, and the others are accepted."""
    body = json.dumps({"rejected": {NUMBER: f"{NUMBER} is on the list", "1": "was never asked"}}).encode()
    with scripted(answer(body)) as wire, _notifier(_dsn(wire)) as notifier:
        report = notifier.send([NUMBER, "96598765433"], "Hi")
    assert [receipt.outcome for receipt in report] == [Outcome.REJECTED, Outcome.ACCEPTED]
    assert report.rejected[0].error.provider_words == f"{NUMBER} is on the list"
    assert NUMBER not in f"{report.rejected[0].error!r}{report.rejected[0].error}"


@pytest.mark.parametrize("rejected", [["96598765432"], {"+96598765432": "on the list"}])
def test_refusals_are_read_in_every_likely_form(rejected):
    """A list, and an address with its plus, mean the same recipient."""
    with scripted(answer(json.dumps({"rejected": rejected}).encode())) as wire, _notifier(_dsn(wire)) as notifier:
        assert len(notifier.send(NUMBER, "Hi").rejected) == 1


@pytest.mark.parametrize("rejected", ["all", ["1"], {"1": "no"}, 7])
def test_refusals_that_can_not_be_read_are_a_warning(rejected):
    """It is not taken for a success."""
    with scripted(answer(json.dumps({"rejected": rejected}).encode())) as wire, _notifier(_dsn(wire)) as notifier:
        (receipt,) = notifier.send(NUMBER, "Hi").accepted
    assert "not in the batch" in receipt.advice or "not documented" in receipt.advice


def test_a_key_in_any_script_can_be_a_header():
    """The caller's own name for a send may be Arabic."""
    with scripted(answer()) as wire, _notifier(_dsn(wire)) as notifier:
        assert len(notifier.send(NUMBER, "Hi", idempotency_key="طلب-1").accepted) == 1


@pytest.mark.parametrize("body", [b"thanks", b"[1]", b'{"message_id": null}', b"\xff\xfe"])
def test_an_odd_body_behind_a_2xx_is_still_accepted(body):
    """The endpoint said yes; what it added is only noted."""
    with scripted(answer(body)) as wire, _notifier(_dsn(wire)) as notifier:
        assert len(notifier.send(NUMBER, "Hi").accepted) == 1


def test_a_lost_answer_is_unknown_and_asked_once():
    """What may have arrived is not repeated."""
    with scripted(close) as wire, _notifier(_dsn(wire)) as notifier:
        assert len(notifier.send(NUMBER, "Hi").unknown) == 1
    assert len(wire.requests) == 1


def test_a_bare_name_asks_where_to_post():
    """``webhook`` alone can't work."""
    with pytest.raises(ConfigError, match="webhook://host/path"):
        _notifier("webhook")


def test_an_answer_to_another_batch_is_unknown():
    """An endpoint that repeats the id lets a mix-up be noticed; its own id is none of ours."""

    def echo(connection, request):
        batch = json.loads(request.partition(b"\r\n\r\n")[2])["id"]
        return answer(json.dumps({"batch_id": batch if b"right" in request else "other", "id": 7}).encode())(
            connection, request
        )

    with scripted(echo) as wire, _notifier(_dsn(wire)) as notifier:
        assert len(notifier.send(NUMBER, "right").accepted) == 1
        assert notifier.send(NUMBER, "wrong")[0].error.code == "other_answer"


def test_a_lost_connection_that_was_kept_costs_an_endpoint_nothing():
    """It takes the same key once, so the batch is posted again."""
    kept = []

    def script(connection, request):
        if connection in kept:
            return False
        kept.append(connection)
        return answer()(connection, request)

    with scripted(script) as wire, _notifier(_dsn(wire)) as notifier:
        assert all(len(notifier.send(NUMBER, f"Hi {number}").accepted) == 1 for number in range(4))
    keys = [line for request in wire.requests for line in request.split(b"\r\n") if line.startswith(b"Idempotency-Key")]
    assert (len(keys), len(set(keys))) == (5, 4)


@pytest.mark.parametrize("bearer", ["a%20b", "Bearer%20t0ken", "t%C3%B6ken"])
def test_a_bearer_that_no_header_can_hold_is_an_error_at_once(bearer):
    """And not by the first message; it is not shown."""
    with pytest.raises(ConfigError, match=r"webhook\.bearer") as caught:
        _notifier(f"webhook://example.com/h?bearer={bearer}")
    assert "ken" not in str(caught.value).replace("token", "")


@pytest.mark.parametrize("option", ["ca_file", "client_cert"])
def test_a_certificate_of_the_dsn_is_used_and_not_sent(option, tmp_path):
    """It is a file of this machine: the endpoint gets neither its name nor the option."""
    with pytest.raises(ConfigError, match="nowhere"):
        _notifier(f"webhook://example.com/h?{option}={tmp_path}/nowhere.pem")
    with scripted(answer()) as wire, _notifier(_dsn(wire, f"/h?{option}={tmp_path}/nowhere.pem&x=1")) as notifier:
        notifier.send(NUMBER, "Hi")
    assert wire.requests[0].startswith(b"POST /h?x=1 HTTP/1.1")


def test_an_address_of_one_link_has_its_zone():
    """In a URL its % is written %25 (RFC 6874); the resolver gets it as it is."""
    with _notifier("webhook+http://[fe80::1%25nowhere0]:8080/h") as notifier:
        assert str(notifier.transport) == "webhook+http://[fe80::1%25nowhere0]:8080"
        (receipt,) = notifier.send(NUMBER, "Hi")
    assert receipt.outcome is Outcome.REJECTED
    assert "fe80::1%nowhere0" in receipt.error.detail
