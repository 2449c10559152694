"""The seven endpoints and the shapes of their answers (gateway facts, section 10)."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest

from notifykit_kwtsms.api.facts import ENDPOINTS

if TYPE_CHECKING:
    from notifykit_kwtsms.sandbox import Sandbox
    from tests.sandbox.conftest import Client, Start

KUWAIT = "96598765432"
SAUDI = "966558724477"


def test_balance_answers_whole_numbers_bare(client: Client) -> None:
    """Available and purchased are JSON numbers without a fraction."""
    assert client("balance").body == b'{"result":"OK","available":150,"purchased":1000}'


def test_senderid_has_a_singular_key_and_a_list(client: Client) -> None:
    """The key is senderid, the value a list."""
    assert client("senderid").json == {"result": "OK", "senderid": ["KWT-SMS", "MY-APP"]}


def test_coverage_answers_prefixes_as_strings(client: Client) -> None:
    """Only Kuwait is active at first."""
    assert client("coverage").json == {"result": "OK", "prefixes": ["965"]}


def test_coverage_without_a_country_is_ERR033(client: Client, sandbox: Sandbox) -> None:
    """No active coverage is an error, not an empty list."""
    sandbox.account.prefixes = ()
    assert client("coverage").code == "ERR033"


def test_validate_sorts_into_three_buckets(client: Client) -> None:
    """Well formed and routed, malformed, without a route; it costs nothing."""
    response = client("validate", mobile=f"{KUWAIT},123,{SAUDI}")
    assert response.json == {"result": "OK", "mobile": {"OK": [KUWAIT], "ER": ["123"], "NR": [SAUDI]}}
    assert client("balance").json["available"] == 150


@pytest.mark.parametrize(("mobile", "code"), [("", "ERR006"), (",".join([KUWAIT] * 201), "ERR007")])
def test_validate_needs_one_to_200_numbers(client: Client, mobile: str, code: str) -> None:
    """None is ERR006, more than 200 ERR007."""
    assert client("validate", mobile=mobile).code == code


def test_send_answers_id_count_charge_balance_and_time(client: Client) -> None:
    """One msg-id for the request; the balance falls by exactly what was charged."""
    response = client.send(f"{KUWAIT},96599999999", "a" * 161)
    body = response.json
    assert list(body) == ["result", "msg-id", "numbers", "points-charged", "balance-after", "unix-timestamp"]
    assert re.fullmatch(r"[0-9a-f]{32}", body["msg-id"])
    assert (body["numbers"], body["points-charged"], body["balance-after"]) == (2, 4, 146)
    assert abs(body["unix-timestamp"] - time.time()) < 5
    assert client("balance").json["available"] == 146


def test_two_sends_have_two_ids(client: Client) -> None:
    """An id names one request."""
    assert client.send(KUWAIT).json["msg-id"] != client.send(KUWAIT).json["msg-id"]


def test_status_of_a_live_message_is_sent(client: Client) -> None:
    """A live message leaves the queue."""
    response = client("status", msgid=client.live(KUWAIT).json["msg-id"])
    assert response.json == {"result": "OK", "status": "sent", "description": "Message successfully sent to gateway"}


def test_status_of_a_test_message_is_ERR030(client: Client) -> None:
    """A test message sticks in the queue, at once by default."""
    response = client("status", msgid=client.send(KUWAIT).json["msg-id"])
    assert (response.status, response.code) == (400, "ERR030")


@pytest.mark.parametrize(("endpoint", "code"), [("status", "ERR029"), ("dlr", "ERR020")])
def test_an_unknown_id_has_its_own_code(client: Client, endpoint: str, code: str) -> None:
    """The inbox's own short ids mean nothing to the gateway either."""
    client.send(KUWAIT)
    assert client(endpoint, msgid="0" * 32).code == code
    assert client(endpoint, msgid="1").code == code


@pytest.mark.parametrize("endpoint", ["status", "dlr"])
def test_an_empty_id_is_a_missing_parameter(client: Client, endpoint: str) -> None:
    """Empty is ERR002, not unknown."""
    assert client(endpoint, msgid="").code == "ERR002"


@pytest.mark.parametrize(("endpoint", "code"), [("status", "ERR029"), ("dlr", "ERR020")])
def test_an_id_of_another_account_is_unknown(client: Client, endpoint: str, code: str) -> None:
    """Ids belong to the account that sent."""
    msgid = client.live(KUWAIT).json["msg-id"]
    assert client(endpoint, msgid=msgid, username="worldwide").code == code


def test_kuwait_never_reports_delivery(client: Client, sandbox: Sandbox) -> None:
    """ERR019 now and a day later."""
    msgid = client.live(KUWAIT).json["msg-id"]
    assert client("dlr", msgid=msgid).code == "ERR019"
    sandbox.clock.advance(86_400)
    assert client("dlr", msgid=msgid).code == "ERR019"


def test_a_foreign_number_reports_after_five_minutes(client: Client, sandbox: Sandbox) -> None:
    """ERR021 first, then the report with its capital letters."""
    sandbox.account.prefixes = ("965", "966")
    msgid = client.live(f"{KUWAIT},{SAUDI}").json["msg-id"]
    assert client("dlr", msgid=msgid).code == "ERR021"
    sandbox.clock.advance(301)
    response = client("dlr", msgid=msgid)
    assert response.json == {"result": "OK", "report": [{"Number": SAUDI, "Status": "Received by recipient"}]}


def test_a_test_message_abroad_never_reports(client: Client, sandbox: Sandbox) -> None:
    """Test messages are not delivered anywhere."""
    sandbox.account.prefixes = ("966",)
    msgid = client.send(SAUDI).json["msg-id"]
    sandbox.clock.advance(1000)
    assert client("dlr", msgid=msgid).code == "ERR019"


def test_prices_of_other_countries_are_per_segment(client: Client) -> None:
    """The second seed account pays two points for Saudi Arabia and one for Kuwait."""
    response = client.send(f"{KUWAIT},{SAUDI}", "a" * 161, username="worldwide")
    assert (response.json["numbers"], response.json["points-charged"]) == (2, 6)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_wrong_password_is_403_with_the_published_words(client: Client, endpoint: str) -> None:
    """The one description that the gateway has published."""
    fields = {"mobile": KUWAIT, "message": "Hi", "sender": "MY-APP", "msgid": "x"}
    response = client(endpoint, password="wrong", **fields)
    assert (response.status, response.code) == (403, "ERR003")
    assert response.json["description"] == "Authentication error, username or password are not correct."


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 50_000, b'{"username":"sandbox"}'])
def test_a_body_without_the_parameters_is_ERR002(client: Client, endpoint: str, body: bytes) -> None:
    """Whatever can't be read lacks what is needed."""
    response = client.request("POST", f"/API/{endpoint}/", body, {"Content-Type": "application/json"})
    assert (response.status, response.code) == (400, "ERR002")


@pytest.mark.parametrize("missing", ["username", "password", "sender", "mobile", "message"])
def test_each_field_of_send_is_mandatory(client: Client, missing: str) -> None:
    """Empty JSON values count as missing too."""
    assert client.send(**{"mobile": KUWAIT, missing: None}).code == "ERR002"


def test_the_path_without_its_slash_is_the_same_place(client: Client) -> None:
    """No redirect, which would lose the body."""
    body = {"username": "sandbox", "password": "sandboxpassword"}
    assert client.request("POST", "/API/balance", body).json["available"] == 150


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "HEAD"])
def test_other_methods_are_405(client: Client, method: str) -> None:
    """The gateway takes POST only."""
    response = client.request(method, "/API/balance/")
    assert (response.status, response.headers["Allow"]) == (405, "POST")


def test_there_is_no_eighth_endpoint(client: Client) -> None:
    """What some clients call report does not exist: a page, not JSON."""
    response = client("report", msgid="x")
    assert response.status == 404
    assert response.headers["Content-Type"].startswith("text/html")


def test_form_bodies_get_the_old_text_answers(client: Client, sandbox: Sandbox) -> None:
    """Without the JSON content type the old text interface answers."""
    sandbox.account.prefixes = ("965", "966")
    login = "username=sandbox&password=sandboxpassword"
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    def ask(endpoint: str, more: str = "") -> str:
        return client.request("POST", f"/API/{endpoint}/", f"{login}{more}".encode(), form).text

    assert ask("balance") == "150.00/1000.00"
    assert ask("senderid") == "KWT-SMS\nMY-APP"
    assert ask("coverage") == "965\n966"
    assert ask("validate", f"&mobile={KUWAIT},1") == f"OK:{KUWAIT}\nER:1\nNR:"
    ok, msgid, numbers, charged, left, _ = ask("send", f"&sender=MY-APP&mobile={SAUDI}&message=Hi").split(":")
    assert (ok, numbers, charged, left) == ("OK", "1", "1.00", "149.00")
    assert ask("status", f"&msgid={msgid}") == "sent"
    sandbox.clock.advance(301)
    assert ask("dlr", f"&msgid={msgid}") == f"{SAUDI},Received by recipient"
    assert ask("status", "&msgid=nothing").startswith("ERR029:")


def test_text_mode_off_refuses_what_is_not_json(start: Start) -> None:
    """A clear 4xx, in words."""
    response = start(text_mode=False).request("POST", "/API/balance/", b"username=sandbox")
    assert response.status == 415
