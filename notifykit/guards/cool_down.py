"""``cool_down``: so much time passes between two messages to one recipient.

Each time counts by itself: one with a tag between two messages of that tag, one without between any two. So the
longest that applies to a message decides.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from notifykit.guards.addresses import Normalize
from notifykit.guards.options import Gap, about, in_words, options, whom
from notifykit.models.receipt import Veto
from notifykit.models.recipient import Recipient
from notifykit.protocols import About, Counters, GuardContext
from notifykit.settings.sources import Settings


@attrs.frozen
class CoolDown:
    """Holds back what comes too soon after another message to the same recipient."""

    #: What settings and listings call it.
    name = "cool_down"

    #: The times that have to pass.
    gaps: Sequence[Gap]

    def check(self, envelope: GuardContext, counters: Counters) -> Veto | Recipient | None:
        """Reserve a place in each time that applies."""
        who = whom(envelope.recipient.channel, envelope.recipient.address)
        applying = (gap for gap in self.gaps if gap.tag is None or gap.tag in envelope.message.tags)
        for gap in sorted(applying, key=lambda gap: gap.seconds, reverse=True):
            wait = counters.reserve(f"{self.name}:{gap.tag or ''}:{who}", 1, 1, gap.seconds)
            if wait:
                what = f"a message tagged {gap.tag}" if gap.tag else "a message"
                return Veto(
                    self.name,
                    f"The recipient was sent {what} less than {in_words(gap.seconds)} ago.",
                    "Wait, then send it again; NOTIFYKIT_GUARD_COOL_DOWN says how long.",
                    wait,
                )
        return None


def notifykit_guards(settings: Settings, normalize: Normalize) -> list[CoolDown]:
    """Bring ``cool_down`` where the settings give a time."""
    gaps = options(settings)["cool_down"]
    return [CoolDown(gaps)] if gaps else []


def notifykit_about() -> About:
    """Tell of the settings."""
    return about("cool_down")
