"""P4: one number, normalized and validated by the framework's own normalizer: Kuwaiti in three spellings, and abroad."""

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


#: Against the library that reads these numbers, with the three questions that a program asks it.
ABROAD: Final = "abroad"
ABROAD_GOAL: Final = Goal("<=", 1.1)


def _raw(case: str) -> str:
    return people.ABROAD if case == ABROAD else CASES[case][0]


def ours(case: str, context: dict[str, Any]) -> tuple[Callable[[int], None], Callable[[], Any]]:
    from notifykit import Channel
    from notifykit_kwtsms.phone.normalizer import KwtSmsNormalizer

    raw, sms = _raw(case), Channel.SMS
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


def library(case: str, context: dict[str, Any]) -> tuple[Callable[[int], None], Callable[[], Any]]:
    import phonenumbers

    raw = _raw(case)

    def read() -> phonenumbers.PhoneNumber:
        number = phonenumbers.parse(raw)
        phonenumbers.is_possible_number(number)
        phonenumbers.is_valid_number(number)
        phonenumbers.number_type(number)
        return number

    def work(times: int) -> None:
        for _ in repeat(None, times):
            read()

    return work, lambda: phonenumbers.format_number(read(), phonenumbers.PhoneNumberFormat.E164).removeprefix("+")


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
    yield _abroad(bench)


def _abroad(bench: Bench) -> Row:
    sides = [Side("ours", "p04_numbers", name, ABROAD) for name in ("ours", "library")]
    with bench.workers(*sides) as workers:
        same(f"P4, {ABROAD}", *(worker.evidence for worker in workers))
        we, they = bench.compare(workers, seconds=0.05)
    return Row(
        "P4",
        "normalize and validate: abroad, against phonenumbers",
        seconds(Value.of(we).median),
        seconds(Value.of(they).median),
        "",
        Value.ratio(we, they),
        ABROAD_GOAL,
        "CPU",
    )
