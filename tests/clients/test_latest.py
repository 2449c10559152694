"""The last published Python client, 0.7.40, plain and asynchronous: each call that it documents."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from notifykit_kwtsms.sandbox import Sandbox

if TYPE_CHECKING:
    from tests.clients.conftest import Client

#: They are installed first.
pytestmark = pytest.mark.slow

NUMBER = "96598765432"
CODES = [f"ERR{number:03}" for number in (*range(1, 14), *range(19, 34))]
LOGIN = {"username": "sandbox", "password": "sandboxpassword", "sender_id": "MY-APP", "log_file": ""}
#: Both classes, which promise the same of the calls they share.
KINDS = ["KwtSMS", "AsyncKwtSMS"]


@pytest.fixture
def client(published: Callable[[str], Client]) -> Client:
    return published("kwtsms[async]==0.7.40")


def crowd(count: int) -> list[str]:
    return [str(96590000000 + number) for number in range(count)]


@pytest.mark.parametrize("kind", KINDS)
def test_its_credentials_are_verified(client: Client, gateway: Sandbox, kind: str) -> None:
    """verify(), balance(), and how much was ever bought."""
    results = client.call_all(gateway, ("purchased",), ("verify",), ("purchased",), ("balance",), kind=kind)
    assert results.returned == [None, [True, 150.0, None], 1000.0, 150.0]


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_password_is_ERR003_in_its_own_words(client: Client, gateway: Sandbox, kind: str) -> None:
    """The body of the 403 is read by both; nothing raises."""
    wrong = {**LOGIN, "password": "nonsense"}
    calls = [("verify",), ("balance",), ("send", NUMBER, "Hi")]
    verified, balance, sent = client.call_all(gateway, *calls, kind=kind, options=wrong).returned
    assert (verified[:2], balance) == ([False, None], None)
    assert verified[2].startswith("Authentication error, username or password are not correct.")
    assert "KWTSMS_USERNAME" in verified[2]
    assert (sent["result"], sent["code"]) == ("ERROR", "ERR003")
    assert gateway.messages == ()


@pytest.mark.parametrize("kind", KINDS)
def test_one_message_is_answered_as_documented(client: Client, gateway: Sandbox, kind: str) -> None:
    """Every field, the balance it remembers, and the message in the inbox."""
    calls = [("send", f"+{NUMBER}", "Your OTP for MYAPP is: 123456"), ("_cached_balance",)]
    answer, remembered = client.call_all(gateway, *calls, kind=kind).returned
    (message,) = gateway.messages
    assert answer == {
        "result": "OK",
        "msg-id": message.msg_id,
        "numbers": 1,
        "points-charged": 1,
        "balance-after": 149,
        "unix-timestamp": answer["unix-timestamp"],
    }
    assert remembered == 149.0
    assert (message.numbers, message.sender, message.test, message.otp) == ((NUMBER,), "MY-APP", True, "123456")
    assert "sandboxpassword" not in repr([dict(message.request.fields), dict(message.request.headers)])


@pytest.mark.parametrize("kind", KINDS)
def test_mistakes_are_reported_and_the_rest_goes(client: Client, gateway: Sandbox, kind: str) -> None:
    """Its rule for Kuwait refuses what the sandbox would refuse too."""
    numbers = [NUMBER, "abc", "user@gmail.com", "96512345678", "00 965 9999-9999"]
    answer = client.call_all(gateway, ("send", numbers, "Hello"), kind=kind).only
    assert [entry["input"] for entry in answer["invalid"]] == ["abc", "user@gmail.com", "96512345678"]
    assert "must start with 4, 5, 6, 9" in answer["invalid"][2]["error"]
    assert gateway.messages[0].numbers == (NUMBER, "96599999999")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("to", "text", "code"), [("abc", "Hi", "ERR_INVALID_INPUT"), (NUMBER, "🎉\u200b", "ERR009")])
def test_what_it_refuses_itself_makes_no_request(
    client: Client, gateway: Sandbox, kind: str, to: str, text: str, code: str
) -> None:
    """No valid number, and a text that is empty after cleaning."""
    assert client.call_all(gateway, ("send", to, text), kind=kind).only["code"] == code
    assert gateway.requests == ()


@pytest.mark.parametrize("kind", KINDS)
def test_every_code_comes_with_what_to_do(client: Client, gateway: Sandbox, kind: str) -> None:
    """A magic number for each code of the gateway; nothing is accepted or charged."""
    numbers = [f"96545000{code[3:]}" for code in CODES]
    calls = [*(("send", number, "Hi") for number in numbers), ("balance",)]
    *sent, balance = client.call_all(gateway, *calls, kind=kind).returned
    assert [(answer["result"], answer["code"]) for answer in sent] == [("ERROR", code) for code in CODES]
    assert all(answer["description"] and answer["action"] for answer in sent)
    assert (sum(map(gateway.accepted, numbers)), balance) == (0, 150.0)


def test_senders_and_coverage_are_those_of_the_account(client: Client, gateway: Sandbox) -> None:
    """As they are, after a change, and when there is none at all."""
    calls = [("senderids",), ("coverage",)]
    assert client.call_all(gateway, *calls).returned == [
        {"result": "OK", "senderids": ["KWT-SMS", "MY-APP"]},
        {"result": "OK", "prefixes": ["965"]},
    ]
    gateway.account.change(senders=("KWT-SMS", "SHOP"), prefixes=())
    senders, coverage = client.call_all(gateway, *calls).returned
    assert senders["senderids"] == ["KWT-SMS", "SHOP"]
    assert coverage["code"] == "ERR033"
    assert coverage["action"]


def test_numbers_are_validated(client: Client, gateway: Sandbox) -> None:
    """The gateway's lists, and what its own rules rejected before."""
    report = client.call_all(gateway, ("validate", [NUMBER, "966558724477", "96512345678", "abc"])).only
    assert (report["ok"], report["nr"], report["er"]) == ([NUMBER], ["966558724477"], ["96512345678", "abc"])
    assert report["raw"]["mobile"] == {"OK": [NUMBER], "ER": [], "NR": ["966558724477"]}


def test_more_than_200_are_batches(client: Client, gateway: Sandbox) -> None:
    """450 numbers are three requests; the asynchronous class refuses them itself."""
    gateway.account.change(balance=500)
    walked = client.call_all(gateway, ("send", crowd(450), "Hello!"))
    assert (walked.only["result"], walked.only["batches"], walked.only["numbers"]) == ("OK", 3, 450)
    assert walked.only["msg-ids"] == [message.msg_id for message in gateway.messages]
    assert (walked.only["balance-after"], walked.sleeps) == (50.0, [0.5, 0.5])
    refused = client.call_all(gateway, ("send", crowd(450), "Hello!"), kind="AsyncKwtSMS").only
    assert refused["code"] == "ERR007"
    assert len(gateway.messages) == 3


@pytest.mark.parametrize(
    ("number", "sleeps", "result"),
    [("96545005002", [0.5, 30, 60], "OK"), ("96545005009", [0.5, 30, 60, 120], "PARTIAL")],
)
def test_a_full_queue_is_waited_for(
    client: Client, gateway: Sandbox, number: str, sleeps: list[float], result: str
) -> None:
    """Three times at most; no number gets the message twice."""
    gateway.account.change(balance=500)
    walked = client.call_all(gateway, ("send", [*crowd(200), number], "Hello!"))
    assert (walked.only["result"], walked.sleeps) == (result, sleeps)
    assert {gateway.accepted(to=one) for one in crowd(200)} == {1}
    assert gateway.accepted(to=number) == (result == "OK")


def test_the_same_number_too_soon_is_sent_again_later(client: Client, gateway: Sandbox) -> None:
    """ERR028 live; send_with_retry() sleeps for 16 seconds on the sandbox's clock, and then it is accepted."""
    calls = [("send", NUMBER, "one"), ("send", NUMBER, "two"), ("send_with_retry", NUMBER, "three")]
    walked = client.call_all(gateway, *calls, options=LOGIN)
    first, second, third = walked.returned
    assert (first["result"], second["code"], third["result"], walked.sleeps) == ("OK", "ERR028", "OK", [16])
    assert [message.text for message in gateway.messages] == ["one", "three"]
    assert third["balance-after"] == 148


@pytest.mark.parametrize("kind", KINDS)
def test_its_report_call_has_no_place_to_go(client: Client, gateway: Sandbox, kind: str) -> None:
    """It posts to an endpoint that the gateway doesn't have: a network error in its words, as against the real one."""
    sent = client.call_all(gateway, ("send", NUMBER, "Hi"), kind=kind).only
    status = client.call_all(gateway, ("status", sent["msg-id"]), kind=kind).only
    assert (status["result"], status["code"]) == ("ERROR", "NETWORK")
    assert ("HTTP 404" in status["description"]) or ("Invalid JSON" in status["description"])


@pytest.mark.parametrize("fault", ["4006", "4007"])
@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_that_is_no_json_is_a_network_error(client: Client, gateway: Sandbox, kind: str, fault: str) -> None:
    """A web page or broken JSON instead of the answer: the client says error, the inbox says accepted."""
    answer = client.call_all(gateway, ("send", f"9654500{fault}", "Hi"), kind=kind).only
    assert answer["code"] == "NETWORK"
    assert gateway.accepted(f"9654500{fault}") == 1
    assert gateway.messages[0].fault is not None


def test_the_lines_to_paste_work_from_a_file(client: Client, gateway: Sandbox) -> None:
    """What the account page shows, saved as .env, and nothing in the environment."""
    import urllib.request

    with urllib.request.urlopen(f"{gateway.url}/sandbox/account") as answer:
        pathlib.Path(".env").write_text(json.load(answer)["env"])
    nothing = dict.fromkeys((name for name in gateway.env if name != "KWTSMS_API_URL"), "")
    code = "import os; [os.environ.pop(n) for n in list(os.environ) if n.startswith('KWTSMS_')]; import kwtsms; print(kwtsms.KwtSMS.from_env().verify())"
    done = client.run(gateway, "-c", code, program=client.interpreter, **nothing)
    assert done.stdout.strip() == "(True, 150.0, None)", done.stderr
