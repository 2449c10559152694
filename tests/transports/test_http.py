"""One request, one deadline, and an honest answer to "was it sent?"."""

from __future__ import annotations

import contextlib
import gzip
import os
import signal
import socket
import ssl
import threading
import time
import traceback

import pytest
import trustme

from notifykit import ConfigError, NotReached, OutcomeUnknown
from notifykit.http import BODY_LIMIT, HttpClient, HttpTransport, pool
from notifykit.http.network import Network
from tests.transports.wire import Script, answer, close, dribble_of, half, reset, scripted, stall

SECRET = b'{"password": "hunter2", "mobile": "96598765432"}'


def _post(
    url: str,
    timeout: float = 5,
    body: bytes = SECRET,
    client: HttpClient | None = None,
    network: Network | None = None,
):
    own = client or HttpClient(f"{url}/API/", network=network)
    try:
        return own.post("send/", body, {"Content-Type": "application/json"}, timeout)
    finally:
        if client is None:
            own.close()


def test_the_request_is_a_plain_post_with_its_length():
    """Method, path, headers and body are exactly what was asked for."""
    with scripted(answer(b'{"a": 1}', headers="X-More: yes\r\n")) as wire:
        got = _post(wire.url)
    assert (got.status, got.body, got.headers["x-more"]) == (200, b'{"a": 1}', "yes")
    head, _, body = wire.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /API/send/ HTTP/1.1\r\n")
    assert f"content-length: {len(SECRET)}".encode() in head.lower()
    assert b"transfer-encoding" not in head.lower()
    assert body == SECRET


def test_paths_are_quoted_and_the_agent_can_be_chosen():
    """No character of a URL ends the line that it stands in."""
    with scripted(answer()) as wire:
        client = HttpClient(f"{wire.url}/a b/%7e/رمز?q=ü v")
        client.post("send now\r\nX: 1/", b"", {}, 5)
        client.post("", b"", {"User-Agent": "mine/1"}, 5)
        client.close()
    first, second = wire.requests
    assert first.startswith(b"POST /a%20b/%7E/%D8%B1%D9%85%D8%B2send%20now%0D%0AX:%201/?q=%C3%BC%20v HTTP/1.1\r\n")
    assert b"\r\nUser-Agent: notifykit\r\n" in first
    assert second.count(b"User-Agent") == second.count(b"User-Agent: mine/1\r\n") == 1


@pytest.fixture
def authority(tmp_path):
    """A certificate authority, and the settings of whoever trusts it."""
    made = trustme.CA()
    made.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return made, Network(ca_file=str(tmp_path / "ca.pem"))


def _served(authority: trustme.CA, name: str = "localhost") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


@pytest.mark.parametrize(("trusted", "name"), [(True, "localhost"), (True, "elsewhere.example"), (False, "localhost")])
def test_only_a_certificate_that_fits_is_believed(authority, trusted, name):
    """From an authority that is trusted, and for this host; else nothing leaves."""
    made, network = authority
    with scripted(answer(b"ok"), tls=_served(made if trusted else trustme.CA(), name)) as wire:
        url = f"https://localhost:{wire.port}"
        if trusted and name == "localhost":
            assert _post(url, network=network).body == b"ok"
        else:
            with pytest.raises(NotReached, match=r"TLS handshake failed .*certificate") as raised:
                _post(url, network=network)
            assert raised.value.code == "tls_failed"
            assert wire.requests == []


def test_requests_share_one_connection():
    """A campaign opens one connection, not one a batch."""
    with scripted(answer()) as wire:
        client = HttpClient(f"{wire.url}/API/")
        for _ in range(20):
            _post(wire.url, client=client)
        client.close()
        assert (wire.connections, len(wire.requests)) == (1, 20)


@pytest.mark.parametrize("secure", [False, True])
def test_a_connection_can_be_opened_before_the_request(authority, secure):
    """Whoever waits for a turn waits connected, so that the request leaves when its turn comes."""
    made, network = authority
    with scripted(answer(), tls=_served(made) if secure else None) as wire:
        client = HttpClient(f"{'https' if secure else 'http'}://localhost:{wire.port}/", network=network)
        client.connect(5)
        client.connect(5)
        wire.wait_for_connections(1)
        assert wire.requests == []
        for _ in range(3):
            client.connect(5)
            assert _post("", client=client).status == 200
        client.close()
        assert (wire.connections, len(wire.requests)) == (1, 3)


def test_a_connection_that_was_idle_is_not_trusted():
    """A server may have dropped it at the very moment it is used, and it would not be known whether the request arrived."""
    with scripted(answer()) as wire:
        client = HttpClient(f"{wire.url}/API/", idle_limit=0.0)
        _post(wire.url, client=client)
        _post(wire.url, client=client)
        client.close()
        assert wire.connections == 2


@pytest.mark.parametrize(
    ("script", "code"),
    [(reset, "connection_lost"), (close, "connection_lost"), (half, "incomplete"), (stall, "timeout")],
)
def test_what_breaks_after_the_request_left_is_unknown(script, code):
    """Reset, close, half a body and silence: the request may have arrived."""
    with scripted(script) as wire, pytest.raises(OutcomeUnknown) as raised:
        _post(wire.url, timeout=1.0)
    assert raised.value.code == code
    assert not raised.value.safe_to_resend
    assert len(wire.requests) == 1


def test_no_listener_means_nothing_was_sent():
    """A refused connection is safe to try again."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NotReached) as raised:
        _post(f"http://127.0.0.1:{port}")
    assert (raised.value.code, raised.value.safe_to_resend) == ("connection_refused", True)


def test_a_name_that_is_not_there_means_nothing_was_sent():
    """A typing slip in the host is distinguished from a provider that is down."""
    with pytest.raises(NotReached) as raised:
        _post("http://nowhere.invalid")
    assert raised.value.code == "name_not_found"


def test_a_failed_handshake_means_nothing_was_sent():
    """The request goes out behind the handshake, so a failed one is safe."""
    with scripted(answer()) as wire, pytest.raises(NotReached) as raised:
        _post(wire.url.replace("http:", "https:"))
    assert raised.value.code == "tls_failed"
    assert wire.requests == []


@pytest.mark.parametrize(
    "text",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + b"x" * 2000,
        b"HTTP/1.1 200 OK\r\nX-Endless: " + b"x" * 2000,
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 2000,
    ],
)
def test_a_server_that_dribbles_does_not_outlive_the_deadline(text):
    """The deadline is one for the whole answer: status line, headers and body."""
    began = time.monotonic()
    with scripted(dribble_of(text)) as wire, pytest.raises(OutcomeUnknown) as raised:
        _post(wire.url, timeout=1.0)
    assert raised.value.code == "timeout"
    assert time.monotonic() - began < 10


def test_an_endless_answer_is_cut():
    """Nobody fills our memory."""
    with scripted(answer(b"x" * (BODY_LIMIT + 1))) as wire, pytest.raises(OutcomeUnknown) as raised:
        _post(wire.url)
    assert raised.value.code == "oversized"


def test_compressed_answers_are_read_all_the_same():
    """We ask for none, and read it if it comes."""
    with scripted(answer(gzip.compress(b'{"a": 1}'), headers="Content-Encoding: gzip\r\n")) as wire:
        assert _post(wire.url).body == b'{"a": 1}'
    with scripted(answer(b"not gzip", headers="Content-Encoding: gzip\r\n")) as wire, pytest.raises(OutcomeUnknown):
        _post(wire.url)


@pytest.mark.parametrize("kind", ["gzip", "X-Gzip"])
def test_a_compressed_answer_that_is_cut_is_not_whole(kind):
    """Its length counts what was sent, and nobody counted what was compressed."""

    def cut_behind(connection: socket.socket, request: bytes) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nContent-Encoding: {kind}\r\n\r\n"
        connection.sendall(head.encode() + gzip.compress(b"first"))

    for cut in (5, 15, -1):
        body = gzip.compress(b'{"result": "OK"}')[:cut]
        with scripted(answer(body, headers=f"Content-Encoding: {kind}\r\n")) as wire:
            with pytest.raises(OutcomeUnknown) as raised:
                _post(wire.url)
        assert raised.value.code == "unreadable"
    with scripted(cut_behind) as wire, pytest.raises(OutcomeUnknown) as raised:
        _post(wire.url)
    assert raised.value.code == "incomplete"
    body = gzip.compress(b"x" * (BODY_LIMIT + 1))
    with scripted(answer(body, headers=f"Content-Encoding: {kind}\r\n")) as wire:
        with pytest.raises(OutcomeUnknown) as raised:
            _post(wire.url)
    assert raised.value.code == "oversized"


def test_redirects_are_not_followed():
    """A password never follows a redirect: the 301 comes back as an answer."""
    with scripted(answer()) as other, scripted(answer(b"", "301 Moved", f"Location: {other.url}/\r\n")) as wire:
        assert _post(wire.url).status == 301
        assert other.requests == []


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("Wed, 21 Oct 2026 07:28:30 GMT", 30.0),
        ("Wednesday, 21-Oct-26 07:28:30 GMT", 30.0),
        ("Wed Oct 21 07:28:30 2026", 30.0),
        ("Wed, 21 Oct 2026 07:20:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400.0),
        ("Wed, 99 Oct 2026", None),
        ("soon", None),
        ("-1", None),
        ("9" * 400, 86_400.0),
    ],
)
def test_retry_after_is_read_as_seconds_and_as_a_date(value, seconds):
    """A date by the server's own clock. Nobody is believed who says more than a day."""
    headers = f"Date: Wed, 21 Oct 2026 07:28:00 GMT\r\nRetry-After: {value}\r\n"
    with scripted(answer(b"", "503 Busy", headers)) as wire:
        assert _post(wire.url).retry_after == seconds


@pytest.mark.parametrize(
    ("said", "status", "body", "headers", "kept"),
    [
        pytest.param(
            b"HTTP/1.1 200 OK\r\nX-Way: one\r\nx-way:two\r\nX-Long: a\r\n\t b \r\nContent-Length: 2\r\n\r\nok",
            200,
            b"ok",
            {"x-way": "one, two", "content-length": "2"},
            True,
            id="repeated and folded headers",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nContent-Length: 1\r\n\r\n2;x=y\r\nok\r\n3\r\n...\r\n0\r\nT: 1\r\n\r\n",
            200,
            b"ok...",
            {},
            True,
            id="chunks and a trailer",
        ),
        pytest.param(
            b"HTTP/1.1 100 Continue\r\nX-Early: 1\r\n\r\nHTTP/1.1 201 Made\nContent-Length: 0\n\n",
            201,
            b"",
            {},
            True,
            id="100 before it, and bare line ends",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n",
            200,
            b"ok",
            {},
            False,
            id="chunks without the line behind the last",
        ),
        pytest.param(b"HTTP/1.1 204 None\r\n\r\n", 204, b"", {}, True, id="a status without a body"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\nuntil the end", 200, b"until the end", {}, False, id="no length"),
        pytest.param(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, b"ok", {}, False, id="HTTP/1.0"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 2\r\n\r\nok",
            200,
            b"ok",
            {"connection": "Close"},
            False,
            id="a connection that closes",
        ),
    ],
)
def test_answers_of_all_kinds_are_read_to_their_end(said, status, body, headers, kept):
    """Whatever says where the body ends; the connection is used again where the server leaves it open."""

    def script(connection: socket.socket, request: bytes) -> bool:
        connection.sendall(said)
        return kept

    with scripted(script) as wire:
        client = HttpClient(f"{wire.url}/API/")
        for _ in range(2):
            got = _post(wire.url, client=client)
            assert (got.status, got.body) == (status, body)
            assert headers.items() <= got.headers.items()
        client.close()
        assert wire.connections == (1 if kept else 2)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"HTTP/1.1 403 Forbidden\r\nContent-Len", "incomplete"),
        (b"HTTP/1.1 403 Forbidden\r\n", "incomplete"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nok", "incomplete"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n", "incomplete"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nxxxx", "incomplete"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 101 + b"\r\n", "unreadable"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n", "unreadable"),
        (b"nonsense\r\n\r\n", "not_http"),
        (b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "not_http"),
        (b"HTTP/2 200\r\n\r\n", "not_http"),
    ],
)
def test_an_answer_that_is_not_whole_is_no_answer(said, code):
    """Half a refusal may be half of something else: the outcome is unknown, and the connection is not used again."""

    def script(connection: socket.socket, request: bytes) -> None:
        connection.sendall(said)

    with scripted(script) as wire:
        client = HttpClient(f"{wire.url}/API/")
        for _ in range(2):
            with pytest.raises(OutcomeUnknown) as raised:
                _post(wire.url, client=client)
            assert raised.value.code == code
        client.close()
        assert wire.connections == 2


def _saying(*answers: bytes):
    """Say one thing after each request on any connection, and keep the connection open."""
    left = list(answers)

    def script(connection: socket.socket, request: bytes) -> bool:
        connection.sendall(left.pop(0))
        return True

    return script


def _whole(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def test_what_comes_before_the_answer_is_not_the_answer():
    """Else each later request would get the answer to the one before."""
    hints = b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 104 Upload\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    with scripted(_saying(hints + _whole(b"one"), hints + _whole(b"two"))) as wire:
        client = HttpClient(wire.url)
        assert [_post("", client=client).body for _ in range(2)] == [b"one", b"two"]
        client.close()
        assert wire.connections == 1


def test_a_connection_that_changes_its_protocol_is_not_used_again():
    """What comes behind a 101 is not HTTP."""
    with scripted(_saying(b"HTTP/1.1 101 Switching\r\n\r\n", _whole(b"two"))) as wire:
        client = HttpClient(wire.url)
        assert [_post("", client=client).status for _ in range(2)] == [101, 200]
        client.close()
        assert wire.connections == 2


@pytest.mark.parametrize("padding", [0, 20_000])
@pytest.mark.parametrize("secure", [False, True])
def test_what_is_left_over_is_not_the_next_answer(authority, secure, padding):
    """Neither where we read it already, nor where it lies decrypted behind the socket."""
    made, network = authority
    long = _whole(b"one") + b"x" * padding + _whole(b"a lie")
    with scripted(_saying(long, _whole(b"the truth")), tls=_served(made) if secure else None) as wire:
        client = HttpClient(f"https://localhost:{wire.port}" if secure else wire.url, network=network)
        assert [_post("", client=client).body for _ in range(2)] == [b"one", b"the truth"]
        client.close()
        assert wire.connections == 2


def test_a_kept_connection_is_looked_at_again_right_before_the_request(monkeypatch):
    """What nobody asked for may come between the first look and the request; afterwards nothing is kept for a while."""
    monkeypatch.setattr(pool._Connection, "is_connected", property(lambda conn: conn.sock is not None))
    with scripted(_saying(_whole(b"one") + _whole(b"a lie"), *([_whole(b"the truth")] * 4))) as wire:
        client = HttpClient(wire.url)
        assert [_post("", client=client).body for _ in range(2)] == [b"one", b"the truth"]
        monkeypatch.undo()
        assert [_post("", client=client).body for _ in range(3)] == [b"the truth"] * 3
        client.close()
        assert wire.connections == 5


@pytest.mark.parametrize("kept", [False, True])
def test_a_request_whose_time_is_over_before_it_is_sent_certainly_did_not_arrive(kept):
    """As where a process was stopped behind the connection and in front of the request."""
    with scripted(_saying(*([_whole(b"one")] * 2))) as wire:
        client = HttpClient(wire.url)
        if kept:
            _post("", client=client)
        client.connect(5.0)
        with pytest.raises(NotReached) as late:
            client.post("/", b"body", {}, 1e-9)
        assert (late.value.code, late.value.safe_to_resend) == ("deadline", True)
        client.close()
    assert len(wire.requests) == int(kept)


def test_a_server_that_says_too_much_gets_a_connection_for_each_request():
    """One answer may be taken for the next one; not every second one for ever."""
    with scripted(_saying(_whole(b"one") + _whole(b"a lie"), *([_whole(b"the truth")] * 4))) as wire:
        client = HttpClient(wire.url)
        assert [_post("", client=client).body for _ in range(5)] == [b"one"] + [b"the truth"] * 4
        client.close()
        assert wire.connections == 5


def _second_request_lost() -> Script:
    """Return a server that reads a second request on a connection and then closes it."""
    seen: set[int] = set()

    def script(connection: socket.socket, request: bytes) -> bool:
        if id(connection) in seen:
            return False
        seen.add(id(connection))
        connections.append(connection)
        return bool(answer()(connection, request))

    connections: list[socket.socket] = []  # so that no other one gets the number of one that is gone
    return script


def test_a_server_that_closes_kept_connections_costs_one_unknown_and_not_one_each_time():
    """After it, each request has a connection of its own for a while."""
    with scripted(_second_request_lost()) as wire:
        client = HttpClient(wire.url)
        results = []
        for _ in range(10):
            try:
                results.append(_post("", client=client).status)
            except OutcomeUnknown as error:
                results.append(error.code)
        client.close()
    assert results == [200, "connection_lost"] + [200] * 8


def test_what_may_arrive_twice_is_asked_once_more_where_a_kept_connection_was_lost():
    """Only there: a new connection that is lost may have brought the request."""
    with scripted(_second_request_lost()) as wire:
        client = HttpClient(wire.url)
        for _ in range(5):
            assert client.post("", b"x", {}, 5, idempotent=True).status == 200
        client.close()
        assert len(wire.requests) == 6
    with scripted(close) as wire, pytest.raises(OutcomeUnknown):
        HttpClient(wire.url).post("", b"x", {}, 5, idempotent=True)
    assert len(wire.requests) == 1


def test_what_was_lost_once_is_not_said_to_be_unsent_where_nobody_answers_any_more():
    """The first request may have arrived."""

    def script(connection: socket.socket, request: bytes) -> bool:
        if len(wire.requests) == 1:
            return bool(answer()(connection, request))
        return False

    with scripted(script) as wire:
        client = HttpClient(wire.url)
        assert client.post("", b"x", {}, 5, idempotent=True).status == 200
        client._pool.port = 1  # where nobody listens: a new connection goes there
        with pytest.raises(OutcomeUnknown):
            client.post("", b"x", {}, 5, idempotent=True)
        assert len(wire.requests) == 2
        client.close()


def test_an_answer_that_comes_before_the_request_is_whole_is_read():
    """Who refuses a long request closes before he has read it; what he said is known all the same."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)

        def refuse() -> None:
            for _ in range(2):
                connection, _address = listener.accept()
                with connection:
                    connection.recv(1000)
                    connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")

        server = threading.Thread(target=refuse)
        server.start()
        client = HttpClient(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        assert [_post("", body=b"x" * 9_000_000, client=client).status for _ in range(2)] == [413, 413]
        client.close()
        server.join(30)


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ],
)
def test_what_is_said_twice_counts_once(said):
    """Proxies repeat headers; nobody waits for an end that was there."""
    with scripted(_saying(said)) as wire:
        assert _post(wire.url, timeout=10).body == b"ok"


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0x64\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nX: a\r\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nNo colon\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok",
    ],
)
def test_an_answer_whose_end_is_not_known_is_unreadable_at_once(said):
    """Two lengths, an unknown framing, a line that is no header, and what was not compressed."""
    with scripted(_saying(said)) as wire, pytest.raises(OutcomeUnknown) as raised:
        _post(wire.url)
    assert raised.value.code == "unreadable"


def test_a_slow_reader_behind_tls_does_not_outlive_the_deadline(authority):
    """Each piece that it takes would begin the timeout anew."""
    made, network = authority
    served = _served(made)
    done = threading.Event()
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def read_slowly() -> None:
            connection, _address = listener.accept()
            with contextlib.suppress(OSError), served.wrap_socket(connection, server_side=True) as spoken:
                while spoken.recv(16384):
                    done.wait(0.1)

        server = threading.Thread(target=read_slowly)
        server.start()
        began = time.monotonic()
        with pytest.raises(OutcomeUnknown) as raised:
            _post(f"https://localhost:{listener.getsockname()[1]}", 1.0, b"x" * 6_000_000, network=network)
        assert time.monotonic() - began < 10
        done.set()
        server.join(30)
    assert raised.value.code == "timeout"


def test_an_address_that_swallows_packets_does_not_hide_the_next(monkeypatch):
    """Each address of a host has its share of the time."""
    with contextlib.ExitStack() as stack:
        wire = stack.enter_context(scripted(answer()))
        deaf = stack.enter_context(socket.socket())
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        for _ in range(4):  # nobody accepts, so that the queue is full
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(deaf.getsockname())
        found = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", p)) for p in (deaf.getsockname()[1], wire.port)
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_: found)
        assert _post("http://two.example", timeout=2.0).status == 200


def test_a_client_that_is_closed_during_a_request_keeps_no_connection():
    """Nobody would close it."""

    def closing(connection: socket.socket, request: bytes) -> bool | None:
        client.close()
        return answer()(connection, request)

    with scripted(closing) as wire:
        client = HttpClient(wire.url)
        assert _post("", client=client).status == 200
        assert wire.wait_for_end()


def test_the_agent_is_named_once_however_it_is_spelled():
    """Names of headers are not case-sensitive."""
    with scripted(answer()) as wire:
        HttpClient(wire.url).post("", b"", {"user-agent": "mine/1"}, 5)
    assert wire.requests[0].lower().count(b"user-agent:") == 1


def test_no_frame_of_ours_shows_what_was_sent():
    """Whoever reports an error with the variables of its frames reports no body and no password."""
    with scripted(reset) as wire:
        client = HttpClient(wire.url)
        for headers in ({"Authorization": "hunter2"}, {"Authorization": "hunter2\n"}):
            with pytest.raises((OutcomeUnknown, NotReached)) as raised:
                client.post("", SECRET, headers, 2)
            shown = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
            ours = [
                frame.locals
                for frame in shown.stack
                if "/notifykit/" in frame.filename and "/tests/" not in frame.filename
            ]
            assert ours
            assert "hunter2" not in str(ours)


@pytest.mark.parametrize("script", [reset, half, stall])
def test_no_traceback_shows_what_was_sent(script):
    """Not in the text of the error, not in its causes, and not in the variables of any frame."""
    with scripted(script) as wire, pytest.raises(OutcomeUnknown) as raised:
        HttpClient(f"{wire.url}/API/").post("send/", SECRET, {}, 1.0)
    error = raised.value
    ours = traceback.TracebackException.from_exception(error, capture_locals=True)
    inner = [line for frame in ours.__cause__.stack for line in frame.line] if ours.__cause__ else []
    assert inner == []
    assert "hunter2" not in "".join(traceback.format_exception(error))


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://host/", "host", "http://", "http://host:port/", "http://host:99999/", "http://[::1", "http://ä..com/"),
        *("http://host:0/", "https://\ud800.com/", "https://host/\ud800", "https://host/?q=\ud800"),
    ],
)
def test_a_url_that_is_none_is_a_config_error(url):
    """And the message says what a URL looks like."""
    with pytest.raises(ConfigError):
        HttpClient(url)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_forked_children_do_not_read_each_others_answers():
    """A warm connection belongs to the process that made it: each child gets the answer to its own question."""

    def echo(connection: socket.socket, request: bytes) -> bool:
        body = request.rpartition(b"\r\n\r\n")[2]
        return answer(body)(connection, request)

    with scripted(echo) as wire:
        client = HttpClient(f"{wire.url}/")
        assert client.post("", b"parent", {}, 5).body == b"parent"
        children = []
        for name in (b"one", b"two"):
            child = os.fork()
            if child == 0:
                right = all(client.post("", name, {}, 5).body == name for _ in range(50))
                os._exit(0 if right else 1)
            children.append(child)
        assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0]
        assert client.post("", b"parent", {}, 5).body == b"parent"
        client.close()
        assert wire.connections == 3


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_does_not_wait_for_a_thread_that_it_does_not_have():
    """Another thread of the parent may have held the lock of the pool when it was forked."""
    with scripted(answer()) as wire:
        client = HttpClient(wire.url)
        _post("", client=client)
        with client._pool.pool.mutex:
            child = os.fork()
            if child == 0:
                signal.alarm(5)
                os._exit(client.post("", b"", {}, 2).status != 200)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        _post("", client=client)
        client.close()
        assert wire.connections == 2


@pytest.mark.parametrize(
    "header",
    [
        {"Authorization": "Bearer s3cret\n"},
        {"Two words": "s3cret"},
        {"host": "s3cret"},
        {"Content-Length": "s3cret"},
        {"X-Batch": 5},
        {"X-Key": b"s3cret"},
        {5: "s3cret"},
    ],
)
def test_what_can_not_be_a_header_is_refused_before_anything_is_sent(header):
    """Its name is in the message and its value is not; a transport that would send it always can't be made."""
    (name,) = header
    with scripted(answer()) as wire:
        with pytest.raises(NotReached, match=str(name)) as raised:
            HttpClient(wire.url).post("", b"", header, 5)
        with pytest.raises(ConfigError, match=str(name)) as refused:
            HttpTransport(wire.url, headers=header)
    assert "s3cret" not in f"{raised.value} {refused.value}"
    assert wire.connections == 0


def test_a_closed_client_sends_nothing():
    """And says so, instead of that the message may have been sent."""
    client = HttpClient("http://127.0.0.1:9/")
    client.close()
    with pytest.raises(NotReached, match="closed"):
        client.post("", b"", {}, 5)
