"""Step 2: the text becomes one that the channel can carry, and is measured."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import attrs

from notifykit.errors import INTERRUPTS, ProviderUnavailable, TransportError
from notifykit.flow.trip import Prepared, Trip
from notifykit.models import Cleaned, Edit, Message

_Asked = TypeVar("_Asked")
_Answer = TypeVar("_Answer")


def clean(message: Message, trip: Trip) -> Prepared:
    """Fold the cleaners over the text, measure the result, and tell the sinks what will be sent."""
    text = message.text
    edits: list[Edit] = []
    for cleaner in trip.registry.cleaners:
        try:
            cleaned = cleaner.clean(text, message.channel)
            if not isinstance(cleaned, Cleaned):
                raise TypeError("a cleaner returns a Cleaned")
        except INTERRUPTS:
            raise
        except BaseException as error:  # a plugin may raise anything
            trip.recorder.plugin_failed("cleaner", cleaner.name, error, message)
            continue
        text = cleaned.text
        edits += cleaned.edits
    message = attrs.evolve(message, text=text)
    capabilities = trip.transport.capabilities
    return Prepared(
        message,
        Cleaned(text, tuple(edits)),
        measurement=_ask(capabilities.measure, text, message, trip),
        refusal=_not_carried(message, trip) or _ask(capabilities.check, message, message, trip),
    )


def _ask(
    question: Callable[[_Asked], _Answer | None] | None, about: _Asked, message: Message, trip: Trip
) -> _Answer | None:
    """Ask the transport something that it may have no opinion on."""
    if question is None:
        return None
    try:
        return question(about)
    except INTERRUPTS:
        raise
    except BaseException as error:  # a plugin may raise anything
        trip.recorder.plugin_failed("transport", trip.transport.name, error, message)
        return None


def _not_carried(message: Message, trip: Trip) -> TransportError | None:
    carried = trip.transport.capabilities.channels
    if message.channel in carried:
        return None
    return ProviderUnavailable(
        f"The transport {trip.transport.name} carries {', '.join(sorted(carried))}, not {message.channel}.",
        "channel",
        action="Send by another channel, or through another transport: via=…",
    )
