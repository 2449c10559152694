"""Whether a transport can carry a message, and what is left of the message when it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import attrs

from notifykit.errors import INTERRUPTS, ProviderUnavailable, TransportError
from notifykit.flow.trip import Fit, Trip
from notifykit.models import Capabilities, Channel, Message
from notifykit.protocols import Transport, is_composite

_Asked = TypeVar("_Asked")
_Answer = TypeVar("_Answer")

#: What a message may ask for, and the capability that honours it.
_OPTIONS = {"sender": "senders", "subject": "subjects", "idempotency_key": "idempotent"}


def fit(message: Message, transport: Transport, trip: Trip, *, check: bool = True) -> Fit:
    """Return what a transport would make of a message.

    A composite is asked for its channels only: its parts are asked one by one when it is their turn.

    :param check: whether to ask for the transport's opinion of the text; False where that was done before.
    """
    capabilities = transport.capabilities
    if message.channel not in capabilities.channels:
        return Fit(message, refusal=_not_carried(message, transport))
    if is_composite(transport):
        return Fit(message)
    fitted = message
    warnings: tuple[str, ...] = ()
    unheard = _unheard(message, capabilities)
    if unheard:
        if trip.unsupported == "error":
            return Fit(message, refusal=_not_honoured(unheard, transport))
        fitted = attrs.evolve(message, **dict[str, Any](dict.fromkeys(unheard)))
        if trip.unsupported == "warn":
            warnings = tuple(
                f"The transport {transport.name} can't use the {name} that was given; it went without."
                for name in unheard
            )
    return Fit(fitted, warnings, ask(transport, capabilities.check if check else None, fitted, message, trip))


def lead(transport: Transport, channel: Channel) -> Transport:
    """Return the transport that a text is measured for.

    Of a composite it is the first part that carries the channel and measures, else the first that carries it.
    """
    if not is_composite(transport):
        return transport
    carriers = [leaf for leaf in leaves(transport) if channel in leaf.capabilities.channels]
    measuring = (leaf for leaf in carriers if leaf.capabilities.measure)
    return next(measuring, carriers[0] if carriers else transport)


def leaves(transport: Transport) -> Iterator[Transport]:
    """Yield the transports that make requests, in order: the parts of a composite, and of its parts."""
    if is_composite(transport):
        for part in transport.parts:
            yield from leaves(part)
    else:
        yield transport


def ask(
    transport: Transport,
    question: Callable[[_Asked], _Answer | None] | None,
    about: _Asked,
    message: Message,
    trip: Trip,
) -> _Answer | None:
    """Ask a transport something that it may have no opinion on."""
    if question is None:
        return None
    try:
        return question(about)
    except INTERRUPTS:
        raise
    except BaseException as error:  # a plugin may raise anything
        trip.recorder.plugin_failed("transport", transport.name, error, message)
        return None


def _unheard(message: Message, capabilities: Capabilities) -> list[str]:
    """Return the options of a message that a transport can't honour."""
    return [
        name
        for name, capability in _OPTIONS.items()
        if getattr(message, name) is not None and not getattr(capabilities, capability)
    ]


def _not_carried(message: Message, transport: Transport) -> TransportError:
    carried = transport.capabilities.channels
    return ProviderUnavailable(
        f"The transport {transport.name} carries {', '.join(sorted(carried))}, not {message.channel}.",
        "channel",
        action="Send by another channel, or through another transport: via=…",
    )


def _not_honoured(unheard: list[str], transport: Transport) -> TransportError:
    return ProviderUnavailable(
        f"The transport {transport.name} can't use {' and '.join(unheard)}.",
        "option",
        action=f"Leave out {' and '.join(unheard)}, send through another transport, or set NOTIFYKIT_UNSUPPORTED=warn.",
    )
