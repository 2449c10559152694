"""The layers of the code: no module imports one of a higher layer, and no import cycle, not even a typing-only one."""

from __future__ import annotations

import ast
import functools
import graphlib
import importlib.util
import pathlib
from collections.abc import Iterator
from typing import Final

import attrs
import pytest

#: The layers, the lowest first: top-level modules and packages below ``notifykit``; the empty name is its ``__init__``.
LAYERS: Final = (
    ("imports", "suggest", "errors", "redaction", "models"),
    ("http", "templates", "settings", "events", "analytics"),
    ("protocols",),
    ("hookspecs", "counters", "rate_limit"),
    ("plugins", "normalizers", "cleaners", "guards", "transports", "sinks"),
    ("campaigns",),
    ("pipeline",),
    ("people",),
    ("report",),
    ("", "__main__", "plugin", "cli", "testing", "durable", "verify", "alerts", "integrations"),
)
COMPONENTS: Final = ("normalizers", "cleaners", "guards", "transports", "sinks")


@attrs.frozen
class Import:
    """One name that one module takes from another."""

    #: Who imports, by its dotted name.
    importer: str
    #: The module that it comes from.
    module: str
    #: The name; empty where the whole module is imported.
    name: str
    #: Where it stands.
    line: int

    def __str__(self) -> str:
        return f"{self.importer}, line {self.line}: {self.name or 'import'} from {self.module}"


def _folder(package: str) -> pathlib.Path:
    found = importlib.util.find_spec(package)
    assert found is not None
    assert found.origin is not None
    return pathlib.Path(found.origin).parent


def _modules(package: str) -> dict[str, pathlib.Path]:
    root = _folder(package)
    modules = {}
    for file in sorted(root.rglob("*.py")):
        parts = (package, *file.relative_to(root).with_suffix("").parts)
        modules[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return modules


MODULES: Final = _modules("notifykit") | _modules("notifykit_kwtsms")


def _imports(importer: str, file: pathlib.Path) -> Iterator[Import]:
    """Yield everything that a module imports from the two packages, wherever in it the import stands."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(importer, alias.name, "", node.lineno)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{importer} imports relatively in line {node.lineno}"
            assert node.module is not None
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                module, name = (inner, "") if inner in MODULES else (node.module, alias.name)
                yield Import(importer, module, name, node.lineno)


@functools.cache
def all_imports() -> tuple[Import, ...]:
    """Return the imports of both packages."""
    return tuple(
        found
        for importer, file in MODULES.items()
        for found in _imports(importer, file)
        if found.module.split(".")[0] in ("notifykit", "notifykit_kwtsms")
    )


def within(module: str, *packages: str) -> bool:
    """Return whether a module is one of these, or below one of them."""
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def layer(module: str) -> int:
    """Return the number of a module's layer; the lowest has 0."""
    part = module.partition(".")[2].partition(".")[0]
    return next(number for number, parts in enumerate(LAYERS) if part in parts)


def test_modules_and_imports_are_found() -> None:
    """The other tests of this file check something."""
    assert len(MODULES) > 40
    assert len(all_imports()) > 100
    assert {found.module for found in all_imports()} <= set(MODULES)


def test_every_module_has_a_layer() -> None:
    """A new one is added to the table."""
    known = {part for parts in LAYERS for part in parts}
    ours = [module for module in MODULES if within(module, "notifykit")]
    assert [module for module in ours if module.partition(".")[2].partition(".")[0] not in known] == []


def test_the_root_has_at_most_ten_modules() -> None:
    """Besides ``__init__`` and ``__main__``; what belongs together is a package."""
    root = pathlib.Path(_folder("notifykit"))
    assert len([file for file in root.glob("*.py") if not file.name.startswith("__")]) <= 10


def test_no_import_cycle() -> None:
    """Every module can be read, and understood, before those that need it."""
    graph: dict[str, set[str]] = {module: set() for module in MODULES}
    for found in all_imports():
        graph[found.importer].add(found.module)
    tuple(graphlib.TopologicalSorter(graph).static_order())


def test_no_module_imports_a_higher_layer() -> None:
    """A layer imports those below it, and itself."""
    upwards = [
        str(found)
        for found in all_imports()
        if within(found.importer, "notifykit")
        and within(found.module, "notifykit")
        and layer(found.module) > layer(found.importer)
    ]
    assert upwards == []


def test_the_pipeline_imports_no_component() -> None:
    """Components arrive through the registry, installed ones and the framework's own alike."""
    components = [f"notifykit.{component}" for component in COMPONENTS]
    assert [
        str(found)
        for found in all_imports()
        if within(found.importer, "notifykit.pipeline") and within(found.module, *components)
    ] == []


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_component_imports_no_other_kind_of_component_and_no_registry(component: str) -> None:
    """It could be moved into a distribution of its own."""
    others = [f"notifykit.{other}" for other in (*COMPONENTS, "plugins") if other != component]
    mine = [found for found in all_imports() if within(found.importer, f"notifykit.{component}")]
    assert mine
    assert [str(found) for found in mine if within(found.module, *others)] == []


def test_the_framework_does_not_import_its_first_plugin() -> None:
    """The kwtSMS package is registered like any other."""
    assert [
        str(found)
        for found in all_imports()
        if within(found.importer, "notifykit") and within(found.module, "notifykit_kwtsms")
    ] == []


def test_the_first_plugin_uses_only_public_names() -> None:
    """If it needed a private one, the hooks would lack something."""
    taken = [
        found
        for found in all_imports()
        if within(found.importer, "notifykit_kwtsms") and within(found.module, "notifykit")
    ]
    assert taken
    private = [found for found in taken if any(part.startswith("_") for part in (*found.module.split("."), found.name))]
    assert [str(found) for found in private] == []
