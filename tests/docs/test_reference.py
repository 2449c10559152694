"""What the documentation lists is what there is."""

from __future__ import annotations

import importlib
import importlib.util
import pathlib
import re

import pytest

import notifykit
import notifykit.verify
import notifykit_kwtsms
from notifykit.hookspecs import PROJECT
from notifykit.settings.sources import FIELDS
from notifykit_kwtsms.api.codes import CODES, Code
from notifykit_kwtsms.sandbox import FAULTS
from notifykit_kwtsms.settings import FIELDS as KWTSMS_FIELDS

DOCS = (pathlib.Path(__file__).parents[2] / "docs").resolve()


@pytest.mark.parametrize("code", CODES.values(), ids=lambda code: code.name)
def test_the_table_of_codes_is_the_one_that_the_code_uses(code: Code):
    """Word for word: code, meaning, what to do, and what it is about."""
    row = f"| {code.name} | {code.meaning} | {code.action} | {code.scope.value} |"
    assert row in (DOCS / "reference" / "errors.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("field", [*FIELDS, *KWTSMS_FIELDS], ids=lambda field: field.name)
def test_every_setting_has_its_line(field):
    """Its name, and one of its variables."""
    page = (DOCS / "how-to" / "settings.md").read_text(encoding="utf-8")
    assert f"`{field.name}`" in page
    others = not field.environment or field.name in ("cleaners", "sinks")  # only in files, or on another's line
    assert others or any(f"`{name}`" in page for name in field.environment)


def test_every_page_is_two_links_away_at_most():
    """By plain links from the index, which work without the pages being built."""
    index = DOCS / "index.md"
    near = _links(index)
    assert {index, *DOCS.rglob("*.md")} == {index}.union(near, *map(_links, near))


def test_every_link_leads_to_a_page_that_is_there():
    """In README and every page."""
    for page in (DOCS.parent / "README.md", *DOCS.rglob("*.md")):
        assert {link for link in _links(page) if DOCS in link.parents and not link.exists()} == set(), page


def _links(page: pathlib.Path) -> set[pathlib.Path]:
    found = re.findall(r"\]\(([^):#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    return {(page.parent / link).resolve() for link in found if link.endswith(".md")}


def test_names_in_prose_exist():
    """The faults that pages use, and the entry-point group."""
    page = (DOCS / "how-to" / "sandbox.md").read_text(encoding="utf-8")
    assert 'sandbox.chaos("half-body"' in page
    assert "half-body" in FAULTS
    assert f"[project.entry-points.{PROJECT}]" in (DOCS / "how-to" / "plugins.md").read_text(encoding="utf-8")


def test_the_reference_of_python_shows_names_as_they_are_imported():
    """``notifykit.Notifier``, not the module that it happens to be in."""
    page = "".join(page.read_text(encoding="utf-8") for page in (DOCS / "reference").glob("*.md"))
    shown = re.findall(r"^\.\. auto(?:class|function):: (\S+)$", page, re.MULTILINE)
    assert "notifykit.Notifier" in shown
    for package in (notifykit, notifykit.verify, notifykit_kwtsms):
        public = {name: f"{package.__name__}.{name}" for name in package.__all__}
        names = {name.rpartition(".")[2]: name for name in shown if name.startswith(f"{package.__name__}.")}
        assert {name: names[name] for name in names if public.get(name, names[name]) != names[name]} == {}


def test_the_table_of_transports_is_what_they_declare():
    """Word for word; ``python docs/matrix.py`` writes it anew."""
    script = importlib.util.spec_from_file_location("matrix", DOCS / "matrix.py")
    assert script is not None
    assert script.loader is not None
    matrix = importlib.util.module_from_spec(script)
    script.loader.exec_module(matrix)
    page = (DOCS / "reference" / "transports.md").read_text(encoding="utf-8")
    assert matrix.page(page) == page
    assert {"kwtsms", "smtp", "file", "apprise", "webhook", "memory", "console", "null"} <= set(matrix.known())


@pytest.mark.parametrize("name", ["smtp", "file", "apprise"])
def test_every_setting_of_a_transport_is_on_its_page(name):
    """By its name or its variable."""
    page = (DOCS / "how-to" / "transports.md").read_text(encoding="utf-8")
    fields = importlib.import_module(f"notifykit.transports.{name}").notifykit_about().fields
    assert fields
    for field in fields:
        variable = field.environment[0]
        short = f"`\u2026{variable.removeprefix(f'NOTIFYKIT_{name.upper()}')}`"
        assert variable in page or short in page or f"`{field.name}`" in page
        assert variable.startswith(f"NOTIFYKIT_{name.upper()}_")
