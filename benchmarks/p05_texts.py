"""P5: cleaning one text: digits to Latin, emoji, hidden characters and HTML taken out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any, Final

from benchmarks import people
from benchmarks.bench import Bench, Side
from benchmarks.model import Goal, Row, Value, same, seconds

CASES: Final = {
    "160 ASCII": Goal(">=", 150),
    "70 Arabic": Goal(">=", 100),
    "600 mixed": Goal(">=", 10),
}


def ours(case: str, context: dict[str, Any]) -> tuple[Callable[[int], None], Callable[[], Any]]:
    from notifykit_kwtsms import clean_message

    return _side(clean_message, case)


def listed(case: str, context: dict[str, Any]) -> tuple[Callable[[int], None], Callable[[], Any]]:
    """Return our work with every edit listed: what ``plan`` shows."""
    from notifykit_kwtsms.text.cleaning import clean

    def cleaned(text: str) -> str:
        done = clean(text)
        len(done.edits)
        return done.text

    return _side(cleaned, case)


def peer(case: str, context: dict[str, Any]) -> tuple[Callable[[int], None], Callable[[], Any]]:
    from kwtsms import clean_message

    return _side(clean_message, case)


def floor(case: str, context: dict[str, Any]) -> tuple[Callable[[int], None], Callable[[], Any]]:
    emoji = "\U0001f000-\U0001faff\U000e0000-\U000e007f\u2600-\u27bf\ufe00-\ufe0f\u20e3"
    hidden = "\u200b-\u200f\u2060\u00ad\ufeff\ufffc\x00-\x08\x0b-\x1f\x7f"
    remove = re.compile(f"<[^<>]+>|[{emoji}{hidden}]+")
    innocent = re.compile(f"[^<٠-٩۰-۹{emoji}{hidden}]*+").fullmatch
    arabic = re.compile("[٠-٩۰-۹]")
    latin = {digit: str(index % 10) for index, digit in enumerate("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹")}

    def clean(text: str) -> str:
        if text.isascii() and text.isprintable() and "<" not in text:
            return text
        if innocent(text):
            return text
        cleaned = remove.sub("", text)
        return arabic.sub(lambda found: latin[found[0]], cleaned) if arabic.search(cleaned) else cleaned

    return _side(clean, case)


def _side(clean: Callable[[str], str], case: str) -> tuple[Callable[[int], None], Callable[[], Any]]:
    text = people.TEXTS[case]

    def work(times: int) -> None:
        for _ in repeat(None, times):
            clean(text)

    return work, lambda: clean(text)


def measure(bench: Bench) -> Iterator[Row]:
    for case, goal in CASES.items():
        sides = [
            Side(environment, "p05_texts", name, case)
            for environment, name in (("ours", "ours"), ("peer", "peer"), ("ours", "floor"), ("ours", "listed"))
        ]
        with bench.workers(*sides) as workers:
            same(f"P5, {case}", *(worker.evidence for worker in workers))
            we, they, least, every = bench.compare(workers, seconds=0.05)
        limit = f"{Value.ratio(they, least).median:.1f} ×"
        cost = seconds(Value.of(they).median)
        yield Row("P5", f"clean {case}", seconds(Value.of(we).median), cost, limit, Value.ratio(they, we), goal, "CPU")
        if case == "600 mixed":
            yield Row(
                "P5",
                f"clean {case}, every edit listed",
                seconds(Value.of(every).median),
                cost,
                "",
                Value.ratio(they, every),
                None,
                "CPU",
            )
