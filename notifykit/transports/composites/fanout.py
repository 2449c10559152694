"""``fanout(a, b)``: every part carries every message.

A recipient is accepted where one part took it; what the others did not take is a warning on the receipt. Who should
get a message once only wants a ``failover`` instead.
"""

from __future__ import annotations

from collections.abc import Sequence

from notifykit.models.plan import Batch
from notifykit.protocols import Assignment, BuildContext, Carrying
from notifykit.settings.dsn import Dsn
from notifykit.transports.composites.base import CompositeTransport, options, parts


class FanOut(CompositeTransport):
    """Sends everything through every part.

    :param parts: the transports, in order.
    """

    name = "fanout"

    def carry(self, batch: Batch, *, after_unknown: bool) -> Carrying:
        """Yield an assignment for each part."""
        for assignment in self.expected(batch):  # noqa: UP028 - answers are sent in, which a plain iterator can't take
            yield assignment

    def expected(self, batch: Batch) -> Sequence[Assignment]:
        """Return an assignment for each part."""
        return [Assignment(part, batch, also=True) for part in self.parts]

    def possible(self, batch: Batch) -> Sequence[Assignment]:
        """Return an assignment for each part: all of them are gone."""
        return self.expected(batch)


def build(dsn: Dsn, context: BuildContext) -> FanOut:
    """Build it from what stands in the brackets of a DSN."""
    options(dsn, context, ())
    return FanOut(*parts(dsn, context))
