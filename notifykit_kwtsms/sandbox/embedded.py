"""The sandbox as an object: start it, use it, look at what arrived."""

from __future__ import annotations

import ipaddress
import os
import pathlib
import re
import threading
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from notifykit.errors import ConfigError
from notifykit.redaction import Secret
from notifykit_kwtsms.sandbox.clock import Clock
from notifykit_kwtsms.sandbox.faults.active import ActiveFault
from notifykit_kwtsms.sandbox.faults.catalogue import Fault
from notifykit_kwtsms.sandbox.faults.presets import is_preset, preset
from notifykit_kwtsms.sandbox.gateway.accounts import USERNAME, AccountHandle, dsn, environment
from notifykit_kwtsms.sandbox.gateway.requests import RequestRecord
from notifykit_kwtsms.sandbox.gateway.rules import Rules
from notifykit_kwtsms.sandbox.gateway.service import Gateway
from notifykit_kwtsms.sandbox.http.access import AccessControl
from notifykit_kwtsms.sandbox.http.app import App
from notifykit_kwtsms.sandbox.http.server import Server
from notifykit_kwtsms.sandbox.http.stats import SandboxInfo
from notifykit_kwtsms.sandbox.inbox.archive import Archive
from notifykit_kwtsms.sandbox.inbox.message import CapturedMessage
from notifykit_kwtsms.sandbox.inbox.store import Matches

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104


class Sandbox:
    """An imitation of the kwtSMS gateway over HTTP.

    >>> with Sandbox() as sandbox:  # doctest: +SKIP
    ...     subprocess.run(["kwtsms", "send", "96598765432", "Your code is 123456"], env=sandbox.env)
    ...     sandbox.otp(to="96598765432")
    '123456'
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        rules: Rules | None = None,
        clock: Clock | None = None,
        seed: int | None = 0,
        keep: int = 2000,
        hosts: Iterable[str] = (),
        allow_remote: bool = False,
        token: str | None = None,
        keep_for: float | None = None,
        store: str | os.PathLike[str] | None = None,
        label: str | None = None,
    ) -> None:
        """Prepare a sandbox; :meth:`start`, or ``with``, runs it.

        :param host: a host that is not loopback needs ``allow_remote`` and a ``token`` for the API.
        :param port: 0 takes a free one.
        :param seed: makes message ids and faults the same in every run; None makes them new.
        :param keep: how many messages the inbox keeps.
        :param hosts: names that it may be called by where it is not loopback.
        :param keep_for: virtual seconds after which a message is forgotten.
        :param store: a file in which the inbox survives a restart.
        :param label: a name that the page shows.
        :raises ConfigError: if the host needs more, or the store can't be used.
        """
        self._remote = not _is_loopback(host)
        if self._remote and not (allow_remote and token):
            raise ConfigError(
                f"{host} can be reached from other machines: give allow_remote=True and a token, or use 127.0.0.1"
            )
        self._host = host
        self._port = port
        self._hosts = frozenset(hosts) | (frozenset({host}) if self._remote else frozenset())
        self._token = Secret(token) if token else None
        self._stopping = threading.Event()
        self._stopped = threading.Event()
        self._server: Server | None = None
        self._info = SandboxInfo(label, self._remote)
        #: Everything that the imitation remembers.
        archive = None if store is None else Archive(pathlib.Path(store))
        self.gateway = Gateway(rules, clock, seed, keep, keep_for=keep_for, archive=archive)
        #: The clock; ``sandbox.clock.advance(16)`` spares a test 16 seconds.
        self.clock = self.gateway.clock
        #: The default account, to read and to change.
        self.account = AccountHandle(self.gateway.accounts, USERNAME)

    def start(self) -> Self:
        """Listen and serve in threads of its own. A port that is taken is a :class:`ConfigError`."""
        if self._server is not None:
            raise RuntimeError("this sandbox is running already")
        self._stopping = threading.Event()
        self._stopped.clear()
        self.gateway.store.open()
        server = Server(self._host, self._port, self._app)
        server.start()
        self._server = server
        return self

    def stop(self) -> None:
        """End every connection and thread, and let go of the port. What was captured stays readable."""
        server, self._server = self._server, None
        if server is None:
            # It may have been used without a server, and its file is to be free all the same.
            self.gateway.store.close()
            return
        self._stopping.set()
        self.gateway.store.close()
        server.stop()
        self._stopped.set()

    def serve_forever(self) -> None:
        """Run until :meth:`stop` is called from another thread, or ``KeyboardInterrupt`` comes."""
        if self._server is None:
            self.start()
        try:
            self._stopped.wait()
        finally:
            self.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def wsgi_app(self) -> WSGIApplication:
        """The sandbox as a WSGI callable, to be mounted; it needs no :meth:`start`."""
        return self._app(None)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._running().port

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``."""
        host = "127.0.0.1" if self._host in _EVERYWHERE else self._host
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def api_url(self) -> str:
        """The address that takes the place of the gateway's ``https://www.kwtsms.com/API/``."""
        return f"{self.url}/API/"

    @property
    def env(self) -> dict[str, str]:
        """Environment variables that make a program use this sandbox, in test mode."""
        return environment(self.account.read(), self.api_url)

    @property
    def dsn(self) -> str:
        """The transport's DSN for this sandbox, in test mode."""
        return dsn(self.account.read(), self.url)

    @property
    def messages(self) -> tuple[CapturedMessage, ...]:
        """The messages that were accepted, oldest first."""
        return tuple(message for message in self.gateway.store.all() if message.accepted)

    @property
    def refused(self) -> tuple[CapturedMessage, ...]:
        """The requests to send that were refused, or that a fault stopped before the gateway saw them."""
        return tuple(message for message in self.gateway.store.all() if not message.accepted)

    @property
    def requests(self) -> tuple[RequestRecord, ...]:
        """Every request to the gateway that started, in that order."""
        return self.gateway.traffic.all()

    @property
    def faults(self) -> tuple[ActiveFault, ...]:
        """The active faults."""
        return self.gateway.faults.active()

    def accepted(self, to: str) -> int:
        """Return how many times a number was really accepted, whatever the answer was."""
        return self.gateway.accepted(to)

    def wait(
        self, to: str | None = None, text: str | re.Pattern[str] | None = None, timeout: float = 5.0
    ) -> CapturedMessage:
        """Return the newest accepted message to this number and with this text in it, waiting real seconds for one.

        :param text: a part of the text, or a pattern.
        :raises TimeoutError: if there is none in time.
        """
        return self._wait(to, text, timeout, lambda message: True)

    def otp(self, to: str | None = None, timeout: float = 5.0) -> str:
        """Return the code of 4 to 8 digits in the newest accepted message that has one, waiting real seconds for it.

        :raises TimeoutError: if there is none in time.
        """
        return str(self._wait(to, None, timeout, lambda message: message.otp is not None).otp)

    def chaos(self, do: str | Fault, **fields: Any) -> tuple[ActiveFault, ...]:
        """Activate a fault, or a whole preset in place of everything: ``chaos("reset", after="accept")``.

        :param fields: those of :class:`~notifykit_kwtsms.sandbox.faults.catalogue.Fault`; it fires once by default.
        :raises ValueError: if a field has no such value.
        """
        if isinstance(do, str) and is_preset(do):
            return self.gateway.faults.replace(*preset(do))
        return self.gateway.faults.add(do if isinstance(do, Fault) else Fault(do, **fields))

    def calm(self) -> None:
        """End every fault."""
        self.gateway.faults.clear()

    def reset(self) -> None:
        """Put everything back to the start: messages, requests, accounts, faults, blocks, the clock."""
        self.gateway.reset()

    def __repr__(self) -> str:
        where = self.url if self._server else "not running"
        return f"<Sandbox {where}, {len(self.messages)} messages>"

    def _running(self) -> Server:
        if self._server is None:
            raise RuntimeError("this sandbox is not running: use it in a with statement, or call start()")
        return self._server

    def _app(self, port: int | None) -> App:
        hosts = self._hosts | {"*"} if self._remote else self._hosts
        return App(self.gateway, AccessControl(hosts, port, self._token), self._stopping, self._info)

    def _wait(
        self, to: str | None, text: str | re.Pattern[str] | None, timeout: float, wanted: Matches
    ) -> CapturedMessage:
        pattern = re.compile(re.escape(text)) if isinstance(text, str) else text

        def matches(message: CapturedMessage) -> bool:
            addressed = message.accepted and (to is None or to in message.numbers)
            return addressed and (pattern is None or pattern.search(message.text) is not None) and wanted(message)

        message = self.gateway.store.wait(matches, timeout)
        if message is None:
            counts = f"{len(self.messages)} were accepted, {len(self.refused)} were not"
            raise TimeoutError(f"no such message in {timeout:g} s; {counts}")
        return message


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        # A name: it may mean this machine today and an outside address tomorrow.
        return False
