"""Every fault of the catalogue, from the client's side."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
import urllib3

from notifykit_kwtsms.sandbox import FAULTS
from notifykit_kwtsms.sandbox.faults.catalogue import KINDS, Point
from notifykit_kwtsms.sandbox.http import wire_faults
from tests.sandbox.conftest import eventually

if TYPE_CHECKING:
    from notifykit_kwtsms.sandbox import Sandbox
    from tests.sandbox.conftest import Client, Response

KUWAIT = "96598765432"


def _raises(kind: type[Exception], words: str, timeout: float = 5) -> Callable[[Client, str], None]:
    def look(client: Client, fault: str) -> None:
        with pytest.raises(kind, match=words):
            client.send(KUWAIT, headers={"X-Sandbox-Fault": fault}, timeout=timeout)

    return look


def _shows(look: Callable[[Response], bool]) -> Callable[[Client, str], None]:
    def look_at(client: Client, fault: str) -> None:
        response = client.send(KUWAIT, headers={"X-Sandbox-Fault": fault})
        assert look(response)

    return look_at


def _is_page(status: int) -> Callable[[Client, str], None]:
    return _shows(lambda response: response.status == status and response.text.startswith("<html>"))


def _is_no_json(response: Response) -> bool:
    try:
        json.loads(response.body)
    except ValueError:
        return response.status == 200
    return False


SEEN: dict[str, Callable[[Client, str], None]] = {
    "reset": _raises(urllib3.exceptions.ProtocolError, "ConnectionResetError"),
    "close": _raises(urllib3.exceptions.ProtocolError, "RemoteDisconnected"),
    "hang": _raises(urllib3.exceptions.ReadTimeoutError, "Read timed out", timeout=0.3),
    "half-head": _shows(lambda response: response.body == b"" and "Content-Length" not in response.headers),
    "half-body": _raises(urllib3.exceptions.ProtocolError, "IncompleteRead"),
    "dribble": _shows(lambda response: response.code is None and "msg-id" in response.json),
    "dribble-head": _shows(lambda response: response.code is None and "msg-id" in response.json),
    "slow": _shows(lambda response: "msg-id" in response.json),
    "html-200": _is_page(200),
    "empty-200": _shows(lambda response: (response.status, response.body) == (200, b"")),
    "broken-json": _shows(_is_no_json),
    "json-list": _shows(lambda response: response.json == ["OK"]),
    "not-utf8": _shows(_is_no_json),
    "json-403": _shows(lambda response: (response.status, response.code) == (403, "ERR003")),
    "html-403": _is_page(403),
    "html-502": _is_page(502),
    "empty-503": _shows(
        lambda response: (response.status, response.body, response.headers["Retry-After"]) == (503, b"", "30")
    ),
    "html-504": _is_page(504),
    "no-msg-id": _shows(lambda response: response.json["result"] == "OK" and "msg-id" not in response.json),
    "wrong-count": _shows(lambda response: response.json["numbers"] == 2),
    "string-numbers": _shows(lambda response: response.json["balance-after"] == "149"),
    "extra-keys": _shows(lambda response: "api" in response.json and "msg-id" in response.json),
    "bom": _shows(lambda response: response.body.startswith(b"\xef\xbb\xbf{") and response.status == 200),
    "gzip": _shows(lambda response: response.headers["Content-Encoding"] == "gzip" and "msg-id" in response.json),
    "redirect": _shows(lambda response: response.status == 301 and response.headers["Location"].startswith("http://")),
    "big-body": _shows(lambda response: response.status == 200 and len(response.body) > 1024 * 1024),
    "stale": _shows(lambda response: "msg-id" in response.json and "Connection" not in response.headers),
    "double-answer": _shows(lambda response: "msg-id" in response.json),
}
EACH = [(name, point) for name in FAULTS for point in KINDS[name].points]
QUICK = {"dribble": "0.0001", "dribble-head": "0.0001", "slow": "0.01", "hang": "20"}


def test_every_fault_can_be_done_and_is_tested() -> None:
    """The catalogue, the code and this table name the same faults."""
    assert set(FAULTS) == {*wire_faults.ON_CONNECTION, *wire_faults.ON_RESPONSE} == set(SEEN)


@pytest.mark.parametrize(("name", "after"), EACH)
def test_a_fault_shows_and_accepts_as_it_says(client: Client, sandbox: Sandbox, name: str, after: Point) -> None:
    """What the client sees, whether the message was accepted all the same, and what the records say."""
    SEEN[name](client, f"{name}; after={after}; delay={QUICK.get(name, 0)}")
    accepted = after is Point.ACCEPT
    eventually(lambda: len(sandbox.messages + sandbox.refused) == 1)
    assert sandbox.accepted(KUWAIT) == accepted
    assert sandbox.account.balance == 150 - accepted
    (captured,) = sandbox.messages if accepted else sandbox.refused
    assert captured.fault == f"{name} after {after} (header)"
    assert (captured.response is not None) is accepted
    assert captured.state == ("queued" if accepted else "cut")
    (record,) = sandbox.requests
    assert record.fault == captured.fault
    assert (record.status is not None) is KINDS[name].answers


@pytest.mark.parametrize(("name", "after"), EACH)
def test_the_sandbox_works_on_after_a_fault(client: Client, sandbox: Sandbox, name: str, after: Point) -> None:
    """The same pool gets a right answer to its next request."""
    SEEN[name](client, f"{name}; after={after}; delay={QUICK.get(name, 0)}")
    assert client("balance").json["available"] == sandbox.account.balance


def test_a_stale_connection_is_seen_by_who_writes_to_it(client: Client) -> None:
    """The answer promises a connection that stays, and what follows it is the end."""
    connection = http.client.HTTPConnection("127.0.0.1", client.sandbox.port, timeout=30)
    connection.request("POST", "/API/balance/", b"{}", {"X-Sandbox-Fault": "stale", "Content-Type": "application/json"})
    answer = connection.getresponse()
    assert (answer.status, answer.will_close) == (400, False)
    answer.read()
    assert connection.sock.recv(1) == b""
    connection.close()


def test_a_fault_that_is_late_is_late(client: Client) -> None:
    """A delay comes before what the fault does."""
    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        client("balance", headers={"X-Sandbox-Fault": "html-502; delay=1.5"}, timeout=0.3)


def test_faults_of_other_endpoints_need_no_message(client: Client, sandbox: Sandbox) -> None:
    """Answers without the keys that a fault edits are left as they are."""
    for name in ("no-msg-id", "wrong-count"):
        assert client("balance", headers={"X-Sandbox-Fault": name}).json["available"] == 150
    assert client("balance", headers={"X-Sandbox-Fault": "string-numbers"}).json["available"] == "150"
    assert sandbox.refused == ()


@pytest.mark.parametrize(
    "header",
    ["nonsense", "reset; after=lunch", "dribble; after=receive", "reset; delay=soon", "reset; loud=1", "", "ERR1"],
)
def test_a_header_that_makes_no_sense_is_said_so(client: Client, sandbox: Sandbox, header: str) -> None:
    """A typing mistake in a test must not pass as a right answer."""
    response = client.send(KUWAIT, headers={"X-Sandbox-Fault": header})
    assert response.status == 400
    assert "error" in response.json
    assert sandbox.accepted(KUWAIT) == 0


def test_the_header_can_refuse_with_a_code(client: Client, sandbox: Sandbox) -> None:
    """Any code, also an unknown one."""
    assert client.send(KUWAIT, headers={"X-Sandbox-Fault": "ERR999"}).code == "ERR999"
    assert sandbox.refused[0].code == "ERR999"


def test_the_header_goes_before_the_magic_number(client: Client, sandbox: Sandbox) -> None:
    """And the magic number before the active fault."""
    sandbox.chaos("html-504")
    assert client.send("96545004009", headers={"X-Sandbox-Fault": "html-502"}).status == 502
    assert client.send("96545004009").status == 503
    assert client.send(KUWAIT).status == 504
    assert client.send(KUWAIT).status == 200
