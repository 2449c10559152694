"""Step 2: the text becomes one that the channel can carry, and is measured."""

from __future__ import annotations

import attrs

from notifykit.errors import INTERRUPTS
from notifykit.flow.fitting import ask, fit, lead
from notifykit.flow.trip import Prepared, Trip
from notifykit.models import Cleaned, Edit, Message


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
    if text is not message.text:
        message = attrs.evolve(message, text=text)
    leader = lead(trip.transport, message.channel)
    prepared = Prepared(
        message,
        Cleaned(text, tuple(edits)),
        measurement=ask(leader, leader.capabilities.measure, text, message, trip),
        fitted=fit(message, trip.transport, trip),
    )
    if trip.told:
        trip.told(prepared)
    return prepared
