"""P18: counting the rows of a log for `notifykit log stats` and `log report`, in constant memory.

The floor is `json.loads` of each line and nothing else: no reader of JSON lines in the standard library is faster. The
peer is what people write by hand: `json.loads`, and one `Counter` by day and outcome. A large log is counted by as many
processes as there are cores; it is held against the floor itself, on the wall clock.
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
#: At least 100,000 rows a second on a machine whose `json.loads` reads 125,000.
LARGE: Final = Goal("<=", 1.25)
#: As many as are counted together: a month of a small shop.
_ROWS: Final = 20_000
#: A log that is worth several processes.
_MANY_ROWS: Final = 200_000


def _log(context: dict[str, Any]) -> pathlib.Path:
    rows = context["rows"]
    file = pathlib.Path(context["scratch"], f"p18-{rows}.jsonl")
    if file.exists():
        return file
    chance = random.Random(14)
    with file.open("w", encoding="utf-8") as written:
        for number in range(rows):
            row = {
                "v": 1,
                "ts": f"2026-06-{1 + number * 30 // rows:02}T{number % 24:02}:{number % 60:02}:07.123Z",
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
                "balance": 1_000_000 - number,
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


def large(case: str, context: dict[str, Any]) -> tuple[Callable[[int], None], Callable[[], Any]]:
    from notifykit.analytics import LogFiles
    from notifykit.analytics.parallel import count_files

    file = _log(context)

    def rows() -> int:
        return count_files(LogFiles([file])).rows

    return (lambda times: [rows() for _ in repeat(None, times)] and None), rows


def floor(case: str, context: dict[str, Any]) -> tuple[Callable[[int], None], Callable[[], Any]]:
    file = _log(context)

    def rows() -> int:
        with file.open("rb") as lines:
            return sum(1 for line in lines if json.loads(line))

    return (lambda times: [rows() for _ in repeat(None, times)] and None), rows


def measure(bench: Bench) -> Iterator[Row]:
    yield _small(bench)
    yield _large(bench)


def _small(bench: Bench) -> Row:
    context = {"rows": _ROWS, "warm": 3}
    sides = [Side("ours", "p18_log_totals", name, context=context) for name in ("ours", "peer")]
    with bench.workers(*sides) as workers:
        same("P18", *(worker.evidence for worker in workers))
        we, they = bench.compare(workers, seconds=0.2)
    return Row(
        "P18",
        f"everything that a report counts, {_ROWS:,} rows, against json.loads and one Counter",
        seconds(Value.of(we).median),
        seconds(Value.of(they).median),
        "1 ×",
        Value.ratio(we, they),
        TOTALS,
        "CPU",
    )


def _large(bench: Bench) -> Row:
    context = {"rows": _MANY_ROWS, "warm": 1}
    sides = [Side("ours", "p18_log_totals", name, context=context) for name in ("large", "floor")]
    with bench.workers(*sides) as workers:
        same("P18", *(worker.evidence for worker in workers))
        we, they = bench.compare(workers, clock="wall", rounds=5, times=1)
    return Row(
        "P18",
        f"the same, {_MANY_ROWS:,} rows, a process for each core, against json.loads alone",
        seconds(Value.of(we).median),
        seconds(Value.of(they).median),
        "",
        Value.ratio(we, they),
        LARGE,
        "time",
    )
