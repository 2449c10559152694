"""The event stream: everything that happens, once, in order, over any number of connections."""

from __future__ import annotations

import itertools
import threading
import time
from typing import TYPE_CHECKING, Any

from notifykit_kwtsms.sandbox import Gateway, Rules, Sandbox
from notifykit_kwtsms.sandbox.http import event_stream
from notifykit_kwtsms.sandbox.http.stats import SandboxInfo
from notifykit_kwtsms.sandbox.inbox import change_log
from tests.sandbox.conftest import Client, eventually
from tests.sandbox.streams import Listener

if TYPE_CHECKING:
    import pytest

KUWAIT, OTHER, SAUDI = "96598765432", "96599999999", "966558724477"
#: The kinds that say how things stand, and not what happened.
STANDING = ("hello", "stats", "comment")


def what_happened(listener: Listener, count: int) -> list[Any]:
    happened = (received for received in listener.events() if received.kind not in STANDING)
    return list(itertools.islice(happened, count))


def test_a_reader_receives_everything_that_happens(client: Client, sandbox: Sandbox) -> None:
    """Of messages, accounts, faults, the clock; each with the next number."""
    with Listener(sandbox.port) as listener:
        assert listener.answer.getheader("Content-Type") == "text/event-stream; charset=utf-8"
        hello = listener.next()
        assert (hello.kind, hello.id, hello.data["sequence"]) == ("hello", None, 0)
        client.send(KUWAIT, "Hi")
        client.request("PUT", "/sandbox/messages/1", {"unread": False})
        client.request("POST", "/sandbox/dlr/1", {"state": "sent"})
        client.request("PUT", "/sandbox/account", {"balance": 7})
        client.request("PUT", "/sandbox/chaos", {"do": "html-502"})
        client.send(OTHER, "cut")
        # A message that is deleted before its event is written has none.
        received = what_happened(listener, 7)
        undo = client.request("DELETE", "/sandbox/messages?ids=1,2").json["undo"]
        client.request("POST", "/sandbox/messages/restore", {"undo": undo})
        client.request("PUT", "/sandbox/clock", {"advance": 16})
        client("balance", headers={"X-Sandbox-Fault": "html-200"})
        received += what_happened(listener, 4)
    assert [event.kind for event in received] == [
        "new", "update", "dlr", "account", "chaos", "new", "fault", "delete", "restore", "clock", "fault",
    ]  # fmt: skip
    assert [event.id for event in received] == list(range(1, 12))
    assert received[0].data["text"] == "Hi"
    assert received[3].data == {"username": "sandbox", "balance": 7}
    assert received[6].data == {"endpoint": "send", "fault": "html-502 after receive (armed)", "message": 2}
    assert received[7].data == received[8].data == {"ids": [1, 2]}
    assert received[9].data["offset"] == 16
    assert received[10].data["message"] is None


def test_a_message_that_is_deleted_already_has_no_event(client: Client, sandbox: Sandbox) -> None:
    """Its number passes all the same, and what happened after it is there."""
    client.send(KUWAIT, "Hi")
    undo = client.request("DELETE", "/sandbox/messages?ids=1").json["undo"]
    with Listener(sandbox.port, "/sandbox/events?after=0") as listener:
        assert [(event.kind, event.id) for event in what_happened(listener, 1)] == [("delete", 2)]
        client.request("POST", "/sandbox/messages/restore", {"undo": undo})
        assert [(event.kind, event.id) for event in what_happened(listener, 1)] == [("restore", 3)]


def test_a_reader_goes_on_where_it_was(client: Client, sandbox: Sandbox) -> None:
    """By Last-Event-ID as a browser says it, or by after; the header is the newer word."""
    for number in range(5):
        client.send(KUWAIT, f"text {number}")
    for path, headers in (
        ("/sandbox/events", {"Last-Event-ID": "3"}),
        ("/sandbox/events?after=3", {}),
        ("/sandbox/events?after=1", {"Last-Event-ID": "3"}),
    ):
        with Listener(sandbox.port, path, headers) as listener:
            assert [event.data["id"] for event in what_happened(listener, 2)] == [4, 5]
    for wrong in ("-1", "x", "9" * 20):
        assert client.request("GET", f"/sandbox/events?after={wrong}").status == 400


def test_a_reader_that_missed_too_much_reloads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also who comes from another history; after that nothing is missed."""
    monkeypatch.setattr(change_log.ChangeLog.__init__, "__defaults__", (0, 3))
    monkeypatch.setattr(event_stream, "STATS_EVERY", 0.02)
    with Sandbox(rules=Rules(rate_limit=None)) as sandbox:
        client = Client(sandbox)
        for number in range(5):
            client.send(KUWAIT, f"text {number}")
        for after in (1, 99):
            with Listener(sandbox.port, f"/sandbox/events?after={after}") as listener:
                (event,) = what_happened(listener, 1)
                assert (event.kind, event.id, event.data) == ("reload", 5, {"sequence": 5})
        with Listener(sandbox.port, "/sandbox/events?after=2") as listener:
            assert [event.data["id"] for event in what_happened(listener, 3)] == [3, 4, 5]
        client.pool.close()


def test_a_message_arrives_within_a_tenth_of_a_second(client: Client, sandbox: Sandbox) -> None:
    """From the request to the reader."""
    with Listener(sandbox.port) as listener:
        listener.next("hello")
        waits = []
        for number in range(5):
            begun = time.monotonic()
            client.send(KUWAIT, f"text {number}")
            listener.next("new")
            waits.append(time.monotonic() - begun)
    assert sorted(waits)[2] < 0.1


def test_a_jump_of_the_clock_is_streamed(client: Client, sandbox: Sandbox) -> None:
    """A jump from any side, without a request for it."""
    sandbox.account.prefixes = ("966",)
    client.live(SAUDI)
    with Listener(sandbox.port) as listener:
        listener.next("hello")
        sandbox.clock.advance(301)
        assert any(event.data["state"] == "delivered" for event in listener.events("dlr"))


def test_silence_is_broken_by_a_heartbeat(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    """So that a dead line is noticed."""
    monkeypatch.setattr(event_stream, "HEARTBEAT", 0.02)
    with Listener(sandbox.port) as listener:
        assert listener.next("comment").data == "heartbeat"


def test_the_figures_come_along(client: Client, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the start, and while something moves."""
    monkeypatch.setattr(event_stream, "STATS_EVERY", 0.02)
    with Listener(sandbox.port) as listener:
        figures = listener.next("stats").data
        assert (figures["messages"], figures["listeners"], figures["balance"]) == (0, 1, 150)
        client.send(KUWAIT)
        assert listener.next("stats").data["messages"] == 1


def test_a_reader_that_leaves_is_forgotten(sandbox: Sandbox, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the next thing that happens at the latest."""

    def readers() -> int:
        found: int = client.request("GET", "/sandbox/stats").json["listeners"]
        return found

    monkeypatch.setattr(event_stream, "READERS", 1)
    with Listener(sandbox.port) as listener:
        listener.next("hello")
        assert readers() == 1
        assert client.request("GET", "/sandbox/events").status == 503
    numbers = itertools.count()

    def gone() -> bool:
        client.send(KUWAIT, f"{next(numbers)}")
        return readers() == 0

    eventually(gone)
    assert client.request("HEAD", "/sandbox/events").status == 200
    assert readers() == 0


def test_streams_end_with_the_sandbox(sandbox: Sandbox) -> None:
    """No thread stays behind."""
    with Listener(sandbox.port) as listener:
        listener.next("hello")
        sandbox.stop()
        assert list(listener.events("new")) == []


def test_a_stream_that_is_never_read_releases_its_place() -> None:
    """A server may close it before the first byte."""
    streams = event_stream.EventStreams(Gateway(), SandboxInfo(), threading.Event())
    assert streams.reserve()
    stream = streams.stream(None)
    assert streams.readers == 1
    stream.close()
    stream.close()
    assert streams.readers == 0
