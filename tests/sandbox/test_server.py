"""The server: kept connections, limits, who may ask, and a clean end."""

from __future__ import annotations

import concurrent.futures
import contextlib
import http.client
import json
import logging
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
import urllib3
from werkzeug.serving import make_server
from werkzeug.test import Client as WsgiClient

from notifykit.errors import ConfigError
from notifykit_kwtsms.sandbox import Gateway, Rules, Sandbox, create_app
from notifykit_kwtsms.sandbox.http import server
from notifykit_kwtsms.sandbox.http.server import Server
from notifykit_kwtsms.sandbox.http.wsgi import BODY_LIMIT

if TYPE_CHECKING:
    from tests.sandbox.conftest import Client

KUWAIT = "96598765432"
LOGIN = {"username": "sandbox", "password": "sandboxpassword"}


def _raw(port: int, request: bytes) -> bytes:
    """Send bytes, read to the end of the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
        line.sendall(request)
        answer = b""
        while data := line.recv(65536):
            answer += data
    return answer


def _threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("notifykit-sandbox")]


def test_one_connection_carries_many_requests(client: Client) -> None:
    """HTTP/1.1 keep-alive: one socket for twenty requests, errors among them."""
    for _ in range(5):
        client("balance")
        client("balance", password="no")
        client("report")
        client.request("GET", "/API/balance/")
    assert client.pool.num_connections == 1


def test_a_client_can_ask_for_the_end_of_the_connection(client: Client) -> None:
    """Connection: close is honoured and announced."""
    body = json.dumps(LOGIN)
    request = f"POST /API/balance/ HTTP/1.1\r\nHost: 127.0.0.1:{client.sandbox.port}\r\nConnection: close\r\n"
    request += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    answer = _raw(client.sandbox.port, request.encode())
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nConnection: close\r\n" in answer


def test_requests_in_a_row_are_answered_in_a_row(client: Client) -> None:
    """Two requests in one packet, the second with the end of the connection."""
    body = json.dumps(LOGIN)
    head = f"POST /API/balance/ HTTP/1.1\r\nHost: 127.0.0.1:{client.sandbox.port}\r\nContent-Type: application/json\r\n"
    first = f"{head}Content-Length: {len(body)}\r\n\r\n{body}"
    second = f"{head}Connection: close\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    assert _raw(client.sandbox.port, (first + second).encode()).count(b"HTTP/1.1 200 OK") == 2


def test_100_continue_is_said(client: Client) -> None:
    """To clients that ask before they send the body."""
    body = json.dumps(LOGIN)
    request = f"POST /API/balance/ HTTP/1.1\r\nHost: localhost:{client.sandbox.port}\r\nExpect: 100-continue\r\n"
    request += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"
    answer = _raw(client.sandbox.port, request.encode())
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")


@pytest.mark.parametrize("path", ["/API/send/", "/sandbox/messages", "/nothing"])
def test_a_body_over_the_limit_is_413_and_not_a_reset(client: Client, path: str) -> None:
    """The client gets it even while it still sends; unknown paths stay unknown."""
    response = client.request("POST", path, b"x" * (2 * 1024 * 1024), {"Content-Type": "application/json"})
    assert response.status == (404 if path == "/nothing" else 413)
    assert response.headers["Connection"] == "close"


def test_a_body_at_the_limit_is_read(client: Client) -> None:
    """64 KiB are a request like any other."""
    body = json.dumps(LOGIN).encode()
    response = client.request("POST", "/API/balance/", body.ljust(BODY_LIMIT), {"Content-Type": "application/json"})
    assert response.status == 200


def test_a_chunked_body_is_no_body(client: Client) -> None:
    """The gateway needs Content-Length: ERR002."""
    connection = http.client.HTTPConnection("127.0.0.1", client.sandbox.port, timeout=30)
    headers = {"Content-Type": "application/json"}
    connection.request("POST", "/API/balance/", iter([json.dumps(LOGIN).encode()]), headers, encode_chunked=True)
    answer = connection.getresponse()
    assert (answer.status, json.load(answer)["code"]) == (400, "ERR002")
    connection.close()
    assert client.request("POST", "/API/balance/").text.startswith("ERR002:")


def test_nonsense_on_the_wire_does_no_harm(client: Client) -> None:
    """Not HTTP at all, half a request, a client that leaves."""
    assert b"400" in _raw(client.sandbox.port, b"HELO there friend\r\n\r\n")
    for part in (
        b"",
        b"POST /API/send/ HT",
        b"POST /API/send/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{",
    ):
        with socket.create_connection(("127.0.0.1", client.sandbox.port), timeout=30) as line:
            line.sendall(part)
    assert client("balance").status == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:{port}", "127.0.0.1:1", "127.0.0.1", "10.0.0.1:{port}", "", "[::1", "localhost:x"],
)
@pytest.mark.parametrize("path", ["/API/balance/", "/sandbox/reset"])
def test_a_foreign_host_is_refused(client: Client, host: str, path: str) -> None:
    """A name that was rebound to this machine gives itself away."""
    response = client.request("POST", path, LOGIN, {"Host": host.format(port=client.sandbox.port)})
    assert response.status == 403
    assert client.sandbox.requests == ()


@pytest.mark.parametrize(
    "host", ["localhost:{port}", "127.0.0.1:{port}", "[::1]:{port}", "LOCALHOST:{port}", "127.1.2.3:{port}"]
)
def test_loopback_names_are_its_own(client: Client, host: str) -> None:
    """With its port."""
    assert client.request("POST", "/API/balance/", LOGIN, {"Host": host.format(port=client.sandbox.port)}).status == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:1", "http://localhost:{port}", "file://"]
)
def test_another_page_may_not_write(client: Client, origin: str) -> None:
    """Host and port must both be the same; reading is left to the browser's own rule."""
    header = {"Origin": origin.format(port=client.sandbox.port)}
    for method, path in (("POST", "/API/send/"), ("POST", "/sandbox/reset"), ("PUT", "/sandbox/clock")):
        assert client.request(method, path, {}, header).status == 403
    assert client.request("DELETE", "/sandbox/messages", None, header).status == 403


def test_its_own_page_may_write(client: Client) -> None:
    """The inbox to come."""
    assert client.request("POST", "/sandbox/reset", {}, {"Origin": client.sandbox.url}).status == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
@pytest.mark.parametrize("options", [{}, {"allow_remote": True}, {"token": "t"}])
def test_other_machines_need_two_permissions(host: str, options: dict[str, Any]) -> None:
    """allow_remote and a token."""
    with pytest.raises(ConfigError, match="allow_remote"):
        Sandbox(host, **options)


def test_a_token_guards_the_control_api() -> None:
    """The gateway itself and the health checks stay open."""
    with Sandbox("0.0.0.0", allow_remote=True, token="sesame", hosts=["sms.internal"]) as sandbox:
        pool = urllib3.HTTPConnectionPool("127.0.0.1", sandbox.port, retries=False, timeout=30)

        def status(path: str, **headers: str) -> int:
            names = {name.replace("_", "-"): value for name, value in headers.items()}
            return pool.urlopen("GET", path, headers=names).status

        assert sandbox.url.startswith("http://127.0.0.1:")
        assert status("/sandbox/messages") == 401
        assert status("/sandbox/messages", Authorization="Bearer wrong") == 401
        assert status("/sandbox/messages", Authorization="Bearer sesame") == 200
        assert status("/sandbox/messages", X_Sandbox_Token="sesame") == 200
        assert status("/livez") == 200
        assert status("/livez", Host=f"sms.internal:{sandbox.port}") == 200
        assert status("/livez", Host=f"192.0.2.1:{sandbox.port}") == 200
        assert status("/livez", Host=f"evil.example:{sandbox.port}") == 403
        assert pool.urlopen("POST", "/API/balance/").status == 400
        assert "sesame" not in repr(vars(sandbox))
        pool.close()


def test_a_taken_port_is_a_sentence() -> None:
    """And no exit of the process."""
    with Sandbox() as first, pytest.raises(ConfigError, match=f"port {first.port}"):
        Sandbox(port=first.port).start()


def test_stopping_leaves_no_thread_and_no_listener() -> None:
    """With an idle connection, one in the middle of a request, and a fault that hangs."""
    before = set(_threads())
    sandbox = Sandbox(rules=Rules(rate_limit=None)).start()
    port = sandbox.port
    pool = urllib3.HTTPConnectionPool("127.0.0.1", port, retries=False, timeout=30)
    pool.request("POST", "/API/balance/", json=LOGIN)
    half = socket.create_connection(("127.0.0.1", port), timeout=30)
    half.sendall(b"POST /API/send/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90\r\n\r\n{")
    sandbox.chaos("hang", after="accept", delay=600)
    with concurrent.futures.ThreadPoolExecutor(1) as workers:
        hanging = workers.submit(pool.request, "POST", "/API/balance/", json=LOGIN)
        while not any(record.fault for record in sandbox.requests):
            time.sleep(0.001)
        started = time.monotonic()
        sandbox.stop()
        assert time.monotonic() - started < 10
        assert isinstance(hanging.exception(), urllib3.exceptions.ProtocolError)
    assert set(_threads()) <= before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=30)
    half.close()
    pool.close()


def test_stopping_releases_a_long_poll() -> None:
    """A wait for a message ends without one."""
    sandbox = Sandbox().start()
    pool = urllib3.HTTPConnectionPool("127.0.0.1", sandbox.port, retries=False, timeout=30)
    with concurrent.futures.ThreadPoolExecutor(1) as workers:
        waiting = workers.submit(pool.request, "GET", "/sandbox/messages/wait?timeout=60")
        time.sleep(0.02)
        started = time.monotonic()
        sandbox.stop()
        waiting.exception()
        assert time.monotonic() - started < 10
    pool.close()


def test_a_sandbox_can_be_started_again() -> None:
    """What was captured is still there; the port may be another."""
    sandbox = Sandbox()
    with sandbox:
        urllib3.request("POST", f"{sandbox.url}/sandbox/messages", json={"to": KUWAIT, "text": "Hi"}, retries=False)
        with pytest.raises(RuntimeError, match="running already"):
            sandbox.start()
    sandbox.stop()
    with sandbox:
        assert len(sandbox.messages) == 1
        assert sandbox.wait(timeout=0.01).text == "Hi"
    with pytest.raises(RuntimeError, match="not running"):
        _ = sandbox.url


def test_serve_forever_ends_when_it_is_stopped() -> None:
    """What a command line calls."""
    sandbox = Sandbox()
    serving = threading.Thread(target=sandbox.serve_forever)
    serving.start()
    deadline = time.monotonic() + 5
    while "not running" in repr(sandbox) and time.monotonic() < deadline:
        time.sleep(0.001)
    sandbox.stop()
    serving.join(30)
    assert not serving.is_alive()


def test_many_threads_are_charged_exactly(client: Client, sandbox: Sandbox) -> None:
    """Acceptance is atomic: with 150 points 150 of 200 sends are accepted, and every id is new."""
    with concurrent.futures.ThreadPoolExecutor(8) as workers:
        response = list(workers.map(lambda _: client.send(KUWAIT), range(200)))
    accepted = [answer.json for answer in response if answer.status == 200]
    assert len(accepted) == sandbox.accepted(KUWAIT) == len(sandbox.messages) == 150
    assert {answer.code for answer in response if answer.status != 200} == {"ERR010"}
    assert len({answer["msg-id"] for answer in accepted}) == 150
    assert sorted(answer["balance-after"] for answer in accepted) == list(range(150))
    assert sandbox.account.balance == 0


def test_the_same_number_rule_lets_one_of_many_through(client: Client, sandbox: Sandbox) -> None:
    """Checking and accepting is one step."""
    with concurrent.futures.ThreadPoolExecutor(8) as workers:
        codes = list(workers.map(lambda _: client.live(KUWAIT).code, range(32)))
    assert sorted(codes, key=str) == ["ERR028"] * 31 + [None]
    assert sandbox.accepted(KUWAIT) == 1


def test_nothing_is_logged_about_requests(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """Numbers and texts stay out of the logs, also when the wire breaks."""
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("urllib3").propagate = False
        try:
            client.send(KUWAIT)
            with pytest.raises(urllib3.exceptions.ProtocolError):
                client.send("96545004001")
        finally:
            logging.getLogger("urllib3").propagate = True
    assert caplog.text == ""


def test_a_bug_of_the_sandbox_is_said_aloud(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A 500 for the client, a traceback in the log, and the sandbox lives on."""

    def broken(call: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(client.sandbox.gateway, "handle", broken)
        assert client("balance").status == 500
    assert "ZeroDivisionError" in caplog.text
    assert client("balance").status == 200


def test_mounted_without_a_socket_the_wire_faults_become_a_504() -> None:
    """As a WSGI application in another one; acceptance is as it would be."""
    gateway = Gateway()
    mounted = WsgiClient(create_app(gateway))
    fields = {**LOGIN, "sender": "MY-APP", "message": "Hi", "test": "1"}

    def send(mobile: str, **headers: str) -> int:
        return mounted.post("/API/send/", json={**fields, "mobile": mobile}, headers=headers).status_code

    assert send(KUWAIT) == 200
    assert send("96545006001") == 504
    assert gateway.accepted("96545006001") == 1
    assert send("96545004000") == 504
    assert gateway.accepted("96545004000") == 0
    assert send("96545004006") == 200
    assert json.loads(mounted.get("/sandbox/messages").data)["total"] == 4
    assert mounted.get("/", headers={"Host": "evil.example"}).status_code == 403


def test_the_wsgi_app_of_a_sandbox_needs_no_start() -> None:
    """It shares the inbox with the object."""
    sandbox = Sandbox()
    response = WsgiClient(sandbox.wsgi_app).post("/sandbox/messages", json={"to": KUWAIT, "text": "Hi"})
    assert response.status_code == 201
    assert len(sandbox.messages) == 1


@pytest.fixture
def mounted_port() -> Iterator[Callable[[], int]]:
    """The application behind Werkzeug's own development server."""
    server = make_server("127.0.0.1", 0, create_app(), threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield lambda: server.port
    server.shutdown()
    thread.join()


def test_mounted_on_werkzeugs_server_the_wire_can_be_broken(mounted_port: Callable[[], int]) -> None:
    """Its socket is within reach."""
    pool = urllib3.HTTPConnectionPool("127.0.0.1", mounted_port(), retries=False, timeout=30)
    assert pool.request("POST", "/API/balance/", json=LOGIN).status == 200
    with pytest.raises(urllib3.exceptions.ProtocolError, match="RemoteDisconnected"):
        pool.request("POST", "/API/balance/", json=LOGIN, headers={"X-Sandbox-Fault": "close"})
    pool.close()


def test_a_client_that_leaves_in_the_middle_of_its_body_sends_nothing(client: Client) -> None:
    """Half a request is no request: nothing is accepted, and no answer is on record."""
    with socket.create_connection(("127.0.0.1", client.sandbox.port), timeout=30) as line:
        head = (
            f"POST /API/send/ HTTP/1.1\r\nHost: 127.0.0.1:{client.sandbox.port}\r\nContent-Type: application/json\r\n"
        )
        line.sendall(f'{head}Content-Length: 90\r\n\r\n{{"username":"sandbox"'.encode())
        line.shutdown(socket.SHUT_WR)
        assert line.recv(1) == b""
    (record,) = client.sandbox.requests
    assert record.status is None
    assert client.sandbox.refused == ()


def test_the_control_api_needs_the_length_of_a_body(client: Client) -> None:
    """A chunked body is refused, and the connection ends."""
    connection = http.client.HTTPConnection("127.0.0.1", client.sandbox.port, timeout=30)
    connection.request("PUT", "/sandbox/clock", iter([b'{"advance": 16}']), encode_chunked=True)
    assert connection.getresponse().status == 413
    connection.close()
    assert client.sandbox.clock.offset == 0


def test_the_root_says_where_things_are(client: Client) -> None:
    """For who opens the address in a browser: the page, by addresses that hold at any prefix."""
    assert 'src="page/' in client.request("GET", "/").text


def test_a_delayed_fault_ends_when_the_sandbox_stops() -> None:
    """No delay outlives the sandbox, whatever it delays."""
    for fault in ("slow", "html-502", "ERR013", "dribble"):
        sandbox = Sandbox().start()
        sandbox.chaos(fault, delay=600)
        pool = urllib3.HTTPConnectionPool("127.0.0.1", sandbox.port, retries=False, timeout=30)
        with concurrent.futures.ThreadPoolExecutor(1) as workers:
            waiting = workers.submit(pool.request, "POST", "/API/balance/", json=LOGIN)
            while not any(record.fault for record in sandbox.requests):
                time.sleep(0.001)
            sandbox.stop()
            assert isinstance(waiting.exception(), urllib3.exceptions.ProtocolError)
        pool.close()


def _ends(line: socket.socket) -> bool:
    """Return whether the other side ends a connection, within half a minute."""
    line.settimeout(30)
    try:
        return line.recv(1) == b""
    except ConnectionError:
        return True


@pytest.mark.parametrize(
    "sent",
    [b"", b"POST /API/send/ HT", b"POST /API/send/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{"],
    ids=["nothing", "half a head", "half a body"],
)
def test_a_request_that_does_not_arrive_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    """However slowly its bytes come: the limit is one for all of it."""
    monkeypatch.setattr(Server, "request_limit", 0.2)
    monkeypatch.setattr(Server, "idle_limit", 0.2)
    with Sandbox() as sandbox, socket.create_connection(("127.0.0.1", sandbox.port), timeout=30) as line:
        line.sendall(sent.replace(b"localhost", f"127.0.0.1:{sandbox.port}".encode()))
        assert _ends(line)


def test_a_body_that_dribbles_does_not_outlive_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte now and then does not begin it anew."""
    monkeypatch.setattr(Server, "request_limit", 0.5)
    with Sandbox() as sandbox, socket.create_connection(("127.0.0.1", sandbox.port), timeout=30) as line:
        line.sendall(b"POST /API/send/ HTTP/1.1\r\nX: ")
        pause, sent = threading.Event(), 0
        with contextlib.suppress(ConnectionError):
            while sent < 1500:
                line.sendall(b"x")
                sent += 1
                pause.wait(0.02)
    assert sent < 1500


def test_an_answer_may_take_longer_than_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what arrives is limited: this one comes by a fault that takes its time."""
    monkeypatch.setattr(Server, "request_limit", 0.5)
    monkeypatch.setattr(server, "_SWEEP", 0.05)
    with Sandbox() as sandbox:
        sandbox.chaos("slow", delay=0.8)
        body = json.dumps(LOGIN)
        head = f"POST /API/balance/ HTTP/1.1\r\nHost: 127.0.0.1:{sandbox.port}\r\nContent-Type: application/json\r\n"
        answer = _raw(sandbox.port, f"{head}Connection: close\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
    assert answer.startswith(b"HTTP/1.1 200 OK")


def test_there_is_a_cap_on_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Above it, an earlier one makes room: the one that would be the first to run out of time."""
    monkeypatch.setattr(Server, "most_connections", 3)
    with Sandbox() as sandbox, contextlib.ExitStack() as stack:
        lines = []
        for _ in range(6):
            lines.append(stack.enter_context(socket.create_connection(("127.0.0.1", sandbox.port), timeout=30)))
            lines[-1].sendall(b"POST /API/")
        ended, _, _ = select.select(lines, [], [], 30)
        assert ended
        assert lines[-1] not in ended
        assert all(_ends(line) for line in ended)
        host = f"127.0.0.1:{sandbox.port}"
        request = f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        assert _raw(sandbox.port, request.encode()).startswith(b"HTTP/1.1 ")
