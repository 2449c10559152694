"""The ``notifykit`` program, and its list of plugins."""

from __future__ import annotations

import contextlib
import importlib.metadata
import io
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
from typing import Any

import attrs
import pytest

from notifykit.cli.main import main

#: A plugin that can't be imported, and one that brings a command and a sink.
BROKEN = "raise OSError('the disk\\nis full')\n"
GOOD = """
import click
from notifykit.hookspecs import hookimpl

class Audit:
    name = "audit"
    def handle(self, event): pass

@hookimpl
def notifykit_sinks(): return [Audit()]

@hookimpl
def notifykit_commands(register): register(click.Command("greet", callback=lambda: click.echo("hello")))
"""


@attrs.frozen
class Answer:
    """What the program printed, and how it ended."""

    exit_code: int
    stdout: str
    stderr: str


def run(*arguments: str) -> Answer:
    """Run the whole program inside this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as caught:
        main(["-p", "no:kwtsms", *arguments])
    assert isinstance(caught.value.code, int)
    return Answer(caught.value.code, out.getvalue(), err.getvalue())


def start(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the program as people do."""
    return subprocess.run(
        [sys.executable, "-m", "notifykit", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environment},
    )


@pytest.fixture
def installed(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """Install two plugins: one that works and one that can't be imported."""
    monkeypatch.syspath_prepend(tmp_path)
    for name, source in (("good", GOOD), ("broken", BROKEN)):
        about = tmp_path / f"{name}_plugin-1.2.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-plugin\nVersion: 1.2\n")
        (about / "entry_points.txt").write_text(f"[notifykit]\n{name} = program_{name}\n")
        (tmp_path / f"program_{name}.py").write_text(source)
        monkeypatch.delitem(sys.modules, f"program_{name}", raising=False)
    return tmp_path


def document(text: str) -> dict[str, Any]:
    """Read the one document that ``--json`` prints."""
    found: dict[str, Any] = json.loads(text)
    assert list(found) == ["ok", "v", "command", "data", "warnings", "error"]
    assert found["v"] == 1
    return found


def by_name(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the plugins of a document by their names."""
    return {plugin["name"]: plugin for plugin in found["data"]}


# --- the list of plugins ---


def test_the_list_says_of_every_plugin_how_it_is_doing_and_what_it_brings() -> None:
    """One line each, under a heading, with nothing behind the last column."""
    answer = run("plugins")
    assert answer.exit_code == 0
    lines = answer.stdout.splitlines()
    assert lines[0].split() == ["NAME", "STATUS", "FROM", "BRINGS"]
    rows = {line.split()[0]: line.split()[1:] for line in lines[1:] if line[0] != " "}
    assert set(rows) >= {"international", "smtp", "logging", "cli", "kwtsms"}
    assert rows["memory"] == ["ok", "notifykit", "transport:memory"]
    assert rows["cli"][:3] == ["ok", "notifykit", "command:send,"]
    assert rows["kwtsms"][0] == "disabled"
    assert not [line for line in lines if line != line.rstrip()]
    assert answer.stderr == ""


def test_the_list_is_one_json_document_where_that_is_asked_for() -> None:
    """Everything that is known about each plugin, in the envelope that every command has."""
    answer = run("plugins", "--json")
    found = document(answer.stdout)
    assert (answer.exit_code, found["ok"], found["command"], found["warnings"]) == (0, True, "plugins", [])
    assert by_name(found)["memory"] == {
        "name": "memory",
        "status": "ok",
        "distribution": "notifykit",
        "version": None,
        "location": "notifykit.transports.stubs:memory",
        "hooks": ["notifykit_transports"],
        "brings": ["transport:memory"],
        "off": [],
        "reason": None,
        "traceback": None,
    }
    assert by_name(found)["kwtsms"]["version"] == importlib.metadata.version("notifykit")


@pytest.mark.usefixtures("installed")
def test_a_broken_plugin_is_listed_with_its_reason_and_makes_the_exit_code() -> None:
    """The others are listed as ever; where it broke is shown on request."""
    brief, verbose = run("plugins"), run("plugins", "-v")
    assert (brief.exit_code, verbose.exit_code) == (9, 9)
    lines = brief.stdout.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("broken"))
    assert lines[at].split() == ["broken", "broken", "broken-plugin", "1.2"]
    assert [line.strip() for line in lines[at + 1 : at + 3]] == ["OSError: the disk", "is full"]
    assert all(line.startswith(" ") for line in lines[at + 1 : at + 3])
    assert "good           ok        good-plugin 1.2    sink:audit, command:greet" in lines
    assert "Traceback" not in brief.stdout
    assert "program_broken.py" in verbose.stdout


@pytest.mark.usefixtures("installed")
def test_the_json_document_holds_the_traceback_of_a_broken_plugin() -> None:
    """For a person who reads a log."""
    answer = run("plugins", "--json")
    found = document(answer.stdout)
    assert (answer.exit_code, found["ok"]) == (9, False)
    broken = by_name(found)["broken"]
    assert (broken["status"], broken["reason"]) == ("broken", "OSError: the disk\nis full")
    assert "program_broken.py" in broken["traceback"]
    assert by_name(found)["good"]["brings"] == ["sink:audit", "command:greet"]


@pytest.mark.usefixtures("installed")
def test_a_plugin_that_is_switched_off_is_listed_as_that() -> None:
    """And is not broken any more, so that the exit code is fine."""
    answer = run("-p", "no:broken", "plugins", "--json")
    assert answer.exit_code == 0
    plugin = by_name(document(answer.stdout))["broken"]
    assert (plugin["status"], plugin["reason"]) == ("disabled", "switched off by name")


@pytest.mark.usefixtures("installed")
def test_things_that_plugins_bring_can_be_switched_off_as_well() -> None:
    """A sink and a command by their own names, without a warning that nothing has them."""
    answer = run("-p", "no:broken", "-p", "no:audit", "-p", "no:greet", "plugins", "--json")
    assert (answer.exit_code, document(answer.stdout)["warnings"]) == (0, [])
    assert run("-p", "no:broken", "greet").stdout == "hello\n"
    assert run("-p", "no:broken", "-p", "no:greet", "greet").exit_code == 2


def test_a_name_that_switches_nothing_off_is_a_warning() -> None:
    """On standard error for people, and in the document."""
    answer = run("-p", "no:missing", "plugins")
    assert answer.exit_code == 0
    assert answer.stderr == "warning: nothing is named missing, so nothing was switched off\n"
    found = document(run("-p", "no:missing", "plugins", "--json").stdout)
    assert found["warnings"] == ["nothing is named missing, so nothing was switched off"]


@pytest.mark.usefixtures("installed")
def test_the_settings_switch_plugins_off_for_the_program_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin that is not to be loaded does not bring its commands either."""
    monkeypatch.setenv("NOTIFYKIT_DISABLE", "good, broken")
    assert run("greet").exit_code == 2
    plugins = by_name(document(run("plugins", "--json").stdout))
    assert [plugins[name]["status"] for name in ("good", "broken")] == ["disabled", "disabled"]
    monkeypatch.setenv("NOTIFYKIT_DISABLE", "")
    monkeypatch.setenv("NOTIFYKIT_ALLOW", "good")
    plugins = by_name(document(run("plugins", "--json").stdout))
    assert [plugins[name]["status"] for name in ("good", "broken")] == ["ok", "disabled"]
    assert plugins["broken"]["reason"] == "not on the allow-list"


def test_settings_that_cant_be_read_are_warnings_of_the_list(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list is what people look at when something is wrong, so it comes all the same."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("NOTIFYKIT_TIMEOUT=soon\nNOTIFYKIT_CLEANERS=polish\n")
    answer = run("plugins", "--json")
    warnings = document(answer.stdout)["warnings"]
    assert answer.exit_code == 0
    assert [warning.split(" ")[0] for warning in warnings] == ["NOTIFYKIT_TIMEOUT", "cleaners:"]


# --- the program ---


def test_the_version_says_what_a_bug_report_needs() -> None:
    """Its own, Python's and urllib3's."""
    versions = importlib.metadata.version("notifykit"), platform.python_version(), importlib.metadata.version("urllib3")
    answer = run("--version")
    assert (answer.exit_code, answer.stdout) == (0, "notifykit {} (Python {}, urllib3 {})\n".format(*versions))


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_lists_the_commands(option: str) -> None:
    """Each with the first sentence about it."""
    answer = run(option)
    assert answer.exit_code == 0
    assert re.search("plugins +List plugins: what works, what is switched off", answer.stdout)
    assert "-p no:NAME" in answer.stdout


@pytest.mark.parametrize("typed", ["plugin", "plugsin", "Plugins"])
def test_a_command_that_is_not_there_is_guessed(typed: str) -> None:
    """Nothing is run; the near one is named."""
    answer = run(typed)
    assert answer.exit_code == 2
    assert f"There is no command {typed!r}. Did you mean `notifykit plugins`?" in answer.stderr
    assert answer.stdout == ""


def test_a_command_that_is_like_no_other_gets_the_way_to_the_list() -> None:
    """A far-fetched guess would only mislead."""
    answer = run("qqqq")
    assert answer.exit_code == 2
    assert "`notifykit --help` lists what there is" in answer.stderr


@pytest.mark.parametrize("option", ["kwtsms", "no:", "", "yes:kwtsms"])
def test_an_option_that_switches_nothing_off_is_an_error(option: str) -> None:
    """A forgotten ``no:`` is an error, so that no one believes that it worked."""
    answer = run("-p", option, "plugins")
    assert answer.exit_code == 2
    assert "no:NAME" in answer.stderr


def test_two_plugins_of_one_name_end_the_program_with_both_names(installed: pathlib.Path) -> None:
    """In one sentence on standard error, in the document where one is asked for, and never as a traceback."""
    (installed / "good_plugin-1.2.dist-info" / "entry_points.txt").write_text("[notifykit]\nbroken = program_good\n")
    answer = run("plugins")
    assert (answer.exit_code, answer.stdout) == (9, "")
    assert answer.stderr.startswith("notifykit: plugin 'broken': two plugins have this name: broken-plugin brings")
    assert "good-plugin brings program_good" in answer.stderr
    answer = run("plugins", "--json")
    found = document(answer.stdout)
    assert (answer.exit_code, found["ok"], found["command"], found["data"]) == (9, False, "plugins", None)
    assert found["error"]["kind"] == "PluginError"
    assert "good-plugin" in found["error"]["message"]


def test_a_program_without_a_command_says_what_is_set_up() -> None:
    """And what to type next."""
    answer = run()
    assert (answer.exit_code, answer.stderr) == (0, "")
    assert "transport  none yet" in answer.stdout
    assert "notifykit demo" in answer.stdout


def test_it_runs_as_a_module(installed: pathlib.Path) -> None:
    """``python -m notifykit`` is the program, in a process of its own."""
    listed = start(
        "-p", "no:kwtsms", "plugins", "--json", PYTHONPATH=os.pathsep.join([str(installed), *filter(None, sys.path)])
    )
    assert listed.returncode == 9, listed.stderr
    assert by_name(document(listed.stdout))["broken"]["status"] == "broken"


def test_a_misspelled_command_has_a_guess_and_the_version_is_printed() -> None:
    """In this process, as the tests above."""
    wrong = run("plugin")
    assert (wrong.exit_code, wrong.stdout) == (2, "")
    assert "Did you mean `notifykit plugins`?" in wrong.stderr
    assert run("--version").stdout.startswith("notifykit ")


def test_hook_calls_can_be_watched() -> None:
    """Who wonders what happens at start-up sees each hook and what came back, beside the answer."""
    answer = run("plugins", "--trace")
    assert answer.exit_code == 0
    assert "notifykit_sinks" in answer.stderr
    assert "finish notifykit_sinks" in answer.stderr
    assert "NAME" in answer.stdout.splitlines()[0]
