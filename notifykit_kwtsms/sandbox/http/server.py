"""A threaded HTTP/1.1 server on Werkzeug's, with connections that are kept, and that all end when it stops."""

from __future__ import annotations

import contextlib
import functools
import logging
import math
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from notifykit.errors import ConfigError
from notifykit_kwtsms.sandbox.http.wire_faults import ResponseWritten
from notifykit_kwtsms.sandbox.http.wsgi import ARRIVED, UNREAD, ConnectionDropped, encode_head, html_response

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

#: Real seconds and bytes given to a client that still sends a body which is not read.
_LINGER: Final = 0.2
_LINGER_BYTES: Final = 4 * 1024 * 1024
#: Real seconds between two looks for connections that are out of time.
_SWEEP: Final = 0.5
#: Real seconds that a thread may take to end.
_STOP_TIMEOUT: Final = 5.0
_log = logging.getLogger(__name__)


class _Handler(WSGIRequestHandler):
    """Werkzeug's handler ends every connection, because it can't know that an application read the whole body.

    This application does, or sets a mark that it did not.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def handle_one_request(self) -> None:
        """Wait for a request, read it and answer it."""
        self.server.limit(self.server.idle_limit)
        self.rfile.peek(1)  # type: ignore[attr-defined]  # it waits for the first byte
        self.server.limit(self.server.request_limit)
        super().handle_one_request()

    def run_wsgi(self) -> None:
        """Answer one request in one write, or piece by piece where its length is not known."""
        self.environ = environ = self.make_environ()
        # Once the request has arrived, its answer may take as long as it wants.
        environ[ARRIVED] = arrived = functools.partial(self.server.limit, math.inf)
        if environ.get("CONTENT_LENGTH", "") in ("", "0"):
            arrived()
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], exc_info: Any = None
        ) -> Callable[[bytes], object]:
            started.append((status, headers))
            return self.wfile.write

        try:
            answer = self.server.app(environ, start_response)
            arrived()
            status, headers = started[-1]
            headers = [*headers, ("Date", self.date_time_string())]
            if not any(name == "Content-Length" for name, _ in headers):
                self._stream(status, headers, answer)
                return
            body = b"".join(answer)
        except ResponseWritten:
            return
        except ConnectionDropped:
            self.close_connection = True
            return
        except Exception:
            # A bug of the sandbox: it is logged, the client gets a 500, and the sandbox works on.
            _log.exception("the sandbox failed to answer")
            failure = html_response(500, "The sandbox itself failed; see its log.")
            self._write(failure.status_line, failure.all_headers, failure.body, unread=True)
            return
        self._write(status, headers, body, unread=bool(environ.get(UNREAD)))

    def _stream(self, status: str, headers: Iterable[tuple[str, str]], answer: Iterable[bytes]) -> None:
        """Write each piece as it comes, to the end of the connection."""
        self.close_connection = True
        try:
            with contextlib.suppress(OSError):  # The reader closed the connection, which is how most streams end.
                self.wfile.write(encode_head(status, [*headers, ("Connection", "close")]))
                for piece in answer:
                    self.wfile.write(piece)
        finally:
            if hasattr(answer, "close"):
                answer.close()

    def _write(self, status: str, headers: Iterable[tuple[str, str]], body: bytes, unread: bool) -> None:
        self.close_connection = self.close_connection or unread
        if self.close_connection:
            headers = [*headers, ("Connection", "close")]
        self.wfile.write(encode_head(status, headers) + (b"" if self.command == "HEAD" else body))
        if unread:
            self._linger()

    def _linger(self) -> None:
        # Closing with unread bytes resets the connection, and the client would lose the answer.
        until = time.monotonic() + _LINGER
        rest = _LINGER_BYTES
        with contextlib.suppress(OSError):  # It may be closed, or silent for too long: then it is not waited for.
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(_LINGER)
            while rest > 0 and time.monotonic() < until and (data := self.connection.recv(65536)):
                rest -= len(data)

    def log(self, type: str, message: str, *args: Any) -> None:
        """Log nothing: requests hold numbers and texts, and the sandbox has its own record of them."""


class _Open:
    """A connection, and the monotonic time at which it ends unless its request has arrived by then."""

    def __init__(self, connection: socket.socket, ends: float) -> None:
        self.connection = connection
        self.ends = ends

    def end(self) -> None:
        """End it; its thread then ends by itself."""
        with contextlib.suppress(OSError):  # Closed or reset already, which is what is wanted.
            self.connection.shutdown(socket.SHUT_RDWR)


class Server(ThreadedWSGIServer):
    """Accepts connections in one thread and serves each in its own."""

    daemon_threads = True
    #: Real seconds in which a request has to arrive, to the last byte of its body, and for which an idle connection is kept.
    request_limit = 10.0
    idle_limit = 60.0
    #: The most connections that are open at once; above it, the one ends that is the first to run out of time.
    most_connections = 500
    # How long handle_request looks for a connection that the selector has already found.
    timeout = 0

    def __init__(self, host: str, port: int, make_app: Callable[[int], WSGIApplication]) -> None:
        """Call ``make_app`` with the port, which is not known before if it was 0."""
        with _listen(host, port) as listener:
            # Werkzeug works on a duplicate; left to itself it would print and exit where a port is taken.
            super().__init__(host, port, make_app(listener.getsockname()[1]), _Handler, fd=listener.fileno())
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._open: dict[threading.Thread, _Open] = {}
        self._lock = threading.Lock()
        self._closing = False
        self._accepting = threading.Thread(target=self._accept, name=f"notifykit-sandbox-{self.port}", daemon=True)

    def start(self) -> None:
        """Begin to accept."""
        self._accepting.start()

    def stop(self) -> None:
        """End every connection, wait for every thread, and free the port."""
        with self._lock:
            self._closing = True
        self._wake_writer.send(b"!")
        self._accepting.join(_STOP_TIMEOUT)
        with self._lock:
            serving = dict(self._open)
        for connection in serving.values():
            connection.end()
        until = time.monotonic() + _STOP_TIMEOUT
        for thread in serving:
            thread.join(max(0.0, until - time.monotonic()))
        self.server_close()
        self._wake_reader.close()
        self._wake_writer.close()

    def limit(self, seconds: float) -> None:
        """Give the connection of this thread so many seconds from now on; infinity for no limit."""
        here = self._open.get(threading.current_thread())
        if here is not None:
            here.ends = time.monotonic() + seconds

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread that :meth:`stop` can find."""
        thread = threading.Thread(
            target=self.process_request_thread,
            args=(request, client_address),
            name=f"notifykit-sandbox-{self.port}-connection",
            daemon=True,
        )
        with self._lock:
            if len(self._open) >= self.most_connections:
                min(self._open.values(), key=lambda one: one.ends).end()
            self._open[thread] = _Open(request, time.monotonic() + self.request_limit)
        thread.start()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection to its end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                self._open.pop(threading.current_thread(), None)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log what went wrong outside of the application, where it is not just a closed connection."""
        _log.warning("a connection to the sandbox ended badly", exc_info=True)

    def _accept(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self.socket, selectors.EVENT_READ)
            selector.register(self._wake_reader, selectors.EVENT_READ)
            while True:
                found = selector.select(_SWEEP)
                if self._closing:
                    return
                now = time.monotonic()
                with self._lock:
                    late = [one for one in self._open.values() if one.ends < now]
                for one in late:
                    one.end()
                if found:
                    self.handle_request()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        raise ConfigError(f"the sandbox can't listen on port {port} of {host}: {error.strerror or error}") from error
