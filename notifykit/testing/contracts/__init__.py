"""What plugins promise, as tests: subclass a contract, name your object, and pytest runs its clauses.

Needs the extra ``testing``. Names are loaded when they are first used, so that one contract does not pay for another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from notifykit.testing.contracts.base import BrokenPromise as BrokenPromise, Contract as Contract
    from notifykit.testing.contracts.cleaner import CleanerContract as CleanerContract
    from notifykit.testing.contracts.http_server import (
        Behaviour as Behaviour,
        HttpWire as HttpWire,
        Server as Server,
        ServerRequest as ServerRequest,
        body_of as body_of,
        http_answer as http_answer,
    )
    from notifykit.testing.contracts.normalizer import NormalizerContract as NormalizerContract
    from notifykit.testing.contracts.sink import SinkContract as SinkContract
    from notifykit.testing.contracts.transport import TransportContract as TransportContract
    from notifykit.testing.contracts.wire import WireContract as WireContract
else:
    from notifykit.imports import lazy_attributes

    __getattr__, __dir__, __all__ = lazy_attributes(
        __name__,
        {
            "base": "BrokenPromise Contract",
            "cleaner": "CleanerContract",
            "http_server": "Behaviour HttpWire Server ServerRequest body_of http_answer",
            "normalizer": "NormalizerContract",
            "sink": "SinkContract",
            "transport": "TransportContract",
            "wire": "WireContract",
        },
    )
