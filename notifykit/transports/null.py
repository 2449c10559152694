"""``null``: takes everything and forgets it."""

from __future__ import annotations

from notifykit.models.capabilities import Capabilities
from notifykit.models.plan import Batch
from notifykit.models.receipt import Submission
from notifykit.protocols import BuildContext
from notifykit.settings.dsn import Dsn
from notifykit.transports.standin import ANYTHING, capabilities_like


class NullTransport:
    """Accepts every batch as a test and does nothing with it.

    :param capabilities: what it pretends to be able to do.
    """

    name = "null"

    def __init__(self, capabilities: Capabilities | None = None) -> None:
        self.capabilities = capabilities or ANYTHING

    def send(self, batch: Batch, timeout: float) -> Submission:
        """Accept the batch."""
        return Submission(test=True)

    def close(self) -> None:
        """Do nothing."""

    def __str__(self) -> str:
        return "null://default"


def build(dsn: Dsn, context: BuildContext) -> NullTransport:
    """Build the transport from a DSN; ``like`` is its only option."""
    return NullTransport(capabilities_like(dsn, context))
