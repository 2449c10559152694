"""The key of the hashes that stand for addresses in logs: it lives beside the settings, and is made once."""

from __future__ import annotations

import contextlib
import os
import pathlib
import secrets
import tempfile
from typing import Final

from notifykit.errors import ConfigError

_KEY_FILE: Final = ".notifykit.key"
_KEY_SIZE: Final = 32


def key_beside(directory: pathlib.Path) -> bytes:
    """Return the key in a folder; make one where there is none.

    :raises ConfigError: where it can't be used.
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
    """Make a key that appears whole or not at all, once, whoever else is making one."""
    with tempfile.NamedTemporaryFile("w", dir=file.parent, prefix=_KEY_FILE, encoding="ascii") as draft:
        draft.write(secrets.token_bytes(_KEY_SIZE).hex())
        draft.flush()
        with contextlib.suppress(FileExistsError):
            os.link(draft.name, file)
