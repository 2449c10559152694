"""The documented dicts, and the questions that cost nothing."""

from __future__ import annotations

import collections
import itertools
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, TypeAlias

from notifykit import Outcome, Plan, Receipt, Rejected, Report, Submission
from notifykit.errors import NotifyError, TransportError
from notifykit_kwtsms.api.client import ApiClient, Validation, number
from notifykit_kwtsms.api.codes import CODES
from notifykit_kwtsms.api.facts import NUMBERS_PER_REQUEST
from notifykit_kwtsms.phone.documented import validate_phone_input

#: What ``send`` and ``validate`` take.
Mobile: TypeAlias = str | int | Iterable[str | int]


_BETWEEN: Final = re.compile(r"[,;\n\u060c\u061b]")


def several(mobile: Mobile) -> list[str | int]:
    """Return each number as it was given; a text with commas is several of them.

    :raises TypeError: where there is nothing that could hold numbers.
    """
    if isinstance(mobile, bytes) or not isinstance(mobile, str | int | Iterable):
        raise TypeError(f"mobile is a {type(mobile).__name__}: give a number as a text, or a list of them")
    given = [mobile] if isinstance(mobile, str | int) else mobile
    return [number for item in given for number in (_split(item) if isinstance(item, str) else [item])]


def _split(text: str) -> list[str]:
    return [part.strip() for part in _BETWEEN.split(text) if part.strip()] or [text]


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


_NO_BALANCE: Final = "The gateway gave no balance that can be read. → Ask again; nothing is charged by asking."


class Purse:
    """What the gateway last said about the account's points. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._points: tuple[float | None, float | None] = (None, None)

    @property
    def balance(self) -> float | None:
        """Points that were left."""
        return self._points[0]

    @property
    def purchased(self) -> float | None:
        """Points ever bought."""
        return self._points[1]

    def note(self, balance: float | None, purchased: float | None = None) -> None:
        """Remember what was said; None says nothing."""
        with self._lock:
            before = self._points
            self._points = (before[0] if balance is None else balance, before[1] if purchased is None else purchased)


class Lookups:
    """Asks one account, at its rate limit.

    :param gateway: the account; it waits for its turn.
    :param timeout: seconds for one request.
    """

    def __init__(self, gateway: ApiClient, timeout: float) -> None:
        self._gateway = gateway
        self._timeout = timeout
        self.purse = Purse()

    def verify(self) -> tuple[bool, float | None, str | None]:
        """Return whether the credentials are right, the balance, and what is wrong."""
        try:
            said = self._gateway.balance(self._timeout)
        except TransportError as error:
            return False, None, with_action(error)
        except NotifyError as error:
            return False, None, str(error)
        if said.available is None:
            return False, None, _NO_BALANCE
        bought = None if said.purchased is None else float(said.purchased)
        self.purse.note(float(said.available), bought)
        return True, float(said.available), None

    def validate(self, numbers: Sequence[str], invalid: Sequence[Shape]) -> Shape:
        """Return the report about numbers that look right, beside those that don't.

        :param numbers: normalized; each is asked about once.
        :param invalid: the others, as documented.
        """
        report: Shape = {
            "ok": [],
            "er": [],
            "nr": [],
            "rejected": list(invalid),
            "error": None if numbers else _why(invalid),
            "raw": None,
        }
        for some in _portions(tuple(dict.fromkeys(numbers))):
            try:
                said = self._gateway.validate(some, self._timeout)
            except TransportError as error:
                report["error"] = with_action(error)
                report["raw"] = report["raw"] or _raw_refusal(error)
                break
            report["ok"] += said.ok
            report["er"] += said.error
            report["nr"] += said.no_route
            report["raw"] = _together(report["raw"], said)
        report["er"] += [number["input"] for number in invalid]
        return report

    def status(self, message_id: str) -> Shape:
        """Return where a message is inside the gateway."""
        return self._answered(lambda timeout: dict(self._gateway.status(message_id, timeout).fields))

    def dlr(self, message_id: str) -> Shape:
        """Return the delivery reports of a message."""

        def ask(timeout: float) -> Shape:
            reports = self._gateway.delivery_reports(message_id, timeout)
            return {"result": "OK", "report": [{"Number": r.number, "Status": r.status} for r in reports]}

        return self._answered(ask)

    def senderids(self) -> Shape:
        """Return the sender IDs of the account."""
        return self._answered(lambda timeout: {"result": "OK", "senderids": list(self._gateway.senderids(timeout))})

    def coverage(self) -> Shape:
        """Return the country prefixes that are active."""
        return self._answered(lambda timeout: {"result": "OK", "prefixes": list(self._gateway.coverage(timeout))})

    def _answered(self, question: Callable[[float], Shape]) -> Shape:
        try:
            return question(self._timeout)
        except TransportError as error:
            return refusal(error)


def _portions(numbers: Sequence[str]) -> Iterator[tuple[str, ...]]:
    # The most that one question may have is not documented; it is taken to be that of a send.
    rest = iter(numbers)
    while some := tuple(itertools.islice(rest, NUMBERS_PER_REQUEST)):
        yield some


def _why(invalid: Sequence[Shape]) -> str:
    if len(invalid) == 1:
        return str(invalid[0]["error"])
    return f"All {len(invalid)} phone numbers failed validation" if invalid else "No phone number was given"


def _raw_refusal(error: TransportError) -> Shape | None:
    shape = refusal(error)
    return shape if shape["code"] == error.code else None


def _together(before: Shape | None, said: Validation) -> dict[str, Any]:
    """Return one raw answer for several requests: the first as it came, with the numbers of all."""
    if before is None:
        return dict(said.fields)
    buckets = dict(before.get("mobile") or {})
    for name, numbers in (("OK", said.ok), ("ER", said.error), ("NR", said.no_route)):
        buckets[name] = [*buckets.get(name, ()), *numbers]
    return {**before, "mobile": buckets}
