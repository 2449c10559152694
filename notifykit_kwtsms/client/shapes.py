"""The documented dicts, made of what the road reports."""

from __future__ import annotations

import collections
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from notifykit import Outcome, Plan, Receipt, Rejected, Report, Submission, TransportError
from notifykit_kwtsms.api.answers import number
from notifykit_kwtsms.api.codes import CODES
from notifykit_kwtsms.phone.documented import validate_phone_input

#: What the documented methods return.
Shape: TypeAlias = dict[str, Any]

#: No number was valid, so the gateway was not asked.
INVALID_INPUT: Final = "ERR_INVALID_INPUT"
#: The gateway was not reached, or what it said is not known.
NETWORK: Final = "NETWORK"


def is_the_gateways(error: TransportError) -> bool:
    """Return whether the gateway itself, or we in its place, said this; all else is a failure on the way."""
    return error.code is None or error.code.startswith("ERR")


def refusal(error: TransportError) -> Shape:
    """Return the ERROR dict."""
    code = (error.code or "UNKNOWN") if is_the_gateways(error) else NETWORK
    return _error(code, words_of(error), error.action)


def words_of(error: TransportError) -> str:
    """Return the gateway's own words about an error; ours where it has none."""
    return error.provider_words or error.detail


def with_action(error: TransportError) -> str:
    """Return what happened and what to do, in one line."""
    return f"{words_of(error)} → {error.action}" if error.action else words_of(error)


def invalid_numbers(plan: Plan, given: Sequence[object]) -> list[Shape]:
    """Return the numbers that can't be sent to, as they were given, each with its documented words."""
    return [
        {"input": str(given[receipt.position]), "error": _objection(given[receipt.position], receipt.recipient)}
        for receipt in plan.excluded
        if isinstance(receipt.recipient, Rejected)
    ]


def local_refusal(plan: Plan, invalid: Sequence[Shape]) -> Shape:
    """Return the ERROR dict for a message that would be sent to nobody."""
    for receipt in plan.excluded:
        if receipt.error and not isinstance(receipt.recipient, Rejected):
            return refusal(receipt.error)
    if len(invalid) == 1:
        description = invalid[0]["error"]
    else:
        description = f"All {len(invalid)} phone numbers are invalid" if invalid else "No phone number was given"
    return _error(INVALID_INPUT, description, CODES["ERR006"].action)


def single(report: Report) -> Shape:
    """Return the dict for one request.

    :raises RuntimeError: where the gateway was not reached, or nobody knows what it did.
    """
    receipt: Receipt = report[0]
    if receipt.submission:
        return _sent(receipt.submission)
    assert receipt.error is not None, "without a deadline, what was not taken has an error"
    if is_the_gateways(receipt.error):
        return refusal(receipt.error)
    # The frames it has been through hold the text and the number.
    raise receipt.error.with_traceback(None)


def bulk(report: Report, batches: int) -> Shape:
    """Return the dict for several requests: what was confirmed in any of them is in it."""
    firsts = {receipt.batch: receipt for receipt in reversed(report.receipts)}
    sizes = collections.Counter(receipt.batch for receipt in report)
    taken = [receipt for receipt in report if firsts[receipt.batch] is receipt and receipt.submission]
    errors = [
        _batch_error(receipt) for receipt in report if firsts[receipt.batch] is receipt and not receipt.submission
    ]
    return {
        "result": ("PARTIAL" if taken else "ERROR") if errors else "OK",
        "bulk": True,
        "batches": batches,
        "numbers": sum(_count(receipt, sizes[receipt.batch]) for receipt in taken),
        "points-charged": report.cost or 0,
        "balance-after": report.balance,
        "msg-ids": list(report.message_ids),
        "errors": errors,
    }


def _error(code: str, description: str, action: str) -> Shape:
    return {"result": "ERROR", "code": code, "description": description, "action": action}


def _objection(given: object, rejected: Rejected) -> str | None:
    # What is no text has no documented words; the road's own sentence says what it is.
    return validate_phone_input(rejected.raw)[1] if isinstance(given, str | int) else rejected.error.detail


def _sent(submission: Submission) -> Shape:
    fields = submission.fields
    return {
        "result": "OK",
        "msg-id": submission.message_id,
        "numbers": number(fields.get("numbers")),
        "points-charged": submission.cost,
        "balance-after": submission.balance,
        "unix-timestamp": number(fields.get("unix-timestamp")),
    }


def _count(receipt: Receipt, size: int) -> float:
    said = number(receipt.submission.fields.get("numbers")) if receipt.submission else None
    return size if said is None else said


def _batch_error(receipt: Receipt) -> Shape:
    assert receipt.error is not None, "without a deadline, what was not taken has an error"
    shape = refusal(receipt.error)
    if receipt.outcome is Outcome.UNKNOWN:
        description = f"Unknown whether it was sent: {shape['description']}"
    elif not receipt.attempts:
        description = f"Not sent, because an earlier batch was refused: {shape['description']}"
    else:
        description = shape["description"]
    return {"batch": receipt.batch, "code": shape["code"], "description": description, "action": shape["action"]}
