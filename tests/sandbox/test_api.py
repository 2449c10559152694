"""The JSON control API below /sandbox/."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from notifykit_kwtsms.sandbox import Sandbox
    from tests.sandbox.conftest import Client

KUWAIT, OTHER = "96598765432", "96599999999"


def _get(client: Client, path: str, status: int = 200) -> Any:
    response = client.request("GET", path)
    assert response.status == status, response.text
    return response.json


def _do(client: Client, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    response = client.request(method, path, body)
    assert response.status == status, response.text
    return response.json


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_it_says_that_it_is_there(client: Client, path: str) -> None:
    """For scripts that wait for it."""
    assert client.request("GET", path).text == "ok\n"


def test_messages_come_newest_first_in_pages(client: Client) -> None:
    """With the place where the next page begins."""
    for number in range(5):
        client.send(KUWAIT, f"text {number}")
    page = _get(client, "/sandbox/messages?limit=2")
    assert [message["id"] for message in page["messages"]] == [5, 4]
    assert (page["total"], page["unread"], page["next"]) == (5, 5, 4)
    rest = _get(client, "/sandbox/messages?limit=3&before=4")
    assert ([message["id"] for message in rest["messages"]], rest["next"]) == ([3, 2, 1], None)


def test_messages_can_be_searched_and_deleted_by_search(client: Client, sandbox: Sandbox) -> None:
    """The same query for both."""
    client.send(KUWAIT, "keep")
    client.send(OTHER, "drop")
    client.send("1", "drop too")
    assert [m["id"] for m in _get(client, "/sandbox/messages?q=drop+-is:rejected")["messages"]] == [2]
    assert _do(client, "DELETE", "/sandbox/messages?q=drop")["deleted"] == 2
    assert [message.text for message in sandbox.messages] == ["keep"]
    assert _do(client, "DELETE", "/sandbox/messages")["deleted"] == 1


def test_one_message_shows_everything_but_the_password(client: Client) -> None:
    """By the inbox's id and by the msg-id."""
    msgid = client.send(f"{KUWAIT},1", "Ωmega ’123456").json["msg-id"]
    one = _get(client, "/sandbox/messages/1")
    assert one == _get(client, f"/sandbox/messages/{msgid}")
    assert one["request"]["fields"]["password"] == "****"
    assert one["response"]["body"]["msg-id"] == msgid
    assert one["dropped"] == [{"number": "1", "code": "ERR025"}]
    assert one["states"] == {KUWAIT: "queued"}
    assert one["analysis"]["encoding"] == "ucs2"
    assert one["analysis"]["room"] == 70
    assert [(c["position"], c["character"]) for c in one["analysis"]["forced"]] == [(6, "’")]
    assert [event["state"] for event in one["timeline"]] == ["queued"]
    assert "sandboxpassword" not in str(one)


def test_a_lone_surrogate_can_be_shown(client: Client) -> None:
    """Whatever JSON can carry, the inbox can show."""
    body = b'{"username":"sandbox","password":"sandboxpassword","sender":"MY-APP","mobile":"%s","message":"\\ud83d x","test":1}'
    response = client.request("POST", "/API/send/", body % KUWAIT.encode(), {"Content-Type": "application/json"})
    assert response.status == 200
    assert _get(client, "/sandbox/messages/1")["text"] == "\ud83d x"


def test_a_message_is_marked_and_tagged_and_deleted(client: Client) -> None:
    """PUT changes what is given."""
    client.send(KUWAIT)
    assert _do(client, "PUT", "/sandbox/messages/1", {"unread": False})["unread"] is False
    changed = _do(client, "PUT", "/sandbox/messages/1", {"tags": ["a"]})
    assert (changed["unread"], changed["tags"]) == (False, ["a"])
    assert _do(client, "DELETE", "/sandbox/messages/1")["deleted"] == 1
    _get(client, "/sandbox/messages/1", 404)


def test_a_long_poll_waits_for_a_match(client: Client) -> None:
    """Accepted messages only, by number, text and query."""
    client.send("1", "refused")
    timer = threading.Timer(0.03, client.send, (OTHER, "Your code is 4711"))
    timer.start()
    found = _get(client, f"/sandbox/messages/wait?to={OTHER}&text=code&q=is:test&timeout=30")
    timer.join()
    assert found["text"] == "Your code is 4711"
    _get(client, "/sandbox/messages/wait?text=refused&timeout=0.01", 404)


def test_the_newest_code_can_be_asked_for(client: Client) -> None:
    """Of one number or of all."""
    client.send(KUWAIT, "code 1111")
    client.send(OTHER, "code 2222")
    client.send(OTHER, "no code")
    assert _get(client, "/sandbox/otp")["otp"] == "2222"
    assert _get(client, f"/sandbox/otp?to={KUWAIT}&timeout=30")["otp"] == "1111"
    _get(client, "/sandbox/otp?to=96555555555", 404)


def test_a_message_can_be_injected(client: Client, sandbox: Sandbox) -> None:
    """It goes through the gateway, with its rules."""
    response = _do(client, "POST", "/sandbox/messages", {"to": [KUWAIT, OTHER], "text": "Hello", "tags": ["demo"]}, 201)
    assert response["numbers"] == 2
    assert (sandbox.messages[0].test, sandbox.messages[0].tags) == (True, ("demo",))
    assert _do(client, "POST", "/sandbox/messages", {"to": KUWAIT}, 400)["code"] == "ERR009"
    assert sandbox.requests == ()


def test_the_account_can_be_read_and_changed(client: Client, sandbox: Sandbox) -> None:
    """With the lines to paste, and without the password among the fields."""
    shown = _get(client, "/sandbox/account")
    assert shown["account"]["balance"] == 150
    assert "password" not in shown["account"]
    assert shown["env"] == "".join(f"{name}={value}\n" for name, value in sandbox.env.items())
    changes = {"balance": 7, "senders": ["A"], "prefixes": ["966"], "dnd": [KUWAIT], "queue_limit": 2, "ip_list": None}
    changed = _do(client, "PUT", "/sandbox/account", changes)["account"]
    assert {name: changed[name] for name in changes} == changes
    assert _do(client, "PUT", "/sandbox/account?username=worldwide", {"blocked": True})["account"]["blocked"] is True
    assert sandbox.account.balance == 7


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "/sandbox/account", {"balance": -1}, 400),
        ("PUT", "/sandbox/account", {"balance": "much"}, 400),
        ("PUT", "/sandbox/account", {"balance": True}, 400),
        ("PUT", "/sandbox/account", {"senders": "KWT-SMS"}, 400),
        ("PUT", "/sandbox/account", {"senders": [1]}, 400),
        ("PUT", "/sandbox/account", {"ip_list": ["nowhere"]}, 400),
        ("PUT", "/sandbox/account", {"prices": 3}, 400),
        ("PUT", "/sandbox/account", {"blocked": "yes"}, 400),
        ("PUT", "/sandbox/account", {"password": "x"}, 400),
        ("PUT", "/sandbox/account", {"colour": "red"}, 400),
        ("PUT", "/sandbox/account?username=unknown", {}, 404),
        ("GET", "/sandbox/messages?q=colour:red", None, 400),
        ("GET", "/sandbox/messages?limit=many", None, 400),
        ("GET", "/sandbox/messages/wait?timeout=soon", None, 400),
        ("PUT", "/sandbox/messages/1", {"unread": "no"}, 400),
        ("PUT", "/sandbox/messages/1", {"tags": "a"}, 400),
        ("PUT", "/sandbox/messages/1", {"text": "a"}, 400),
        ("PUT", "/sandbox/messages/7", {}, 404),
        ("DELETE", "/sandbox/messages/7", None, 404),
        ("PUT", "/sandbox/clock", {"advance": -1}, 400),
        ("PUT", "/sandbox/clock", {"advance": "16"}, 400),
        ("PUT", "/sandbox/clock", {}, 400),
        ("PUT", "/sandbox/chaos", {"do": "explode"}, 400),
        ("PUT", "/sandbox/chaos", {"preset": "storm"}, 400),
        ("PUT", "/sandbox/chaos", {"faults": 3}, 400),
        ("PUT", "/sandbox/chaos", {"faults": [3]}, 400),
        ("PUT", "/sandbox/chaos", {}, 400),
        ("POST", "/sandbox/dlr/7", {}, 404),
        ("POST", "/sandbox/dlr/1", {"state": "happy"}, 400),
        ("POST", "/sandbox/dlr/1", {"number": "9"}, 404),
        ("POST", "/sandbox/dlr/2", {}, 400),
        ("DELETE", "/sandbox/queue/7", None, 404),
        ("POST", "/sandbox/reset", b"{", 200),
        ("PUT", "/sandbox/clock", b"{", 400),
        ("PUT", "/sandbox/clock", b"[]", 400),
        ("PATCH", "/sandbox/clock", {}, 405),
        ("GET", "/sandbox/nothing", None, 404),
    ],
)
def test_mistakes_get_a_sentence(client: Client, method: str, path: str, body: Any, status: int) -> None:
    """400 for a wrong request, 404 for what is not there."""
    client.send(KUWAIT)
    client.send("1")
    response = client.request(method, path, body)
    assert response.status == status
    if status in (400, 404) and response.headers["Content-Type"].startswith("application/json"):
        assert response.json["error"]


def test_faults_are_added_shown_and_ended(client: Client) -> None:
    """PUT replaces, POST adds, DELETE clears one or all."""
    shown = _get(client, "/sandbox/chaos")
    assert shown["armed"] == []
    assert {"name": "slow", "meaning": "The answer is right and late.", "after": ["accept"]} in shown["faults"]
    fault = {
        "match": {"endpoint": "send", "to": "9659*", "nth": 2},
        "do": "reset",
        "after": "accept",
        "ttl": 60,
        "seed": 7,
    }
    (active,) = _do(client, "PUT", "/sandbox/chaos", fault)["armed"]
    assert (active["match"], active["do"], active["after"]) == (fault["match"], "reset", "accept")
    added = _do(client, "POST", "/sandbox/chaos", {"faults": [{"do": "ERR013"}, {"do": "html-502"}]})["armed"]
    assert [item["do"] for item in added] == ["reset", "ERR013", "html-502"]
    rest = _do(client, "DELETE", f"/sandbox/chaos/{added[1]['id']}")["armed"]
    assert [item["do"] for item in rest] == ["reset", "html-502"]
    assert _do(client, "DELETE", "/sandbox/chaos")["armed"] == []
    assert len(_do(client, "PUT", "/sandbox/chaos", {"preset": "flaky wi-fi"})["armed"]) == 4
    assert _do(client, "PUT", "/sandbox/chaos", {"preset": "Calm"})["armed"] == []


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_the_clock_is_advanced(client: Client, method: str) -> None:
    """Sixteen seconds without waiting for them."""
    assert _do(client, method, "/sandbox/clock", {"advance": 16})["offset"] == 16
    assert _get(client, "/sandbox/clock")["offset"] == 16


def test_delivery_is_pushed_on(client: Client) -> None:
    """Next, next, or straight to a state; dlr follows, even for Kuwait."""
    msgid = client.live(KUWAIT).json["msg-id"]
    assert _do(client, "POST", "/sandbox/dlr/1")["state"] == "delivered"
    assert client("dlr", msgid=msgid).json["report"] == [{"Number": KUWAIT, "Status": "Received by recipient"}]
    response = _do(client, "POST", "/sandbox/dlr/1", status=400)
    assert "delivered" in response["error"]
    assert _do(client, "POST", f"/sandbox/dlr/{msgid}", {"state": "expired", "number": KUWAIT})["state"] == "expired"
    assert client("dlr", msgid=msgid).json["report"][0]["Status"] == "Expired"
    client.send(OTHER)
    assert _do(client, "POST", "/sandbox/dlr/2")["state"] == "sent"


def test_the_queue_gives_credits_back(client: Client, sandbox: Sandbox) -> None:
    """As the real website does for test messages."""
    msgid = client.send(KUWAIT).json["msg-id"]
    client.send(OTHER, username="worldwide")
    assert _get(client, "/sandbox/queue")["size"] == 2
    assert _get(client, "/sandbox/queue?username=sandbox")["queue"][0]["msg-id"] == msgid
    assert _do(client, "DELETE", f"/sandbox/queue/{msgid}") == {"refunded": 1}
    assert sandbox.account.balance == 150
    assert client("status", msgid=msgid).code == "ERR029"
    assert client("dlr", msgid=msgid).code == "ERR020"


def test_requests_are_listed(client: Client) -> None:
    """Newest first, those of the control API not among them."""
    client("balance")
    client("senderid")
    shown = _get(client, "/sandbox/requests?limit=1")
    assert (shown["total"], shown["blocked"]) == (2, {})
    assert [(record["endpoint"], record["status"]) for record in shown["requests"]] == [("senderid", 200)]


def test_reset_empties_everything(client: Client, sandbox: Sandbox) -> None:
    """One call between two tests."""
    client.send(KUWAIT)
    assert _do(client, "POST", "/sandbox/reset") == {"reset": True}
    assert sandbox.messages == ()


def test_answers_are_shut_to_other_pages(client: Client) -> None:
    """No caching, no sniffing, no framing, no referrer, and no word of CORS."""
    headers = client.request("GET", "/sandbox/messages").headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert headers["Referrer-Policy"] == "no-referrer"
    assert not any(name.lower().startswith("access-control") for name in headers)
