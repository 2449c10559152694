"""What ``notifykit new plugin`` writes: it builds, is installed, is found, sends, and keeps its contract.

The four kinds are built and installed by one command into a fresh environment; what is asked of them is asked of processes
of their own.
"""

from __future__ import annotations

import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import attrs
import pytest

from tests import environments

pytestmark = pytest.mark.slow

KINDS: Final = ("transport", "sink", "normalizer", "cleaner")


@attrs.frozen
class Installed:
    """One plugin of each kind, ``acme-KIND``, installed into one environment."""

    #: Where they were written, each in a folder of its name.
    sources: pathlib.Path
    #: The environment's interpreter.
    interpreter: pathlib.Path

    @property
    def packages(self) -> pathlib.Path:
        """Where they are installed."""
        return environments.packages(self.interpreter)

    def python(
        self, *arguments: str, within: str = ".", interpreter: str | None = None, **more: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the interpreter in the folder where they were written, or one within it."""
        return subprocess.run(
            [interpreter or str(self.interpreter), *arguments],
            cwd=self.sources / within,
            env={
                "PATH": os.defpath,
                "HOME": str(self.sources),
                "PYTHONIOENCODING": "utf-8",
                "NOTIFYKIT_STATE_DIR": str(self.sources / "state"),
                **more,
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def notifykit(self, *arguments: str, **more: str) -> tuple[int, Any]:
        """Run the program and return its exit code and the data of its answer."""
        done = self.python("-m", "notifykit", *arguments, "--json", **more)
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)["data"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, wheel: pathlib.Path) -> Installed:
    """Write, build and install one of each kind, with nothing from anywhere else, once a run."""
    sources = environments.once(tmp_path_factory, "scaffold", lambda folder: _install(folder, wheel))
    return Installed(sources, sources / "venv" / "bin" / "python")


def _install(sources: pathlib.Path, wheel: pathlib.Path) -> None:
    plugins = Installed(sources, environments.make(sources / "venv", wheel, "testing"))
    for kind in KINDS:
        code, data = plugins.notifykit("new", "plugin", f"acme-{kind}", "--kind", kind)
        assert (code, data["folder"]) == (0, f"acme-{kind}")
    folders = [f"./acme-{kind}" for kind in KINDS]
    options = ("install", "--no-compile", *environments.OFFLINE, "--no-build-isolation")
    environments.pip(*options, "--target", plugins.packages, *folders, cwd=sources)


def test_each_is_installed_with_its_type_marker(installed: Installed) -> None:
    """The package is in the wheel, and its tests are not."""
    for kind in KINDS:
        package = installed.packages / f"acme_{kind}"
        assert sorted(file.name for file in package.iterdir() if file.is_file()) == ["__init__.py", "py.typed"]
    assert not (installed.packages / "tests").exists()


def test_each_is_found(installed: Installed) -> None:
    """``notifykit plugins`` lists all four as ok; those that need a setting bring their thing with it."""
    (installed.sources / "staff.csv").write_text("204,96598765432\n")
    settings = {"ACME_SINK_FILE": "found.txt", "ACME_NORMALIZER_FILE": "staff.csv"}
    for more, brought in (({}, {"transport", "cleaner"}), (settings, set(KINDS))):
        code, data = installed.notifykit("plugins", **more)
        rows = {row["name"]: row for row in data if row["distribution"].startswith("acme-")}
        assert code == 0
        assert set(rows) == {f"acme-{kind}" for kind in KINDS}
        for kind in KINDS:
            row = rows[f"acme-{kind}"]
            assert (row["status"], row["version"], row["location"]) == ("ok", "0.1.0", f"acme_{kind}")
            # Functions have names as Python has them.
            name = f"acme_{kind}" if kind in ("sink", "cleaner") else f"acme-{kind}"
            assert row["brings"] == ([f"{kind}:{name}"] if kind in brought else [])


@pytest.fixture
def provider() -> Iterator[tuple[str, list[Any]]]:
    """A provider on this machine: its address, and what was posted to it."""
    posted: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            body = b'{"id": "id-1"}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}", posted
        server.shutdown()
        thread.join()


def test_one_send_goes_through_all_four(installed: Installed, provider: tuple[str, list[Any]]) -> None:
    """From an extension to the provider, without superfluous blanks, and into the file of the sink."""
    address, posted = provider
    (installed.sources / "staff.csv").write_text("204,96598765432\n")
    code, data = installed.notifykit(
        *("send", "x204", "Your   order is ready ", "--live", "--yes"),
        *("--via", f"acme-transport+http://{address}/messages?sender=ACME"),
        ACME_TRANSPORT_TOKEN="token-of-the-tests",
        ACME_NORMALIZER_FILE="staff.csv",
        ACME_SINK_FILE="counts.txt",
    )
    assert code == 0, data
    assert posted == [("/messages", {"to": ["96598765432"], "text": "Your order is ready", "sender": "ACME"})]
    (line,) = (installed.sources / "counts.txt").read_text().splitlines()
    assert line.endswith(f" acme-transport+http://{address}?sender=ACME 1 accepted")


def test_each_keeps_its_contract(installed: Installed) -> None:
    """Their own tests are green, all of them, in an environment that has only what they ask for."""
    folders = [f"acme-{kind}/tests" for kind in KINDS]
    done = installed.python("-m", "pytest", "-v", "-p", "no:cacheprovider", "--import-mode=importlib", *folders)
    assert done.returncode == 0, done.stdout + done.stderr
    for kind in KINDS:
        assert f"test_contract.py::TestAcme{kind.capitalize()}::test_it_has_a_name" in done.stdout
    assert "skipped" not in done.stdout


@pytest.mark.parametrize("check", ["ruff", "mypy"])
def test_checkers_have_nothing_to_say(installed: Installed, check: str) -> None:
    """Neither ruff by its default rules nor mypy by its strict ones; where they are installed."""
    if importlib.util.find_spec(check) is None:
        pytest.skip(f"{check} is not among what tests need")
    options = {
        "ruff": ("check",),
        "mypy": (
            "--strict",
            "--cache-dir",
            "../mypy",
            "--python-executable",
            str(installed.interpreter),
            "src",
            "tests",
        ),
    }
    for kind in KINDS:
        done = installed.python("-m", check, *options[check], within=f"acme-{kind}", interpreter=sys.executable)
        assert done.returncode == 0, done.stdout + done.stderr
