"""One row of a log as one fact: what is counted, and by what.

Two shapes are read: the rows of the ``jsonl`` sink, and those of the documented kwtSMS client, where a row is a request
and one field holds all its numbers.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from notifykit.analytics.texts import forced_names, measure

#: Events whose rows say how a message to one recipient ended.
_ENDS: Final = frozenset({"attempt_finished", "batch_finished", "batch_excluded", "recipient_excluded"})
#: Events that say nothing that is counted.
_OTHERS: Final = frozenset(
    {
        *("message_planned", "request_started", "failed_over", "circuit_opened", "plugin_failed"),
        *("recipients_finished", "send_finished", "send_stopped"),
    }
)
_OUTCOMES: Final = frozenset({"accepted", "rejected", "unknown", "skipped"})
_FIELDS: Final = (
    *("ts", "code", "transport", "sender", "tags", "country", "encoding", "segments", "units", "to"),
    *("cost", "error", "balance", "elapsed_ms"),
)
#: All of them at once, which is quicker; rows of attempts have all.
_attempt: Final = operator.itemgetter(*_FIELDS)
#: A number above this is damage and no cost, balance or time.
_MOST: Final = 1e12


class Fact(NamedTuple):
    """How one message ended, or one request for several."""

    #: The time, as the row has it.
    ts: str
    #: 1; -1 takes back a message that is tried again.
    sign: int
    #: How many recipients.
    numbers: int
    #: ``accepted``, ``rejected``, ``unknown`` or ``skipped``.
    outcome: str
    #: What is counted by: code, transport, sender, tags, country, encoding, segments, forced characters, segments lost.
    by: tuple[Any, ...]
    #: Whether it was a test.
    test: bool
    #: What it cost, in the provider's unit.
    cost: float
    #: The balance afterwards.
    balance: float | None
    #: How long the request took, in milliseconds.
    elapsed_ms: float | None
    #: Who: the hash or the number, each with what may be shown.
    people: tuple[tuple[str, str], ...]
    #: What happened, in words, and what it was about.
    error: tuple[str, str] | None


class Other(NamedTuple):
    """A step of a delivery or of a one-time code, or a balance that was asked for."""

    #: The time, as the row has it.
    ts: str
    #: ``delivery``, ``code`` or ``balance``.
    kind: str
    #: What is counted up; a delivery's state, a step of a code.
    name: str
    #: What is counted down: the state before.
    before: str | None = None
    #: The balance.
    amount: float = 0.0


def read_fact(row: Mapping[str, Any]) -> Fact | Other | bool:
    """Return what a row says: a fact; True for a row of ours that is not counted, False for a foreign one."""
    event = row.get("event")
    if event in _ENDS or event == "retry_scheduled":
        return _sink_fact(event, row)
    if event in _OTHERS:
        return True
    if event == "delivery_changed":
        return Other(str(row["ts"]), "delivery", str(row["state"]), row.get("before"))
    if isinstance(event, str) and event.startswith("verification_"):
        step = _code_step(event, row)
        return Other(str(row["ts"]), "code", step) if step else True
    return _documented_fact(row) if "endpoint" in row else False


def _sink_fact(event: str, row: Mapping[str, Any]) -> Fact | bool:
    outcome = row.get("outcome")
    # Parts of a composite are not counted: the composite has a row with the final outcome.
    if row.get("inside") is not None or outcome not in _OUTCOMES:
        return outcome in _OUTCOMES or event == "retry_scheduled"
    again = event == "retry_scheduled"
    try:
        values = _attempt(row)
    except KeyError:
        values = tuple(map(row.get, _FIELDS))
    ts, code, transport, sender, tags, country, encoding, segments, units, to, cost, error, balance, elapsed = values
    forced = row.get("forced")
    lost = 0
    if forced and segments and units:
        lost = max(0, segments - (1 if units <= 160 else -(-units // 153)))
    return Fact(
        ts,
        -1 if again else 1,
        1,
        outcome,
        (
            code,
            transport,
            sender,
            tuple(tags) if tags else (),
            country,
            encoding,
            segments,
            tuple(forced) if forced else (),
            lost,
        ),
        row.get("test") is True,
        0.0 if again or cost is None else _amount(cost) or 0.0,
        None if balance is None else _amount(balance),
        None if again or elapsed is None else _amount(elapsed),
        ((str(row.get("to_hash") or to), to),) if isinstance(to, str) and outcome != "skipped" else (),
        (str(error), str(row.get("scope") or "")) if error and not again else None,
    )


def _code_step(event: str, row: Mapping[str, Any]) -> str | None:
    if event == "verification_checked":
        return "verified" if row.get("verified") is True else "wrong"
    if event == "verification_blocked":
        return "held" if row.get("held") else "blocked"
    status = row.get("status")
    if event != "verification_started" or status not in ("sent", "unknown"):
        return "failed" if status == "failed" else None
    return "resent" if row.get("resend") else "sent"


def _documented_fact(row: Mapping[str, Any]) -> Fact | Other | bool:
    request, response = row.get("request") or {}, row.get("response") or {}
    if row["endpoint"] != "send":
        available = _amount(response.get("available")) if row["endpoint"] == "balance" else None
        return True if available is None else Other(row["ts"], "balance", "kwtsms", None, available)
    numbers = [number.strip() for number in str(request.get("mobile") or "").split(",") if number.strip()]
    outcome = "accepted" if row.get("ok") else "rejected" if response else "unknown"
    text = str(request.get("message") or "")
    encoding, units, segments = measure(text) if text else (None, 0, None)
    forced = forced_names(text) if encoding == "ucs2" else ()
    lost = max(0, (segments or 0) - (1 if units <= 160 else -(-units // 153))) if forced else 0
    code, error = response.get("code"), response.get("description") or row.get("error")
    return Fact(
        row["ts"],
        1,
        len(numbers),
        outcome,
        (code, "kwtsms", request.get("sender"), (), None, encoding, segments, forced, lost),
        str(request.get("test")) == "1",
        _amount(response.get("points-charged")) or 0.0,
        _amount(response.get("balance-after")),
        None,
        tuple((number, number) for number in numbers),
        (str(error), "") if error else None,
    )


def _amount(value: Any) -> float | None:
    """Return a number that may be added up; None for everything else, infinity and NaN among it."""
    if value.__class__ is str:
        try:
            value = float(value)
        except ValueError:
            return None
    return value if value.__class__ in (int, float) and 0 <= value < _MOST else None
