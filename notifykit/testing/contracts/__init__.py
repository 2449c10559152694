"""What plugins promise, as tests: subclass a contract, name your object, and pytest runs its clauses.

Needs the extra ``testing``. Names are loaded when they are first used, so that one contract does not pay for another.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from notifykit.testing.contracts.cleaner import CleanerContract
    from notifykit.testing.contracts.http_wire import HttpWire, body_of, http_answer
    from notifykit.testing.contracts.normalizer import NormalizerContract
    from notifykit.testing.contracts.on_the_wire import WireContract
    from notifykit.testing.contracts.promises import BrokenPromise, Contract
    from notifykit.testing.contracts.server import Act, Exchange, Server, Wire
    from notifykit.testing.contracts.sink import SinkContract
    from notifykit.testing.contracts.transport import TransportContract

__all__ = (
    "NormalizerContract",
    "CleanerContract",
    "TransportContract",
    "WireContract",
    "SinkContract",
    # what they are made of
    "Contract",
    "BrokenPromise",
    # servers that misbehave
    "HttpWire",
    "http_answer",
    "body_of",
    "Wire",
    "Server",
    "Exchange",
    "Act",
)

_HOMES = {
    "cleaner": "CleanerContract",
    "http_wire": "HttpWire body_of http_answer",
    "normalizer": "NormalizerContract",
    "on_the_wire": "WireContract",
    "promises": "BrokenPromise Contract",
    "server": "Act Exchange Server Wire",
    "sink": "SinkContract",
    "transport": "TransportContract",
}
_HOME = {name: home for home, names in _HOMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
