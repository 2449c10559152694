"""``failover(a, b, …)``: asks the first transport, and the next if that one fails.

It moves on only if the account, the transport or the network is at fault: a number or a text that one provider refuses
is not tried at the next. It never moves on after an unknown outcome, unless the caller allows it for that call: the
message may have been sent.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from notifykit.models.plan import Batch
from notifykit.models.receipt import Outcome, Receipt
from notifykit.protocols import Assignment, Assignments, BuildContext, Clock, OpenedCircuit, Transport
from notifykit.settings.dsn import Dsn
from notifykit.settings.fields import Field, count, seconds
from notifykit.transports.composites.base import CompositeTransport, build_parts, options
from notifykit.transports.composites.circuit_breaker import Asked, CircuitBreakers, State, is_transport_failure

_FIELDS: Final = (
    Field("failures", count, 3, help="Failures in a row after which a part rests."),
    Field("rest", seconds, 30.0, help="Seconds that a part rests before it is probed."),
)


class Failover(CompositeTransport):
    """Asks its parts in order until one takes the message.

    :param parts: the transports, the preferred first.
    :param failures: how many failures in a row let a part rest.
    :param rest: seconds that it rests before one batch probes it.
    :param clock: the time; the machine's by default.
    """

    name = "failover"

    def __init__(self, *parts: Transport, failures: int = 3, rest: float = 30.0, clock: Clock | None = None) -> None:
        super().__init__(*parts)
        self._values = {"failures": failures, "rest": rest}
        self._breakers = CircuitBreakers(self.parts, failures, rest, clock.monotonic if clock else time.monotonic)

    @property
    def states(self) -> tuple[State, ...]:
        """The state of each part: closed, open or half-open, its failures, and the seconds that it still rests."""
        return self._breakers.states

    def take_opened(self) -> Sequence[OpenedCircuit]:
        """Return the parts whose circuit breakers opened since the last call, each once."""
        return self._breakers.take_opened()

    def assign(self, batch: Batch, *, move_unknown: bool) -> Assignments:
        """Yield an assignment for each part that is asked, with the recipients that the parts before did not take."""
        waiting, asked = batch, Asked()
        instead_of, because = None, None
        while (number := self._breakers.next(asked)) is not None:
            asked.add(number)
            part = self.parts[number]
            moving: set[int] = set()
            error, tried = because, False
            # An assignment has as many recipients as one request, so that a part that fails is left when its breaker
            # opens, and not after the whole list.
            for piece in waiting.pieces(part.capabilities.batch_size):
                if tried and self._breakers.should_leave(number, asked):
                    moving |= set(piece.positions)
                    continue
                tried = True
                try:
                    receipts: Sequence[Receipt] = yield Assignment(part, piece, instead_of, because)
                except BaseException:
                    self._breakers.cancel_probe(number)
                    raise
                self._breakers.record(number, receipts)
                for receipt in receipts:
                    error = receipt.error or error
                    if is_transport_failure(receipt) and (move_unknown or receipt.outcome is not Outcome.UNKNOWN):
                        moving.add(receipt.position)
            if not moving:
                return
            waiting = waiting.only(moving)
            instead_of, because = part, error

    def _options(self) -> Mapping[str, Any]:
        # Without a loss: what is shown is read back as the same number.
        shown = ((field, self._values[field.name]) for field in _FIELDS)
        return {
            field.name: f"{value:g}" if float(f"{value:g}") == value else repr(value)
            for field, value in shown
            if value != field.default
        }


def build(dsn: Dsn, context: BuildContext) -> Failover:
    """Build the transport from its DSN."""
    return Failover(*build_parts(dsn, context), clock=context.clock, **options(dsn, context, _FIELDS))
