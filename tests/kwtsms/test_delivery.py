"""Delivery reports from the sandbox gateway, over a real socket: asked for, and posted."""

from __future__ import annotations

import datetime
import json

import pytest
import urllib3

from notifykit import AsyncNotifier, TransportError, VirtualClock
from notifykit_kwtsms import delivery_report, parse_webhook
from notifykit_kwtsms.sandbox import Rules, Sandbox
from tests.kwtsms.conftest import kwtsms_host

KUWAIT, ABROAD, ABROAD_TOO = "96598765432", "966558724477", "966558724478"
PAYLOAD = {"msg-id": "f4c841adee210f31", "mobile": KUWAIT, "status": "DELIVERED", "delivered-at": None}


@pytest.fixture(name="sandbox")
def _sandbox():
    """A gateway that passes a message on after ten seconds, and has a route to Saudi Arabia."""
    with Sandbox(rules=Rules(rate_limit=None, status_delay=10)) as sandbox:
        sandbox.account.change(balance=1000, prefixes=("965", "966"))
        yield sandbox


@pytest.fixture(name="live")
def _live(sandbox, connect):
    """A notifier in live mode, with the sandbox as its gateway."""
    return connect(sandbox.dsn.replace("test=1", "test=0"))


def _force(sandbox, message_id, state, number=None):
    body = json.dumps({"state": state, "number": number}).encode()
    answer = urllib3.request("POST", f"{sandbox.url}/sandbox/dlr/{message_id}", body=body)
    assert answer.status == 200


def _asked(sandbox):
    return [request.endpoint for request in sandbox.requests if request.endpoint != "send"]


def test_abroad_goes_from_pending_over_sent_to_delivered(sandbox, live):
    """Queued at first, then with the network, then received; in the gateway's words, and the gateway is not asked after that."""
    (receipt,) = live.send(ABROAD, "Hello")
    pending = live.delivery(receipt)
    assert (pending.state, pending.words, pending.final) == ("pending", "queued", False)
    sandbox.clock.advance(10)
    sent = live.delivery(receipt)
    assert (sent.state, sent.words, sent.final) == ("sent", "sent", False)
    assert "five minutes" in sent.advice
    sandbox.clock.advance(300)
    delivered = live.delivery(receipt)
    assert (delivered.state, delivered.words, delivered.final) == ("delivered", "Received by recipient", True)
    assert _asked(sandbox) == ["status", "status", "dlr", "status", "dlr"]
    assert live.delivery(receipt) == delivered
    assert len(_asked(sandbox)) == 5


def test_kuwait_stays_sent_and_that_is_the_last_word(sandbox, live):
    """Its networks report nothing: dlr is never asked, and no report is expected."""
    (receipt,) = live.send(KUWAIT, "Hello")
    assert not live.delivery(receipt).final
    sandbox.clock.advance(86400)
    delivery = live.delivery(receipt)
    assert (delivery.state, delivery.words, delivery.final) == ("sent", "sent", True)
    assert "Kuwait" in delivery.advice
    assert live.delivery(receipt) == delivery
    assert _asked(sandbox) == ["status", "status"]


def test_a_campaign_is_two_questions(sandbox, live):
    """The answers of one request are for all its numbers; those in Kuwait end there, the others are asked for again."""
    report = live.send([KUWAIT, ABROAD, ABROAD_TOO, *(f"9659900{index:04d}" for index in range(150))], "Hello")
    sandbox.clock.advance(10)
    _force(sandbox, report[0].message_id, "failed", ABROAD)
    deliveries = live.deliveries(report)
    assert _asked(sandbox) == ["status", "dlr"]
    assert [delivery.state for delivery in deliveries[:3]] == ["sent", "undelivered", "sent"]
    assert [delivery.final for delivery in deliveries] == [True, True, False] + [True] * 150
    sandbox.clock.advance(300)
    assert [delivery.state for delivery in live.deliveries(report)[:3]] == ["sent", "undelivered", "delivered"]
    assert _asked(sandbox) == ["status", "dlr", "status", "dlr"]


def test_one_question_covers_every_recipient_of_the_request(sandbox, live):
    """Dlr answers for all numbers, also where one receipt is asked about."""
    first, second = live.send([ABROAD, ABROAD_TOO], "Hello")
    sandbox.clock.advance(310)
    live.delivery(first)
    assert live.delivery(second).state == "delivered"
    assert _asked(sandbox) == ["status", "dlr"]


def test_a_test_message_reaches_nobody(sandbox, connect):
    """It waits in the queue, and then is stuck there: that is its end, with how to get the points back."""
    notifier = connect()
    (receipt,) = notifier.send(KUWAIT, "Hello")
    assert notifier.delivery(receipt).state == "pending"
    sandbox.clock.advance(10)
    delivery = notifier.delivery(receipt)
    assert (delivery.state, delivery.words, delivery.final) == ("undelivered", "ERR030", True)
    assert "test" in delivery.advice
    assert "Queue" in delivery.advice


def test_a_live_message_that_is_stuck_is_undelivered(sandbox, live):
    """With the advice of the code's row."""
    (receipt,) = live.send(ABROAD, "Hello")
    _force(sandbox, receipt.message_id, "stuck")
    delivery = live.delivery(receipt)
    assert (delivery.state, delivery.words) == ("undelivered", "ERR030")
    assert "hidden characters" in delivery.advice


@pytest.mark.parametrize(
    ("forced", "state", "words"),
    [
        ("delivered", "delivered", "Received by recipient"),
        ("failed", "undelivered", "Failed"),
        ("expired", "expired", "Expired"),
        ("blacklisted", "undelivered", "Blacklisted"),
    ],
)
def test_words_of_networks_that_are_known(sandbox, live, forced, state, words):
    """Each has its state, and is kept."""
    (receipt,) = live.send(ABROAD, "Hello")
    sandbox.clock.advance(10)
    _force(sandbox, receipt.message_id, forced)
    delivery = live.delivery(receipt)
    assert (delivery.state, delivery.words, delivery.final) == (state, words, True)


def test_words_that_nobody_knows_stand_beside_what_is_known(sandbox, live):
    """A phone that is off is no end: it stays sent, is asked about again, and was delivered in the end."""
    (receipt,) = live.send(ABROAD, "Hello")
    sandbox.clock.advance(10)
    _force(sandbox, receipt.message_id, "switched-off")
    delivery = live.delivery(receipt)
    assert (delivery.state, delivery.not_understood, delivery.final) == ("sent", ("Phone switched off",), False)
    _force(sandbox, receipt.message_id, "delivered")
    assert live.delivery(receipt).state == "delivered"


@pytest.mark.parametrize("code", ["ERR019", "ERR021", "ERR022"])
def test_no_report_yet_is_no_error(sandbox, live, code):
    """It is sent, and can be asked about again."""
    (receipt,) = live.send(ABROAD, "Hello")
    sandbox.clock.advance(10)
    sandbox.chaos(code, endpoint="dlr")
    delivery = live.delivery(receipt)
    assert (delivery.state, delivery.final) == ("sent", False)


@pytest.mark.parametrize(
    ("fault", "endpoint", "code"),
    [
        ("ERR029", "status", "ERR029"),
        ("ERR003", "status", "ERR003"),
        ("ERR020", "dlr", "ERR020"),
        ("ERR023", "dlr", "ERR023"),
        ("html-200", "status", None),
        ("close", "dlr", None),
    ],
)
def test_no_answer_is_an_error_and_asking_again_helps(sandbox, live, fault, endpoint, code):
    """An unknown id, a wrong password, a lost answer: raised with its action, and nothing is sent."""
    (receipt,) = live.send(ABROAD, "Hello")
    sandbox.clock.advance(310)
    sandbox.chaos(fault, endpoint=endpoint)
    with pytest.raises(TransportError) as caught:
        live.delivery(receipt)
    assert caught.value.action
    assert code in (None, caught.value.code)
    assert live.delivery(receipt).state == "delivered"
    assert sandbox.accepted(ABROAD) == 1


def test_two_accounts_of_one_provider(sandbox, live, connect):
    """A notifier for another account does not know the message, and says so."""
    (receipt,) = live.send(ABROAD, "Hello")
    other = connect(sandbox.dsn.replace("test=1", "test=0").replace("sandbox:sandboxpassword", "worldwide:x"))
    with pytest.raises(TransportError):
        other.delivery(receipt)


async def _awaited(sandbox):
    dsn = sandbox.dsn.replace("test=1", "test=0")
    async with AsyncNotifier(dsn, clock=VirtualClock(), host=kwtsms_host()) as notifier:
        report = await notifier.send([KUWAIT, ABROAD], "Hello")
        sandbox.clock.advance(310)
        return await notifier.delivery(report[1]), await notifier.deliveries(report)


def test_the_same_from_asyncio(sandbox):
    """Awaited, with the same answers."""
    import asyncio

    one, all_of_them = asyncio.run(_awaited(sandbox))
    assert one.state == "delivered"
    assert [delivery.state for delivery in all_of_them] == ["sent", "delivered"]


def test_a_posted_receipt_is_recorded(sandbox, live):
    """One line from what was posted to what is known, whether the receipt or the post came first."""
    (receipt,) = live.send(KUWAIT, "Hello")
    payload = {**PAYLOAD, "msg-id": receipt.message_id, "mobile": "+965 9876 5432"}
    delivery = live.record_delivery_report(delivery_report(parse_webhook(payload)))
    assert (delivery.state, delivery.words, delivery.address) == ("delivered", "DELIVERED", KUWAIT)
    assert live.delivery(receipt) == delivery
    assert _asked(sandbox) == []


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("DELIVERED", "delivered"),
        ("Delivered to mobile", "delivered"),
        ("received  by RECIPIENT ", "delivered"),
        ("FAILED", "undelivered"),
        ("REJECTED", "undelivered"),
        ("Blacklisted", "undelivered"),
        ("EXPIRED", "expired"),
        ("PENDING", "pending"),
        ("UNKNOWN_NEW_STATUS", "unconfirmed"),
    ],
)
def test_every_status_has_a_state_and_keeps_its_words(status, state):
    """Whatever its capitals; an unknown one is unconfirmed."""
    report = delivery_report({**PAYLOAD, "status": status})
    assert (report.state, report.words) == (state, " ".join(status.split()))


def test_words_are_fit_for_a_log():
    """One line, printable, not long, and no number in it."""
    words = delivery_report({**PAYLOAD, "status": f"no\r\nroute\x1b[31m to {KUWAIT} " + "x" * 1000}).words
    assert words.isprintable()
    assert words.startswith("no route")
    assert KUWAIT not in words
    assert len(words) == 200


@pytest.mark.parametrize(
    ("given", "at"),
    [
        ("2026-01-01T15:00:00+03:00", datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)),
        ("2026-01-01T12:00:00Z", datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)),
        ("2026-01-01 15:00:00", None),
        (1767268800, None),
        ("soon", None),
        ("0001-01-01T00:00:00+14:00", None),
        ({}, None),
        (None, None),
    ],
)
def test_a_time_is_taken_only_where_its_zone_is_known(given, at):
    """The gateway's own numbers may be UTC or three hours off."""
    assert delivery_report({**PAYLOAD, "delivered-at": given}).at == at


@pytest.mark.parametrize(
    ("given", "address"), [("", None), (None, None), ("0096598765432", KUWAIT), (96598765432, KUWAIT)]
)
def test_a_number_may_be_missing_or_written_otherwise(given, address):
    """Without one it is about every recipient of the request."""
    assert delivery_report(parse_webhook({**PAYLOAD, "mobile": given})).address == address


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ("text", ["JSON object"]),
        (None, ["JSON object"]),
        ({"mobile": KUWAIT}, ["msg-id", "status"]),
        ({**PAYLOAD, "msg-id": "", "status": " ", "mobile": "abc"}, ["msg-id", "status", "mobile"]),
        ({**PAYLOAD, "msg-id": ["x"], "status": 5, "mobile": True}, ["msg-id", "status", "mobile"]),
        ({**PAYLOAD, "msg-id": "a\nb"}, ["msg-id"]),
        ({**PAYLOAD, "msg-id": "a" * 1000}, ["msg-id"]),
        ({**PAYLOAD, "mobile": "123"}, ["mobile"]),
    ],
)
def test_what_is_no_receipt_is_an_error_with_everything_that_is_wrong(payload, words):
    """Also where it was parsed before; no number is in it."""
    for posted in (payload, parse_webhook(payload)):
        with pytest.raises(ValueError, match="no delivery report") as caught:
            delivery_report(posted)
        assert all(word in str(caught.value) for word in words)
        assert KUWAIT not in str(caught.value)
