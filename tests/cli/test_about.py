"""What a plugin says of itself through ``notifykit_about``: settings, codes, checks, pages."""

from __future__ import annotations

import json
import pathlib
import sys

import pytest

from tests.cli.conftest import Run

PIGEON = """
from notifykit import NotReached, hookimpl
from notifykit.protocols import About, Check, Health
from notifykit.settings.fields import Field, secret, text

def checks(settings, *, online):
    yield Check("pigeons", Health.WARN, "one is tired", "let it sleep")
    raise RuntimeError("the loft is locked")

@hookimpl
def notifykit_about():
    return About(
        section="pigeon",
        fields=(Field("loft", text, "roof", ("PIGEON_LOFT",), help="Where they live."), Field("seed", secret, None, ("PIGEON_SEED",))),
        codes=lambda: [NotReached("The pigeon came back.", "P01", action="Water it.")],
        checks=checks,
        topics={"feathers": lambda: "Comb them."},
    )
"""
LIAR = """
from notifykit import hookimpl

@hookimpl
def notifykit_about():
    return {"section": "liar"}
"""


@pytest.fixture(autouse=True)
def _strangers(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install one plugin that describes itself, and one that returns nonsense."""
    monkeypatch.syspath_prepend(tmp_path)
    for name, source in (("pigeon", PIGEON), ("liar", LIAR)):
        about = tmp_path / f"{name}_plugin-1.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-plugin\nVersion: 1\n")
        (about / "entry_points.txt").write_text(f"[notifykit]\n{name} = about_{name}\n")
        (tmp_path / f"about_{name}.py").write_text(source)
        monkeypatch.delitem(sys.modules, f"about_{name}", raising=False)


def test_its_settings_are_listed_with_the_others(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """With their origin, and secrets as stars."""
    monkeypatch.setenv("PIGEON_SEED", "millet")
    rows = {entry["key"]: entry for entry in run("config", "--json").data}
    assert rows["pigeon.loft"] == {
        "key": "pigeon.loft",
        "value": "roof",
        "origin": "default",
        "help": "Where they live.",
    }
    assert rows["pigeon.seed"]["value"] == "****"
    assert "millet" not in json.dumps(rows)
    assert "PIGEON_LOFT" in run("help", "environment").out


def test_its_codes_are_explained(run: Run) -> None:
    """As those of every provider."""
    answer = run("explain", "p01")
    assert "cure    Water it." in answer.out
    assert "P01" in run("help", "errors").out


def test_its_pages_are_pages_of_help(run: Run) -> None:
    """And listed."""
    assert run("help", "feathers").out == "Comb them.\n"
    assert "feathers" in run("help").out


def test_its_checks_are_part_of_the_doctor(run: Run) -> None:
    """One that breaks off is a failure of its own, and the others run."""
    answer = run("doctor")
    assert answer.code == 1
    assert "warn  pigeons              one is tired" in answer.out
    assert "its checks broke off with RuntimeError" in answer.out
    assert "kwtsms" in answer.out


def test_a_plugin_that_describes_itself_wrongly_is_quarantined(run: Run) -> None:
    """With the reason, and no other plugin is affected."""
    answer = run("doctor")
    assert "liar is broken: notifykit_about brings a dict, not an About" in answer.out
