"""What plugins promise, as tests: subclass a contract, name your object, and pytest runs its clauses.

Needs the extra ``testing``. Names are loaded when they are first used, so that one contract does not pay for another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from notifykit.testing.contracts.cleaner import CleanerContract as CleanerContract
    from notifykit.testing.contracts.http_wire import (
        HttpWire as HttpWire,
        body_of as body_of,
        http_answer as http_answer,
    )
    from notifykit.testing.contracts.normalizer import NormalizerContract as NormalizerContract
    from notifykit.testing.contracts.on_the_wire import WireContract as WireContract
    from notifykit.testing.contracts.promises import BrokenPromise as BrokenPromise, Contract as Contract
    from notifykit.testing.contracts.server import Act as Act, Exchange as Exchange, Server as Server, Wire as Wire
    from notifykit.testing.contracts.sink import SinkContract as SinkContract
    from notifykit.testing.contracts.transport import TransportContract as TransportContract
else:
    from notifykit.imports import lazy_attributes

    __getattr__, __dir__, __all__ = lazy_attributes(
        __name__,
        {
            "cleaner": "CleanerContract",
            "http_wire": "HttpWire body_of http_answer",
            "normalizer": "NormalizerContract",
            "on_the_wire": "WireContract",
            "promises": "BrokenPromise Contract",
            "server": "Act Exchange Server Wire",
            "sink": "SinkContract",
            "transport": "TransportContract",
        },
    )
