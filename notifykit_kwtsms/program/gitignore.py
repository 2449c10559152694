"""Whether git would take a file with a password, and the line that keeps it from that."""

from __future__ import annotations

import fnmatch
import pathlib

from notifykit.errors import NotifyError


def exposing(path: pathlib.Path) -> pathlib.Path | None:
    """Return the ``.gitignore`` that lacks a line for a file; None outside git, and where a line is there.

    Only plain lines are understood. Where a cleverer one already covers the file, another line does no harm.
    """
    folder = path.absolute().parent
    root = next((parent for parent in (folder, *folder.parents) if (parent / ".git").exists()), None)
    if root is None:
        return None
    between = (folder, *(parent for parent in folder.parents if parent == root or root in parent.parents))
    if any(_covers(parent / ".gitignore", path.name) for parent in between):
        return None
    return root / ".gitignore"


def add(gitignore: pathlib.Path, name: str) -> None:
    """Add a line for files of this name, wherever in the checkout they are.

    :raises NotifyError: where it can't be written.
    """
    before = _read(gitignore)
    end = "\r\n" if "\r\n" in before else "\n"
    gap = "" if not before or before.endswith("\n") else end
    try:
        with gitignore.open("a", encoding="utf-8", newline="") as file:
            file.write(f"{gap}{name}{end}")
    except OSError as error:
        raise NotifyError(f"{gitignore.name} can't be written: {error.strerror or type(error).__name__}") from None


def _covers(gitignore: pathlib.Path, name: str) -> bool:
    lines = (line.strip().lstrip("/") for line in _read(gitignore).splitlines())
    return any(fnmatch.fnmatchcase(name, line) for line in lines if line and not line.startswith(("#", "!")))


def _read(gitignore: pathlib.Path) -> str:
    try:
        return gitignore.read_bytes().decode("utf-8", "replace")
    except OSError:
        return ""
