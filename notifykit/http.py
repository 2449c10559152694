"""One HTTP request with one deadline, and an honest answer to "was it sent?".

For transports of any provider. Policy lives in the road: nothing here retries, follows a redirect or believes a status.
A connection that did not come about is :class:`~notifykit.errors.NotReached`; everything that goes wrong after the
request may have left is :class:`~notifykit.errors.OutcomeUnknown`.
"""

from __future__ import annotations

import collections
import contextlib
import os
import re
import time
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote, urlsplit

from notifykit.connecting import connect
from notifykit.errors import ConfigError, NotReached, without_frames
from notifykit.exchanging import BODY_LIMIT, HttpAnswer, exchange
from notifykit.masking import SecretBytes

if TYPE_CHECKING:
    from urllib3.connection import HTTPConnection

__all__ = ["BODY_LIMIT", "IDLE_LIMIT", "HttpAnswer", "HttpClient"]

#: Seconds after which an idle connection is not trusted any more: common servers drop theirs after five.
IDLE_LIMIT: Final = 4.0
#: Idle connections that are kept.
_CONNECTIONS: Final = 32
_PORTS: Final = {"http": 80, "https": 443}
#: What stands in a path as it is.
_PATH: Final = "/%:@!$&'()*+,;=~"
_PLAIN: Final = re.compile(r"[\w/.-]*", re.ASCII)
_AGENT: Final = "User-Agent: notifykit\r\n"
#: A header as it may be sent besides those that every request has.
_HEADER: Final = re.compile(
    r"(?!(?i:host|accept-encoding|content-length|transfer-encoding|connection):)"
    r"[!#$%&'*+.^_`|~0-9A-Za-z-]+: [ -~]*\r\n"
)


class HttpClient:
    """Posts to one host over connections that it keeps. Safe to share between threads.

    urllib3 makes the connections. What goes over them is written and read here, because it decides what is known of a
    message: a request and its answer have one deadline, and a connection that may have been dropped, or on which more
    came than an answer, is not used.

    :param url: where to, ``https://host[:port]/path``; the path of each request is appended.
    :param idle_limit: seconds after which an idle connection is closed instead of used.
    :raises ConfigError: where the URL is none.
    """

    def __init__(self, url: str, *, idle_limit: float = IDLE_LIMIT) -> None:
        try:
            parts = urlsplit(url)
        except ValueError:
            raise ConfigError("the URL's host can't be read") from None
        try:
            port = parts.port
        except ValueError:
            raise ConfigError("the URL's port is not a number between 0 and 65535") from None
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ConfigError("a URL starts with https:// or http:// and names a host")
        self._https = parts.scheme == "https"
        self._host = parts.hostname
        self._port = port or _PORTS[parts.scheme]
        self._own = f"Host: {_named(parts.hostname, port)}\r\nAccept-Encoding: identity\r\n"
        self._path = quote(parts.path, _PATH)
        self._query = quote(f"?{parts.query}", f"{_PATH}?") if parts.query else ""
        self._idle_limit = idle_limit
        self._idle: collections.deque[_Idle] = collections.deque()
        self._closed = False
        # Whoever forgets a client has nothing to close.
        weakref.finalize(self, _close, self._idle)

    def post(self, path: str, body: bytes, headers: Mapping[str, str], timeout: float) -> HttpAnswer:
        """Post a body and read the whole answer.

        :param path: appended to the client's URL.
        :param body: sent with its ``Content-Length``.
        :param headers: besides the host, the encodings and the length, which every request has.
        :param timeout: seconds for everything: connecting, sending, and reading to the last byte. Only the look-up of
            the host's name, which the operating system does, is not counted.
        :raises NotReached: where no connection came about; nothing was sent.
        :raises OutcomeUnknown: where the request may have arrived and no whole answer came back.
        """
        if self._closed:
            raise NotReached(
                "The transport is closed.", "closed", action="Send before you close the notifier.", waits=()
            )
        try:
            request = self._request(path, body, headers)
        except NotReached as error:
            raise without_frames(error)  # noqa: B904 - it is the same error, without the variables that hold secrets
        finally:
            del path, body, headers  # whoever shows the variables of a traceback shows none of them
        ends = time.monotonic() + timeout
        connection = self._reused() or connect(self._host, self._port, https=self._https, ends=ends)
        reusable = False
        try:
            answer, reusable = exchange(connection.sock, request, ends)
        finally:
            if not reusable:
                connection.close()
        self._keep(connection)
        return answer

    def close(self) -> None:
        """Close the connections."""
        self._closed = True
        _close(self._idle)

    def _request(self, path: str, body: bytes, headers: Mapping[str, str]) -> SecretBytes:
        """Return the whole request.

        :raises NotReached: where something can't be a header; nothing was sent.
        """
        target = f"{self._path}{path if _PLAIN.fullmatch(path) else quote(path, _PATH)}{self._query}"
        agent, lines = _AGENT, ""
        for name, value in headers.items():
            if name.lower() == "user-agent":
                agent = ""
            line = f"{name}: {value}\r\n"
            if not _HEADER.fullmatch(line):
                raise NotReached(
                    f"The header {name} can't be sent: every request has its own, or it has characters that no header "
                    "may have.",
                    waits=(),
                )
            lines += line
        head = f"POST {target} HTTP/1.1\r\n{self._own}{agent}{lines}Content-Length: {len(body)}\r\n\r\n"
        return SecretBytes(head.encode() + body)

    def _reused(self) -> HTTPConnection | None:
        """Return a connection that was used a moment ago; None where there is none that can be trusted."""
        while self._idle:
            try:
                idle = self._idle.pop()
            except IndexError:  # another thread was faster
                break
            # A forked child that used its parent's connection would read its parent's answers.
            of_this_process = idle.process == os.getpid()
            if of_this_process and time.monotonic() - idle.since < self._idle_limit and idle.connection.is_connected:
                return idle.connection
            idle.connection.close()
        return None

    def _keep(self, connection: HTTPConnection) -> None:
        now = time.monotonic()
        self._idle.append(_Idle(connection, now, os.getpid()))
        # The newest is used first, so that the old ones end up at the other end.
        with contextlib.suppress(IndexError):  # another thread was faster
            while now - self._idle[0].since >= self._idle_limit or len(self._idle) > _CONNECTIONS:
                self._idle.popleft().connection.close()
        if self._closed:  # perhaps since the request began
            _close(self._idle)


class _Idle(NamedTuple):
    """A connection that nobody uses at the moment."""

    connection: HTTPConnection
    since: float
    process: int


def _close(idle: collections.deque[_Idle]) -> None:
    with contextlib.suppress(IndexError):  # that was the last, or another thread was faster
        while True:
            idle.pop().connection.close()


def _named(host: str, port: int | None) -> str:
    """Return a host as the header of a request names it.

    :raises ConfigError: where no host can have that name.
    """
    try:
        name = f"[{host}]" if ":" in host else host.encode("idna").decode() if not host.isascii() else host
    except UnicodeError:
        raise ConfigError("the URL's host is no name that a host can have") from None
    return name if port is None else f"{name}:{port}"
