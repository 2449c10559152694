"""What transports can do with a message: what they can't use of it, which requests they would make, and the price."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any, TypeGuard, TypeVar

import attrs

from notifykit.errors import ProviderUnavailable, TransportError, raise_interrupt
from notifykit.models.message import Channel, Message
from notifykit.models.plan import Batch
from notifykit.pipeline.context import Adapted, SendContext
from notifykit.protocols import Composite, Transport, shown

_Question = TypeVar("_Question")
_Answer = TypeVar("_Answer")

#: The options of a message, and the capability that each needs.
_OPTIONS = {"sender": "senders", "subject": "subjects", "idempotency_key": "idempotent"}


def is_composite(transport: Transport) -> TypeGuard[Composite]:
    """Return whether a transport is made of others."""
    # isinstance would look up every method of the protocol, several times a send.
    return hasattr(transport, "assign") and hasattr(transport, "parts")


def adapt(message: Message, transport: Transport, context: SendContext, *, check: bool = True) -> Adapted:
    """Return what a transport would make of a message.

    A composite is asked for its channels only: its parts are asked one by one when it is their turn.

    :param check: whether to ask for the transport's opinion of the text; False where that was done before.
    """
    capabilities = transport.capabilities
    if message.channel not in capabilities.channels:
        return Adapted(message, refusal=_wrong_channel(message, transport))
    if is_composite(transport):
        return Adapted(message)
    unusable = [
        option
        for option, capability in _OPTIONS.items()
        if getattr(message, option) is not None and not getattr(capabilities, capability)
    ]
    if unusable and context.unsupported == "error":
        return Adapted(message, refusal=_unusable(unusable, transport))
    warnings: tuple[str, ...] = ()
    if unusable:
        message = attrs.evolve(message, **dict[str, Any](dict.fromkeys(unusable)))
        if context.unsupported == "warn":
            warnings = tuple(
                f"The transport {transport.name} can't use the {option} that was given; it went without."
                for option in unusable
            )
    warnings += tuple(ask(transport, capabilities.warn, message, message, context) or ())
    return Adapted(message, warnings, ask(transport, capabilities.check if check else None, message, message, context))


def lead(composite: Composite, channel: Channel) -> Transport:
    """Return the part that a text is measured for: the first that takes the channel and measures, else that takes it."""
    candidates = [leaf for leaf in leaves(composite) if channel in leaf.capabilities.channels]
    measuring = (leaf for leaf in candidates if leaf.capabilities.measure)
    return next(measuring, candidates[0] if candidates else composite)


def leaves(transport: Transport) -> Iterator[Transport]:
    """Yield the transports that make requests, in order: the parts of a composite, and of its parts."""
    if is_composite(transport):
        for part in transport.parts:
            yield from leaves(part)
    else:
        yield transport


def ask(
    transport: Transport,
    function: Callable[[_Question], _Answer | None] | None,
    question: _Question,
    message: Message,
    context: SendContext,
) -> _Answer | None:
    """Return what a function of a transport's capabilities returns; None where it has none, or where it raises."""
    if function is None:
        return None
    outer = sys.exception()
    try:
        return function(question)
    except Exception as error:
        raise_interrupt(error, outer)
        context.dispatcher.plugin_failed("transport", transport.name, error, message)
        return None


@attrs.frozen
class ExpectedRequest:
    """A request that would be made."""

    #: The transports on the way to it, from the outermost to the one that makes the request.
    path: tuple[Transport, ...]
    #: Its recipients.
    batch: Batch


def predict_requests(transport: Transport, batch: Batch, path: tuple[Transport, ...] = ()) -> Iterator[ExpectedRequest]:
    """Yield the requests that a transport would make of a batch."""
    path = (*path, transport)
    if is_composite(transport):
        for assignment in transport.expected(batch):
            yield from predict_requests(assignment.transport, assignment.batch, path)
    else:
        for piece in batch.pieces(transport.capabilities.batch_size):
            yield ExpectedRequest(path, attrs.evolve(piece, transport=shown(transport)))


def price(transport: Transport, batch: Batch) -> float | None:
    """Return what a batch of one recipient costs at most, whatever happens; None where no transport has a price.

    Transports that send as well as others add to the price; of those that would send in place of each other the most
    expensive counts.
    """
    if not is_composite(transport):
        known = transport.capabilities.price
        return known(batch.recipients[0], batch.measurement.segments) if known and batch.measurement else None
    also: list[float] = []
    instead: list[float] = []
    for assignment in transport.possible(batch):
        points = price(assignment.transport, assignment.batch) if assignment.batch else None
        if points is not None:
            (also if assignment.also else instead).append(points)
    return sum(also) + max(instead, default=0.0) if also or instead else None


def not_assigned() -> TransportError:
    """Return the error of a recipient whom a composite assigns to none of its parts."""
    return ProviderUnavailable(
        "No rule of the route matches this message and recipient.",
        "route",
        action="Give the route a last part without a rule: it takes everything. `notifykit route test` shows the way.",
    )


def _wrong_channel(message: Message, transport: Transport) -> TransportError:
    return ProviderUnavailable(
        f"The transport {transport.name} carries {', '.join(sorted(transport.capabilities.channels))}, not {message.channel}.",
        "channel",
        action="Send by another channel, or through another transport: via=…",
    )


def _unusable(options: list[str], transport: Transport) -> TransportError:
    names = " and ".join(options)
    return ProviderUnavailable(
        f"The transport {transport.name} can't use {names}.",
        "option",
        action=f"Leave out {names}, send through another transport, or set NOTIFYKIT_UNSUPPORTED=warn.",
    )
