"""All commands at once: what every one of them has, and that the reference says everything there is."""

from __future__ import annotations

import json
import pathlib
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator

import click
import pytest

from notifykit.cli.main import program
from notifykit.cli.options import LazyCommand
from notifykit.plugins import PluginHost
from notifykit_kwtsms import plugin
from notifykit_kwtsms.sandbox import Sandbox
from tests.cli.conftest import ROOT, Run, environment, start, terminal

REFERENCE = ROOT / "docs" / "reference" / "cli.md"
COMMON = {"--json", "--quiet", "--verbose", "--color", "--env-file", "--no-plugins"}


def walk(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    """Yield a command and everything below it, with its name."""
    command = command.load() if isinstance(command, LazyCommand) else command
    yield name, command
    if isinstance(command, click.Group):
        for below, inner in command.commands.items():
            yield from walk(inner, f"{name} {below}")


def every_command() -> dict[str, click.Command]:
    """Return all commands of the two packages, by their names."""
    host = PluginHost(entry_points=False)
    host.register(plugin, "kwtsms")
    return {path: inner for name, (command, _) in host.commands().items() for path, inner in walk(command, name)}


EVERY = every_command()


def options(command: click.Command) -> set[str]:
    """Return the long names of a command's options."""
    found = (option for option in command.params if isinstance(option, click.Option))
    return {name for option in found for name in option.opts if name.startswith("--")}


@pytest.mark.parametrize("name", EVERY)
def test_every_command_has_the_common_options_and_a_sentence(name: str) -> None:
    """No command is an exception."""
    command = EVERY[name]
    assert options(command) >= COMMON
    assert command.help
    assert all(param.help for param in command.params if isinstance(param, click.Option) and param.name != "version")


@pytest.mark.parametrize("name", ["", *(name for name, command in EVERY.items() if isinstance(command, click.Group))])
def test_no_sentence_in_a_list_of_commands_is_cut(run: Run, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """However narrow the terminal is."""
    monkeypatch.setenv("COLUMNS", "60")
    listed = run(*name.split(), "--help").out.partition("\nCommands:\n")[2]
    below = [path for path in EVERY if path.rpartition(" ")[0] == name]
    assert below
    words = " ".join(listed.split())
    missing = [path for path in below if EVERY[path].get_short_help_str(1000) not in words]
    assert missing == []


def test_an_interrupt_is_a_document_for_programs_too(gateway: Sandbox) -> None:
    """Of any command, with a message: an empty one explains nothing."""
    gateway.chaos("ERR013", endpoint="balance", delay=20)
    with terminal("doctor", "--online", "--json") as shown:
        ends = time.monotonic() + 20
        while not gateway.requests:
            assert shown.process.poll() is None, shown.shown
            assert time.monotonic() < ends
            time.sleep(0.01)
        shown.interrupt()
        assert shown.end() == 130
    document = json.loads(shown.shown[shown.shown.index("{") : shown.shown.rindex("}") + 1])
    assert document["error"] == {"kind": "Interrupted", "message": "Interrupted."}


@pytest.mark.parametrize("name", EVERY)
def test_every_command_and_every_option_is_in_the_reference(name: str) -> None:
    """And its examples are there to be typed."""
    text = REFERENCE.read_text(encoding="utf-8")
    assert re.search(rf"`{name}[ `]", text), name
    missing = {option for option in options(EVERY[name]) if f"`{option}" not in text}
    assert missing == set()


def test_the_options_of_the_program_are_in_the_reference() -> None:
    """Those before the command's name too."""
    text = REFERENCE.read_text(encoding="utf-8")
    assert {option for option in options(program) if f"`{option}" not in text} == set()
    assert "`-p no:NAME`" in text


#: Command lines, and the exit codes that they have.
LINES = (
    ("", 0),
    ("send 96598765432 Hello", 0),
    ("send 96598765432 abc Hello", 3),
    ("send 96545000003 Hello", 4),
    ("send 96545006009 Hello", 6),
    ("send 96545000011 Hello", 7),
    ("send 96598765432 Hello --dry-run", 0),
    ("send 96598765432 Hello --offline", 0),
    ("send", 2),
    ("preview Hello", 0),
    ("explain ERR001", 0),
    ("explain 96598765432", 0),
    ("explain 22456789", 3),
    ("explain Hello", 0),
    ("validate 96598765432", 0),
    ("validate 96598765432 --remote", 0),
    ("validate 1", 3),
    ("log tail", 2),
    ("config", 0),
    ("config get timeout", 0),
    ("config path", 0),
    ("doctor", 0),
    ("doctor --online", 0),
    ("plugins", 0),
    ("completion bash", 0),
    ("help", 0),
    ("help json", 0),
    ("sned", 2),
    ("preview Hello --via pigeon", 9),
    ("preview --no-such-option", 2),
    ("send 96598765432 Hello --via pigeon", 9),
    ("send 96598765432 Hello --live", 2),
    ("preview Hello --to abc", 3),
    ("validate", 2),
    ("log stats --by nothing", 2),
)


@pytest.mark.parametrize(("line", "code"), LINES)
def test_json_is_one_document_and_keeps_the_exit_code(gateway: Sandbox, run: Run, line: str, code: int) -> None:
    """Before the command's name and behind it; an error is in the document too."""
    words = shlex.split(line)
    plain = run(*words)
    assert plain.code == code
    for arguments in ([*words, "--json"], ["--json", *words]):
        answer = run(*arguments)
        assert answer.code == code
        assert answer.document["ok"] == (code == 0)
        assert answer.document["command"] == (words[0] if words and words[0] in EVERY else "notifykit")
        if code == 2:
            assert answer.document["error"]["message"]
            assert answer.document["error"]["next"].startswith(("notifykit", "the same command with --yes"))


@pytest.mark.parametrize("line", [line for line, code in LINES if code == 2])
def test_every_error_ends_with_the_next_command(gateway: Sandbox, run: Run, line: str) -> None:
    """To type, and nothing on standard output."""
    answer = run(*shlex.split(line))
    assert answer.out == ""
    assert answer.err.splitlines()[-1].startswith(("Next: notifykit", "Next: the same command with --yes"))


@pytest.mark.parametrize(
    ("line", "then"),
    [
        ("log stats --bad", "notifykit log stats --help"),
        ("log tail -n x", "notifykit log tail --help"),
        ("log", "notifykit log --help"),
    ],
)
def test_an_error_points_at_the_help_of_its_own_command(run: Run, line: str, then: str) -> None:
    """Not at that of the group around it."""
    assert run(*shlex.split(line)).err.endswith(f"Next: {then}\n")


@pytest.mark.parametrize("line", ["explain ERR999", "send --bad 1 x", "--bad", "config get zzz"])
def test_what_is_like_nothing_is_not_guessed(run: Run, line: str) -> None:
    """An absurd guess is worse than none."""
    answer = run(*shlex.split(line))
    assert answer.code == 2
    assert "Did you mean" not in answer.err


def test_guesses_do_not_look_at_the_case(run: Run) -> None:
    """A word in capitals is meant all the same."""
    assert "Did you mean `notifykit send`?" in run("SEND", "1", "x").err


@pytest.mark.parametrize(
    ("line", "near"),
    [
        ("snd x y", "notifykit send"),
        ("valdate 1", "notifykit validate"),
        ("preview x --messge-file y", "--message-file"),
        ("log tial", "tail"),
        ("completion bsh", "bash"),
    ],
)
def test_slips_of_the_finger_are_guessed(run: Run, line: str, near: str) -> None:
    """Commands and options."""
    answer = run(*shlex.split(line))
    assert answer.code == 2
    assert near in answer.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_gives_a_script(run: Run, shell: str) -> None:
    """That asks the program itself."""
    answer = run("completion", shell)
    assert "_NOTIFYKIT_COMPLETE" in answer.out


def test_completion_completes() -> None:
    """As bash asks for it: the commands that begin so."""
    done = start(
        _NOTIFYKIT_COMPLETE="bash_complete",
        COMP_WORDS="notifykit pre",
        COMP_CWORD="1",
    )
    assert done.stdout.split() == [b"plain,preview"]


# --- the reference is true ---

BLOCKS = re.findall(r"^```console\n(.*?)^```", REFERENCE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def examples() -> Iterator[tuple[str, str]]:
    """Yield the command lines of the reference, each with the output that it promises."""
    for block in BLOCKS:
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, _, expected = part.partition("\n")
            yield line, expected


def test_every_example_of_the_reference_answers_as_it_says(
    gateway: Sandbox, run: Run, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In their order, in one folder, against one gateway; ``…`` stands for anything."""
    monkeypatch.chdir(tmp_path)
    count = 0
    for line, expected in examples():
        if line.startswith("export "):
            name, _, value = line.removeprefix("export ").partition("=")
            monkeypatch.setenv(name, value)
            continue
        out = _example_output(run, line)
        pattern = re.escape(expected).replace("…", "(?:.|\n)*?")
        assert re.fullmatch(pattern, out), f"{line}\n{out}"
        count += 1
    assert count > 15


def _example_output(run: Run, line: str) -> str:
    """Run one line as a shell does: in this process if it is one command, with what bash adds to it."""
    plain = re.fullmatch(r"notifykit( .*?)?( > \S+)?( \|\| echo \"exit code \$\?\")?", line)
    if plain is None or " | " in line:
        return _in_a_shell(line)
    answer = run(*shlex.split(plain[1] or ""))
    out = answer.out
    if plain[2]:
        pathlib.Path(plain[2].removeprefix(" > ")).write_text(out, encoding="utf-8")
        out = ""
    return f"{out}exit code {answer.code}\n" if plain[3] and answer.code else out


def _in_a_shell(line: str) -> str:
    script = f'notifykit() {{ "{sys.executable}" -m notifykit "$@"; }}\n{line}'
    done = subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        check=False,
        timeout=60,
        env=environment(),
        stdin=subprocess.DEVNULL,
    )
    return done.stdout.decode("utf-8")
