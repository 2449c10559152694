"""``python -m benchmarks``: measure both sides and print a row for each goal."""

from __future__ import annotations

import argparse
import importlib
import pathlib
import sys
import tempfile
from typing import Final

from benchmarks import environments, writing
from benchmarks.bench import Bench, machine
from benchmarks.environments import Environments, report
from benchmarks.model import DisagreementError, Row

#: The benchmarks, by what the list of goals calls them.
MODULES: Final = {
    "P1": "p01_send",
    "P2": "p02_tls",
    "P3": "p03_latency",
    "P4": "p04_numbers",
    "P5": "p05_texts",
    "P6": "p06_hostile",
    "P7": "p07_million",
    "P8": "p08_hooks",
    "P9": "p09_log",
    "P10": "p10_rate_limit",
    "P11": "p11_threads",
    "P12": "p12_start",
    "P13": "p13_throughput",
    "P14": "p14_durable",
    "P15": "p15_inbox",
    "P16": "p16_tests",
    "P17": "p17_event_loop",
    "P18": "p18_log_totals",
}
#: Those that take minutes: measured where they are named, or with ``--long``.
ON_REQUEST: Final = ("P16",)


def main() -> int:
    """Run what the command line asks for; the exit code is 1 where a goal is not met, 2 where sides disagree."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only", metavar="P5", action="append", default=[], help="one benchmark, or several of them: P1,P5"
    )
    parser.add_argument(
        "--json", metavar="FILE", nargs="?", const="-", help="write the rows as JSON; without FILE, print them"
    )
    parser.add_argument("--write", action="store_true", help="write benchmarks/results.json and the tables of the docs")
    parser.add_argument("--long", action="store_true", help="ten million recipients and the tests as well")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, wider spread")
    parser.add_argument(
        "--environments",
        type=pathlib.Path,
        metavar="FOLDER",
        default=environments.folder(),
        help="where the peers are installed",
    )
    asked = parser.parse_args()
    chosen = [name.strip().upper() for names in asked.only for name in names.split(",")]
    chosen = chosen or [name for name in MODULES if asked.long or name not in ON_REQUEST]
    unknown = [name for name in chosen if name not in MODULES]
    if unknown:
        parser.error(f"there is no benchmark {', '.join(unknown)}: they are {', '.join(MODULES)}")
    if asked.write and asked.only:
        parser.error("--write takes the figures of one whole run: leave out --only")
    asked.environments.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    broken: list[str] = []
    with tempfile.TemporaryDirectory(prefix="notifykit-benchmarks-") as scratch:
        bench = Bench(Environments(asked.environments), pathlib.Path(scratch), long=asked.long, quick=asked.quick)
        for name in chosen:
            module = importlib.import_module(f"benchmarks.{MODULES[name]}")
            report(f"{name}: {(module.__doc__ or '').splitlines()[0].partition(': ')[2]}")
            try:
                rows += module.measure(bench)
            except DisagreementError as error:
                broken.append(name)
                report(f"{name}: {error}")
    where = machine(bench.rounds)
    results = {"machine": where, "rows": [row.as_json() for row in rows]}
    print(writing.as_json(results) if asked.json == "-" else writing.plain(rows))
    if asked.json not in (None, "-"):
        pathlib.Path(asked.json).write_text(writing.as_json(results), encoding="utf-8")
    if asked.write and not broken:
        writing.write(rows, where)
    if broken:
        report(f"not measured: {', '.join(broken)}")
        return 2
    return 1 if any(row.met is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
