"""Delivery reports of the gateway: ``status`` for every number, ``dlr`` for those outside Kuwait."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from notifykit import DeliveryReport, DeliveryState, Receipt, TransportError
from notifykit_kwtsms.api.client import ApiClient
from notifykit_kwtsms.api.facts import KUWAIT_CODE, REPORT_STATES, STATUS_STATES, delivery_state, loggable
from notifykit_kwtsms.phone.documented import normalize_phone

_STUCK: Final = "ERR030"
#: Answers of ``dlr`` that mean "no report yet". An unknown id (ERR020) is an error.
_NOTHING_YET: Final = ("ERR019", "ERR021", "ERR022")

_TEST: Final = (
    "It was a test: it stays in the queue at kwtSMS and reaches no phone. "
    "Delete it at kwtsms.com → Account → Queue to get the points back."
)
_SENT_IN_KUWAIT: Final = "The network has it. This is the last state: networks in Kuwait give no delivery reports."
_SENT_ABROAD: Final = "The network has it. Ask again five minutes after sending; reports of some networks take a day."


def fetch_reports(api: ApiClient, message_id: str, receipts: Sequence[Receipt], timeout: float) -> list[DeliveryReport]:
    """Return the delivery reports for the numbers of one request.

    :raises TransportError: without an answer, or where the id is unknown.
    """
    reports = list(_from_status(api, message_id, receipts, timeout))
    sent = any(report.state is DeliveryState.SENT for report in reports)
    if sent and not all(_is_kuwaiti(receipt) for receipt in receipts):
        reports += _from_networks(api, message_id, timeout)
    return reports


def _from_status(
    api: ApiClient, message_id: str, receipts: Sequence[Receipt], timeout: float
) -> Iterator[DeliveryReport]:
    try:
        answer = api.status(message_id, timeout)
    except TransportError as error:
        if error.code != _STUCK:
            raise
        for receipt in receipts:
            advice = _TEST if receipt.test else error.action
            yield DeliveryReport(message_id, receipt.to, DeliveryState.UNDELIVERED, _STUCK, last=True, advice=advice)
        return
    state, words = delivery_state(answer.status, STATUS_STATES), loggable(answer.status)
    sent = state is DeliveryState.SENT
    for receipt in receipts:
        kuwaiti = _is_kuwaiti(receipt)
        sent_advice = _SENT_IN_KUWAIT if kuwaiti else _SENT_ABROAD
        yield DeliveryReport(
            message_id, receipt.to, state, words, last=sent and kuwaiti, advice=sent_advice if sent else None
        )


def _from_networks(api: ApiClient, message_id: str, timeout: float) -> Iterator[DeliveryReport]:
    try:
        reports = api.delivery_reports(message_id, timeout)
    except TransportError as error:
        if error.code not in _NOTHING_YET:
            raise
        return
    for report in reports:
        number = normalize_phone(report.number)
        if number:
            state = delivery_state(report.status, REPORT_STATES)
            yield DeliveryReport(message_id, number, state, loggable(report.status))


def _is_kuwaiti(receipt: Receipt) -> bool:
    return receipt.to.startswith(KUWAIT_CODE)
