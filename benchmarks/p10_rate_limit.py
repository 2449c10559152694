"""P10: a bulk send of 24 requests at the default rate limit, one every half second, against what that has to take at least.

The clock is the real one, and the gateway answers after 0 to 800 ms. The least is 23 half seconds and one answer. All
of them run at once, each against a gateway of its own: they hardly do anything but wait.
"""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from benchmarks import people, sides
from benchmarks.bench import Bench, Side
from benchmarks.gateway import running
from benchmarks.model import Goal, Row, Value, same

WHOLE: Final = Goal("<=", 1.005)
BURST: Final = Goal("<=", 2, " requests")
LATENCIES: Final = (0.0, 0.2, 0.48, 0.8)
_BATCHES: Final = 24
_SLOT: Final = 0.5


def ours(case: str, context: dict[str, Any]) -> tuple[Callable[[int], None], Callable[[], Any]]:
    from notifykit import SystemClock

    notifier = sides.notifier(context, SystemClock())
    accepted = 0

    def work(times: int) -> None:
        nonlocal accepted
        for _ in range(times):
            crowd = [people.number(index) for index in range(200 * _BATCHES)]
            accepted = sum(1 for receipt in notifier.stream(crowd, people.CODE) if receipt.outcome == "accepted")

    return work, lambda: accepted


def peer(case: str, context: dict[str, Any]) -> tuple[Callable[[int], None], Callable[[], Any]]:
    from kwtsms import KwtSMS, _core

    _core.BASE_URL = context["url"]
    client = KwtSMS("benchmark", "secret", "BENCH", True, log_file="")
    accepted = 0

    def work(times: int) -> None:
        nonlocal accepted
        for _ in range(times):
            crowd = [people.number(index) for index in range(200 * _BATCHES)]
            accepted = client.send(crowd, people.CODE)["numbers"]

    return work, lambda: accepted


def measure(bench: Bench) -> Iterator[Row]:
    # Environments are made one by one, before the clock runs.
    for environment in ("ours", "peer"):
        bench.environments.python(environment)
    runs = [(name, latency) for latency in LATENCIES for name in ("ours", "peer")]
    with concurrent.futures.ThreadPoolExecutor(len(runs)) as pool:
        stats = dict(zip(runs, pool.map(lambda run: _sent(bench, *run), runs), strict=True))
    for latency in LATENCIES:
        least = (_BATCHES - 1) * _SLOT + latency
        we, they = stats["ours", latency][0], stats["peer", latency][0]
        yield Row(
            "P10",
            f"{_BATCHES} requests, answers after {latency * 1000:.0f} ms",
            f"{we:.2f} s",
            f"{they / least:.2f} ×",
            "1.002 ×",
            Value.exactly(we / least),
            WHOLE,
            "time",
        )
    most = [_most_in_a_second(stats["ours", latency][1]) for latency in LATENCIES]
    yield Row(
        "P10",
        "most requests in any one second",
        str(max(most)),
        str(max(_most_in_a_second(stats["peer", latency][1]) for latency in LATENCIES)),
        "2",
        Value.exactly(max(most)),
        BURST,
        "count",
        "as they arrive at the gateway",
    )


def _sent(bench: Bench, name: str, latency: float) -> tuple[float, Sequence[float]]:
    with running(latency=latency) as gateway:
        context = {"url": gateway.url, "warm": 0}
        with bench.workers(Side(name, "p10_rate_limit", name, "", context)) as (worker,):
            time.sleep(1.0)
            wall = worker.work(1)["wall"]
            same(f"P10, {name}: accepted", 200 * _BATCHES, worker.evidence)
        stats = gateway.statistics()
        same(f"P10, {name}: requests", _BATCHES, stats["requests"])
        return wall, stats["arrivals"]


def _most_in_a_second(arrivals: Sequence[float]) -> int:
    arrivals = sorted(arrivals)
    return max(sum(1 for other in arrivals if 0 <= other - first < 1.0) for first in arrivals)
