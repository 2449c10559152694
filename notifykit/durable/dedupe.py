"""Whether an address has gone by before, among any number of them, in constant memory."""

from __future__ import annotations

import hashlib
import sqlite3
from typing import Self


class Seen:
    """The addresses of one order, in a file of its own that vanishes with it. Only hashes of them are in it."""

    def __init__(self) -> None:
        self._file = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        for setting in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-16384"):
            self._file.execute(f"PRAGMA {setting}")
        self._file.execute("CREATE TABLE seen (address BLOB PRIMARY KEY) WITHOUT ROWID")
        self._file.execute("BEGIN")

    def again(self, address: str) -> bool:
        """Return whether an address has gone by before, and remember it."""
        digest = hashlib.blake2b(address.encode("utf-8", "replace"), digest_size=16).digest()
        return self._file.execute("INSERT OR IGNORE INTO seen VALUES (?)", (digest,)).rowcount == 0

    def close(self) -> None:
        """Let the file vanish."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
