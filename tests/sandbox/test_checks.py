"""What send refuses, in which order, and the switches for what is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from notifykit_kwtsms.sandbox.gateway import checks
from notifykit_kwtsms.sandbox.gateway.rules import ACCESS_CHECKS, CHECKS, SEND_CHECKS, Rules

if TYPE_CHECKING:
    from notifykit_kwtsms.sandbox import Sandbox
    from tests.sandbox.conftest import Client, Start

KUWAIT, OTHER, SAUDI = "96598765432", "96599999999", "966558724477"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"sender": ""}, "ERR002"),
        ({"message": ""}, "ERR009"),
        ({"message": " \n"}, "ERR009"),
        ({"message": "<b>hi</b>"}, "ERR027"),
        ({"message": "<br/>"}, "ERR027"),
        ({"message": "darn you"}, "ERR031"),
        ({"message": "WIN money"}, "ERR032"),
        ({"message": "a" * 1072}, "ERR012"),
        ({"message": "ش" * 470}, "ERR012"),
        ({"mobile": ""}, "ERR006"),
        ({"mobile": ","}, "ERR006"),
        ({"mobile": ",".join([KUWAIT] * 201)}, "ERR007"),
        ({"mobile": "abc"}, "ERR025"),
        ({"mobile": "+96598765432"}, "ERR025"),
        ({"mobile": "0096598765432"}, "ERR025"),
        ({"mobile": "98765432"}, "ERR025"),
        ({"mobile": "96512345678"}, "ERR025"),
        ({"mobile": "9659876543"}, "ERR025"),
        ({"mobile": "٩٦٥٩٨٧٦٥٤٣٢"}, "ERR025"),
        ({"mobile": "9" * 16}, "ERR025"),
        ({"mobile": "1,2"}, "ERR006"),
        ({"mobile": SAUDI}, "ERR026"),
        ({"mobile": f"{SAUDI},1"}, "ERR006"),
    ],
)
def test_each_mistake_has_its_code_and_costs_nothing(start: Start, fields: dict[str, str], code: str) -> None:
    """Refused means refused: no charge, no message, HTTP 400."""
    client = start(bad_words=("DARN",), spam_words=("win money",))
    response = client.send(**{"mobile": KUWAIT, **fields})
    assert (response.status, response.code) == (400, code)
    assert client("balance").json["available"] == 150
    assert client.sandbox.messages == ()
    assert [message.code for message in client.sandbox.refused] == [code]


@pytest.mark.parametrize("message", ["a < b and c > d", "1<2", "x <- y", "a" * 1071, "ش" * 469, "line\nnext\tone"])
def test_harmless_texts_are_taken(client: Client, message: str) -> None:
    """Signs that are no tags, and the longest texts there are."""
    assert client.send(KUWAIT, message).status == 200


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"blocked": True}, "ERR005"),
        ({"api_access": False}, "ERR004"),
        ({"api_enabled": False}, "ERR001"),
        ({"ip_list": ("203.0.113.7",)}, "ERR024"),
        ({"blocked": True, "api_access": False, "api_enabled": False}, "ERR005"),
        ({"api_access": False, "api_enabled": False}, "ERR004"),
    ],
)
def test_the_state_of_the_account_comes_first(client: Client, change: dict[str, Any], code: str) -> None:
    """Every endpoint asks for it, and it is a 403."""
    client.sandbox.account.change(**change)
    assert (client("balance").status, client("balance").code) == (403, code)
    assert client.send("", "").code == code


def test_an_ip_list_takes_networks(client: Client, sandbox: Sandbox) -> None:
    """127.0.0.0/8 is who we are."""
    sandbox.account.ip_list = ("10.0.0.1", "127.0.0.0/8")
    assert client("balance").status == 200


@pytest.mark.parametrize(
    ("username", "code"), [("nocredit", "ERR010"), ("lockdown", "ERR024"), ("blocked", "ERR005"), ("unknown", "ERR003")]
)
def test_the_other_seed_accounts_fail_as_they_should(client: Client, username: str, code: str) -> None:
    """Third without credit, fourth locked down, fifth blocked; and no other account exists."""
    assert client.send(KUWAIT, username=username).code == code


def test_a_balance_below_the_cost_is_ERR011(client: Client, sandbox: Sandbox) -> None:
    """One point does not pay for two numbers, and is not taken for one."""
    sandbox.account.balance = 1
    assert client.send(f"{KUWAIT},{OTHER}").code == "ERR011"
    assert client.send(KUWAIT).json["balance-after"] == 0
    assert client.send(KUWAIT).code == "ERR010"


def test_bad_numbers_among_good_ones_are_dropped_in_silence(client: Client, sandbox: Sandbox) -> None:
    """The answer counts the good ones; only the inbox knows which were left out."""
    response = client.send(f"{KUWAIT},123,{SAUDI}")
    assert (response.json["numbers"], response.json["points-charged"]) == (1, 1)
    (message,) = sandbox.messages
    assert message.numbers == (KUWAIT,)
    assert [(dropped.number, dropped.code) for dropped in message.dropped] == [("123", "ERR025"), (SAUDI, "ERR026")]


@pytest.mark.parametrize(("bad", "code"), [("123", "ERR025"), (SAUDI, "ERR026")])
def test_strict_refuses_the_request_for_one_bad_number(start: Start, bad: str, code: str) -> None:
    """The other reading of the facts."""
    client = start(mixed_numbers="strict")
    assert client.send(f"{KUWAIT},{bad}").code == code
    assert client.sandbox.accepted(KUWAIT) == 0


@pytest.mark.parametrize(("duplicates", "numbers", "accepted"), [("once", 2, 1), ("bill", 3, 2)])
def test_duplicates_are_counted_once_or_billed(start: Start, duplicates: str, numbers: int, accepted: int) -> None:
    """What the real gateway does is not known, so both can be had."""
    client = start(duplicates=duplicates)
    assert client.send(f"{KUWAIT},{OTHER},{KUWAIT}").json["numbers"] == numbers
    assert client.sandbox.accepted(KUWAIT) == accepted


def test_duplicates_can_be_refused_with_ERR028(start: Start) -> None:
    """The third possibility."""
    assert start(duplicates="refuse").send(f"{KUWAIT},{KUWAIT}").code == "ERR028"


def test_an_unknown_sender_is_refused_live_and_taken_in_test_mode(client: Client) -> None:
    """Names are case sensitive; in test mode even long ones pass."""
    assert client.live(KUWAIT, sender="my-app").code == "ERR008"
    assert client.send(KUWAIT, sender="NONEXISTENT-SENDER").status == 200


@pytest.mark.parametrize(("when", "live", "test"), [("always", "ERR008", "ERR008"), ("never", None, None)])
def test_the_sender_rule_is_switchable(start: Start, when: str, live: str | None, test: str | None) -> None:
    """Always or never."""
    client = start(unknown_sender=when)
    assert client.live(KUWAIT, sender="other").code == live
    assert client.send(OTHER, sender="other").code == test


def test_the_same_number_within_15_seconds_refuses_all(client: Client, sandbox: Sandbox) -> None:
    """One number too soon refuses the request, and virtual time heals it."""
    assert client.live(KUWAIT).status == 200
    assert client.live(f"{OTHER},{KUWAIT}").code == "ERR028"
    assert sandbox.accepted(OTHER) == 0
    sandbox.clock.advance(14)
    assert client.live(KUWAIT).code == "ERR028"
    sandbox.clock.advance(1)
    assert client.live(KUWAIT).status == 200


def test_the_same_number_rule_spares_test_mode_and_other_accounts(client: Client) -> None:
    """Test sends are neither refused nor remembered; accounts don't see each other."""
    assert client.send(KUWAIT).status == 200
    assert client.send(KUWAIT).status == 200
    assert client.live(KUWAIT).status == 200
    assert client.live(KUWAIT, username="worldwide").status == 200


@pytest.mark.parametrize(("when", "second"), [("always", "ERR028"), ("never", None)])
def test_the_same_number_rule_is_switchable(start: Start, when: str, second: str | None) -> None:
    """For test mode too, or not at all."""
    client = start(same_number=when)
    assert client.send(KUWAIT).status == 200
    assert client.send(KUWAIT).code == second
    never = start(same_number="never")
    assert [never.live(KUWAIT).status for _ in range(2)] == [200, 200]


def test_test_messages_fill_the_queue_and_live_ones_do_not(client: Client, sandbox: Sandbox) -> None:
    """ERR013 beyond the limit, counted in numbers."""
    sandbox.account.queue_limit = 3
    assert client.live(f"{KUWAIT},{OTHER}").status == 200
    assert client.send(f"{KUWAIT},{OTHER}").status == 200
    assert client.send(f"{KUWAIT},{OTHER}").code == "ERR013"
    assert client.send(KUWAIT).status == 200


def test_live_messages_can_be_kept_in_the_queue(start: Start) -> None:
    """For tests of ERR013 in live mode."""
    client = start(drain_live=False)
    client.sandbox.account.queue_limit = 1
    assert client.live(KUWAIT).status == 200
    assert client.live(OTHER).code == "ERR013"


def test_a_live_message_leaves_the_queue_when_it_is_sent(start: Start) -> None:
    """Until the status delay is over it takes a place, and status says queued."""
    client = start(status_delay=10)
    client.sandbox.account.queue_limit = 1
    msgid = client.live(KUWAIT).json["msg-id"]
    assert client("status", msgid=msgid).json["status"] == "queued"
    assert client.live(OTHER).code == "ERR013"
    client.sandbox.clock.advance(10)
    assert client("status", msgid=msgid).json["status"] == "sent"
    assert client.live(OTHER).status == 200


def test_a_test_message_is_queued_until_the_delay_is_over(start: Start) -> None:
    """Two clients' documents disagree about the first moments; the delay can be had."""
    client = start(status_delay=10)
    msgid = client.send(KUWAIT).json["msg-id"]
    assert client("status", msgid=msgid).json["status"] == "queued"
    client.sandbox.clock.advance(10)
    assert client("status", msgid=msgid).code == "ERR030"


@pytest.mark.parametrize("text", ["hi 🎉", "zero\u200bwidth", "soft\u00adhyphen", "\ufeffbom", "bidi\u200e", "☎ call"])
def test_pictures_and_hidden_characters_are_paid_for_and_stick(client: Client, text: str) -> None:
    """OK, charged, then ERR030: the proof that cleaning is needed."""
    response = client.live(KUWAIT, text)
    assert response.json["points-charged"] == 1
    assert client("status", msgid=response.json["msg-id"]).code == "ERR030"


@pytest.mark.parametrize(
    ("value", "test"),
    [("1", True), (1, True), (True, True), ("true", True), ("0", False), (0, False), (False, False), ("yes", False)],
)
def test_the_test_flag_has_several_forms(client: Client, sandbox: Sandbox, value: object, test: bool) -> None:
    """What is not clearly on is live, which is the gateway's default."""
    client.send(KUWAIT, test=value)
    assert sandbox.messages[-1].test is test


def test_left_out_the_test_flag_means_live(client: Client, sandbox: Sandbox) -> None:
    """The dangerous default of the real gateway is kept."""
    assert client("send", sender="MY-APP", mobile=KUWAIT, message="Hi").status == 200
    assert not sandbox.messages[-1].test


def test_a_promotional_message_to_who_opted_out_is_lost(client: Client, sandbox: Sandbox) -> None:
    """Credits go, the message doesn't; the transactional sender gets through."""
    sandbox.account.dnd = frozenset({KUWAIT, OTHER})
    client.live(KUWAIT, sender="KWT-SMS")
    client.live(OTHER, sender="MY-APP")
    sandbox.clock.advance(301)
    assert [message.state for message in sandbox.messages] == ["blacklisted", "sent"]


def test_the_order_of_checks_is_data(start: Start) -> None:
    """A request with two mistakes is refused for the one that is looked at first."""
    assert start().send("1", "").code == "ERR009"
    turned = ("fields", "login", "numbers", "message-empty")
    assert start(checks=turned).send("1", "").code == "ERR025"


def test_a_check_that_is_left_out_is_off(start: Start) -> None:
    """Even the login."""
    client = start(checks=tuple(name for name in CHECKS if name != "login"))
    assert client("balance", username="someone", password="anything").json["available"] == 150


def test_every_name_of_a_check_has_its_function() -> None:
    """The table of names and the tables of functions agree."""
    assert tuple(checks._ACCESS) == ACCESS_CHECKS
    assert tuple(checks._SEND) == SEND_CHECKS


@pytest.mark.parametrize(
    "wrong",
    [
        {"checks": ("fields", "weather")},
        {"mixed_numbers": "maybe"},
        {"duplicates": "maybe"},
        {"same_number": "maybe"},
        {"unknown_sender": "maybe"},
        {"block_answer": "maybe"},
        {"kuwait_dlr": "ERR020"},
        {"pending_dlr": "ERR020"},
        {"coverage_key": "countries"},
        {"status_delay": -1},
        {"dlr_delay": float("nan")},
        {"max_pages": 0},
        {"statuses": {"ERR001": 999}},
    ],
)
def test_rules_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    """A typing mistake in a rule must not silently mean the default."""
    with pytest.raises(ValueError, match=r"."):
        Rules(**wrong)


def test_the_remaining_switches_change_the_answers(start: Start) -> None:
    """Statuses, key of coverage, strings, pages, time, reports."""
    client = start(
        errors_as_200=True,
        statuses={"ERR009": 422},
        coverage_key="coverage",
        numbers_as_strings=True,
        max_pages=6,
        timestamp_shift=10_800,
        kuwait_dlr="ERR021",
        pending_dlr="ERR022",
        fewest_digits=7,
    )
    client.sandbox.account.prefixes = ("965", "888")
    assert client("balance", password="no").status == 200
    assert client.send(KUWAIT, "").status == 422
    assert client("coverage").json["coverage"] == ["965", "888"]
    assert client("balance").json["available"] == "150"
    assert client.send(KUWAIT, "a" * 919).code == "ERR012"
    response = client.live(KUWAIT).json
    at = client.sandbox.messages[-1].at.timestamp()
    assert int(response["unix-timestamp"]) == int(at) + 10_800
    assert response["points-charged"] == "1"
    assert client("dlr", msgid=response["msg-id"]).code == "ERR021"
    assert client("dlr", msgid=client.live("8887654").json["msg-id"]).code == "ERR022"
