"""``notifykit demo`` and ``notifykit sandbox``, as a user runs them."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator

import attrs
import pytest

from notifykit import Notifier, VirtualClock
from notifykit.cli.main import main
from tests.kwtsms.conftest import kwtsms_host

pytestmark = pytest.mark.slow

README = pathlib.Path(__file__).parents[3] / "README.md"


@attrs.frozen
class Ended:
    """A run of the program in this process."""

    #: The exit code.
    code: int
    #: Standard output.
    out: str
    #: Standard error.
    err: str


def _run(*arguments: str) -> Ended:
    """Run ``notifykit`` in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return Ended(int(ended.value.code or 0), out.getvalue(), err.getvalue())


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
def _shown() -> Ended:
    return _run("demo")


def test_the_demo_works_without_anything(shown):
    """It exits with 0, and shows each outcome with its advice."""
    assert shown.code == 0, shown.err
    for said in ("251 accepted, 3 rejected, 1 unknown", "nothing was sent twice", "at try 2", "in 2 requests"):
        assert said in shown.out
    for changed in ("(emoji)", "(Arabic-Indic digits)", "(HTML tag)", "Unicode because of"):
        assert changed in shown.out
    assert "250/250 accepted 247" in shown.err


_TIME = re.compile(r"about [0-9-]{10} [0-9:]{5}")


def test_the_readme_shows_what_the_demo_prints(shown):
    """The excerpt is real output."""
    excerpt = README.read_text(encoding="utf-8").partition("```text\n")[2].partition("```")[0]
    assert len(excerpt) > 300
    assert _TIME.sub("about TIME", excerpt) in _TIME.sub("about TIME", shown.out)


def test_the_readme_shows_what_preview_prints():
    """The phone, the meter, and the quote that makes it Unicode."""
    shown = README.read_text(encoding="utf-8").partition("$ notifykit preview ")[2]
    printed = shown.partition("\n")[2].partition("```")[0]
    assert _run("preview", "It’s " + "x" * 66).out == printed


def test_the_demo_ends_with_three_lines_for_a_real_account(shown):
    """Two exports and one line of Python that compiles."""
    lines = shown.out.rstrip().splitlines()[-3:]
    assert all(word in "".join(lines) for word in ("KWTSMS_USERNAME=", "KWTSMS_TEST_MODE=1", "from_settings"))
    compile(lines[2].partition("-c '")[2].rstrip("'"), "README", "exec")


def test_the_demo_is_one_document_with_json(tmp_path, monkeypatch):
    """And nothing beside it; settings that would break every other command do not matter."""
    (tmp_path / ".env").write_text("KWTSMS_TEST_MODE=maybe\nKWTSMS_BASE_URL=http://example.com/\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NOTIFYKIT_STRICT", "perhaps")
    ended = _run("demo", "--json")
    assert ended.code == 0, ended.err
    document = json.loads(ended.out)
    assert (document["ok"], document["v"], document["command"], document["error"]) == (True, 1, "demo", None)
    messages = document["data"]["messages"]
    assert [len(message["receipts"]) for message in messages] == [1, 1, 1, 250, 1, 1]
    assert messages[5]["receipts"][0]["outcome"] == "unknown"
    assert (messages[5]["points"], messages[5]["balance"]) == (1, 748)
    assert all(receipt["advice"] for message in messages for receipt in message["receipts"])
    assert "965987654" not in ended.out
    assert ended.err == ""


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
    """What it prints to paste is enough for another program to send, and both signals end it in order."""
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


def test_an_unknown_preset_is_refused_with_those_there_are():
    """And not with a traceback."""
    refused = _run("sandbox", "--port", "0", "--chaos", "nope")
    assert refused.code == 2
    assert "Ramadan queue" in refused.err
    assert "Traceback" not in refused.err


def test_the_sandbox_needs_a_flag_and_a_token_for_another_address():
    """Another address needs the flag and a token, and the message says so."""
    refused = _run("sandbox", "--host", "0.0.0.0", "--port", "0")
    assert refused.code == 2
    assert "token" in refused.err
    assert "Traceback" not in refused.err


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
