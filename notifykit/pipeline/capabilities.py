"""What transports can do with a message: what is left of it, who would make which requests, and what they would cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import attrs

from notifykit.errors import INTERRUPTS, ProviderUnavailable, TransportError
from notifykit.models.capabilities import Capabilities
from notifykit.models.message import Channel, Message
from notifykit.models.plan import Batch
from notifykit.pipeline.context import Adapted, SendContext
from notifykit.protocols import Transport, is_composite

_Asked = TypeVar("_Asked")
_Answer = TypeVar("_Answer")

#: What a message may ask for, and the capability that honours it.
_OPTIONS = {"sender": "senders", "subject": "subjects", "idempotency_key": "idempotent"}


def adapt(message: Message, transport: Transport, context: SendContext, *, check: bool = True) -> Adapted:
    """Return what a transport would make of a message.

    A composite is asked for its channels only: its parts are asked one by one when it is their turn.

    :param check: whether to ask for the transport's opinion of the text; False where that was done before.
    """
    capabilities = transport.capabilities
    if message.channel not in capabilities.channels:
        return Adapted(message, refusal=_not_carried(message, transport))
    if is_composite(transport):
        return Adapted(message)
    adapted = message
    warnings: tuple[str, ...] = ()
    unheard = _unheard(message, capabilities)
    if unheard:
        if context.unsupported == "error":
            return Adapted(message, refusal=_not_honoured(unheard, transport))
        adapted = attrs.evolve(message, **dict[str, Any](dict.fromkeys(unheard)))
        if context.unsupported == "warn":
            warnings = tuple(
                f"The transport {transport.name} can't use the {name} that was given; it went without."
                for name in unheard
            )
    return Adapted(adapted, warnings, ask(transport, capabilities.check if check else None, adapted, message, context))


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
    context: SendContext,
) -> _Answer | None:
    """Ask a transport something that it may have no opinion on."""
    if question is None:
        return None
    try:
        return question(about)
    except INTERRUPTS:
        raise
    except BaseException as error:  # a plugin may raise anything
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
            yield ExpectedRequest(path, attrs.evolve(piece, transport=str(transport)))


def price(transport: Transport, batch: Batch) -> float | None:
    """Return what a batch of one recipient costs at most, whatever happens; None where nobody tells a price.

    Whoever would carry it besides others adds to the price; of those who would carry it in each other's place the
    dearest counts.
    """
    if not is_composite(transport):
        known = transport.capabilities.price
        return known(batch.recipients[0], batch.measurement.segments) if known and batch.measurement else None
    assignments = transport.possible(batch)
    besides = [
        price(assignment.transport, assignment.batch)
        for assignment in assignments
        if assignment.also and assignment.batch
    ]
    instead = [
        price(assignment.transport, assignment.batch)
        for assignment in assignments
        if not assignment.also and assignment.batch
    ]
    told = [
        points for points in (*besides, max((p for p in instead if p is not None), default=None)) if points is not None
    ]
    return sum(told) if told else None


def not_assigned() -> TransportError:
    """Return why a recipient is not sent to whom a composite gives to none of its parts."""
    return ProviderUnavailable(
        "No rule of the route matches this message and recipient.",
        "route",
        action="Give the route a last part without a rule: it takes everything. `notifykit route test` shows the way.",
    )


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
