"""The transport that takes another's place in a test: it gives requests to an outbox instead of making them."""

from __future__ import annotations

import abc
import sys
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

import attrs

from notifykit.errors import TransportError, raise_interrupt
from notifykit.models.capabilities import Capabilities
from notifykit.models.merge import error_of
from notifykit.models.plan import Batch
from notifykit.models.receipt import Submission
from notifykit.pipeline.clock import VirtualClock
from notifykit.pipeline.context import Prepared
from notifykit.pipeline.intercept import Interception
from notifykit.protocols import Transport
from notifykit.testing.messages import CapturedRequest

#: Messages that are remembered until their requests are captured.
_REMEMBERED: Final = 10_000


@attrs.frozen
class CaptureResult:
    """How an outbox answers a request."""

    #: The answer; None lets the transport make the request.
    answer: Submission | Exception | None
    #: How long it took, in virtual seconds.
    elapsed: float = 0.0


class Capture(abc.ABC):
    """Captures requests: an outbox, or the way to an outbox of another process.

    :param token: the owner of the sends that belong to it.
    :param clock: the time that those sends wait by.
    """

    def __init__(self, token: str, clock: VirtualClock) -> None:
        #: The owner of the sends that belong to it.
        self.token = token
        #: The time that those sends wait by: it passes when something waits, at once.
        self.clock = clock
        #: The transports, time and limits of those sends.
        self.interception = Interception(clock, self._replace, self._remember)
        #: The messages that were sent, by their ids.
        self._prepared: OrderedDict[str, Prepared] = OrderedDict()

    @abc.abstractmethod
    def answer(self, request: CapturedRequest, timeout: float) -> CaptureResult:
        """Answer a request and record it."""

    @abc.abstractmethod
    def record(self, request: CapturedRequest, answer: Submission | TransportError) -> None:
        """Record a request that its transport made."""

    def _replace(self, transport: Transport) -> Transport:
        return CapturingTransport(self, transport, self._prepared)

    def _remember(self, prepared: Prepared) -> None:
        self._prepared[prepared.message.id] = prepared
        if len(self._prepared) > _REMEMBERED:
            self._prepared.popitem(last=False)


@attrs.frozen(eq=False)
class CapturingTransport:
    """Gives one transport's requests to an outbox."""

    _outbox: Capture
    _transport: Transport
    _prepared: Mapping[str, Prepared]

    @property
    def name(self) -> str:
        """The name of the transport."""
        return self._transport.name

    @property
    def capabilities(self) -> Capabilities:
        """The capabilities of the transport."""
        return self._transport.capabilities

    def send(self, batch: Batch, timeout: float) -> Submission:
        """Return the outbox's answer; or make the request, where the outbox lets it pass, and record it there."""
        prepared, now = self._prepared.get(batch.message.id), self._outbox.clock.now()
        request = CapturedRequest.of(batch, self._transport, prepared, now)
        answer = self._outbox.answer(request, timeout).answer
        if isinstance(answer, Exception):
            raise answer
        if answer is not None:
            return answer
        outer = sys.exception()
        try:
            submission = self._transport.send(batch, timeout)
        except Exception as error:
            raise_interrupt(error, outer)
            # As a TransportError: other exceptions may not pickle.
            self._outbox.record(request, error_of(error))
            raise
        self._outbox.record(request, submission)
        return submission

    def close(self) -> None:
        """Do nothing: the transport belongs to its notifier."""

    def __str__(self) -> str:
        return str(self._transport)
