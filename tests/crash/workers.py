"""The workers of a run: real processes, which are killed as a whole and replaced at once."""

from __future__ import annotations

import contextlib
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Final, Self

import attrs

import notifykit

ROOT: Final = pathlib.Path(notifykit.__file__).parent.parent
#: Where these tests are: beside the source, or alone where the wheel is tested.
_TESTS: Final = pathlib.Path(__file__).parents[2]
#: What every worker's interpreter loads first.
_INJECTED: Final = pathlib.Path(__file__).parent / "injected"
_READY: Final = "Sending through"
_GONE: Final = re.compile(r"worker \S+-(?P<pid>\d+)-[0-9a-f]{8} is gone")
#: Seconds in which a worker that was asked to end has ended, also on a slow machine.
_END: Final = 120.0
#: Lines of a worker's errors that are kept to be shown.
_LINES: Final = 12


@attrs.define
class Worker:
    """One process."""

    #: Its process id.
    pid: int
    #: Whether it takes work already.
    ready: threading.Event = attrs.field(factory=threading.Event)
    #: When it was killed, in monotonic seconds.
    killed: float | None = None
    #: Reads what it says, until it has ended.
    reader: threading.Thread | None = None

    def wait(self, seconds: float) -> bool:
        """Wait until it has ended; return whether it has."""
        assert self.reader is not None
        self.reader.join(seconds)
        return not self.reader.is_alive()


class Workers:
    """A number of workers that stays the same.

    :param count: how many.
    :param environment: what they are reported.
    :param folder: where they run.
    :param seed: makes the same dice fall.
    """

    def __init__(self, count: int, environment: Mapping[str, str], folder: pathlib.Path, seed: int) -> None:
        self._environment = dict(environment)
        self._folder = folder
        self._count = count
        self._dice = random.Random(seed)
        self._guard = threading.Lock()
        self._line, self._other_end = socket.socketpair()
        self._fork_server: subprocess.Popen[str] | None = None
        self.all: list[Worker] = []
        #: The workers that live now.
        self.alive: list[Worker] = []
        #: When a worker first said that the worker with this process id is gone.
        self.noticed: dict[int, float] = {}
        #: Unexpected output of workers.
        self.complaints: list[str] = []

    def __enter__(self) -> Self:
        self._fork_server = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.fork_server", str(self._other_end.fileno())],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            # A pipe as that of a worker is: Python asks only once whether a stream can be sought in.
            stderr=subprocess.PIPE,
            text=True,
            pass_fds=(self._other_end.fileno(),),
            start_new_session=True,
        )
        self._other_end.close()
        for _ in range(self._count):
            self._spawn()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for worker in self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGCONT)
                os.kill(worker.pid, signal.SIGTERM)
        for worker in self.alive:
            if not worker.wait(_END):
                self.complaints.append(f"a worker did not end on SIGTERM within {_END:g} s")
                os.killpg(worker.pid, signal.SIGKILL)
                worker.wait(_END)
        self._line.close()
        assert self._fork_server is not None
        _, said = self._fork_server.communicate()
        self.complaints += said.splitlines()

    def wait_ready(self, seconds: float = 180.0) -> None:
        """Wait until all of them take work."""
        for worker in self.alive:
            if not worker.ready.wait(seconds):
                raise TimeoutError(f"a worker did not start within {seconds:g} s: {self.complaints}")

    def kill_one(self) -> bool:
        """Kill one, mostly one that takes work already, and start another; return whether it took work."""
        ready = [worker for worker in self.alive if worker.ready.is_set()]
        chosen = self._dice.choice(ready if ready and self._dice.random() < 0.85 else self.alive)
        worked = chosen.ready.is_set()
        self.kill(chosen)
        self._spawn()
        return worked

    def kill(self, worker: Worker) -> None:
        """Kill one, without a replacement."""
        worker.killed = time.monotonic()
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait(_END)
        self.alive.remove(worker)

    def notice_times(self) -> list[float]:
        """Return the seconds from each kill to the moment that another worker took over its batches."""
        return sorted(
            self.noticed[worker.pid] - worker.killed
            for worker in self.all
            if worker.killed is not None and worker.pid in self.noticed
        )

    def _spawn(self) -> None:
        reading, writing = os.pipe()
        socket.send_fds(self._line, [b"w"], [writing])
        os.close(writing)
        pid = self._line.recv(8, socket.MSG_WAITALL)
        assert pid, (
            f"the process that forks the workers has ended: {self._fork_server and self._fork_server.communicate()}"
        )
        worker = Worker(int.from_bytes(pid, "big"))
        worker.reader = threading.Thread(target=self._listen, args=(worker, reading), daemon=True)
        worker.reader.start()
        self.all.append(worker)
        self.alive.append(worker)

    def _listen(self, worker: Worker, pipe: int) -> None:
        with os.fdopen(pipe, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                now = time.monotonic()
                gone = _GONE.search(line)
                with self._guard:
                    if gone:
                        self.noticed.setdefault(int(gone["pid"]), now)
                    elif line.startswith(_READY):
                        worker.ready.set()
                    elif (
                        line.strip()
                        and "Finishing the requests in flight" not in line
                        and len(self.complaints) < _LINES
                    ):
                        self.complaints.append(line.rstrip())


def environment(*more: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a worker: this one without the developer's settings, and more."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("NOTIFYKIT_", "KWTSMS_"))}
    kept |= {
        "PYTHONPATH": f"{_INJECTED}{os.pathsep}{_TESTS}{os.pathsep}{ROOT}",
        "PYTHONUNBUFFERED": "1",
        "NO_COLOR": "1",
    }
    for settings in more:
        kept |= settings
    return kept
