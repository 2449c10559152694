"""The questions that cost nothing, and the wait of ``send_with_retry``."""

from __future__ import annotations

import pytest

from notifykit import VirtualClock
from notifykit_kwtsms import KwtSMS
from notifykit_kwtsms.sandbox import Rules, Sandbox
from tests.kwtsms.client.conftest import NUMBER, BothClocks, campaign


def test_the_balance_is_remembered(sandbox, sms):
    """By every send and every look; ``purchased`` by a look only."""
    assert (sms.cached_balance, sms.purchased) == (None, None)
    sms.send(NUMBER, "Hello")
    assert (sms.cached_balance, sms.purchased) == (9999, None)
    sandbox.account.change(balance=200)
    assert sms.balance() == sms.cached_balance == 200.0
    assert sms.purchased == 1000.0


def test_verify_never_raises(sandbox, sms):
    """Not for a code, not for a page, not for a gateway that is not there."""
    for fault in ("ERR001", "html-200", "reset", "redirect", "html-502", "ERR024"):
        sandbox.chaos(fault, endpoint="balance")
        ok, balance, error = sms.verify()
        assert (ok, balance) == (False, None)
        assert " → " in error
    sandbox.stop()
    ok, balance, error = sms.verify()
    assert (ok, balance) == (False, None)
    assert "connection" in error.lower()
    assert sms.balance() is None


def test_senders_and_coverage(sandbox, sms):
    """Lists under their own names."""
    assert sms.senderids() == {"result": "OK", "senderids": ["KWT-SMS", "MY-APP"]}
    assert sms.coverage() == {"result": "OK", "prefixes": ["965"]}


@pytest.mark.parametrize("question", ["senderids", "coverage", "status", "dlr"])
def test_a_question_never_raises_either(sandbox, sms, question):
    """A failure on the way is a dict with NETWORK, words and an action; a refusal keeps its code."""
    arguments = ["0" * 32] if question in {"status", "dlr"} else []
    sandbox.chaos("reset")
    lost = getattr(sms, question)(*arguments)
    assert list(lost) == ["result", "code", "description", "action"]
    assert (lost["result"], lost["code"]) == ("ERROR", "NETWORK")
    assert lost["description"]
    assert lost["action"]
    sandbox.chaos("ERR003")
    assert getattr(sms, question)(*arguments)["code"] == "ERR003"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("html-200", "it is a page of HTML or XML"),
        ("empty-200", "it is empty"),
        ("broken-json", "it is broken JSON"),
        ("json-list", "it is a JSON list"),
        ("html-502", "failed with 502"),
        ("reset", "the connection broke off before the answer"),
    ],
)
@pytest.mark.parametrize("question", ["verify", "validate", "senderids", "coverage", "status"])
def test_a_question_without_an_answer_says_why(sandbox, sms, question, fault, reason):
    """As a send does, and without a word about sending again."""
    sandbox.chaos(fault)
    arguments = {"validate": [NUMBER], "status": ["0" * 32]}.get(question, [])
    found = getattr(sms, question)(*arguments)
    if question == "verify":
        words = found[2]
    else:
        words = found["error"] if question == "validate" else f"{found['description']} → {found['action']}"
    assert reason in words
    assert "Ask again; nothing is sent or charged by asking." in words
    assert "may have been sent" not in words


def test_a_question_that_is_not_answered_in_time_says_so(sandbox, connect):
    """It is another cause than an answer that can't be read."""
    sandbox.chaos("hang", delay=20)
    _, _, error = connect(timeout=1).verify()
    assert "No readable answer from balance: no whole answer came before the deadline." in error


def test_a_question_that_met_no_network_does_not_speak_of_sending(sandbox, sms):
    """There is no message that could be sent again."""
    sandbox.stop()
    _, _, error = sms.verify()
    assert "connection was refused" in error
    assert "sending again" not in error
    assert error.endswith("Ask again; nothing is sent or charged by asking.")


def test_status_asks_the_endpoint_that_exists(sandbox, connect):
    """A live message is sent; a test message ends stuck; an unknown id has its code and action."""
    live = connect(test_mode=False)
    said = live.status(live.send(NUMBER, "Hello")["msg-id"])
    assert said == {"result": "OK", "status": "sent", "description": "Message successfully sent to gateway"}
    test = connect()
    assert test.status(test.send(NUMBER, "Hello")["msg-id"])["code"] == "ERR030"
    unknown = test.status("0" * 32)
    assert unknown["code"] == "ERR029"
    assert "msg-id" in unknown["action"]
    assert [request.endpoint for request in sandbox.requests] == ["send", "status", "send", "status", "status"]


def test_delivery_reports(sandbox, build):
    """None for Kuwait; elsewhere after some minutes; an unknown id has its code and action."""
    sms = build(
        lambda cls: cls("worldwide", "sandboxpassword", log_file="", base_url=sandbox.api_url, clock=VirtualClock())
    )
    abroad = sms.send("966558724477", "Hello")["msg-id"]
    at_home = sms.send(NUMBER, "Hello")["msg-id"]
    assert sms.dlr(abroad)["code"] == "ERR021"
    sandbox.clock.advance(300)
    said = sms.dlr(abroad)
    assert said["result"] == "OK"
    assert said["report"] == [{"Number": "966558724477", "Status": "Received by recipient"}]
    assert sms.dlr(at_home)["code"] == "ERR019"
    unknown = sms.dlr("0" * 32)
    assert unknown["code"] == "ERR020"
    assert "msg-id" in unknown["action"]


def test_validate_without_a_valid_number_asks_nobody(sandbox, sms):
    """No raw answer, because there was no call; the error says why."""
    report = sms.validate(["abc", ""])
    assert (report["ok"], report["er"], report["nr"], report["raw"]) == ([], ["abc", ""], [], None)
    assert report["error"]
    assert [rejected["input"] for rejected in report["rejected"]] == ["abc", ""]
    assert sandbox.requests == ()


def test_validate_keeps_the_buckets_apart(sandbox, sms):
    """Malformed at the gateway, and without a route."""
    report = sms.validate("96598765432, 96522334455, 966558724477, 12")
    assert (report["ok"], report["er"], report["nr"]) == ([NUMBER], ["96522334455", "12"], ["966558724477"])


def test_validate_asks_about_each_number_once_and_200_at_a_time(sandbox, sms):
    """The answers of several requests are one report, raw answer included."""
    numbers = campaign(250)
    report = sms.validate([*numbers, *numbers])
    assert report["ok"] == numbers == report["raw"]["mobile"]["OK"]
    assert [request.endpoint for request in sandbox.requests] == ["validate", "validate"]


def test_validate_reports_a_refusal(sandbox, sms):
    """The error has words and an action; no number is called malformed for it."""
    sandbox.chaos("ERR024", endpoint="validate")
    report = sms.validate([NUMBER, "abc"])
    assert " → " in report["error"]
    assert (report["ok"], report["er"], report["raw"]["code"]) == ([], ["abc"], "ERR024")
    sandbox.chaos("reset", endpoint="validate")
    assert sms.validate([NUMBER])["raw"] is None


def test_a_balance_that_is_no_number_is_not_a_balance():
    """Texts that are numbers are read; nothing else is made up."""
    with Sandbox(rules=Rules(rate_limit=None, numbers_as_strings=True)) as sandbox:
        with KwtSMS("sandbox", "sandboxpassword", log_file="", base_url=sandbox.api_url, clock=VirtualClock()) as sms:
            assert sms.verify() == (True, 150.0, None)


class TestSendWithRetry:
    """ERR028 is waited for, 16 seconds a time, and nothing else is."""

    def test_a_first_send_does_not_wait(self, sandbox, connect):
        """OK: no sleep."""
        clock = VirtualClock()
        assert connect(clock=clock).send_with_retry(NUMBER, "Hello")["result"] == "OK"
        assert clock.sleeps == []

    def test_too_soon_is_waited_for_once(self, sandbox, connect):
        """The second message to one number is sent 16 seconds later."""
        clock = BothClocks(sandbox)
        sms = connect(clock=clock, test_mode=False)
        assert sms.send(NUMBER, "one")["result"] == "OK"
        assert sms.send_with_retry(NUMBER, "two", sender="MY-APP")["result"] == "OK"
        assert [sleep for sleep in clock.sleeps if sleep != 0.5] == [16]
        assert [message.text for message in sandbox.messages] == ["one", "two"]

    @pytest.mark.parametrize("retries", [0, 1, 3])
    def test_it_gives_up(self, sandbox, connect, retries):
        """After so many waits the refusal comes back."""
        clock = VirtualClock()
        sandbox.chaos("ERR028", endpoint="send", times=None)
        result = connect(clock=clock).send_with_retry(NUMBER, "Hello", max_retries=retries)
        assert result["code"] == "ERR028"
        assert [sleep for sleep in clock.sleeps if sleep != 0.5] == [16] * retries
        assert len(sandbox.requests) == retries + 1

    @pytest.mark.parametrize("code", ["ERR010", "ERR013", "ERR003"])
    def test_other_codes_come_back_at_once(self, sandbox, connect, code):
        """A full queue among them."""
        clock = VirtualClock()
        sandbox.chaos(code, endpoint="send")
        assert connect(clock=clock).send_with_retry(NUMBER, "Hello")["code"] == code
        assert clock.sleeps == []

    def test_a_lost_answer_is_raised_and_not_repeated(self, sandbox, sms):
        """It may have been sent."""
        sandbox.chaos("close", endpoint="send", after="accept")
        with pytest.raises(RuntimeError):
            sms.send_with_retry(NUMBER, "Hello")
        assert sandbox.accepted(NUMBER) == 1
