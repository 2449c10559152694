"""Files that spreadsheets write: which encoding they are in, and copies of what can be read only once."""

from __future__ import annotations

import codecs
import io
import os
import pathlib
import re
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterable
from typing import IO, Final, TextIO

import attrs

from notifykit.errors import ConfigError

_BOMS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: What Excel for Windows writes as "CSV" in an Arabic country.
_ARABIC: Final = "cp1256"
#: A Latin letter beside an Arabic one: no text in Windows-1256, but one in another old encoding.
_MIXED: Final = re.compile(r"[A-Za-z][\u0600-\u06ff]|[\u0600-\u06ff][A-Za-z]")
_CHUNK: Final = 1 << 20
#: So many problems of one file are listed.
_LISTED: Final = 10


class TableError(ConfigError):
    """A file that can't be used as a table. ``problems`` has every reason; no cell is in it."""

    def __str__(self) -> str:
        if len(self.problems) == 1:
            return self.problems[0]
        more = [f"and {len(self.problems) - _LISTED} more"] if len(self.problems) > _LISTED else []
        return "\n".join(f"- {problem}" for problem in (*self.problems[:_LISTED], *more))


def unreadable_rows(name: str, problems: Iterable[str], count: int) -> TableError:
    """Return the error for a table with lines that can't be read.

    :param problems: the first of them.
    :param count: how many there are.
    """
    shown = list(problems)[:_LISTED]
    more = [f"and {count - len(shown)} more"] if count > len(shown) else []
    lines = "\n".join(f"  - {problem}" for problem in (*shown, *more))
    return TableError(f"{name} can't be read as a table, so nothing is done:\n{lines}\nMend these lines.")


class Problems:
    """Counts the problems of a file, and keeps the first of them."""

    def __init__(self) -> None:
        #: The first of them.
        self.first: list[str] = []
        #: How many there are.
        self.count = 0

    def __call__(self, problem: str) -> None:
        """Add one."""
        self.count += 1
        if self.count <= _LISTED:
            self.first.append(problem)


@attrs.frozen
class TextFile:
    """A file on disk that can be read more than once."""

    #: What errors call it.
    name: str
    #: Where its content is.
    path: pathlib.Path
    #: The end of its name, in small letters; empty where it has none.
    suffix: str
    #: The encoding; None where it is not known yet.
    encoding: str | None = None
    #: What a person should know about how it is read; None for nothing.
    warning: str | None = None

    def decoded(self) -> TextFile:
        """Return the file with its encoding, for which it is read to its end unless it says it by its first bytes.

        :raises TableError: if it is no text.
        :raises OSError: if it can't be read.
        """
        with self.path.open("rb") as binary:
            start = binary.peek(4)
            encoding = next((name for bom, name in _BOMS if start.startswith(bom)), None)
            if encoding is not None:
                return attrs.evolve(self, encoding=encoding)
            if b"\0" in start:
                raise not_text(self.name)
            if _decodes(binary, "utf-8", lambda text: "\0" not in text):
                return attrs.evolve(self, encoding="utf-8-sig")
            binary.seek(0)
            if not _decodes(binary, _ARABIC, lambda text: not _MIXED.search(text) and "\0" not in text):
                raise not_text(self.name)
        warning = (
            f"{self.name} is not UTF-8, and is read as Windows-1256, in which Excel writes Arabic: look at the names in it "
            "with --dry-run. Saved as CSV UTF-8, nothing is guessed."
        )
        return attrs.evolve(self, encoding=_ARABIC, warning=warning)

    def open(self, newline: str | None = None) -> TextIO:
        """Open it as text."""
        return io.TextIOWrapper(self.path.open("rb"), self.encoding or "utf-8-sig", newline=newline)


def not_text(name: str) -> TableError:
    """Return the error for a file in an encoding that is not known."""
    return TableError(f"{name} is not UTF-8 text: save it as UTF-8 (in Excel: CSV UTF-8).")


def _decodes(binary: IO[bytes], encoding: str, plausible: Callable[[str], bool]) -> bool:
    """Return whether all bytes are text in an encoding, and every piece of it plausible."""
    decoder = codecs.getincrementaldecoder(encoding)()
    before = ""
    try:
        while chunk := binary.read(_CHUNK):
            text = before + decoder.decode(chunk)
            if not plausible(text):
                return False
            before = text[-1:] if encoding == _ARABIC else ""
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def text_file(file: str | os.PathLike[str]) -> TextFile:
    """Return a file; what can be read only once, such as a pipe, is copied first.

    :raises OSError: if it can't be read.
    """
    path = pathlib.Path(file)
    if path.exists() and not path.is_file():
        with path.open("rb") as stream:
            return attrs.evolve(copied(stream, str(path)), suffix=path.suffix.lower())
    return TextFile(str(path), path, path.suffix.lower())


def copied(stream: IO[bytes], name: str) -> TextFile:
    """Return a copy of a stream on disk, which only this user can read and which is deleted with this process.

    What it is, a workbook, JSON Lines or CSV, is seen by its first bytes.
    """
    descriptor, copy = tempfile.mkstemp(prefix="notifykit-")
    with os.fdopen(descriptor, "w+b") as target:
        shutil.copyfileobj(stream, target)
        target.seek(0)
        start = target.read(_CHUNK).removeprefix(codecs.BOM_UTF8).lstrip()
    suffix = ".xlsx" if start.startswith(b"PK\x03\x04") else ".jsonl" if start.startswith(b"{") else ".csv"
    found = _Copy(name, pathlib.Path(copy), suffix)
    weakref.finalize(found.owner, pathlib.Path(copy).unlink, missing_ok=True)
    return found


class _Owner:
    """Lives as long as a copy is used."""


@attrs.frozen
class _Copy(TextFile):
    """A copy that is deleted when nothing uses it any more."""

    #: What its deletion waits for.
    owner: _Owner = attrs.field(factory=_Owner, repr=False, eq=False)
