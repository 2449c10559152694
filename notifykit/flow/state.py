"""The folder in which the processes of one user leave each other word."""

from __future__ import annotations

import os
import pathlib
import stat


def state_folder(state_dir: str | None = None) -> pathlib.Path:
    """Return the folder, made where there is none.

    :param state_dir: the folder; without one a folder of this user in the machine's temporary folder. Give one that
        several users can write to where processes of different users share an account.
    :raises OSError: where it can't be used.
    """
    folder = pathlib.Path(state_dir).absolute() if state_dir else own_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not state_dir:
        _insist_on_own(folder)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(f"{folder} can't be written to")
    return folder


def own_folder() -> pathlib.Path:
    """Return one folder for all of the user's processes, whatever started them: a login, cron or a service."""
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    common = pathlib.Path("/tmp")  # noqa: S108 - the folder in it is checked to be the user's own
    if os.access(common, os.W_OK):
        return common / f"notifykit-{user}"
    import tempfile

    return pathlib.Path(tempfile.gettempdir()) / f"notifykit-{user}"


def _insist_on_own(folder: pathlib.Path) -> None:
    """Refuse a folder that somebody else put in our place."""
    status = folder.lstat()
    if hasattr(os, "getuid") and (stat.S_ISLNK(status.st_mode) or status.st_uid != os.getuid()):
        raise PermissionError(f"{folder} belongs to somebody else")
