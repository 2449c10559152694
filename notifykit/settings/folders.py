"""The folder in which the processes of one user share rate limits and counters, and the key beside the settings."""

from __future__ import annotations

import contextlib
import os
import pathlib
import stat
from typing import Final

from notifykit.errors import ConfigError

#: What several users need, for errors.
SHARED_FOLDER: Final = "several users need one of a group that all of them are in, mode 2770"
_KEY_FILE: Final = ".notifykit.key"
_KEY_SIZE: Final = 32


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


def key_beside(directory: pathlib.Path) -> bytes:
    """Return the key in a folder; make one where there is none.

    :raises ConfigError: if it can't be used.
    """
    file = directory / _KEY_FILE
    try:
        if not file.exists():
            _make_key(file)
        key = bytes.fromhex(file.read_text(encoding="ascii"))
        if len(key) != _KEY_SIZE:
            raise ValueError("not a key")
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"hash_key: {_KEY_FILE} beside the settings can't be used ({type(error).__name__}): "
            "delete it to get a new one, or set NOTIFYKIT_HASH_KEY"
        ) from error
    return key


def _make_key(file: pathlib.Path) -> None:
    """Make a key that appears whole or not at all, once, also where other processes make one at the same time."""
    import secrets
    import tempfile

    with tempfile.NamedTemporaryFile("w", dir=file.parent, prefix=_KEY_FILE, encoding="ascii") as draft:
        draft.write(secrets.token_bytes(_KEY_SIZE).hex())
        draft.flush()
        with contextlib.suppress(FileExistsError):
            os.link(draft.name, file)
