"""The first published Python client, 0.4.0: each call and each command line that its page documents."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from notifykit_kwtsms.sandbox import Sandbox

if TYPE_CHECKING:
    from tests.clients.conftest import Client

#: They are installed first.
pytestmark = pytest.mark.slow

NUMBER = "96598765432"
#: What the gateway's table of errors has; 014 to 018 do not exist.
CODES = [f"ERR{number:03}" for number in (*range(1, 14), *range(19, 34))]
LOGIN = {"username": "sandbox", "password": "sandboxpassword", "sender_id": "MY-APP", "log_file": ""}


@pytest.fixture
def client(published: Callable[[str], Client]) -> Client:
    return published("kwtsms==0.4.0")


def crowd(count: int) -> list[str]:
    return [str(96590000000 + number) for number in range(count)]


def test_its_credentials_are_verified(client: Client, gateway: Sandbox) -> None:
    """verify() and balance() with the environment that the sandbox prints to paste."""
    assert client.call_all(gateway, ("verify",), ("balance",)).returned == [[True, 150.0, None], 150.0]
    assert [record.endpoint for record in gateway.requests] == ["balance", "balance"]


def test_a_wrong_password_is_ERR003_in_its_own_words(client: Client, gateway: Sandbox) -> None:
    """verify() never raises, balance() is None, send() says what to do; nothing is captured as accepted."""
    wrong = {**LOGIN, "password": "nonsense"}
    verified, balance, sent = client.call_all(
        gateway, ("verify",), ("balance",), ("send", NUMBER, "Hi"), options=wrong
    ).returned
    assert verified[:2] == [False, None]
    assert verified[2].startswith("Authentication error, username or password are not correct. → ")
    assert "KWTSMS_USERNAME" in verified[2]
    assert balance is None
    assert (sent["result"], sent["code"]) == ("ERROR", "ERR003")
    assert "KWTSMS_PASSWORD" in sent["action"]
    assert gateway.messages == ()
    assert [message.code for message in gateway.refused] == ["ERR003"]


def test_one_message_is_answered_as_documented(client: Client, gateway: Sandbox) -> None:
    """Every documented field with its type, and the same message in the inbox, without the password."""
    answer = client.call_all(gateway, ("send", f"+{NUMBER}", "Your OTP for MYAPP is: 123456")).only
    (message,) = gateway.messages
    assert answer == {
        "result": "OK",
        "msg-id": message.msg_id,
        "numbers": 1,
        "points-charged": 1,
        "balance-after": 149,
        "unix-timestamp": answer["unix-timestamp"],
    }
    assert isinstance(answer["unix-timestamp"], int)
    assert (message.numbers, message.sender, message.text) == ((NUMBER,), "MY-APP", "Your OTP for MYAPP is: 123456")
    assert (message.test, message.otp, message.balance_after) == (True, "123456", 149)
    assert gateway.otp(to=NUMBER) == "123456"
    assert "sandboxpassword" not in repr([dict(message.request.fields), dict(message.request.headers)])


def test_a_list_with_mistakes_reports_them(client: Client, gateway: Sandbox) -> None:
    """Documented sentences for what is no number; the rest is sent."""
    answer = client.call_all(gateway, ("send", [NUMBER, "abc", "user@gmail.com", "00 965 9999-9999"], "Hello")).only
    assert answer["invalid"] == [
        {"input": "abc", "error": "'abc' is not a valid phone number — no digits found"},
        {"input": "user@gmail.com", "error": "'user@gmail.com' is an email address, not a phone number"},
    ]
    assert (answer["result"], answer["numbers"]) == ("OK", 2)
    assert gateway.messages[0].numbers == (NUMBER, "96599999999")


def test_nothing_valid_makes_no_request(client: Client, gateway: Sandbox) -> None:
    """Its local code, and no request."""
    assert client.call_all(gateway, ("send", "abc", "Hi")).only["code"] == "ERR_INVALID_INPUT"
    assert gateway.requests == ()


def test_the_sender_of_one_call_counts(client: Client, gateway: Sandbox) -> None:
    """By its keyword and by its place; an unregistered one is ERR008 live."""
    live = {**LOGIN, "test_mode": False}
    calls = [
        ("send", NUMBER, "a", {"sender": "KWT-SMS"}),
        ("send", "96599999999", "b", "MY-APP"),
        ("send", "96599999998", "c", "UNKNOWN"),
    ]
    first, second, third = client.call_all(gateway, *calls, options=live).returned
    assert (first["result"], second["result"], third["code"]) == ("OK", "OK", "ERR008")
    assert [message.sender for message in gateway.messages] == ["KWT-SMS", "MY-APP"]
    assert [message.test for message in gateway.messages] == [False, False]


def test_its_cleaning_is_what_arrives(client: Client, gateway: Sandbox) -> None:
    """Emoji, HTML, hidden characters and Arabic digits, as its page promises."""
    client.call_all(gateway, ("send", NUMBER, "\ufeff<b>رمز</b>: ١٢٣٤٥٦ 🎉\u200b"))
    assert gateway.messages[0].text == "رمز: 123456 "
    assert (gateway.messages[0].encoding, gateway.messages[0].otp) == ("ucs2", "123456")


def test_more_than_200_are_batches(client: Client, gateway: Sandbox) -> None:
    """450 numbers are three requests, half a second apart, with every documented key of the sum."""
    gateway.account.change(balance=500)
    walked = client.call_all(gateway, ("send", crowd(450), "Hello!"))
    assert walked.only == {
        "result": "OK",
        "bulk": True,
        "batches": 3,
        "numbers": 450,
        "points-charged": 450,
        "balance-after": 50.0,
        "msg-ids": [message.msg_id for message in gateway.messages],
        "errors": [],
    }
    assert walked.sleeps == [0.5, 0.5]
    assert [len(message.numbers) for message in gateway.messages] == [200, 200, 50]
    assert [number for message in gateway.messages for number in message.numbers] == crowd(450)


def test_a_batch_that_can_not_be_paid_makes_it_partial(client: Client, gateway: Sandbox) -> None:
    """The middle one costs more than the balance; the last one doesn't."""
    gateway.account.change(balance=250)
    answer = client.call_all(gateway, ("send", crowd(450), "Hello!")).only
    assert (answer["result"], answer["numbers"], answer["balance-after"]) == ("PARTIAL", 250, 0.0)
    assert [(error["batch"], error["code"]) for error in answer["errors"]] == [(2, "ERR011")]


def test_a_full_queue_is_waited_for(client: Client, gateway: Sandbox) -> None:
    """Two answers of ERR013: sleeps of 30 and 60 seconds, then it works, and no number got it twice."""
    gateway.account.change(balance=500)
    walked = client.call_all(gateway, ("send", [*crowd(200), "96545005002"], "Hello!"))
    assert (walked.only["result"], walked.only["numbers"]) == ("OK", 201)
    assert walked.sleeps == [0.5, 30, 60]
    assert {gateway.accepted(to=number) for number in (*crowd(200), "96545005002")} == {1}


def test_a_queue_that_stays_full_is_given_up(client: Client, gateway: Sandbox) -> None:
    """Four attempts in all, and the batch is an error."""
    gateway.account.change(balance=500)
    walked = client.call_all(gateway, ("send", [*crowd(200), "96545005009"], "Hello!"))
    assert [(error["batch"], error["code"]) for error in walked.only["errors"]] == [(2, "ERR013")]
    assert walked.sleeps == [0.5, 30, 60, 120]


def test_numbers_are_validated(client: Client, gateway: Sandbox) -> None:
    """The three lists of the gateway, what was rejected before it was asked, and its raw answer."""
    report = client.call_all(
        gateway, ("validate", [NUMBER, f"+{NUMBER}", "966558724477", "96512345678", "abc", "123"])
    ).only
    assert (report["ok"], report["nr"]) == ([NUMBER, NUMBER], ["966558724477"])
    assert report["er"] == ["96512345678", "abc", "123"]
    assert [entry["input"] for entry in report["rejected"]] == ["abc", "123"]
    assert report["rejected"][1]["error"].startswith("'123' is too short")
    assert (report["error"], report["raw"]["mobile"]["NR"]) == (None, ["966558724477"])


def test_validation_that_fails_says_why(client: Client, gateway: Sandbox) -> None:
    """With a wrong password: every number in the error list, and the code's words."""
    report = client.call_all(gateway, ("validate", [NUMBER]), options={**LOGIN, "password": "nonsense"}).only
    assert (report["er"], report["ok"]) == ([NUMBER], [])
    assert report["error"].startswith("Authentication error")


def test_every_code_comes_with_what_to_do(client: Client, gateway: Sandbox) -> None:
    """A magic number for each code of the gateway; nothing is accepted or charged."""
    numbers = [f"96545000{code[3:]}" for code in CODES]
    *sent, balance = client.call_all(gateway, *(("send", number, "Hi") for number in numbers), ("balance",)).returned
    assert [(answer["result"], answer["code"]) for answer in sent] == [("ERROR", code) for code in CODES]
    assert all(answer["description"] and answer["action"] for answer in sent)
    assert (sum(map(gateway.accepted, numbers)), balance) == (0, 150.0)
    assert [message.code for message in gateway.refused] == CODES


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        ("4001", {"ConnectionResetError"}),
        ("4002", {"RemoteDisconnected"}),
        ("4006", {"RuntimeError"}),
        ("4007", {"RuntimeError"}),
    ],
)
def test_an_answer_that_is_lost_raises_though_the_message_went(
    client: Client, gateway: Sandbox, fault: str, raised: set[str]
) -> None:
    """Its page promises RuntimeError; a reset while it reads is Python's own. The inbox knows that it was accepted."""
    (results,) = client.call_all(gateway, ("send", f"9654500{fault}", "Hi")).results
    assert results["raised"] in raised
    assert gateway.accepted(f"9654500{fault}") == 1
    assert gateway.messages[0].fault is not None


def test_a_blocked_address_is_a_plain_http_error(client: Client, strict: Sandbox) -> None:
    """More than five requests in a second: the block's page is no JSON, so verify() only knows the status."""
    answers = client.call_all(strict, *[("verify",)] * 40).returned
    assert answers[0] == [True, 150.0, None]
    assert answers[-1] == [False, None, "HTTP 403: Forbidden"]


def test_its_log_has_the_documented_line(client: Client, gateway: Sandbox) -> None:
    """One JSON line a call, with the gateway's answer as it was."""
    answer = client.call_all(
        gateway, ("send", NUMBER, "Hi"), options={**LOGIN, "log_file": "kwtsms.log", "test_mode": True}
    ).only
    (line,) = pathlib.Path("kwtsms.log").read_text().splitlines()
    row: dict[str, Any] = json.loads(line)
    assert (row["endpoint"], row["ok"], row["error"], row["response"]) == ("send", True, None, answer)
    assert row["request"]["password"] == "***"


def test_verify_and_balance_on_the_command_line(client: Client, gateway: Sandbox) -> None:
    """What they print, and exit code 0."""
    verify, balance = client.run(gateway, "verify"), client.run(gateway, "balance")
    assert (verify.returncode, balance.returncode) == (0, 0)
    assert "Credentials valid  |  Balance: 150.0" in verify.stdout
    assert "Mode: TEST" in verify.stdout
    assert balance.stdout.strip() == "Balance: 150.0"


@pytest.mark.parametrize("command", [["verify"], ["balance"], ["send", NUMBER, "Hi"]])
def test_a_wrong_password_on_the_command_line_is_exit_code_1(
    client: Client, gateway: Sandbox, command: list[str]
) -> None:
    """And nothing is sent."""
    assert client.run(gateway, *command, KWTSMS_PASSWORD="nonsense").returncode == 1
    assert gateway.messages == ()


@pytest.mark.parametrize("numbers", [f"{NUMBER},96599999999", f"{NUMBER}, 96599999999"])
def test_several_numbers_on_the_command_line(client: Client, gateway: Sandbox, numbers: str) -> None:
    """With commas, with or without a space in the quotes, and with another sender."""
    done = client.run(gateway, "send", numbers, "Your OTP is: 123456", "--sender", "KWT-SMS")
    assert done.returncode == 0, done.stderr
    (message,) = gateway.messages
    assert f"Sent  |  msg-id: {message.msg_id}  |  balance-after: 148" in done.stdout
    assert (message.numbers, message.sender, message.test) == ((NUMBER, "96599999999"), "KWT-SMS", True)


def test_a_refusal_on_the_command_line(client: Client, gateway: Sandbox) -> None:
    """Code, words, what to do, exit code 1."""
    done = client.run(gateway, "send", "96545000010", "Hi")
    assert done.returncode == 1
    assert "Failed: ERR010" in done.stdout
    assert "Action: Account balance is zero." in done.stdout


def test_validate_on_the_command_line(client: Client, gateway: Sandbox) -> None:
    """Three lines."""
    done = client.run(gateway, "validate", NUMBER, "+966558724477", "abc")
    assert done.returncode == 0
    assert f"Valid    (OK): ['{NUMBER}']" in done.stdout
    assert "Invalid  (ER): ['abc']" in done.stdout
    assert "No route (NR): ['966558724477']" in done.stdout


def test_the_wizard_is_satisfied(client: Client, gateway: Sandbox) -> None:
    """It verifies, lists the senders of the sandbox's account, and writes the file that its next command reads."""
    done = client.run(gateway, "setup", stdin="sandbox\nsandboxpassword\n2\n1\nkwtsms.log\n")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "OK  (Balance: 150)" in done.stdout
    assert "1. KWT-SMS" in done.stdout
    assert "KWTSMS_SENDER_ID=MY-APP" in pathlib.Path(".env").read_text()
    assert [record.endpoint for record in gateway.requests] == ["balance", "senderid"]
    assert client.run(gateway, "verify", KWTSMS_USERNAME="", KWTSMS_PASSWORD="").returncode == 0
