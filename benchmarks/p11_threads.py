"""P11: eight threads that share one notifier, against eight threads that share one `urllib3.PoolManager`.

Requests a second over warm connections. The transport has no rate limit here: with one, the gateway's two requests a second
are the limit, however many threads there are. The notifier writes the JSONL log: its three writes for a send are three
more times at which a thread releases the interpreter. A second row has no log.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any, Final

from benchmarks import sides
from benchmarks.bench import Bench, Side
from benchmarks.gateway import running
from benchmarks.model import Goal, Row, Value, same

THREADS: Final = Goal(">=", 0.8)
_THREADS: Final = 8


def ours(case: str, context: dict[str, Any]) -> tuple[Callable[[int], None], Callable[[], Any]]:
    return _together(*sides.ours("no rate limit", context))


def urllib3(case: str, context: dict[str, Any]) -> tuple[Callable[[int], None], Callable[[], Any]]:
    return _together(*sides.urllib3(case, {**context, "connections": _THREADS}))


def floor(case: str, context: dict[str, Any]) -> tuple[Callable[[int], None], Callable[[], Any]]:
    return _together(*sides.floor(case, context))


def _together(
    work: Callable[[int], None], evidence: Callable[[], Any]
) -> tuple[Callable[[int], None], Callable[[], Any]]:
    def all_of_them(times: int) -> None:
        threads = [threading.Thread(target=work, args=(times,)) for _ in range(_THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return all_of_them, lambda: None


def measure(bench: Bench) -> Iterator[Row]:
    with running() as gateway:
        context = {"url": gateway.url}
        names = (("ours", "ours"), ("urllib3", "urllib3"), ("ours", "floor"))
        both = [Side(environment, "p11_threads", name, "", context) for environment, name in names]
        both.append(Side("ours", "p11_threads", "ours", "", {**context, "log": False}))
        for side in both:
            with bench.workers(side) as (worker,):
                gateway.statistics()
                worker.work(3)
                same(f"P11, {side.function}: requests", 3 * _THREADS, gateway.statistics()["requests"])
        with bench.workers(*both) as workers:
            logged, they, least, without = bench.compare(workers, clock="wall", seconds=0.4)
    for what, we, goal in ((", with the JSONL log", logged, THREADS), (", without a log", without, None)):
        yield Row(
            "P11",
            f"{_THREADS} threads, one notifier, against urllib3{what}",
            f"{_THREADS / Value.of(we).median:,.0f} a second",
            f"{_THREADS / Value.of(they).median:,.0f} a second",
            f"{Value.ratio(they, least).median:.2f} ×",
            Value.ratio(they, we),
            goal,
            "time",
        )
