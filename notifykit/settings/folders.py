"""The folder in which the processes of one user share rate limits and counters."""

from __future__ import annotations

import contextlib
import os
import pathlib
import stat
from typing import Final

from notifykit.errors import ConfigError

#: What several users need, for errors.
SHARED_FOLDER: Final = "several users need one of a group that all of them are in, mode 2770"


def state_folder(state_dir: str | None = None) -> pathlib.Path:
    """Return the folder that processes share; it is created with mode 0700 if there is none.

    :param state_dir: the folder; None for the user's own. If processes of different users share an account, give one
        that all of them can write to, like one with mode 2770: the files in it are open to the same users.
    :raises OSError: if it can't be used.
    """
    folder = pathlib.Path(state_dir).absolute() if state_dir else own_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not state_dir and not _is_own(folder.lstat() if folder == _temporary_folder() else folder.stat()):
        raise PermissionError(f"{folder} belongs to another user")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(f"{folder} can't be written to")
    return folder


def own_folder() -> pathlib.Path:
    """Return the user's own folder, the same for a login, cron and a service: :func:`lasting_folder`.

    If the home is missing, read-only or another user's, it is the one that systemd keeps for the service
    (``StateDirectory=``), else one in the temporary folder. The system's folder for run-time files exists only while the
    user is logged in.
    """
    with contextlib.suppress(ConfigError, OSError):
        folder = lasting_folder()
        there = next(parent for parent in (folder, *folder.parents) if parent.exists())
        if _is_own(there.stat()) and os.access(there, os.W_OK | os.X_OK):
            return folder
    service = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if os.path.isabs(service) and os.access(service, os.W_OK | os.X_OK):  # noqa: PTH117 - it may be empty
        return pathlib.Path(service)
    return _temporary_folder()


def is_temporary(folder: pathlib.Path) -> bool:
    """Return whether a folder is the one in the temporary folder, which a restart of the machine may empty."""
    return folder == _temporary_folder()


def lasting_folder() -> pathlib.Path:
    """Return the user's folder for state, which a restart of the machine keeps; it may not exist yet.

    :raises ConfigError: for a user without a home.
    """
    import platformdirs

    with contextlib.suppress(RuntimeError):  # newer versions raise it, older ones return a path that begins with ~
        folder = platformdirs.user_state_path("notifykit", appauthor=False)
        if folder.is_absolute():
            return folder
    raise ConfigError("state_dir: this user has no home: set NOTIFYKIT_STATE_DIR to a folder that it can write to")


def _temporary_folder() -> pathlib.Path:
    import tempfile

    user = f"-{os.getuid()}" if hasattr(os, "getuid") else ""
    return pathlib.Path(tempfile.gettempdir()) / f"notifykit{user}"


def _is_own(status: os.stat_result) -> bool:
    """Return whether it is this user's, and no link: other users can put links into the temporary folder."""
    return not hasattr(os, "getuid") or (status.st_uid == os.getuid() and not stat.S_ISLNK(status.st_mode))
