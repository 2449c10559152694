"""What is heard of messages after they were sent: asked for where a provider can say, and pushed by whoever knows."""

from __future__ import annotations

import collections
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import attrs

from notifykit.errors import INTERRUPTS, ProviderUnavailable, TransportError, without_frames
from notifykit.models.delivery import Delivery, DeliveryReport
from notifykit.models.receipt import Attempt, Outcome, Receipt
from notifykit.pipeline.capabilities import leaves
from notifykit.pipeline.dispatcher import EventDispatcher
from notifykit.protocols import KnowsDeliveries, Transport

#: Recipients of messages about whom is remembered what was heard. A delivery takes about a kilobyte.
REMEMBERED: Final = 100_000

_ASK_AGAIN: Final = "Ask again; nothing is sent or charged by asking."
_NO_ID: Final = "The provider gave no message id, so it can't be asked."
_NOT_SENT: Final = "It was not sent, so there is nothing to deliver."
_NOT_HERE: Final = (
    "None of this notifier's transports made that request: ask the notifier that did, or name the transport with via=."
)


@attrs.frozen
class Step:
    """What one report changed about one recipient."""

    #: What was known.
    before: Delivery
    #: What is known now.
    after: Delivery

    @property
    def matters(self) -> bool:
        """Whether it is worth telling: the first that is heard, a step forward, or a contradiction."""
        return self.after != self.before and (
            not self.before.reports
            or self.before.state is not self.after.state
            or self.before.contradicted != self.after.contradicted
        )


class DeliveryStore:
    """What was heard, for the recipients that were heard of last. Safe to share between threads.

    :param most: how many recipients of messages it remembers.
    """

    def __init__(self, most: int = REMEMBERED) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._deliveries: collections.OrderedDict[tuple[str, str | None], Delivery] = collections.OrderedDict()
        #: The addresses of each message that have something of their own; None stands for everybody.
        self._addresses: dict[str, dict[str | None, None]] = {}

    def hear(self, report: DeliveryReport) -> tuple[Delivery, Sequence[Step]]:
        """Write a report down, and return what is known of its recipient now, with what it changed.

        A report about everybody in a request is one about each recipient who was or will be heard of, and it changes
        them; it is a step of its own only while nobody else is known.
        """
        with self._lock:
            known = tuple(self._addresses.get(report.message_id, ()))
            steps = [self._step(report, report.address)]
            if report.address is None:
                others = [self._step(report, address) for address in known if address is not None]
                return steps[0].after, others or steps
            return steps[0].after, steps

    def known(self, message_id: str, address: str | None) -> Delivery:
        """Return what is known of a recipient."""
        with self._lock:
            return self._known(message_id, address)

    def __len__(self) -> int:
        return len(self._deliveries)

    def _known(self, message_id: str, address: str | None) -> Delivery:
        own = self._deliveries.get((message_id, address))
        if own is not None:
            return own
        everybody = self._deliveries.get((message_id, None))
        return Delivery(message_id, address, everybody.reports if everybody else ())

    def _step(self, report: DeliveryReport, address: str | None) -> Step:
        before = self._known(report.message_id, address)
        after = before.record(report)
        key = (report.message_id, address)
        self._deliveries[key] = after
        self._deliveries.move_to_end(key)
        self._addresses.setdefault(report.message_id, {})[address] = None
        if len(self._deliveries) > self._most:
            self._forget_the_oldest()
        return Step(before, after)

    def _forget_the_oldest(self) -> None:
        (message_id, address), _ = self._deliveries.popitem(last=False)
        addresses = self._addresses[message_id]
        del addresses[address]
        if not addresses:
            del self._addresses[message_id]


class DeliveryTracker:
    """Asks transports, takes what is pushed, remembers both, and tells the sinks of every step.

    :param dispatcher: who tells the sinks.
    """

    def __init__(self, dispatcher: EventDispatcher) -> None:
        self._dispatcher = dispatcher
        self._counters = DeliveryStore()

    def hear(self, reports: Iterable[DeliveryReport], transport: str | None = None) -> list[Delivery]:
        """Write reports down, and return for each what is known of its recipient then.

        :param transport: the transport that was asked; None where the reports were pushed.
        :raises PluginError: in strict mode, where a sink raised; everything is heard before.
        """
        heard: list[Delivery] = []
        for report in reports:
            delivery, steps = self._counters.hear(report)
            heard.append(delivery)
            for step in steps:
                if step.matters:
                    self._dispatcher.delivery_changed(step.before, step.after, transport)
        self._dispatcher.raise_failures_of(*dict.fromkeys(delivery.message_id or "" for delivery in heard))
        return heard

    def ask(self, receipts: Iterable[Receipt], transports: Iterable[Transport], timeout: float) -> list[Delivery]:
        """Ask about receipts, once for each request, and return what is known of each of them.

        Nobody is asked about what will not change any more.

        :param transports: those that may have made the requests.
        :param timeout: seconds for one question.
        :raises TransportError: where a provider does not answer; what others said is remembered.
        """
        receipts = list(receipts)
        carriers = list(_leaves(transports))
        silences = [_silence(receipt, carriers) for receipt in receipts]
        requests: dict[tuple[str, str], list[Receipt]] = {}
        for receipt, silence in zip(receipts, silences, strict=True):
            if (
                silence is None
                and receipt.message_id
                and not self._counters.known(receipt.message_id, receipt.to).final
            ):
                requests.setdefault((receipt.message_id, _carrier(receipt)), []).append(receipt)
        for (_, carrier), some in requests.items():
            self.hear(_first_answer(_those_that_know(carriers, carrier), some, timeout), carrier)
        return [self._told(receipt, silence) for receipt, silence in zip(receipts, silences, strict=True)]

    def _told(self, receipt: Receipt, silence: str | None) -> Delivery:
        if receipt.message_id is None or not _may_be_delivered(receipt):
            return Delivery(receipt.message_id, receipt.to, unavailable=silence)
        return attrs.evolve(self._counters.known(receipt.message_id, receipt.to), unavailable=silence)


def _leaves(transports: Iterable[Transport]) -> Iterable[Transport]:
    """Return the transports that make requests themselves, each once."""
    return {id(leaf): leaf for transport in transports for leaf in leaves(transport)}.values()


def _may_be_delivered(receipt: Receipt) -> bool:
    return receipt.outcome in (Outcome.ACCEPTED, Outcome.UNKNOWN)


def _silence(receipt: Receipt, leaves: Sequence[Transport]) -> str | None:
    """Return why nobody can be asked about a receipt; None where somebody can."""
    if not _may_be_delivered(receipt):
        return f"{_NOT_SENT} {receipt.advice}".strip()
    if receipt.message_id is None:
        return receipt.advice if receipt.outcome is Outcome.UNKNOWN else _NO_ID
    carrier = _carrier(receipt)
    if _those_that_know(leaves, carrier):
        return None
    if any(str(transport) == carrier for transport in leaves):
        return f"The transport {carrier.partition(':')[0]} has nobody to ask: only reports that are pushed can tell."
    return _NOT_HERE


def _carrier(receipt: Receipt) -> str:
    """Return the transport that made the request with this message id, as an attempt names it."""

    def fits(attempt: Attempt) -> bool:
        return attempt.submission is not None and attempt.submission.message_id == receipt.message_id

    # Two parts of a fan-out may have given the same id: the answer that the receipt shows is the one that is asked about.
    this = [attempt for attempt in receipt.attempts if attempt.submission and attempt.submission is receipt.submission]
    taken = this or [attempt for attempt in receipt.attempts if fits(attempt)] or receipt.attempts[-1:]
    return taken[-1].transport if taken else ""


def _those_that_know(leaves: Iterable[Transport], carrier: str) -> list[KnowsDeliveries]:
    """Return the transports of this description that can be asked: two accounts of a provider may look the same."""
    return [leaf for leaf in leaves if isinstance(leaf, KnowsDeliveries) and str(leaf) == carrier]


def _first_answer(
    transports: Iterable[KnowsDeliveries], receipts: Sequence[Receipt], timeout: float
) -> Sequence[DeliveryReport]:
    """Return what the first transport says that knows the request.

    :raises TransportError: where none does: an error that may go away by itself before one that will not.
    """
    errors: list[TransportError] = []
    for transport in transports:
        try:
            return _answer(transport, receipts, timeout)
        except TransportError as error:
            errors.append(error)
    raise next((error for error in errors if error.retryable), errors[0])


def _answer(transport: KnowsDeliveries, receipts: Sequence[Receipt], timeout: float) -> Sequence[DeliveryReport]:
    try:
        answer = tuple(transport.deliveries(receipts, timeout))
        if not all(isinstance(report, DeliveryReport) for report in answer):
            raise TypeError("a transport answers with DeliveryReports")
    except (TransportError, *INTERRUPTS):
        raise
    except BaseException as error:  # a transport may raise anything
        kind = type(error).__name__
        raise ProviderUnavailable(
            f"The transport broke off with {kind} instead of an answer.", code=kind, action=_ASK_AGAIN
        ) from without_frames(error)
    return answer


def as_reports(given: object) -> tuple[list[DeliveryReport], bool]:
    """Return the reports that somebody gave, and whether it was a single one.

    :raises TypeError: where they are none.
    """
    if isinstance(given, DeliveryReport):
        return [given], True
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise TypeError(
            f"a {type(given).__name__} is no delivery report: make a DeliveryReport of what was posted, "
            "with the function of the provider's package"
        )
    reports = list(given)
    strangers = [report for report in reports if not isinstance(report, DeliveryReport)]
    if strangers:
        raise TypeError(f"a {type(strangers[0]).__name__} is no delivery report: give DeliveryReports")
    return reports, False
