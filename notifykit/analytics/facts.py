"""One row of a log as one fact: what is counted, and by what.

Two shapes are read: the rows of the ``jsonl`` sink, and those of the documented kwtSMS client.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any, Final

import attrs

from notifykit.analytics.documented import documented_fact
from notifykit.analytics.records import MOST, NUMBERS, Fact, Kind, Other, amount, segments_lost

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
#: What many rows have in common, and what each has of its own.
_ALIKE: Final = (
    *("event", "inside", "outcome", "code", "scope", "error", "transport", "sender", "country"),
    *("encoding", "segments", "units"),
)
_OWN: Final = ("tags", "forced", "test", "ts", "to", "to_hash", "cost", "balance", "elapsed_ms", "msg_id")
#: All of them at once, which is quicker; rows of attempts have all.
_attempt: Final = operator.itemgetter(*_ALIKE, *_OWN)
#: So many kinds of facts are known at a time.
_MOST_KINDS: Final = 4000


class FactReader:
    """Reads rows as facts, and remembers what many of them have in common."""

    def __init__(self) -> None:
        self._kinds: dict[tuple[Any, ...], Kind] = {}

    def read(self, row: Mapping[str, Any]) -> Fact | Other | bool:
        """Return what a row says: a fact; True for a row of ours that is not counted, False for a foreign one."""
        event = row.get("event")
        if event in _ENDS or event == "retry_scheduled":
            return self._sink_fact(row)
        if event in _OTHERS:
            return True
        if event == "delivery_changed":
            return _delivery(row)
        if isinstance(event, str) and event.startswith("verification_"):
            step = _code_step(event, row)
            return Other(str(row["ts"]), "code", step, about=str(row.get("country") or "unknown")) if step else True
        return self._documented(row) if "endpoint" in row else False

    def _documented(self, row: Mapping[str, Any]) -> Fact | Other | bool:
        fact = documented_fact(row)
        if not isinstance(fact, Fact):
            return fact
        return fact._replace(kind=self._known(attrs.astuple(fact.kind), fact.kind))

    def _known(self, key: tuple[Any, ...], kind: Kind) -> Kind:
        """Return what is known by a key, which is new otherwise."""
        if len(self._kinds) >= _MOST_KINDS:
            self._kinds.clear()
        return self._kinds.setdefault(key, kind)

    def _sink_fact(self, row: Mapping[str, Any]) -> Fact | bool:
        try:
            values = _attempt(row)
        except KeyError:
            values = tuple(map(row.get, (*_ALIKE, *_OWN)))
        alike = values[:12]
        tags, forced, test, ts, to, hidden, cost, balance, elapsed, request = values[12:]
        key = (alike, tuple(tags) if tags else (), tuple(forced) if forced else (), test is True)
        kind = self._kinds.get(key)
        if kind is None:
            # Parts of a composite are not counted: the composite has a row with the final outcome.
            event, inside, outcome = alike[:3]
            if inside is not None or outcome not in _OUTCOMES:
                return outcome in _OUTCOMES or event == "retry_scheduled"
            kind = self._known(key, _kind(*key))
        if kind.sign < 0:
            cost = elapsed = None
        return Fact(
            kind,
            ts,
            1,
            cost if cost.__class__ in NUMBERS and 0 <= cost < MOST else amount(cost) or 0.0,
            balance if balance.__class__ in NUMBERS and 0 <= balance < MOST else amount(balance),
            elapsed if elapsed.__class__ in NUMBERS and 0 <= elapsed < MOST else amount(elapsed),
            ((hidden if hidden and hidden.__class__ is str else to, to),)
            if to.__class__ is str and kind.outcome != "skipped"
            else (),
            request if request.__class__ is str else None,
        )


def _kind(alike: tuple[Any, ...], tags: tuple[Any, ...], forced: tuple[Any, ...], test: bool) -> Kind:
    """Return what rows of the sink have in common."""
    event, _, outcome, code, scope, error, transport, sender, country, encoding, segments, units = alike
    again = event == "retry_scheduled"
    return Kind(
        -1 if again else 1,
        outcome,
        test,
        code,
        scope,
        None if again or not error else str(error),
        transport,
        sender,
        tags,
        country,
        encoding,
        segments,
        forced,
        segments_lost(segments, units) if forced else 0,
    )


def _delivery(row: Mapping[str, Any]) -> Other:
    happened = row.get("happened")
    return Other(
        str(row["ts"]),
        "delivery",
        str(row["state"]),
        row.get("before"),
        about=str(row.get("id") or ""),
        happened=happened if isinstance(happened, str) else None,
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
