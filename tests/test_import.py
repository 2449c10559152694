"""What ``import notifykit`` costs, what it offers, and which modules are public."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import os
import pathlib
import re
import string
import subprocess
import sys
from collections.abc import Iterator
from typing import Final

import pytest

import notifykit

ROOT: Final = pathlib.Path(__file__).parents[1]
#: The public modules: the table on this page is the one list of them.
PUBLIC: Final = frozenset(
    re.findall(r"^\| `(notifykit[a-z_.]*)` \|", (ROOT / "docs/reference/plugin.md").read_text("utf-8"), re.MULTILINE)
)
HEAVY = ("urllib3", "click", "pluggy", "dotenv", "platformdirs", "attrs", "ssl", "asyncio", "notifykit_kwtsms")


def loaded_by(statement: str) -> set[str]:
    """Return the names of the modules that a fresh interpreter has loaded after a statement, and not before it."""
    code = f"import sys; before = set(sys.modules)\n{statement}\nprint(*set(sys.modules) - before)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    return set(done.stdout.splitlines()[-1].split())


def test_importing_the_package_loads_nothing_heavy() -> None:
    """Names are loaded when they are first used, so the import alone costs next to nothing."""
    loaded = loaded_by("import notifykit")
    assert "notifykit" in loaded
    assert [name for name in HEAVY if name in loaded] == []
    assert {name for name in loaded if name.startswith("notifykit")} == {"notifykit", "notifykit.imports"}


def test_building_a_notifier_loads_no_http_client_and_no_command_line() -> None:
    """A program that sends to memory loads neither."""
    statement = (
        "from notifykit import Notifier, PluginHost; "
        "Notifier('memory', host=PluginHost(entry_points=False)).send('96598765432', 'hello')"
    )
    assert {"urllib3", "click", "dotenv"} & loaded_by(statement) == set()


def test_the_help_of_kwtsms_loads_no_models() -> None:
    """It shows a table of names: neither the models nor what makes a key is needed for that."""
    loaded = loaded_by("import notifykit_kwtsms.cli.program")
    assert "click" in loaded
    assert {"attrs", "secrets", "tempfile", "notifykit.errors"} & loaded == set()


def test_the_list_of_commands_loads_no_components() -> None:
    """``notifykit --help`` asks every plugin for its commands, and none for what it brings besides."""
    loaded = loaded_by("from notifykit import PluginHost; PluginHost().commands()")
    assert {"notifykit.durable", "notifykit_kwtsms.plugin"} <= loaded
    assert {"notifykit.plugins.registry", "notifykit.protocols"} & loaded == set()


def test_asking_for_the_balance_loads_no_transport() -> None:
    """``kwtsms balance`` needs the settings, the rate limit and the API: no text is measured, no message planned."""
    loaded = loaded_by("import notifykit_kwtsms.cli.account")
    assert {"notifykit_kwtsms.api.client", "notifykit.rate_limit"} <= loaded
    assert {"notifykit_kwtsms.transport", "notifykit_kwtsms.text.segments", "notifykit.protocols"} & loaded == set()


def test_only_a_number_from_outside_the_gulf_loads_the_library_that_reads_it() -> None:
    """A program that sends to Kuwait and its neighbours does not load the numbering plans of the world."""
    statement = (
        "from notifykit import Notifier; sms = Notifier('memory'); "
        "assert sms.send(['+965 9876-5432', '966551234567', '+971 50 449 6677', '98765432', 'abc'], 'x').accepted"
    )
    loaded = loaded_by(statement)
    assert "notifykit_kwtsms.phone.normalizer" in loaded, "the plugin was asked"
    assert "phonenumbers" not in loaded
    assert "phonenumbers" in loaded_by(f"{statement}; assert sms.send('+20 10 0123 4567', 'x').accepted")


def test_building_the_registry_looks_for_no_folder_of_this_user() -> None:
    """Only what keeps state needs one."""
    assert "platformdirs" not in loaded_by(
        "from notifykit import PluginHost, Settings; PluginHost().registry(Settings())"
    )


@pytest.mark.parametrize("name", notifykit.__all__)
def test_every_public_name_can_be_used(name: str) -> None:
    """It is there, it is listed, and it comes from this package."""
    value = getattr(notifykit, name)
    assert name in dir(notifykit)
    assert getattr(value, "__module__", "notifykit").split(".")[0] in ("notifykit", "pluggy")
    assert value == getattr(notifykit, name)


def test_the_public_names_are_listed_once_each() -> None:
    """And all of them come with a star."""
    assert len(set(notifykit.__all__)) == len(notifykit.__all__)
    namespace: dict[str, object] = {}
    exec("from notifykit import *", namespace)
    assert set(notifykit.__all__) <= set(namespace)


@pytest.mark.parametrize("name", ["Notifer", "errors_", "_private", ""])
def test_a_name_that_is_not_there_is_an_attribute_error(name: str) -> None:
    """As it is for any module, so that ``hasattr`` and ``import`` work as ever."""
    with pytest.raises(AttributeError, match=f"module 'notifykit' has no attribute '{name}'"):
        getattr(notifykit, name)
    assert not hasattr(notifykit, name)


@pytest.mark.parametrize(
    "package",
    [
        "notifykit",
        "notifykit.plugin",
        "notifykit.testing",
        "notifykit.testing.contracts",
        "notifykit_kwtsms",
        "notifykit_kwtsms.sandbox",
    ],
)
def test_type_checkers_see_the_names_that_python_loads(package: str) -> None:
    """Each from the module that has it: they read the imports, and Python reads the table."""
    module = importlib.import_module(package)
    assert module.__file__ is not None
    tree = ast.parse(pathlib.Path(module.__file__).read_text(encoding="utf-8"))
    guarded = next(node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    imports = [node for node in guarded.body if isinstance(node, ast.ImportFrom)]
    homes = {alias.asname: node.module for node in imports for alias in node.names if alias.name != "*"}
    if any(alias.name == "*" for node in imports for alias in node.names):
        homes |= dict.fromkeys(set(notifykit.__all__) - {"__version__"}, "notifykit")
    assert set(homes) == set(module.__all__) - {"__version__"}
    for name, home in homes.items():
        assert home is not None
        assert getattr(module, name) is getattr(importlib.import_module(home), name)


def test_the_import_for_authors_loads_only_what_is_used() -> None:
    """It has the names of the package too, and a sink does not pay for HTTP."""
    loaded = loaded_by("from notifykit.plugin import hookimpl, Event, Field, Settings, path")
    assert {"urllib3", "click", "ssl", "notifykit.http", "notifykit_kwtsms"} & loaded == set()
    plugin = importlib.import_module("notifykit.plugin")
    assert set(notifykit.__all__) - {"__version__"} < set(plugin.__all__) <= set(dir(plugin))
    with pytest.raises(AttributeError, match=r"module 'notifykit\.plugin' has no attribute 'Pigeon'"):
        _ = plugin.Pigeon


# --- public modules ---


def imported(source: str) -> Iterator[str]:
    """Yield the modules of notifykit that a source imports, wherever in it the import stands."""
    for node in ast.walk(ast.parse(source)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
        if isinstance(node, ast.ImportFrom):
            # A module that is imported from its package counts, and not the package.
            inner = [f"{node.module}.{name}" for name in names]
            names = [module if module in MODULES else str(node.module) for module in inner]
        yield from (name for name in names if name.partition(".")[0] == "notifykit")


def modules() -> frozenset[str]:
    """Return all modules of notifykit."""
    assert notifykit.__file__
    folder = pathlib.Path(notifykit.__file__).parent
    files = (file.relative_to(folder.parent).with_suffix("") for file in folder.rglob("*.py"))
    return frozenset(".".join(file.parts).removesuffix(".__init__") for file in files)


MODULES: Final = modules()


def sources(where: str) -> Iterator[tuple[str, str]]:
    """Yield the Python of a place, each with its name."""
    if where in ("docs", "README.md"):
        pages = (ROOT / "docs").rglob("*.md") if where == "docs" else [ROOT / where]
        for page in pages:
            for number, block in enumerate(re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.M | re.S)):
                yield f"{page.name}, block {number}", block
    elif where == "scaffold":
        for file in (pathlib.Path(str(notifykit.__file__)).parent / "cli" / "scaffold").rglob("*.py.tmpl"):
            names = {"module": "acme", "class_name": "Acme", "name": "acme", "variable": "ACME", "summary": "Acme."}
            yield f"{file.parent.name}/{file.name}", string.Template(file.read_text("utf-8")).substitute(names)
    else:
        found = importlib.util.find_spec(where) if where == "notifykit_kwtsms" else None
        folder = pathlib.Path(found.origin).parent if found and found.origin else ROOT / where
        for file in folder.rglob("*.py"):
            yield str(file.relative_to(folder)), file.read_text("utf-8")


@pytest.mark.parametrize("where", ["notifykit_kwtsms", "examples", "docs", "README.md", "scaffold"])
def test_others_import_only_public_modules(where: str) -> None:
    """The page lists them; another one is made public there."""
    taken = [(module, place) for place, source in sources(where) for module in imported(source)]
    assert taken
    assert [(module, place) for module, place in taken if module not in PUBLIC] == []


def _is_there(module: str) -> bool:
    """Return whether a module has a file: importing those of integrations needs their libraries."""
    top, *rest = module.split(".")
    spec = importlib.util.find_spec(top)
    assert spec is not None
    assert spec.origin is not None
    path = pathlib.Path(spec.origin).parent.joinpath(*rest)
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def test_the_public_modules_are_there_and_the_pipeline_is_not_among_them() -> None:
    """A name in the list that is no module would allow nothing."""
    assert len(PUBLIC) > 20
    assert [module for module in PUBLIC if not _is_there(module)] == []
    private = ("notifykit.pipeline", "notifykit.plugins", "notifykit.durable", "notifykit.http.pool")
    assert [module for module in PUBLIC for package in private if f"{module}.".startswith(f"{package}.")] == []
