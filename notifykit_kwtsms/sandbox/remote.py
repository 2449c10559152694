"""A sandbox that runs somewhere else, with the methods of the object: for tests that share one."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from notifykit.errors import ConfigError
from notifykit.redaction import Secret
from notifykit_kwtsms.sandbox.inbox.message import CapturedMessage, from_line

if TYPE_CHECKING:
    import urllib3

#: Real seconds for an answer.
_TIMEOUT: Final = 10.0
#: Real seconds of one long poll at most.
_LONG_POLL: Final = 50.0


class RemoteSandbox:
    """Uses a running sandbox over its API.

    :param url: its address.
    :param token: its token, if it has one.
    :raises ConfigError: if no sandbox answers there, or the token is wrong.
    """

    def __init__(self, url: str, token: str | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(f"{url!r:.100} is no address of a sandbox: write http://127.0.0.1:8965")
        #: Its address, without a slash at the end.
        self.url = url.rstrip("/")
        #: Its clock; ``clock.advance(16)`` spares a test 16 seconds.
        self.clock = RemoteClock(self)
        self._token = Secret(token) if token else None
        self._pool: urllib3.PoolManager | None = None
        self.ask("GET", "/sandbox/account")

    @property
    def api_url(self) -> str:
        """The address that takes the place of the gateway's ``https://www.kwtsms.com/API/``."""
        return f"{self.url}/API/"

    @property
    def env(self) -> dict[str, str]:
        """Environment variables that make a program use this sandbox, in test mode."""
        lines = str(self.ask("GET", "/sandbox/account")["env"]).splitlines()
        return dict(line.split("=", 1) for line in lines)

    @property
    def dsn(self) -> str:
        """The transport's DSN for this sandbox, in test mode."""
        return str(self.ask("GET", "/sandbox/account")["dsn"])

    @property
    def messages(self) -> tuple[CapturedMessage, ...]:
        """The messages that were accepted, oldest first."""
        return tuple(message for message in self._all() if message.accepted)

    @property
    def refused(self) -> tuple[CapturedMessage, ...]:
        """The requests to send that were refused, or that a fault stopped before the gateway saw them."""
        return tuple(message for message in self._all() if not message.accepted)

    def wait(
        self, to: str | None = None, text: str | re.Pattern[str] | None = None, timeout: float = 5.0
    ) -> CapturedMessage:
        """Return the newest accepted message to this number and with this text in it, waiting real seconds for one.

        :param text: a part of the text, or a pattern.
        :raises TimeoutError: if there is none in time.
        """
        literal = text if isinstance(text, str) else None
        newest = self._find("/sandbox/messages/wait", to, literal, timeout)
        if isinstance(text, re.Pattern):
            found = [m for m in self.messages if text.search(m.text) and (to is None or to in m.numbers)]
            if not found:
                raise TimeoutError(f"no message with such a text in {timeout:g} s")
            return found[-1]
        return next(message for message in self.messages if message.id == newest["id"])

    def otp(self, to: str | None = None, timeout: float = 5.0) -> str:
        """Return the code of 4 to 8 digits in the newest accepted message that has one, waiting real seconds for it.

        :raises TimeoutError: if there is none in time.
        """
        return str(self._find("/sandbox/otp", to, None, timeout)["otp"])

    def chaos(self, do: str, **fault: Any) -> None:
        """Activate a fault or a preset by its name; the fields are those of ``Sandbox.chaos``, and it fires once."""
        if do in self.ask("GET", "/sandbox/chaos")["presets"]:
            self.ask("PUT", "/sandbox/chaos", {"preset": do})
        else:
            self.ask("POST", "/sandbox/chaos", {"do": do, "times": 1, **fault})

    def calm(self) -> None:
        """End every fault."""
        self.ask("DELETE", "/sandbox/chaos")

    def reset(self) -> None:
        """Put everything back to the start: messages, requests, accounts, faults, blocks, the clock."""
        self.ask("POST", "/sandbox/reset")

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, object] | None = None,
        timeout: float = _TIMEOUT,
    ) -> Any:
        """Ask its API, and return the JSON of the answer.

        :raises ConfigError: if no sandbox answers, or the answer is an error.
        :raises TimeoutError: if what was waited for did not come.
        """
        response = self._open(method, path, body, query, timeout)
        try:
            return json.loads(response.data) if response.data else None
        except ValueError:
            raise ConfigError(f"{self.url} is no sandbox: its answer is no JSON") from None

    def _all(self) -> list[CapturedMessage]:
        lines = self._open("GET", "/sandbox/export", None, None, _TIMEOUT).data.decode()
        return [from_line(line) for line in lines.split("\n") if line]

    def _find(self, path: str, to: str | None, text: str | None, timeout: float) -> Any:
        query = {"to": to, "text": text, "timeout": min(timeout, _LONG_POLL)}
        return self.ask("GET", path, query=query, timeout=timeout + _TIMEOUT)

    def _open(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        query: Mapping[str, object] | None,
        timeout: float,
    ) -> urllib3.BaseHTTPResponse:
        import urllib3

        if self._pool is None:
            self._pool = urllib3.PoolManager(retries=False)
        try:
            response = self._pool.request(
                method,
                f"{self.url}{path}",
                json=body,
                fields={name: str(value) for name, value in query.items() if value is not None} if query else None,
                headers={"Authorization": f"Bearer {self._token.reveal()}"} if self._token else None,
                redirect=False,
                timeout=urllib3.Timeout(connect=_TIMEOUT, read=timeout),
            )
        except urllib3.exceptions.HTTPError as error:
            raise ConfigError(f"no sandbox answers at {self.url}: notifykit sandbox starts one") from error
        if response.status == 404 and "timeout" in (query or {}):
            raise TimeoutError(f"no such message in {(query or {})['timeout']:g} s")
        if response.status >= 400:
            raise ConfigError(f"the sandbox at {self.url} answered {response.status} to {method} {path}")
        return response

    def close(self) -> None:
        """Close its connections."""
        if self._pool is not None:
            self._pool.clear()

    def __repr__(self) -> str:
        return f"<RemoteSandbox {self.url}>"


class RemoteClock:
    """The clock of a sandbox that runs somewhere else."""

    def __init__(self, sandbox: RemoteSandbox) -> None:
        self._sandbox = sandbox

    @property
    def offset(self) -> float:
        """Seconds that it is ahead of real time."""
        return float(self._sandbox.ask("GET", "/sandbox/clock")["offset"])

    def advance(self, seconds: float) -> None:
        """Jump ahead by so many seconds."""
        self._sandbox.ask("PUT", "/sandbox/clock", {"advance": seconds})
