"""P15: counting the rows of a log for `notifykit log stats` and `log report`, in constant memory.

The floor is `json.loads` of each line and nothing else: no reader of JSON lines in the standard library is faster. The
peer is what people write by hand: `json.loads`, and one `Counter` by day and outcome.
"""

from __future__ import annotations

import collections
import json
import pathlib
import random
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any, Final

from benchmarks.bench import Bench, Side
from benchmarks.model import Goal, Row, Value, same, seconds

#: At most three times as long as reading the JSON, with the extra ``fast``.
TOTALS: Final = Goal("<=", 3)
#: As many as are counted together: a month of a small shop.
_ROWS: Final = 20_000


def _log(context: dict[str, Any]) -> pathlib.Path:
    file = pathlib.Path(context["scratch"], "p15.jsonl")
    if file.exists():
        return file
    chance = random.Random(14)
    with file.open("w", encoding="utf-8") as written:
        for number in range(_ROWS):
            row = {
                "v": 1,
                "ts": f"2026-06-{1 + number * 30 // _ROWS:02}T{number % 24:02}:{number % 60:02}:07.123Z",
                "event": "attempt_finished",
                "id": f"{number:032x}",
                "batch": f"{number:032x}-1",
                "attempt": 1,
                "transport": "kwtsms://default?sender=BENCH",
                "inside": None,
                "outcome": "accepted" if number % 50 else "rejected",
                "code": None if number % 50 else "ERR025",
                "scope": None if number % 50 else "recipient",
                "error_type": None if number % 50 else "InvalidRecipientError",
                "error": None if number % 50 else "The phone number is not valid.",
                "sender": "BENCH",
                "encoding": "gsm7",
                "segments": 1,
                "units": 34,
                "forced": [],
                "cost": 1,
                "balance": 100_000 - number,
                "elapsed_ms": round(chance.lognormvariate(5, 0.5), 1),
                "test": False,
                "warnings": [],
                "tags": ["otp"],
                "waited": 0,
                "msg_id": f"{number:032x}",
                "to": f"965****{chance.randrange(10_000):04}",
                "to_hash": f"{chance.randrange(20_000):024x}",
                "country": "KW",
            }
            written.write(json.dumps(row, separators=(",", ":")) + "\n")
    return file


def ours(case: str, context: dict[str, Any]) -> tuple[Callable[[int], None], Callable[[], Any]]:
    from notifykit.analytics import LogFiles, read_totals

    file = _log(context)

    def accepted() -> int:
        return read_totals(LogFiles([file])).tables["code"].rows["accepted"].messages

    return (lambda times: [accepted() for _ in repeat(None, times)] and None), accepted


def peer(case: str, context: dict[str, Any]) -> tuple[Callable[[int], None], Callable[[], Any]]:
    file = _log(context)

    def accepted() -> int:
        found: collections.Counter[tuple[str, str]] = collections.Counter()
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                found[row["ts"][:10], row["outcome"]] += 1
        return sum(count for (_, outcome), count in found.items() if outcome == "accepted")

    return (lambda times: [accepted() for _ in repeat(None, times)] and None), accepted


def measure(bench: Bench) -> Iterator[Row]:
    sides = [Side("ours", "p15_log_totals", name) for name in ("ours", "peer")]
    with bench.workers(*sides) as workers:
        same("P15", *(worker.evidence for worker in workers))
        we, they = bench.compare(workers, seconds=0.2)
    yield Row(
        "P15",
        f"everything that a report counts, {_ROWS:,} rows, against json.loads and one Counter",
        seconds(Value.of(we).median),
        seconds(Value.of(they).median),
        "1 ×",
        Value.ratio(we, they),
        TOTALS,
        "CPU",
    )
