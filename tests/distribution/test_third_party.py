"""A third party's distribution, built and installed beside the project's own wheel in a fresh environment.

Nothing here sees the sources: every statement is made by a script that runs in that environment, in an empty folder.
"""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import textwrap
from typing import Any, Final

import attrs
import pytest

from tests import environments

pytestmark = pytest.mark.slow

PYPROJECT: Final = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "{distribution}"
version = "3.2.1"
dependencies = ["notifykit"]

[project.entry-points.notifykit]
{name} = "{module}"

[tool.hatch.build.targets.wheel]
only-include = ["{module}.py"]
"""
#: Everything that an author writes for a component of every kind.
ACME: Final = '''\
"""Pigeons for notifykit."""

import json
import pathlib

from notifykit.plugin import Capabilities, Cleaned, Edit, Recipient, Submission, TransportFactory, hookimpl


class Lofts:
    name = "lofts"

    def normalize(self, raw, channel):
        return Recipient(raw.removeprefix("loft:"), channel, raw=raw) if raw.startswith("loft:") else None


class Polish:
    name = "polish"

    def clean(self, text, channel):
        return Cleaned(f"{text}!", (Edit(len(text), len(text), "", "!", "politeness", self.name),))


class Pigeon:
    name = "homing"
    capabilities = Capabilities(batch_size=2)

    def send(self, batch, timeout):
        addresses = [recipient.address for recipient in batch.recipients]
        with pathlib.Path("pigeons.jsonl").open("a") as file:
            file.write(json.dumps([batch.message.text, addresses]) + "\\n")
        return Submission(f"pigeon-{batch.number}", cost=len(batch))

    def close(self):
        pass

    def __str__(self):
        return "acme://default"


def tower(event):
    storm = pathlib.Path("storm")
    if storm.exists() and event.name in storm.read_text():
        raise OSError("the tower was struck")
    with pathlib.Path("tower.log").open("a") as file:
        file.write(f"{event.name}\\n")


@hookimpl
def notifykit_normalizers():
    return [Lofts()]


@hookimpl
def notifykit_cleaners():
    return [Polish()]


@hookimpl
def notifykit_transports():
    return [TransportFactory("homing", lambda dsn, context: Pigeon(), ("acme",))]


@hookimpl
def notifykit_sinks():
    return [tower]
'''
BROKEN: Final = '''\
"""A plugin whose author has never imported it."""

raise RuntimeError("the lofts are empty")
'''
#: What the tests run in that environment: one send, and everything that can be known about it.
SEND: Final = """\
import json, pathlib, sys
import notifykit
from notifykit import ConfigError, Notifier, NotifyError

settings = json.loads(sys.argv[1])
answer = {"home": notifykit.__file__}
try:
    with Notifier.from_settings(settings.pop("dsn"), **settings) as notifier:
        report = notifier.send(["loft:north", "loft:south", "+965 9876 5432", "loft:"], "Fly")
        answer["receipts"] = [[r.to, r.outcome, r.message_id, r.code] for r in report]
        answer["edits"] = [[e.cleaner, e.reason] for e in report.edits]
        answer["text"] = report.message.text
        answer["cost"] = report.cost
        answer["plugins"] = {p.name: [p.status, p.distribution, p.version, p.brings] for p in notifier.host.plugins}
except NotifyError as error:
    answer["error"] = [type(error).__name__, str(error), repr(error.__cause__)]
for name in ("pigeons.jsonl", "tower.log"):
    file = pathlib.Path(name)
    answer[name] = file.read_text().splitlines() if file.exists() else []
print(json.dumps(answer))
"""


@attrs.frozen
class Environment:
    """A fresh environment with three distributions in it."""

    #: Its interpreter.
    python: pathlib.Path

    def run(self, folder: pathlib.Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run its interpreter in a folder, with nothing of this process's environment but where programs are."""
        return subprocess.run(
            [self.python, "-I", *arguments],
            cwd=folder,
            env={
                "PATH": os.defpath,
                "NOTIFYKIT_STATE_DIR": str(folder / "state"),
                "NOTIFYKIT_DISABLE": "kwtsms",
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def send(self, folder: pathlib.Path, disable: str = "", **settings: Any) -> dict[str, Any]:
        """Send once and return what the script found out."""
        settings = {"dsn": "acme://default", "disable": ["kwtsms", *filter(None, [disable])], **settings}
        done = self.run(folder, "-c", SEND, json.dumps(settings))
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory, wheel: pathlib.Path) -> Environment:
    """Install the project's wheel and two distributions of third parties into an environment of their own."""
    folder = environments.once(tmp_path_factory, "distribution", lambda folder: _install(folder, wheel))
    return Environment(folder / "venv" / "bin" / "python")


def _install(folder: pathlib.Path, wheel: pathlib.Path) -> None:
    sources = [_write(folder, "acme-pigeons", "acme", "acme_pigeons", ACME)]
    sources.append(_write(folder, "broken-pigeons", "broken", "broken_pigeons", BROKEN))
    python = environments.make(folder / "venv", wheel)
    options = ("install", "--no-compile", *environments.OFFLINE, "--no-build-isolation")
    environments.pip("--python", python, *options, "--force-reinstall", wheel)
    environments.pip(*options, "--target", environments.packages(python), *sources)


def _write(folder: pathlib.Path, distribution: str, name: str, module: str, source: str) -> pathlib.Path:
    project = folder / distribution
    project.mkdir()
    (project / "pyproject.toml").write_text(PYPROJECT.format(distribution=distribution, name=name, module=module))
    (project / f"{module}.py").write_text(source)
    return project


def listed(environment: Environment, folder: pathlib.Path, *options: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """Return the exit code of ``notifykit plugins --json``, and what it says of each plugin."""
    done = environment.run(folder, "-m", "notifykit", *options, "plugins", "--json")
    return done.returncode, {plugin["name"]: plugin for plugin in json.loads(done.stdout)["data"]}


def test_each_of_the_four_is_found_and_used_on_the_way(fresh: Environment, tmp_path: pathlib.Path) -> None:
    """Normalizer, cleaner, transport and sink of a third party are used in a real send, beside the framework's own."""
    answer = fresh.send(tmp_path)
    assert pathlib.Path(answer["home"]).is_relative_to(fresh.python.parents[1])
    assert answer["receipts"] == [
        ["north", "accepted", "pigeon-1", None],
        ["south", "accepted", "pigeon-1", None],
        ["96598765432", "accepted", "pigeon-2", None],
        ["", "accepted", "pigeon-2", None],
    ]
    assert (answer["text"], answer["edits"], answer["cost"]) == ("Fly!", [["polish", "politeness"]], 4)
    assert [json.loads(line) for line in answer["pigeons.jsonl"]] == [
        ["Fly!", ["north", "south"]],
        ["Fly!", ["96598765432", ""]],
    ]
    assert answer["tower.log"] == ["message_planned", "attempt_finished", "attempt_finished", "send_finished"]
    assert answer["plugins"]["acme"] == [
        "ok",
        "acme-pigeons",
        "3.2.1",
        ["normalizer:lofts", "cleaner:polish", "transport:homing", "sink:tower"],
    ]


def test_the_broken_one_beside_it_is_quarantined_with_its_traceback(fresh: Environment, tmp_path: pathlib.Path) -> None:
    """The send above worked with it; the list shows where it broke."""
    code, plugins = listed(fresh, tmp_path)
    assert code == 9
    assert (plugins["acme"]["status"], plugins["broken"]["status"]) == ("ok", "broken")
    assert plugins["broken"]["reason"] == "RuntimeError: the lofts are empty"
    assert "broken_pigeons.py" in plugins["broken"]["traceback"]
    assert plugins["broken"]["distribution"] == "broken-pigeons"


def test_the_broken_one_can_be_switched_off(fresh: Environment, tmp_path: pathlib.Path) -> None:
    """Then nothing is wrong any more."""
    code, plugins = listed(fresh, tmp_path, "-p", "no:broken")
    assert code == 0
    assert plugins["broken"]["status"] == "disabled"


def test_the_normalizer_can_be_switched_off_by_its_name(fresh: Environment, tmp_path: pathlib.Path) -> None:
    """No other normalizer knows its addresses; everything else goes on."""
    answer = fresh.send(tmp_path, "lofts")
    assert [outcome for _, outcome, *_ in answer["receipts"]] == ["rejected", "rejected", "accepted", "rejected"]
    assert [json.loads(line) for line in answer["pigeons.jsonl"]] == [["Fly!", ["96598765432"]]]
    assert answer["tower.log"]


def test_the_cleaner_can_be_switched_off_by_its_name(fresh: Environment, tmp_path: pathlib.Path) -> None:
    """The text goes as it was written."""
    answer = fresh.send(tmp_path, "polish")
    assert (answer["text"], answer["edits"]) == ("Fly", [])
    assert json.loads(answer["pigeons.jsonl"][0]) == ["Fly", ["north", "south"]]


def test_the_sink_can_be_switched_off_by_its_name(fresh: Environment, tmp_path: pathlib.Path) -> None:
    """It gets no event; the send is the same."""
    answer = fresh.send(tmp_path, "tower")
    assert answer["tower.log"] == []
    assert [outcome for _, outcome, *_ in answer["receipts"]] == ["accepted"] * 4


def test_the_transport_can_be_left_alone(fresh: Environment, tmp_path: pathlib.Path) -> None:
    """Another one carries the message, and the rest of the plugin goes on."""
    answer = fresh.send(tmp_path, dsn="null")
    assert [outcome for _, outcome, *_ in answer["receipts"]] == ["accepted"] * 4
    assert (answer["pigeons.jsonl"], answer["text"]) == ([], "Fly!")


def test_the_transport_can_be_switched_off_by_its_name(fresh: Environment, tmp_path: pathlib.Path) -> None:
    """The rest of the plugin stays, and no other plugin has the scheme."""
    assert fresh.send(tmp_path, "homing")["error"][:1] == ["ConfigError"]
    answer = fresh.send(tmp_path, "homing", dsn="null")
    assert answer["plugins"]["acme"][0] == "ok"
    assert (answer["pigeons.jsonl"], answer["text"]) == ([], "Fly!")


def test_the_whole_plugin_can_be_switched_off_by_its_name(fresh: Environment, tmp_path: pathlib.Path) -> None:
    """Nothing of it is used any more, and the error says which transports there are."""
    kind, message, _ = fresh.send(tmp_path, "acme")["error"]
    assert kind == "ConfigError"
    assert "no plugin brings 'acme': there are apprise, console, failover," in message
    answer = fresh.send(tmp_path, "acme", dsn="null")
    assert [outcome for _, outcome, *_ in answer["receipts"]] == ["rejected", "rejected", "accepted", "rejected"]
    assert (answer["plugins"]["acme"][0], answer["text"], answer["tower.log"]) == ("disabled", "Fly", [])


def test_a_sink_that_raises_changes_nothing(fresh: Environment, tmp_path: pathlib.Path) -> None:
    """The report is the one that it would have been, and every request is made once."""
    calm, stormy = tmp_path / "calm", tmp_path / "stormy"
    for folder in (calm, stormy):
        folder.mkdir()
    (stormy / "storm").write_text("message_planned attempt_finished send_finished")
    quiet, loud = fresh.send(calm), fresh.send(stormy)
    for part in ("receipts", "edits", "text", "cost", "pigeons.jsonl", "plugins"):
        assert loud[part] == quiet[part]
    assert (len(quiet["tower.log"]), loud["tower.log"]) == (4, [])


def test_strict_mode_raises_for_the_broken_plugin(fresh: Environment, tmp_path: pathlib.Path) -> None:
    """Before anything is sent, with the exception that it raised as the cause."""
    kind, message, cause = fresh.send(tmp_path, strict=True)["error"]
    assert (kind, cause) == ("PluginError", "RuntimeError('the lofts are empty')")
    assert message == "plugin 'broken': RuntimeError: the lofts are empty"
    assert not (tmp_path / "pigeons.jsonl").exists()


@pytest.mark.parametrize(("event", "requests"), [("message_planned", 0), ("attempt_finished", 2), ("send_finished", 2)])
def test_strict_mode_raises_for_the_sink_that_raises(
    fresh: Environment, tmp_path: pathlib.Path, event: str, requests: int
) -> None:
    """Before anything is sent or after everything is: an error in the log never breaks a send off in the middle."""
    (tmp_path / "storm").write_text(event)
    answer = fresh.send(tmp_path, "broken", strict=True)
    kind, message, cause = answer["error"]
    assert (kind, cause) == ("PluginError", "OSError('the tower was struck')")
    assert "tower" in message
    assert len(answer["pigeons.jsonl"]) == requests


def test_strict_mode_is_content_where_everything_works(fresh: Environment, tmp_path: pathlib.Path) -> None:
    """Everything is sent as without it."""
    answer = fresh.send(tmp_path, "broken", strict=True)
    assert [outcome for _, outcome, *_ in answer["receipts"]] == ["accepted"] * 4


def test_an_author_needs_only_one_import() -> None:
    """Its source imports from one module, and is short."""
    lines = [line for line in ACME.splitlines() if line.strip()]
    assert [line for line in lines if "notifykit" in line and "import" in line] == [
        "from notifykit.plugin import Capabilities, Cleaned, Edit, Recipient, Submission, TransportFactory, hookimpl"
    ]
    assert len(lines) < 60
    compile(textwrap.dedent(ACME), "acme_pigeons.py", "exec")
