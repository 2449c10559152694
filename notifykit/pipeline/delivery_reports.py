"""Delivery reports: asked for where a provider can answer, or pushed by it, and kept for each recipient."""

from __future__ import annotations

import collections
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import attrs

from notifykit.errors import ProviderUnavailable, TransportError, raise_interrupt, without_frames
from notifykit.models.delivery import Delivery, DeliveryReport
from notifykit.models.receipt import Outcome, Receipt
from notifykit.pipeline.capabilities import leaves
from notifykit.pipeline.dispatcher import EventDispatcher
from notifykit.protocols import KnowsDeliveries, Transport, shown

#: The most recipients whose deliveries are kept. A delivery takes about a kilobyte.
REMEMBERED: Final = 100_000

_ASK_AGAIN: Final = "Ask again; nothing is sent or charged by asking."
_NO_ID: Final = "The provider gave no message id, so it can't be asked."
_NOT_SENT: Final = "It was not sent, so there is nothing to deliver."
_NOT_HERE: Final = (
    "None of this notifier's transports made that request: ask the notifier that did, or name the transport with via=."
)


@attrs.frozen
class DeliveryUpdate:
    """What one report changed about one recipient."""

    #: What was known.
    before: Delivery
    #: What is known now.
    after: Delivery

    @property
    def is_news(self) -> bool:
        """Whether sinks are given it: the first report, another state, or a contradiction."""
        return self.after != self.before and (
            not self.before.reports
            or self.before.state is not self.after.state
            or self.before.contradicted != self.after.contradicted
        )


class DeliveryStore:
    """The deliveries of the recipients that had the latest reports. Safe to share between threads.

    :param most: how many recipients it keeps.
    """

    def __init__(self, most: int = REMEMBERED) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._deliveries: collections.OrderedDict[tuple[str, str | None], Delivery] = collections.OrderedDict()
        #: The addresses of each message that have reports of their own; None stands for everybody.
        self._addresses: dict[str, dict[str | None, None]] = {}

    def record(self, report: DeliveryReport) -> tuple[Delivery, Sequence[DeliveryUpdate]]:
        """Record a report, and return what is known of its recipient now, with what it changed.

        A report about everybody in a request counts for each recipient who has a report, now or later; it is an update of
        its own only while no single recipient has one.
        """
        with self._lock:
            known = tuple(self._addresses.get(report.message_id, ()))
            updates = [self._update(report, report.address)]
            if report.address is None:
                others = [self._update(report, address) for address in known if address is not None]
                return updates[0].after, others or updates
            return updates[0].after, updates

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

    def _update(self, report: DeliveryReport, address: str | None) -> DeliveryUpdate:
        before = self._known(report.message_id, address)
        after = before.record(report)
        key = (report.message_id, address)
        self._deliveries[key] = after
        self._deliveries.move_to_end(key)
        self._addresses.setdefault(report.message_id, {})[address] = None
        if len(self._deliveries) > self._most:
            self._drop_oldest()
        return DeliveryUpdate(before, after)

    def _drop_oldest(self) -> None:
        (message_id, address), _ = self._deliveries.popitem(last=False)
        addresses = self._addresses[message_id]
        del addresses[address]
        if not addresses:
            del self._addresses[message_id]


class DeliveryTracker:
    """Asks transports for reports, takes reports that are pushed, keeps both, and emits what is new.

    :param store: stores them on disk too, and raises nothing.
    """

    def __init__(
        self, dispatcher: EventDispatcher, store: Callable[[Sequence[DeliveryReport]], None] | None = None
    ) -> None:
        self._dispatcher = dispatcher
        self._store_reports = store
        self._store = DeliveryStore()

    def record(self, reports: Iterable[DeliveryReport], transport: str | None = None) -> list[Delivery]:
        """Record reports, and return for each what is known of its recipient then.

        :param transport: the transport that was asked; None where the reports were pushed.
        :raises PluginError: in strict mode, where a sink raised; everything is recorded before.
        """
        reports = list(reports)
        deliveries: list[Delivery] = []
        for report in reports:
            delivery, updates = self._store.record(report)
            deliveries.append(delivery)
            for update in updates:
                if update.is_news:
                    self._dispatcher.delivery_changed(update.before, update.after, transport)
        if reports and self._store_reports is not None:
            self._store_reports(reports)
        self._dispatcher.raise_failures(*dict.fromkeys(delivery.message_id or "" for delivery in deliveries))
        return deliveries

    def ask(self, receipts: Iterable[Receipt], transports: Iterable[Transport], timeout: float) -> list[Delivery]:
        """Ask about receipts, once for each request, and return what is known of each of them.

        Deliveries that will not change any more are not asked about.

        :param transports: those that may have made the requests.
        :param timeout: seconds for one question.
        :raises TransportError: if a provider does not answer; the answers of others are kept.
        """
        receipts = list(receipts)
        unique = list({id(leaf): leaf for transport in transports for leaf in leaves(transport)}.values())
        reasons = [_reason_not_to_ask(receipt, unique) for receipt in receipts]
        requests: dict[tuple[str, str], list[Receipt]] = {}
        for receipt, reason in zip(receipts, reasons, strict=True):
            if reason is None and receipt.message_id and not self._store.known(receipt.message_id, receipt.to).final:
                requests.setdefault((receipt.message_id, _sent_by(receipt)), []).append(receipt)
        for (_, name), some in requests.items():
            self.record(_first_answer(_able_to_answer(unique, name), some, timeout), name)
        return [self._known(receipt, reason) for receipt, reason in zip(receipts, reasons, strict=True)]

    def _known(self, receipt: Receipt, reason: str | None) -> Delivery:
        if receipt.message_id is None or not _may_be_delivered(receipt):
            return Delivery(receipt.message_id, receipt.to, unavailable=reason)
        return attrs.evolve(self._store.known(receipt.message_id, receipt.to), unavailable=reason)


def _may_be_delivered(receipt: Receipt) -> bool:
    return receipt.outcome in (Outcome.ACCEPTED, Outcome.UNKNOWN)


def _reason_not_to_ask(receipt: Receipt, leaves: Sequence[Transport]) -> str | None:
    """Return why no transport can be asked about a receipt; None where one can."""
    if not _may_be_delivered(receipt):
        return f"{_NOT_SENT} {receipt.advice}".strip()
    if receipt.message_id is None:
        return receipt.advice if receipt.outcome is Outcome.UNKNOWN else _NO_ID
    name = _sent_by(receipt)
    if _able_to_answer(leaves, name):
        return None
    if any(shown(transport) == name for transport in leaves):
        return f"The transport {name.partition(':')[0]} can't be asked: only pushed reports can say."
    return _NOT_HERE


def _sent_by(receipt: Receipt) -> str:
    """Return the transport that made the request with this message id, as an attempt names it."""
    taken = [attempt for attempt in receipt.attempts if attempt.submission]
    # Two parts of a fan-out may have given the same id: the answer that the receipt shows is the one that is asked about.
    this = [attempt for attempt in taken if attempt.submission is receipt.submission]
    alike = [attempt for attempt in taken if attempt.submission and attempt.submission.message_id == receipt.message_id]
    found = this or alike or receipt.attempts[-1:]
    return found[-1].transport if found else ""


def _able_to_answer(leaves: Iterable[Transport], name: str) -> list[KnowsDeliveries]:
    """Return the transports of this name that can be asked: two accounts of a provider may look the same."""
    return [leaf for leaf in leaves if isinstance(leaf, KnowsDeliveries) and str(leaf) == name]


def _first_answer(
    transports: Iterable[KnowsDeliveries], receipts: Sequence[Receipt], timeout: float
) -> Sequence[DeliveryReport]:
    """Return the answer of the first transport that knows the request.

    :raises TransportError: if none does: an error that can be retried rather than one that can't.
    """
    errors: list[TransportError] = []
    for transport in transports:
        try:
            return _answer(transport, receipts, timeout)
        except TransportError as error:
            errors.append(error)
    raise next((error for error in errors if error.retryable), errors[0])


def _answer(transport: KnowsDeliveries, receipts: Sequence[Receipt], timeout: float) -> Sequence[DeliveryReport]:
    outer = sys.exception()
    try:
        answer = tuple(transport.deliveries(receipts, timeout))
        if not all(isinstance(report, DeliveryReport) for report in answer):
            raise TypeError("a transport answers with DeliveryReports")
    except Exception as error:
        raise_interrupt(error, outer)
        if isinstance(error, TransportError):
            raise
        kind = type(error).__name__
        raise ProviderUnavailable(
            f"The transport broke off with {kind} instead of an answer.", code=kind, action=_ASK_AGAIN
        ) from without_frames(error)
    return answer


def as_reports(given: object) -> tuple[list[DeliveryReport], bool]:
    """Return one report or several as a list, and whether it was a single one.

    :raises TypeError: if they are no reports.
    """
    if isinstance(given, DeliveryReport):
        return [given], True
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise TypeError(
            f"a {type(given).__name__} is no delivery report: make a DeliveryReport of what was posted, "
            "with the function of the provider's package"
        )
    reports = list(given)
    others = [report for report in reports if not isinstance(report, DeliveryReport)]
    if others:
        raise TypeError(f"a {type(others[0]).__name__} is no delivery report: give DeliveryReports")
    return reports, False
