"""Where a test run has everything carried to instead: the one switch that no notifier of a process gets past.

A test kit sets a diversion, and every notifier asks it on every send, whoever built the notifier and from whichever
plugins. In a process that a test starts, the environment names the diversion.
"""

from __future__ import annotations

import os
import pkgutil
from collections.abc import Callable
from typing import Final

from notifykit.errors import ConfigError
from notifykit.flow.book import MemoryLedger
from notifykit.flow.trip import Pacers
from notifykit.protocols import Clock, Transport

#: Names a diversion, ``package.module:function``, for the processes that a test starts.
VARIABLE: Final = "NOTIFYKIT_DIVERSION"


class Detour:
    """The road of a send whose requests go elsewhere: its own time, paces and guards' book, and nobody else's.

    :param clock: the time that retries and paces wait by.
    :param instead: what makes the requests of a transport in its place.
    """

    def __init__(self, clock: Clock, instead: Callable[[Transport], Transport]) -> None:
        self.clock = clock
        self.instead = instead
        self.pacers = Pacers(clock, None)
        self.book = MemoryLedger(clock)


#: Looks at the transport of a send: None lets it go its way, an exception forbids it.
Diversion = Callable[[Transport], Detour | None]

_diversion: Diversion | None = None
_named: str | None = os.environ.get(VARIABLE)


def divert(diversion: Diversion | None) -> Diversion | None:
    """Have every send of this process looked at, or none, and return what looked at them before."""
    global _diversion, _named
    before, _diversion, _named = _diversion, diversion, None
    return before


def detour(transport: Transport) -> Detour | None:
    """Return where a send through this transport goes instead; None where it goes its way.

    :raises ConfigError: where the environment names a diversion that can't be loaded.
    """
    if _named is not None:
        divert(_load(_named))
    return _diversion(transport) if _diversion is not None else None


def _load(name: str) -> Diversion:
    try:
        found: Diversion = pkgutil.resolve_name(name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(
            f"{VARIABLE}: {name!r:.100} can't be loaded ({type(error).__name__}): tests set it for the processes that they "
            "start; unset it where no test is running"
        ) from None
    return found
