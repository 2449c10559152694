"""``notifykit demo`` and ``notifykit sandbox``, as a user runs them."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator

import pytest

from notifykit import Notifier, VirtualClock
from tests.kwtsms.conftest import kwtsms_host

README = pathlib.Path(__file__).parents[3] / "README.md"


def _run(*arguments: str, **options) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "notifykit", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)


@contextlib.contextmanager
def _running(*arguments: str, until: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "notifykit", *arguments]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as process:
        printed = ""
        try:
            for line in process.stdout:
                printed += line
                if until in line:
                    break
            yield process, printed
        finally:
            process.kill()


@pytest.fixture(name="shown", scope="module")
def _shown() -> subprocess.CompletedProcess[str]:
    return _run("demo")


def test_the_demo_works_without_anything(shown):
    """It exits with 0, and shows each outcome with its advice."""
    assert shown.returncode == 0, shown.stderr
    for said in ("251 accepted, 3 rejected, 1 unknown", "nothing was sent twice", "at try 2", "in 2 requests"):
        assert said in shown.stdout
    for changed in ("(emoji)", "(Arabic-Indic digits)", "(HTML tag)", "Unicode because of"):
        assert changed in shown.stdout
    assert "250/250 accepted 247" in shown.stderr


def test_the_readme_shows_what_the_demo_prints(shown):
    """The excerpt is real output."""
    excerpt = README.read_text(encoding="utf-8").partition("```text\n")[2].partition("```")[0]
    assert len(excerpt) > 300
    assert excerpt in shown.stdout


def test_the_readme_shows_what_preview_prints():
    """The phone, the meter, and the quote that makes it Unicode."""
    shown = README.read_text(encoding="utf-8").partition("$ notifykit preview ")[2]
    printed = shown.partition("\n")[2].partition("```")[0]
    assert _run("preview", "It’s " + "x" * 66).stdout == printed


def test_the_demo_ends_with_three_lines_for_a_real_account(shown):
    """Two exports and one line of Python that compiles."""
    lines = shown.stdout.rstrip().splitlines()[-3:]
    assert all(word in "".join(lines) for word in ("KWTSMS_USERNAME=", "KWTSMS_TEST_MODE=1", "from_settings"))
    compile(lines[2].partition("-c '")[2].rstrip("'"), "README", "exec")


def test_the_demo_is_one_document_with_json(shown):
    """The same as one JSON document on standard output, and nothing beside it."""
    done = _run("demo", "--json")
    assert done.returncode == 0
    document = json.loads(done.stdout)
    assert (document["ok"], document["v"], document["command"], document["error"]) == (True, 1, "demo", None)
    messages = document["data"]["messages"]
    assert [len(message["receipts"]) for message in messages] == [1, 1, 1, 250, 1, 1]
    assert messages[5]["receipts"][0]["outcome"] == "unknown"
    assert (messages[5]["points"], messages[5]["balance"]) == (1, 748)
    assert all(receipt["advice"] for message in messages for receipt in message["receipts"])
    assert "965987654" not in done.stdout
    assert done.stderr == ""


def test_the_demo_reads_no_configuration_of_anybody(tmp_path):
    """Settings that would break every other command don't touch it."""
    (tmp_path / ".env").write_text("KWTSMS_TEST_MODE=maybe\nKWTSMS_BASE_URL=http://example.com/\n")
    done = _run("demo", "--json", cwd=tmp_path, env={**os.environ, "NOTIFYKIT_STRICT": "perhaps"})
    assert done.returncode == 0, done.stderr


def test_the_demo_can_stay():
    """``--stay`` leaves the gateway running and says how to use it, until it is interrupted."""
    with _running("demo", "--stay", until="KWTSMS_BASE_URL") as (process, printed):
        url = printed.rpartition("KWTSMS_BASE_URL=")[2].strip().removesuffix("/API/")
        with urllib.request.urlopen(f"{url}/readyz") as ready:
            assert ready.status == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_the_sandbox_runs_as_a_program(end):
    """What it prints to paste is enough for another program to send, and it ends politely."""
    with _running("sandbox", "--port", "0", until="Ctrl-C ends it") as (process, printed):
        environment = dict(
            line.removeprefix("  export ").split("=", 1) for line in printed.splitlines() if "export" in line
        )
        with Notifier.from_settings(environment=environment, host=kwtsms_host(), clock=VirtualClock()) as notifier:
            assert len(notifier.send("96598765432", "Your code is 123456").accepted) == 1
        url = environment["KWTSMS_BASE_URL"].removesuffix("API/")
        with urllib.request.urlopen(f"{url}sandbox/otp?to=96598765432") as answer:
            assert "123456" in answer.read().decode()
        assert "queued (test)  MY-APP → 96598765432  1 point  'Your code is 123456'" in process.stdout.readline()
        process.send_signal(end)
        assert process.wait(20) == 0


def test_a_preset_that_is_none_is_told_with_those_there_are():
    """And not with a traceback."""
    refused = _run("sandbox", "--port", "0", "--chaos", "nope")
    assert refused.returncode == 2
    assert "Ramadan queue" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_the_sandbox_stays_on_this_machine_unless_told_twice():
    """Another address needs the flag and a token, and the message says so."""
    refused = _run("sandbox", "--host", "0.0.0.0", "--port", "0")
    assert refused.returncode == 2
    assert "token" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("command", ["demo", "sandbox"])
def test_without_the_extra_the_program_says_what_to_install(command):
    """Everything else of the plugin still works, and the message is one line to paste."""
    script = f"""
import sys
sys.modules["werkzeug"] = None
from notifykit.cli.main import main
main(["{command}"])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith('notifykit: the sandbox needs Werkzeug: pip install "notifykit[sandbox]"\n')
    assert "Traceback" not in done.stderr
