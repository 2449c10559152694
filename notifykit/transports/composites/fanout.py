"""``fanout(a, b)``: sends every message through every part.

A recipient is accepted if one part took the message; the refusals of others are warnings on the receipt. To send a
message once only, use a ``failover``.
"""

from __future__ import annotations

from collections.abc import Sequence

from notifykit.models.plan import Batch
from notifykit.protocols import Assignment, BuildContext
from notifykit.settings.dsn import Dsn
from notifykit.transports.composites.base import CompositeTransport, build_parts, options


class FanOut(CompositeTransport):
    """Sends everything through every part.

    :param parts: the transports, in order.
    """

    name = "fanout"

    def expected(self, batch: Batch) -> Sequence[Assignment]:
        """Return an assignment for each part."""
        return [Assignment(part, batch, also=True) for part in self.parts]

    def possible(self, batch: Batch) -> Sequence[Assignment]:
        """Return the same assignments: all of them are made."""
        return self.expected(batch)


def build(dsn: Dsn, context: BuildContext) -> FanOut:
    """Build the transport from its DSN.

    :raises ConfigError: with everything that is wrong with the parts, and for an option.
    """
    options(dsn, context, ())
    return FanOut(*build_parts(dsn, context))
