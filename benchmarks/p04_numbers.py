"""P4: one number, normalized and validated by the framework's own normalizer, in three spellings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any, Final

from benchmarks import people
from benchmarks.bench import Bench, Side
from benchmarks.model import Goal, Row, Value, same, seconds

CASES: Final = {
    "clean": (people.CLEAN, Goal(">=", 12)),
    "with + and dashes": (people.WRITTEN, Goal(">=", 7)),
    "Arabic digits": (people.ARABIC, Goal(">=", 5.5)),
}


def ours(case: str, context: dict[str, Any]) -> tuple[Callable[[int], None], Callable[[], Any]]:
    from notifykit import Channel
    from notifykit_kwtsms.phone.normalizer import KwtSmsNormalizer

    raw, sms = CASES[case][0], Channel.SMS
    normalize: Callable[[str, Channel], Any] = KwtSmsNormalizer().normalize

    def work(times: int) -> None:
        for _ in repeat(None, times):
            normalize(raw, sms)

    return work, lambda: normalize(raw, sms).address


def peer(case: str, context: dict[str, Any]) -> tuple[Callable[[int], None], Callable[[], Any]]:
    from kwtsms import validate_phone_input

    raw = CASES[case][0]

    def work(times: int) -> None:
        for _ in repeat(None, times):
            validate_phone_input(raw)

    return work, lambda: validate_phone_input(raw)[2]


def floor(case: str, context: dict[str, Any]) -> tuple[Callable[[int], None], Callable[[], Any]]:
    raw = CASES[case][0]
    signs, unchanged = b" -().", bytes(range(256))

    def read(raw: str) -> str | None:
        if len(raw) == 11 and raw.isascii():
            digits = raw
        elif raw.isdecimal():
            digits = str(int(raw))
        else:
            digits = raw.encode().translate(unchanged, signs).decode()[-11:]
        return digits if ("9659" <= digits < "966" or "9654" <= digits < "9657") and digits.isdecimal() else None

    def work(times: int) -> None:
        for _ in repeat(None, times):
            read(raw)

    return work, lambda: read(raw)


def measure(bench: Bench) -> Iterator[Row]:
    for case, (_, goal) in CASES.items():
        sides = [
            Side(environment, "p04_numbers", name, case)
            for environment, name in (("ours", "ours"), ("peer", "peer"), ("ours", "floor"))
        ]
        with bench.workers(*sides) as workers:
            same(f"P4, {case}", *(worker.evidence for worker in workers))
            we, they, least = bench.compare(workers, seconds=0.05)
        yield Row(
            "P4",
            f"normalize and validate: {case}",
            seconds(Value.of(we).median),
            seconds(Value.of(they).median),
            f"{Value.ratio(they, least).median:.1f} ×",
            Value.ratio(they, we),
            goal,
            "CPU",
        )
