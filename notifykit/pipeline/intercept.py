"""Where the sends of a test run go instead: the one switch that applies to every notifier of a process.

A test kit sets an interceptor, and every notifier asks it on every send. In a process that a test starts, an environment
variable names the interceptor.
"""

from __future__ import annotations

import os
import pkgutil
from collections.abc import Callable
from typing import Final

from notifykit.counters import MemoryCounterStore
from notifykit.errors import ConfigError
from notifykit.pipeline.context import Prepared, RateLimiters
from notifykit.protocols import Clock, Transport

#: Names an interceptor, ``package.module:function``, for the processes that a test starts.
VARIABLE: Final = "NOTIFYKIT_INTERCEPTOR"
_NAME: Final = os.environ.get(VARIABLE, "")


class Interception:
    """What an intercepted send uses instead of the notifier's own: its clock, rate limits and counter store.

    :param clock: the time by which retries and rate limits wait.
    :param replace: returns what makes the requests of a transport in its place.
    :param on_prepared: called with each message once it is cleaned.
    """

    def __init__(
        self,
        clock: Clock,
        replace: Callable[[Transport], Transport],
        on_prepared: Callable[[Prepared], None] | None = None,
    ) -> None:
        self.clock = clock
        self.replace = replace
        self.on_prepared = on_prepared
        self.rate_limiters = RateLimiters(clock, None)
        self.counters = MemoryCounterStore(clock)


#: Asked about the transport of a send: returns None to let it send, and raises to forbid it.
Interceptor = Callable[[Transport], Interception | None]


def set_interceptor(interceptor: Interceptor | None) -> Interceptor | None:
    """Have every send of this process intercepted, or none, and return the interceptor that was set before."""
    global _interceptor
    before, _interceptor = _interceptor, interceptor
    return before


def intercept(transport: Transport) -> Interception | None:
    """Return where a send through this transport goes instead; None where it is not intercepted.

    :raises ConfigError: if the environment names an interceptor that can't be loaded.
    """
    return _interceptor(transport) if _interceptor is not None else None


def _load_and_ask(transport: Transport) -> Interception | None:
    """Load the interceptor that the environment names, when it is first asked, and ask it."""
    try:
        found: Interceptor = pkgutil.resolve_name(_NAME)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(
            f"{VARIABLE}: {_NAME!r:.100} can't be loaded ({type(error).__name__}): tests set it for the processes that they "
            "start; unset it where no test is running"
        ) from None
    return found(transport)


_interceptor: Interceptor | None = _load_and_ask if _NAME else None
