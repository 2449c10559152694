"""Where installed plugins are found: wherever Python's own library finds entry points."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.metadata
import os
import pathlib
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from typing import Any

import editables
import pytest

from notifykit import PluginError, PluginHost, Settings
from notifykit.plugins import PluginInfo

SOURCE = """
from notifykit import hookimpl

class Audit:
    name = "audit"
    def handle(self, event): pass

@hookimpl
def notifykit_sinks():
    return [Audit()]
"""
METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"


def install(site: pathlib.Path, name: str, points: str, version: str = "1.2") -> pathlib.Path:
    """Write what an installer writes about a distribution, and return its folder."""
    about = site / f"{name.replace('-', '_')}-{version}.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(METADATA.format(name=name, version=version), encoding="utf-8")
    (about / "entry_points.txt").write_text(f"[notifykit]\n{points}\n", encoding="utf-8")
    return about


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    """Forget the modules of a test's plugins."""
    yield
    for name in [name for name in sys.modules if name.startswith("nice_plugin")]:
        del sys.modules[name]
    importlib.invalidate_caches()


def found(**options: Any) -> dict[str, PluginInfo]:
    """Return what a host knows of installed plugins that are not this project's own, by name."""
    host = PluginHost(builtins=(), disable=["kwtsms"], **options)
    host.registry(Settings())
    return {info.name: info for info in host.plugins if info.name != "kwtsms"}


def origin(info: PluginInfo) -> tuple[str, str, str | None, tuple[str, ...]]:
    """Return how a plugin is doing, where it came from, and what it brought."""
    return info.status.value, info.distribution, info.version, info.brings


def test_what_is_installed_here_is_found() -> None:
    """This project's own plugin, with the distribution and the version."""
    plugin = next(info for info in PluginHost(builtins=()).plugins if info.name == "kwtsms")
    assert (plugin.distribution, plugin.version) == ("notifykit", importlib.metadata.version("notifykit"))
    assert plugin.location == "notifykit_kwtsms.plugin"


def test_a_plugin_in_a_zip_file_is_found_and_loaded(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that programs that are packed into one file have their plugins."""
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
        archive.writestr("nice_plugin-1.2.dist-info/METADATA", METADATA.format(name="nice-plugin", version="1.2"))
        archive.writestr("nice_plugin-1.2.dist-info/entry_points.txt", "[notifykit]\nnice = nice_plugin\n")
        archive.writestr("nice_plugin.py", SOURCE)
    monkeypatch.syspath_prepend(tmp_path / "packed.zip")
    assert origin(found()["nice"]) == ("ok", "nice-plugin", "1.2", ("sink:audit",))


def test_a_plugin_that_is_installed_editably_by_an_import_hook_is_found(tmp_path: pathlib.Path) -> None:
    """As build backends do it where the source is no plain folder: a .pth file starts a finder of modules."""
    site, source = tmp_path / "site", tmp_path / "source"
    source.mkdir()
    (source / "nice.py").write_text(SOURCE, encoding="utf-8")
    install(site, "nice-plugin", "nice = nice_plugin")
    project = editables.EditableProject("nice_plugin", str(source))
    project.map("nice_plugin", "nice.py")
    for name, content in project.files():
        (site / name).write_text(content, encoding="utf-8")
    code = (
        f"import site; site.addsitedir({str(site)!r})\n"
        "from notifykit import PluginHost, Settings\n"
        "host = PluginHost(builtins=(), disable=['kwtsms'], strict=True); host.registry(Settings())\n"
        "print(*next((info.distribution, *info.brings) for info in host.plugins if info.name == 'nice'))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.stdout, done.stderr) == ("nice-plugin sink:audit\n", "")


def test_another_meta_path_finder_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says itself what came with it, and imports it."""

    class Distribution(importlib.metadata.Distribution):
        def read_text(self, filename: str) -> str | None:
            return {
                "METADATA": METADATA.format(name="frozen", version="3"),
                "entry_points.txt": "[notifykit]\nnice = nice_plugin_frozen\n",
            }.get(filename)

        def locate_file(self, path: Any) -> Any:
            raise NotImplementedError

    class Finder(importlib.metadata.DistributionFinder, importlib.abc.InspectLoader):
        def find_distributions(self, context: Any = None) -> list[Distribution]:
            return [Distribution()]

        def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
            return importlib.machinery.ModuleSpec(name, self) if name == "nice_plugin_frozen" else None

        def get_source(self, fullname: str) -> str:
            return SOURCE

    monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])
    assert origin(found()["nice"]) == ("ok", "frozen", "3", ("sink:audit",))


def test_a_distribution_that_is_found_twice_counts_once(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first on the path, which is the one that would be imported."""
    for folder, version in (("second", "1"), ("first", "2")):
        install(tmp_path / folder, "nice-plugin", "nice = nice_plugin", version)
        (tmp_path / folder / "nice_plugin.py").write_text(SOURCE, encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path / folder)
    assert origin(found()["nice"]) == ("ok", "nice-plugin", "2", ("sink:audit",))


def test_a_plugin_name_that_two_distributions_claim_is_an_error(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names both, and says what to do; neither is silently skipped."""
    install(tmp_path, "nice-plugin", "nice = nice_plugin")
    install(tmp_path, "other-plugin", "nice = other_plugin")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(PluginError) as caught:
        found()
    assert caught.value.plugin == "nice"
    assert str(caught.value).endswith(
        "nice-plugin brings nice_plugin and other-plugin brings other_plugin. Uninstall one, or rename its entry point."
    )


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("nice_plugin_nowhere", "ModuleNotFoundError: No module named 'nice_plugin_nowhere'"),
        ("nice_plugin:Missing", "AttributeError: module 'nice_plugin' has no attribute 'Missing'"),
        ("= ?", "AttributeError: "),
    ],
)
def test_a_broken_entry_point_is_quarantined_with_its_traceback(
    value: str, reason: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one of the same distribution works; in strict mode it is an error."""
    install(tmp_path, "nice-plugin", f"nice = nice_plugin\nwrong = {value}")
    (tmp_path / "nice_plugin.py").write_text(SOURCE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    plugins = found()
    assert plugins["nice"].brings == ("sink:audit",)
    assert origin(plugins["wrong"]) == ("broken", "nice-plugin", "1.2", ())
    assert (plugins["wrong"].reason or "").startswith(reason)
    assert (plugins["wrong"].traceback or "").startswith("Traceback (most recent call last):\n")
    with pytest.raises(PluginError, match="'wrong'"):
        found(strict=True)


def test_a_distribution_without_metadata_is_listed_without_a_name(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is half removed does not stop everything."""
    (install(tmp_path, "nice-plugin", "nice = nice_plugin") / "METADATA").unlink()
    (tmp_path / "nice_plugin.py").write_text(SOURCE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert origin(found()["nice"]) == ("ok", "an unknown distribution", None, ("sink:audit",))
