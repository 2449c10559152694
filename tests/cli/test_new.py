"""``notifykit new plugin``: what it writes, what it refuses, and what it says."""

from __future__ import annotations

import ast
import pathlib
import sys
import tomllib

import pytest

from notifykit.cli.new import KINDS
from tests.cli.conftest import Run

FILES = [
    ".gitignore",
    "README.md",
    "pyproject.toml",
    "src/acme_sms/__init__.py",
    "src/acme_sms/py.typed",
    "tests/test_contract.py",
]


def written(folder: pathlib.Path) -> list[str]:
    """Return the files below a folder."""
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_a_whole_distribution(run: Run, kind: str) -> None:
    """Every file can be read as what it is, and no placeholder is left; the last lines are what to type next."""
    said = run("new", "plugin", "acme-sms", "--kind", kind)
    folder = pathlib.Path("acme-sms")
    assert (said.code, said.err, written(folder)) == (0, "", FILES)
    assert all(f"acme-sms/{file}\n" in said.out for file in FILES)
    assert said.out.endswith(
        'Next:\n  cd acme-sms\n  python -m pip install --editable . "notifykit[testing]"\n  python -m pytest\n'
    )
    texts = {file: (folder / file).read_text(encoding="utf-8") for file in FILES}
    assert all("${" not in text and "$name" not in text and text.endswith("\n") for text in texts.values() if text)
    project = tomllib.loads(texts["pyproject.toml"])
    assert project["project"]["entry-points"] == {"notifykit": {"acme-sms": "acme_sms"}}
    (needed,) = project["project"]["dependencies"]
    assert needed.startswith("notifykit>=")
    modules = [ast.parse(texts[file]) for file in FILES if file.endswith(".py")]
    classes = [node.name for module in modules for node in module.body if isinstance(node, ast.ClassDef)]
    # A sink and a cleaner are functions.
    own = [] if kind in ("sink", "cleaner") else [f"AcmeSms{kind.capitalize()}"]
    assert classes == [*own, f"TestAcmeSms{kind.capitalize()}"]
    assert ast.get_docstring(modules[0])
    assert f"every {kind} promises" in texts["README.md"]


@pytest.mark.parametrize(("kind", "most"), [("transport", 90), ("sink", 40), ("cleaner", 25), ("normalizer", 95)])
def test_a_plugin_is_short(run: Run, kind: str, most: int) -> None:
    """With docstrings and blank lines; it imports everything of notifykit from one module."""
    assert run("new", "plugin", "acme-sms", "--kind", kind).code == 0
    source = pathlib.Path("acme-sms/src/acme_sms/__init__.py").read_text(encoding="utf-8")
    assert len(source.splitlines()) <= most
    imports = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom | ast.Import)]
    modules = {node.module for node in imports if isinstance(node, ast.ImportFrom) and node.module}
    assert {module for module in modules if module.startswith("notifykit")} == {"notifykit.plugin"}


def test_the_answer_is_a_document_too(run: Run, tmp_path: pathlib.Path) -> None:
    """With what was written where; a folder of another name is made with those above it."""
    folder = tmp_path / "my plugins" / "sms"
    data = run("new", "plugin", "acme-sms", "--kind", "sink", "--into", str(folder), "--json").data
    assert data["files"] == FILES == written(folder)
    assert (data["name"], data["kind"], data["module"], data["folder"]) == ("acme-sms", "sink", "acme_sms", str(folder))
    assert data["next"][0] == f"cd '{folder}'"
    assert not pathlib.Path("acme-sms").exists()


def test_a_kind_in_the_name_is_not_said_twice(run: Run) -> None:
    """``acme-transport`` has an ``AcmeTransport``."""
    assert run("new", "plugin", "acme-transport", "--kind", "transport").code == 0
    source = pathlib.Path("acme-transport/src/acme_transport/__init__.py").read_text(encoding="utf-8")
    assert "class AcmeTransport(HttpTransport):" in source


@pytest.mark.parametrize(
    ("name", "reason", "better"),
    [
        ("Acme.SMS", "is no name", "acme-sms"),
        ("acme_sms", "is no name", "acme-sms"),
        ("acme--sms-", "is no name", "acme-sms"),
        ("2sms", "is no name", "sink-2sms"),
        ("../acme", "is no name", "acme"),
        ("اسم", "is no name", "sink"),
        ("", "is no name", "sink"),
        ("acme\n", "is no name", "acme"),
        ("a" * 41, "longer than 40 characters", "a" * 32),
        ("notifykit", "notifykit brings itself", "notifykit-sink"),
        ("notifykit-kwtsms", "notifykit brings itself", "notifykit-kwtsms-sink"),
        ("json", "Python's standard library", "json-sink"),
        ("class", "a word of Python's own", "class-sink"),
        ("match", "a word of Python's own", "match-sink"),
        ("python-dotenv", "a distribution that is installed here", "python-dotenv-sink"),
        ("dotenv", "a module of python-dotenv, which is installed here", "dotenv-sink"),
        ("memory", "notifykit brings a plugin that is called 'memory'", "memory-sink"),
        ("quiet-hours", "notifykit brings a plugin that is called 'quiet-hours'", "quiet-hours-sink"),
    ],
)
def test_a_name_that_would_not_do_is_refused_with_one_that_does(run: Run, name: str, reason: str, better: str) -> None:
    """Nothing is written, and the next command works as it stands."""
    said = run("new", "plugin", name, "--kind", "sink")
    assert (said.code, said.out) == (2, "")
    assert reason in said.err
    assert said.err.endswith(f"Next: notifykit new plugin {better} --kind sink\n")
    assert written(pathlib.Path()) == []
    assert run(*said.err.splitlines()[-1].split()[2:]).code == 0


def test_everything_that_is_wrong_is_in_one_error(run: Run, tmp_path: pathlib.Path) -> None:
    """The name, whom it belongs to, and the folder."""
    (tmp_path / "full").write_text("a file")
    said = run("new", "plugin", "kwtsms", "--kind", "cleaner", "--into", str(tmp_path / "full"))
    assert said.err.splitlines() == [
        "notifykit: Nothing was written:",
        "  - 'kwtsms' is the name of something that notifykit brings itself",
        "  - notifykit brings a plugin that is called 'kwtsms', and two of one name are an error",
        f"  - {tmp_path / 'full'} is a file",
        "Next: notifykit new plugin kwtsms-cleaner --kind cleaner --into ANOTHER-FOLDER",
    ]


def test_nothing_is_overwritten(run: Run) -> None:
    """A folder with anything in it is left as it was; one that only holds a repository is as good as empty."""
    folder = pathlib.Path("acme-sms")
    (folder / ".git").mkdir(parents=True)
    assert run("new", "plugin", "acme-sms", "--kind", "sink").code == 0
    (folder / "README.md").write_text("mine")
    said = run("new", "plugin", "acme-sms", "--kind", "cleaner")
    assert (said.code, "acme-sms is not empty, and nothing is overwritten" in said.err) == (2, True)
    assert (folder / "README.md").read_text() == "mine"


def test_a_folder_that_can_not_be_written_is_said(run: Run, tmp_path: pathlib.Path) -> None:
    """As a sentence, not as a traceback."""
    (tmp_path / "file").write_text("a file")
    said = run("new", "plugin", "acme-sms", "--kind", "sink", "--into", str(tmp_path / "file" / "below"))
    assert said.code != 0
    assert "Traceback" not in said.err
    assert str(tmp_path / "file") in said.err


def test_a_plugin_of_that_name_is_respected_but_not_its_own_earlier_self(
    run: Run, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another distribution's plugin keeps its name; one's own may be begun again."""
    monkeypatch.syspath_prepend(tmp_path)
    for distribution, plugin, module in (("pigeons", "acme-birds", "pigeons"), ("acme-own", "acme-own", "acme_own")):
        about = tmp_path / f"{distribution.replace('-', '_')}-1.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1\n")
        (about / "entry_points.txt").write_text(f"[notifykit]\n{plugin} = {module}\n")
        (tmp_path / f"{module}.py").write_text("")
        monkeypatch.delitem(sys.modules, module, raising=False)
    said = run("new", "plugin", "acme-birds", "--kind", "sink")
    assert "pigeons brings a plugin that is called 'acme-birds'" in said.err
    assert said.err.endswith("Next: notifykit new plugin acme-birds-sink --kind sink\n")
    assert run("new", "plugin", "acme-own", "--kind", "sink").code == 0


def test_what_it_brings_has_to_be_said(run: Run) -> None:
    """By one of the four words; nothing is guessed, and nothing is written."""
    for words in (("acme-sms",), ("acme-sms", "--kind", "pigeon")):
        said = run("new", "plugin", *words)
        assert (said.code, "normalizer" in said.err) == (2, True)
    assert written(pathlib.Path()) == []
