"""Which entry points are found: exactly those that Python's own library finds."""

from __future__ import annotations

import importlib.metadata
import pathlib
import sys
import zipfile
from collections.abc import Sequence
from typing import Any

import pytest

from notifykit import installed

GROUP = "notifykit.tried"


def install(
    site: pathlib.Path,
    folder: str,
    points: str,
    metadata: str = "Name: Nice.Plugin\nVersion: 1.2\n",
    file: str = "METADATA",
) -> None:
    """Write what an installer writes."""
    about = site / folder
    about.mkdir(parents=True)
    (about / file).write_text(f"Metadata-Version: 2.1\n{metadata}\nName: of the description\n", encoding="utf-8")
    (about / "entry_points.txt").write_text(points, encoding="utf-8")


def found() -> list[tuple[str, str, str | None, str | None]]:
    """Return what is found in the group."""
    return [(p.name, p.value, p.distribution, p.version) for p in installed.entry_points(GROUP)]


def as_python_says() -> list[tuple[str, str, str | None, str | None]]:
    """Return what Python's own library finds in the group."""
    points = importlib.metadata.entry_points(group=GROUP)
    return sorted((p.name, p.value, p.dist and p.dist.name, p.dist and p.dist.version) for p in points)


@pytest.mark.parametrize("group", ["notifykit", "pytest11", "console_scripts"])
def test_what_is_installed_here_is_found(group: str) -> None:
    """Everything that is in this environment, with the names and versions of its distributions."""
    points = importlib.metadata.entry_points(group=group)
    there = sorted((p.name, p.value, p.dist and p.dist.name, p.dist and p.dist.version) for p in points)
    assert there
    assert [(p.name, p.value, p.distribution, p.version) for p in installed.entry_points(group)] == there


@pytest.mark.parametrize(
    ("folder", "file"),
    [
        ("nice_plugin-1.2.dist-info", "METADATA"),
        ("Nice.Plugin-1.2.dist-info", "METADATA"),
        ("nice_plugin.egg-info", "PKG-INFO"),
        ("nice_plugin-1.2-py3.11.egg-info", "PKG-INFO"),
        ("nice_plugin-1.2-py3.11.egg/EGG-INFO", "PKG-INFO"),
    ],
)
def test_every_kind_of_folder_is_read(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, folder: str, file: str
) -> None:
    """Those of today's installers, of those before them, and an unpacked egg that is itself on the path."""
    install(tmp_path, folder, f"[{GROUP}]\nnice = nice_plugin\n", file=file)
    monkeypatch.syspath_prepend(tmp_path / folder.rpartition("/")[0])
    assert found() == as_python_says() == [("nice", "nice_plugin", "Nice.Plugin", "1.2")]


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        (f"[{GROUP}]\nb = two\na = one\n", [("a", "one"), ("b", "two")]),
        (f"# [{GROUP}]\n[other]\na = x\n\n[{GROUP}]\n# b = no\n  b=two:Plugin.make [extra]  \n\n[more]\nc = y\n", [("b", "two:Plugin.make [extra]")]),
        (f"[{GROUP}.commands]\na = x\n", []),
        (f"[{GROUP}]\r\na = one = two\r\n", [("a", "one = two")]),
        ("", []),
    ],
)  # fmt: skip
def test_only_the_lines_of_the_group_are_read(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, points: str, expected: Sequence[tuple[str, str]]
) -> None:
    """Whatever else stands around them."""
    install(tmp_path, "nice_plugin-1.2.dist-info", points)
    monkeypatch.syspath_prepend(tmp_path)
    assert found() == as_python_says() == [(*pair, "Nice.Plugin", "1.2") for pair in expected]


def test_of_two_distributions_with_one_name_the_first_on_the_path_counts(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it is the one that would be imported, also where the other writes its name otherwise, or names nothing."""
    install(
        tmp_path / "first",
        "nice_plugin-2.dist-info",
        f"[{GROUP}]\nnew = new_plugin\n",
        "Name: nice-plugin\nVersion: 2\n",
    )
    install(tmp_path / "second", "Nice.Plugin-1.dist-info", f"[{GROUP}]\nold = old_plugin\n")
    for folder in ("second", "first"):
        monkeypatch.syspath_prepend(tmp_path / folder)
    assert found() == as_python_says() == [("new", "new_plugin", "nice-plugin", "2")]
    (tmp_path / "first" / "nice_plugin-2.dist-info" / "entry_points.txt").unlink()
    importlib.invalidate_caches()
    assert found() == as_python_says() == []


def test_an_archive_on_the_path_is_looked_into(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that programs that are packed into one file have their plugins."""
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
        archive.writestr(
            "nice_plugin-1.2.dist-info/METADATA", "Metadata-Version: 2.1\nName: nice-plugin\nVersion: 1.2\n"
        )
        archive.writestr("nice_plugin-1.2.dist-info/entry_points.txt", f"[{GROUP}]\nnice = nice_plugin:Plugin\n")
        archive.writestr("nice_plugin.py", "class Plugin: pass\n")
    monkeypatch.syspath_prepend(tmp_path / "packed.zip")
    assert found() == as_python_says() == [("nice", "nice_plugin:Plugin", "nice-plugin", "1.2")]
    monkeypatch.delitem(sys.modules, "nice_plugin", raising=False)
    assert installed.entry_points(GROUP)[0].load().__name__ == "Plugin"


def test_other_importers_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """An importer of somebody else's says itself what came with it."""

    class Distribution(importlib.metadata.Distribution):
        def read_text(self, filename: str) -> str | None:
            return {
                "METADATA": "Metadata-Version: 2.1\nName: frozen\nVersion: 3\n",
                "entry_points.txt": f"[{GROUP}]\nfrozen = frozen_plugin\n",
            }.get(filename)

        def locate_file(self, path: Any) -> Any:
            raise NotImplementedError

    class Importer(importlib.metadata.DistributionFinder):
        def find_distributions(self, context: Any = None) -> list[Distribution]:
            return [Distribution()]

        def find_spec(self, *args: Any) -> None:
            return None

    monkeypatch.setattr(sys, "meta_path", [Importer(), *sys.meta_path])
    assert found() == as_python_says() == [("frozen", "frozen_plugin", "frozen", "3")]


def test_what_cant_be_read_is_not_there(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution that is half removed must not stop everything."""
    install(tmp_path, "nice_plugin-1.2.dist-info", f"[{GROUP}]\nnice = nice_plugin\n")
    (tmp_path / "nice_plugin-1.2.dist-info" / "METADATA").unlink()
    install(tmp_path, "torn-1.dist-info", "")
    (tmp_path / "torn-1.dist-info" / "entry_points.txt").write_bytes(b"\xff\xfe[")
    (tmp_path / "plain-1.egg-info").write_text("Name: plain\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.syspath_prepend(tmp_path / "nowhere")
    assert found() == [("nice", "nice_plugin", None, None)]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("notifykit.installed", installed),
        ("notifykit.installed:EntryPoint", installed.EntryPoint),
        ("notifykit.installed : EntryPoint.load [extra, more]", installed.EntryPoint.load),
    ],
)
def test_what_an_entry_point_names_is_loaded(value: str, expected: object) -> None:
    """A module, something in it, or something in that."""
    point = installed.EntryPoint(GROUP, "nice", value, None, None)
    assert point.load() is expected
    assert importlib.metadata.EntryPoint("nice", value.replace(" : ", ":"), GROUP).load() is expected


def test_half_of_a_distribution_hides_nobody_else(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither one without metadata that another finder brings, nor a name that is no UTF-8."""

    class Nameless:
        @property
        def metadata(self) -> Any:
            raise FileNotFoundError("METADATA")

    class Finder:
        @staticmethod
        def find_distributions(context: object) -> list[Any]:
            return [Nameless()]

    monkeypatch.setattr(sys, "meta_path", [Finder, *sys.meta_path])
    install(tmp_path, "nice_plugin-1.2.dist-info", f"[{GROUP}]\nnice = there:it\n")
    points = tmp_path / "nice_plugin-1.2.dist-info" / "entry_points.txt"
    points.write_bytes(points.read_bytes() + b"caf\xe9 = there:too\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert [name for name, *_ in found()] == ["caf\ufffd", "nice"]


def test_the_backport_of_the_library_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would find everything once more, and takes longer than all the rest."""

    class MetadataPathFinder:
        @staticmethod
        def find_distributions(context: object) -> list[Any]:
            raise AssertionError("nobody asks")

    monkeypatch.setattr(sys, "meta_path", [MetadataPathFinder, *sys.meta_path])
    assert installed.entry_points("notifykit")
