"""P17: how long `AsyncNotifier.send` to 300,000 recipients keeps the event loop from other tasks, at most.

A task beside it asks for a turn again and again; the longest wait for one counts. Full passes of the garbage collector stop
the whole process for as long as there are objects, so there is a row without them: what this project's own code takes.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any, Final

from benchmarks.bench import Bench
from benchmarks.model import Goal, Row, Value, same, seconds

_RECIPIENTS: Final = 300_000
_LIMIT: Final = 0.05
BLOCK: Final = Goal("<=", 1.0)
_SCRIPT: Final = """
import asyncio, gc, json, sys, time
from notifykit import AsyncNotifier, PluginHost

count, collector = int(sys.argv[1]), sys.argv[2] == "collector"
if not collector:
    gc.disable()
longest = 0.0

async def watch():
    global longest
    while True:
        began = time.perf_counter()
        await asyncio.sleep(0)
        longest = max(longest, time.perf_counter() - began)

async def main():
    async with AsyncNotifier("null", host=PluginHost(entry_points=False)) as notifier:
        watching = asyncio.create_task(watch())
        report = await notifier.send([str(96550000000 + n) for n in range(count)], "Hello")
        watching.cancel()
    print(json.dumps([longest, len(report.accepted)]))

asyncio.run(main())
"""


def measure(bench: Bench) -> Iterator[Row]:
    for what, word, goal in (("own code", "none", BLOCK), ("garbage collector included", "collector", None)):
        blocks = []
        for _ in range(bench.rounds):
            longest, accepted = _longest(bench, word)
            same("P17: recipients", _RECIPIENTS, accepted)
            blocks.append(longest)
        yield Row(
            "P17",
            f"the longest block of the event loop, {_RECIPIENTS:,} recipients, {what}",
            seconds(Value.of(blocks).median),
            seconds(_LIMIT),
            "",
            Value.ratio(blocks, [_LIMIT] * len(blocks)),
            goal,
            "time",
        )


def _longest(bench: Bench, collector: str) -> tuple[float, Any]:
    command = [str(bench.environments.python("ours")), "-c", _SCRIPT, str(_RECIPIENTS), collector]
    done = subprocess.run(command, check=True, capture_output=True)
    longest, accepted = json.loads(done.stdout)
    return float(longest), accepted
