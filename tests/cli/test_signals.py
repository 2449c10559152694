"""What ends a send from outside, and a standard output that can't be written: what was sent is always said."""

from __future__ import annotations

import contextlib
import pathlib
import shlex
import signal
import subprocess
import sys
from types import FrameType
from typing import Any, Final

import pytest

import notifykit
from notifykit.cli import signals
from notifykit.pipeline.clock import SystemClock
from notifykit_kwtsms.sandbox import Sandbox
from tests.cli.conftest import Run, command, environment

pytestmark = pytest.mark.slow

#: A number whose request is not answered.
SILENT: Final = "96545003100"
FULL: Final = pathlib.Path("/dev/full")
ROOT: Final = pathlib.Path(notifykit.__file__).parent


def shell(redirected: str, program: str = "notifykit") -> subprocess.CompletedProcess[bytes]:
    """Send to one number from a shell that redirects the output."""
    words = [sys.executable, "-m", program, "send", "96598765432", "Hello"]
    return subprocess.run(
        ["sh", "-c", f"{shlex.join(words)} {redirected}"],
        capture_output=True,
        check=False,
        timeout=60,
        env=environment(),
    )


@pytest.mark.parametrize(
    "redirected", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-", *([">/dev/full"] if FULL.exists() else [])]
)
def test_the_exit_code_is_that_of_the_message_where_the_output_can_not_be_written(
    gateway: Sandbox, redirected: str
) -> None:
    """Cron repeats what fails. A full disk is said in one line."""
    done = shell(redirected)
    assert len(gateway.messages) == 1
    assert done.returncode == 0
    assert b"Traceback" not in done.stdout + done.stderr
    said = [line for line in done.stderr.splitlines() if b"standard output" in line]
    assert len(said) == (redirected == ">/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="there is no full device here")
@pytest.mark.parametrize(
    "arguments", [["--version"], ["--help"], ["plugins"], ["send", "96598765432", "Hello", "--json"]]
)
def test_no_command_ends_with_a_traceback_over_a_full_disk(gateway: Sandbox, arguments: list[str]) -> None:
    """Neither those that print with click."""
    with FULL.open("w") as full:
        done = subprocess.run(
            command(*arguments), stdout=full, stderr=subprocess.PIPE, check=False, timeout=60, env=environment()
        )
    assert done.returncode == 0
    assert done.stderr.count(b"standard output can't be written") == 1
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
    ids=str,
)
def test_what_ends_a_send_gets_the_summary(gateway: Sandbox, number: signal.Signals, code: int) -> None:
    """Ctrl-C, systemd and Kubernetes, a lost terminal: each has an exit code of its own."""
    process = subprocess.Popen(
        command("send", SILENT, "Hello"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    )
    with process:
        while not gateway.requests:
            assert process.poll() is None
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
    assert process.returncode == code
    assert b"Interrupted: 0 done, 0 accepted; the request in flight may have been sent." in err
    assert b"Traceback" not in err


def test_a_signal_that_is_ignored_stays_ignored(gateway: Sandbox) -> None:
    """Under nohup, a lost terminal ends nothing."""
    process = subprocess.Popen(
        ["sh", "-c", f"trap '' HUP; exec {shlex.join(command('send', SILENT, 'Hello', '--deadline', '1.5'))}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    with process:
        while not gateway.requests:
            assert process.poll() is None
        process.send_signal(signal.SIGHUP)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 6, (out, err)


#: How many lines are run from the start of the send to its wait, about; and at how many of them it is interrupted.
MOMENTS: Final = 2400
TRIED: Final = 24


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a socket that was just made
@pytest.mark.parametrize("moment", [*range(40, MOMENTS, MOMENTS // TRIED), sys.maxsize])
def test_an_interrupt_at_any_moment_gets_the_summary(
    gateway: Sandbox, run: Run, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    """Between the answer and the wait, in a sink, in a guard: at the line of ours that is as many lines behind the start."""
    passed = 0
    begun = False

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal passed, begun
        begun = begun or frame.f_code is signals.interrupts.__code__
        if begun and frame.f_code.co_filename.startswith(str(ROOT)):
            passed += event == "line"
            if passed == moment and signal.getsignal(signal.SIGINT) is signals._receive:
                passed += 1
                signal.raise_signal(signal.SIGINT)
        return trace

    monkeypatch.setattr(SystemClock, "sleep", lambda clock, seconds: signal.raise_signal(signal.SIGINT))
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        answer = run("send", "96545000013", "Hello")
    finally:
        sys.settrace(before)
    assert answer.code == 130
    assert "Interrupted: " in answer.err


def test_a_signal_during_the_summary_does_not_disturb_it() -> None:
    """The third one does: whoever sends it wants the program to end."""
    with signals.handled():
        assert signals.interrupts(lambda: signal.raise_signal(signal.SIGTERM))
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert signals.exit_code(130) == 143
        assert signals.exit_code(0) == 0


def test_a_signal_whose_exception_was_lost_is_raised_again() -> None:
    """Python drops what is raised in a destructor."""

    def work() -> None:
        with contextlib.suppress(BaseException):
            signal.raise_signal(signal.SIGINT)
        signals.raise_received()

    with signals.handled():
        assert signals.interrupts(work)
