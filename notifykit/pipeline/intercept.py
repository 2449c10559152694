"""Where a test run has everything carried to instead: the one switch that no notifier of a process gets past.

A test kit sets a interceptor, and every notifier asks it on every send, whoever built the notifier and from whichever
plugins. In a process that a test starts, the environment names the interceptor.
"""

from __future__ import annotations

import functools
import os
import pkgutil
from collections.abc import Callable
from typing import Final

from notifykit.counters import MemoryCounterStore
from notifykit.errors import ConfigError
from notifykit.pipeline.context import Prepared, RateLimiters
from notifykit.protocols import Clock, Transport

#: Names a interceptor, ``package.module:function``, for the processes that a test starts.
VARIABLE: Final = "NOTIFYKIT_INTERCEPTOR"


class Interception:
    """The road of a send whose requests go elsewhere: its own time, paces and guards' counter store, and nobody else's.

    :param clock: the time that retries and paces wait by.
    :param instead: what makes the requests of a transport in its place.
    :param told: hears of each message once it is cleaned.
    """

    def __init__(
        self,
        clock: Clock,
        instead: Callable[[Transport], Transport],
        told: Callable[[Prepared], None] | None = None,
    ) -> None:
        self.clock = clock
        self.instead = instead
        self.told = told
        self.rate_limiters = RateLimiters(clock, None)
        self.counters = MemoryCounterStore(clock)


#: Looks at the transport of a send: None lets it go its way, an exception forbids it.
Interceptor = Callable[[Transport], Interception | None]


def set_interceptor(interceptor: Interceptor | None) -> Interceptor | None:
    """Have every send of this process looked at, or none, and return what looked at them before."""
    global _interceptor
    before, _interceptor = _interceptor, interceptor
    return before


def detour(transport: Transport) -> Interception | None:
    """Return where a send through this transport goes instead; None where it goes its way.

    :raises ConfigError: where the environment names a interceptor that can't be loaded.
    """
    return _interceptor(transport) if _interceptor is not None else None


@functools.cache
def _load(name: str) -> Interceptor:
    try:
        found: Interceptor = pkgutil.resolve_name(name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(
            f"{VARIABLE}: {name!r:.100} can't be loaded ({type(error).__name__}): tests set it for the processes that they "
            "start; unset it where no test is running"
        ) from None
    return found


def _by_name(name: str) -> Interceptor:
    """Return a interceptor that is loaded when it is first asked, so that importing this costs nothing."""

    def look(transport: Transport) -> Interception | None:
        return _load(name)(transport)

    return look


_interceptor: Interceptor | None = _by_name(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None
