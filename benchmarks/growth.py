"""How the cost grows: ``python -m benchmarks.growth`` measures the curves, ``--write`` draws them for the docs.

Recipients, the length of a text, plugins, sinks, threads: each is doubled or multiplied, and the cost may grow by no
more than that. Where both sides can do it, the peer's curve is beside ours.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import math
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from itertools import repeat
from typing import Any, Final

from benchmarks import environments, p07_million, people, sides
from benchmarks.bench import HERE, Bench, Side
from benchmarks.environments import Environments, report
from benchmarks.gateway import running

#: What doubling the size may multiply the cost by, on average over the upper half of a curve: a square would be four.
LINEAR: Final = 2.5
#: A size that takes seconds: then a few rounds do.
_MANY: Final = 1_000_000
_MIXED: Final = "Hello <b>you</b> 🎉 طلبك ١٢٣ "


@dataclasses.dataclass(frozen=True)
class Curve:
    """One line of a plot."""

    #: What it shows.
    name: str
    #: The sizes.
    sizes: tuple[int, ...]
    #: What each cost.
    costs: tuple[float, ...]

    @property
    def doubled(self) -> float:
        """What doubling the size multiplies the cost by, over the upper half of the curve."""
        points = [(math.log2(max(size, 1)), math.log2(cost)) for size, cost in zip(self.sizes, self.costs, strict=True)]
        upper = points[len(points) // 2 - 1 :]
        (first, low), (last, high) = upper[0], upper[-1]
        return float(2 ** ((high - low) / (last - first)))


@dataclasses.dataclass(frozen=True)
class Plot:
    """One picture."""

    #: The name of its file.
    name: str
    #: Its heading.
    title: str
    #: What the sizes are.
    across: str
    #: What the costs are.
    up: str
    #: Its lines.
    curves: tuple[Curve, ...]
    #: ``log`` or ``linear``, both ways.
    scale: str = "log"


def text(case: str, context: dict[str, Any]) -> tuple[Callable[[int], None], Callable[[], Any]]:
    """Clean and measure a text, as a send does."""
    from notifykit_kwtsms.text.cleaning import clean
    from notifykit_kwtsms.text.segments import measure

    written = _text(case, context["size"])

    def work(times: int) -> None:
        for _ in repeat(None, times):
            measure(clean(written).text)

    return work, lambda: None


def peers_text(case: str, context: dict[str, Any]) -> tuple[Callable[[int], None], Callable[[], Any]]:
    """Clean a text as the peer does."""
    from kwtsms import clean_message

    written = _text(case, context["size"])

    def work(times: int) -> None:
        for _ in repeat(None, times):
            clean_message(written)

    return work, lambda: None


def plugins(case: str, context: dict[str, Any]) -> tuple[Callable[[int], None], Callable[[], Any]]:
    """Send one batch with so many plugins more; or, for ``build``, put the registry together with them."""
    from notifykit import Notifier, PluginHost, Settings, hookimpl

    class Plugin:
        @hookimpl
        def notifykit_cleaners(self, settings: object) -> list[object]:
            return []

    def host() -> Any:
        made = PluginHost()
        for number in range(context["size"]):
            made.register(Plugin(), f"plugin-{number}")
        return made

    if case == "build":

        def build(times: int) -> None:
            for _ in repeat(None, times):
                host().registry(Settings())

        return build, lambda: None
    return _batch(Notifier(p07_million.stub(), host=host()), 200), lambda: None


def sinks(case: str, context: dict[str, Any]) -> tuple[Callable[[int], None], Callable[[], Any]]:
    """Send to one recipient with so many log files."""
    from notifykit import Notifier
    from notifykit.sinks.jsonl import JsonlSink

    folder = pathlib.Path(context["scratch"])
    logs = [JsonlSink(folder / f"sink-{number}-of-{context['size']}.jsonl") for number in range(context["size"])]
    return _batch(Notifier(p07_million.stub(), sinks=logs), 1), lambda: None


def threads(case: str, context: dict[str, Any]) -> tuple[Callable[[int], None], Callable[[], Any]]:
    """Send in so many threads that share what they send with."""
    import threading

    work, evidence = (
        sides.ours("no rate limit", context)
        if case == "ours"
        else sides.urllib3("", {**context, "connections": context["size"]})
    )

    def together(times: int) -> None:
        all_of_them = [threading.Thread(target=work, args=(times,)) for _ in range(context["size"])]
        for thread in all_of_them:
            thread.start()
        for thread in all_of_them:
            thread.join()

    return together, evidence


def _text(case: str, size: int) -> str:
    piece = {"ASCII": people.TEXTS["160 ASCII"], "Arabic": people.TEXTS["70 Arabic"], "mixed": _MIXED, "'<' only": "<"}
    return (piece[case] * (size // len(piece[case]) + 1))[:size]


def _batch(notifier: Any, size: int) -> Callable[[int], None]:
    crowd = [people.number(index) for index in range(size)]

    def work(times: int) -> None:
        for _ in repeat(None, times):
            for _ in notifier.stream(crowd, people.CODE):
                pass

    return work


def plots(bench: Bench) -> Iterator[Plot]:
    """Measure everything."""
    module = p07_million.__name__.rpartition(".")[2]
    sizes = [1_000, 10_000, 100_000, 1_000_000, *([10_000_000] if bench.long else [])]
    yield Plot(
        "recipients",
        "Recipients of one send",
        "recipients",
        "CPU seconds",
        tuple(
            _curve(
                bench,
                {"ours": "notifykit", "peer": "kwtsms 0.7.40"}[name],
                [size for size in sizes if name == "ours" or size <= 1_000_000],
                lambda size, name=name: Side(name, module, name, "", {"recipients": size, "made": True, "warm": 0}),  # type: ignore[misc]
            )
            for name in ("ours", "peer")
        ),
    )
    yield Plot(
        "recipients-memory",
        "Memory of one send",
        "recipients",
        "MiB more than before",
        tuple(
            Curve(label, tuple(some), tuple(max(0.1, _memory(bench, name, size)) for size in some))
            for name, label, some in (
                ("ours", "notifykit", sizes),
                ("peer", "kwtsms 0.7.40", [size for size in sizes if size <= 1_000_000]),
            )
        ),
    )
    lengths = [10, 100, 1_000, 10_000, 100_000]
    texts = [("ours", "text", case, f"notifykit, {case}", lengths) for case in ("ASCII", "Arabic", "mixed", "'<' only")]
    texts += [
        ("peer", "peers_text", "mixed", "kwtsms 0.7.40, mixed", lengths),
        # A hundred thousand take it ten seconds.
        ("peer", "peers_text", "'<' only", "kwtsms 0.7.40, '<' only", lengths[:-1]),
    ]
    yield Plot(
        "text",
        "Cleaning a text",
        "characters",
        "CPU seconds",
        tuple(
            _curve(
                bench,
                label,
                some,
                lambda size, name=name, function=function, case=case: Side(  # type: ignore[misc]
                    name, "growth", function, case, {"size": size, "warm": 0}
                ),
            )
            for name, function, case, label, some in texts
        ),
    )
    yield Plot(
        "plugins",
        "Plugins",
        "plugins besides those that come along",
        "CPU milliseconds",
        tuple(
            _curve(
                bench,
                label,
                [0, 10, 20, 30, 40, 50],
                lambda size, case=case: Side("ours", "growth", "plugins", case, {"size": size, "warm": 1}),  # type: ignore[misc]
                factor=1000,
            )
            for case, label in (("batch", "sending to 200"), ("build", "putting the registry together"))
        ),
        "linear",
    )
    yield Plot(
        "sinks",
        "Log files",
        "log files that get every event",
        "CPU microseconds of one send, without the network",
        (
            _curve(
                bench,
                "notifykit",
                [0, 2, 4, 6, 8, 10],
                lambda size: Side("ours", "growth", "sinks", "", {"size": size, "warm": 1}),
                factor=1e6,
            ),
        ),
        "linear",
    )
    with running() as gateway:
        yield Plot(
            "threads",
            "Threads that share one notifier",
            "threads",
            "CPU microseconds of one send",
            tuple(
                _curve(
                    bench,
                    label,
                    [1, 2, 4, 8, 16, 32],
                    lambda size, name=name: Side(  # type: ignore[misc]
                        name, "growth", "threads", name, {"url": gateway.url, "size": size, "warm": 1}
                    ),
                    factor=1e6,
                    share=True,
                )
                for name, label in (("ours", "notifykit"), ("urllib3", "urllib3 alone"))
            ),
            "linear",
        )


def _curve(
    bench: Bench,
    name: str,
    sizes: Sequence[int],
    side: Callable[[int], Side],
    *,
    factor: float = 1.0,
    share: bool = False,
) -> Curve:
    """Measure every size, the smallest of some rounds: what disturbs one can only make it longer.

    :param share: whether a piece of work is as many as the size.
    """
    report(name)
    with contextlib.ExitStack() as stack:
        # They take turns, so that a busy minute of the machine is no bump in the curve.
        workers = [stack.enter_context(bench.workers(side(size)))[0] for size in sizes]
        taken = bench.compare(workers, seconds=0.05, rounds=3 if max(sizes) >= _MANY else 9)
    costs = [factor * min(rounds) / (size if share else 1) for size, rounds in zip(sizes, taken, strict=True)]
    return Curve(name, tuple(sizes), tuple(costs))


def _memory(bench: Bench, name: str, size: int) -> float:
    side = Side(name, "p07_million", "memory", name, context={"recipients": size, "made": True, "warm": 0})
    with bench.workers(side) as (worker,):
        return float(worker.evidence[0])


def main() -> int:
    """Measure, and draw where that is asked for; the exit code is 1 where something grows faster than its size."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--write", action="store_true", help="draw the plots of docs/explanation")
    parser.add_argument("--long", action="store_true", help="up to ten million recipients")
    parser.add_argument("--environments", type=pathlib.Path, metavar="FOLDER", default=environments.folder())
    asked = parser.parse_args()
    asked.environments.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="notifykit-benchmarks-") as scratch:
        bench = Bench(Environments(asked.environments), pathlib.Path(scratch), long=asked.long)
        drawn = list(plots(bench))
        too_fast = False
        for plot in drawn:
            print(f"{plot.title} ({plot.up})")
            for curve in plot.curves:
                ours = not curve.name.startswith("kwtsms")
                too_fast = too_fast or (ours and curve.doubled > LINEAR)
                costs = "  ".join(f"{size:,}: {cost:.3g}" for size, cost in zip(curve.sizes, curve.costs, strict=True))
                print(f"  {curve.name:32} {costs}   twice the size: {curve.doubled:.2f} ×")
        if asked.write:
            picture = json.dumps([dataclasses.asdict(plot) for plot in drawn])
            python = bench.environments.python("plots")
            folder = HERE.parent / "docs" / "explanation"
            subprocess.run([python, HERE / "plotting.py", folder], input=picture, text=True, check=True)
    return int(too_fast)


if __name__ == "__main__":
    sys.exit(main())
