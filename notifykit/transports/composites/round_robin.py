"""``roundrobin(a, b)`` and ``weighted(3 => a, 1 => b)``: give each part a share of the batches.

A batch stays at its part: put the parts into a ``failover`` if another shall take over.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from typing import Any, Final

from notifykit.errors import ConfigError
from notifykit.models.plan import Batch
from notifykit.protocols import Assignment, Assignments, BuildContext, Transport
from notifykit.settings.dsn import Dsn
from notifykit.transports.composites.base import CompositeTransport, build_labelled_parts, build_parts, options

_MOST: Final = 1_000_000
_WEIGHT: Final = re.compile(r"[1-9][0-9]{0,6}")


class Weighted(CompositeTransport):
    """Gives each part its share of the batches, spread as evenly as the shares allow.

    After every ``sum of the weights`` batches each part has had exactly its weight of them.

    :param parts: pairs of a weight, a whole number above zero, and a transport.
    :raises ConfigError: if a weight is none.
    """

    name = "weighted"

    def __init__(self, *parts: tuple[int, Transport]) -> None:
        weights: list[Any] = [weight for weight, _ in parts]
        wrong = [w for w in weights if not isinstance(w, int) or isinstance(w, bool) or not 0 < w <= _MOST]
        if wrong:
            raise ConfigError(f"{self.name}: a weight is a whole number from 1 to {_MOST}, and {wrong[0]!r} is none")
        super().__init__(*(part for _, part in parts))
        self.weights: tuple[int, ...] = tuple(weights)
        self._credits = [0] * len(weights)
        self._lock = threading.Lock()

    def assign(self, batch: Batch, *, move_unknown: bool) -> Assignments:
        """Yield one assignment: the whole batch, for the part whose turn it is."""
        yield Assignment(self.parts[self._next()], batch)

    def _next(self) -> int:
        # Smooth weighted round-robin, as in nginx.
        with self._lock:
            self._credits = [credit + weight for credit, weight in zip(self._credits, self.weights, strict=True)]
            chosen = max(range(len(self._credits)), key=lambda number: (self._credits[number], -number))
            self._credits[chosen] -= sum(self.weights)
            return chosen

    def _shown(self) -> Iterable[str]:
        return (f"{weight} => {part}" for weight, part in zip(self.weights, self.parts, strict=True))


class RoundRobin(Weighted):
    """Gives each part a batch in turn.

    :param parts: the transports, in order.
    """

    name = "roundrobin"

    def __init__(self, *parts: Transport) -> None:
        super().__init__(*((1, part) for part in parts))

    def _shown(self) -> Iterable[str]:
        return map(str, self.parts)


def round_robin(dsn: Dsn, context: BuildContext) -> RoundRobin:
    """Build the transport from its DSN."""
    options(dsn, context, ())
    return RoundRobin(*build_parts(dsn, context))


def weighted(dsn: Dsn, context: BuildContext) -> Weighted:
    """Build the transport from its DSN."""
    options(dsn, context, ())
    found = build_labelled_parts(dsn, context)
    problems = [
        f"weighted, part {number}: write its weight in front, a whole number above zero: 3 => {part.name}"
        for number, (label, part) in enumerate(found, 1)
        if label is None or not _WEIGHT.fullmatch(label)
    ]
    if problems:
        raise ConfigError(problems)
    return Weighted(*((int(label or 1), part) for label, part in found))
