"""What makes requests in a transport's place: it hands them to an outbox, of this process or of another."""

from __future__ import annotations

import contextlib
import datetime
from collections import OrderedDict
from collections.abc import Callable, Container, Mapping
from typing import Any, Final, Protocol

import attrs

from notifykit.errors import INTERRUPTS, ConfigError, OutcomeUnknown, TransportError
from notifykit.models.capabilities import Capabilities
from notifykit.models.merge import error_of
from notifykit.models.plan import Batch
from notifykit.models.receipt import Submission
from notifykit.pipeline.clock import VirtualClock
from notifykit.pipeline.context import Prepared
from notifykit.pipeline.intercept import Interception
from notifykit.protocols import Clock, Transport
from notifykit.settings.dsn import Dsn
from notifykit.testing.opened import OutboxUnreachable
from notifykit.testing.sent import Handed

#: Messages that are remembered until their requests are made.
_REMEMBERED: Final = 10_000


@attrs.frozen
class Said:
    """What an outbox says to a request."""

    #: The answer; None lets the request go its way.
    answer: Submission | Exception | None
    #: How long it took, in virtual seconds.
    elapsed: float = 0.0


class Way(Protocol):
    """The way to an outbox."""

    def answer(self, handed: Handed, timeout: float) -> Said:
        """Say what becomes of a request."""
        ...

    def record(self, handed: Handed, answer: Submission | Exception) -> None:
        """Take down how a request ended that went its way."""
        ...


class Carriers:
    """Makes what carries in a transport's place.

    :param way: the way to the outbox.
    :param clock: the time that the sends wait by.
    """

    def __init__(self, way: Way, clock: Clock) -> None:
        self._way = way
        self._prepared: OrderedDict[str, Prepared] = OrderedDict()
        #: The way of a send into the outbox.
        self.detour = Interception(clock, self._instead, self._told)

    def without_request(self, asked: Container[str]) -> int:
        """Return how many messages came this way and made no request: none of their ids is among these."""
        return sum(message not in asked for message in tuple(self._prepared))

    def _instead(self, transport: Transport) -> Transport:
        return Carrier(self._way, transport, self._prepared)

    def _told(self, prepared: Prepared) -> None:
        self._prepared[prepared.message.id] = prepared
        if len(self._prepared) > _REMEMBERED:
            self._prepared.popitem(last=False)


@attrs.frozen(eq=False)
class Carrier:
    """Carries one transport's requests to an outbox."""

    _way: Way
    _meant: Transport
    #: The messages on their way, by their ids.
    _prepared: Mapping[str, Prepared]

    @property
    def name(self) -> str:
        """The name of the transport that was meant."""
        return self._meant.name

    @property
    def capabilities(self) -> Capabilities:
        """What that one can do."""
        return self._meant.capabilities

    def send(self, batch: Batch, timeout: float) -> Submission:
        """Hand the request over, and give the answer that the outbox gives; or make it, where the outbox lets it pass."""
        handed = _handed(batch, self._meant, self._prepared.get(batch.message.id))
        said = self._way.answer(handed, timeout)
        if said.answer is not None:
            if isinstance(said.answer, Exception):
                raise said.answer
            return said.answer
        try:
            submission = self._meant.send(batch, timeout)
        except INTERRUPTS:
            raise
        except Exception as error:
            self._way.record(handed, error)
            raise
        self._way.record(handed, submission)
        return submission

    def close(self) -> None:
        """Leave everything as it is: it belongs to others."""

    def __str__(self) -> str:
        return str(self._meant)


class FarWay:
    """The way to an outbox of another process.

    :param ask: asks that process.
    :param token: names the outbox.
    :param now: what time it is there.
    """

    def __init__(self, ask: Callable[..., Any], token: str, now: datetime.datetime) -> None:
        self._ask = ask
        self._token = token
        self._clock = FarClock(now, self._slept)
        #: The way of a send into it.
        self.detour = Carriers(self, self._clock).detour

    def answer(self, handed: Handed, timeout: float) -> Said:
        """Ask what becomes of a request."""
        said = None
        with contextlib.suppress(OutboxUnreachable):
            said = self._ask("answer", self._token, handed, timeout)
        if isinstance(said, Said):
            self._clock.advance(said.elapsed)
            return said
        return Said(said if isinstance(said, Exception) else OutcomeUnknown("The test ended meanwhile.", "closed"))

    def record(self, handed: Handed, answer: Submission | Exception) -> None:
        """Tell how a request ended that went its way."""
        # Foreign exceptions may not survive the way; what they mean for the message does.
        known = isinstance(answer, Submission | TransportError)
        # The request was made: that a test ended meanwhile does not change what came of it.
        with contextlib.suppress(OutboxUnreachable):
            self._ask("record", self._token, handed, answer if known else error_of(answer))

    def _slept(self, seconds: float) -> None:
        with contextlib.suppress(OutboxUnreachable):
            self._ask("sleep", self._token, seconds)


class FarClock(VirtualClock):
    """The time of an outbox in another process, for one send."""

    def __init__(self, start: datetime.datetime, slept: Callable[[float], None]) -> None:
        super().__init__(start)
        self._tell = slept

    def sleep(self, seconds: float) -> None:
        """Let time pass here and there."""
        super().sleep(seconds)
        self._tell(seconds)


def _handed(batch: Batch, transport: Transport, prepared: Prepared | None) -> Handed:
    capabilities, measured = transport.capabilities, batch.measurement
    price = capabilities.price
    costs = tuple(price(who, measured.segments) if price and measured else None for who in batch.recipients)
    return Handed(
        batch=batch,
        transport=str(transport),
        live=capabilities.live,
        costs=costs,
        unit=capabilities.unit,
        sender=_sender(str(transport)),
        edits=prepared.cleaned.edits if prepared else (),
        idempotency_key=prepared.message.idempotency_key if prepared else batch.message.idempotency_key,
    )


def _sender(dsn: str) -> str | None:
    try:
        return Dsn.parse(dsn).options.get("sender")
    except ConfigError:
        return None
