"""No piece of an answer, and no answer to something else, is ever taken for the whole answer to a request."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from notifykit import NotReached, OutcomeUnknown
from notifykit.http import HttpClient

BODY = b'{"result": "OK", "msg-id": "f4c841adee210f31"}'


class Player:
    """A server that plays what a test gives it: pieces of bytes for each request, and then perhaps the end."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/"
        #: What to say to the following requests, each as pieces and whether the connection closes behind them.
        self.plays: list[tuple[list[bytes], bool]] = []
        #: Set when everything was said to a request.
        self.said = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError), connection:
            request = b""
            while piece := connection.recv(65536):
                request += piece
                if not request.endswith(b"\r\n\r\nhello"):
                    continue
                request = b""
                pieces, closes = self.plays.pop(0)
                for piece in pieces:
                    connection.sendall(piece)
                self.said.set()
                if closes:
                    return

    def close(self) -> None:
        """Stop listening."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture(name="player", scope="module")
def _player() -> Iterator[Player]:
    made = Player()
    yield made
    made.close()


def _head(*headers: str, status: str = "200 OK") -> bytes:
    return "\r\n".join((f"HTTP/1.1 {status}", *headers, "", "")).encode()


def _chunked(body: bytes, size: int) -> bytes:
    chunks = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


INTERIM = st.sampled_from(
    [b"", _head(status="100 Continue"), _head("Link: </a>", status="103 Early Hints"), _head(status="102 Processing")]
)
FRAMINGS = st.sampled_from(["length", "chunks", "close", "HTTP/1.0"])


@st.composite
def answers(draw: st.DrawFn) -> tuple[bytes, bool]:
    """A valid answer with our body, and whether only the end of the connection ends it."""
    framing = draw(FRAMINGS)
    closing = ("Connection: close",) if framing == "close" or draw(st.booleans()) else ()
    if framing == "chunks":
        size = draw(st.integers(1, len(BODY)))
        whole = _head("Transfer-Encoding: chunked", *closing) + _chunked(BODY, size)
    elif framing == "close":
        whole = _head(*closing) + BODY
    else:
        whole = _head(f"Content-Length: {len(BODY)}", "X-More: 1", *closing) + BODY
    if framing == "HTTP/1.0":
        whole = whole.replace(b"HTTP/1.1", b"HTTP/1.0", 1)
    return draw(INTERIM) + whole, framing == "close" or bool(closing) or framing == "HTTP/1.0"


def _pieces(whole: bytes, cuts: set[int]) -> list[bytes]:
    places = [0, *sorted(cut for cut in cuts if 0 < cut < len(whole)), len(whole)]
    return [whole[start:end] for start, end in itertools.pairwise(places)]


_QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@_QUICK
@given(answer=answers(), cuts=st.sets(st.integers(1, 400), max_size=12))
def test_a_whole_answer_is_read_however_it_is_split(player, answer, cuts):
    """Split between any two bytes, with and without keep-alive, chunks, and interim answers in front."""
    whole, closes = answer
    player.plays[:] = [(_pieces(whole, cuts), closes)] * 2
    client = HttpClient(player.url)
    try:
        assert [client.post("", b"hello", {}, 30).body for _ in range(2)] == [BODY, BODY]
    finally:
        client.close()


@_QUICK
@given(answer=answers(), data=st.data())
def test_a_cut_answer_is_never_whole(player, answer, data):
    """Cut behind any byte: the outcome is unknown, unless nothing but the end itself is missing."""
    whole, _ = answer
    kept = data.draw(st.integers(0, len(whole) - 1), label="bytes that arrive")
    player.plays[:] = [([whole[:kept]] if kept else [], True)]
    client = HttpClient(player.url)
    try:
        got = client.post("", b"hello", {}, 30)
    except OutcomeUnknown:
        return
    finally:
        client.close()
    if b"Content-Length" not in whole and b"chunked" not in whole:
        assert BODY.startswith(got.body)  # only the end of the connection says where it ends
    else:
        assert got.body == BODY  # behind the last chunk may stand a trailer, which may be missing


@_QUICK
@given(answer=answers(), extra=st.sampled_from([b"x", b"\r\n", _head("Content-Length: 2") + b"no", b"x" * 20_000]))
def test_what_stands_behind_an_answer_is_not_the_next_one(player, answer, extra):
    """A second body behind the first is read by nobody."""
    whole, closes = answer
    other = _head("Content-Length: 5") + b"other"
    player.plays[:] = [([whole + extra], closes), ([other], False)]
    client = HttpClient(player.url)
    try:
        first = client.post("", b"hello", {}, 30)
        assert first.body.startswith(BODY)
        assert client.post("", b"hello", {}, 30).body == b"other"
    finally:
        client.close()


def test_an_answer_before_the_request_is_not_its_answer(player):
    """A connection on which something came between two requests is not used again."""
    said = _head("Content-Length: 3") + b"one"
    player.plays[:] = [([said, _head("Content-Length: 3") + b"lie"], False), ([said], False)]
    client = HttpClient(player.url)
    try:
        player.said.clear()
        assert client.post("", b"hello", {}, 30).body == b"one"
        assert player.said.wait(30)
        assert client.post("", b"hello", {}, 30).body == b"one"
    finally:
        client.close()


@pytest.mark.parametrize("greeting", [b"220 mail.example ESMTP\r\n", _head("Content-Length: 2") + b"ok"])
def test_a_server_that_speaks_first_is_not_believed(greeting):
    """What it says is no answer to a request that it has not read."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with contextlib.suppress(OSError), connection:
                connection.sendall(greeting)
                spoken.set()
                connection.recv(65536)

        spoken = threading.Event()
        server = threading.Thread(target=serve)
        server.start()
        client = HttpClient(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        client.connect(30)
        assert spoken.wait(30)
        listener.close()  # nobody answers another connection
        with pytest.raises(NotReached):
            client.post("", b"hello", {}, 30)
        client.close()
        server.join(30)
