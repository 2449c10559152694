"""Sending: one request through one transport, and what came of it; and what else a delivery asks its runner for."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import attrs

from notifykit.errors import INTERRUPTS, NotReached, without_frames
from notifykit.models.plan import Batch
from notifykit.models.receipt import Submission
from notifykit.protocols import Clock, Connectable, Transport


@attrs.frozen
class Sleep:
    """Let time pass, until the next result at the latest."""

    #: How much, in seconds; infinity where only a result goes on.
    seconds: float
    #: Whether it is for a slot of the rate limit, which the next batch would have to wait for as well.
    for_slot: bool = False


@attrs.frozen(eq=False)
class Connect:
    """Open a connection for the next request, before it takes its slot: then the request leaves when its slot comes."""

    #: Who will make the request.
    transport: Connectable
    #: Seconds for it.
    timeout: float


@attrs.frozen(eq=False)
class ProviderRequest:
    """Make one request."""

    #: Who makes it.
    transport: Transport
    #: The recipients.
    batch: Batch
    #: Seconds for the whole request.
    timeout: float
    #: The monotonic time at which the send ends, if it does: a request that starts late has less.
    ends: float | None = None
    #: Called right before the request starts, so that a late start is counted when it is; None where nobody counts.
    on_start: Callable[[], None] | None = None
    #: Whether other requests of the send may be made before its answer is there.
    concurrent: bool = False


#: What a transport returned or raised.
Answer: TypeAlias = Submission | BaseException


class RequestResult(NamedTuple):
    """What came of a request, or of opening a connection."""

    #: Which one it was.
    request: ProviderRequest | Connect
    #: What the transport returned or raised: a submission or an exception, where it keeps to its contract. None where
    #: a connection was opened.
    answer: Answer | None
    #: The monotonic time at which it did.
    at: float


class Abandoned(BaseException):
    """Raised by what makes a request where it did not make it: nothing was sent, and nothing more shall be."""


def complete(request: ProviderRequest | Connect, clock: Clock) -> RequestResult:
    """Make a request or open a connection, and return what came of it."""
    answer = open_connection(request) if isinstance(request, Connect) else send_request(request, clock)
    return RequestResult(request, answer, clock.monotonic())


def send_request(request: ProviderRequest, clock: Clock) -> Answer:
    """Make one request and return its answer, whatever it is."""
    timeout = request.timeout
    if request.ends is not None:
        timeout = min(timeout, request.ends - clock.monotonic())
    if timeout <= 0:
        return NotReached("The deadline of the send came before its request could start.", "deadline", waits=())
    try:
        if request.on_start is not None:
            request.on_start()
        return request.transport.send(request.batch, timeout)
    except INTERRUPTS:
        raise
    except BaseException as error:  # a transport may raise anything; the attempt says what it means
        return without_frames(error)


def open_connection(request: Connect) -> BaseException | None:
    """Open a connection, and return what went wrong; None where nothing did."""
    try:
        request.transport.connect(request.timeout)
    except INTERRUPTS:
        raise
    except BaseException as error:
        return without_frames(error)
    return None
