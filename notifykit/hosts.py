"""Which hosts are this machine."""

from __future__ import annotations

from typing import Final

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine, without asking DNS."""
    return host.strip("[]").lower() in _LOOPBACK
