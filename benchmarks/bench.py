"""What the benchmarks measure with: workers that take turns, and callgrind."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import functools
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from benchmarks.environments import Environments, report
from benchmarks.model import DisagreementError

HERE: Final = pathlib.Path(__file__).resolve().parent
#: Times that a side does its work before anything is measured.
_WARM: Final = 30
_COLLECTED: Final = re.compile(r"Collected : (\d+)")


@dataclasses.dataclass(frozen=True)
class Side:
    """What one side does."""

    #: The environment that it runs in.
    environment: str
    #: The module of this package.
    module: str
    #: The function in it that returns the work and its evidence.
    function: str
    #: Which of several cases.
    case: str = ""
    #: What else the function has to know, as plain values.
    context: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    #: Variables of its environment.
    variables: Mapping[str, str] = dataclasses.field(default_factory=dict)


class Worker:
    """A side in its own process.

    :param process: the process.
    """

    def __init__(self, process: subprocess.Popen[str], side: Side) -> None:
        self._process = process
        self._side = side
        self.evidence: Any = self._answer()["evidence"]

    def work(self, times: int) -> dict[str, float]:
        """Have the work done so many times, and return the seconds in all: ``cpu`` and ``wall``."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{times}\n")
        self._process.stdin.flush()
        answer = self._answer()
        self.evidence = answer["evidence"]
        return {"cpu": answer["cpu"], "wall": answer["wall"]}

    def close(self) -> None:
        """Let it end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(30)

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise DisagreementError(
                f"{self._side.module}: the side {self._side.function} broke off; what it said is above"
            )
        answer: dict[str, Any] = json.loads(line)
        return answer


class Bench:
    """What a benchmark needs.

    :param environments: where the sides run.
    :param scratch: a folder for files that are thrown away.
    :param long: whether what takes minutes is measured too.
    :param quick: whether a rough answer will do.
    """

    def __init__(
        self, environments: Environments, scratch: pathlib.Path, *, long: bool = False, quick: bool = False
    ) -> None:
        self.environments = environments
        self.scratch = scratch
        self.long = long
        self.quick = quick
        self.rounds = 5 if quick else 15

    @contextlib.contextmanager
    def workers(self, *sides: Side) -> Iterator[list[Worker]]:
        """Start sides, and end them."""
        with contextlib.ExitStack() as stack:
            yield [stack.enter_context(contextlib.closing(self._started(side))) for side in sides]

    def compare(
        self,
        workers: Sequence[Worker],
        *,
        clock: str = "cpu",
        seconds: float = 0.1,
        rounds: int | None = None,
        times: int | None = None,
    ) -> list[list[float]]:
        """Let workers take turns, and return the seconds for one piece of work, for each worker a list of rounds.

        :param clock: ``cpu`` or ``wall``.
        :param seconds: how long one turn takes, roughly.
        :param times: how often the work is done in one turn at most.
        """
        amounts = [min(times or sys.maxsize, _calibrated(worker, seconds)) for worker in workers]
        taken: list[list[float]] = [[] for _ in workers]
        for number in range(rounds or self.rounds):
            # The order alternates from round to round: drift affects both sides alike.
            order = range(len(workers)) if number % 2 else reversed(range(len(workers)))
            for which in order:
                taken[which].append(workers[which].work(amounts[which])[clock] / amounts[which])
        return taken

    def instructions(self, *sides: Side, times: int) -> list[float] | None:
        """Count the instructions of one piece of work, for each side; None where there is no valgrind.

        Each side runs with two amounts of work, and the difference is what is counted: start-up is not in it.
        """
        if _valgrind() is None:
            return None
        runs = [(side, amount) for side in sides for amount in (times, 2 * times)]
        # Instructions do not depend on who else uses the machine.
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            totals = list(pool.map(lambda run: self._counted(*run), runs))
        return [(more - less) / times for less, more in zip(totals[::2], totals[1::2], strict=True)]

    def run(self, environment: str, code: str, *arguments: object) -> str:
        """Run a program in an environment and return what it prints."""
        command = [str(self.environments.python(environment)), "-c", code, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=self.scratch)
        return done.stdout

    def _started(self, side: Side) -> Worker:
        process = subprocess.Popen(
            self._command(side, 0),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=_environment(side),
            cwd=self.scratch,
        )
        return Worker(process, side)

    def _command(self, side: Side, times: int) -> list[str]:
        request = {
            "module": side.module,
            "function": side.function,
            "case": side.case,
            "context": {"scratch": str(self.scratch), **side.context},
            "warm": side.context.get("warm", _WARM),
            "times": times,
        }
        return [str(self.environments.python(side.environment)), str(HERE / "worker.py"), json.dumps(request)]

    def _counted(self, side: Side, times: int) -> int:
        valgrind = [_valgrind() or "", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
        done = subprocess.run(
            [*valgrind, *self._command(side, times)],
            capture_output=True,
            text=True,
            check=False,
            env={**_environment(side), "PYTHONHASHSEED": "0"},
            cwd=self.scratch,
        )
        found = _COLLECTED.search(done.stderr)
        if done.returncode or found is None:
            raise DisagreementError(f"{side.module}: the side {side.function} broke off:\n{done.stderr[-2000:]}")
        return int(found[1])


def _calibrated(worker: Worker, seconds: float) -> int:
    times = 1
    while True:
        took = worker.work(times)["wall"]
        if took >= seconds / 4:
            return max(1, round(times * seconds / took))
        times = max(times * 2, round(times * seconds / 3 / max(took, 1e-6)))


def _environment(side: Side) -> dict[str, str]:
    """Return the variables of this process, without what configures the sides or leads them to other packages."""
    ours = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("KWTSMS_", "NOTIFYKIT_", "PYTHON", "SSL_CERT", "COVERAGE"))
    }
    return {**ours, "PYTHONWARNINGS": "ignore", **side.variables}


@functools.cache
def _valgrind() -> str | None:
    found = shutil.which("valgrind")
    if found is None:
        report("there is no valgrind: CPU time stands in for counted instructions, and spreads more")
    return found


def machine(rounds: int) -> dict[str, str]:
    """Say what the figures were measured on, and in how many rounds."""
    import datetime
    import platform

    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        cpus = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
        model = next(
            (line.split(":", 1)[1].strip() for line in cpus.splitlines() if line.startswith("model name")), model
        )
    return {
        "processor": model,
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "counts": "callgrind" if _valgrind() else "CPU time, as there is no valgrind",
        "rounds": str(rounds),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }
