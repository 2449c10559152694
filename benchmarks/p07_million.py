"""P7: a million mixed recipients from an iterator: planned, cut into requests, encoded, and a receipt for each.

Nothing goes over the network: our transport, and the function by which the peer makes a request, encode the body and
say that it was taken. The peer's pause between two requests is left out.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from benchmarks import people
from benchmarks.bench import Bench, Side
from benchmarks.model import Goal, Row, Value, same, seconds

CPU: Final = Goal(">=", 2.5)
MEMORY: Final = Goal("<=", 4, " MiB")
FIRST: Final = Goal("<=", 2, " ms")
#: Recipients of one piece of work where sides are compared.
_PIECE: Final = 50_000


def ours(case: str, context: dict[str, Any]) -> tuple[Callable[[int], None], Callable[[], Any]]:
    from notifykit import Notifier

    transport = stub()
    notifier = Notifier(transport)
    crowd = _crowd(context)
    accepted = rejected = 0

    def work(times: int) -> None:
        nonlocal accepted, rejected
        for _ in range(times):
            accepted = rejected = 0
            for receipt in notifier.stream(iter(crowd), people.CODE):
                if receipt.outcome == "accepted":
                    accepted += 1
                elif receipt.outcome == "rejected":
                    rejected += 1

    return work, lambda: [accepted, rejected, transport.digest]


def stub() -> Any:
    """Return a transport with the limits of kwtSMS that encodes each request and takes it."""
    import attrs

    from notifykit import Submission
    from notifykit_kwtsms.transport import capabilities

    limits = attrs.evolve(capabilities(), live=False)

    class Stub:
        name = "stub"
        capabilities = limits
        digest = 0
        first = 0.0

        def send(self, batch: Any, timeout: float) -> Any:
            if not self.first:
                self.first = time.perf_counter()
            if batch.number == 1:
                self.digest = 0
            numbers = ",".join([recipient.address for recipient in batch.recipients])
            self.digest = _folded(self.digest, _encoded(numbers, batch.message.text))
            return Submission(f"{batch.number}", cost=float(len(batch)), test=True)

        def close(self) -> None:
            pass

        def __str__(self) -> str:
            return "stub://default"

    return Stub()


def peer(case: str, context: dict[str, Any]) -> tuple[Callable[[int], None], Callable[[], Any]]:
    from kwtsms import KwtSMS, _core

    client = KwtSMS("benchmark", "secret", "BENCH", True, log_file="")
    crowd = _crowd(context)
    found: list[int] = []
    digest = 0

    def request(endpoint: str, payload: dict[str, str], log_file: str) -> dict[str, Any]:
        nonlocal digest
        digest = _folded(digest, _encoded(payload["mobile"], payload["message"]))
        count = payload["mobile"].count(",") + 1
        return {"result": "OK", "msg-id": "1", "numbers": count, "points-charged": count, "balance-after": 0}

    _core._request = request  # noqa: SLF001 - it takes the place of the network
    _core.time.sleep = lambda seconds: None

    def work(times: int) -> None:
        nonlocal digest
        for _ in range(times):
            digest = 0
            done = client.send(list(crowd), people.CODE)
            found[:] = [done["numbers"], len(done["invalid"])]

    return work, lambda: [*found, digest]


def floor(case: str, context: dict[str, Any]) -> tuple[Callable[[int], None], Callable[[], Any]]:
    """Return the work as a generator: read, cut and encode, a tuple for each receipt."""
    import re

    table: dict[int, str | None] = {ord(digit): str(index % 10) for index, digit in enumerate("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹")}
    table |= dict.fromkeys(map(ord, "+ -()."), None)
    kuwaiti = re.compile(r"0*(965[4569]\d{7})").fullmatch
    crowd = _crowd(context)
    counts = {True: 0, False: 0}
    digest = 0

    def taken(waiting: list[str]) -> list[tuple[str, bool]]:
        nonlocal digest
        digest = _folded(digest, _encoded(",".join(waiting), people.CODE))
        receipts = [(number, True) for number in waiting]
        waiting.clear()
        return receipts

    def stream() -> Iterator[tuple[str, bool]]:
        waiting: list[str] = []
        for raw in crowd:
            found = kuwaiti(raw if raw.isascii() and raw.isdigit() else raw.translate(table))
            if found is None:
                yield raw, False
                continue
            waiting.append(found[1])
            if len(waiting) == 200:
                yield from taken(waiting)
        if waiting:
            yield from taken(waiting)

    def work(times: int) -> None:
        nonlocal digest
        for _ in range(times):
            digest = 0
            counts.update({True: 0, False: 0})
            for _, accepted in stream():
                counts[accepted] += 1

    return work, lambda: [counts[True], counts[False], digest]


def memory(case: str, context: dict[str, Any]) -> tuple[Callable[[int], None], Callable[[], Any]]:
    """Return how much the process grows over a warm one; for each case a process of its own."""
    import resource
    import sys

    # macOS says bytes where others say KiB.
    mebibyte = 1 << 20 if sys.platform == "darwin" else 1 << 10
    side = {"ours": ours, "peer": peer}[case]
    small, _ = side("", {**context, "recipients": 2_000, "made": True})
    small(3)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    large, evidence = side("", context)
    large(1)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / mebibyte
    return (lambda times: None), lambda: [grown, evidence()[:2]]


def first(case: str, context: dict[str, Any]) -> tuple[Callable[[int], None], Callable[[], Any]]:
    """Return the milliseconds from the call to the first request, several times over."""
    from notifykit import Notifier

    transport = stub()
    notifier = Notifier(transport)

    def once() -> float:
        transport.first = 0.0
        began = time.perf_counter()
        next(iter(notifier.stream((people.number(index) for index in range(1_000_000)), people.CODE)))
        return float(transport.first - began) * 1000

    return (lambda times: None), lambda: [once() for _ in range(30)]


class _Made:
    """Recipients that are made during the iteration."""

    def __init__(self, how_many: int) -> None:
        self._how_many = how_many

    def __iter__(self) -> Iterator[str]:
        return people.mixed(self._how_many)


def _crowd(context: dict[str, Any]) -> Iterable[str]:
    """Return the recipients: in a list where time is measured, so that making them costs neither side anything."""
    return _Made(context["recipients"]) if context.get("made") else list(people.mixed(context["recipients"]))


def _encoded(numbers: str, text: str) -> bytes:
    asked = {"username": "benchmark", "password": "secret", "sender": "BENCH", "mobile": numbers, "message": text}
    return json.dumps({**asked, "test": "1"}).encode("ascii")


def _folded(digest: int, body: bytes) -> int:
    import zlib

    return zlib.adler32(body, digest)


def measure(bench: Bench) -> Iterator[Row]:
    context = {"recipients": _PIECE, "warm": 1}
    sides = [
        Side(environment, "p07_million", name, context=context)
        for environment, name in (("ours", "ours"), ("peer", "peer"), ("ours", "floor"))
    ]
    with bench.workers(*sides) as workers:
        we, they, least = bench.compare(workers, seconds=0.4, rounds=min(bench.rounds, 7))
        same("P7", [people.valid(_PIECE), _PIECE // 50], *(worker.evidence[:2] for worker in workers))
        same("P7: the requests", *(worker.evidence[2] for worker in workers))
    million = 1_000_000 / _PIECE
    yield Row(
        "P7",
        "a million recipients, no network",
        seconds(Value.of(we).median * million),
        seconds(Value.of(they).median * million),
        f"{Value.ratio(they, least).median:.1f} ×",
        Value.ratio(they, we),
        CPU,
        "CPU",
    )
    sizes = [100_000, 1_000_000, *([10_000_000] if bench.long else [])]
    theirs = _grown(bench, "peer", sizes[1])
    for size in sizes:
        grown = _grown(bench, "ours", size)
        yield Row(
            "P7",
            f"extra memory for {size:,} recipients",
            f"{grown:.1f} MiB",
            f"{theirs:.0f} MiB" if size == sizes[1] else "",
            "1.4 MiB",
            Value.exactly(grown),
            MEMORY,
            "memory",
            "" if size == 100_000 else "the same at every size is what matters",
        )
    with bench.workers(Side("ours", "p07_million", "first", context={"warm": 0})) as workers:
        times = workers[0].evidence
    yield Row(
        "P7",
        "the first request leaves after",
        f"{statistics.median(times):.2f} ms",
        "",
        "0.24 ms",
        Value.of(times),
        FIRST,
        "time",
    )


def _grown(bench: Bench, who: str, size: int) -> float:
    environment = "ours" if who == "ours" else "peer"
    side = Side(environment, "p07_million", "memory", who, context={"recipients": size, "made": True, "warm": 0})
    with bench.workers(side) as workers:
        grown, found = workers[0].evidence
    same(f"P7, memory of {who}", [people.valid(size), size // 50], found)
    return float(grown)
