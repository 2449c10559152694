"""One account's way to the gateway: what every process that uses the account shares."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from notifykit.models.capabilities import RateLimit
from notifykit.rate_limit import rate_limiter
from notifykit_kwtsms.api.gateway import Gateway

if TYPE_CHECKING:
    from notifykit.protocols import Clock
    from notifykit.redaction import Secret
    from notifykit_kwtsms.api.calls import Listener
    from notifykit_kwtsms.settings import KwtSmsSettings


def rate_limit_of(username: str, settings: KwtSmsSettings) -> RateLimit:
    """Return how fast the account may be asked, without naming it in clear."""
    account = hashlib.sha256(f"{username}@{settings.base_url}".encode()).hexdigest()
    return RateLimit(settings.rate, f"kwtsms-{account}")


def gateway_of(
    username: str,
    password: Secret,
    settings: KwtSmsSettings,
    listener: Listener | None = None,
    clock: Clock | None = None,
    state_dir: str | None = None,
) -> Gateway:
    """Return the account itself: for sending, balance, sender IDs, coverage, status and delivery reports.

    :param listener: hears each call to the gateway.
    :param clock: the time by which questions to the gateway wait for their turn; None asks at once.
    :param state_dir: where processes share the rate limit.
    """
    turn = rate_limiter(rate_limit_of(username, settings), clock, state_dir).wait if clock else None
    return Gateway(username, password, settings.base_url, listener, turn, settings.network)
