"""The list of commands: what the program and its plugins say of commands that are not imported yet."""

from __future__ import annotations

import pathlib
import sys

import pytest
from click.testing import CliRunner

from notifykit.cli.main import program
from notifykit.cli.options import LazyCommand, begin
from notifykit.plugins import PluginHost
from notifykit_kwtsms import plugin

PLUGIN = """\
from notifykit import hookimpl
from notifykit.cli.options import LazyCommand

@hookimpl
def notifykit_commands(register):
    register(LazyCommand("fly", "wings_fly:fly", "Fly away."))
"""
FLY = """\
import click

@click.group()
def fly():
    "Fly away. And more."

@fly.command()
@click.option("--far", is_flag=True)
def south(far):
    "Fly to the south."
    click.echo(f"south {far}")
"""


@pytest.fixture(autouse=True)
def nowhere(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder without settings, with a plugin that can fly in the place of this project's own."""
    monkeypatch.chdir(tmp_path)
    for name in ("NOTIFYKIT_DISABLE", "NOTIFYKIT_ALLOW"):
        monkeypatch.delenv(name, raising=False)
    packages = tmp_path / "packages"
    about = packages / "notifykit-9.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: notifykit\nVersion: 9\n")
    (about / "entry_points.txt").write_text("[notifykit]\nwings = wings_plugin\n")
    (packages / "wings_plugin.py").write_text(PLUGIN)
    (packages / "wings_fly.py").write_text(FLY)
    monkeypatch.syspath_prepend(packages)
    for module in ("wings_plugin", "wings_fly"):
        monkeypatch.delitem(sys.modules, module, raising=False)


def answer(*arguments: str) -> str:
    """Run the program, and return what it printed on both streams."""
    begin(arguments)
    return CliRunner().invoke(program, arguments, prog_name="notifykit").output


def test_what_the_list_says_is_what_the_commands_say() -> None:
    """Of the framework's own, of its plugins', and of the kwtSMS plugin's."""
    host = PluginHost(entry_points=False)
    host.register(plugin, "kwtsms")
    commands = [command for command, _ in host.commands().values()]
    assert len(commands) == 20
    for command in commands:
        assert isinstance(command, LazyCommand)
        assert (command.name, command.help) == (command.load().name, command.load().get_short_help_str(200))


def test_a_command_is_imported_when_it_is_used() -> None:
    """Not for the list; its own help, its commands and its options are then those of the command itself."""
    assert "Commands from plugins:\n  fly     Fly away.\n  jobs " in answer("--help")
    assert "wings_plugin" in sys.modules
    assert "wings_fly" not in sys.modules
    assert "south  Fly to the south." in answer("fly", "--help")
    assert answer("fly", "south", "--far") == "south True\n"


def test_a_shell_completes_inside_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands below it, and their options."""
    for words, offered in (
        ("notifykit fl", "fly"),
        ("notifykit fly so", "south"),
        ("notifykit fly south --f", "--far"),
    ):
        monkeypatch.setenv("_NOTIFYKIT_COMPLETE", "bash_complete")
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
        begin(())
        assert CliRunner().invoke(program, [], prog_name="notifykit").output == f"plain,{offered}\n"


def test_without_plugins_only_the_frameworks_own_are_listed() -> None:
    """The option counts for the list too."""
    listed = answer("--no-plugins", "--help")
    assert "fly" not in listed
    assert "worker" in listed


@pytest.mark.parametrize("how", ["option", "environment", "dotenv", "toml", "pyproject", "above", "escaped"])
def test_what_is_left_out_is_not_listed(how: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever that is said."""
    assert "fly" in answer("--help")
    options: tuple[str, ...] = ()
    if how == "option":
        options = ("-p", "no:wings")
    elif how == "environment":
        monkeypatch.setenv("NOTIFYKIT_DISABLE", "wings")
    elif how == "dotenv":
        (tmp_path / ".env").write_text("NOTIFYKIT_ALLOW=another\n")
    elif how == "pyproject":
        (tmp_path / "pyproject.toml").write_text('[tool.notifykit]\ndisable = ["fly"]\n')
    else:
        word = '"dis\\u0061ble"' if how == "escaped" else "disable"
        (tmp_path / "notifykit.toml").write_text(f'{word} = ["wings"]\n')
        if how == "above":
            (tmp_path / "below").mkdir()
            monkeypatch.chdir(tmp_path / "below")
    listed = answer(*options, "--help")
    assert "fly" not in listed
    assert "worker" in listed


def test_a_command_of_the_frameworks_own_can_be_left_out_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its name, with or without the kind."""
    for name in ("completion", "command:completion"):
        monkeypatch.setenv("NOTIFYKIT_DISABLE", name)
        assert "There is no command 'completion'" in answer("completion", "bash")
