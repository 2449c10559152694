"""Fresh environments of Python for tests that install distributions; nothing is downloaded.

The project's wheel is built once in a session, also where xdist runs several workers. What an environment needs besides is
linked from where the tests run: the distributions that are asked for and those that they declare to need, no others.
"""

from __future__ import annotations

import fcntl
import importlib.metadata
import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Callable
from typing import Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

#: The sources: beside the tests, or where a run away from them says.
ROOT: Final = pathlib.Path(os.environ.get("NOTIFYKIT_SOURCE", pathlib.Path(__file__).parents[1]))
#: Options of pip that fetch nothing.
OFFLINE: Final = ("--quiet", "--disable-pip-version-check", "--no-index", "--no-deps")


def pip(*arguments: str | pathlib.Path, cwd: pathlib.Path | None = None) -> None:
    """Run pip of this environment, and fail with what it says."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", *arguments], capture_output=True, text=True, check=False, timeout=600, cwd=cwd
    )
    assert done.returncode == 0, done.stdout + done.stderr


def once(tmp_path_factory: pytest.TempPathFactory, name: str, fill: Callable[[pathlib.Path], object]) -> pathlib.Path:
    """Return a folder that the first of all workers to ask fills, and that the others find as it is.

    :param name: of the folder.
    :param fill: gets the empty folder; where it raises, the next one to ask begins anew.
    """
    folder = shared_base(tmp_path_factory) / name
    with folder.with_name(f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = folder / "done"
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            fill(folder)
            done.touch()
    return folder


def shared_base(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Return the folder of this session that all workers have."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def build_wheel(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Return the project's wheel, which the first of all workers to ask builds."""
    for needed in ("pip", "hatchling"):
        if importlib.util.find_spec(needed) is None:
            pytest.skip(f"this environment has no {needed} to build with")
    if not (ROOT / "pyproject.toml").exists():
        pytest.skip("the tests run away from the sources, so there is nothing to build")

    def build(folder: pathlib.Path) -> None:
        pip("wheel", *OFFLINE, "--no-build-isolation", "--wheel-dir", folder, ROOT)

    (wheel,) = once(tmp_path_factory, "wheel-of-notifykit", build).glob("*.whl")
    return wheel


def make(folder: pathlib.Path, wheel: pathlib.Path, *extras: str, also: tuple[str, ...] = ()) -> pathlib.Path:
    """Make an environment with the project's wheel and what it needs, and return its interpreter.

    :param extras: the project's extras whose distributions are there too.
    :param also: other distributions.
    """
    venv.EnvBuilder(symlinks=True, with_pip=False).create(folder)
    python = folder / "bin" / "python"
    site = packages(python)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    linked: set[tuple[str, frozenset[str]]] = set()
    pending = [Requirement(f"notifykit[{','.join(extras)}]"), *map(Requirement, also)]
    while pending:
        wanted = pending.pop()
        key = (canonicalize_name(wanted.name), frozenset(wanted.extras))
        if key in linked:
            continue
        linked.add(key)
        distribution = importlib.metadata.distribution(wanted.name)
        if key[0] != "notifykit":
            _link(distribution, site)
        for text in distribution.requires or ():
            needed = Requirement(text)
            asked = ({"extra": extra} for extra in (*wanted.extras, ""))
            if needed.marker is None or any(map(needed.marker.evaluate, asked)):
                pending.append(needed)
    return python


def packages(python: pathlib.Path) -> pathlib.Path:
    """Return where an environment has its packages, by its interpreter."""
    return pathlib.Path(sysconfig.get_path("purelib", vars={"base": str(python.parents[1])}))


def _link(distribution: importlib.metadata.Distribution, site: pathlib.Path) -> None:
    """Link a distribution's packages, modules and metadata."""
    for name in {file.parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}:
        target = site / name
        if not target.exists():
            target.symlink_to(str(distribution.locate_file(name)))
