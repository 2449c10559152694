"""``spend_cap``: only so much is spent in some time, in the provider's unit, whichever process spends it.

What a message costs is what the transport says before it is sent. Where it does not say, the message is held back,
unless ``unpriced`` is ``allow``: then it does not count.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import attrs

from notifykit.guards.addresses import Normalize
from notifykit.guards.options import Limit, about, options
from notifykit.models.receipt import Veto
from notifykit.models.recipient import Recipient
from notifykit.protocols import About, Counters, GuardContext
from notifykit.settings.sources import Settings


@attrs.frozen
class SpendCap:
    """Holds back what would cost more than is left."""

    #: What settings and listings call it.
    name = "spend_cap"

    #: The limits; all of them hold.
    limits: Sequence[Limit]
    #: Whether messages pass whose price is not known.
    allow_unpriced: bool = False

    def check(self, envelope: GuardContext, counters: Counters) -> Veto | Recipient | None:
        """Reserve the cost in each limit."""
        if envelope.cost is None:
            return None if self.allow_unpriced else self._unpriced()
        for limit in self.limits if envelope.cost > 0 else ():
            wait = counters.reserve(self.name, envelope.cost, limit.most, limit.window)
            if wait:
                return Veto(
                    self.name,
                    f"The limit of what may be spent is reached: {limit}.",
                    "Send the rest later, or raise NOTIFYKIT_GUARD_SPEND_CAP.",
                    wait if wait < math.inf else None,
                )
        return None

    def _unpriced(self) -> Veto:
        return Veto(
            self.name,
            "The transport does not tell what this would cost, so it can't be kept below the limit.",
            "Use a transport that tells its price, or set NOTIFYKIT_GUARD_UNPRICED=allow: such messages then don't count.",
        )


def notifykit_guards(settings: Settings, normalize: Normalize) -> list[SpendCap]:
    """Bring ``spend_cap`` where the settings give a limit; behind the others, so that it counts what they let pass."""
    given = options(settings)
    return [SpendCap(given["spend_cap"], given["unpriced"] == "allow")] if given["spend_cap"] else []


def notifykit_about() -> About:
    """Tell of the settings."""
    return about("spend_cap", "unpriced")
