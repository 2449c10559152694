"""What ``import notifykit`` costs, and what it offers."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import tomllib

import pytest

import notifykit
from notifykit.cli import listing

ROOT = pathlib.Path(__file__).parent.parent
HEAVY = ("urllib3", "click", "pluggy", "dotenv", "platformdirs", "attrs", "ssl", "asyncio", "notifykit_kwtsms")


def loaded_by(statement: str, folder: pathlib.Path | None = None, **environment: str) -> set[str]:
    """Return the names of the modules that a fresh interpreter has loaded after a statement, and not before it.

    :param folder: where it runs, and the first place where it looks for what is installed.
    """
    code = f"import sys; before = set(sys.modules)\n{statement}\nprint(*set(sys.modules) - before)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=folder,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith(("NOTIFYKIT_", "KWTSMS_"))},
            "PYTHONPATH": os.pathsep.join([*([str(folder)] if folder else []), *filter(None, sys.path)]),
            **environment,
        },
    )
    return set(done.stdout.splitlines()[-1].split())


def declares(folder: pathlib.Path) -> None:
    """Install what this checkout says of itself: the environment of the tests may be older."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    about = folder / f"{project['name']}-{project['version']}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Name: {project['name']}\nVersion: {project['version']}\n", encoding="utf-8")
    sections = (
        "\n".join([f"[{group}]", *map(" = ".join, points.items())]) for group, points in project["entry-points"].items()
    )
    (about / "entry_points.txt").write_text("\n\n".join(sections), encoding="utf-8")


def test_importing_the_package_loads_nothing_heavy() -> None:
    """Names are loaded when they are first used, so the import alone costs next to nothing."""
    loaded = loaded_by("import notifykit")
    assert "notifykit" in loaded
    assert [name for name in HEAVY if name in loaded] == []
    assert {name for name in loaded if name.startswith("notifykit")} == {"notifykit"}


def test_building_a_notifier_loads_no_http_client_and_no_command_line() -> None:
    """Whoever sends to memory pays for neither."""
    statement = (
        "from notifykit import Notifier, PluginHost; "
        "Notifier('memory', host=PluginHost(entry_points=False)).send('96598765432', 'hello')"
    )
    assert {"urllib3", "click", "dotenv"} & loaded_by(statement) == set()


def test_only_a_number_from_outside_the_gulf_loads_the_library_that_reads_it() -> None:
    """Whoever sends to Kuwait and its neighbours does not pay for the numbering plans of the world."""
    statement = (
        "from notifykit import Notifier; sms = Notifier('memory'); "
        "assert sms.send(['+965 9876-5432', '966551234567', '+971 50 449 6677', '98765432', 'abc'], 'x').accepted"
    )
    loaded = loaded_by(statement)
    assert "notifykit_kwtsms.phone.normalizer" in loaded, "the plugin was asked"
    assert "phonenumbers" not in loaded
    assert "phonenumbers" in loaded_by(f"{statement}; assert sms.send('+20 10 0123 4567', 'x').accepted")


#: What a start has no use for: the network, encryption, e-mail, asyncio, and what reads settings files.
UNUSED = {
    "asyncio",
    "decimal",
    "difflib",
    "dotenv",
    "email",
    "http.client",
    "importlib.metadata",
    "json",
    "platformdirs",
    "ssl",
    "tempfile",
    "tomllib",
    "urllib3",
    "zoneinfo",
}


def test_the_registry_is_built_without_what_is_behind_its_doors() -> None:
    """Transports, guards, sinks and the models of a send are imported when somebody uses them."""
    loaded = loaded_by("from notifykit import PluginHost, Settings; PluginHost().registry(Settings())")
    ours = {name for name in loaded if name.startswith("notifykit")}
    assert loaded & (UNUSED | {"click"}) == set()
    assert "notifykit_kwtsms.phone.normalizer" in ours, "the plugins were asked"
    assert {
        name for name in ours if name.startswith(("notifykit.transports.", "notifykit.guards", "notifykit.flow"))
    } == set()
    assert (
        ours
        & {
            "notifykit.deliveries",
            "notifykit.dsn",
            "notifykit.events",
            "notifykit.http",
            "notifykit.jobs",
            "notifykit.models",
            "notifykit.normalizers.email",
            "notifykit.normalizers.push",
            "notifykit.sinks.jsonl",
            "notifykit.sinks.logging",
            "notifykit.templates",
            "notifykit_kwtsms.transport",
        }
        == set()
    )
    assert len(ours) <= 45


@pytest.mark.parametrize(("program", "most"), [("notifykit.cli.main", 11), ("notifykit_kwtsms.program.main", 9)])
def test_the_list_of_commands_loads_no_command_and_no_plugin(program: str, most: int, tmp_path: pathlib.Path) -> None:
    """What is said of them is written down, so `--help` needs little more than click."""
    declares(tmp_path)
    loaded = loaded_by(
        f"from {program} import main\ntry: main(['--help'])\nexcept SystemExit as end: assert not end.code",
        tmp_path,
    )
    ours = {name for name in loaded if name.startswith("notifykit")}
    assert loaded & (UNUSED | {"attrs", "pluggy", "logging", "pathlib"}) == set()
    assert len(ours) <= most, sorted(ours)


@pytest.mark.parametrize("command", ["send", "completion"])
def test_the_help_of_a_command_loads_no_other_command(command: str, tmp_path: pathlib.Path) -> None:
    """Only the one that was typed is looked for in its module; the host alone knows the others."""
    declares(tmp_path)
    loaded = loaded_by(
        "from notifykit.cli.main import program\n"
        f"with program.make_context('notifykit', [{command!r}]) as ctx: assert program.resolve_command(ctx, [{command!r}])",
        tmp_path,
    )
    commands = {f"notifykit.cli.{name}" for name in listing.OWN}
    assert loaded & commands == {f"notifykit.cli.{command}"}


def test_a_balance_is_asked_for_with_the_gateway_alone(tmp_path: pathlib.Path) -> None:
    """Up to the network: no plugins, no models of messages, no transport, no readers of files that are not there."""
    loaded = loaded_by(
        "import os, sys\n"
        "def stop(event, arguments):\n"
        "    if event == 'socket.getaddrinfo': print(*set(sys.modules) - before, flush=True); os._exit(0)\n"
        "sys.addaudithook(stop)\n"
        "from notifykit_kwtsms.program.main import main; main(['balance'])",
        tmp_path,
        KWTSMS_USERNAME="nobody",
        KWTSMS_PASSWORD="nothing",
        KWTSMS_LOG_FILE="",
        NOTIFYKIT_STATE_DIR=str(tmp_path / "state"),
    )
    assert "urllib3" in loaded, "it came to the network"
    assert loaded & {"pluggy", "asyncio", "difflib", "dotenv", "decimal", "tomllib", "notifykit.plugins"} == set()
    assert {name for name in loaded if name.startswith("notifykit")} & {
        "notifykit.abilities",
        "notifykit.dsn",
        "notifykit.events",
        "notifykit.letters",
        "notifykit.models",
        "notifykit.protocols",
        "notifykit.templates",
        "notifykit_kwtsms.client",
        "notifykit_kwtsms.transport",
    } == set()


@pytest.mark.parametrize("name", notifykit.__all__)
def test_every_public_name_can_be_used(name: str) -> None:
    """It is there, it is listed, and it comes from this package."""
    value = getattr(notifykit, name)
    assert name in dir(notifykit)
    assert getattr(value, "__module__", "notifykit").split(".")[0] in ("notifykit", "pluggy")
    assert value == getattr(notifykit, name)


def test_the_public_names_are_listed_once_each() -> None:
    """And the same names are known to those who load them and to type checkers."""
    assert len(set(notifykit.__all__)) == len(notifykit.__all__)
    assert set(notifykit._HOME) | {"__version__"} == set(notifykit.__all__)
    namespace: dict[str, object] = {}
    exec("from notifykit import *", namespace)
    assert set(notifykit.__all__) <= set(namespace)


@pytest.mark.parametrize("name", ["Notifer", "errors_", "_private", ""])
def test_a_name_that_is_not_there_is_an_attribute_error(name: str) -> None:
    """As it is for any module, so that ``hasattr`` and ``import`` work as ever."""
    with pytest.raises(AttributeError, match=f"module 'notifykit' has no attribute '{name}'"):
        getattr(notifykit, name)
    assert not hasattr(notifykit, name)
