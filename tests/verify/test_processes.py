"""Four processes at once on one store: each limit is kept to the message, and each code to the guess."""

from __future__ import annotations

import collections
import contextlib
import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from notifykit import Notifier, Verifier
from notifykit_kwtsms.sandbox import Rules, Sandbox
from tests.verify.conftest import NUMBER, wrong

PROCESSES = 4
ROOT = pathlib.Path(__file__).parents[2]
#: Does what it is asked once all processes are there, and answers how often it got which answer.
SCRIPT = """
import collections, json, sys
from notifykit import Notifier, Verifier

with Notifier.from_settings() as notifier, Verifier(notifier) as verifier:
    verifier.check("96559999999", "-0-")
    verifier.traffic()
    print("ready", flush=True)
    work, arguments = json.loads(sys.stdin.readline())
    if work == "check":
        found = [verifier.check(number, code).reason for number, code in arguments]
    else:
        found = [(one := verifier.start(number)).rule or one.status for number in arguments]
print(json.dumps(collections.Counter(found)))
"""


@pytest.fixture(name="sandbox")
def _sandbox() -> Iterator[Sandbox]:
    with Sandbox(rules=Rules(rate_limit=None, same_number_gap=0)) as sandbox:
        sandbox.account.change(balance=1_000_000)
        yield sandbox


@contextlib.contextmanager
def processes(variables: dict[str, str], folder: pathlib.Path) -> Iterator[list[subprocess.Popen[str]]]:
    """Start them, wait until all are ready, and end them."""
    environment = {**os.environ, **variables, "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])}
    with contextlib.ExitStack() as stack:
        started = []
        for _ in range(PROCESSES):
            process = subprocess.Popen(
                [sys.executable, "-c", SCRIPT],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=folder,
                env=environment,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            started.append(process)
        for process in started:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        yield started


def work(started: list[subprocess.Popen[str]], kind: str, arguments: list[Any]) -> collections.Counter[str]:
    """Let each do its part at once, and return the answers of all."""
    for process, part in zip(started, arguments, strict=True):
        assert process.stdin
        process.stdin.write(json.dumps([kind, part]) + "\n")
        process.stdin.flush()
    found: collections.Counter[str] = collections.Counter()
    for process in started:
        out, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        found.update(json.loads(out))
    return found


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
