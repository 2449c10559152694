"""Where a test run has everything carried to instead: the one switch that no notifier of a process gets past.

A test kit sets a diversion, and every notifier asks it on every send, whoever built the notifier and from whichever
plugins. In a process that a test starts, the environment names the diversion.
"""

from __future__ import annotations

import functools
import os
import pkgutil
from collections.abc import Callable
from typing import Final

from notifykit.counters import MemoryLedger
from notifykit.errors import ConfigError
from notifykit.pipeline.context import Pacers, Prepared
from notifykit.protocols import Clock, Transport

#: Names a diversion, ``package.module:function``, for the processes that a test starts.
VARIABLE: Final = "NOTIFYKIT_DIVERSION"


class Detour:
    """The road of a send whose requests go elsewhere: its own time, paces and guards' book, and nobody else's.

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
        self.pacers = Pacers(clock, None)
        self.book = MemoryLedger(clock)


#: Looks at the transport of a send: None lets it go its way, an exception forbids it.
Diversion = Callable[[Transport], Detour | None]


def divert(diversion: Diversion | None) -> Diversion | None:
    """Have every send of this process looked at, or none, and return what looked at them before."""
    global _diversion
    before, _diversion = _diversion, diversion
    return before


def detour(transport: Transport) -> Detour | None:
    """Return where a send through this transport goes instead; None where it goes its way.

    :raises ConfigError: where the environment names a diversion that can't be loaded.
    """
    return _diversion(transport) if _diversion is not None else None


@functools.cache
def _load(name: str) -> Diversion:
    try:
        found: Diversion = pkgutil.resolve_name(name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(
            f"{VARIABLE}: {name!r:.100} can't be loaded ({type(error).__name__}): tests set it for the processes that they "
            "start; unset it where no test is running"
        ) from None
    return found


def _by_name(name: str) -> Diversion:
    """Return a diversion that is loaded when it is first asked, so that importing this costs nothing."""

    def look(transport: Transport) -> Detour | None:
        return _load(name)(transport)

    return look


_diversion: Diversion | None = _by_name(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None
