"""The page about the first plugin, followed to the letter: every command is typed, every file written."""

from __future__ import annotations

import pathlib
import re
import subprocess
from typing import Final

import attrs
import pytest

from tests import environments

pytestmark = pytest.mark.slow

PAGE: Final = pathlib.Path(__file__).parents[2] / "docs" / "tutorial" / "first-plugin.md"
#: What a reader does: commands to type, files to write, and words to change in them.
STEP: Final = re.compile(
    r"^```console\n(?P<console>.*?)^```"
    r"|^```python\n# (?P<file>\S+)\n(?P<content>.*?)^```"
    r"|^<!-- replace: (?P<changed>\S+): (?P<before>[^\n]+?) -> (?P<after>[^\n]+?) -->",
    re.MULTILINE | re.DOTALL,
)
COMMAND: Final = re.compile(r"^\$ (?P<line>.*)\n(?P<expected>(?:(?!\$ ).*\n)*)", re.MULTILINE)
#: The one line that is not run as it is: its environment would need an index to install from.
FRESH: Final = "python3 -m venv .venv"


@attrs.define
class Terminal:
    """A terminal: exported variables and the folder stay for the next command."""

    #: The folder.
    place: pathlib.Path
    #: The exported variables.
    environment: dict[str, str]
    #: The project's wheel.
    wheel: pathlib.Path
    #: How many commands were typed.
    typed: int = 0

    def follow(self, step: re.Match[str]) -> None:
        """Do one step of the page, and compare the output with the page's."""
        if step["console"]:
            for command in COMMAND.finditer(step["console"]):
                said = self.type(command["line"])
                pattern = re.escape(command["expected"]).replace("…", "(?:.|\n)*?")
                assert re.fullmatch(pattern, said), f"{command['line']}\n{said}"
        elif step["file"]:
            file = self.place / step["file"]
            assert file.exists(), "the page says that it replaces a file"
            file.write_text(step["content"], encoding="utf-8")
        else:
            file = self.place / step["changed"]
            before = file.read_text(encoding="utf-8")
            assert before.count(step["before"]) == 1
            file.write_text(before.replace(step["before"], step["after"]), encoding="utf-8")

    def type(self, line: str) -> str:
        """Run a command and return everything that it prints."""
        self.typed += 1
        if line == FRESH:
            self._make_environment()
            return ""
        # The folder and the variables are read behind a sign that no command prints.
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
        """Make an environment that has what the page installs, so that nothing is downloaded.

        The lines of the page that install are run by pip as they are. It finds what they ask for, and builds with what is
        there; whether an index has it all is not tested here.
        """
        python = environments.make(self.place / ".venv", self.wheel, "testing", also=("pip", "hatchling", "editables"))
        program = python.parent / "notifykit"
        program.write_text('#!/bin/sh\nexec python -m notifykit "$@"\n', encoding="utf-8")
        program.chmod(0o755)


@pytest.fixture
def terminal(tmp_path: pathlib.Path, wheel: pathlib.Path) -> Terminal:
    """A terminal in an empty folder, without any settings."""
    (tmp_path / "empty").mkdir()
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",  # a file that changes twice within a second is compiled twice
        "NOTIFYKIT_STATE_DIR": str(tmp_path / "state"),
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip's own way to say that there shall be none
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    return Terminal(tmp_path / "empty", environment, wheel)


def test_the_page_leads_from_nothing_to_green(terminal: Terminal) -> None:
    """In its order, in one terminal; ``…`` stands for anything."""
    for step in STEP.finditer(PAGE.read_text(encoding="utf-8")):
        terminal.follow(step)
    assert terminal.typed > 12


def test_the_sink_of_the_page_is_eight_lines() -> None:
    """As it says, besides its imports."""
    files = {step["file"]: step["content"] for step in STEP.finditer(PAGE.read_text(encoding="utf-8"))}
    lines = [line for line in files["src/acme_counts/__init__.py"].splitlines() if line.strip()]
    imports = [line for line in lines if line.startswith(("import ", "from "))]
    assert (len(imports), len(lines)) == (3, 3 + 8)
