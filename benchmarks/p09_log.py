"""P9: one line in the log for one request, and four processes that write to one file.

Ours is a redacted event from the dispatcher to the file: the number is redacted and hashed, which the peer's line,
with number and text in clear, is not. The peer opens, appends and closes for each line.
"""

from __future__ import annotations

import collections
import json
import os
import pathlib
import subprocess
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any, Final

from benchmarks import people
from benchmarks.bench import HERE, Bench, Side
from benchmarks.model import Goal, Row, Value, same, seconds

LINE: Final = Goal(">=", 1.5)
WRITES: Final = Goal("<=", 1, " writes")
TORN: Final = Goal("<=", 0, " torn")
_LINES: Final = 10_000
_PROCESSES: Final = 4


def ours(case: str, context: dict[str, Any]) -> tuple[Callable[[int], None], Callable[[], Any]]:
    import datetime

    from notifykit import Attempt, Batch, Channel, Measurement, Message, Outcome, Recipient, Submission, SystemClock
    from notifykit.pipeline.dispatcher import EventDispatcher
    from notifykit.pipeline.log_redaction import Redaction
    from notifykit.sinks.jsonl import JsonlSink

    file = pathlib.Path(context["scratch"], context.get("file", "p09-ours.jsonl"))
    dispatcher = EventDispatcher((JsonlSink(file),), Redaction(key=b"benchmark"), SystemClock())
    text = Measurement("gsm7", len(people.CODE), 1, 160)
    message = Message(people.CODE, sender=context.get("sender", "BENCH"), tags=("otp",))
    batch = Batch(message, (Recipient(people.CLEAN, Channel.SMS, "KW", raw=people.CLEAN),), (0,), 1, text)
    taken = Submission("f4c841adee210f31307633ceaebff2ec", cost=1.0, balance=180.0, test=True)
    at = datetime.datetime.now(datetime.UTC)
    attempt = Attempt(1, "kwtsms://default?sender=BENCH&test=1", at, 0.0412, submission=taken)

    def work(times: int) -> None:
        for _ in repeat(None, times):
            dispatcher.attempt(batch, attempt, Outcome.ACCEPTED, taken)

    return work, lambda: _last(file)


def writes(case: str, context: dict[str, Any]) -> tuple[Callable[[int], None], Callable[[], Any]]:
    """Return how many times one line is written."""
    work, _ = ours(case, {**context, "file": "p09-writes.jsonl"})
    calls = 0
    write = os.write

    def counted(descriptor: int, data: Any) -> int:
        nonlocal calls
        calls += 1
        return write(descriptor, data)

    os.write = counted
    work(100)
    os.write = write
    lines = pathlib.Path(context["scratch"], "p09-writes.jsonl").read_bytes().count(b"\n")
    return (lambda times: None), lambda: [calls, lines]


def peer(case: str, context: dict[str, Any]) -> tuple[Callable[[int], None], Callable[[], Any]]:
    from datetime import datetime, timezone

    from kwtsms._core import _write_log

    file = pathlib.Path(context["scratch"], "p09-peer.jsonl")
    payload = {
        "username": "benchmark",
        "password": "secret",
        "sender": "BENCH",
        "mobile": people.CLEAN,
        "message": people.CODE,
        "test": "1",
    }
    answer = {
        "result": "OK",
        "msg-id": "f4c841adee210f31307633ceaebff2ec",
        "numbers": 1,
        "points-charged": 1,
        "balance-after": 180,
    }

    def work(times: int) -> None:
        for _ in repeat(None, times):
            # What it does for each request, beside the request.
            safe = {name: ("***" if name == "password" else value) for name, value in payload.items()}
            entry = {
                "ts": datetime.now(timezone.utc).isoformat(),  # noqa: UP017 - as it does
                "endpoint": "send",
                "request": safe,
                "response": answer,
                "ok": True,
                "error": None,
            }
            _write_log(str(file), entry)

    return work, lambda: _last(file)


def floor(case: str, context: dict[str, Any]) -> tuple[Callable[[int], None], Callable[[], Any]]:
    """Return the work with every shortcut: what does not change is encoded once, and the rest put between."""
    import hashlib
    from datetime import UTC, datetime

    file = pathlib.Path(context["scratch"], "p09-floor.jsonl")
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    keyed = hashlib.blake2b(key=b"benchmark", digest_size=12)
    quoted = json.JSONEncoder(ensure_ascii=False).encode
    same_for_all = quoted("kwtsms://default?sender=BENCH&test=1"), quoted("f4c841adee210f31307633ceaebff2ed")
    message_id, number = "f4c841adee210f31307633ceaebff2ec", people.CLEAN

    def work(times: int) -> None:
        transport, batch = same_for_all
        for _ in repeat(None, times):
            hashed = keyed.copy()
            hashed.update(number.encode())
            line = (
                f'{{"ts":"{datetime.now(UTC).isoformat(timespec="milliseconds")}","event":"attempt_finished",'
                f'"id":{batch},"attempt":1,"transport":{transport},"outcome":"accepted","code":null,'
                f'"to":"{number[:3]}****{number[-4:]}","to_hash":"{hashed.hexdigest()}","country":"KW","sender":"BENCH",'
                f'"encoding":"gsm7","segments":1,"units":28,"msg_id":{quoted(message_id)},"cost":1,"balance":180,'
                f'"elapsed_ms":41.2,"test":true,"tags":["otp"]}}\n'
            )
            os.write(descriptor, line.encode())

    return work, lambda: _last(file)


def _last(file: pathlib.Path) -> str:
    """Return the provider's message id in the last line: both sides report of the same request."""
    with file.open("rb") as lines:
        lines.seek(0, os.SEEK_END)
        lines.seek(-min(lines.tell(), 4000), os.SEEK_END)
        row = json.loads(lines.read().rstrip(b"\n").rsplit(b"\n", 1)[-1])
    return str(row.get("msg_id") or row["response"]["msg-id"])


def measure(bench: Bench) -> Iterator[Row]:
    sides = [
        Side(environment, "p09_log", name)
        for environment, name in (("ours", "ours"), ("peer", "peer"), ("ours", "floor"))
    ]
    with bench.workers(*sides) as workers:
        same("P9", *(worker.evidence for worker in workers))
        we, they, least = bench.compare(workers, seconds=0.05)
    yield Row(
        "P9",
        "one line, redaction included",
        seconds(Value.of(we).median),
        seconds(Value.of(they).median),
        f"{Value.ratio(they, least).median:.1f} ×",
        Value.ratio(they, we),
        LINE,
        "CPU",
    )
    with bench.workers(Side("ours", "p09_log", "writes", context={"warm": 0})) as workers:
        calls, lines = workers[0].evidence
    same("P9: a hundred lines", 100, lines)
    yield Row(
        "P9", "calls of write(2) for a line", f"{calls / 100:g}", "", "1", Value.exactly(calls / 100), WRITES, "count"
    )
    torn = _torn(bench)
    yield Row(
        "P9",
        f"{_PROCESSES} processes × {_LINES:,} lines in one file",
        f"{torn} torn",
        "",
        "0",
        Value.exactly(torn),
        TORN,
        "count",
    )


def _torn(bench: Bench) -> int:
    """Have four processes write at once, and return how many lines are missing or can't be read."""
    file = bench.scratch / "p09-together.jsonl"
    processes = []
    for number in range(_PROCESSES):
        request = {
            "module": "p09_log",
            "function": "ours",
            "case": "",
            "context": {"scratch": str(bench.scratch), "file": file.name, "sender": f"P{number}"},
            "warm": 0,
            "times": _LINES,
        }
        command = [str(bench.environments.python("ours")), str(HERE / "worker.py"), json.dumps(request)]
        processes.append(subprocess.Popen(command, cwd=bench.scratch))
    same("P9: how the processes ended", *[process.wait() for process in processes], 0)
    whole: collections.Counter[str] = collections.Counter()
    torn = 0
    for line in file.read_bytes().splitlines():
        try:
            whole[json.loads(line)["sender"]] += 1
        except (ValueError, KeyError, TypeError):
            torn += 1
    return torn + sum(_LINES - whole[f"P{number}"] for number in range(_PROCESSES))
