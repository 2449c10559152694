"""The projects among the examples: their own tests, run as a user runs them, and the pages that show them."""

from __future__ import annotations

import importlib.util
import os
import pathlib
import re
import subprocess
import sys
from typing import Final

import pytest

pytestmark = pytest.mark.slow

ROOT: Final = pathlib.Path(__file__).parents[1]
#: Each project's framework and page, and how many tests it has at least.
PROJECTS: Final = {
    "django_shop": ("django", "django.md", 18),
    "fastapi_app": ("fastapi", "fastapi.md", 20),
    "celery_worker": ("celery", "celery.md", 13),
    "shop": ("dbos", "campaigns.md", 6),
}
REQUIRED: Final = "examples" in os.environ.get("NOTIFYKIT_REQUIRE", "").split(",")


@pytest.mark.parametrize("project", PROJECTS)
def test_a_project_passes_its_own_tests(project: str) -> None:
    """In its own folder and with its own settings: every test passes, none is left out, and nothing warns."""
    framework, _, least = PROJECTS[project]
    if importlib.util.find_spec(framework) is None:
        words = f"{framework} is not installed; it is in the dependency group `examples`"
        pytest.fail(words) if REQUIRED else pytest.skip(words)
    # The variables of this run of pytest are not for the project's own run.
    of_here = ("PYTEST_", "NOTIFYKIT_", "KWTSMS_", "DJANGO_", "CELERY_")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:schemathesis", "--color=no"],
        cwd=ROOT / "examples" / project,
        env={name: value for name, value in os.environ.items() if not name.startswith(of_here)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "notifykit: live sends forbidden" in done.stdout
    last = re.search(r"=+ (\d+) passed in .* =+\s*$", done.stdout)
    assert last, f"something was left out, or warned:\n{done.stdout}"
    assert int(last[1]) >= least


@pytest.mark.parametrize("project", PROJECTS)
def test_the_page_shows_what_stands_in_the_project(project: str) -> None:
    """The test in `Test it` is one of the project's, word for word, and the page says where to find the whole."""
    page = (ROOT / "docs" / "how-to" / PROJECTS[project][1]).read_text(encoding="utf-8")
    assert f"examples/{project}" in page
    _, _, section = page.partition("\n## Test it\n")
    shown = re.findall(
        r"^```python\n(.*?)^```", re.split(r"^## ", section, flags=re.MULTILINE)[0], re.DOTALL | re.MULTILINE
    )
    assert shown
    files = (ROOT / "examples" / project).rglob("*.py")
    stands = [path.read_text(encoding="utf-8") for path in files]
    for block in shown:
        assert any(block in text for text in stands), f"this stands in no file of the project:\n{block}"
