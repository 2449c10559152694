"""P1: one send through the whole pipeline, with the JSONL log on, over a warm connection.

Against it stands the bare request: `urllib3.PoolManager.request` with a body that is encoded already and an answer that
no program reads. The client's instructions are counted; the gateway is another process.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Final

from benchmarks.bench import Bench, Side
from benchmarks.gateway import Gateway, running
from benchmarks.model import Goal, Row, Value, count, same, seconds
from benchmarks.sides import asked

SEND: Final = Goal("<=", 1.25)
AGAINST_KWTSMS: Final = Goal("<", 1.0)
_TIMES: Final = 100


def measure(bench: Bench) -> Iterator[Row]:
    with running() as gateway:
        context = {"url": gateway.url}
        sides = {
            name: Side(environment, "sides", function, case, context)
            for name, environment, function, case in (
                ("the whole pipeline", "ours", "ours", ""),
                ("without the rate limit", "ours", "ours", "no rate limit"),
                ("urllib3", "urllib3", "urllib3", ""),
                ("floor", "ours", "floor", ""),
                ("kwtsms", "peer", "peer", ""),
            )
        }
        same("P1", *(_request(bench, gateway, side) for side in sides.values()))
        counted = bench.instructions(*sides.values(), times=_TIMES)
        taken: Sequence[Sequence[float]]
        if counted is None:
            how, show = "CPU", seconds
            with contextlib.ExitStack() as stack:
                taken = bench.compare(stack.enter_context(bench.workers(*sides.values())))
        else:
            how, show = "instructions", count
            taken = [[each] for each in counted]
    found = dict(zip(sides, taken, strict=True))
    bare = found["urllib3"]
    limit = f"{Value.ratio(found['floor'], bare).median:.2f} ×"
    for name, goal in (("the whole pipeline", SEND), ("without the rate limit", None)):
        yield Row(
            "P1",
            f"one send, {name}, against urllib3",
            show(Value.of(found[name]).median),
            show(Value.of(bare).median),
            limit,
            Value.ratio(found[name], bare),
            goal,
            how,
        )
    yield Row(
        "P1",
        "one send, the whole pipeline, against kwtsms",
        show(Value.of(found["the whole pipeline"]).median),
        show(Value.of(found["kwtsms"]).median),
        "",
        Value.ratio(found["the whole pipeline"], found["kwtsms"]),
        AGAINST_KWTSMS,
        how,
    )


def _request(bench: Bench, gateway: Gateway, side: Side) -> object:
    """Return what the gateway is asked by a side, and how often for one send."""
    with bench.workers(side) as (worker,):
        before = worker.evidence
        gateway.statistics()
        worker.work(5)
        stats = gateway.statistics()
        return asked(stats["body"]), stats["requests"], worker.evidence - before
