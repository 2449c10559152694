"""Five requests in any one second, counted in real time; the block lasts in virtual time."""

from __future__ import annotations

import http.client
import time
from typing import TYPE_CHECKING

import attrs
import pytest
import urllib3

from notifykit_kwtsms.sandbox import Clock, Rules
from notifykit_kwtsms.sandbox.gateway.requests import Traffic

if TYPE_CHECKING:
    from tests.sandbox.conftest import Start


@pytest.fixture
def traffic() -> Traffic:
    """The default rules."""
    return Traffic(Clock(), Rules())


def test_five_start_and_the_sixth_blocks(start: Start) -> None:
    """A 403 with a web page, on every endpoint, until the block is over."""
    client = start(rate_limit=5)
    assert [client(name).status for name in ("balance", "senderid", "coverage", "balance", "senderid")] == [200] * 5
    response = client("balance")
    assert (response.status, response.text[:6]) == (403, "<html>")
    assert [record.blocked for record in client.sandbox.requests] == [False] * 5 + [True]
    client.sandbox.clock.advance(59)
    assert client("balance").status == 403
    client.sandbox.clock.advance(1)
    assert client("balance").status == 200


def test_a_blocked_send_is_not_accepted(start: Start) -> None:
    """It never reaches the gateway."""
    client = start(rate_limit=1)
    client("balance")
    client.send("96598765432")
    assert client.sandbox.accepted("96598765432") == 0


def test_a_block_can_drop_the_connection(start: Start) -> None:
    """The other thing that it may do."""
    client = start(rate_limit=1, block_answer="drop")
    client("balance")
    with pytest.raises(urllib3.exceptions.ProtocolError, match="ConnectionResetError"):
        client("balance")
    assert client.sandbox.requests[-1].status is None


def test_the_default_rules_have_the_rule() -> None:
    """It is on by default."""
    assert (Rules().rate_limit, Rules().block_seconds) == (5, 60.0)


def test_the_window_slides_over_real_time(traffic: Traffic, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any one second, not each second of the clock."""
    now = time.monotonic()
    blocked = []
    for offset in (0.0, 0.9, 0.92, 0.94, 0.96, 1.0, 1.5):
        monkeypatch.setattr(time, "monotonic", lambda at=offset: now + at)
        blocked.append(traffic.start("balance", "127.0.0.1").blocked)
    assert blocked == [False] * 6 + [True]


def test_two_a_second_is_always_right(traffic: Traffic, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the vendor advises is never blocked."""
    now = time.monotonic()
    for step in range(50):
        monkeypatch.setattr(time, "monotonic", lambda at=step / 2: now + at)
        assert not traffic.start("send", "127.0.0.1").blocked


def test_addresses_do_not_share_the_limit(traffic: Traffic) -> None:
    """The rule is for each IP."""
    for address in ("127.0.0.1", "127.0.0.2"):
        assert [traffic.start("send", address).blocked for _ in range(6)] == [False] * 5 + [True]
    assert set(traffic.blocked()) == {"127.0.0.1", "127.0.0.2"}


def test_records_hold_the_real_start_in_order(traffic: Traffic) -> None:
    """What rate assertions need."""
    before = time.monotonic()
    for _ in range(5):
        traffic.start("send", "127.0.0.1")
    starts = [record.started for record in traffic.all()]
    assert starts == sorted(starts)
    assert before <= starts[0]
    assert starts[-1] <= time.monotonic()


def test_a_record_knows_what_became_of_the_request(start: Start) -> None:
    """Endpoint, status, account, code and id."""
    client = start()
    msgid = client.send("96598765432").json["msg-id"]
    client("balance", password="no")
    sent, refused = client.sandbox.requests
    assert attrs.astuple(sent, filter=attrs.filters.include("endpoint", "status", "account", "msg_id")) == (
        "send",
        200,
        "sandbox",
        msgid,
    )
    assert (refused.status, refused.code, refused.account) == (403, "ERR003", "sandbox")
    assert sent.client == "127.0.0.1"


def test_a_request_that_still_runs_has_started(start: Start) -> None:
    """It is on record before it has an answer."""
    client = start()
    connection = http.client.HTTPConnection("127.0.0.1", client.sandbox.port, timeout=30)
    connection.putrequest("POST", "/API/balance/")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", "51")
    connection.endheaders()
    deadline = time.monotonic() + 2
    while not client.sandbox.requests and time.monotonic() < deadline:
        time.sleep(0.001)
    (record,) = client.sandbox.requests
    assert (record.endpoint, record.status) == ("balance", None)
    connection.close()
