"""P6: texts that an enemy wrote, through every cleaner that a send goes through.

The cost of such a text may be no more than proportional to its length: the last column is what twice the length costs.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any, Final

from benchmarks.bench import Bench, Side
from benchmarks.model import Goal, Row, Value, same, seconds

TIME: Final = Goal("<=", 5, " ms")
DOUBLED: Final = Goal("<=", 2.2)
#: Characters of a text.
_LENGTH: Final = 20_000
TEXTS: Final[dict[str, Callable[[int], str]]] = {
    "'<' only": lambda length: "<" * length,
    "'<a' only": lambda length: "<a" * (length // 2),
    "tags inside tags": lambda length: "<b" * (length // 3) + ">" * (length // 3),
    "'</' and one '>'": lambda length: "</" * (length // 2) + "a>",
    "combining marks": lambda length: "a" + "\u0301" * (length - 1),
    "letters with marks": lambda length: "e\u0301\u0302" * (length // 3),
    "joined emoji": lambda length: "\U0001f468\u200d" * (length // 2),
    "flags": lambda length: "\U0001f1f0" * length,
    "Arabic digits": lambda length: "٣" * length,
    "half characters": lambda length: "\ud83d" * length,
}
#: What the peer takes longest for; the limit is known for this text.
_PEERS: Final = "'<' only"


def ours(case: str, context: dict[str, Any]) -> tuple[Callable[[int], None], Callable[[], Any]]:
    """Fold the cleaners over the text as the pipeline does."""
    from notifykit import Channel, PluginHost, Settings

    cleaners, sms = PluginHost().registry(Settings()).cleaners, Channel.SMS
    text = TEXTS[case](context["length"])

    def clean() -> str:
        cleaned = text
        for cleaner in cleaners:
            cleaned = cleaner.clean(cleaned, sms).text
        return cleaned

    def work(times: int) -> None:
        for _ in repeat(None, times):
            clean()

    return work, lambda: len(clean())


def peer(case: str, context: dict[str, Any]) -> tuple[Callable[[int], None], Callable[[], Any]]:
    from kwtsms import clean_message

    text = TEXTS[case](context["length"])

    def work(times: int) -> None:
        for _ in repeat(None, times):
            clean_message(text)

    return work, lambda: len(clean_message(text))


def measure(bench: Bench) -> Iterator[Row]:
    for case in TEXTS:
        sides = [
            Side("ours", "p06_hostile", "ours", case, {"length": length, "warm": 1})
            for length in (_LENGTH, 2 * _LENGTH)
        ]
        theirs = [Side("peer", "p06_hostile", "peer", case, {"length": _LENGTH, "warm": 0})] if case == _PEERS else []
        with bench.workers(*sides, *theirs) as workers:
            once, twice, *others = bench.compare(workers, seconds=0.02, rounds=min(bench.rounds, 9))
            if theirs:
                same(f"P6, {case}", workers[0].evidence, workers[2].evidence)
        # What disturbs a round can only make it longer.
        grown = Value(min(twice) / min(once), *_quartiles(twice, once))
        yield Row(
            "P6",
            f"{_LENGTH:,} × {case}" if case.startswith("'") else f"{_LENGTH:,} characters: {case}",
            seconds(statistics.median(once)),
            seconds(statistics.median(others[0])) if others else "",
            "0.26 ms" if case == _PEERS else "",
            Value.of([1000 * each for each in once]),
            TIME,
            "CPU",
            unit=" ms",
        )
        yield Row("P6", f"twice the length: {case}", seconds(min(twice)), "", "2 ×", grown, DOUBLED, "CPU")


def _quartiles(over: list[float], under: list[float]) -> tuple[float, float]:
    value = Value.ratio(over, under)
    return min(value.low, min(over) / min(under)), max(value.high, min(over) / min(under))
