"""More than 200 numbers: one dict for all requests, and nothing that was confirmed is lost."""

from __future__ import annotations

import pathlib

import pytest

from notifykit import VirtualClock
from notifykit_kwtsms import KwtSMS
from notifykit_kwtsms.sandbox.faults.catalogue import KINDS
from tests.kwtsms.client.conftest import campaign

KEYS = ["result", "bulk", "batches", "numbers", "points-charged", "balance-after", "msg-ids", "errors"]
#: What comes back as certainly not sent, and what as unknown.
FAULTS = {
    "reset": "unknown",
    "close": "unknown",
    "half-head": "unknown",
    "half-body": "unknown",
    "html-200": "unknown",
    "empty-200": "unknown",
    "broken-json": "unknown",
    "json-list": "unknown",
    "not-utf8": "unknown",
    "html-502": "unknown",
    "html-504": "unknown",
    "big-body": "unknown",
    "redirect": "not sent",
}
CASES = [(name, point.value) for name in FAULTS for point in KINDS[name].points]


@pytest.mark.parametrize(("count", "batches"), [(200, 1), (201, 2), (400, 2), (401, 3)])
def test_groups_of_two_hundred(sandbox, sms, count, batches):
    """200 are one request and its own dict; from 201 on it is the bulk dict."""
    result = sms.send(campaign(count), "Hello")
    assert result["result"] == "OK"
    assert result.get("bulk", False) == (batches > 1)
    assert result.get("batches", 1) == batches == len(sandbox.messages)
    assert result["numbers"] == result["points-charged"] == count
    assert result["balance-after"] == 10_000 - count == sms.cached_balance


def test_duplicates_and_invalid_numbers_do_not_count(sandbox, sms):
    """201 spellings of 200 numbers are one request; invalid ones are listed in a bulk dict as well."""
    assert "bulk" not in sms.send([*campaign(200), "+9659900 0000"], "Hello")
    result = sms.send([*campaign(201), "abc"], "Hello")
    assert list(result) == [*KEYS, "invalid"]
    assert result["invalid"][0]["input"] == "abc"


def test_half_a_second_between_requests(sandbox, connect):
    """At most two requests a second."""
    clock = VirtualClock()
    connect(clock=clock).send(campaign(1000), "Hello")
    assert clock.sleeps == [0.5] * 4


@pytest.mark.parametrize(("fault", "after"), CASES)
def test_a_fault_in_the_middle_loses_nothing_and_sends_nothing_twice(sandbox, sms, fault, after):
    """The ids and charges of the other batches are there, the batch is a NETWORK error, and the gateway counts once."""
    words = FAULTS[fault]
    sandbox.chaos(fault, endpoint="send", nth=2, after=after)
    numbers = campaign(401)
    result = sms.send(numbers, "Hello")
    accepted = [message for message in sandbox.messages if message.numbers[0] != numbers[200]]
    assert list(result) == KEYS
    assert (result["result"], result["batches"], result["numbers"], result["points-charged"]) == (
        "PARTIAL",
        3,
        201,
        201,
    )
    assert result["msg-ids"] == [message.msg_id for message in accepted]
    assert result["balance-after"] == sandbox.account.balance
    (error,) = result["errors"]
    assert list(error) == ["batch", "code", "description", "action"]
    assert (error["batch"], error["code"]) == (2, "NETWORK")
    assert error["description"].startswith("Unknown whether it was sent: ") == (words == "unknown")
    assert ("may have been sent" in error["action"]) == (words == "unknown")
    assert {sandbox.accepted(number) for number in numbers[200:400]} == {int(after == "accept")}
    assert {sandbox.accepted(number) for number in (*numbers[:200], numbers[400])} == {1}
    assert len(sandbox.requests) == 3


def test_a_code_that_concerns_one_batch_leaves_the_others(sandbox, connect):
    """PARTIAL means that some succeeded and some failed, and the errors say which."""
    clock = VirtualClock()
    sandbox.chaos("ERR026", endpoint="send", nth=2)
    result = connect(clock=clock).send(campaign(401), "Hello")
    assert (result["result"], len(result["msg-ids"])) == ("PARTIAL", 2)
    assert [(error["batch"], error["code"]) for error in result["errors"]] == [(2, "ERR026")]
    assert "country" in result["errors"][0]["action"]
    assert clock.sleeps == [0.5, 0.5]


def test_an_empty_account_is_not_asked_again(sandbox, connect):
    """Each batch has its error; those behind the refusal say that they were not sent for it, and are no calls."""
    sandbox.account.change(balance=0)
    result = connect().send(campaign(401), "Hello")
    assert (result["result"], result["batches"], result["numbers"], result["msg-ids"]) == ("ERROR", 1, 0, [])
    assert (result["points-charged"], result["balance-after"]) == (0, None)
    assert [(error["batch"], error["code"]) for error in result["errors"]] == [(n, "ERR010") for n in (1, 2, 3)]
    assert not result["errors"][0]["description"].startswith("Not sent")
    assert result["errors"][2]["description"].startswith("Not sent, because an earlier batch was refused: ")
    assert len(sandbox.requests) == 1


def test_credit_that_runs_out_half_way(sandbox, sms):
    """What the first batch cost and its id come back beside the refusal of the second."""
    sandbox.account.change(balance=250)
    result = sms.send(campaign(600), "Hello")
    assert (result["result"], result["numbers"], result["balance-after"]) == ("PARTIAL", 200, 50)
    assert [error["code"] for error in result["errors"]] == ["ERR011", "ERR011"]
    assert (len(result["msg-ids"]), result["batches"], len(sandbox.requests)) == (1, 2, 2)


def test_credit_for_a_smaller_batch_is_used(sandbox, sms):
    """ERR011 is about one batch: those as large would get it too, and a smaller one goes."""
    sandbox.account.change(balance=250)
    result = sms.send(campaign(640), "Hello")
    assert (result["result"], result["numbers"], result["balance-after"]) == ("PARTIAL", 240, 10)
    assert [(error["batch"], error["code"]) for error in result["errors"]] == [(2, "ERR011"), (3, "ERR011")]
    assert result["errors"][1]["description"].startswith("Not sent, because an earlier batch was refused: ")
    assert (len(result["msg-ids"]), result["batches"], len(sandbox.requests)) == (2, 3, 3)


def test_a_full_queue_is_waited_out(sandbox, connect):
    """30, 60 and 120 seconds; then it works, and each number is there once."""
    clock = VirtualClock()
    sandbox.chaos("ERR013", endpoint="send", times=3)
    result = connect(clock=clock).send(campaign(201), "Hello")
    assert (result["result"], result["errors"]) == ("OK", [])
    assert [sleep for sleep in clock.sleeps if sleep != 0.5] == [30, 60, 120]
    assert sandbox.accepted(campaign(1)[0]) == 1


def test_a_queue_that_stays_full_is_one_error(sandbox, connect):
    """Four tries, then the batch is an error and the next has its turn."""
    clock = VirtualClock()
    sandbox.chaos("ERR013", endpoint="send", times=4)
    result = connect(clock=clock).send(campaign(201), "Hello")
    assert [sleep for sleep in clock.sleeps if sleep != 0.5] == [30, 60, 120]
    assert [(error["batch"], error["code"]) for error in result["errors"]] == [(1, "ERR013")]
    assert (result["result"], result["numbers"], len(sandbox.requests)) == ("PARTIAL", 1, 5)


def test_only_a_full_queue_is_waited_for(sandbox, connect):
    """A number that was sent to too soon is an error of its batch."""
    clock = VirtualClock()
    sandbox.chaos("ERR028", endpoint="send")
    result = connect(clock=clock).send(campaign(201), "Hello")
    assert [error["code"] for error in result["errors"]] == ["ERR028"]
    assert clock.sleeps == [0.5]


def test_a_gateway_that_is_not_there(sandbox, sms):
    """Nothing is raised: each batch has its error, and says that nothing was sent."""
    sandbox.stop()
    result = sms.send(campaign(201), "Hello")
    assert (result["result"], result["numbers"]) == ("ERROR", 0)
    assert [error["code"] for error in result["errors"]] == ["NETWORK", "NETWORK"]
    assert all("nothing was sent" in error["action"] for error in result["errors"])


def test_ctrl_c_half_way_keeps_what_was_confirmed(sandbox):
    """The exception holds what is known, and each line is in the log as well."""

    class Interrupted(VirtualClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            if len(self.sleeps) == 2:
                raise KeyboardInterrupt

    account = {"test_mode": True, "base_url": sandbox.api_url, "clock": Interrupted()}
    with KwtSMS("sandbox", "sandboxpassword", **account) as sms:
        with pytest.raises(KeyboardInterrupt) as caught:
            sms.send(campaign(900), "Hello")
    assert caught.value.report.message_ids == tuple(message.msg_id for message in sandbox.messages)
    assert len(sandbox.messages) == len(pathlib.Path("kwtsms.log").read_text(encoding="utf-8").splitlines()) == 2
