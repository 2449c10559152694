"""Who may talk to the sandbox: no foreign page, no name that was rebound to it, no stranger without the token."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from notifykit.masking import Secret

if TYPE_CHECKING:
    from werkzeug.wrappers import Request

_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Guard:
    """Checks ``Host``, ``Origin`` and the token of a request."""

    def __init__(self, hosts: Iterable[str] = (), port: int | None = None, token: Secret | None = None) -> None:
        """``hosts`` are names besides the loopback ones, ``*`` for any address; a ``port`` must be the one named."""
        self._hosts = frozenset(host.lower() for host in hosts) | {"localhost"}
        self._any_address = "*" in self._hosts
        self._port = port
        self._token = token

    def objection(self, request: Request, private: bool) -> str | None:
        """Return why a request is refused, or None. Private is what only the owner of the sandbox may ask."""
        if not self._knows(request.environ.get("HTTP_HOST", "")):
            return "This sandbox is not called that; ask it by a loopback address."
        origin = request.headers.get("Origin")
        if origin is not None and request.method in _WRITES and not self._same(origin, request):
            return "Another page may not write to this sandbox."
        if private and self._token is not None and not self._proven(request):
            return "Give the token of this sandbox: Authorization: Bearer …"
        return None

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

    def _same(self, origin: str, request: Request) -> bool:
        parts = urlsplit(origin)
        return parts.scheme in ("http", "https") and parts.netloc.lower() == request.environ["HTTP_HOST"].lower()

    def _proven(self, request: Request) -> bool:
        given = request.headers.get("X-Sandbox-Token") or request.headers.get("Authorization", "").removeprefix(
            "Bearer "
        )
        wanted = self._token.reveal() if self._token is not None else ""
        return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())
