"""Files that nobody else may read and that are never half there."""

from __future__ import annotations

import contextlib
import os
import pathlib
import tempfile


def write_private(path: pathlib.Path, content: bytes) -> None:
    """Put a file in its place in one step, readable by its owner only; after any failure the old one is untouched.

    Where the path is a link, the file that it leads to is replaced, and the link stays.
    """
    target = pathlib.Path(os.path.realpath(path))
    handle, name = tempfile.mkstemp(prefix=f"{target.name}.", suffix=".tmp", dir=target.parent)  # with mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        pathlib.Path(name).replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            pathlib.Path(name).unlink()
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: pathlib.Path) -> None:
    """Make the new name survive a power cut, where folders can be opened."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
