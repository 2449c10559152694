"""Step 2: the text becomes one that the channel can carry, and is measured."""

from __future__ import annotations

import attrs

from notifykit.flow.trip import Prepared, Trip
from notifykit.models import Cleaned, Edit, Message


def clean(message: Message, trip: Trip) -> Prepared:
    """Fold the cleaners over the text, measure the result, and tell the sinks what will be sent."""
    text = message.text
    edits: list[Edit] = []
    for cleaner in trip.registry.cleaners:
        try:
            cleaned = cleaner.clean(text, message.channel)
        except Exception as error:  # a plugin may raise anything
            trip.recorder.plugin_failed("cleaner", cleaner.name, error, message, text)
            continue
        text = cleaned.text
        edits += cleaned.edits
    message = attrs.evolve(message, text=text)
    capabilities = trip.transport.capabilities
    measurement = capabilities.measure(text) if capabilities.measure else None
    refusal = capabilities.check(message) if capabilities.check else None
    return Prepared(message, Cleaned(text, tuple(edits)), measurement, refusal)
