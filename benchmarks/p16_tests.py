"""P16: the tests of the command `tox -e py311`, on two cores: minutes on the clock.

It takes minutes, so it is measured where it is asked for: with `--only P16` or `--long`. The tests run in an environment
that `tox` has made; making it is not part of the time. Where there is no `tox`, there is no row.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from typing import Final

from benchmarks.bench import Bench
from benchmarks.environments import ROOT, report
from benchmarks.model import DisagreementError, Goal, Row, Value

SUITE: Final = Goal("<=", 8, " min")
_CORES: Final = 2
_COMMAND: Final = ("tox", "-e", "py311")


def measure(bench: Bench) -> Iterator[Row]:
    if shutil.which("tox") is None:
        report("P16: there is no tox, so there is no row of it: python -m pip install tox")
        return
    variables = {**os.environ, "PYTEST_XDIST_AUTO_NUM_WORKERS": str(_CORES)}
    subprocess.run([*_COMMAND, "--notest"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    pin = ["taskset", "-c", f"0-{_CORES - 1}"] if shutil.which("taskset") else []
    began = time.monotonic()
    done = subprocess.run([*pin, *_COMMAND], cwd=ROOT, env=variables, check=False, stdout=subprocess.PIPE, text=True)
    minutes = (time.monotonic() - began) / 60
    if done.returncode:
        raise DisagreementError(f"P16: the tests failed:\n{done.stdout[-2000:]}")
    value = Value.exactly(minutes)
    yield Row("P16", f"the whole test command, {_CORES} cores", f"{minutes:.1f} min", "", "", value, SUITE, "time")
