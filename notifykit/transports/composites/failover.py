"""``failover(a, b, …)``: asks the first, and the next where that one can't.

It moves on only where the account, the transport or the network is at fault: a number or a text that one provider
refuses is not tried at the next. It never moves on after an unknown outcome, unless the caller says so for that call:
the message may have been sent.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from notifykit.models.plan import Batch
from notifykit.models.receipt import Outcome, Receipt
from notifykit.protocols import Assignment, BuildContext, Carrying, Clock, Transport
from notifykit.settings.dsn import Dsn
from notifykit.settings.fields import Field, count, seconds
from notifykit.transports.composites.base import CompositeTransport, options, parts
from notifykit.transports.composites.circuit_breaker import Asked, Breakers, State, failed

_FIELDS: Final = (
    Field("failures", count, 3, help="Failures in a row after which a part rests."),
    Field("rest", seconds, 30.0, help="Seconds that a part rests before it is probed."),
)


class Failover(CompositeTransport):
    """Asks its parts in order until one takes the message.

    :param parts: the transports, the preferred first.
    :param failures: how many failures in a row let a part rest.
    :param rest: seconds that it rests before one batch probes it.
    :param clock: the time; the machine's where none is given.
    """

    name = "failover"

    def __init__(self, *parts: Transport, failures: int = 3, rest: float = 30.0, clock: Clock | None = None) -> None:
        super().__init__(*parts)
        self._failures = failures
        self._rest = rest
        self._breakers = Breakers(self.parts, failures, rest, clock.monotonic if clock else time.monotonic)

    @property
    def states(self) -> tuple[State, ...]:
        """How each part is doing: closed, open or half-open, with its failures and the seconds that it still rests."""
        return self._breakers.states

    def carry(self, batch: Batch, *, after_unknown: bool) -> Carrying:
        """Yield an assignment for each part that is asked, with whoever the parts before it did not take."""
        waiting, asked = batch, Asked()
        instead_of, because = None, None
        while (number := self._breakers.next(asked)) is not None:
            asked.add(number)
            part = self.parts[number]
            moving: set[int] = set()
            error, tried = because, False
            # What it can take at once is one assignment: a part that fails is given up after its breaker's patience, and not
            # after the whole list.
            for piece in waiting.pieces(part.capabilities.batch_size):
                if tried and self._breakers.better(number, asked):
                    moving |= set(piece.positions)
                    continue
                tried = True
                try:
                    receipts: Sequence[Receipt] = yield Assignment(part, piece, instead_of, because)
                except BaseException:
                    self._breakers.let_go(number)
                    raise
                self._breakers.heard(number, receipts)
                for receipt in receipts:
                    error = receipt.error or error
                    if failed(receipt) and (after_unknown or receipt.outcome is not Outcome.UNKNOWN):
                        moving.add(receipt.position)
            if not moving:
                return
            waiting = waiting.only(moving)
            instead_of, because = part, error

    def _options(self) -> Mapping[str, Any]:
        return {
            name: _exact(value)
            for name, value, usual in (("failures", self._failures, 3), ("rest", self._rest, 30.0))
            if value != usual
        }


def _exact(number: float) -> str:
    """Return a number as a text that is read back as the same number."""
    return f"{number:g}" if float(f"{number:g}") == number else repr(number)


def build(dsn: Dsn, context: BuildContext) -> Failover:
    """Build it from what stands in the brackets of a DSN."""
    return Failover(*parts(dsn, context), clock=context.clock, **options(dsn, context, _FIELDS))
