"""The list of commands: from what is written down where that is enough, and else from the plugins themselves."""

from __future__ import annotations

import importlib
import pathlib
import sys

import pytest
from click.testing import CliRunner

from notifykit.cli import listing
from notifykit.cli.main import COMMANDS, program
from notifykit.cli.manner import begin
from notifykit.plugins import BUILTINS, PluginHost
from notifykit_kwtsms import cli, plugin

FLY = """\
import click
from notifykit import hookimpl
@click.command()
def fly():
    "Fly away. And more."
@hookimpl
def notifykit_commands(register):
    register(fly)
"""


@pytest.fixture(autouse=True)
def nowhere(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder without settings, and without plugins but those of a test."""
    monkeypatch.chdir(tmp_path)
    for name in ("NOTIFYKIT_DISABLE", "NOTIFYKIT_ALLOW"):
        monkeypatch.delenv(name, raising=False)


def install(folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch, points: str, name: str = "wings") -> None:
    """Install a distribution with a plugin that can fly; the name ``notifykit`` takes the place of this one's."""
    site = folder / "site"
    about = site / f"{name}-9.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Name: {name}\nVersion: 9\n")
    (about / "entry_points.txt").write_text(points)
    (site / "wings_plugin.py").write_text(FLY)
    (site / "wings_words.py").write_text(
        'SAID = {"fly": "Fly away."}\nWRONG = {"send": "Send something else."}\nNUMBERS = {"zap": 5}\n'
    )
    (site / "wings_exit.py").write_text('import sys\nsys.exit("The end.")\n')
    monkeypatch.syspath_prepend(site)
    for module in ("wings_plugin", "wings_words", "wings_exit"):
        monkeypatch.delitem(sys.modules, module, raising=False)


def shown(*arguments: str) -> str:
    """Return the help of the program."""
    begin(arguments)
    return CliRunner().invoke(program, [*arguments, "--help"], prog_name="notifykit").stdout


def test_what_is_written_down_is_what_the_commands_say() -> None:
    """Of the framework's own, of its plugins', and of the first guest's."""
    host = PluginHost(entry_points=False, builtins=(*BUILTINS, *COMMANDS))
    host.register(plugin, "kwtsms")
    said = {name: command.get_short_help_str(200) for name, (command, _) in host.commands().items()}
    assert said == {**listing.OWN, **listing.BUILT_IN, **cli.SUMMARIES}
    for name in listing.OWN:
        assert importlib.import_module(f"notifykit.cli.{name}")


def test_a_plugin_that_declares_its_commands_is_not_imported(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list is the same as where it is."""
    both = "[notifykit]\nwings = wings_plugin\n"
    install(tmp_path, monkeypatch, f"{both}[notifykit.commands]\nwings = wings_words:SAID\n", "notifykit")
    quick = shown()
    assert "Commands from plugins:\n  fly     Fly away.\n  jobs " in quick
    assert "wings_plugin" not in sys.modules
    (tmp_path / "site" / "notifykit-9.dist-info" / "entry_points.txt").write_text(both)
    assert shown() == quick
    assert "wings_plugin" in sys.modules


@pytest.mark.parametrize(
    "declared",
    [
        "",
        "[notifykit.commands]\nother = wings_words:SAID\n",
        "[notifykit.commands]\nwings = wings_words:MISSING\n",
        "[notifykit.commands]\nwings = wings_nowhere:SAID\n",
        "[notifykit.commands]\nwings = wings_words:WRONG\n",
        "[notifykit.commands]\nwings = wings_words:NUMBERS\n",
        "[notifykit.commands]\nwings = wings_exit:SAID\n",
    ],
)
def test_a_plugin_that_declares_nothing_of_use_is_asked(
    declared: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is missing, can't be loaded or takes a name of the framework's own counts for nothing."""
    install(tmp_path, monkeypatch, f"[notifykit]\nwings = wings_plugin\n{declared}", "notifykit")
    assert "Commands from plugins:\n  fly     Fly away.\n" in shown()


def test_without_plugins_nobody_is_listed_but_the_frameworks_own(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The option counts for the list too."""
    install(tmp_path, monkeypatch, "[notifykit]\nwings = wings_plugin\n", "notifykit")
    told = shown("--no-plugins")
    assert "fly" not in told
    assert "worker" in told


@pytest.mark.parametrize("how", ["option", "environment", "dotenv", "toml", "pyproject", "above", "escaped"])
def test_what_is_left_out_is_not_listed(how: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever that is said."""
    install(
        tmp_path,
        monkeypatch,
        "[notifykit]\nwings = wings_plugin\n[notifykit.commands]\nwings = wings_words:SAID\n",
        "notifykit",
    )
    assert "fly" in shown()
    options: tuple[str, ...] = ()
    if how == "option":
        options = ("-p", "no:wings")
    elif how == "environment":
        monkeypatch.setenv("NOTIFYKIT_DISABLE", "wings")
    elif how == "dotenv":
        (tmp_path / ".env").write_text("NOTIFYKIT_ALLOW=somebody\n")
    elif how == "pyproject":
        (tmp_path / "pyproject.toml").write_text('[tool.notifykit]\ndisable = ["fly"]\n')
    else:
        word = '"dis\\u0061ble"' if how == "escaped" else "disable"
        (tmp_path / "notifykit.toml").write_text(f'{word} = ["wings"]\n')
        if how == "above":
            (tmp_path / "below").mkdir()
            monkeypatch.chdir(tmp_path / "below")
    told = shown(*options)
    assert "fly" not in told
    assert "worker" in told


def test_a_command_that_is_left_out_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of the framework's own too, by its name or by that of its plugin."""
    for name in ("completion", "cli.completion"):
        monkeypatch.setenv("NOTIFYKIT_DISABLE", name)
        begin(())
        answer = CliRunner().invoke(program, ["completion", "bash"], prog_name="notifykit")
        assert answer.exit_code == 2
        assert "There is no command 'completion'" in answer.stderr
