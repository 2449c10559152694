"""The page on one-time codes, and the three applications that it shows."""

from __future__ import annotations

import importlib.util
import os
import pathlib
import re
import subprocess
import sys

import pytest

from notifykit.verify.settings import FIELDS
from tests.verify.conftest import Codes

ROOT = pathlib.Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "one_time_codes"
PAGE = (ROOT / "docs" / "how-to" / "one-time-codes.md").read_text(encoding="utf-8")
REQUIRED = "examples" in os.environ.get("NOTIFYKIT_REQUIRE", "").split(",")


def test_the_applications_pass_their_tests() -> None:
    """In their own folder and with their own settings: every test passes, none is left out, and nothing warns."""
    missing = [name for name in ("django", "fastapi", "flask") if importlib.util.find_spec(name) is None]
    if missing:
        words = f"{', '.join(missing)} not installed: the dependency group `examples` has them"
        pytest.fail(words) if REQUIRED else pytest.skip(words)
    of_here = ("PYTEST_", "NOTIFYKIT_", "KWTSMS_", "DJANGO_")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:schemathesis", "--color=no"],
        cwd=EXAMPLES,
        env={name: value for name, value in os.environ.items() if not name.startswith(of_here)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "notifykit: live sends forbidden" in done.stdout
    assert re.search(r"=+ 18 passed in .* =+\s*$", done.stdout), done.stdout


def blocks(heading: str) -> list[str]:
    _, _, section = PAGE.partition(f"\n## {heading}\n")
    return re.findall(r"^```python\n(.*?)^```", re.split(r"^## ", section, flags=re.M)[0], re.M | re.S)


def test_the_page_shows_what_stands_in_the_applications() -> None:
    """Word for word, and each is ten lines or fewer."""
    shown = blocks("In a web framework")
    assert len(shown) == 3
    for block, name in zip(shown, ("flask", "fastapi", "django"), strict=True):
        assert block in (EXAMPLES / f"{name}_codes.py").read_text(encoding="utf-8")
        assert len([line for line in block.splitlines() if line]) <= 10
    (test,) = blocks("Test it")
    assert test in (EXAMPLES / "tests" / "test_codes.py").read_text(encoding="utf-8")


def test_the_page_lists_every_setting_with_its_default() -> None:
    """As the settings write it."""
    rows = dict(re.findall(r"^\| `(\w+)` \|([^|]*)\|", PAGE.partition("\n## Limits\n")[2], re.M))
    assert [name for name in rows if name in {field.name for field in FIELDS}] == [field.name for field in FIELDS]
    for field in FIELDS:
        shown = re.search(r"`([^`]+)`|^([\d.]+)$", rows[field.name].strip())
        if field.default is None:
            continue
        assert shown, field.name
        assert field.read(shown[1] or shown[2]) == field.default, field.name


@pytest.mark.parametrize("kind", ["memory"], indirect=True)
def test_the_page_quotes_the_messages(codes: Codes) -> None:
    """In both languages."""
    codes.verifier.start("96598765432")
    codes.verifier.start("96551234567", language="ar")
    for text in codes.messages:
        assert f"`123456{text[6:]}`" in PAGE


def test_the_table_compares_with_three_others() -> None:
    """No cell is empty."""
    rows = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if line.startswith("| | `notifykit")]
    assert rows[0] == ["`notifykit.verify`", "Twilio Verify", "Vonage Verify", "django-phone-verify"]
    _, _, table = PAGE.partition(rows[0][-1])
    lines = [line for line in table.splitlines() if line.startswith("| ") and "---" not in line]
    assert len(lines) > 15
    assert all(len([cell for cell in line.strip("|").split("|") if cell.strip()]) == 5 for line in lines)
