"""The questions that cost nothing, and their documented answers."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from notifykit.errors import NotifyError, TransportError
from notifykit_kwtsms.api.gateway import Gateway, Validation
from notifykit_kwtsms.api.limits import NUMBERS_PER_REQUEST
from notifykit_kwtsms.client.shapes import Shape, refusal, with_action

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

    def __init__(self, gateway: Gateway, timeout: float) -> None:
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
