"""Streams: colours, terminals, pipes, consoles, and questions without a terminal."""

from __future__ import annotations

import datetime
import json
import subprocess
import sys

import pytest

from notifykit.cli.output import print_answer
from notifykit.models.message import Edit
from notifykit.redaction import Secret
from notifykit_kwtsms.sandbox import Sandbox
from tests.cli.conftest import Run, command, environment, on_terminal, start

ESCAPE = "\x1b["


@pytest.mark.parametrize(
    ("options", "environment", "colored"),
    [
        ((), {}, True),
        ((), {"NO_COLOR": "1"}, False),
        ((), {"NO_COLOR": ""}, True),
        ((), {"TERM": "dumb"}, False),
        (("--color", "never"), {}, False),
        (("--color", "always"), {"NO_COLOR": "1"}, True),
    ],
)
def test_colour_on_a_terminal(options: tuple[str, ...], environment: dict[str, str], colored: bool) -> None:
    """The option, then NO_COLOR where it is not empty, then what the terminal is."""
    code, shown = on_terminal("preview", "Hello", *options, **environment)
    assert code == 0
    assert (ESCAPE in shown) == colored


@pytest.mark.parametrize(
    ("options", "environment", "colored"),
    [
        ((), {}, False),
        ((), {"FORCE_COLOR": "1"}, True),
        ((), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (("--color=always",), {}, True),
        (("--color=never",), {"FORCE_COLOR": "1"}, False),
    ],
)
def test_colour_in_a_pipe(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    environment: dict[str, str],
    colored: bool,
) -> None:
    """None, unless it is asked for."""
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert (ESCAPE in run("preview", "Hello", *options).out) == colored
    assert (ESCAPE in run(*options, "preview", "Hello").out) == colored


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "mode       TEST"),
        (["config"], "kwtsms.password"),
        (["doctor", "--online"], "the gateway takes the credentials"),
        (["send", "96545000003", "Hello"], "Next: notifykit explain ERR003"),
        (["validate", "96598765432", "--remote"], "96598765432  KW"),
        (["send", "96598765432", "Hello", "--offline"], '"password": "****"'),
    ],
)
def test_a_person_at_a_terminal_sees_the_answer_and_no_password(gateway: Sandbox, words: list[str], said: str) -> None:
    """The same program that scripts have; colours do not tear words apart."""
    _, shown = on_terminal(*words, NO_COLOR="1")
    assert said in shown
    assert "Traceback" not in shown


def test_json_is_json_whatever_the_console(gateway: Sandbox) -> None:
    """Characters that it lacks are JSON's own escapes, those beyond the first plane too."""
    done = start("explain", "رمز 𝕏", "--json", PYTHONIOENCODING="ascii")
    assert json.loads(done.stdout)["data"]["forced"][0]["characters"][0]["character"] == "ر"
    done.stdout.decode("ascii")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp1256", "utf-8"])
@pytest.mark.parametrize(
    "words", [["send", "96598765432", "رمز “1” 🎉"], ["explain", "رمز “1” 🎉"], ["send", "abc", "رمز"]]
)
def test_no_console_gets_a_traceback(gateway: Sandbox, run: Run, encoding: str, words: list[str]) -> None:
    """Whatever it can't show."""
    answer = run(*words, encoding=encoding)
    assert answer.code in (0, 1)
    assert "Traceback" not in answer.err
    assert answer.out


def test_quiet_leaves_out_the_conversation_and_not_the_warning(gateway: Sandbox, run: Run) -> None:
    """That it is a test is always said."""
    answer = run("send", "96598765432", "96598765433", "Hello", "-q")
    assert answer.err.startswith("Test mode")
    assert "2/2" not in answer.err
    assert "2 rejected" not in run("-q", "validate", "1", "2").err


def test_a_question_is_no_question_without_a_terminal(gateway: Sandbox) -> None:
    """Nothing waits: standard input may be open for ever."""
    done = start("send", "96598765432", "96598765433", "Hello", "--live", stdin=b"y\n")
    assert done.returncode == 2
    assert gateway.messages == ()


def test_a_reader_who_goes_away_does_not_change_what_happened(gateway: Sandbox) -> None:
    """The message is sent, and the exit code says so."""
    with subprocess.Popen(
        command("send", "96598765432", "Hello"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    ) as process:
        process.stdout.close()
        assert process.wait(timeout=30) == 0
        assert b"Traceback" not in process.stderr.read()
    assert len(gateway.messages) == 1


def test_a_log_handler_that_has_standard_error_already_goes_on() -> None:
    """A program that starts the command line itself has set up its log before."""
    program = """
import logging, sys
logging.getLogger("notifykit").addHandler(logging.StreamHandler())
from notifykit.cli.main import main
try:
    main(["--version"])
finally:
    logging.getLogger("notifykit").warning("a line of the log")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment(), timeout=60, check=True
    )
    assert done.stdout.startswith("notifykit")
    assert done.stderr.splitlines()[-1] == "a line of the log"


def test_a_log_on_standard_output_leaves_the_answer_of_a_command_alone(gateway: Sandbox) -> None:
    """A container has one setting for the program and for the commands in it; a command's answer is read by scripts."""
    done = start("send", "96598765432", "Hello", "--json", NOTIFYKIT_LOG_FILE="-")
    assert json.loads(done.stdout)["ok"] is True
    rows = [json.loads(line) for line in done.stderr.splitlines() if line.startswith(b"{")]
    assert [row["event"] for row in rows] == ["message_planned", "attempt_finished", "send_finished"]
    assert start("doctor", NOTIFYKIT_LOG_FILE="-").stdout.count(b"on the standard stream -") == 1
    done = start("log", "tail", NOTIFYKIT_LOG_FILE="-")
    assert done.returncode == 2
    assert b"is not there: give --file" in done.stderr or b"no log is set up" in done.stderr


def test_a_document_takes_models_and_times_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    """Also inside each other; a secret is an error, which does not show it."""
    at = datetime.datetime(2026, 6, 1, 9, tzinfo=datetime.UTC)
    code = print_answer("look", {"at": at, "edits": (Edit(0, 1, "a", "b", "why", "who"),)}, as_json=True, code=3)
    shown = json.loads(capsys.readouterr().out)
    assert (code, shown["ok"], shown["data"]["at"]) == (3, False, "2026-06-01T09:00:00+00:00")
    assert shown["data"]["edits"] == [
        {"start": 0, "end": 1, "before": "a", "after": "b", "reason": "why", "cleaner": "who"}
    ]
    with pytest.raises(ValueError, match="attrs") as raised:
        print_answer("look", Secret("hunter2"), as_json=True)
    assert "hunter2" not in str(raised.value)


def test_an_answer_for_people_has_its_warnings_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """Each line alone or with its style, and the document nowhere."""
    assert print_answer("look", {"a": 1}, ["one", ("two", "bad")], ["late"], as_json=False) == 0
    assert capsys.readouterr() == ("one\ntwo\n", "warning: late\n")
