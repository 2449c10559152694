"""The kwtSMS transport against the sandbox, over a real socket."""

from __future__ import annotations

import json

import pytest

from notifykit import ConfigError, Notifier, Outcome, PluginHost, Recipient, Scope, Settings, VirtualClock
from notifykit_kwtsms import plugin
from notifykit_kwtsms.api.codes import CODES
from notifykit_kwtsms.sandbox import Rules, Sandbox
from tests.kwtsms.conftest import kwtsms_host

NUMBER = "96598765432"


def _campaign(count: int) -> list[str]:
    return [f"9659900{index:04d}" for index in range(count)]


def test_a_code_arrives_with_everything_the_gateway_said(sandbox, connect):
    """Id, points and balance of the answer are on the receipt, and the message is at the gateway."""
    report = connect().send("+965 9876-5432", "Your code for MYAPP is 123456")
    (receipt,) = report.accepted
    (captured,) = sandbox.messages
    assert (captured.numbers, captured.text) == ((NUMBER,), "Your code for MYAPP is 123456")
    assert (captured.sender, captured.test) == ("MY-APP", True)
    assert receipt.message_id == captured.msg_id
    assert (report.cost, report.balance) == (1, 9999)
    assert receipt.test
    assert sandbox.otp(NUMBER) == "123456"


def test_the_text_is_cleaned_on_the_way(sandbox, connect):
    """Emoji, tags and hidden characters stay here; the report lists what was changed."""
    report = connect().send(NUMBER, "<b>رمز</b>: ١٢٣٤ 🎉\u200b")
    assert sandbox.messages[0].text == report.message.text == "رمز: 1234 "
    assert {edit.reason for edit in report.edits} >= {"emoji", "HTML tag", "Arabic-Indic digits"}


def test_a_campaign_is_cut_into_requests_of_200(sandbox, connect):
    """One id a request, and every number has its receipt with the right one."""
    report = connect().send([*_campaign(250), "22334455", "abc", "96522334455"], "Hello")
    assert [len(message.numbers) for message in sandbox.messages] == [200, 50]
    assert report.message_ids == tuple(message.msg_id for message in sandbox.messages)
    assert (len(report.accepted), len(report.rejected)) == (250, 3)
    assert report.accepted[0].message_id != report.accepted[-1].message_id


def test_one_number_in_many_spellings_is_paid_for_once(sandbox, connect):
    """Duplicates are found after normalizing."""
    report = connect().send([NUMBER, "+965 9876 5432", "0096598765432", "٩٦٥٩٨٧٦٥٤٣٢"], "Hello")
    assert [receipt.outcome for receipt in report] == [Outcome.ACCEPTED] + [Outcome.SKIPPED] * 3
    assert sandbox.accepted(NUMBER) == 1
    assert report.cost == 1


@pytest.mark.parametrize(
    "code", [name for name in CODES if not name.startswith(("ERR019", "ERR02", "ERR030", "ERR033"))]
)
def test_a_refusal_is_a_receipt_with_the_tables_advice(sandbox, connect, code):
    """Every code that send can answer with becomes the error of its row, and nothing was sent."""
    clock = VirtualClock()
    report = connect(clock=clock).send(f"9654500{int(code[3:]):04d}", "Hello")
    (receipt,) = report.rejected
    row = CODES[code]
    assert (receipt.code, type(receipt.error), receipt.error.scope) == (code, row.error, row.scope)
    assert receipt.advice == row.action
    assert clock.sleeps == ([30, 60, 120] if code == "ERR013" else [])
    assert sandbox.messages == ()


def test_a_code_that_nobody_knows_is_kept(sandbox, connect):
    """It is reported as it came, and not tried again."""
    sandbox.chaos("ERR777", endpoint="send")
    (receipt,) = connect().send(NUMBER, "Hello").rejected
    assert (receipt.code, receipt.error.scope) == ("ERR777", Scope.TRANSPORT)
    assert len(sandbox.requests) == 1


def test_a_full_queue_is_waited_out(sandbox, connect):
    """Twice full, then it works: three requests, one message."""
    clock = VirtualClock()
    report = connect(clock=clock).send("96545005002", "Hello")
    assert len(report.accepted) == 1
    assert clock.sleeps[:2] == [30, 60]
    assert (len(sandbox.requests), sandbox.accepted("96545005002")) == (3, 1)


def test_the_fifteen_seconds_hold_up_a_batch_and_not_a_single_send(sandbox, connect):
    """A single send returns with retry_after; a batch waits on both clocks, and is sent once."""

    class Both(VirtualClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            sandbox.clock.advance(seconds)

    live = sandbox.dsn.replace("test=1", "test=0")
    notifier = connect(live, clock=Both())
    assert len(notifier.send(NUMBER, "one").accepted) == 1
    (refused,) = notifier.send(NUMBER, "two").rejected
    assert (refused.code, refused.retry_after) == ("ERR028", 16)
    report = notifier.send([NUMBER, "96598765433"], "three")
    assert len(report.accepted) == 2
    assert sandbox.accepted(NUMBER) == 2


def test_numbers_that_the_gateway_drops_are_said_aloud(sandbox, connect):
    """It does not say which, so the receipts say that the count differs."""
    report = connect().send([NUMBER, "96545001025"], "Hello")
    assert len(report.accepted) == 2
    assert "counted 1 of 2 numbers" in report.submissions[0].warnings[0]


def test_text_that_can_not_be_sent_costs_no_request(sandbox, connect):
    """A text that is empty after cleaning, or has more than seven segments, is refused before anything is sent."""
    notifier = connect()
    assert notifier.send(NUMBER, "🎉\u200b").rejected[0].code == "ERR009"
    assert notifier.send(NUMBER, "x" * 1072).rejected[0].code == "ERR012"
    assert len(notifier.send(NUMBER, "x" * 1071).accepted) == 1
    assert len(sandbox.requests) == 1


def test_a_sender_may_be_given_for_one_message(sandbox, connect):
    """Its spaces and its case stay."""
    sandbox.account.change(senders=("kwt sms",))
    connect(sandbox.dsn.replace("test=1", "test=0")).send(NUMBER, "Hi", sender="kwt sms")
    assert sandbox.messages[0].sender == "kwt sms"


def test_requests_are_json_with_a_length_on_one_connection(sandbox, connect, caplog):
    """What a gateway needs is in every request: content type, length, and the test flag as a text."""
    caplog.set_level("DEBUG", logger="urllib3.connectionpool")
    notifier = connect()
    for index in range(5):
        notifier.send(f"9659876543{index}", "Hello")
    request = sandbox.messages[0].request
    headers = {name.lower(): value for name, value in dict(request.headers).items()}
    assert headers["content-type"] == "application/json"
    assert int(headers["content-length"]) > 0
    assert "transfer-encoding" not in headers
    assert json.loads(json.dumps(dict(request.fields)))["test"] == "1"
    assert sum("Starting new HTTP connection" in line for line in caplog.messages) == 1


def test_every_endpoint_answers(sandbox, connect):
    """Balance, senders, coverage, validation, status and reports of one account."""
    gateway = connect(sandbox.dsn.replace("test=1", "test=0")).transport.api
    assert gateway.balance(5).available == 10_000
    assert gateway.senderids(5) == ("KWT-SMS", "MY-APP")
    assert gateway.coverage(5) == ("965",)
    checked = gateway.validate([NUMBER, "123", "966558724477"], 5)
    assert (checked.ok, checked.error, checked.no_route) == ((NUMBER,), ("123",), ("966558724477",))
    sent = gateway.send("MY-APP", [NUMBER], "Hi", 5, test=False)
    assert gateway.status(sent.message_id, 5).status == "sent"
    with pytest.raises(RuntimeError, match="ERR019"):
        gateway.delivery_reports(sent.message_id, 5)


@pytest.mark.parametrize("key", ["prefixes", "coverage"])
def test_both_names_of_the_coverage_list_are_read(key):
    """Sources contradict each other, so both are read."""
    with Sandbox(rules=Rules(coverage_key=key)) as sandbox, Notifier(sandbox.dsn, host=kwtsms_host()) as notifier:
        assert notifier.transport.api.coverage(5) == ("965",)


def test_a_lost_answer_to_a_question_is_no_unknown_send(sandbox, connect):
    """Asking for the balance again costs nothing, so its error is safe to repeat."""
    sandbox.chaos("close", endpoint="balance")
    with pytest.raises(RuntimeError) as raised:
        connect().transport.api.balance(5)
    assert raised.value.safe_to_resend


def test_the_plan_says_what_it_costs_and_what_to_know(connect):
    """Segments, points and a word about test mode, without a request."""
    plan = connect().plan(_campaign(250), "س" * 71)
    assert (plan.segments, plan.cost, plan.measurement.encoding) == (2, 500, "ucs2")
    assert "KWTSMS_TEST_MODE=0" in plan.notices[0]


def test_a_wrong_password_stops_the_campaign_and_says_which_password(sandbox, connect):
    """One request, and every receipt says what to check."""
    report = connect(sandbox.dsn.replace("sandboxpassword", "wrong")).send(_campaign(450), "Hello")
    assert len(sandbox.requests) == 1
    assert {receipt.code for receipt in report.rejected} == {"ERR003"}
    assert "KWTSMS_PASSWORD" in report[0].advice


def test_the_gateways_words_are_not_shown(sandbox, connect):
    """Whatever it echoes, no password, number or text of ours comes back in an error."""
    report = connect().send("96545000025", "Your code is 778899")
    shown = f"{report[0].error!r} {report[0].error}"
    for secret in ("96545000025", "778899", "sandboxpassword"):
        assert secret not in shown


def test_settings_come_from_the_environment(sandbox):
    """What the sandbox prints to paste is all that a program needs."""
    with Notifier.from_settings(environment=sandbox.env, host=kwtsms_host(), clock=VirtualClock()) as notifier:
        assert notifier.transport.name == "kwtsms"
        assert len(notifier.send(NUMBER, "Hello").accepted) == 1
    assert sandbox.messages[0].sender == sandbox.env["KWTSMS_SENDER_ID"]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"KWTSMS_USERNAME": "u"}, "KWTSMS_PASSWORD is missing"),
        ({"KWTSMS_USERNAME": "u", "KWTSMS_PASSWORD": "p", "KWTSMS_TEST_MODE": "maybe"}, "neither yes nor no"),
        ({"KWTSMS_USERNAME": "u", "KWTSMS_PASSWORD": "p", "KWTSMS_BASE_URL": "http://example.com/"}, "https://"),
        ({"KWTSMS_USERNAME": "u", "KWTSMS_PASSWORD": "p", "KWTSMS_RATE": "50"}, "at most 4"),
    ],
)
def test_settings_that_can_not_be_used_are_an_error(environment, expected):
    """A typing slip never means live, and the password never leaves in clear."""
    with pytest.raises(ConfigError, match=expected):
        Notifier.from_settings(environment=environment, host=kwtsms_host())


def test_test_mode_is_the_default_and_live_is_a_choice():
    """Credentials alone send nothing for real."""
    environment = {"KWTSMS_USERNAME": "u", "KWTSMS_PASSWORD": "p"}
    with Notifier.from_settings(environment=environment, host=kwtsms_host()) as notifier:
        assert str(notifier.transport) == "kwtsms://default?sender=KWT-SMS&test=1"


def test_nothing_secret_is_shown(sandbox, connect):
    """No repr of notifier, transport or settings has the password."""
    notifier = connect()
    shown = f"{notifier!r} {notifier.transport!r} {notifier.transport} {notifier.settings!r} {Settings()!r}"
    assert "sandboxpassword" not in shown


def test_a_recipient_made_by_hand_stays_who_it_is(connect):
    """A canonical foreign number is not read as a local one of the default country."""
    host = PluginHost(entry_points=False)
    host.register(plugin, "kwtsms")
    settings = Settings.load(environment={"KWTSMS_DEFAULT_COUNTRY": "BR"})
    with Notifier("memory", host=host, settings=settings) as notifier:
        (receipt,) = notifier.send(Recipient("96598765432"), "Hello")
    assert receipt.to == "96598765432"
