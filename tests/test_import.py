"""What ``import notifykit`` costs, and what it offers."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import notifykit

HEAVY = ("urllib3", "click", "pluggy", "dotenv", "attrs", "ssl", "asyncio", "notifykit_kwtsms")


def loaded_by(statement: str) -> set[str]:
    """Return the names of the modules that a fresh interpreter has loaded after a statement, and not before it."""
    code = f"import sys; before = set(sys.modules); {statement}; print(*set(sys.modules) - before)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    return set(done.stdout.split())


def test_importing_the_package_loads_nothing_heavy() -> None:
    """Names are loaded when they are first used, so the import alone costs next to nothing."""
    loaded = loaded_by("import notifykit")
    assert "notifykit" in loaded
    assert [name for name in HEAVY if name in loaded] == []
    assert {name for name in loaded if name.startswith("notifykit")} == {"notifykit"}


def test_building_a_notifier_loads_no_http_client_and_no_command_line() -> None:
    """Whoever sends to memory pays for neither."""
    statement = (
        "from notifykit import Notifier, PluginHost; "
        "Notifier('memory', host=PluginHost(entry_points=False)).send('96598765432', 'hello')"
    )
    assert {"urllib3", "click", "dotenv"} & loaded_by(statement) == set()


@pytest.mark.parametrize("name", notifykit.__all__)
def test_every_public_name_can_be_used(name: str) -> None:
    """It is there, it is listed, and it comes from this package."""
    value = getattr(notifykit, name)
    assert name in dir(notifykit)
    assert getattr(value, "__module__", "notifykit").split(".")[0] in ("notifykit", "pluggy")
    assert value == getattr(notifykit, name)


def test_the_public_names_are_listed_once_each() -> None:
    """And the same names are known to those who load them and to type checkers."""
    assert len(set(notifykit.__all__)) == len(notifykit.__all__)
    assert set(notifykit._HOME) | {"__version__"} == set(notifykit.__all__)
    namespace: dict[str, object] = {}
    exec("from notifykit import *", namespace)
    assert set(notifykit.__all__) <= set(namespace)


@pytest.mark.parametrize("name", ["Notifer", "errors_", "_private", ""])
def test_a_name_that_is_not_there_is_an_attribute_error(name: str) -> None:
    """As it is for any module, so that ``hasattr`` and ``import`` work as ever."""
    with pytest.raises(AttributeError, match=f"module 'notifykit' has no attribute '{name}'"):
        getattr(notifykit, name)
    assert not hasattr(notifykit, name)
