"""P8: hooks contribute objects while a notifier is put together; a send calls none.

The second row sends one batch of 200 with five more plugins, each with a log sink that does nothing, and without.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from itertools import repeat
from typing import Any, Final

from benchmarks import people
from benchmarks.bench import Bench, Side
from benchmarks.model import Goal, Row, Value, count, same, seconds
from benchmarks.p07_million import stub

CALLS: Final = Goal("<=", 0, " calls")
PLUGINS: Final = Goal("<=", 1.05)
_BATCH: Final = 200


def ours(case: str, context: dict[str, Any]) -> tuple[Callable[[int], None], Callable[[], Any]]:
    from notifykit import Notifier, PluginHost

    host = PluginHost()
    received = [0] * int(case)
    for number in range(int(case)):
        host.register(_plugin(number, received), f"plugin-{number}")
    notifier = Notifier(stub(), host=host)
    crowd = [people.number(index) for index in range(_BATCH)]
    accepted = 0

    def work(times: int) -> None:
        nonlocal accepted
        for _ in repeat(None, times):
            accepted += sum(1 for receipt in notifier.stream(crowd, people.CODE) if receipt.outcome == "accepted")

    return work, lambda: [accepted, [each > 0 for each in received]]


def _plugin(number: int, received: list[int]) -> object:
    from notifykit import hookimpl

    class Nothing:
        name = f"nothing-{number}"

        def handle(self, event: object) -> None:
            received[number] += 1

    class Plugin:
        @hookimpl
        def notifykit_sinks(self, settings: object) -> list[Nothing]:
            return [Nothing()]

    return Plugin()


def calls(case: str, context: dict[str, Any]) -> tuple[Callable[[int], None], Callable[[], Any]]:
    """Return how many hook calls a send of a thousand makes, and how many putting the notifier together made."""
    import pluggy

    made = 0
    original = pluggy.HookCaller.__call__

    def counted(self: Any, **arguments: Any) -> Any:
        nonlocal made
        made += 1
        return original(self, **arguments)

    pluggy.HookCaller.__call__ = counted  # type: ignore[method-assign]
    from notifykit import Notifier

    notifier = Notifier(stub())
    before = made
    accepted = len(notifier.send([people.number(index) for index in range(1000)], people.CODE).accepted)
    return (lambda times: None), lambda: [made - before, before > 0, accepted]


def measure(bench: Bench) -> Iterator[Row]:
    with bench.workers(Side("ours", "p08_hooks", "calls", context={"warm": 0})) as (worker,):
        made, received, accepted = worker.evidence
    same("P8: a thousand recipients", [True, 1000], [received, accepted])
    yield Row("P8", "hook calls while a thousand are sent to", str(made), "", "0", Value.exactly(made), CALLS, "count")
    sides = [Side("ours", "p08_hooks", "ours", case, {"warm": 3}) for case in ("5", "0")]
    with bench.workers(*sides) as workers:
        for worker in workers:
            worker.work(1)
        same("P8", *(worker.evidence[0] for worker in workers))
        same("P8: every plugin gets the events", [True] * 5, workers[0].evidence[1])
    counted = bench.instructions(*sides, times=10)
    taken: Sequence[Sequence[float]]
    if counted is None:
        with contextlib.ExitStack() as stack:
            taken, how, show = bench.compare(stack.enter_context(bench.workers(*sides))), "CPU", seconds
    else:
        taken, how, show = [[each] for each in counted], "instructions", count
    yield Row(
        "P8",
        f"five plugins, a batch of {_BATCH}, against none",
        show(Value.of(taken[0]).median),
        show(Value.of(taken[1]).median),
        "1.02 ×",
        Value.ratio(taken[0], taken[1]),
        PLUGINS,
        how,
    )
