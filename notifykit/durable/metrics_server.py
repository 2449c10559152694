"""What ``notifykit worker --metrics`` serves: ``/metrics`` for Prometheus, ``/healthz``, and ``/readyz`` with its reason."""

from __future__ import annotations

import contextlib
import errno
import socket
import socketserver
import sys
import threading
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from http.server import ThreadingHTTPServer
from typing import Any, Final, Self

import click

from notifykit.cli.options import global_options
from notifykit.cli.output import note
from notifykit.errors import ConfigError
from notifykit.models.job import Backlog
from notifykit.pipeline.notifier import Notifier
from notifykit.protocols import Sink
from notifykit.settings.sources import Settings

#: Seconds for which a client may keep a thread waiting.
_PATIENCE: Final = 10.0
_STARTING: Final = "The worker is starting."
_ENDING: Final = "The worker is ending: it finishes the requests in flight."
_PATHS: Final = "There are /metrics, /healthz and /readyz."


def read_address(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, int] | None:
    """Return the host and the port of an option.

    :raises click.BadParameter: where it is no address.
    """
    if value is None:
        return None
    host, colon, port = value.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (colon and host and port.isascii() and port.isdigit() and int(port) < 65536):
        raise click.BadParameter(f"{value!r:.60} is no address: give HOST:PORT, for example 127.0.0.1:9464.")
    return host, int(port)


class Unserved:
    """Where no address was given: nothing is served or counted."""

    #: The sinks that count.
    sinks: Sequence[Sink] = ()

    def follow(self, notifier: Notifier) -> None:
        """Serve what there is to say about the jobs of a notifier."""

    def stop_following(self) -> None:
        """Say from now on that the worker is ending."""


class MetricsServer(Unserved):
    """Serves the metrics of this process from a thread, from the first moment to the last.

    :param address: host and port; port 0 for any that is free.
    :param sinks: the sinks that count.
    :raises ConfigError: where the address can't be used, or a library or folder is missing.
    """

    def __init__(self, address: tuple[str, int], sinks: Sequence[Sink]) -> None:
        from notifykit.integrations.prometheus import JobsCollector, served_registry

        self.sinks = sinks
        self._notifier: Notifier | None = None
        self._state = _STARTING
        registry = served_registry()
        registry.register(JobsCollector(self._backlog))
        self._server = _listen(address, _handler(registry, self.not_ready))
        host, port = self._server.server_address[:2]
        #: Where it listens.
        self.url = f"http://{f'[{host!s}]' if ':' in str(host) else str(host)}:{port}"

    def follow(self, notifier: Notifier) -> None:
        """Serve what there is to say about the jobs of a notifier."""
        self._notifier = notifier

    def stop_following(self) -> None:
        """Say from now on that the worker is ending."""
        self._notifier, self._state = None, _ENDING

    def not_ready(self) -> str | None:
        """Return why the worker can't be counted on, in one sentence; None where it can."""
        notifier = self._notifier
        if notifier is None:
            return self._state
        try:
            notifier.backlog()
            return notifier.idle_reason()
        except (ConfigError, RuntimeError) as error:
            return str(error)

    def _backlog(self) -> Backlog:
        notifier = self._notifier
        if notifier is None:
            raise ConfigError(self._state)
        return notifier.backlog()

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, name="notifykit-metrics", daemon=True).start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextlib.contextmanager
def metrics_server(address: tuple[str, int] | None) -> Iterator[Unserved]:
    """Serve metrics while a worker runs; nothing without an address.

    :raises ConfigError: where the address can't be used, or a library or folder is missing.
    """
    if address is None:
        yield Unserved()
        return
    from notifykit.integrations.prometheus import PrometheusSink

    named = Settings.load(global_options().settings, env_file=global_options().env_file).sinks or ()
    # Where the settings name it, the notifier has one already, and two would count everything twice.
    sinks = () if PrometheusSink.name in named else (PrometheusSink(),)
    with MetricsServer(address, sinks) as server:
        note(f"Metrics are at {server.url}/metrics.")
        yield server


def _handler(registry: Any, not_ready: Any) -> type[Any]:
    from prometheus_client import MetricsHandler

    class Handler(MetricsHandler):
        timeout = _PATIENCE

        def do_GET(self) -> None:  # noqa: N802 - the name is http.server's
            path = self.path.partition("?")[0]
            if path == "/metrics":
                super().do_GET()
            elif path == "/healthz":
                self._say(HTTPStatus.OK, "ok")
            elif path == "/readyz":
                reason = not_ready()
                self._say(HTTPStatus.SERVICE_UNAVAILABLE if reason else HTTPStatus.OK, reason or "ready")
            else:
                self._say(HTTPStatus.NOT_FOUND, _PATHS)

        def _say(self, status: HTTPStatus, sentence: str) -> None:
            body = f"{sentence}\n".encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    Handler.registry = registry
    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def server_bind(self) -> None:
        """Bind, without asking the name server for a name as http.server does: that may take long."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing where a client has gone; anything else is a defect."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Server6(_Server):
    address_family = socket.AF_INET6


def _listen(address: tuple[str, int], handler: type[Any]) -> _Server:
    """Return a server that listens.

    :raises ConfigError: where it can't.
    """
    host, port = address
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return (_Server6 if family == socket.AF_INET6 else _Server)(address, handler)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ConfigError(
                f"metrics: another process listens on {host}:{port}: stop it, or give another port"
            ) from None
        raise ConfigError(
            f"metrics: {host}:{port} can't be listened on ({error.strerror or type(error).__name__}): give an address of "
            "this machine, for example 127.0.0.1:9464, and a port above 1023"
        ) from None
