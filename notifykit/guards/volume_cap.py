"""``volume_cap``: only so many messages in some time, whoever they are for and whichever process sends them."""

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
class VolumeCap:
    """Holds back what would be one message too many."""

    #: What settings and listings call it.
    name = "volume_cap"

    #: The limits; all of them hold.
    limits: Sequence[Limit]

    def check(self, envelope: GuardContext, counters: Counters) -> Veto | Recipient | None:
        """Reserve a place in each limit."""
        for limit in self.limits:
            wait = counters.reserve(self.name, 1, limit.most, limit.window)
            if wait:
                return Veto(
                    self.name,
                    f"The limit of messages is reached: {limit}.",
                    "Send the rest later, or raise NOTIFYKIT_GUARD_VOLUME_CAP.",
                    wait if wait < math.inf else None,
                )
        return None


def notifykit_guards(settings: Settings, normalize: Normalize) -> list[VolumeCap]:
    """Bring ``volume_cap`` where the settings give a limit; behind the others, so that it counts what they let pass."""
    limits = options(settings)["volume_cap"]
    return [VolumeCap(limits)] if limits else []


def notifykit_about() -> About:
    """Tell of the settings."""
    return about("volume_cap")
