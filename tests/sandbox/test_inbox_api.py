"""What the page and end-to-end tests ask of the inbox, over a real socket."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, strategies as st

from notifykit_kwtsms.sandbox import Gateway, Sandbox
from notifykit_kwtsms.sandbox.gateway.requests import Call
from notifykit_kwtsms.sandbox.http import views
from notifykit_kwtsms.sandbox.inbox import store
from notifykit_kwtsms.sandbox.inbox.message import from_line, to_line
from notifykit_kwtsms.sandbox.segments import count_text
from tests.sandbox.conftest import Client

if TYPE_CHECKING:
    from tests.sandbox.conftest import Start

KUWAIT, OTHER, SAUDI = "96598765432", "96599999999", "966558724477"
#: One curly quote makes two segments of one.
TWO_SEGMENTS = "a" * 40 + "’" + "b" * 40


def get(client: Client, path: str, status: int = 200) -> Any:
    response = client.request("GET", path)
    assert response.status == status, response.text
    return response.json


def do(client: Client, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    response = client.request(method, path, body)
    assert response.status == status, response.text
    return response.json


def ids(listing: Any) -> list[int]:
    return [message["id"] for message in listing["messages"]]


def test_a_list_says_how_many_match_and_how_new_it_is(client: Client, sandbox: Sandbox) -> None:
    """So that a page can go on with the events from exactly there."""
    for number in range(5):
        client.send(KUWAIT if number % 2 else OTHER, f"text {number}")
    listing = get(client, f"/sandbox/messages?to={OTHER}&limit=2")
    assert (ids(listing), listing["matched"], listing["total"], listing["next"]) == ([5, 3], 3, 5, 3)
    assert listing["sequence"] == sandbox.gateway.store.sequence == 5
    assert ids(get(client, f"/sandbox/messages?to={OTHER}&limit=2&before=3")) == [1]


def test_a_message_shows_what_forced_unicode_and_what_would_save_points(client: Client) -> None:
    """Each character with its place in both ways of counting, and what replacing it saves."""
    client.send(f"{KUWAIT},{OTHER}", "🎉" + TWO_SEGMENTS)
    one = get(client, "/sandbox/messages/1")
    party, quote = one["analysis"]["forced"]
    assert (party["position"], party["position16"], party["nearest"], party["saves"]) == (0, 0, None, 0)
    assert (quote["position"], quote["position16"], quote["nearest"]) == (41, 42, "'")
    assert one["analysis"]["starts"] == [0, 66]
    assert one["analysis"]["starts16"] == [0, 67]
    assert (one["analysis"]["capacity"], one["analysis"]["wasted"]) == (134, [0])
    assert one["own"] | {"units": 0} == {
        "encoding": "ucs2",
        "units": 0,
        "segments": 2,
        "points": 4,
        "gateway-points": 4,
        "agrees": True,
    }


def test_what_replacing_saves_is_counted_in_points_of_all_numbers(client: Client) -> None:
    """Two numbers, one segment each."""
    client.send(f"{KUWAIT},{OTHER}", TWO_SEGMENTS)
    one = get(client, "/sandbox/messages/1")
    assert one["analysis"]["forced"][0]["saves"] == 1
    assert (one["savings"]["saves"], one["savings"]["points"], one["savings"]["encoding"]) == (1, 2, "gsm7")
    assert one["savings"]["text"] == TWO_SEGMENTS.replace("’", "'")


def test_the_cleaners_edits_are_shown_one_by_one(client: Client) -> None:
    """In their order, each at its place in the text that it found."""
    client.send(KUWAIT, "🎉 Code\u200b ١٢٣٤")
    cleaned = get(client, "/sandbox/messages/1")["cleaned"]
    assert (cleaned["text"], cleaned["changed"], cleaned["encoding"]) == (" Code 1234", True, "gsm7")
    text = "🎉 Code\u200b ١٢٣٤"
    for edit in cleaned["edits"]:
        assert text[edit["position"] :].startswith(edit["before"])
        assert edit["position16"] == len(text[: edit["position"]].encode("utf-16-le")) // 2
        text = text[: edit["position"]] + edit["after"] + text[edit["position"] + len(edit["before"]) :]
    assert text == cleaned["text"]
    assert {edit["cleaner"] for edit in cleaned["edits"]} == {"kwtsms-emoji", "kwtsms-hidden", "kwtsms-digits"}
    client.send(OTHER, "plain")
    assert get(client, "/sandbox/messages/2")["cleaned"]["edits"] == []


@given(st.text(st.characters(codec="utf-16", exclude_categories=["Cs"]), max_size=200))
def test_offsets_are_those_that_javascript_counts(text: str) -> None:
    """And no segment holds more than its room."""
    counted = count_text(text)
    shown = views.ANALYSIS(counted, text)
    units = text.encode("utf-16-le")
    for start, start16 in zip(shown["starts"], shown["starts16"], strict=True):
        assert units[: 2 * start16].decode("utf-16-le") == text[:start]
    for forced in shown["forced"]:
        assert units[2 * forced["position16"] :].decode("utf-16-le").startswith(forced["character"])
    assert all(waste in (0, 1) for waste in shown["wasted"])
    assert shown["capacity"] - shown["units-left"] - sum(shown["wasted"]) == shown["units"]


def test_a_count_that_differs_from_the_gateways_is_seen(client: Client, sandbox: Sandbox) -> None:
    """Here because the price rose after it was charged."""
    client.send(KUWAIT)
    sandbox.account.prices = {"965": 2}
    one = get(client, "/sandbox/messages/1")
    assert (one["own"]["points"], one["own"]["gateway-points"], one["agrees"]) == (2, 1, False)
    client.send("1")
    assert get(client, "/sandbox/messages/2")["agrees"] is None


def test_a_fault_that_fired_is_named_and_explained(client: Client) -> None:
    """With what made it happen."""
    client.send(KUWAIT, headers={"X-Sandbox-Fault": "html-502; after=accept"})
    one = get(client, "/sandbox/messages/1")
    assert one["fault"] == "html-502 after accept (header)"
    assert one["fault-detail"] | {"meaning": ""} == {
        "do": "html-502",
        "after": "accept",
        "source": "header",
        "meaning": "",
    }
    assert get(client, "/sandbox/stats")["faults"] == {"html-502": 1}


def test_a_message_has_remarks(client: Client) -> None:
    """The gravest first."""
    client.live(f"{KUWAIT},1", "Your code is 1234 🎉", sender="KWT-SMS")
    names = [check["name"] for check in get(client, "/sandbox/messages/1")["checks"]]
    assert names == ["dropped", "stuck", "promotional", "otp-sender", "unicode"]
    client.send(KUWAIT, "<b>Hi</b>")
    assert [check["name"] for check in get(client, "/sandbox/messages/2")["checks"]] == ["ERR027", "html"]


def test_many_are_marked_and_tagged_at_once(client: Client) -> None:
    """By search or by ids; what changes nothing is not counted."""
    for number in range(3):
        client.send(KUWAIT, f"text {number}")
    assert do(client, "PUT", "/sandbox/messages?ids=1,3", {"unread": False, "add-tags": ["a", "b"]}) == {"changed": 2}
    assert do(client, "PUT", "/sandbox/messages?q=is:read", {"unread": False}) == {"changed": 0}
    assert do(client, "PUT", "/sandbox/messages?q=", {"remove-tags": ["b"], "add-tags": ["c"]}) == {"changed": 3}
    tags = {message["id"]: message["tags"] for message in get(client, "/sandbox/messages")["messages"]}
    assert tags == {1: ["a", "c"], 2: ["c"], 3: ["a", "c"]}
    assert "q or ids" in do(client, "PUT", "/sandbox/messages", {"unread": True}, 400)["error"]
    do(client, "PUT", "/sandbox/messages?ids=1;2", {"unread": True}, 400)


def test_a_deletion_is_undone(client: Client) -> None:
    """With ids, order, tags; once, and not for ever."""
    for number in range(4):
        client.send(KUWAIT, f"text {number}")
    do(client, "PUT", "/sandbox/messages/2", {"tags": ["kept"]})
    deleted = do(client, "DELETE", "/sandbox/messages?ids=2,3")
    assert (deleted["deleted"], ids(get(client, "/sandbox/messages"))) == (2, [4, 1])
    assert do(client, "POST", "/sandbox/messages/restore", {"undo": deleted["undo"]}) == {"restored": 2}
    assert ids(get(client, "/sandbox/messages")) == [4, 3, 2, 1]
    assert get(client, "/sandbox/messages/2")["tags"] == ["kept"]
    do(client, "POST", "/sandbox/messages/restore", {"undo": deleted["undo"]}, 404)
    assert do(client, "DELETE", "/sandbox/messages?q=nothing")["undo"] is None
    do(client, "POST", "/sandbox/messages/restore", {}, 400)


def test_deleted_messages_expire(monkeypatch: pytest.MonkeyPatch) -> None:
    """After some seconds there is nothing to restore."""
    monkeypatch.setattr(store.time, "monotonic", lambda: 100.0)
    deleted_sets = store.DeletedMessages(seconds=5)
    message = from_line(to_line(_any_message()))
    undo = deleted_sets.add([message]).undo
    assert undo is not None
    monkeypatch.setattr(store.time, "monotonic", lambda: 106.0)
    with pytest.raises(LookupError):
        deleted_sets.take(undo)


def _any_message() -> Any:
    gateway = Gateway()
    login = {"username": "sandbox", "password": "sandboxpassword", "sender": "MY-APP", "test": "1"}
    gateway.handle(Call("send", "127.0.0.1", {**login, "mobile": KUWAIT, "message": "\ud83d Hi"}))
    return gateway.store.all()[0]


def test_a_reset_leaves_nothing_to_restore(client: Client) -> None:
    """Everything is gone."""
    client.send(KUWAIT)
    undo = do(client, "DELETE", "/sandbox/messages")["undo"]
    do(client, "POST", "/sandbox/reset")
    do(client, "POST", "/sandbox/messages/restore", {"undo": undo}, 404)


def test_threads_are_one_a_number_and_one_a_batch(client: Client) -> None:
    """The newest first, windowed by their newest message."""
    client.send(KUWAIT, "one")
    client.send(OTHER, "two")
    client.send(KUWAIT, "three")
    client.send(f"{KUWAIT},{OTHER}", "campaign")
    rows = get(client, "/sandbox/threads")["threads"]
    assert [(row["kind"], row["key"], row["count"], row["messages"], row["unread"]) for row in rows] == [
        ("batch", "batch:4", 2, 1, 1),
        ("number", KUWAIT, 1, 2, 2),
        ("number", OTHER, 1, 1, 1),
    ]
    assert (rows[1]["country"], rows[1]["last"]["text"]) == ("KW", "three")
    page = get(client, "/sandbox/threads?limit=1&before=4")
    assert ([row["key"] for row in page["threads"]], page["next"], page["matched"]) == ([KUWAIT], 3, 3)
    rows = get(client, "/sandbox/threads?batches=unfold&limit=1")["threads"]
    assert [(row["key"], row["messages"]) for row in rows] == [(KUWAIT, 3), (OTHER, 2)]
    get(client, "/sandbox/threads?batches=some", 400)


def test_the_latest_is_found_by_its_own_address(client: Client) -> None:
    """For a browser on the page, for a program as JSON."""
    client.send(KUWAIT, "one")
    client.send(OTHER, "two")
    for path, leads in (
        ("/latest", "/#/m/2"),
        (f"/latest?to={KUWAIT}", "/#/m/1"),
        ("/latest?q=one", "/#/m/1"),
        ("/m/1", "/#/m/1"),
        ("/sandbox/messages/latest?q=one", "/sandbox/messages/1"),
    ):
        response = client.request("GET", path)
        assert (response.status, response.headers["Location"]) == (302, leads)
    response = client.request("GET", "/latest", headers={"Accept": "application/json"})
    assert response.headers["Location"] == "/sandbox/messages/2"
    get(client, "/latest?q=three", 404)
    get(client, "/m/7", 404)


def test_the_queue_is_a_folder(client: Client, sandbox: Sandbox) -> None:
    """Its messages are found, deleted for credits by id, by msg-id or all at once."""
    for number in range(3):
        client.send(KUWAIT, f"text {number}")
    client.live(OTHER)
    assert ids(get(client, "/sandbox/messages?q=is:queued")) == [3, 2, 1]
    queue = get(client, "/sandbox/queue?username=sandbox")
    assert ([entry["message"] for entry in queue["queue"]], queue["limit"]) == ([1, 2, 3], 1000)
    assert do(client, "DELETE", "/sandbox/queue/1") == {"refunded": 1}
    assert get(client, "/sandbox/messages/1")["state"] == "deleted"
    assert do(client, "DELETE", "/sandbox/queue") == {"deleted": 2, "refunded": 2}
    assert sandbox.account.balance == 149
    assert ids(get(client, "/sandbox/messages?q=is:queued")) == []


def test_the_account_shows_rate_and_queue(start: Start) -> None:
    """Beside their limits."""
    client = start(rate_limit=5)
    client.send(KUWAIT)
    client("balance")
    shown = get(client, "/sandbox/account")
    assert (shown["queue"], shown["queue-limit"]) == (1, 1000)
    assert (sum(shown["rate"]["seconds"]), shown["rate"]["limit"], len(shown["rate"]["seconds"])) == (2, 5, 60)
    assert shown["dsn"] == client.sandbox.dsn


def test_a_preset_takes_a_seed(client: Client) -> None:
    """Each of its faults gets a seed of its own."""
    chaos = do(client, "PUT", "/sandbox/chaos", {"preset": "Flaky Wi-Fi", "seed": 7})
    assert ([item["seed"] for item in chaos["armed"]], chaos["preset"]) == ([7, 8, 9, 10], "Flaky Wi-Fi")
    assert do(client, "POST", "/sandbox/chaos", {"do": "reset"})["preset"] is None
    assert do(client, "DELETE", "/sandbox/chaos")["preset"] == "Calm"
    do(client, "PUT", "/sandbox/chaos", {"preset": "Calm", "seed": "x"}, 400)


def test_an_inbox_can_be_carried_to_another(client: Client) -> None:
    """As JSON Lines without the password; twice is once."""
    client.send(f"{KUWAIT},1", "Ωmega 1234 \U0001f389", headers={"X-Notifykit-Tag": "a"})
    client.send("1", "refused")
    lines = client.request("GET", "/sandbox/export").body
    assert b"sandboxpassword" not in lines
    with Sandbox(seed=9) as sandbox:
        other = Client(sandbox)
        other.send(OTHER, "here before")
        assert do(other, "POST", "/sandbox/import", lines) == {"imported": 2, "skipped": 0}
        # A refused one has no msg-id to know it by.
        assert do(other, "POST", "/sandbox/import", lines) == {"imported": 1, "skipped": 1}
        mine, theirs = get(client, "/sandbox/messages/1"), get(other, "/sandbox/messages/2")
        assert {**mine, "id": 0} == {**theirs, "id": 0}
        other.pool.close()
    assert client.request("GET", "/sandbox/export?q=is:rejected").body.count(b"\n") == 1


@pytest.mark.parametrize("line", [b"{}", b"[]", b"x", b'{"v": 1}', b'{"v": 1, "text": 3}', b"\xff"])
def test_what_is_no_exported_message_is_refused_whole(client: Client, line: bytes) -> None:
    """With the number of the line; nothing of it is taken in."""
    client.send(KUWAIT)
    good = client.request("GET", "/sandbox/export").body
    do(client, "POST", "/sandbox/reset")
    assert do(client, "POST", "/sandbox/import", good + line, 400)["error"]
    assert get(client, "/sandbox/messages")["total"] == 0


def test_metrics_count_what_came(client: Client) -> None:
    """In the text form of Prometheus; deleting changes no counter."""
    client.send(f"{KUWAIT},{OTHER}", TWO_SEGMENTS)
    client.send("1")
    do(client, "DELETE", "/sandbox/messages")
    response = client.request("GET", "/metrics")
    lines = response.text.splitlines()
    assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    for line in (
        'notifykit_sandbox_messages_total{encoding="ucs2",result="accepted"} 1',
        'notifykit_sandbox_messages_total{encoding="gsm7",result="ERR025"} 1',
        'notifykit_sandbox_segments_total{encoding="ucs2"} 4',
        "notifykit_sandbox_points_total 4",
        "notifykit_sandbox_messages 0",
        'notifykit_sandbox_balance_points{account="sandbox"} 146',
    ):
        assert line in lines
    names = {line.split()[2] for line in lines if line.startswith("# TYPE")}
    assert {line.partition("{")[0].split()[0] for line in lines if not line.startswith("#")} <= names


def test_old_messages_are_forgotten() -> None:
    """By the virtual clock, also while nothing arrives."""
    with Sandbox(keep_for=60) as sandbox:
        client = Client(sandbox)
        client.send(KUWAIT)
        sandbox.clock.advance(59)
        client.send(OTHER)
        assert get(client, "/sandbox/messages")["total"] == 2
        sandbox.clock.advance(2)
        assert ids(get(client, "/sandbox/messages")) == [2]
        client.pool.close()
    with pytest.raises(ValueError, match="above 0"):
        Sandbox(keep_for=0)


def test_a_record_is_read_back_as_it_was() -> None:
    """Half a surrogate pair included."""
    message = _any_message()
    assert from_line(to_line(message)) == message
    assert json.loads(to_line(message))["request"]["fields"]["password"] == "****"
