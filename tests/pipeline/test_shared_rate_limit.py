"""The rate limit as the gateway sees it: processes that share it, and are stopped at any moment."""

from __future__ import annotations

import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import pytest

from notifykit_kwtsms.sandbox import Sandbox
from tests.cli.conftest import environment
from tests.crash.gateway import most_in_a_second

_PROCESSES = 4
_SENDER = """
import sys
from notifykit import Notifier

with Notifier(sys.argv[1]) as notifier:
    print("ready", flush=True)
    for number in sys.argv[2:]:
        (receipt,) = notifier.send(number, "Hello", sender="MYAPP")
        print(receipt.outcome.value, flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("rate", "most"), [(2, 3), (4, 5)])
def test_processes_that_are_stopped_at_any_moment_never_send_too_many(
    tmp_path: pathlib.Path, rate: int, most: int
) -> None:
    """A stop right behind the last look at the clock makes one request late: one more, and never what is blocked."""
    dice = random.Random(rate)
    with Sandbox() as sandbox:
        sandbox.account.change(senders=("MYAPP",), balance=1000)
        url = f"{sandbox.dsn.replace('test=1', 'test=0')}&rate={rate}"
        senders = [
            subprocess.Popen(
                [sys.executable, "-c", _SENDER, url, *(f"96598{process}{n:05}" for n in range(rate * 2))],
                stdout=subprocess.PIPE,
                text=True,
                env={**environment(), "NOTIFYKIT_STATE_DIR": str(tmp_path)},
            )
            for process in range(_PROCESSES)
        ]
        try:
            for sender in senders:
                assert sender.stdout is not None
                assert sender.stdout.readline() == "ready\n"
            stops = _stop_at_random(senders, dice)
            outcomes = [sender.stdout.read().split() for sender in senders if sender.stdout]
        finally:
            for sender in senders:
                sender.kill()
                sender.wait()
                assert sender.stdout is not None
                sender.stdout.close()
        assert outcomes == [["accepted"] * rate * 2] * _PROCESSES
        assert stops > _PROCESSES
        starts = [record.started for record in sandbox.requests]
        assert len(starts) == rate * 2 * _PROCESSES
        assert most_in_a_second(starts) <= most


def _stop_at_random(processes: list[subprocess.Popen[str]], dice: random.Random) -> int:
    """Stop processes and wake them, one after the other, until they have ended; return how often."""
    stops = 0
    ends = time.monotonic() + 60
    while (alive := [process for process in processes if process.poll() is None]) and time.monotonic() < ends:
        chosen = dice.choice(alive)
        os.kill(chosen.pid, signal.SIGSTOP)
        time.sleep(dice.uniform(0.01, 0.6))
        os.kill(chosen.pid, signal.SIGCONT)
        stops += 1
        time.sleep(dice.uniform(0.0, 0.1))
    return stops
