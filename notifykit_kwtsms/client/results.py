"""The documented dicts of the client, the numbers it takes, and its queries that send nothing."""

from __future__ import annotations

import collections
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from notifykit import Outcome, Plan, Receipt, Rejected, Report, Submission
from notifykit.errors import NotifyError, TransportError
from notifykit.normalizers.phone import split_addresses
from notifykit_kwtsms.api.client import ApiClient, Validation, parse_number
from notifykit_kwtsms.api.codes import CODES
from notifykit_kwtsms.api.facts import NUMBERS_PER_REQUEST
from notifykit_kwtsms.phone.documented import validate_phone_input

#: What the documented methods return.
Result: TypeAlias = dict[str, Any]
#: What ``send`` and ``validate`` take: one number, several with commas between them, or many.
Mobile: TypeAlias = str | float | Iterable[str | float | None]

#: The code where no number was valid, so that the gateway was not asked.
INVALID_INPUT: Final = "ERR_INVALID_INPUT"
#: The code where the gateway was not reached, or its answer is not known.
NETWORK: Final = "NETWORK"


def split_numbers(mobile: Mobile | None) -> list[str | float | None]:
    """Return each number as it was given; a text with commas is several.

    :raises TypeError: for a value that cannot hold numbers.
    """
    if mobile is None:
        return []
    if isinstance(mobile, bytes | Mapping) or not isinstance(mobile, str | int | float | Iterable):
        raise TypeError(f"mobile is a {type(mobile).__name__}: give a number as a text, or a list of them")
    given = [mobile] if isinstance(mobile, str | int | float) else mobile
    return [number for item in given for number in (split_addresses(item) if isinstance(item, str) else [item])]


def error_text(error: TransportError) -> str:
    """Return the gateway's own words about an error and what to do; our words where it has none."""
    words = error.provider_words or error.detail
    return f"{words} → {error.action}" if error.action else words


def is_gateway_error(error: TransportError) -> bool:
    """Return whether the gateway refused, or we in its place; everything else is a network failure."""
    return error.code is None or error.code.startswith("ERR")


def error_result(error: TransportError) -> Result:
    """Return the ERROR dict of an error."""
    code = (error.code or "UNKNOWN") if is_gateway_error(error) else NETWORK
    return _error(code, error.provider_words or error.detail, error.action)


def _error(code: str, description: str, action: str) -> Result:
    return {"result": "ERROR", "code": code, "description": description, "action": action}


def invalid_numbers(plan: Plan, given: Sequence[object]) -> list[Result]:
    """Return the numbers that cannot be sent to, as they were given, each with its documented error."""
    return [
        {"input": str(given[receipt.position]), "error": _number_error(given[receipt.position], receipt.recipient)}
        for receipt in plan.excluded
        if isinstance(receipt.recipient, Rejected)
    ]


def _number_error(given: object, rejected: Rejected) -> str | None:
    # For another kind of value, no error is documented: the framework's own sentence describes it.
    documented = given is None or isinstance(given, str | int | float)
    return validate_phone_input(given)[1] if documented else rejected.error.detail


def nothing_to_send(plan: Plan, invalid: Sequence[Result]) -> Result:
    """Return the ERROR dict for a plan without any request."""
    for receipt in plan.excluded:
        if receipt.error and not isinstance(receipt.recipient, Rejected):
            return error_result(receipt.error)
    return _error(INVALID_INPUT, _invalid_text(invalid, "are invalid"), CODES["ERR006"].action)


def _invalid_text(invalid: Sequence[Result], verb: str) -> str:
    if len(invalid) == 1:
        return str(invalid[0]["error"])
    return f"All {len(invalid)} phone numbers {verb}" if invalid else "No phone number was given"


def single_result(report: Report) -> Result:
    """Return the dict for one request.

    :raises RuntimeError: if the gateway was not reached, or the outcome is unknown.
    """
    receipt: Receipt = report[0]
    if receipt.submission:
        return _accepted(receipt.submission)
    assert receipt.error is not None, "without a deadline, what was not accepted has an error"
    if is_gateway_error(receipt.error):
        return error_result(receipt.error)
    # The frames of its traceback hold the text and the number.
    raise receipt.error.with_traceback(None)


def _accepted(submission: Submission) -> Result:
    fields = submission.fields
    return {
        "result": "OK",
        "msg-id": submission.message_id,
        "numbers": parse_number(fields.get("numbers")),
        "points-charged": submission.cost,
        "balance-after": submission.balance,
        "unix-timestamp": parse_number(fields.get("unix-timestamp")),
    }


def bulk_result(report: Report) -> Result:
    """Return the dict for several batches, with everything that was confirmed in any of them.

    ``batches`` counts the calls that were made: after a refusal of all, the batches behind it are not asked for.
    """
    firsts = {receipt.batch: receipt for receipt in reversed(report.receipts)}
    sizes = collections.Counter(receipt.batch for receipt in report)
    ordered = [receipt for receipt in report if firsts[receipt.batch] is receipt]
    accepted = [receipt for receipt in ordered if receipt.submission]
    errors = [_batch_error(receipt) for receipt in ordered if not receipt.submission]
    return {
        "result": ("PARTIAL" if accepted else "ERROR") if errors else "OK",
        "bulk": True,
        "batches": sum(1 for receipt in ordered if receipt.attempts),
        "numbers": sum(_count(receipt, sizes[receipt.batch]) for receipt in accepted),
        "points-charged": report.cost or 0,
        "balance-after": report.balance,
        "msg-ids": list(report.message_ids),
        "errors": errors,
    }


def _count(receipt: Receipt, size: int) -> float:
    count = parse_number(receipt.submission.fields.get("numbers")) if receipt.submission else None
    return size if count is None else count


def _batch_error(receipt: Receipt) -> Result:
    assert receipt.error is not None, "without a deadline, what was not accepted has an error"
    result = error_result(receipt.error)
    prefix = ""
    if receipt.outcome is Outcome.UNKNOWN:
        prefix = "Unknown whether it was sent: "
    elif not receipt.attempts:
        prefix = "Not sent, because an earlier batch was refused: "
    description = f"{prefix}{result['description']}"
    return {"batch": receipt.batch, "code": result["code"], "description": description, "action": result["action"]}


class Queries:
    """The queries of one account, as documented dicts, and the balance of the last answer. Safe to share by threads.

    :param api: the account; it keeps the rate limit.
    :param timeout: seconds for one request.
    """

    def __init__(self, api: ApiClient, timeout: float) -> None:
        self._api = api
        self._timeout = timeout
        self._lock = threading.Lock()
        #: Points left, by the last answer that said so.
        self.balance: float | None = None
        #: Points bought in all, by the last answer that said so.
        self.purchased: float | None = None

    def remember(self, balance: float | None, purchased: float | None = None) -> None:
        """Keep what an answer said; None keeps the earlier value."""
        with self._lock:
            self.balance = self.balance if balance is None else balance
            self.purchased = self.purchased if purchased is None else purchased

    def verify(self) -> tuple[bool, float | None, str | None]:
        """Return whether the credentials are right, the balance, and the error."""
        try:
            found = self._api.balance(self._timeout)
        except TransportError as error:
            return False, None, error_text(error)
        except NotifyError as error:
            return False, None, str(error)
        if found.available is None:
            return (
                False,
                None,
                "The gateway sent no balance that can be read. → Ask again; nothing is charged by asking.",
            )
        self.remember(float(found.available), None if found.purchased is None else float(found.purchased))
        return True, float(found.available), None

    def validate(self, numbers: Sequence[str], invalid: Sequence[Result]) -> Result:
        """Return the report about numbers.

        :param numbers: normalized; the gateway is asked about each once.
        :param invalid: those that failed local validation, as documented.
        """
        result: Result = {
            "ok": [],
            "er": [],
            "nr": [],
            "rejected": list(invalid),
            "error": None if numbers else _invalid_text(invalid, "failed validation"),
            "raw": None,
        }
        unique = tuple(dict.fromkeys(numbers))
        # The limit of this endpoint is not documented; it is assumed to be that of a send.
        for start in range(0, len(unique), NUMBERS_PER_REQUEST):
            try:
                found = self._api.validate(unique[start : start + NUMBERS_PER_REQUEST], self._timeout)
            except TransportError as error:
                result["error"] = error_text(error)
                refusal = error_result(error)
                result["raw"] = result["raw"] or (refusal if refusal["code"] == error.code else None)
                break
            result["ok"] += found.ok
            result["er"] += found.error
            result["nr"] += found.no_route
            result["raw"] = _merged(result["raw"], found)
        result["er"] += [number["input"] for number in invalid]
        return result

    def status(self, message_id: str) -> Result:
        """Return where a message is inside the gateway."""
        return self._answer(lambda timeout: dict(self._api.status(message_id, timeout).fields))

    def dlr(self, message_id: str) -> Result:
        """Return the delivery reports of a message."""

        def ask(timeout: float) -> Result:
            reports = self._api.delivery_reports(message_id, timeout)
            return {"result": "OK", "report": [{"Number": r.number, "Status": r.status} for r in reports]}

        return self._answer(ask)

    def senderids(self) -> Result:
        """Return the sender IDs of the account."""
        return self._answer(lambda timeout: {"result": "OK", "senderids": list(self._api.senderids(timeout))})

    def coverage(self) -> Result:
        """Return the active country prefixes."""
        return self._answer(lambda timeout: {"result": "OK", "prefixes": list(self._api.coverage(timeout))})

    def _answer(self, ask: Callable[[float], Result]) -> Result:
        try:
            return ask(self._timeout)
        except TransportError as error:
            return error_result(error)


def _merged(before: Result | None, found: Validation) -> Result:
    """Return one raw answer for several requests: the first, with the numbers of all."""
    if before is None:
        return dict(found.fields)
    groups = dict(before.get("mobile") or {})
    for name, numbers in (("OK", found.ok), ("ER", found.error), ("NR", found.no_route)):
        groups[name] = [*groups.get(name, ()), *numbers]
    return {**before, "mobile": groups}
