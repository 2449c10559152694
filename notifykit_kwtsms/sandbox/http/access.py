"""Who may use the sandbox: no foreign page, no name that was rebound to it, no client without the token."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import attrs

from notifykit.redaction import Secret

if TYPE_CHECKING:
    from werkzeug.wrappers import Request

_WRITES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@attrs.frozen
class Denial:
    """Why a request is refused."""

    #: 401 where a token is missing, 403 otherwise.
    status: int
    #: The sentence.
    words: str


class AccessControl:
    """Checks ``Host``, ``Origin`` and the token of a request."""

    def __init__(self, hosts: Iterable[str] = (), port: int | None = None, token: Secret | None = None) -> None:
        """``hosts`` are names besides the loopback ones, ``*`` for any address; a ``port`` must be the one named."""
        self._hosts = frozenset(host.lower() for host in hosts) | {"localhost"}
        self._any_address = "*" in self._hosts
        self._port = port
        self._token = token

    def denial(self, request: Request, private: bool) -> Denial | None:
        """Return why a request is refused, or None. Private paths need the token, if there is one."""
        if not self._knows(request.environ.get("HTTP_HOST", "")):
            return Denial(403, "This sandbox is not called that; ask it by a loopback address.")
        if self._is_foreign(request, private):
            return Denial(403, "Another page may not ask this of the sandbox.")
        if private and self._token is not None and not self._has_token(request):
            return Denial(401, "Give the token of this sandbox: Authorization: Bearer …")
        return None

    def admits(self, token: str) -> bool:
        """Whether there is a token and this is it."""
        return self._token is not None and _same(token, self._token.reveal())

    def cookie_for(self, request: Request) -> str:
        """Return the cookie that a browser shows instead of the token, which it never learns."""
        path = f"{request.root_path}/"
        return f"{self._cookie_name(request)}={self._cookie_value()}; Path={path}; HttpOnly; SameSite=Strict"

    def _is_foreign(self, request: Request, private: bool) -> bool:
        """Whether another page makes the request: a link may lead here, nothing else may."""
        if not (private or request.method in _WRITES):
            return False
        origin = request.headers.get("Origin")
        if origin is not None:
            return not self._is_own(origin, request)
        # Sent by browsers only, also where they send no origin.
        site, mode = request.headers.get("Sec-Fetch-Site"), request.headers.get("Sec-Fetch-Mode")
        return site in ("cross-site", "same-site") and not (mode == "navigate" and request.method in ("GET", "HEAD"))

    def _knows(self, host: str) -> bool:
        try:
            parts = urlsplit(f"//{host}")
            name, port = parts.hostname or "", parts.port or 80
        except ValueError:
            # Not a host and a port at all.
            return False
        if self._port is not None and port != self._port:
            return False
        return name in self._hosts or self._is_own_address(name)

    def _is_own_address(self, name: str) -> bool:
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        # An address can't be rebound to another machine, a name can.
        return self._any_address or address.is_loopback

    def _is_own(self, origin: str, request: Request) -> bool:
        # Host and port as in the request: another port is another program's page.
        parts = urlsplit(origin)
        return parts.scheme in ("http", "https") and parts.netloc.lower() == request.environ["HTTP_HOST"].lower()

    def _has_token(self, request: Request) -> bool:
        cookie = request.cookies.get(self._cookie_name(request))
        if cookie is not None and _same(cookie, self._cookie_value()):
            return True
        given = request.headers.get("X-Sandbox-Token") or request.headers.get("Authorization", "").removeprefix(
            "Bearer "
        )
        return self.admits(given)

    def _cookie_name(self, request: Request) -> str:
        # Browsers share cookies between the ports of a host.
        port = urlsplit(f"//{request.environ.get('HTTP_HOST', '')}").port or 80
        return f"notifykit_sandbox_{port}"

    def _cookie_value(self) -> str:
        key = self._token.reveal() if self._token is not None else ""
        return hmac.new(key.encode(), b"notifykit sandbox page", hashlib.sha256).hexdigest()


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())
