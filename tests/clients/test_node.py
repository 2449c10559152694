"""A Node program that talks to the gateway, and the client of the npm registry where there is one."""

from __future__ import annotations

import json
import pathlib
from typing import TYPE_CHECKING

import pytest

from notifykit_kwtsms.sandbox import Sandbox

if TYPE_CHECKING:
    from tests.clients.conftest import Client

#: They are installed first.
pytestmark = pytest.mark.slow

NUMBER = "96598765432"
CODES = [f"ERR{number:03}" for number in (*range(1, 14), *range(19, 34))]
LOGIN = {"username": "sandbox", "password": "sandboxpassword", "senderId": "MY-APP", "logFile": ""}
#: The two ways in which a Node program posts JSON, both with the gateway's real address in it.
_REQUEST = """\
import https from 'node:https';
const body = JSON.stringify(JSON.parse(process.argv[1]));
const headers = { 'Content-Type': 'application/json', Accept: 'application/json', 'Content-Length': Buffer.byteLength(body) };
const request = https.request({ hostname: 'www.kwtsms.com', path: '/API/send/', method: 'POST', headers }, (answer) => {
  let text = '';
  answer.on('data', (part) => { text += part; });
  answer.on('end', () => console.log(JSON.stringify({ status: answer.statusCode, body: JSON.parse(text) })));
});
request.end(body);
"""
_FETCH = """\
const headers = { 'Content-Type': 'application/json', Accept: 'application/json' };
const answer = await fetch('https://www.kwtsms.com/API/send/', { method: 'POST', headers, body: process.argv[1] });
console.log(JSON.stringify({ status: answer.status, body: await answer.json() }));
"""


def crowd(count: int) -> list[str]:
    return [str(96590000000 + number) for number in range(count)]


@pytest.mark.parametrize("source", [_REQUEST, _FETCH], ids=["request", "fetch"])
def test_a_node_program_is_answered(node_program: Client, gateway: Sandbox, source: str) -> None:
    """Both of its HTTP clients, with Arabic in the text; success and refusal are read from the same body."""
    fields = {"username": "sandbox", "password": "sandboxpassword", "sender": "MY-APP", "mobile": NUMBER, "test": "1"}

    def post(**changed: str) -> dict[str, object]:
        results = json.dumps({**fields, "message": "رمز التحقق هو 123456", **changed}, ensure_ascii=False)
        done = node_program.run(gateway, "--input-type=module", "-e", source, results, program=node_program.interpreter)
        assert done.returncode == 0, done.stderr
        answer: dict[str, object] = json.loads(done.stdout)
        return answer

    said = post()
    (message,) = gateway.messages
    assert (said["status"], said["body"]["msg-id"]) == (200, message.msg_id)  # type: ignore[index]
    assert (message.text, message.otp, message.encoding) == ("رمز التحقق هو 123456", "123456", "ucs2")
    refused = post(password="nonsense")
    assert (refused["status"], refused["body"]["code"]) == (403, "ERR003")  # type: ignore[index]


def test_its_credentials_are_verified(node_client: Client, gateway: Sandbox) -> None:
    """verify() and balance() with the environment that the sandbox prints to paste."""
    assert node_client.call_all(gateway, ("verify",), ("balance",)).returned == [[True, 150, None], 150]


def test_a_wrong_password_is_ERR003_in_its_own_words(node_client: Client, gateway: Sandbox) -> None:
    """Nothing throws."""
    wrong = {**LOGIN, "password": "nonsense"}
    verified, sent = node_client.call_all(gateway, ("verify",), ("send", NUMBER, "Hi"), options=wrong).returned
    assert verified[:2] == [False, None]
    assert verified[2].startswith("Authentication error, username or password are not correct.")
    assert (sent["result"], sent["code"]) == ("ERROR", "ERR003")
    assert gateway.messages == ()


def test_one_message_is_answered_as_documented(node_client: Client, gateway: Sandbox) -> None:
    """Every field, and the message in the inbox."""
    answer = node_client.call_all(gateway, ("send", f"+{NUMBER}", "Your OTP for MYAPP is: 123456")).only
    (message,) = gateway.messages
    assert (answer["result"], answer["msg-id"], answer["numbers"]) == ("OK", message.msg_id, 1)
    assert (answer["points-charged"], answer["balance-after"]) == (1, 149)
    assert (message.numbers, message.sender, message.test, message.otp) == ((NUMBER,), "MY-APP", True, "123456")


def test_mistakes_are_reported_and_the_rest_goes(node_client: Client, gateway: Sandbox) -> None:
    """Invalid numbers with their reasons."""
    answer = node_client.call_all(gateway, ("send", [NUMBER, "abc", "user@gmail.com"], "Hello <b>you</b> 🎉")).only
    assert [entry["input"] for entry in answer["invalid"]] == ["abc", "user@gmail.com"]
    assert gateway.messages[0].numbers == (NUMBER,)
    assert gateway.messages[0].text.startswith("Hello you")


def test_more_than_200_are_batches(node_client: Client, gateway: Sandbox) -> None:
    """450 numbers are three requests, half a second apart on the sandbox's clock."""
    gateway.account.change(balance=500)
    walked = node_client.call_all(gateway, ("send", crowd(450), "Hello!"))
    assert (walked.only["result"], walked.only["batches"], walked.only["numbers"]) == ("OK", 3, 450)
    assert walked.only["msg-ids"] == [message.msg_id for message in gateway.messages]
    assert (walked.only["balance-after"], walked.sleeps) == (50, [0.5, 0.5])


def test_a_full_queue_is_waited_for(node_client: Client, gateway: Sandbox) -> None:
    """Two answers of ERR013, then it works."""
    gateway.account.change(balance=500)
    walked = node_client.call_all(gateway, ("send", [*crowd(200), "96545005002"], "Hello!"))
    assert (walked.only["result"], walked.sleeps) == ("OK", [0.5, 30, 60])
    assert {gateway.accepted(to=number) for number in crowd(200)} == {1}


def test_senders_coverage_and_validation(node_client: Client, gateway: Sandbox) -> None:
    """As the account has them."""
    calls = [("senderids",), ("coverage",), ("validate", [NUMBER, "966558724477", "abc"])]
    senders, coverage, report = node_client.call_all(gateway, *calls).returned
    assert senders == {"result": "OK", "senderids": ["KWT-SMS", "MY-APP"]}
    assert coverage["prefixes"] == ["965"]
    assert (report["ok"], report["nr"], report["er"]) == ([NUMBER], ["966558724477"], ["abc"])


def test_a_test_message_is_stuck_in_the_queue(node_client: Client, gateway: Sandbox) -> None:
    """status() of a version that has it: ERR030 for a test message, ERR029 for an unknown one."""
    sent = node_client.call_all(gateway, ("send", NUMBER, "Hi")).only
    (stuck, unknown) = node_client.call_all(gateway, ("status", sent["msg-id"]), ("status", "0" * 32)).results
    if stuck == {"returned": None}:
        pytest.skip("this version of the client has no status()")
    assert (stuck["returned"]["code"], unknown["returned"]["code"]) == ("ERR030", "ERR029")


def test_every_code_comes_with_what_to_do(node_client: Client, gateway: Sandbox) -> None:
    """A magic number for each code of the gateway."""
    sent = node_client.call_all(gateway, *(("send", f"96545000{code[3:]}", "Hi") for code in CODES)).returned
    assert [(answer["result"], answer["code"]) for answer in sent] == [("ERROR", code) for code in CODES]
    assert all(answer["action"] for answer in sent)


def test_its_command_line(node_client: Client, gateway: Sandbox) -> None:
    """Where the package still has one."""
    if not (node_client.commands / "kwtsms").exists():
        pytest.skip("this version of the client has no command line")
    assert "150" in node_client.run(gateway, "balance").stdout
    assert node_client.run(gateway, "send", NUMBER, "Hi").returncode == 0
    assert gateway.messages[0].numbers == (NUMBER,)
    assert not pathlib.Path("kwtsms.log").exists() or "sandboxpassword" not in pathlib.Path("kwtsms.log").read_text()
