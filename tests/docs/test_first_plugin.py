"""The page for somebody's first plugin, followed to the letter: every command typed, every file written."""

from __future__ import annotations

import importlib.util
import os
import pathlib
import re
import subprocess
import sys
import venv
from typing import Final

import attrs
import pytest

pytestmark = pytest.mark.slow

PAGE: Final = pathlib.Path(__file__).parents[2] / "docs" / "tutorial" / "first-plugin.md"
#: What the page has for the one who follows it: commands to type, files to write, and words to change in them.
STEP: Final = re.compile(
    r"^```console\n(?P<console>.*?)^```"
    r"|^```python\n# (?P<file>\S+)\n(?P<content>.*?)^```"
    r"|^<!-- replace: (?P<changed>\S+): (?P<before>[^\n]+?) -> (?P<after>[^\n]+?) -->",
    re.MULTILINE | re.DOTALL,
)
COMMAND: Final = re.compile(r"^\$ (?P<line>.*)\n(?P<expected>(?:(?!\$ ).*\n)*)", re.MULTILINE)
#: The one line that is not run as it stands: its environment would need an index to install from.
FRESH: Final = "python3 -m venv .venv"


@attrs.define
class Newcomer:
    """Somebody in a terminal: what they export and where they go stays for the next command."""

    #: Where they are.
    place: pathlib.Path
    #: What they exported.
    environment: dict[str, str]
    #: How many commands they typed.
    typed: int = 0

    def follow(self, step: re.Match[str]) -> None:
        """Do what one step of the page says, and look whether it comes out as it says."""
        if step["console"]:
            for command in COMMAND.finditer(step["console"]):
                said = self.type(command["line"])
                pattern = re.escape(command["expected"]).replace("…", "(?:.|\n)*?")
                assert re.fullmatch(pattern, said), f"{command['line']}\n{said}"
        elif step["file"]:
            file = self.place / step["file"]
            assert file.exists(), "the page says to replace it"
            file.write_text(step["content"], encoding="utf-8")
        else:
            file = self.place / step["changed"]
            before = file.read_text(encoding="utf-8")
            assert before.count(step["before"]) == 1
            file.write_text(before.replace(step["before"], step["after"]), encoding="utf-8")

    def type(self, line: str) -> str:
        """Run a command and return all that the terminal shows."""
        self.typed += 1
        if line == FRESH:
            self._make_environment()
            return ""
        # What was exported, and the folder, are read behind a sign that no command says.
        script = f"{line}\nprintf '\\0%s\\0' \"$PWD\"\nenv -0"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.place,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
            check=False,
        )
        said, place, *variables = done.stdout.decode("utf-8").split("\0")
        self.place = pathlib.Path(place)
        self.environment = dict(variable.partition("=")[::2] for variable in variables if "=" in variable)
        return said

    def _make_environment(self) -> None:
        """Make a fresh environment that sees what is installed here, pip and notifykit too, so that nothing is fetched.

        The lines of the page that install are run by pip as they stand. It finds what they ask for, and builds with what
        is there; that an index would have it all, nobody here can say.
        """
        folder = self.place / ".venv"
        venv.EnvBuilder(symlinks=True).create(folder)
        (packages,) = folder.glob("lib/python*/site-packages")
        seen = [path for path in sys.path if path and pathlib.Path(path).is_dir()]
        (packages / "here.pth").write_text("\n".join(seen), encoding="utf-8")
        program = folder / "bin" / "notifykit"
        program.write_text('#!/bin/sh\nexec python -m notifykit "$@"\n', encoding="utf-8")
        program.chmod(0o755)


@pytest.fixture
def newcomer(tmp_path: pathlib.Path) -> Newcomer:
    """Somebody in an empty folder, with nothing set."""
    for needed in ("pip", "hatchling"):
        if importlib.util.find_spec(needed) is None:
            pytest.skip(f"this environment has no {needed} to install the plugin with")
    (tmp_path / "empty").mkdir()
    environment = {
        "PATH": os.pathsep.join(("/usr/local/bin", "/usr/bin", "/bin")),
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",  # a file that changes twice within a second is compiled twice
        "NOTIFYKIT_STATE_DIR": str(tmp_path / "state"),
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip's own way to say that there shall be none
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    return Newcomer(tmp_path / "empty", environment)


def test_the_page_leads_from_nothing_to_green(newcomer: Newcomer) -> None:
    """In its order, in one terminal; ``…`` stands for anything."""
    for step in STEP.finditer(PAGE.read_text(encoding="utf-8")):
        newcomer.follow(step)
    assert newcomer.typed > 12


def test_the_sink_of_the_page_is_ten_lines() -> None:
    """As it says, beside its imports."""
    files = {step["file"]: step["content"] for step in STEP.finditer(PAGE.read_text(encoding="utf-8"))}
    lines = [line for line in files["src/acme_tally/__init__.py"].splitlines() if line.strip()]
    imports = [line for line in lines if line.startswith(("import ", "from "))]
    assert (len(imports), len(lines)) == (3, 3 + 10)
