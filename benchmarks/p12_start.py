"""P12: starting: `import notifykit`, the registry of all plugins, `--help`, and `kwtsms balance` up to the network.

Each start is a fresh interpreter; the CPU seconds are what the system says it used. "Before the network" ends where the
program first asks for the address of a host: there an audit hook ends the process, on both sides alike.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
from collections.abc import Iterator, Sequence
from typing import Final

from benchmarks.bench import Bench
from benchmarks.model import DisagreementError, Goal, Row, Value, same, seconds

IMPORT: Final = Goal("<=", 1.6)
HELP: Final = Goal("<=", 1.3)
BALANCE: Final = Goal("<=", 2.0)
#: What the process ends with where it would have asked the network.
_AT_THE_NETWORK: Final = 42
_HOOK: Final = f"""\
import os, sys

def stop(event, arguments):
    if event in ("socket.getaddrinfo", "socket.connect"):
        os._exit({_AT_THE_NETWORK})

sys.addaudithook(stop)
"""
_REGISTRY: Final = "from notifykit import PluginHost, Settings; registry = PluginHost().registry(Settings())"
#: A program takes longer than what is looked for in it: more rounds than elsewhere.
_ROUNDS: Final = 3


def measure(bench: Bench) -> Iterator[Row]:
    python = {name: str(bench.environments.python(name)) for name in ("ours", "first")}
    program = {name: str(bench.environments.program(name, "kwtsms")) for name in python}
    starts = (
        ("import notifykit, against bare Python", IMPORT, "1.31 ×", [python["ours"], "-c", "import notifykit"], [python["ours"], "-c", ""], 0),
        ("the registry, against kwtsms 0.4.0 --help", None, "0.89 ×", [python["ours"], "-c", _REGISTRY], [program["first"], "--help"], 0),
        ("kwtsms --help, against kwtsms 0.4.0", HELP, "0.36 ×", [program["ours"], "--help"], [program["first"], "--help"], 0),
        ("notifykit --help, against kwtsms 0.4.0", HELP, "0.36 ×", [str(bench.environments.program("ours", "notifykit")), "--help"], [program["first"], "--help"], 0),
        ("kwtsms balance up to the network, against 0.4.0", BALANCE, "1.74 ×", [program["ours"], "balance"], [program["first"], "balance"], _AT_THE_NETWORK),
    )  # fmt: skip
    for what, goal, limit, we, they, ends in starts:
        ours, theirs = _compared(bench, we, they, ends)
        yield Row(
            "P12",
            what,
            seconds(Value.of(ours).median),
            seconds(Value.of(theirs).median),
            limit,
            Value.ratio(ours, theirs),
            goal,
            "CPU",
        )


def _compared(bench: Bench, we: Sequence[str], they: Sequence[str], ends: int) -> tuple[list[float], list[float]]:
    for command in (we, they):
        same(f"P12: how {' '.join(command[-2:])} ends", ends, _started(bench, command, ends)[1])
    ours, theirs = [], []
    for _ in range(_ROUNDS * bench.rounds):
        ours.append(_started(bench, we, ends)[0])
        theirs.append(_started(bench, they, ends)[0])
    return ours, theirs


def _started(bench: Bench, command: Sequence[str], ends: int) -> tuple[float, int]:
    """Run a program to its end, and return the CPU seconds and the exit code."""
    home = bench.scratch / "start"
    if not home.exists():
        (home / "hook").mkdir(parents=True)
        (home / "hook" / "sitecustomize.py").write_text(_HOOK, encoding="utf-8")
    variables = {
        "PATH": os.defpath,
        "HOME": str(home),
        **({"PYTHONPATH": str(home / "hook")} if ends == _AT_THE_NETWORK else {}),
        "KWTSMS_USERNAME": "benchmark",
        "KWTSMS_PASSWORD": "secret",
        "KWTSMS_LOG_FILE": "",
        "NOTIFYKIT_STATE_DIR": str(home / "state"),
    }
    errors = pathlib.Path(home, "errors")
    with errors.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=home, env=variables, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=output
        )
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, _AT_THE_NETWORK):
        raise DisagreementError(f"P12: {' '.join(command)} failed:\n{errors.read_text(encoding='utf-8')}")
    return usage.ru_utime + usage.ru_stime, process.returncode
