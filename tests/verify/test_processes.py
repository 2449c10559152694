"""Four processes at once on one store: each limit is kept to the message, and each code to the guess."""

from __future__ import annotations

import collections
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from notifykit import Notifier, Verifier
from notifykit_kwtsms.sandbox import Rules, Sandbox
from tests.verify.conftest import NUMBER, wrong

pytestmark = pytest.mark.slow

PROCESSES = 4
ROOT = pathlib.Path(__file__).parents[2]
#: Forks the processes once everything is imported, lets each do its part as soon as all are ready, and answers how often
#: they got which answer.
SCRIPT = """
import collections, json, multiprocessing, sys
from notifykit import Notifier, Verifier
import notifykit.verify.database, notifykit_kwtsms.transport, notifykit.http.pool

def child(line):
    with Notifier.from_settings() as notifier, Verifier(notifier) as verifier:
        verifier.check("96559999999", "-0-")
        verifier.traffic()
        line.send("ready")
        work, arguments = line.recv()
        if work == "check":
            found = [verifier.check(number, code).reason for number, code in arguments]
        else:
            found = [str((one := verifier.start(number)).rule or one.status) for number in arguments]
    line.send(dict(collections.Counter(map(str, found))))

context = multiprocessing.get_context("fork")
lines = []
for _ in range(int(sys.argv[1])):
    here, there = context.Pipe()
    context.Process(target=child, args=(there,), daemon=True).start()
    there.close()
    lines.append(here)
assert [line.recv() for line in lines] == ["ready"] * len(lines)
print("ready", flush=True)
work, parts = json.loads(sys.stdin.readline())
for line, part in zip(lines, parts, strict=True):
    line.send((work, part))
print(json.dumps(sum((collections.Counter(line.recv()) for line in lines), collections.Counter())))
"""


@pytest.fixture(name="sandbox")
def _sandbox() -> Iterator[Sandbox]:
    with Sandbox(rules=Rules(rate_limit=None, same_number_gap=0)) as sandbox:
        sandbox.account.change(balance=1_000_000)
        yield sandbox


@contextlib.contextmanager
def processes(variables: dict[str, str], folder: pathlib.Path) -> Iterator[subprocess.Popen[str]]:
    """Start them, wait until all are ready, and end them."""
    environment = {**os.environ, **variables, "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])}
    command = [sys.executable, "-c", SCRIPT, str(PROCESSES)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=folder, env=environment, start_new_session=True, **pipes) as started:
        try:
            assert started.stdout
            assert started.stdout.readline() == "ready\n"
            yield started
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(started.pid, signal.SIGKILL)


def work(started: subprocess.Popen[str], kind: str, parts: list[Any]) -> collections.Counter[str]:
    """Let each do its part at once, and return the answers of all."""
    out, _ = started.communicate(json.dumps([kind, parts]) + "\n", timeout=300)
    assert started.returncode == 0
    return collections.Counter(json.loads(out))


@pytest.fixture(name="variables")
def _variables(shared_environment: dict[str, str], sandbox: Sandbox) -> dict[str, str]:
    return {**shared_environment, **sandbox.env, "KWTSMS_RATE": "4", "NOTIFYKIT_VERIFY_APP": "MYAPP"}


def started_code(variables: dict[str, str], folder: pathlib.Path, sandbox: Sandbox) -> str:
    """Send a code to the number and return it."""
    with Notifier.from_settings(environment=variables, directory=folder) as notifier, Verifier(notifier) as verifier:
        assert verifier.start(NUMBER).status == "sent"
    return sandbox.otp(NUMBER)


def test_four_who_guess_have_five_guesses_together(
    variables: dict[str, str], tmp_path: pathlib.Path, sandbox: Sandbox
) -> None:
    """Whoever of them has the right code last is too late."""
    code = started_code(variables, tmp_path, sandbox)
    guesses = [[(NUMBER, wrong(code))] * 20 + [(NUMBER, code)]] * PROCESSES
    with processes(variables, tmp_path) as started:
        found = work(started, "check", guesses)
    assert found == {"wrong": 5, "too_many": PROCESSES * 21 - 5}


def test_of_four_who_have_the_code_one_is_let_in(
    variables: dict[str, str], tmp_path: pathlib.Path, sandbox: Sandbox
) -> None:
    """The others learn that it was used, or have no guess left."""
    code = started_code(variables, tmp_path, sandbox)
    with processes(variables, tmp_path) as started:
        found = work(started, "check", [[(NUMBER, code)]] * PROCESSES)
    assert found["correct"] == 1
    assert set(found) <= {"correct", "used", "too_many"}


def test_four_who_send_keep_the_limits_together(
    variables: dict[str, str], tmp_path: pathlib.Path, sandbox: Sandbox
) -> None:
    """Twelve messages to a prefix, whoever asks, and one to each number."""
    limited = {**variables, "NOTIFYKIT_VERIFY_PER_PREFIX": "12/1h"}
    people = [str(96550000000 + place) for place in range(20)]
    with processes(limited, tmp_path) as started:
        found = work(started, "start", [people] * PROCESSES)
    assert found["sent"] == 12
    assert set(found) <= {"sent", "waits", "per_prefix"}
    sent = collections.Counter(message.to for message in sandbox.messages)
    assert sum(sent.values()) == 12
    assert set(sent.values()) == {1}
