"""Asking the gateway what became of a message."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from notifykit import DeliveryReport, DeliveryState, Receipt, TransportError
from notifykit_kwtsms.api.client import ApiClient
from notifykit_kwtsms.api.facts import DISPATCH, REPORTED, as_state, shown
from notifykit_kwtsms.phone.documented import normalize_phone

_KUWAIT: Final = "965"
_STUCK: Final = "ERR030"
#: Answers to ``dlr`` that mean "nothing yet". That nobody knows the id (ERR020) is another matter.
_NOTHING_YET: Final = ("ERR019", "ERR021", "ERR022")

_TEST: Final = (
    "It was a test: it stays in the queue at kwtSMS and reaches no phone. "
    "Delete it at kwtsms.com → Account → Queue to get the points back."
)
_KUWAIT_SENT: Final = "It is with the network. In Kuwait nobody says more: networks there give no delivery reports."
_FOREIGN_SENT: Final = (
    "It is with the network. Ask again five minutes after sending; reports of some networks take a day."
)


def ask(gateway: ApiClient, message_id: str, receipts: Sequence[Receipt], timeout: float) -> list[DeliveryReport]:
    """Return what the gateway and the networks say about the numbers of one request.

    :raises TransportError: where there is no answer, or nobody knows the id.
    """
    said = list(_dispatch(gateway, message_id, receipts, timeout))
    passed_on = any(report.state is DeliveryState.SENT for report in said)
    if passed_on and not all(_is_kuwaiti(receipt) for receipt in receipts):
        said += _reports(gateway, message_id, timeout)
    return said


def _dispatch(
    gateway: ApiClient, message_id: str, receipts: Sequence[Receipt], timeout: float
) -> Iterator[DeliveryReport]:
    try:
        answer = gateway.status(message_id, timeout)
    except TransportError as error:
        if error.code != _STUCK:
            raise
        for receipt in receipts:
            why = _TEST if receipt.test else error.action
            yield DeliveryReport(message_id, receipt.to, DeliveryState.UNDELIVERED, _STUCK, last=True, advice=why)
        return
    state = as_state(answer.status, DISPATCH)
    words = shown(answer.status)
    sent = state is DeliveryState.SENT
    for receipt in receipts:
        at_home = _is_kuwaiti(receipt)
        advice = (_KUWAIT_SENT if at_home else _FOREIGN_SENT) if sent else None
        yield DeliveryReport(message_id, receipt.to, state, words, last=sent and at_home, advice=advice)


def _reports(gateway: ApiClient, message_id: str, timeout: float) -> Iterator[DeliveryReport]:
    try:
        reports = gateway.delivery_reports(message_id, timeout)
    except TransportError as error:
        if error.code not in _NOTHING_YET:
            raise
        return
    for report in reports:
        number = normalize_phone(report.number)
        if number:
            yield DeliveryReport(message_id, number, as_state(report.status, REPORTED), shown(report.status))


def _is_kuwaiti(receipt: Receipt) -> bool:
    return receipt.to.startswith(_KUWAIT)
