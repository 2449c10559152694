"""Guards that count: ``cool_down``, ``same_content``, ``volume_cap`` and ``spend_cap``.

They count over all processes that share a counter store. What was certainly not sent is taken off again.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import attrs

from notifykit.guards.addresses import Normalize
from notifykit.guards.options import Gap, Limit, about, in_words, options
from notifykit.models.receipt import Veto
from notifykit.models.recipient import Recipient
from notifykit.protocols import About, Counters, Guard, GuardContext
from notifykit.settings.sources import Settings


@attrs.frozen
class CoolDown:
    """Holds back a message that follows another one to the same recipient too soon.

    A gap with a tag counts the messages that have the tag; one without counts all of them. The longest gap that
    applies to a message decides.
    """

    #: What settings and listings call it.
    name = "cool_down"

    #: The times that have to pass.
    gaps: Sequence[Gap]

    def check(self, context: GuardContext, counters: Counters) -> Veto | Recipient | None:
        """Reserve a place in each gap that applies."""
        applying = (gap for gap in self.gaps if gap.tag is None or gap.tag in context.message.tags)
        for gap in sorted(applying, key=lambda gap: gap.seconds, reverse=True):
            key = f"{self.name}:{gap.tag or ''}:{_recipient_key(context)}"
            wait = counters.reserve(key, 1, 1, gap.seconds)
            if wait:
                what = f"a message tagged {gap.tag}" if gap.tag else "a message"
                return Veto(
                    self.name,
                    f"The recipient was sent {what} less than {in_words(gap.seconds)} ago.",
                    "Wait, then send it again; NOTIFYKIT_GUARD_COOL_DOWN says how long.",
                    wait,
                )
        return None


@attrs.frozen
class SameContent:
    """Holds back a text that went to the same recipient a short time ago: a double click, a job that ran twice.

    It compares text and subject after cleaning, and stores only a hash of them.
    """

    #: What settings and listings call it.
    name = "same_content"

    #: The time, in seconds.
    window: float

    def check(self, context: GuardContext, counters: Counters) -> Veto | Recipient | None:
        """Reserve the text for the recipient."""
        content = json.dumps([context.message.subject, context.message.text])
        digest = hashlib.blake2b(content.encode(), digest_size=16).hexdigest()
        wait = counters.reserve(f"{self.name}:{_recipient_key(context)}:{digest}", 1, 1, self.window)
        if not wait:
            return None
        return Veto(
            self.name,
            f"The recipient was sent the same text less than {in_words(self.window)} ago.",
            "Nothing to do if it was sent twice by mistake; else wait, or change the text.",
            wait,
        )


@attrs.frozen
class VolumeCap:
    """Holds back messages above a number of messages in a time, over all recipients."""

    #: What settings and listings call it.
    name = "volume_cap"

    #: The limits; all of them hold.
    limits: Sequence[Limit]

    def check(self, context: GuardContext, counters: Counters) -> Veto | Recipient | None:
        """Reserve one message in each limit."""
        return _reserve(self.name, "messages", 1, self.limits, counters)


@attrs.frozen
class SpendCap:
    """Holds back messages above a cost in a time, in the provider's unit.

    The cost is what the transport says before sending. A message whose cost is not known is held back, or passes
    without being counted if ``allow_unpriced`` is set.
    """

    #: What settings and listings call it.
    name = "spend_cap"

    #: The limits; all of them hold.
    limits: Sequence[Limit]
    #: Whether messages pass whose cost is not known.
    allow_unpriced: bool = False

    def check(self, context: GuardContext, counters: Counters) -> Veto | Recipient | None:
        """Reserve the cost in each limit."""
        if context.cost is not None:
            limits = self.limits if context.cost > 0 else ()
            return _reserve(self.name, "what may be spent", context.cost, limits, counters)
        if self.allow_unpriced:
            return None
        return Veto(
            self.name,
            "The transport does not say what this would cost, so the cap can't be kept.",
            "Use a transport that says its price, or set NOTIFYKIT_GUARD_UNPRICED=allow: such messages then don't count.",
        )


def _recipient_key(context: GuardContext) -> str:
    return f"{context.recipient.channel}:{context.recipient.address}"


def _reserve(guard: str, what: str, amount: float, limits: Sequence[Limit], counters: Counters) -> Veto | None:
    for limit in limits:
        wait = counters.reserve(guard, amount, limit.most, limit.window)
        if wait:
            return Veto(
                guard,
                f"The limit of {what} is reached: {limit}.",
                f"Send the rest later, or raise NOTIFYKIT_GUARD_{guard.upper()}.",
                wait if wait < math.inf else None,
            )
    return None


@attrs.frozen
class _Plugin:
    """The hooks of one of the guards."""

    build: Callable[[Mapping[str, Any]], Guard]
    #: Its settings; it is on if the first has a value.
    fields: tuple[str, ...]

    def notifykit_guards(self, settings: Settings, normalize: Normalize) -> list[Guard]:
        values = options(settings)
        return [self.build(values)] if values[self.fields[0]] else []

    def notifykit_about(self) -> About:
        return about(*self.fields)


cool_down: Final = _Plugin(lambda values: CoolDown(values["cool_down"]), ("cool_down",))
same_content: Final = _Plugin(lambda values: SameContent(values["same_content"]), ("same_content",))
volume_cap: Final = _Plugin(lambda values: VolumeCap(values["volume_cap"]), ("volume_cap",))
spend_cap: Final = _Plugin(
    lambda values: SpendCap(values["spend_cap"], values["unpriced"] == "allow"), ("spend_cap", "unpriced")
)
