"""The files of a log: the one that is written to, and those that it was renamed to, compressed or not."""

from __future__ import annotations

import errno
import gzip
import importlib
import json
import os
import pathlib
import re
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, Final, TextIO

import attrs

#: ``sends.jsonl.1``, ``sends.jsonl.2.gz``, ``sends.jsonl-20261122``.
_ROTATED: Final = re.compile(r"[.-][0-9][0-9-]*(?:\.gz)?|\.gz")

_BRACE: Final = ord("{")


def find_files(path: pathlib.Path) -> list[pathlib.Path]:
    """Return the rotated files of a log, oldest first, and the file itself."""
    beside = path.parent.glob(f"{path.name}*") if path.parent.is_dir() else ()
    rotated = [file for file in beside if _ROTATED.fullmatch(file.name[len(path.name) :])]
    rotated.sort(key=lambda file: (file.stat().st_mtime, file.name))
    return [*rotated, *([path] if path.is_file() else [])]


def open_log(file: pathlib.Path) -> TextIO:
    """Open a file of a log, compressed or not. Bytes that are no UTF-8 spoil no more than their line."""
    if file.suffix == ".gz":
        return gzip.open(file, "rt", encoding="utf-8", errors="replace")
    return file.open(encoding="utf-8", errors="replace")


def _quick_reader() -> Callable[[bytes | str], Any]:
    """Return what reads a line: orjson where it is installed, which takes a third of the time."""
    try:
        loads: Callable[[bytes | str], Any] = importlib.import_module("orjson").loads
    except ImportError:
        return json.loads
    return loads


@attrs.frozen
class Part:
    """Lines of a file of a log: all of them, or those of a range of bytes."""

    #: The file.
    file: pathlib.Path
    #: The byte where the first line begins.
    start: int = 0
    #: The byte after the last line; None for the end that the file has when it is read.
    end: int | None = None
    #: Device and number of the file that was cut: after a rotation another one has its name. None for a whole file.
    inode: tuple[int, int] | None = None

    def open(self) -> BinaryIO | gzip.GzipFile:
        """Open the file where the first line begins.

        :raises OSError: where it can't be read, or is not the file that was cut.
        """
        if self.file.suffix == ".gz":
            return gzip.open(self.file, "rb")
        opened = self.file.open("rb")
        if self.inode is not None:
            found = os.fstat(opened.fileno())
            if (found.st_dev, found.st_ino) != self.inode:
                opened.close()
                raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), str(self.file))
            opened.seek(self.start)
        return opened


@attrs.define
class LogFiles:
    """The rows of several files, one by one."""

    #: The files, or parts of them, in the order in which they are read.
    files: Sequence[pathlib.Path | Part]
    #: Lines that are no JSON object, and compressed files whose end is missing.
    torn: int = 0
    #: Lines read.
    lines: int = 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield the row of each line that can be read.

        :raises OSError: where a file can't be read.
        """
        read = _quick_reader()
        for file in self.files:
            part = file if isinstance(file, Part) else Part(file)
            left = sys.maxsize if part.end is None else part.end - part.start
            with part.open() as opened:
                try:
                    for line in opened:
                        left -= len(line)
                        if left < 0:
                            break
                        if line[0] != _BRACE and not (line := line.strip()):
                            continue
                        self.lines += 1
                        try:
                            row = read(line)
                        except (ValueError, RecursionError):
                            row = _read_slowly(line)
                        if row.__class__ is dict:
                            yield row
                        else:
                            self.torn += 1
                except (EOFError, gzip.BadGzipFile, zlib.error):
                    self.torn += 1  # the end of a compressed file is missing: what came before is good


def _read_slowly(line: bytes) -> Any:
    """Return what a line says that another reader refused: bytes that are no UTF-8, NaN; None where it is torn."""
    try:
        return json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
