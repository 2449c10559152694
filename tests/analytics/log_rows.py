"""Rows of a log, as the sink and the documented client write them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

HOSTILE = "<script>alert(1)</script>\"'&\u202e"
_TIMES = st.builds(
    lambda day, hour, minute, zone: f"2026-06-{day:02}T{hour:02}:{minute:02}:07{zone}",
    st.integers(1, 28),
    st.integers(0, 23),
    st.integers(0, 59),
    st.sampled_from([".000Z", "Z", "+00:00", "+03:00", ".250+05:45"]),
)
ATTEMPTS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "v": st.just(1),
        "ts": _TIMES,
        "event": st.sampled_from(["attempt_finished", "batch_finished", "recipient_excluded", "retry_scheduled"]),
        "inside": st.sampled_from([None, None, "failover"]),
        "transport": st.sampled_from(["kwtsms://a?sender=X", "smtp"]),
        "outcome": st.sampled_from(["accepted", "rejected", "unknown", "skipped"]),
        "code": st.sampled_from([None, "ERR013", HOSTILE]),
        "error": st.sampled_from([None, "Full.", HOSTILE]),
        "sender": st.sampled_from([None, "MYAPP", HOSTILE]),
        "encoding": st.sampled_from([None, "gsm7", "ucs2"]),
        "segments": st.sampled_from([None, 1, 3]),
        "units": st.sampled_from([None, 40, 150]),
        "forced": st.sampled_from([[], ["’ right single quotation mark"]]),
        "cost": st.sampled_from([None, 1, 2, 0.5]),
        "balance": st.sampled_from([None, 100, 50, 0]),
        "elapsed_ms": st.sampled_from([None, 0, 12.5, 4000]),
        "test": st.booleans(),
        "tags": st.lists(st.sampled_from(["otp", "order", HOSTILE]), max_size=2, unique=True),
        "to": st.sampled_from(["96598765432", "96598765433", "96512345432"]),
        "country": st.sampled_from([None, "KW", "SA"]),
    }
)
DOCUMENTED: st.SearchStrategy[dict[str, Any]] = st.builds(
    lambda ts, ok, numbers, text: {
        "ts": ts,
        "endpoint": "send",
        "request": {"sender": "MYAPP", "mobile": ",".join(numbers), "message": text, "test": "0"},
        "response": {"points-charged": len(numbers), "balance-after": 70} if ok else None,
        "ok": ok,
        "error": None if ok else "timed out",
    },
    _TIMES,
    st.booleans(),
    st.lists(st.sampled_from(["96598765432", "96598765433"]), max_size=3),
    st.text(max_size=200),
)
OTHERS: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.fixed_dictionaries(
        {
            "ts": _TIMES,
            "event": st.just("delivery_changed"),
            "before": st.sampled_from([None, "sent"]),
            "state": st.just("delivered"),
        }
    ),
    st.fixed_dictionaries({"ts": _TIMES, "event": st.just("verification_started"), "status": st.just("sent")}),
    st.fixed_dictionaries({"ts": _TIMES, "event": st.just("verification_checked"), "verified": st.booleans()}),
    st.dictionaries(
        st.sampled_from(["event", "endpoint", "ts", "a"]), st.none() | st.integers() | st.text(max_size=5), max_size=3
    ),
)
#: Requests that were accepted, and reports about them; each has one time.
REPORTED: st.SearchStrategy[dict[str, Any]] = st.builds(
    lambda number, row: {**row, "ts": f"2026-06-01T10:00:0{number}.000Z", "id": f"m{number}", "msg_id": f"m{number}"},
    st.integers(0, 2),
    st.sampled_from(
        [
            {"event": "attempt_finished", "outcome": "accepted", "to": "96598765432"},
            {"event": "delivery_changed", "before": None, "state": "sent"},
            {"event": "delivery_changed", "before": "sent", "state": "delivered", "happened": "2026-06-01T10:05:00Z"},
            {"event": "delivery_changed", "before": "sent", "state": "undelivered"},
        ]
    ),
)
ROWS = st.lists(st.one_of(ATTEMPTS, DOCUMENTED, OTHERS, REPORTED), max_size=40)
